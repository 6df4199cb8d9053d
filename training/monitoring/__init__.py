"""What became of forecasts."""
