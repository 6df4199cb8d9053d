"""Customers as the last batch scored them."""
