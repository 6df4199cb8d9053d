"""`from training.clv import CLVModel`, for those who always imported it from here."""

from training.models.clv import CLVModel

__all__ = ["CLVModel"]
