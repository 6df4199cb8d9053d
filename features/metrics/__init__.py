"""What orders and feedback alone say of a shop, period by period."""
