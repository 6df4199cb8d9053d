"""What a good campaign teaches a churn model, with and without labels that know who was treated.

Run as `python -m benchmarks.treated`. A simulated shop makes the best offer to everyone whom one
would help by 8 points or more, who are mostly at high risk, and holds out a fifth of them. A
model learns from the 90 days after the campaign and forecasts after them; beside it is what is
learnt from the same shop without the campaign.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd
import polars as pl

from features.clock import as_day
from features.history.history import History
from features.table import feature_table
from simulation import SimulatedShop, simulate, true_effects
from training.btyd.population import PopulationModel
from training.models.churn import ChurnModel
from training.panel.labels import Value
from training.panel.panel import labelled
from training.panel.snapshot import ForecastOrigin, Snapshot, TrainingSet

AT, LATER = datetime(2025, 10, 1), datetime(2025, 12, 31)
HORIZON, DAYS, CUSTOMERS = 90, 730, 6000
HOLDOUT, WORTH_IT = 0.2, 0.08


@dataclass(frozen=True)
class TrainingSets:
    """One shop: labels and risks of those whom an offer helps, by what was made of the treated.

    Attributes
    ----------
    truth : float
        True mean risk without an offer of those in the campaign.
    labels : dict
        Mean label of those in the campaign: `without` it, `blind` to it, `excluded` (the treated,
        where propensities are unknown), `weighted`.
    risks : dict
        Mean churn risk, the day after the window, of those whom an offer would help then: the same
        customers of the shop with the campaign, as each of the training sets has it.
    """

    truth: float
    labels: dict[str, float]
    risks: dict[str, float]


def main() -> None:
    """Print labels and risks of several shops, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    rows = []
    for seed in range(parser.parse_args().seeds):
        found = training_sets(seed)
        rows.append({"label, truth": found.truth} | _named("label", found.labels))
        rows[-1] |= _named("risk", found.risks)
    table = pd.DataFrame(rows)
    print("| | mean over shops | standard error |\n|---|---|---|")
    for name, values in table.items():
        print(f"| {name} | {values.mean():.4f} | {values.sem():.4f} |")
    for name in ("blind", "excluded", "weighted"):
        off = table[f"risk, {name}"] - table["risk, without"]
        print(f"| risk, {name} less without | {off.mean():+.4f} | {off.sem():.4f} |")


def training_sets(seed: int, customers: int = CUSTOMERS) -> TrainingSets:
    """Run the campaign in one shop, and learn from it in every way."""
    before = simulate(customers, DAYS, seed)
    truth = true_effects(before, AT)
    rows = campaign(truth, seed)
    shop = simulate(customers, DAYS, seed, rows)
    then = true_effects(shop, LATER)
    helped = then.index[then.filter(like="effect_").max(axis=1) >= WORTH_IT]
    table = feature_table(_history(shop, shop.offers), LATER, HORIZON)
    ids = pd.Index(rows["customer_id"].to_list())
    labels, risks = {}, {}
    for name, seen in _ways(before, shop):
        snapshot = first_snapshot(seen)
        if name == "blind":
            snapshot = replace(snapshot, weight=np.ones(len(snapshot)))
        chosen = snapshot.X.index.isin(ids)
        labels[name] = float(np.average(snapshot.churned[chosen], weights=snapshot.weight[chosen]))
        risks[name] = float(risk(table, snapshot)[helped].mean())
    return TrainingSets(float(1.0 - truth.loc[ids, "p_none"].mean()), labels, risks)


def campaign(truth: pd.DataFrame, seed: int) -> pl.DataFrame:
    """The best offer to everyone whom it helps enough, less a random fifth."""
    effects = truth.filter(like="effect_")
    effects = effects[effects.max(axis=1) >= WORTH_IT]
    best = effects.idxmax(axis=1).str.removeprefix("effect_").to_numpy(dtype=object)
    held = np.random.default_rng(seed).random(len(effects)) < HOLDOUT
    return pl.DataFrame(
        {
            "customer_id": effects.index.to_list(),
            "campaign_id": "save",
            "offered_at": AT,
            "offer_id": np.where(held, "none", best).tolist(),
            "intended_offer": best.tolist(),
            "propensity": np.where(held, HOLDOUT, 1.0 - HOLDOUT),
        }
    )


def first_snapshot(history: History) -> Snapshot:
    """The customers at the campaign, and what came of them."""
    past = history.upto(LATER)
    X = feature_table(past, AT, HORIZON)
    return labelled(past, as_day(AT), X, PopulationModel.of(X), HORIZON, Value())


def risk(X: pd.DataFrame, snapshot: Snapshot) -> pd.Series[float]:
    """The churn risk the day after the window, as learnt from this snapshot alone."""
    pace, _ = snapshot.pace(HORIZON)
    origin = ForecastOrigin(as_day(LATER), X, PopulationModel.of(X).at_pace(pace, HORIZON))
    model = ChurnModel("pool").learn([TrainingSet((snapshot,), HORIZON)], origin)
    return pd.Series(model.predict_proba(X)[:, 1], X.index)


def _ways(before: SimulatedShop, shop: SimulatedShop) -> list[tuple[str, History]]:
    unknown = shop.offers.with_columns(propensity=pl.lit(None, dtype=pl.Float64))
    known, blank = _history(shop, shop.offers), _history(shop, unknown)
    return [
        ("without", _history(before, before.offers)),
        ("blind", known),
        ("excluded", blank),
        ("weighted", known),
    ]


def _history(shop: SimulatedShop, offers: pl.DataFrame) -> History:
    return History(shop.orders, shop.feedback, offers, shop.customers)


def _named(what: str, figures: dict[str, float]) -> dict[str, float]:
    return {f"{what}, {name}": value for name, value in figures.items()}


if __name__ == "__main__":
    main()
