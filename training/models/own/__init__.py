"""Candidates of a shop's own."""
