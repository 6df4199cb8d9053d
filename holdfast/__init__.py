"""The front door: the command line that composes the rooms."""
