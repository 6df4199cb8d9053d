"""What to do about it: which offer to make to whom. Pure decisions, no input or output."""
