"""Uplift learnt from a simulated shop's randomised pilot, beside the true effects.

Run as `python -m benchmarks.pilot [--customers N] [--seeds K]`. The pilot is a fifth of those who
consent; judged are all customers at the instant of the pilot.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd

from features.history.history import History
from features.intake.mapping import Mapping
from features.table import feature_table
from simulation import SimulatedShop, simulate
from training.uplift import UpliftModel
from training.uplift.evidence import groups_by_fold

MAPPING = Mapping.from_dict({"currency": "EUR", "customers": {"static": ["channel"]}})
HORIZON_DAYS = 90


def main() -> None:
    """Print a Markdown table with a row per seed and offer."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    columns = (
        "seed", "pilot", "learner", "offer", "mean effect", "true mean", "correlation",
        "groups holding the truth",
    )  # fmt: skip
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns), flush=True)
    for seed in range(given.seeds):
        for row in judge(simulate(given.customers, seed=seed)):
            print(f"| {seed} | " + " | ".join(row) + " |", flush=True)


def judge(shop: SimulatedShop) -> Iterator[list[str]]:
    """Cells of a row per offer."""
    history = History(shop.orders, shop.feedback, shop.offers, shop.customers, mapping=MAPPING)
    X = feature_table(history, shop.pilot_at, HORIZON_DAYS)
    truth = shop.truth.to_pandas().set_index("customer_id").loc[X.index]
    offers = shop.offers.to_pandas().set_index("customer_id")
    pilot = truth.loc[offers.index]
    given = offers["offer_id"].to_numpy()
    outcome = np.select(
        [given == name for name in set(given)],
        [pilot[f"outcome_{name}"].astype(float) for name in set(given)],
    )
    model = UpliftModel().fit(X.loc[offers.index], outcome, given, offers["propensity"])
    predicted = model.predict(X)
    for place, offer in enumerate(model.offers_):
        effect = truth[f"effect_{offer}"]
        held, groups = _held(model, place, pilot[f"effect_{offer}"].to_numpy())
        yield [
            str(len(offers)),
            f"{model.learner_}, {model.rounds_} rounds",
            offer,
            f"{predicted[offer].mean():.3f}",
            f"{effect.mean():.3f}",
            f"{_correlation(predicted[offer], effect):.2f}",
            f"{held} of {groups}",
        ]


def _held(model: UpliftModel, place: int, effect: np.ndarray) -> tuple[int, int]:
    """How many of an offer's groups have an interval that holds their true mean effect."""
    evidence = model.evidence_
    group = groups_by_fold(evidence.effects[:, place], evidence.fold)
    true = pd.Series(effect).groupby(group).mean()
    table = model.effects_[model.effects_["offer"] == evidence.offers[place]].set_index("group")
    held = (table["low"] <= true) & (true <= table["high"])
    return int(held.sum()), len(table)


def _correlation(predicted: pd.Series, effect: pd.Series) -> float:
    if predicted.min() == predicted.max():
        return 0.0
    return float(np.corrcoef(predicted, effect)[0, 1])


if __name__ == "__main__":
    main()
