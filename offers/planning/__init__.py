"""From forecasts to a plan: whom to make which offer, and whom to hold out."""
