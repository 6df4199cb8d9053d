"""Rows that are sent: what they must be, and how the history reads them."""
