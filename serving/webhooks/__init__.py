"""Others who are told of what happens: endpoints, and deliveries to them."""
