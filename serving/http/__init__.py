"""What every request meets before and after an endpoint."""
