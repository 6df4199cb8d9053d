"""What a shop adds in code of its own."""
