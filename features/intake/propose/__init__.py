"""A mapping for an export that nobody has described, each guess with its evidence."""
