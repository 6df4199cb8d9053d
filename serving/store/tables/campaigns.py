"""Campaigns, and who was assigned to what in them."""

from __future__ import annotations

import sqlalchemy as sa

from features.intake.store.tables import METADATA, PREFIX
from offers.planning.plan_columns import PLAN_COLUMNS
from serving.store.tables.published import TYPES, Id

CAMPAIGNS = sa.Table(
    f"{PREFIX}campaigns",
    METADATA,
    sa.Column("campaign_id", Id, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("terms", sa.JSON, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("planned_at", sa.DateTime),
    sa.Column("started_at", sa.DateTime),
    sa.Column("ended_at", sa.DateTime),
    sa.Column("job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
    sa.Column("counts", sa.JSON),
)
# The rows of a plan, as it was drawn.
ASSIGNMENTS = sa.Table(
    f"{PREFIX}assignments",
    METADATA,
    sa.Column("campaign_id", Id, sa.ForeignKey(CAMPAIGNS.c.campaign_id), primary_key=True),
    sa.Column("customer_id", Id, primary_key=True),
    *(
        sa.Column(column.name, TYPES[column.dtype], nullable=column.nullable)
        for column in PLAN_COLUMNS
        if column.name not in ("campaign_id", "customer_id")
    ),
)
BY_PERSON = sa.Index(f"{PREFIX}assignments_by_person", ASSIGNMENTS.c.customer_id)
