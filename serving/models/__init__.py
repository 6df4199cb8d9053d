"""Registered models, and which of them are in force."""
