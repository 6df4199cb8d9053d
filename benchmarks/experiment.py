"""Simulated campaigns with a known effect: how often the 95% intervals hold it.

Run as `python -m benchmarks.experiment`. An A/A campaign offers what changes nothing, an A/B
campaign what changes retention by 0 to 10 points. Spend has a long tail, forecasts are as good as
forecasts are, and customers are held out by hash, a tenth of them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from offers.draws import draw
from offers.effects import Outcomes, effect_table
from offers.sample_ratio import sample_ratio
from training.evaluation import FloatArray

CAMPAIGNS, CUSTOMERS = 1000, 10_000
OFFERS, SHARES = ("cashback", "gift", "points"), (0.5, 0.3, 0.2)
HOLDOUT, MARGIN, UPFRONT, CASHBACK = 0.1, 0.4, 0.5, 0.05
EFFECTS = {"A/A": 0.0, "A/B": 0.1}
# Logarithmic spread of customers' means and of spend around them; how far forecasts are off.
VALUE_SD, SPEND_SD, RISK_NOISE, VALUE_NOISE = 0.8, 0.6, 0.7, 0.4
FIGURES = ("retention", "net_spend", "incremental_profit")
SCOPES = {"points": "smallest offer", "total": "total"}


def main() -> None:
    """Print one table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--campaigns", type=int, default=CAMPAIGNS)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    asked = parser.parse_args()
    begun = time.perf_counter()
    rows = [
        row
        for kind, effect in EFFECTS.items()
        for row in judged(kind, effect, asked.campaigns, asked.customers)
    ]
    table = pd.DataFrame(rows)
    for row in [list(table), ["---"] * len(table.columns), *table.to_numpy().tolist()]:
        print("| " + " | ".join(map(str, row)) + " |")
    print(
        f"\n{asked.campaigns} campaigns of a kind, {asked.customers:,} customers in each: "
        f"{time.perf_counter() - begun:.0f} s."
    )


def judged(kind: str, effect: float, campaigns: int, customers: int) -> Iterator[dict[str, str]]:
    """One row for each figure, of the smallest offer and of all together."""
    runs = [run(f"{kind} {number}", effect, customers) for number in range(campaigns)]
    found = pd.concat([effects for effects, _ in runs])
    flagged = sum(mismatch for _, mismatch in runs)
    for (offer, figure), rows in found.groupby(["intended_offer", "figure"]):
        if offer not in SCOPES or figure not in FIGURES:
            continue
        truth = rows["truth"]
        errors = (rows["estimate"] - truth), (rows["unadjusted"] - truth)
        covered = (rows["low"] <= truth) & (truth <= rows["high"])
        without = (rows["unadjusted_low"] <= truth) & (truth <= rows["unadjusted_high"])
        yield {
            "campaigns": kind,
            "figure": str(figure),
            "of": SCOPES[str(offer)],
            "true effect": f"{truth.mean():.3g}",
            "mean estimate": f"{rows['estimate'].mean():.3g}",
            "covered, %": f"{100 * covered.mean():.1f}",
            "unadjusted covered, %": f"{100 * without.mean():.1f}",
            "variance saved, %": f"{100 * (1 - errors[0].var() / errors[1].var()):.1f}",
            "as reported, %": f"{100 * rows['variance_saved'].median():.1f}",
            "ratio flagged": str(flagged),
        }


def run(campaign: str, effect: float, customers: int) -> tuple[pd.DataFrame, bool]:
    """The effects that were measured beside the true ones, and whether the ratio was flagged."""
    random = np.random.default_rng(list(campaign.encode()))
    offer = random.choice(np.array(OFFERS, object), customers, p=SHARES)
    held_out = draw(campaign, "holdout", (f"c{number:06d}" for number in range(customers)))
    treated = held_out >= HOLDOUT
    stays = random.beta(1.2, 1.8, customers)
    value = random.lognormal(4.0, VALUE_SD, customers)
    after = np.minimum(stays + effect * random.random(customers), 1.0)
    chance = np.where(treated, after, stays)
    ordered = (random.random(customers) < chance).astype(np.float64)
    spread = random.lognormal(-(SPEND_SD**2) / 2, SPEND_SD, customers)
    spend = ordered * value * spread
    came = Outcomes(
        intended_offer=offer,
        treated=treated,
        forecasts=forecasts(random, stays, value),
        ordered=ordered,
        net_spend=spend,
        cost=np.where(treated, UPFRONT + CASHBACK * spend, 0.0),
        in_spend=np.zeros(customers),
        margin_rate=MARGIN,
    )
    cost = UPFRONT + CASHBACK * after * value
    gained = after - stays
    true = pd.DataFrame(
        {
            "retention": gained,
            "net_spend": gained * value,
            "incremental_profit": MARGIN * gained * value - cost,
        }
    )
    rows = pd.DataFrame({"intended_offer": offer, "arm": np.where(treated, "offer", "holdout")})
    rows = rows.assign(explored=False, propensity=np.where(treated, 1 - HOLDOUT, HOLDOUT))
    truth = truths(true, offer, treated)
    effects = effect_table(came).join(truth, on=["intended_offer", "figure"])
    return effects, bool(sample_ratio(rows)["mismatch"].iloc[-1])


def forecasts(random: np.random.Generator, stays: FloatArray, value: FloatArray) -> FloatArray:
    """Churn risk and expected spend, as a model would see them."""
    noise = random.normal(0.0, RISK_NOISE, len(stays))
    risk = 1.0 - expit(logit(np.clip(stays, 1e-6, 1 - 1e-6)) + noise)
    off = random.lognormal(-(VALUE_NOISE**2) / 2, VALUE_NOISE, len(value))
    return np.column_stack([risk, value * off * (1.0 - risk)])


def truths(true: pd.DataFrame, offer: np.ndarray, treated: np.ndarray) -> pd.Series:
    """The true effects of each offer on its customers, and of all, by figure."""
    means = true.groupby(offer).mean()
    counts = pd.Series(treated).groupby(offer).sum()
    weighted = means.mul(counts, axis=0)
    means.loc["total"] = weighted.sum() / counts.sum()
    counts["total"] = counts.sum()
    means["incremental_profit"] *= counts
    return means.melt(var_name="figure", value_name="truth", ignore_index=False).set_index(
        "figure", append=True
    )["truth"]


if __name__ == "__main__":
    main()
