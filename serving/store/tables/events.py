"""Events as they came in, whom they leave to be scored, and who was erased."""

from __future__ import annotations

import sqlalchemy as sa

from features.intake.store.tables import BATCHES, METADATA, PREFIX, Row

# What an event said; the rows of the history are what all events of one identity say together.
EVENTS = sa.Table(
    f"{PREFIX}events",
    METADATA,
    sa.Column("id", Row, primary_key=True),
    sa.Column("event_key", sa.Text, nullable=False, unique=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("batch_id", Row, sa.ForeignKey(BATCHES.c.id), nullable=False, index=True),
    sa.Column("history_table", sa.Text, nullable=False),
    sa.Column("identity", sa.Text, nullable=False, index=True),
    sa.Column("customer_id", sa.Text, nullable=False, index=True),
    sa.Column("version_at", sa.DateTime, nullable=False),
    sa.Column("fields", sa.Text, nullable=False),
)
# Customers whose scores do not know of everything that came in.
WAITING = sa.Table(
    f"{PREFIX}waiting",
    METADATA,
    sa.Column("customer_id", sa.Text, primary_key=True),
    sa.Column("since", sa.DateTime, nullable=False),
    sa.Column("leased_until", sa.DateTime),
)
# Persons who were erased, as keyed hashes: what happened before does not come back.
ERASED = sa.Table(
    f"{PREFIX}erased",
    METADATA,
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("erased_at", sa.DateTime, nullable=False),
)
