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

from offers.measurement.comparison import Mask, difference
from offers.measurement.effects import Outcomes, effect_table
from offers.measurement.sample_ratio import sample_ratio
from offers.planning.randomisation import draw
from training.evaluation import FloatArray

CAMPAIGNS, CUSTOMERS = 1000, 10_000
OFFERS, SHARES = ("cashback", "gift", "points"), (0.5, 0.3, 0.2)
HOLDOUT, MARGIN, UPFRONT, CASHBACK = 0.1, 0.4, 0.5, 0.05
EFFECTS = {"A/A": 0.0, "A/B": 0.1}
# Logarithmic spread of customers' means and of spend around them; how far forecasts are off.
VALUE_SD, SPEND_SD, RISK_NOISE, VALUE_NOISE = 0.8, 0.6, 0.7, 0.4
FIGURES = ("retention", "net_spend", "incremental_profit")
SMALL = (600, 1200, 3000)
SCOPES = {"points": "smallest offer", "total": "total"}


def main() -> None:
    """Print both tables, in Markdown."""
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
    _print(rows)
    _print([slopes(customers, asked.campaigns) for customers in SMALL])
    print(
        f"{asked.campaigns} campaigns of a kind, {asked.customers:,} customers in each: "
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


def run(name: str, effect: float, customers: int) -> tuple[pd.DataFrame, bool]:
    """The effects that were measured beside the true ones, and whether the ratio was flagged."""
    came, true = campaign(name, effect, customers)
    arm = np.where(came.treated, "offer", "holdout")
    rows = pd.DataFrame({"intended_offer": came.intended_offer, "arm": arm})
    share = np.where(came.treated, 1 - HOLDOUT, HOLDOUT)
    ratio = sample_ratio(rows.assign(explored=False, propensity=share))
    truth = truths(true, came.intended_offer, came.treated)
    effects = effect_table(came).join(truth, on=["intended_offer", "figure"])
    return effects, bool(ratio["mismatch"].iloc[-1])


def slopes(customers: int, campaigns: int) -> dict[str, str]:
    """What adjustment of the net spend saves with slopes common to the arms, and with Lin's."""
    errors, held = [], 0
    for number in range(campaigns):
        came, true = campaign(f"A/B {number}", EFFECTS["A/B"], customers)
        parts, truth = (came.net_spend, came.treated, came.forecasts), true["net_spend"].mean()
        plain, common = difference(*parts[:2], parts[2][:, :0]), difference(*parts)
        low, high = common.interval()
        held += low <= truth <= high
        errors.append(np.array([plain.value, common.value, by_products(*parts)]) - truth)
    variance = np.var(errors, axis=0)
    return {
        "customers": f"{customers:,}",
        "held out": f"{customers * HOLDOUT:.0f}",
        "covered, %": f"{100 * held / campaigns:.1f}",
        "saved with common slopes, %": f"{100 * (1 - variance[1] / variance[0]):.1f}",
        "saved with slopes of each arm, %": f"{100 * (1 - variance[2] / variance[0]):.1f}",
    }


def by_products(outcome: FloatArray, treated: Mask, forecasts: FloatArray) -> float:
    """The difference with the products of arm and forecast in the regression (Lin 2013)."""
    arm, x = treated.astype(float)[:, None], forecasts - forecasts.mean(axis=0)
    design = np.hstack([arm, np.ones_like(arm), x, arm * x])
    return float(np.linalg.lstsq(design, outcome)[0][0])


def campaign(name: str, effect: float, customers: int) -> tuple[Outcomes, pd.DataFrame]:
    """What came of a campaign, and what the offer truly changed for each customer."""
    random = np.random.default_rng(list(name.encode()))
    offer = random.choice(np.array(OFFERS, object), customers, p=SHARES)
    held_out = draw(name, "holdout", (f"c{number:06d}" for number in range(customers)))
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
    return came, true


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


def _print(rows: list[dict[str, str]]) -> None:
    for row in (list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)):
        print("| " + " | ".join(row) + " |")
    print()


if __name__ == "__main__":
    main()
