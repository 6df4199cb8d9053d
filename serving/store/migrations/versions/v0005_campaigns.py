"""Campaigns, and who was assigned to what in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from serving.store.migrations.columns import FLAG, ID, NUMBER, ROW, TEXT, TIME, WHOLE, may, must

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "holdfast_campaigns",
        sa.Column("campaign_id", ID, primary_key=True),
        *must(TEXT, "state"),
        *must(sa.JSON(), "terms"),
        *must(TEXT, "created_by"),
        *must(TIME, "created_at"),
        *may(TIME, "planned_at", "started_at", "ended_at"),
        *may(ROW, "job_id"),
        *may(sa.JSON(), "counts"),
    )
    campaign = sa.ForeignKey("holdfast_campaigns.campaign_id")
    op.create_table(
        "holdfast_assignments",
        sa.Column("campaign_id", ID, campaign, primary_key=True),
        sa.Column("customer_id", ID, primary_key=True),
        *must(TIME, "as_of"),
        *must(WHOLE, "horizon_days"),
        *must(TEXT, "intended_offer", "arm"),
        *must(FLAG, "explored"),
        *must(NUMBER, "propensity", "expected_uplift", "expected_cost", "expected_profit"),
        *must(NUMBER, "churn_risk", "clv_if_active", "upfront_cost", "margin_rate"),
        *may(TEXT, "reason", "evidence", "kind", "currency"),
    )
    op.create_index("holdfast_assignments_by_person", "holdfast_assignments", ["customer_id"])


def downgrade() -> None:
    """Remove them; the offers that were made stay in the history."""
    for name in ("assignments", "campaigns"):
        op.drop_table(f"holdfast_{name}")
