"""What the service keeps: one database, embedded by default, or PostgreSQL by its URL."""
