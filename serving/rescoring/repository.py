"""Rows of scores in the publication in force, exchanged one by one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from serving.store.tables.published import SCORES


def risks(
    connection: sa.Connection, publication: int, customer_ids: Collection[str]
) -> dict[str, float]:
    """The churn risk of some customers, by their id."""
    of = SCORES.c
    mine = (of.publication_id == publication) & of.customer_id.in_(list(customer_ids))
    found = connection.execute(sa.select(of.customer_id, of.churn_risk).where(mine))
    return {row.customer_id: row.churn_risk for row in found}


def exchange(
    connection: sa.Connection,
    publication: int,
    customer_ids: Collection[str],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Put rows in the place of those that some customers have, if any."""
    mine = SCORES.c.publication_id == publication
    theirs = SCORES.c.customer_id.in_(list(customer_ids))
    connection.execute(sa.delete(SCORES).where(mine, theirs))
    if rows:
        connection.execute(
            sa.insert(SCORES), [{**row, "publication_id": publication} for row in rows]
        )
