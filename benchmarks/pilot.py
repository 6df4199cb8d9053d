"""Uplift learnt from randomised pilots, beside the true effects and beside plain learners.

Run as `python -m benchmarks.pilot [worlds] [shop]`, by default both. `worlds` has made-up tests of
5,000 and 30,000 customers, see `benchmarks.worlds`. In `shop` the pilot is a fifth of those who
consent in a simulated shop; judged are all customers at the instant of the pilot.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.uplift_contest import FAMILY_ERROR, contest, differences, means
from benchmarks.worlds import WORLDS
from features.history.history import History
from features.intake.mapping import Mapping
from features.table import feature_table
from simulation import SimulatedShop, simulate
from training.uplift import UpliftModel
from training.uplift.evidence import groups_by_fold

MAPPING = Mapping.from_dict({"currency": "EUR", "customers": {"static": ["channel"]}})
HORIZON_DAYS = 90
PARTS = ("worlds", "shop")


def main() -> None:
    """Print the tables that were asked for, in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", help="worlds, shop, or both")
    parser.add_argument("--sizes", type=int, nargs="+", default=[5000, 30_000])
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), choices=list(WORLDS))
    parser.add_argument("--seeds", type=int, default=5, help="of the worlds")
    parser.add_argument("--first", type=int, default=0, help="seed of the first draw of a world")
    parser.add_argument("--customers", type=int, default=100_000, help="of the shop")
    parser.add_argument("--shops", type=int, default=3)
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"parts must be of {PARTS}; got {sorted(unknown)}")
    if "worlds" in (given.parts or PARTS):
        seeds = range(given.first, given.first + given.seeds)
        print_worlds(contest(given.sizes, seeds, given.worlds))
    if "shop" in (given.parts or PARTS):
        print_shops(given.customers, given.shops)


def print_worlds(rows: pd.DataFrame) -> None:
    """Print means over seeds, then the differences of ours from each peer."""
    titles = {"qini": ("Qini by true effects", 3), "money": ("profit per 1,000 customers", 1)}
    for figure, (title, digits) in titles.items():
        table = means(rows, figure)
        _line([title, "customers", *map(str, table.columns)], head=True)
        for (world, customers), values in table.iterrows():
            shown = ["-" if np.isnan(v) else f"{v:.{digits}f}" for v in values]
            _line([world, f"{customers:,}", *shown])
        print()
    found = differences(rows)
    peers = list(found["peer"].unique())
    _line(["ours less the peer's (standard error)", "customers", "figure", *peers], head=True)
    for (world, customers, figure), part in found.groupby(
        ["world", "customers", "figure"], sort=False
    ):
        digits = titles[str(figure)][1]
        cells = [
            f"{r['ours_ahead']:+.{digits}f} ({r['standard_error']:.{digits}f})"
            + ("!" if r["survives"] else "")
            for r in part.to_dict("records")
        ]
        _line([str(world), f"{customers:,}", str(figure), *cells])
    alone = int((found["p_of_loss"] < FAMILY_ERROR).sum())
    print(
        f"\n{len(found)} comparisons; losses at 5% taken alone: {alone}; that survive Holm's "
        f"correction, marked !: {int(found['survives'].sum())}.\n"
    )


def print_shops(customers: int, shops: int) -> None:
    """Print a row per shop and offer."""
    columns = (
        "seed", "pilot", "learner", "offer", "mean effect", "true mean", "correlation",
        "groups holding the truth",
    )  # fmt: skip
    _line(list(columns), head=True)
    for seed in range(shops):
        for row in judge(simulate(customers, seed=seed)):
            _line([str(seed), *row])


def _line(cells: list[str], head: bool = False) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)
    if head:
        print("|" + "---|" * len(cells), flush=True)


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
