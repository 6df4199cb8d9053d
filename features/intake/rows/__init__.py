"""Rows of a source: shaped, given back, set aside and told apart, until each is one of a table."""
