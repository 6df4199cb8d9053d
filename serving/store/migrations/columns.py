"""Columns as the changes write them; what is here stays as it is, for changes are never edited."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT, TIME, WHOLE, FLAG = sa.Text(), sa.DateTime(), sa.Integer(), sa.Boolean()
NUMBER: sa.Double[float] = sa.Double()
ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def must(type_: Any, *names: str) -> list[sa.Column[Any]]:
    """Columns that have a value in every row."""
    return [sa.Column(name, type_, nullable=False) for name in names]


def may(type_: Any, *names: str) -> list[sa.Column[Any]]:
    """Columns that may be null."""
    return [sa.Column(name, type_) for name in names]
