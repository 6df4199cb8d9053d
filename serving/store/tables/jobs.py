"""Jobs, and requests that must not be done twice."""

from __future__ import annotations

import sqlalchemy as sa

from features.intake.store.tables import METADATA, PREFIX, Row

JOBS = sa.Table(
    f"{PREFIX}jobs",
    METADATA,
    sa.Column("id", Row, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("progress", sa.Text),
    sa.Column("result", sa.JSON),
    sa.Column("error", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("started_at", sa.DateTime),
    sa.Column("ended_at", sa.DateTime),
    sa.Column("leased_until", sa.DateTime),
    sa.Column("cancelled_at", sa.DateTime),
)
# What was asked for with an Idempotency-Key, and what came of it.
IDEMPOTENCY = sa.Table(
    f"{PREFIX}idempotency",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("made", Row, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
