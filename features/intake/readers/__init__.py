"""Any table file a shop exports, read as text without losing a row."""
