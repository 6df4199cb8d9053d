"""What a campaign brought against its holdout."""
