"""The tables of the store that hold a history, made from what the tables of a history are."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from features.schema import RECORDED, SCHEMAS, Kind

# The store may share a database with the shop's own tables.
PREFIX = "holdfast_"
METADATA = sa.MetaData()
ATTRIBUTES = "attributes"
REPLACED = "replaced_at"
# By which rows are looked up.
INDEXED = {"orders": {"customer_id", "order_id"}, "feedback": {"customer_id", "feedback_id"}}
# Of orders alone: which refund a negative amount is.
REFUND_ID = "refund_id"
Row = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TYPES: dict[Kind, Any] = {
    "id": sa.Text,
    "text": sa.Text,
    "number": sa.Double,
    "date": sa.DateTime,
}


# Rows that came together: unseen until the last of them is there.
BATCHES = sa.Table(
    f"{PREFIX}batches",
    METADATA,
    sa.Column("id", Row, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("digest", sa.Text),
    sa.Column("rows", sa.JSON, nullable=False),
    sa.Column("begun_at", sa.DateTime, nullable=False),
    sa.Column("known_at", sa.DateTime, index=True),
    sa.Column("leased_until", sa.DateTime),
    sa.Column("done_at", sa.DateTime),
)


def _history_table(table: str) -> sa.Table:
    """The columns of a table as sources name them; times are on the shop's wall clock."""
    columns = {column.source: column for column in (*SCHEMAS[table], RECORDED)}
    further = [sa.Column(REFUND_ID, sa.Text)] if table == "orders" else []
    if table != "refunds":
        further.append(sa.Column(ATTRIBUTES, sa.Text))
    return sa.Table(
        PREFIX + table,
        METADATA,
        sa.Column("id", Row, primary_key=True),
        sa.Column("batch_id", Row, sa.ForeignKey(BATCHES.c.id), nullable=False, index=True),
        *(
            sa.Column(
                name,
                TYPES[c.kind],
                nullable=not c.required,
                index=name in INDEXED.get(table, {"customer_id"}),
            )
            for name, c in columns.items()
        ),
        sa.Column(REPLACED, sa.DateTime),
        *further,
    )


# How the rows are to be read, and what else is true of the whole history; one row.
SETTINGS = sa.Table(
    f"{PREFIX}history",
    METADATA,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
    sa.Column("document", sa.JSON, nullable=False),
)
HISTORY = {table: _history_table(table) for table in SCHEMAS}
