"""`from training.churn import ChurnModel`, for those who always imported it from here."""

from training.models.churn import ChurnModel

__all__ = ["ChurnModel"]
