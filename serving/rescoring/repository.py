"""Rows of scores in the publication in force, exchanged one by one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from serving.store.tables.published import SCORES


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
