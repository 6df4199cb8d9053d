"""A seeded shop with known truth: lifetimes, spend, feedback, a pilot of offers and campaigns."""

from simulation.oracle import oracle_churn_risk, true_effects
from simulation.shop import SimulatedShop, simulate

__all__ = ["SimulatedShop", "oracle_churn_risk", "simulate", "true_effects"]
