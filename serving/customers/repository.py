"""Scores of customers in the store, in the order in which they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from serving.customers.schemas import CustomerFilter, Sort
from serving.store.tables.published import SCORES
from training.scoring.columns import LAPSED, LIVE_STAGES

Row = Mapping[Any, Any]
# Columns of a row as they are answered.
COLUMNS = tuple(c for c in SCORES.c if c.name not in {"publication_id", "lapsed"})


class Place(NamedTuple):
    """Where a list goes on: after this customer.

    Attributes
    ----------
    lapsed : bool
    value : float or str
        Of the column that the list is sorted by; an ISO instant for a time.
    customer_id : str
    """

    lapsed: bool
    value: float | str
    customer_id: str

    @classmethod
    def of(cls, row: Row, sort: Sort) -> Place:
        """The place of a row."""
        value = row[sort]
        told = value.isoformat() if sort == "updated_at" else value
        return cls(row["stage"] == LAPSED, told, row["customer_id"])


def find(connection: sa.Connection, publication: int, ids: Sequence[str]) -> dict[str, Row]:
    """The rows of some customers, by their id."""
    mine = SCORES.c.publication_id == publication
    query = sa.select(*COLUMNS).where(mine, SCORES.c.customer_id.in_(ids))
    return {row["customer_id"]: row for row in connection.execute(query).mappings()}


def seen_since(wanted: CustomerFilter, done_at: datetime) -> CustomerFilter:
    """The same list; all rows were written since, if their publication came into force since."""
    since = wanted.updated_since
    if since is None or _utc(since) > done_at:
        return wanted
    return wanted.model_copy(update={"updated_since": None})


def page(
    connection: sa.Connection,
    publication: int,
    wanted: CustomerFilter,
    sort: Sort,
    after: Place | None,
    limit: int,
) -> list[Row]:
    """At most `limit` rows after a place: live customers first, then the lapsed."""
    rows: list[Row] = []
    for shelf in _shelves(wanted):
        if after is not None and after.lapsed > shelf:
            continue
        found = sa.select(*COLUMNS).where(*_on(shelf, publication, wanted))
        if after is not None and after.lapsed == shelf:
            found = found.where(*_beyond(sort, after))
        query = found.order_by(*_order(sort)).limit(limit - len(rows))
        rows += connection.execute(query).mappings()
        if len(rows) == limit:
            break
    return rows


def count(connection: sa.Connection, publication: int, wanted: CustomerFilter) -> int:
    """How many customers a list holds."""
    total = 0
    for shelf in _shelves(wanted):
        counted = sa.select(sa.func.count()).where(*_on(shelf, publication, wanted))
        total += int(connection.scalar(counted) or 0)
    return total


def _shelves(wanted: CustomerFilter) -> list[bool]:
    """Whether the list has live customers, and whether lapsed ones."""
    return sorted({stage == LAPSED for stage in wanted.stage})


def _on(shelf: bool, publication: int, wanted: CustomerFilter) -> Iterable[sa.ColumnElement[bool]]:
    """Those of the live customers, or of the lapsed, who are asked for."""
    of = SCORES.c
    yield of.publication_id == publication
    yield of.lapsed == shelf
    stages = [LAPSED] if shelf else sorted(set(wanted.stage) - {LAPSED})
    if stages not in ([LAPSED], sorted(LIVE_STAGES)):
        yield of.stage.in_(stages)
    for column, low, high in (
        (of.churn_risk, wanted.min_risk, wanted.max_risk),
        (of.risk_percentile, wanted.min_percentile, wanted.max_percentile),
        (of.clv, wanted.min_clv, wanted.max_clv),
    ):
        if low is not None:
            yield column >= low
        if high is not None:
            yield column <= high
    if wanted.updated_since is not None:
        yield of.updated_at >= _utc(wanted.updated_since)


def _order(sort: Sort) -> list[sa.ColumnElement[Any]]:
    value = SCORES.c[sort]
    return [value.asc() if sort == "updated_at" else value.desc(), SCORES.c.customer_id.asc()]


def _beyond(sort: Sort, after: Place) -> Iterable[sa.ColumnElement[bool]]:
    """What comes after a place; the first condition is where an index is entered."""
    value, person = SCORES.c[sort], SCORES.c.customer_id
    here = sa.literal(after.value)
    if sort == "updated_at":
        here = sa.literal(datetime.fromisoformat(str(after.value)))
    yield value >= here if sort == "updated_at" else value <= here
    yield (value != here) | (person > after.customer_id)


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)
