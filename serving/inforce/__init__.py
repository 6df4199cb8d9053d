"""What is in force: champions and published scores, loaded again when they change."""
