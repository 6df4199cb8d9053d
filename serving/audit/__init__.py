"""What was done to the store, when and by whom."""
