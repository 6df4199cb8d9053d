"""Who is held out of a campaign, so that nobody sends them something by another way."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from serving.store.tables.campaigns import ASSIGNMENTS, CAMPAIGNS
from serving.store.upserts import parts

# Before and after these there is nobody to be kept apart.
UNDER_WAY = ("planned", "running")


def held_out(connection: sa.Connection, customer_ids: Sequence[str]) -> set[str]:
    """Those of some customers who are held out of a campaign that is planned or runs."""
    of = ASSIGNMENTS.c
    under_way = sa.select(CAMPAIGNS.c.campaign_id).where(CAMPAIGNS.c.state.in_(UNDER_WAY))
    wanted = list(connection.scalars(under_way))
    if not wanted:
        return set()
    found: set[str] = set()
    for part in parts(customer_ids):
        mine = of.customer_id.in_(part) & of.campaign_id.in_(wanted) & (of.arm == "holdout")
        found |= set(connection.scalars(sa.select(of.customer_id).where(mine)))
    return found
