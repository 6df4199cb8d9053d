"""What a history says was made of a plan: offers that were made, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import narwhals as nw
import numpy as np
import pandas as pd

from features.history.history import Past
from features.schema import NO_OFFER
from features.to_pandas import to_pandas
from offers.errors import OffersError
from offers.planning.plan_table import PlanTable

DISCOUNT = "discount"
KEYS = ["customer_id", "offer_id"]


@dataclass(frozen=True)
class CampaignLog:
    """The rows of one campaign in a history's offers table.

    Attributes
    ----------
    rows : pandas.DataFrame or None
        `customer_id`, `offer_id`, `cost`; None if the history has no such table.
    """

    rows: pd.DataFrame | None

    @classmethod
    def of(cls, known: Past, campaign_id: str) -> Self:
        """Find the campaign.

        Raises
        ------
        OffersError
            If the history has offers, but none of this campaign.
        """
        if known.offers is None:
            return cls(None)
        of_campaign = known.offers.filter(nw.col("campaign_id") == campaign_id).select(
            *KEYS, "cost"
        )
        rows = to_pandas(of_campaign.collect("polars").to_native())
        if rows.empty:
            ids = known.offers.select("campaign_id").unique().collect("polars").to_native()
            raise OffersError(
                f"campaign_id must be one of the history's offers, {sorted(ids['campaign_id'])}; "
                f"got {campaign_id!r}. Add the campaign's rows to the offers table, or give the "
                "plan of a campaign that is there."
            )
        return cls(rows)

    def departures(self, plan: PlanTable) -> dict[str, int]:
        """Count customers with whom the history and the plan disagree.

        `planned_not_made`: offers of the plan without a row; `made_to_held_out`: customers held
        out who got an offer all the same; `made_otherwise`: other offers of the campaign that the
        plan does not have. All 0 if the history has no offers.
        """
        if self.rows is None:
            return dict.fromkeys(("planned_not_made", "made_to_held_out", "made_otherwise"), 0)
        is_offer = self.rows["offer_id"] != NO_OFFER
        made = pd.MultiIndex.from_frame(self.rows.loc[is_offer, KEYS].drop_duplicates())
        rows = plan.rows
        planned = _pairs(rows[rows["arm"] == "offer"])
        held_out = rows.loc[rows["arm"] == "holdout", "customer_id"]
        surprises = made[~made.isin(planned)].get_level_values(0).unique()
        return {
            "planned_not_made": int((~planned.isin(made)).sum()),
            "made_to_held_out": int(surprises.isin(held_out).sum()),
            "made_otherwise": int((~surprises.isin(held_out)).sum()),
        }

    def costs(self, rows: pd.DataFrame) -> pd.DataFrame:
        """What the offer cost for each customer of an experiment; 0 where it was not made.

        The part that is paid in any case (`upfront_cost`), and beyond it what the history records
        for the offer once redeemed; a cost that includes the upfront part is not counted twice,
        and no cost means not redeemed. If the history records no cost of an offer at all, the
        plan's expected cost stands in, for all of its customers.

        A discount was never paid out, it is missing from the net spend: all that is recorded of it
        lies beyond the upfront part, and is `in_spend` too.

        Parameters
        ----------
        rows : pandas.DataFrame
            Of `PlanTable.experiment`.

        Returns
        -------
        pandas.DataFrame
            The same index; `cost`, `in_spend` (currency) and `recorded` (bool).
        """
        made, cost = self._made(rows), self._recorded(rows)
        discount, upfront = rows["kind"] == DISCOUNT, rows["upfront_cost"]
        expected = (rows["expected_cost"] - upfront).clip(lower=0.0)
        known = (cost.notna() & made).groupby(rows["intended_offer"]).transform("any")
        paid = cost.fillna(0.0)
        beyond = paid.where(discount, (paid - upfront).clip(lower=0.0)).where(known, expected)
        return pd.DataFrame(
            {
                "cost": (upfront + beyond).where(made, 0.0),
                "in_spend": beyond.where(made & discount, 0.0),
                "recorded": known,
            }
        )

    def _made(self, rows: pd.DataFrame) -> pd.Series:
        """Whether the intended offer was made, as far as is known."""
        planned = rows["arm"] == "offer"
        if self.rows is None:
            return planned
        return planned & _pairs(rows).isin(pd.MultiIndex.from_frame(self.rows[KEYS]))

    def _recorded(self, rows: pd.DataFrame) -> pd.Series:
        """The recorded cost of the intended offer, NaN where there is none."""
        if self.rows is None:
            return pd.Series(np.nan, index=rows.index)
        summed = self.rows.groupby(KEYS)["cost"].sum(min_count=1)
        costs = summed.reindex(_pairs(rows)).to_numpy(np.float64)
        return pd.Series(costs, index=rows.index)


def _pairs(rows: pd.DataFrame) -> pd.MultiIndex:
    """Customer and intended offer, as the history's rows have them."""
    return pd.MultiIndex.from_arrays([rows["customer_id"], rows["intended_offer"]], names=KEYS)
