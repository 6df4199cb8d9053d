"""What plans promise beside what they bring: totals and their intervals, over many pilots.

Run as `python -m benchmarks.promises [--shops N] [--pilots N]`. Shops of the demo's size are
simulated and their churn and value models trained once. On each, the pilot is drawn anew many
times: who is in it, who gets what, and who orders, by the true probabilities. What follows is the
product's own path: the uplift model learns from the rows of the pilot, a plan is made in October
under the demo's terms, and its treated customers bring their true effects at the forecast worth of
a customer who is kept, less the true expected cost. Not simulated anew are the months between
pilot and plan: the plan reads the history of the shop's first pilot, and its scores.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.history.history import History
from features.table import feature_table
from offers.catalogue.catalogue import OfferCatalogue
from offers.planning.campaign import Campaign
from offers.planning.plan import Plan
from offers.planning.planning import Models, Screened, plan_screened, screened
from offers.planning.prospects import expected_cost
from simulation import SimulatedShop, simulate, true_effects
from simulation.pilot import PILOT_SHARE, PROPENSITY
from training.btyd.population import PopulationModel
from training.champions import load_scorer
from training.config import TrainingConfig
from training.evaluation import FloatArray
from training.panel.panel import purchase_history
from training.pipeline import train
from training.registry.tracking import Tracker
from training.scoring.definition import Definition
from training.uplift import UpliftModel
from training.uplift.assignments import described
from training.uplift.scoring import UpliftScorer

CUSTOMERS, DAYS, HORIZON_DAYS = 8000, 1095, 90
AS_OF, BUDGET = "2025-10-01", 1500.0
CATALOGUE = OfferCatalogue.from_dict(
    {
        "offers": {
            "discount_10": {"kind": "discount", "cost_share": 0.1},
            "service_recovery": {
                "kind": "service_recovery",
                "fixed_cost": 8,
                "addresses": ["negative_feedback"],
            },
            "points": {"kind": "points", "fixed_cost": 2},
        }
    }
)


@dataclass(frozen=True)
class Prepared:
    """A shop, and all that its pilots have in common.

    Attributes
    ----------
    X : pandas.DataFrame
        Features at the pilot of those who consent.
    chances : pandas.DataFrame
        True probability of an order of the same customers: none and each offer.
    at_pilot, at_plan : UpliftScorer parts
        MBG/NBD before the pilot and the terms of the models.
    screened : Screened
        Customers of the plan with their scores.
    truth : pandas.DataFrame
        True probabilities and effects at the plan.
    """

    X: pd.DataFrame
    chances: pd.DataFrame
    btyd: PopulationModel
    definition: Definition
    models: Models
    screened: Screened
    truth: pd.DataFrame


def main() -> None:
    """Print a row per shop and the totals, in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shops", type=int, default=10)
    parser.add_argument("--pilots", type=int, default=20)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--first", type=int, default=0, help="seed of the first shop")
    given = parser.parse_args()
    rows = []
    for shop in range(given.first, given.first + given.shops):
        prepared = prepare(simulate(given.customers, DAYS, shop))
        for pilot in range(given.pilots):
            rows.append({"shop": shop, **promise(prepared, [shop, pilot])})
            print(rows[-1], file=sys.stderr, flush=True)
    print_table(pd.DataFrame(rows))


def prepare(shop: SimulatedShop) -> Prepared:
    """Train the models and describe the customers once."""
    history = History(shop.orders, shop.feedback, shop.offers, shop.customers)
    consents = shop.customers.to_pandas().set_index("customer_id")["marketing_consent"]
    with tempfile.TemporaryDirectory() as place:
        tracker = Tracker(f"sqlite:///{place}/mlflow.db")
        train(history, AS_OF, TrainingConfig(horizon_days=HORIZON_DAYS), tracker)
        models = Models(load_scorer(tracker, history))
    past = history.at(AS_OF).coded()
    btyd = PopulationModel.of_purchases(purchase_history(past.upto(shop.pilot_at)))
    X = feature_table(history, shop.pilot_at, HORIZON_DAYS)
    X = described(X[consents.reindex(X.index).to_numpy(dtype=bool)], btyd, HORIZON_DAYS)
    truth = shop.truth.to_pandas().set_index("customer_id").loc[X.index]
    terms = Campaign("promises", CATALOGUE, BUDGET)
    return Prepared(
        X,
        truth[[f"p_{name}" for name in PROPENSITY]].set_axis(list(PROPENSITY), axis=1),
        btyd,
        Definition.of(past, HORIZON_DAYS),
        models,
        screened(history, AS_OF, models, terms.catalogue),
        true_effects(shop, AS_OF),
    )


def promise(prepared: Prepared, seed: list[int]) -> dict[str, float]:
    """Draw a pilot, learn, plan, and hold the plan's total against the truth."""
    rng = np.random.default_rng(seed)
    size = min(round(PILOT_SHARE * len(prepared.truth)), len(prepared.X))
    rows = np.sort(rng.permutation(len(prepared.X))[:size])
    X, chances = prepared.X.iloc[rows], prepared.chances.iloc[rows]
    arm = rng.choice(len(PROPENSITY), size, p=list(PROPENSITY.values()))
    outcome = rng.random(size) < chances.to_numpy()[np.arange(size), arm]
    offer = np.array(list(PROPENSITY), dtype=object)[arm]
    propensity = np.array(list(PROPENSITY.values()))[arm]
    model = UpliftModel().fit(X, outcome.astype(np.float64), offer, propensity)
    uplift = UpliftScorer(model, prepared.btyd, prepared.definition)
    models = Models(prepared.models.scorer, uplift)
    terms = Campaign(f"promises {seed}", CATALOGUE, BUDGET)
    made = plan_screened(prepared.screened, models, terms)
    found = made.promise
    return {
        "promised": found.profit,
        "low": found.low,
        "high": found.high,
        "true": true_profit(made, prepared.truth),
        "treated": len(made.treated),
        "pilot": size,
        "observations": found.observations,
    }


def true_profit(made: Plan, truth: pd.DataFrame) -> float:
    """True effects x worth, less the true expected cost, of the treated."""
    treated = made.treated.set_index("customer_id")
    worth = made.choices.prospects.order_value.loc[treated.index].to_numpy()
    known, total = truth.loc[treated.index], 0.0
    for offer in CATALOGUE:
        mine = (treated["intended_offer"] == offer.id).to_numpy()
        effect = known.loc[mine, f"effect_{offer.id}"].to_numpy()
        p_order = known.loc[mine, "p_none"].to_numpy() + effect
        gained = effect * treated.loc[mine, "clv_if_active"].to_numpy()
        total += float((gained - expected_cost(offer, worth[mine], p_order)).sum())
    return total


def print_table(rows: pd.DataFrame) -> None:
    """Print a row per shop and one of all."""
    columns = (
        "shop", "pilots", "pilot rows", "treated", "promised", "true", "promised / true",
        "interval holds the truth", "width of the interval",
    )  # fmt: skip
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for name, part in [*_by_shop(rows), ("all", rows)]:
        held = ((part["low"] <= part["true"]) & (part["true"] <= part["high"])).mean()
        cells = [
            f"{len(part)}", f"{part['pilot'].mean():,.0f}", f"{part['treated'].mean():,.0f}",
            f"{part['promised'].mean():,.0f}", f"{part['true'].mean():,.0f}",
            f"{part['promised'].sum() / part['true'].sum():.2f}", f"{held:.1%}",
            f"{(part['high'] - part['low']).mean():,.0f}",
        ]  # fmt: skip
        print("| " + " | ".join([name, *cells]) + " |")
    ratio, error = ratio_of_sums(rows["promised"], rows["true"], rows["shop"])
    print(f"\nSum promised over sum true: {ratio:.2f}, standard error over shops {error:.2f}")
    below, above = (rows["true"] < rows["low"]).mean(), (rows["true"] > rows["high"]).mean()
    print(f"The truth was below the interval in {below:.1%} and above it in {above:.1%}")


def ratio_of_sums(promised: pd.Series, true: pd.Series, shop: pd.Series) -> tuple[float, float]:
    """Ratio of two sums and its standard error, linearised, with shops as clusters.

    Examples
    --------
    >>> ratio_of_sums(pd.Series([1.0, 3.0]), pd.Series([2.0, 2.0]), pd.Series([0, 1]))
    (1.0, 0.5)
    """
    ratio = float(promised.sum() / true.sum())
    off: FloatArray = (promised - ratio * true).groupby(shop).sum().to_numpy()
    scale = len(off) / (len(off) - 1) if len(off) > 1 else float("nan")
    return ratio, float(np.sqrt(scale * (off**2).sum()) / abs(true.sum()))


def _by_shop(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for shop, part in rows.groupby("shop"):
        yield str(shop), part


if __name__ == "__main__":
    main()
