"""The answer over HTTP."""
