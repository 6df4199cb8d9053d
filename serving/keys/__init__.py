"""Keys: who may ask the service, and for what."""
