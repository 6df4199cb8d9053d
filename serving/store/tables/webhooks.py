"""Who is told of what, and what is still to be told."""

from __future__ import annotations

import sqlalchemy as sa

from features.intake.store.tables import METADATA, PREFIX, Row
from serving.store.tables.published import Id

WEBHOOKS = sa.Table(
    f"{PREFIX}webhooks",
    METADATA,
    sa.Column("id", Row, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("events", sa.JSON, nullable=False),
    sa.Column("risk_threshold", sa.Double, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("previous_secret", sa.Text),
    sa.Column("previous_until", sa.DateTime),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("disabled_at", sa.DateTime),
    sa.Column("disabled_because", sa.Text),
    # An id never comes back: what is noted of one is of no other.
    sqlite_autoincrement=True,
)
# What happened, written in the transaction in which it did.
MESSAGES = sa.Table(
    f"{PREFIX}messages",
    METADATA,
    sa.Column("id", Row, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False, index=True),
    sa.Column("data", sa.JSON, nullable=False),
    # An id never comes back: what is noted of one is of no other.
    sqlite_autoincrement=True,
)
# The customers whom a message is about; they are erased here as everywhere.
CROSSINGS = sa.Table(
    f"{PREFIX}crossings",
    METADATA,
    sa.Column("message_id", Row, sa.ForeignKey(MESSAGES.c.id), primary_key=True),
    sa.Column("customer_id", Id, primary_key=True, index=True),
    sa.Column("churn_risk_before", sa.Double, nullable=False),
    sa.Column("churn_risk", sa.Double, nullable=False),
    sa.Column("as_of", sa.DateTime, nullable=False),
)
# A message on its way to one endpoint.
DELIVERIES = sa.Table(
    f"{PREFIX}deliveries",
    METADATA,
    sa.Column("id", Row, primary_key=True),
    sa.Column("webhook_id", Row, sa.ForeignKey(WEBHOOKS.c.id), nullable=False),
    sa.Column("message_id", Row, sa.ForeignKey(MESSAGES.c.id), nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", sa.DateTime),
    sa.Column("leased_until", sa.DateTime),
    sa.Column("status", sa.Integer),
    sa.Column("error", sa.Text),
    sa.Column("ended_at", sa.DateTime),
    # An id never comes back: what is noted of one is of no other.
    sqlite_autoincrement=True,
)
BY_TURN = sa.Index(f"{PREFIX}deliveries_by_turn", DELIVERIES.c.state, DELIVERIES.c.next_at)
BY_WEBHOOK = sa.Index(f"{PREFIX}deliveries_by_webhook", DELIVERIES.c.webhook_id, DELIVERIES.c.state)
# One row: the versions in force as the service last saw them, so that a change is told once.
RELEASE = sa.Table(
    f"{PREFIX}release",
    METADATA,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
    sa.Column("versions", sa.JSON, nullable=False),
    sa.Column("seen_at", sa.DateTime, nullable=False),
)
