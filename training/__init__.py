"""What the future held, and the models that learn it."""
