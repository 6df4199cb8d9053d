"""Every change of the store's tables, up and down."""
