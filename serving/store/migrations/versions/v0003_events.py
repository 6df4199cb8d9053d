"""Events, who waits to be scored, and who was erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from serving.store.migrations.columns import ROW, TEXT, TIME, may, must

revision = "0003"
down_revision = "0002"

# By which the rows of one identity are found.
LOOKED_UP = {"orders": "order_id", "feedback": "feedback_id"}


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "holdfast_events",
        sa.Column("id", ROW, primary_key=True),
        sa.Column("event_key", TEXT, nullable=False, unique=True),
        *must(TEXT, "digest"),
        sa.Column("batch_id", ROW, sa.ForeignKey("holdfast_batches.id"), nullable=False),
        *must(TEXT, "history_table", "identity", "customer_id"),
        *must(TIME, "version_at"),
        *must(TEXT, "fields"),
    )
    for name in ("batch_id", "identity", "customer_id"):
        op.create_index(f"ix_holdfast_events_{name}", "holdfast_events", [name])
    op.create_table(
        "holdfast_waiting",
        sa.Column("customer_id", TEXT, primary_key=True),
        *must(TIME, "since"),
        *may(TIME, "leased_until"),
    )
    op.create_table(
        "holdfast_erased",
        sa.Column("person", TEXT, primary_key=True),
        *must(TIME, "erased_at"),
    )
    op.add_column("holdfast_batches", *may(TIME, "known_at"))
    op.create_index("ix_holdfast_batches_known_at", "holdfast_batches", ["known_at"])
    for table, name in LOOKED_UP.items():
        op.create_index(f"ix_holdfast_{table}_{name}", f"holdfast_{table}", [name])


def downgrade() -> None:
    """Remove them; the rows that events left in the history stay."""
    for table, name in LOOKED_UP.items():
        op.drop_index(f"ix_holdfast_{table}_{name}", f"holdfast_{table}")
    op.drop_index("ix_holdfast_batches_known_at", "holdfast_batches")
    op.drop_column("holdfast_batches", "known_at")
    for name in ("erased", "waiting", "events"):
        op.drop_table(f"holdfast_{name}")
