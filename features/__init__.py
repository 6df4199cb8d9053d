"""What the past says: one row per customer as of an instant."""
