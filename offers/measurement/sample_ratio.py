"""Whether as many customers were held out as the plan's probabilities say."""

from __future__ import annotations

import pandas as pd
from scipy import stats

from offers.planning.plan_table import TOTAL

# Usual for this check: it is made at every campaign, and what it finds voids the results.
ALARM = 0.001


def sample_ratio(rows: pd.DataFrame) -> pd.DataFrame:
    """Test for a sample ratio mismatch, by offer and in total.

    The exact binomial test of the number held out. A mismatch means that customers went missing
    in one arm more than in the other, after the draw: the arms are then no longer alike, and no
    difference between them can be trusted (Fabijan et al. 2019, "Diagnosing sample ratio mismatch
    in online controlled experiments", KDD; Kohavi, Tang & Xu 2020, chapter 21).

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of a plan in the arms `offer` and `holdout`: intended_offer, arm, explored,
        propensity.

    Returns
    -------
    pandas.DataFrame
        One row per intended offer and last the `total`: `intended_offer`, `treated`, `held_out`,
        `expected_share` (held out, by the propensities), `p_value`, `mismatch` (p below 0.001).

    Notes
    -----
    The share is the propensity of the held-out customers whose offer was chosen: they go without
    with exactly the probability of being held out. Those drawn to explore, for whom nothing may
    have been chosen, go without more often. Where nobody was chosen and held out, there is no
    share, and `p_value` is NaN.

    Examples
    --------
    >>> plan = pd.DataFrame({"intended_offer": "points", "explored": False,
    ...     "propensity": 0.5, "arm": ["offer"] * 35 + ["holdout"] * 5})
    >>> found = sample_ratio(plan)
    >>> found["p_value"].round(7).tolist(), found["mismatch"].tolist()
    ([1.4e-06, 1.4e-06], [True, True])
    """
    held_out = rows["arm"] == "holdout"
    share = float(rows.loc[held_out & ~rows["explored"], "propensity"].min())
    counts = held_out.groupby(rows["intended_offer"]).agg(["size", "sum"])
    counts.loc[TOTAL] = counts.sum()
    table = pd.DataFrame(
        {
            "intended_offer": counts.index,
            "treated": (counts["size"] - counts["sum"]).to_numpy(),
            "held_out": counts["sum"].to_numpy(),
            "expected_share": share,
        }
    )
    table["p_value"] = [
        stats.binomtest(int(held), int(held + made), share).pvalue if share < 1 else float("nan")
        for held, made in zip(table["held_out"], table["treated"], strict=True)
    ]
    return table.assign(mismatch=table["p_value"] < ALARM)
