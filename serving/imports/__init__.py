"""A history of files or of another database, brought into the store."""
