"""What models learn from: labelled snapshots of a history, spaced in time."""
