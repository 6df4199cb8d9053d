"""A plan learnt from a pilot against an oracle and against the usual targeting, in simulated shops.

Run as `python -m benchmarks.campaigns`; prints the tables of docs/benchmarks.md.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.history.history import History
from offers.allocation.allocation import allocate
from offers.allocation.problem import NONE, Choice
from offers.catalogue.catalogue import OfferCatalogue
from offers.planning.campaign import Campaign
from offers.planning.plan import Plan
from offers.planning.planning import Models, plan_campaign
from offers.planning.prospects import expected_cost, prospects
from simulation import SimulatedShop, simulate, true_effects
from training.champions import load_scorer, load_uplift
from training.config import TrainingConfig
from training.evaluation import FloatArray
from training.panel.labels import Value
from training.pipeline import train
from training.registry.tracking import Tracker
from training.scoring.columns import STAGES
from training.uplift.pipeline import train_uplift

SEEDS, CUSTOMERS, DAYS = (0, 1, 2), 200_000, 1095
AS_OF, HORIZON_DAYS = "2025-10-01", 90
# The budget, for each customer who may get an offer.
BUDGET_EACH = 1.0
# The pilot was drawn from all stages, so the plan may offer to all of them.
CATALOGUE = OfferCatalogue.from_dict(
    {
        "defaults": {"stages": list(STAGES)},
        "offers": {
            "discount_10": {"kind": "discount", "cost_share": 0.1},
            "service_recovery": {"kind": "service_recovery", "fixed_cost": 8},
            "points": {"kind": "points", "fixed_cost": 2},
        },
    }
)
USUAL = "discount_10"


@dataclass(frozen=True)
class Truth:
    """What every offer would truly bring to every customer of a plan, in the order of its rows.

    `rule` is the true effect as far as it depends on what a shop can know; `effect` also knows who
    has left already and who would come anyway.
    """

    effect: FloatArray
    rule: pd.DataFrame
    profit: FloatArray
    cost: FloatArray
    allowed: np.ndarray

    @classmethod
    def of(cls, shop: SimulatedShop, made: Plan, scores: pd.DataFrame) -> Truth:
        """The true effects, at the forecast worth of a customer who is kept."""
        known = true_effects(shop, AS_OF, scores.index)
        effect = known[[f"effect_{o}" for o in CATALOGUE.ids]].to_numpy()
        order = known["p_none"].to_numpy()[:, None] + effect
        value = scores["order_value"].to_numpy()
        cost = np.column_stack(
            [expected_cost(o, value, order[:, i]) for i, o in enumerate(CATALOGUE)]
        )
        profit = effect * scores["clv_if_active"].to_numpy()[:, None] - cost
        rule = known[[f"rule_{o}" for o in CATALOGUE.ids]].set_axis(list(CATALOGUE.ids), axis=1)
        return cls(effect, rule, profit, cost, made.choices.allowed.to_numpy())

    def gained(self, offer: Choice) -> FloatArray:
        """True expected profit of a choice, shape (customers,)."""
        return np.asarray(np.where(offer == NONE, 0.0, _picked(self.profit, offer)))

    def spent(self, offer: Choice) -> float:
        """True expected cost of a choice."""
        return float(np.where(offer == NONE, 0.0, _picked(self.cost, offer)).sum())


def main() -> None:
    """Plan, compare and print."""
    print(
        "| seed | policy | offers | true cost | true profit | of the oracle's | of the rules' | "
        "plan less it |"
    )
    print("|---|---|---|---|---|---|---|---|")
    asleep = []
    for seed in SEEDS:
        shop = simulate(CUSTOMERS, DAYS, seed)
        made, scores = planned(shop)
        truth = Truth.of(shop, made, scores)
        choices = policies(made, scores, truth)
        for line in lines(seed, truth, choices):
            print("| " + " | ".join(line) + " |", flush=True)
        harmed = truth.effect[:, CATALOGUE.ids.index(USUAL)] < 0
        asleep.append(
            [int(_gets(choices[n], USUAL)[harmed].sum()) for n in ("plan", "risk, usual")]
        )
    print()
    print("| seed | made worse by the usual offer, and got it: plan | riskiest first | ratio |")
    print("|---|---|---|---|")
    for seed, (plan, risk) in zip(SEEDS, asleep, strict=True):
        print(f"| {seed} | {plan} | {risk} | {plan / max(risk, 1):.2f} |")


def planned(shop: SimulatedShop) -> tuple[Plan, pd.DataFrame]:
    """A plan by the code of the commands, and the scores of its customers."""
    history = History(shop.orders, shop.feedback, shop.offers, shop.customers)
    with tempfile.TemporaryDirectory() as place:
        tracker = Tracker(f"sqlite:///{place}/mlflow.db")
        train(history, AS_OF, TrainingConfig(horizon_days=HORIZON_DAYS), tracker)
        train_uplift(history, AS_OF, HORIZON_DAYS, tracker)
        models = Models(load_scorer(tracker, history), load_uplift(tracker))
        terms = Campaign("benchmark", CATALOGUE, 1.0, 0.1, 0.0)
        made = plan_campaign(history, AS_OF, models, terms)
        scores = models.scorer.score(history, AS_OF, reasons_for=0).set_index("customer_id")
    return made, scores.loc[made.choices.allowed.index]


def policies(made: Plan, scores: pd.DataFrame, truth: Truth) -> Mapping[str, Choice]:
    """The choices to compare, each at the same budget."""
    found, budget = made.choices.prospects, BUDGET_EACH * len(scores)
    cost = found.cost.to_numpy()
    usual = np.full(len(scores), CATALOGUE.ids.index(USUAL))
    average = found.uplift.mean().to_numpy() * scores["clv_if_active"].to_numpy()[:, None] - cost
    likely = average.argmax(axis=1)
    risk, value = scores["churn_risk"].to_numpy(), scores["clv"].to_numpy()
    oracle = np.where(truth.allowed, truth.profit, np.nan)
    # Who knows all rules of the effects, and of the customers what the plan knows.
    knowing = prospects(scores, CATALOGUE, Value(), truth.rule)
    return {
        "oracle": allocate(oracle, truth.cost, budget).offer,
        "true rules": allocate(knowing.profit.to_numpy(), knowing.cost.to_numpy(), budget).offer,
        "plan": allocate(made.choices.profit, cost, budget).offer,
        "risk, usual": _until(budget, -risk, usual, cost),
        "risk, best on average": _until(budget, -risk, likely, cost),
        "CLV, usual": _until(budget, -value, usual, cost),
        "CLV, best on average": _until(budget, -value, likely, cost),
    }


def lines(seed: int, truth: Truth, choices: Mapping[str, Choice]) -> Iterator[list[str]]:
    """One row of the table for every policy."""
    best, known = (truth.gained(choices[name]).sum() for name in ("oracle", "true rules"))
    plan = truth.gained(choices["plan"])
    for name, offer in choices.items():
        gained = truth.gained(offer)
        less = plan - gained
        margin = 1.96 * np.sqrt(len(less)) * less.std(ddof=1)
        difference = "" if name == "plan" else f"{less.sum():+,.0f} ± {margin:,.0f}"
        yield [
            str(seed),
            name,
            f"{(offer != NONE).sum():,}",
            f"{truth.spent(offer):,.0f}",
            f"{gained.sum():,.0f}",
            f"{gained.sum() / best:.0%}",
            f"{gained.sum() / known:.0%}",
            difference,
        ]


def _until(budget: float, order: FloatArray, offer: Choice, cost: FloatArray) -> Choice:
    """Offers in an order until the budget is spent."""
    first = np.argsort(order, kind="stable")
    spent = np.cumsum(_picked(cost, offer)[first])
    chosen = np.full(len(offer), NONE)
    within = first[spent <= budget]
    chosen[within] = offer[within]
    return chosen


def _picked(values: FloatArray, offer: Choice) -> FloatArray:
    return np.asarray(values[np.arange(len(offer)), np.maximum(offer, 0)])


def _gets(choice: Choice, offer: str) -> np.ndarray:
    return np.asarray(choice == CATALOGUE.ids.index(offer))


if __name__ == "__main__":
    main()
