"""Uplift: what each offer changes, for whom, and how sure that is."""

from training.uplift.model import UpliftModel

__all__ = ["UpliftModel"]
