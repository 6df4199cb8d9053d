"""History, publications and scores."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from serving.store.migrations.columns import FLAG, ID, NUMBER, ROW, TEXT, TIME, WHOLE, may, must

revision = "0001"
down_revision = None


def history() -> dict[str, list[sa.Column[Any]]]:
    """Table -> its own columns."""
    return {
        "orders": [
            *must(TEXT, "order_id", "customer_id"),
            *must(TIME, "ordered_at"),
            *must(NUMBER, "amount"),
            *may(NUMBER, "discount_amount"),
            *may(TEXT, "currency", "refund_id", "attributes"),
        ],
        "refunds": [
            *must(TEXT, "order_id"),
            *must(NUMBER, "amount"),
            *may(TIME, "refunded_at"),
            *may(TEXT, "customer_id", "currency", "refund_id"),
        ],
        "feedback": [
            *must(TEXT, "customer_id"),
            *must(TIME, "created_at"),
            *must(TEXT, "kind"),
            *may(NUMBER, "score"),
            *may(TEXT, "feedback_id", "order_id", "text"),
            *may(TIME, "due_at", "resolved_at"),
            *may(TEXT, "attributes"),
        ],
        "offers": [
            *must(TEXT, "customer_id", "campaign_id"),
            *must(TIME, "offered_at"),
            *must(TEXT, "offer_id"),
            *may(TEXT, "intended_offer"),
            *may(NUMBER, "propensity", "cost"),
            *may(TIME, "redeemed_at", "refused_at"),
            *may(TEXT, "attributes"),
        ],
        "customers": [
            *must(TEXT, "customer_id"),
            *may(TEXT, "marketing_consent"),
            *may(NUMBER, "acquisition_cost"),
            *may(TEXT, "attributes"),
        ],
    }


def scores() -> list[sa.Column[Any]]:
    """The figures of a customer."""
    return [
        *must(TIME, "as_of"),
        *must(WHOLE, "horizon_days", "clv_horizon_days"),
        *must(NUMBER, "churn_risk", "p_alive"),
        *may(NUMBER, "risk_percentile", "stage_percentile"),
        *must(TEXT, "stage"),
        *may(sa.Date(), "expected_next_order"),
        *must(NUMBER, "survival_30d", "survival_60d", "survival_90d", "survival_180d"),
        *must(NUMBER, "survival_365d", "clv", "clv_low", "clv_high", "p_active"),
        *must(NUMBER, "orders_if_active", "order_value", "expected_orders", "clv_if_active"),
        *must(NUMBER, "spend_if_active_low", "spend_if_active_high", "value_at_stake"),
        *may(NUMBER, "value_at_risk", "win_back_value"),
        *must(NUMBER, "days_since_last_order"),
        *may(TEXT, "reason_1", "reason_2", "reason_3"),
        *must(TEXT, "churn_model", "basis"),
        *must(WHOLE, "churn_model_version", "clv_model_version"),
        *must(TEXT, "as_of_source"),
        *must(FLAG, "lapsed", "stale"),
        *must(TIME, "updated_at"),
    ]


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "holdfast_batches",
        sa.Column("id", ROW, primary_key=True),
        *must(TEXT, "kind"),
        *may(TEXT, "digest"),
        *must(sa.JSON(), "rows"),
        *must(TIME, "begun_at"),
        *may(TIME, "leased_until", "done_at"),
    )
    op.create_table(
        "holdfast_history",
        sa.Column("id", WHOLE, sa.CheckConstraint("id = 1"), primary_key=True),
        *must(sa.JSON(), "document"),
    )
    for table, columns in history().items():
        name = f"holdfast_{table}"
        op.create_table(
            name,
            sa.Column("id", ROW, primary_key=True),
            sa.Column("batch_id", ROW, sa.ForeignKey("holdfast_batches.id"), nullable=False),
            *columns,
            *may(TIME, "recorded_at", "replaced_at"),
        )
        op.create_index(f"ix_{name}_batch_id", name, ["batch_id"])
        op.create_index(f"ix_{name}_customer_id", name, ["customer_id"])
    published()


def published() -> None:
    """Make the tables of scores."""
    op.create_table(
        "holdfast_publications",
        sa.Column("id", ROW, primary_key=True),
        *must(TIME, "as_of"),
        *must(WHOLE, "churn_model_version", "clv_model_version", "customers"),
        *must(sa.JSON(), "terms"),
        *must(TIME, "begun_at"),
        *may(TIME, "leased_until", "done_at"),
    )
    publication = "holdfast_publications.id"
    op.create_table(
        "holdfast_current",
        sa.Column("id", WHOLE, sa.CheckConstraint("id = 1"), primary_key=True),
        sa.Column("publication_id", ROW, sa.ForeignKey(publication), nullable=False),
    )
    op.create_table(
        "holdfast_scores",
        sa.Column("publication_id", ROW, sa.ForeignKey(publication), primary_key=True),
        sa.Column("customer_id", ID, primary_key=True),
        *scores(),
        sqlite_with_rowid=False,
    )
    by_value: list[Any] = [
        "publication_id",
        "lapsed",
        sa.text("value_at_stake DESC"),
        "customer_id",
    ]
    op.create_index("holdfast_scores_by_value", "holdfast_scores", by_value)
    by_update = ["publication_id", "updated_at", "customer_id"]
    op.create_index("holdfast_scores_by_update", "holdfast_scores", by_update)


def downgrade() -> None:
    """Remove the tables, with all that is in them."""
    names = ("scores", "current", "publications", *history(), "history", "batches")
    for name in names:
        op.drop_table(f"holdfast_{name}")
