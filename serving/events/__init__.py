"""What happens in the shop, told as it happens."""
