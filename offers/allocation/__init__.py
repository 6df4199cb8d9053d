"""At most one offer to each customer, for the most profit under a budget."""
