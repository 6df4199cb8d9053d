"""A seeded shop with known truth: lifetimes, spend, feedback, a pilot of offers and campaigns."""

from typing import TYPE_CHECKING

from features.face import lazily

if TYPE_CHECKING:
    from simulation.oracle import oracle_churn_risk as oracle_churn_risk
    from simulation.oracle import true_effects as true_effects
    from simulation.shop import SimulatedShop as SimulatedShop
    from simulation.shop import simulate as simulate

WHERE = {
    "oracle_churn_risk": "simulation.oracle",
    "true_effects": "simulation.oracle",
    "SimulatedShop": "simulation.shop",
    "simulate": "simulation.shop",
}
if not TYPE_CHECKING:  # Type checkers would take any name for one of the package.
    __getattr__ = lazily(__name__, WHERE)
