"""A shop's history: what happened, when, and when it became known."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Dict
from copy import copy
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import narwhals as nw
import polars as pl

from features.clock import Instant, as_day, as_instant
from features.errors import HistoryError
from features.feature import Feature
from features.history.cut import cut
from features.history.opening import open_tables
from features.history.order_days import order_days
from features.history.tables import held, usable_tables, with_currency
from features.intake.canonical import (
    CanonicalTable,
    formats_of,
    refuse_unusable,
    settled_mapping,
    take_in,
)
from features.intake.location import read_mapping
from features.intake.mapping import Mapping
from features.intake.steps import Steps
from features.schema import RESERVED, SCHEMAS

# Values of a text attribute: more are ids or names, which tell a model nothing of others.
MAX_CATEGORIES = 50
STANDING = Steps((("filter", (nw.col("superseded_day").is_null(),)),))


class History:
    """Orders, feedback, offers and customers as lazy frames, all times as `day`.

    Parameters
    ----------
    orders : pandas, Polars, DuckDB or PySpark frame
        Columns order_id, customer_id, ordered_at, amount; optional recorded_at, discount_amount,
        currency. Negative amounts are refunds.
    feedback, offers, customers, refunds : frame, or list of frames, optional
        See docs/history.md. Local frames are Polars; all frames of a history share one engine.
    mapping : Mapping, optional
        Column names, time zone, currency, scales of feedback, static customer columns.

    Raises
    ------
    HistoryError
        If a table cannot be used; the message says why and what to do.

    Examples
    --------
    >>> import pandas as pd
    >>> history = History(pd.DataFrame({
    ...     "order_id": ["1", "2"], "customer_id": ["a", "a"],
    ...     "ordered_at": ["2024-01-05", "2024-03-01"], "amount": [20.0, 35.0]}))
    >>> history.upto("2024-02-01").orders.collect()["order_id"].to_list()
    ['1']

    Attributes
    ----------
    mapping : Mapping
        With the names of columns as the sources write them, and the currency of the orders.
    formats : dict of str to str
        Table -> name of the export that it was recognised as.
    own : tuple of Feature
        What its customers are described by besides the catalogue.
    """

    mapping: Mapping
    formats: Dict[str, str]
    own: tuple[Feature, ...] = ()

    def __init__(
        self,
        orders: Any,
        feedback: Any = None,
        offers: Any = None,
        customers: Any = None,
        mapping: Mapping | None = None,
        *,
        refunds: Any = None,
    ) -> None:
        frames = {
            "orders": orders,
            "refunds": refunds,
            "feedback": feedback,
            "offers": offers,
            "customers": customers,
        }
        settings = mapping or Mapping()
        intakes = take_in(frames, settings)
        refuse_unusable(intakes)
        self.formats = formats_of(intakes)
        self._tables = usable_tables(intakes)
        named = settled_mapping(intakes, settings)
        self.mapping = with_currency(self._tables["orders"], named)

    @staticmethod
    def open(path_or_url: str | Path, mapping: Mapping | str | Path | None = None) -> History:
        """Open a folder, a file of orders, a SQL URL or a store of Holdfast.

        Parameters
        ----------
        path_or_url : str or Path
            A folder of files named after the tables, one orders file, a SQL URL, or that of a
            store that `holdfast import` filled.
        mapping : Mapping or path, optional
            The mapping or its file; default: the `history.toml` in the folder, if there is one.
        """
        settings = read_mapping(path_or_url, mapping)
        intakes, settings = open_tables(path_or_url, settings)
        refuse_unusable(intakes)
        return History.from_intakes(intakes, settings)

    @staticmethod
    def from_intakes(intakes: Dict[str, CanonicalTable], mapping: Mapping) -> History:
        """Build from tables taken in already, as `quality.check` also sees them."""
        history = History.__new__(History)
        history._tables, history.formats = usable_tables(intakes), formats_of(intakes)
        named = settled_mapping(intakes, mapping)
        history.mapping = with_currency(history._tables["orders"], named)
        return history

    def _like(self, tables: dict[str, nw.LazyFrame[Any]], mapping: Mapping) -> Self:
        """The same kind of history, cut where this one is, of other tables or settings."""
        history = copy(self)
        history._tables, history.mapping = tables, mapping
        return history

    @property
    def orders(self) -> nw.LazyFrame[Any]:
        """order_id, customer_id, day, known_day, amount, discount_amount; the latest versions.

        Local ones come sorted by customer_id, day, amount, discount_amount: features are computed
        many times from one history, and sums over sorted rows are the same to the last bit.
        """
        return self._latest("orders")

    @property
    def purchases(self) -> nw.LazyFrame[Any]:
        """The orders of positive amount: neither refunds nor what was free."""
        return self.orders.filter(nw.col("amount") > 0)

    @property
    def order_days(self) -> pl.DataFrame:
        """`day` (Int64, ascending) and `orders`: the calendar days with purchases."""
        return order_days(self.purchases)

    @property
    def feedback(self) -> nw.LazyFrame[Any] | None:
        """Feedback with `score` as given and `satisfaction` from -1 to 1; None if there is none."""
        return self._latest("feedback") if "feedback" in self._tables else None

    @property
    def offers(self) -> nw.LazyFrame[Any] | None:
        """Offers made, `none` for controls; None if there are none."""
        return self._latest("offers") if "offers" in self._tables else None

    @property
    def customers(self) -> nw.LazyFrame[Any] | None:
        """One row per customer; None if there is no such table."""
        return self._latest("customers") if "customers" in self._tables else None

    @property
    def profiles(self) -> dict[str, bool]:
        """Customer columns that may become features -> whether they hold text."""
        if "customers" not in self._tables:
            return {}
        own = {c.target for c in SCHEMAS["customers"]} | RESERVED
        schema = self._tables["customers"].collect_schema()
        return {c: schema[c] == nw.String for c in schema if c not in own}

    def coded(self) -> Self:
        """The same history with a code for each value of its text attributes.

        Values of columns not under `[customers.categories]` are learnt, in alphabetical order, from
        the customers with a positive order here: a customer who comes later changes no code. A
        model keeps the codes it was trained with.

        Raises
        ------
        HistoryError
            If an attribute has more than 50 values.
        """
        learnt = {
            column: self._values(column)
            for column, is_text in self.profiles.items()
            if is_text and column not in self.mapping.categories
        }
        if not learnt:
            return self
        return self.with_categories({**self.mapping.categories, **learnt})

    def with_categories(self, categories: Dict[str, tuple[str, ...]]) -> Self:
        """The same history with the given codes, such as those a model was trained with."""
        return self._like(self._tables, replace(self.mapping, categories=categories))

    def with_features(self, own: Iterable[Feature]) -> Self:
        """The same history, its customers described by features of one's own as well."""
        history = self._like(self._tables, self.mapping)
        history.own = tuple(own)
        return history

    def _values(self, column: str) -> tuple[str, ...]:
        buyers = self.purchases.select("customer_id")
        known = self._latest("customers").join(buyers, on="customer_id", how="semi")
        values = sorted(
            v for v in known.select(column).unique().collect()[column].to_list() if v is not None
        )
        if len(values) > MAX_CATEGORIES:
            raise HistoryError(
                f"customer attribute {column!r} must have at most {MAX_CATEGORIES} values; got "
                f"{len(values)}, such as {values[0]!r} and {values[-1]!r}. List those that matter "
                "under [customers.categories] in history.toml; if it is a number, clean the rest."
            )
        return tuple(values)

    @property
    def is_local(self) -> bool:
        """Whether the frames are in memory, on Polars."""
        return bool(self._tables["orders"].implementation.is_polars())

    def upto(self, as_of: Instant) -> Past:
        """Everything known strictly before `as_of`, and nothing else.

        The one time cut of the library. Rows are cut by `known_day`; facts inside rows that became
        known later (a resolution, a redemption, its cost, a newer version of the row) are blanked.

        Parameters
        ----------
        as_of : str, date, datetime or float
            The instant of prediction.
        """
        day = as_day(as_of, self.mapping.timezone)
        return Past._of(
            {table: cut(table, frame, day) for table, frame in self._tables.items()},
            self.mapping,
            day,
        ).with_features(self.own)

    def at(self, as_of: Instant) -> Past:
        """The same as `upto`, to describe customers at just that instant.

        Raises
        ------
        HistoryError
            If the history was cut earlier: what became known in between is not in it.
        """
        return self.upto(as_of)

    def of_customers(self, customer_ids: Iterable[str]) -> Self:
        """The same history of some customers only, such as a sample to train on."""
        chosen = nw.col("customer_id").is_in(list(customer_ids))
        tables = {table: held(frame.filter(chosen)) for table, frame in self._tables.items()}
        return self._like(tables, self.mapping)

    def _latest(self, table: str) -> nw.LazyFrame[Any]:
        return STANDING.of(self._tables[table]).drop("superseded_day")


class Past(History):
    """What was known of a shop strictly before an instant; `History.upto` makes it.

    Whoever needs a history without a future asks for this type.

    Attributes
    ----------
    day : float
        The instant of the cut.

    Examples
    --------
    >>> import pandas as pd
    >>> past = History(pd.DataFrame({
    ...     "order_id": ["1"], "customer_id": ["a"],
    ...     "ordered_at": ["2024-01-05"], "amount": [20.0]})).upto("2024-02-01")
    >>> past.day, past.as_of.isoformat()
    (19754.0, '2024-02-01T00:00:00')
    """

    day: float

    def __init__(self, *_: Any, **__: Any) -> None:
        raise TypeError("a Past must be cut from a History. Call History(...).upto(as_of).")

    @classmethod
    def _of(cls, tables: dict[str, nw.LazyFrame[Any]], mapping: Mapping, day: float) -> Self:
        past = cls.__new__(cls)
        past._tables, past.mapping, past.day, past.formats = tables, mapping, day, {}
        return past

    @property
    def as_of(self) -> datetime:
        """The instant of the cut on the shop's wall clock."""
        return as_instant(self.day)

    def upto(self, as_of: Instant) -> Past:
        """What was known before the instant, or before the cut that was made if that is earlier."""
        return super().upto(min(as_day(as_of, self.mapping.timezone), self.day))

    def at(self, as_of: Instant) -> Past:
        """What was known before the instant, which must not be later than the cut."""
        day = as_day(as_of, self.mapping.timezone)
        if self.day < day:
            raise HistoryError(
                f"as_of must be at most {self.as_of:%Y-%m-%d %H:%M}, where the history was cut; "
                f"got {as_instant(day):%Y-%m-%d %H:%M}. Give the whole history."
            )
        return self.upto(day)
