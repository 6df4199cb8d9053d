"""What happened in a shop, when, and when it became known; and the one cut in time."""
