"""A seeded shop with known truth: lifetimes, spend, feedback and a randomised pilot of offers."""

from features.simulate.shop import SimulatedShop, oracle_churn_risk, simulate

__all__ = ["SimulatedShop", "oracle_churn_risk", "simulate"]
