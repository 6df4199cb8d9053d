"""Scores that were published: one run of the batch is in force, and replaced as a whole."""
