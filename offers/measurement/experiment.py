"""The experiment in every campaign: its rows for the history, and what the offers brought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from features.clock import Instant, as_instant
from features.history.history import History, Past
from features.schema import NO_OFFER
from offers.errors import OffersError
from offers.measurement.campaign_log import CampaignLog
from offers.measurement.caveats import caveats
from offers.measurement.comparison import FEWEST, UNKNOWN
from offers.measurement.effects import Outcomes, effect_table
from offers.measurement.sample_ratio import sample_ratio
from offers.measurement.verdict import campaign_verdict
from offers.measurement.window import Window
from offers.planning.plan_table import TOTAL, PlanTable
from training.panel.labels import Value, outcomes

WITHOUT_LOG = (
    "The history has no offers table: the plan is taken at its word, every offer of it as made."
)


@dataclass(frozen=True)
class Measurement:
    """What a campaign brought, held against the customers held out.

    Attributes
    ----------
    campaign_id : str
    window : Window
        What was looked at; `window.is_interim` marks figures of a window that is still open.
    currency : str or None
    groups : pandas.DataFrame
        One row per intended offer and last the `total`: `intended_offer`, `treated`, `held_out`,
        `retention_treated`, `retention_held_out` (shares), `net_spend_treated`,
        `net_spend_held_out` (currency per customer), all NaN in arms of fewer than 20 customers;
        `cost_recorded` (False where the plan's expected cost stands in), and the columns of
        `sample_ratio`.
    effects : pandas.DataFrame
        From `effect_table`.
    departures : dict of str to int
        `planned_not_made`, `made_to_held_out`, `made_otherwise`, `unknown_customers` (of the plan,
        without an order before it in the history; left out of all figures).
    notes : tuple of str
        What a reader must know before believing the figures.
    verdict : str
        Whether the campaign paid, in one sentence that follows from the interval of the total
        `incremental_profit`; see `campaign_verdict`.
    """

    campaign_id: str
    window: Window
    currency: str | None
    groups: pd.DataFrame
    effects: pd.DataFrame
    departures: dict[str, int]
    notes: tuple[str, ...]
    verdict: str

    def as_dict(self) -> dict[str, Any]:
        """The same as dictionaries and lists: `holdfast measure --json`."""
        window = self.window
        effects = self.effects.groupby("intended_offer", sort=False)
        by_offer = {str(o): rows.drop(columns="intended_offer") for o, rows in effects}
        return {
            "verdict": self.verdict,
            "campaign_id": self.campaign_id,
            "currency": self.currency,
            "starts": as_instant(window.start),
            "ends": as_instant(window.end),
            "horizon_days": window.horizon_days,
            "interim": window.is_interim,
            "offers": [
                {**row, "effects": _rows(by_offer[row["intended_offer"]])}
                for row in _rows(self.groups)
            ],
            "departures": self.departures,
            "warnings": list(self.notes),
        }


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def offer_rows(plan: pd.DataFrame) -> pd.DataFrame:
    """The rows that a plan adds to the history's offers table.

    A customer for whom nothing was intended has a row `none` where they could have been explored:
    they are controls of the random offers, and without them the logged propensities would not be
    those of the logged rows. Without exploring they are controls of nothing, and have no row.

    Parameters
    ----------
    plan : pandas.DataFrame
        See `PlanTable.of`.

    Returns
    -------
    pandas.DataFrame
        `customer_id`, `campaign_id`, `offered_at` (the plan's `as_of`), `offer_id` (`none` for
        those held out), `intended_offer`, `propensity` (of this `offer_id`).

    Raises
    ------
    OffersError
        If the plan is not right.
    """
    rows = PlanTable.of(plan).rows
    rows = rows[(rows["arm"] != "none") | (rows["propensity"] < 1.0)].reset_index(drop=True)
    made = rows["intended_offer"].where(rows["arm"] == "offer", NO_OFFER)
    columns = ["customer_id", "campaign_id", "offered_at", "offer_id"]
    rows = rows.assign(offered_at=rows["as_of"], offer_id=made)
    return rows[[*columns, "intended_offer", "propensity"]]


def measure(
    history: History, plan: pd.DataFrame, as_of: Instant, interim: bool = False
) -> Measurement:
    """Measure what a campaign brought.

    Treated and held-out customers of each offer are compared by the arm they were drawn into
    (intention to treat), in the window that begins with the plan; see `effect_table`. Orders and
    refunds count as in the forecasts: a customer's net spend of the window is never below 0.

    Parameters
    ----------
    history : History
        Uncut. Its offers table, if it has one, says what was made and what it cost.
    plan : pandas.DataFrame
        As it was written; see `PlanTable.of`.
    as_of : str, date, datetime or float
        What was known strictly before is used.
    interim : bool
        Measure a window that is still open, up to where it is known.

    Raises
    ------
    OffersError
        If the plan is not right, the window has not closed or is not covered by the history (and
        interim figures were not asked for), the history's offers are all of other campaigns, or
        most customers of the plan are not in the history.
    HistoryError
        If the history was cut before `as_of`.
    """
    table = PlanTable.of(plan)
    known = history.at(as_of)
    window = Window.of(known, table, interim)
    logged = CampaignLog.of(known, table.campaign_id)
    rows, unknown = _known_customers(known, window, table)
    costs = logged.costs(rows)
    came = _outcomes(known, window, table, rows, costs)
    groups = _groups(came, rows, costs["recorded"])
    departures = {**logged.departures(table), "unknown_customers": unknown}
    notes = [] if logged.rows is not None else [WITHOUT_LOG]
    effects = effect_table(came)
    return Measurement(
        campaign_id=table.campaign_id,
        window=window,
        currency=table.currency,
        groups=groups,
        effects=effects,
        departures=departures,
        notes=(*notes, *caveats(window, groups, departures)),
        verdict=campaign_verdict(window, groups, effects, table.currency),
    )


def _known_customers(known: Past, window: Window, plan: PlanTable) -> tuple[pd.DataFrame, int]:
    """The rows of the experiment that the history can speak of, and how many others there are."""
    before = known.purchases.filter(nw.col("day") < window.start)
    ids = before.select("customer_id").unique().collect("polars").to_native()["customer_id"]
    rows = plan.experiment
    found = rows["customer_id"].isin(ids.to_list())
    unknown = int((~found).sum())
    if unknown > len(rows) / 2:
        stranger = rows.loc[~found, "customer_id"].iloc[0]
        raise OffersError(
            f"customers of the plan must have ordered before it; {unknown} of {len(rows)} have "
            f"not, such as {stranger!r}. Give the history that the plan was made from, and its ids "
            "as text."
        )
    return rows[found].reset_index(drop=True), unknown


def _outcomes(
    known: Past, window: Window, plan: PlanTable, rows: pd.DataFrame, costs: pd.DataFrame
) -> Outcomes:
    """What the window brought of each customer, 0 for those without an order."""
    came = outcomes(known, window.start, window.days, Value())
    came = came.reindex(rows["customer_id"], fill_value=0.0)
    expected = rows["clv_if_active"] * (1.0 - rows["churn_risk"])
    return Outcomes(
        intended_offer=rows["intended_offer"].to_numpy(object),
        treated=(rows["arm"] == "offer").to_numpy(bool),
        forecasts=np.column_stack([rows["churn_risk"], expected]),
        ordered=came["ordered"].to_numpy(np.float64),
        net_spend=came["spend"].to_numpy(np.float64),
        cost=costs["cost"].to_numpy(np.float64),
        in_spend=costs["in_spend"].to_numpy(np.float64),
        margin_rate=plan.margin_rate,
    )


def _groups(came: Outcomes, rows: pd.DataFrame, recorded: pd.Series) -> pd.DataFrame:
    """How the arms of each offer came out, and whether they have the size they should."""
    arms = ("treated", "held_out")
    table = pd.DataFrame(
        {
            "intended_offer": rows["intended_offer"],
            "arm": np.where(came.treated, *arms),
            "retention": came.ordered,
            "net_spend": came.net_spend,
        }
    )
    both = pd.concat([table, table.assign(intended_offer=TOTAL)])
    means = both.pivot_table(index="intended_offer", columns="arm", observed=False)
    groups = sample_ratio(rows).set_index("intended_offer")
    for figure in ("retention", "net_spend"):
        for arm in arms:
            groups[f"{figure}_{arm}"] = means.get((figure, arm), UNKNOWN)
            groups.loc[groups[arm] < FEWEST, f"{figure}_{arm}"] = UNKNOWN
    by_offer = recorded.groupby(rows["intended_offer"]).all()
    groups["cost_recorded"] = by_offer.reindex(groups.index, fill_value=bool(recorded.all()))
    return groups.reset_index()
