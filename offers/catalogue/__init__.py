"""What may be offered, and to whom."""
