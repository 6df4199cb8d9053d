"""Customers scored again as soon as something came in about them."""
