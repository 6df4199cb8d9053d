"""Keys, the audit log, and secrets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from serving.store.migrations.columns import ROW, TEXT, TIME, may, must

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "holdfast_api_keys",
        sa.Column("id", TEXT, primary_key=True),
        *must(TEXT, "name", "digest"),
        *must(sa.JSON(), "scopes"),
        *must(TIME, "created_at"),
        *may(TIME, "expires_at", "revoked_at", "used_at"),
    )
    op.create_table(
        "holdfast_audit",
        sa.Column("id", ROW, primary_key=True),
        *must(TIME, "at"),
        *must(TEXT, "actor", "action"),
        *may(TEXT, "subject"),
        *must(sa.JSON(), "facts"),
    )
    op.create_table(
        "holdfast_secrets",
        sa.Column("name", TEXT, primary_key=True),
        *must(TEXT, "value"),
    )


def downgrade() -> None:
    """Remove them; keys have to be made again."""
    for name in ("secrets", "audit", "api_keys"):
        op.drop_table(f"holdfast_{name}")
