"""Who may do what, and who did."""

from __future__ import annotations

import sqlalchemy as sa

from features.intake.store.tables import METADATA, PREFIX, Row

KEYS = sa.Table(
    f"{PREFIX}api_keys",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("expires_at", sa.DateTime),
    sa.Column("revoked_at", sa.DateTime),
    sa.Column("used_at", sa.DateTime),
)
# What was done to the store; nobody is named in it but by a keyed hash.
AUDIT = sa.Table(
    f"{PREFIX}audit",
    METADATA,
    sa.Column("id", Row, primary_key=True),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text),
    sa.Column("facts", sa.JSON, nullable=False),
)
# Random bytes that hashes of ids are keyed with, made once.
SECRETS = sa.Table(
    f"{PREFIX}secrets",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
