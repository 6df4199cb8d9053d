"""Scores of customers whose history is in the request."""
