"""The tables of the store besides the history: what was published, and which of it is in force."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from features.intake.store.tables import METADATA, PREFIX, Row
from features.table_column import DType
from training.scoring.columns import SCORE_COLUMNS

# Sorted alike on both databases.
Id = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TYPES: dict[DType, Any] = {
    "text": sa.Text,
    "instant": sa.DateTime,
    "date": sa.Date,
    "flag": sa.Boolean,
    "whole": sa.Integer,
    "number": sa.Double,
}

# A run of the batch, or a file of it; whole once it is done.
PUBLICATIONS = sa.Table(
    f"{PREFIX}publications",
    METADATA,
    sa.Column("id", Row, primary_key=True),
    sa.Column("as_of", sa.DateTime, nullable=False),
    sa.Column("churn_model_version", sa.Integer, nullable=False),
    sa.Column("clv_model_version", sa.Integer, nullable=False),
    sa.Column("terms", sa.JSON, nullable=False),
    sa.Column("customers", sa.Integer, nullable=False),
    sa.Column("begun_at", sa.DateTime, nullable=False),
    sa.Column("leased_until", sa.DateTime),
    sa.Column("done_at", sa.DateTime),
)
# One row: swapped in one transaction, so that nobody sees two publications as one.
CURRENT = sa.Table(
    f"{PREFIX}current",
    METADATA,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
    sa.Column("publication_id", Row, sa.ForeignKey(PUBLICATIONS.c.id), nullable=False),
)
SCORES = sa.Table(
    f"{PREFIX}scores",
    METADATA,
    sa.Column("publication_id", Row, sa.ForeignKey(PUBLICATIONS.c.id), primary_key=True),
    sa.Column("customer_id", Id, primary_key=True),
    *(
        sa.Column(column.name, TYPES[column.dtype], nullable=column.nullable)
        for column in SCORE_COLUMNS
        if column.name != "customer_id"
    ),
    sa.Column("lapsed", sa.Boolean, nullable=False),
    sa.Column("as_of_source", sa.Text, nullable=False),
    sa.Column("stale", sa.Boolean, nullable=False),
    sa.Column("updated_at", sa.DateTime, nullable=False),
    sqlite_with_rowid=False,
)
BY_VALUE = sa.Index(
    f"{PREFIX}scores_by_value",
    SCORES.c.publication_id,
    SCORES.c.lapsed,
    SCORES.c.value_at_stake.desc(),
    SCORES.c.customer_id,
)
BY_UPDATE = sa.Index(
    f"{PREFIX}scores_by_update",
    SCORES.c.publication_id,
    SCORES.c.updated_at,
    SCORES.c.customer_id,
)
