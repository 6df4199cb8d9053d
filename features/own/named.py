"""Features of a shop's own: by the name of a module that holds them, or of a declared column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, get_args

import narwhals as nw

from features.errors import ExtensionError
from features.families.profile import PROFILE
from features.feature import Family, Feature, RowKind, only
from features.intake.rules import AttributeKind
from features.own.extension import Extension

# Table -> declared column -> what it holds.
Attributes = Mapping[str, Mapping[str, AttributeKind]]

FAMILY = "own"
# What may have declared columns.
ROWS: tuple[RowKind, ...] = ("orders", "feedback", "offers")


def digests_of(names: Iterable[str]) -> dict[str, str]:
    """What names stand for as of now: name -> digest of its module, empty of declared columns.

    Raises
    ------
    ExtensionError
        If there is no such module.
    """
    return {name: Extension.of(name).digest if ":" in name else "" for name in names}


def own_features(known: Mapping[str, str], attributes: Attributes) -> tuple[Feature, ...]:
    """The features that names stand for.

    Parameters
    ----------
    known : mapping of str to str
        Name -> digest, as `digests_of` gave it.
    attributes : mapping
        What the mapping of the shop declares, as `Mapping.attributes`.

    Raises
    ------
    ExtensionError
        If code is not there, has changed or is no feature; or a column is not declared, or text.
    """
    found: list[Feature] = []
    for name, digest in known.items():
        if ":" in name:
            features = _listed(name, Extension(name, digest).load())
        else:
            features = _declared(name, attributes)
        found += (replace(feature, source=name, digest=digest) for feature in features)
    return tuple(found)


def resolved(features: Iterable[Feature | str], attributes: Attributes) -> tuple[Feature, ...]:
    """Features as they are, and those that names stand for as of now.

    Raises
    ------
    ExtensionError
        If a name stands for none, or something is no feature.
    """
    if isinstance(features, str | Feature):
        features = [features]
    found: list[Feature] = []
    named: set[str] = set()
    for one in features:
        if not isinstance(one, str):
            found += _listed("features", one)
        elif one not in named:
            named.add(one)
            found += own_features(digests_of([one]), attributes)
    return tuple(found)


def _listed(name: str, found: Any) -> list[Feature]:
    """One feature, or several in a list or tuple."""
    features = list(found) if isinstance(found, list | tuple) else [found]
    if wrong := [f for f in features if not isinstance(f, Feature)]:
        raise ExtensionError(
            f"{name} must be a Feature, or a list of them; got {type(wrong[0]).__name__}. Write "
            "Feature(name, family, unit, meaning, rows, value)."
        )
    for feature in features:
        _require_sound(name, feature)
    return features


def _require_sound(name: str, feature: Feature) -> None:
    if feature.rows not in get_args(RowKind):
        raise ExtensionError(
            f"{name}: rows must be one of {', '.join(get_args(RowKind))}; got {feature.rows!r}."
        )
    if not isinstance(feature.value, nw.Expr):
        raise ExtensionError(
            f"{name}: value must be an expression of narwhals; got "
            f'{type(feature.value).__name__}. Write for example nw.col("amount").mean().'
        )
    if feature.name in ("", "customer_id") or feature.name.startswith(PROFILE):
        raise ExtensionError(
            f"{name}: a feature's name must not be blank, not be customer_id, and not begin with "
            f"{PROFILE}, which are the columns of customers; got {feature.name!r}. Rename it."
        )


def _declared(name: str, attributes: Attributes) -> list[Feature]:
    """The mean of a declared column over the rows of its table, and its last one of orders."""
    table, _, column = name.partition(".")
    if not column or table not in (*ROWS, "customers"):
        raise ExtensionError(
            f"{name} must be module:name, or table.column of {', '.join(ROWS)}. Write for example "
            '"myshop.signals:WEEKEND_SHARE", or "orders.items".'
        )
    if table == "customers":
        raise ExtensionError(
            f"{name} need not be named: a column of customers that history.toml declares is a "
            f"feature already, {PROFILE}{column}."
        )
    kind = attributes.get(table, {}).get(column)
    if kind is None:
        raise ExtensionError(
            f"{name} must be a column that history.toml declares; [{table}.attributes] has "
            f'{sorted(attributes.get(table, {}))}. Add {column} = "number" there.'
        )
    if kind != "number":
        raise ExtensionError(
            f"{name} must be a number; it is declared as {kind}. Write a Feature that counts what "
            "matters of it."
        )
    feature = Family(FAMILY, next(rows for rows in ROWS if rows == table))
    mean = feature(f"{column}_mean", "", f"mean {column} of the {table}", nw.col(column).mean())
    if table != "orders":
        return [mean]
    last = only(nw.col(column), nw.col("is_last_day")).mean()
    return [mean, feature(f"{column}_last", "", f"{column} on the last purchase day", last)]
