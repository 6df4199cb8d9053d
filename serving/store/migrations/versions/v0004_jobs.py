"""Jobs, and requests that must not be done twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from serving.store.migrations.columns import ROW, TEXT, TIME, WHOLE, may, must

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "holdfast_jobs",
        sa.Column("id", ROW, primary_key=True),
        *must(TEXT, "kind", "state"),
        *must(sa.JSON(), "request"),
        *may(TEXT, "progress", "error"),
        *may(sa.JSON(), "result"),
        *must(WHOLE, "attempts"),
        *must(TEXT, "asked_by"),
        *must(TIME, "created_at"),
        *may(TIME, "started_at", "ended_at", "leased_until", "cancelled_at"),
    )
    op.create_index("ix_holdfast_jobs_state", "holdfast_jobs", ["state"])
    op.create_table(
        "holdfast_idempotency",
        sa.Column("digest", TEXT, primary_key=True),
        *must(TEXT, "request"),
        *must(ROW, "made"),
        *must(TIME, "at"),
    )


def downgrade() -> None:
    """Remove them; jobs that run are forgotten."""
    for name in ("idempotency", "jobs"):
        op.drop_table(f"holdfast_{name}")
