"""Who is told of what, and what is still to be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from serving.store.migrations.columns import ID, NUMBER, ROW, TEXT, TIME, WHOLE, may, must

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "holdfast_webhooks",
        sa.Column("id", ROW, primary_key=True),
        *must(TEXT, "url"),
        *must(sa.JSON(), "events"),
        *must(NUMBER, "risk_threshold"),
        *must(TEXT, "secret"),
        *may(TEXT, "previous_secret"),
        *may(TIME, "previous_until"),
        *must(TEXT, "created_by"),
        *must(TIME, "created_at"),
        *may(TIME, "disabled_at"),
        *may(TEXT, "disabled_because"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "holdfast_messages",
        sa.Column("id", ROW, primary_key=True),
        *must(TEXT, "key", "type"),
        *must(TIME, "at"),
        *must(sa.JSON(), "data"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_holdfast_messages_at", "holdfast_messages", ["at"])
    message = sa.ForeignKey("holdfast_messages.id")
    op.create_table(
        "holdfast_crossings",
        sa.Column("message_id", ROW, message, primary_key=True),
        sa.Column("customer_id", ID, primary_key=True),
        *must(NUMBER, "churn_risk_before", "churn_risk"),
        *must(TIME, "as_of"),
    )
    op.create_index("ix_holdfast_crossings_customer_id", "holdfast_crossings", ["customer_id"])
    _deliveries()
    op.create_table(
        "holdfast_release",
        sa.Column("id", WHOLE, sa.CheckConstraint("id = 1"), primary_key=True),
        *must(sa.JSON(), "versions"),
        *must(TIME, "seen_at"),
    )


def _deliveries() -> None:
    name = "holdfast_deliveries"
    op.create_table(
        name,
        sa.Column("id", ROW, primary_key=True),
        sa.Column("webhook_id", ROW, sa.ForeignKey("holdfast_webhooks.id"), nullable=False),
        sa.Column("message_id", ROW, sa.ForeignKey("holdfast_messages.id"), nullable=False),
        *must(TEXT, "state"),
        *must(WHOLE, "attempts"),
        *may(TIME, "next_at", "leased_until"),
        *may(WHOLE, "status"),
        *may(TEXT, "error"),
        *may(TIME, "ended_at"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_holdfast_deliveries_message_id", name, ["message_id"])
    op.create_index("holdfast_deliveries_by_turn", name, ["state", "next_at"])
    op.create_index("holdfast_deliveries_by_webhook", name, ["webhook_id", "state"])


def downgrade() -> None:
    """Remove them; what was not delivered is not told."""
    for name in ("release", "deliveries", "crossings", "messages", "webhooks"):
        op.drop_table(f"holdfast_{name}")
