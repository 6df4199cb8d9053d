"""From a model and a feature table to scores with reasons."""
