"""Where runs and models are kept, and which version is in force."""
