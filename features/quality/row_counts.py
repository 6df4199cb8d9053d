"""Where every row went: used, anonymous, not yet known, or put in quarantine with its reason."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl

from features.clock import Instant, as_day
from features.history.cut import CUT
from features.intake.canonical import CanonicalTable
from features.intake.mapping import Mapping
from features.intake.steps import Steps
from features.schema import ANONYMOUS, JOINED, NOT_COUNTED, OTHER_CURRENCY, SET_ASIDE

USED = "used"
AFTER = "after_as_of"
QUARANTINED = "quarantined"
DUPLICATE = "duplicate"
SUPERSEDED = "superseded by a later recorded version"
FATES = (USED, AFTER, QUARANTINED, *SET_ASIDE)
_OF_THE_SOURCE = Steps((("filter", (~nw.col("row").is_null(),)),))
_COUNTS = Steps(
    (
        (
            "select",
            tuple((nw.col("fate") == fate).cast(nw.Int64).sum().alias(fate) for fate in FATES),
        ),
    )
)
OWN_COLUMNS = ("table", "row", "reason")


@dataclass(frozen=True)
class RowCounts:
    """What became of a table's rows; every row is in exactly one place.

    Attributes
    ----------
    table : str
    rows_in : int
        Rows of the source, without those that the mapping's `drop` rule left out.
    used : int
        Rows that count at `as_of`.
    anonymous : int
        Rows without a customer.
    after_as_of : int
        Usable or anonymous rows not known before `as_of`.
    quarantined : int
        Rows that cannot be used, duplicates, and versions superseded before `as_of`.
    left_out : int
        Rows that the mapping's `drop` rule named; not part of `rows_in`.
    joined : int
        Rows that only continue the order above.
    not_counted : int
        Orders that do not count by their status.
    other_currency : int
        Orders in another currency than the shop's.
    """

    table: str
    rows_in: int
    used: int
    anonymous: int
    after_as_of: int
    quarantined: int
    left_out: int = 0
    joined: int = 0
    not_counted: int = 0
    other_currency: int = 0

    @property
    def places(self) -> dict[str, int]:
        """Where the rows went, in words."""
        return {
            "used": self.used,
            "anonymous": self.anonymous,
            "after as_of": self.after_as_of,
            "quarantined": self.quarantined,
            "joined": self.joined,
            "not counted by status": self.not_counted,
            "in another currency": self.other_currency,
        }

    def __post_init__(self) -> None:
        if min(*self.places.values(), self.left_out) < 0 or (
            sum(self.places.values()) != self.rows_in
        ):
            raise ValueError(
                f"{self.table}: rows in must be {' + '.join(self.places)}; got {self.rows_in} and "
                f"{tuple(self.places.values())}. A row was lost or counted twice."
            )


def account(intake: CanonicalTable, as_of: float | None) -> RowCounts:
    """Count where one table's rows went.

    Parameters
    ----------
    intake : CanonicalTable
    as_of : float or None
        As `day`; None: everything is known.
    """
    rows_of = fates(intake, as_of)
    if intake.raw is not None:
        # Refunds that were told beside an order's amount are no rows of the source.
        rows_of = _OF_THE_SOURCE.of(rows_of)
    counts: pl.DataFrame = _COUNTS.of(rows_of).collect("polars").to_native()
    # Of no rows at all there is no sum on some engines.
    rows = {fate: int(n or 0) for fate, n in counts.row(0, named=True).items()}
    return RowCounts(
        table=intake.table,
        rows_in=_rows_in(intake),
        used=rows[USED],
        anonymous=rows[ANONYMOUS],
        after_as_of=rows[AFTER],
        quarantined=rows[QUARANTINED],
        left_out=intake.left_out,
        joined=rows[JOINED],
        not_counted=rows[NOT_COUNTED],
        other_currency=rows[OTHER_CURRENCY],
    )


def fates(intake: CanonicalTable, as_of: float | None) -> nw.LazyFrame[Any]:
    """The intake's rows with `fate`: used, anonymous, after_as_of or quarantined.

    Orders made of invoice lines are no rows of a source: of each, only the version that counts at
    `as_of` is there, or the first one if none is known yet.
    """
    rows = intake.rows
    if intake.table == "lines":
        rows = rows.with_columns(nw.lit(None, dtype=nw.Float64).alias("superseded_day"))
    if _is_made_of_lines(intake):
        standing = rows.filter(~_superseded(as_of).fill_null(False))
        first_known = nw.col("known_day").min().over("order_id")
        rows = standing.filter(nw.col("known_day") == first_known)
    if as_of is None:
        return _fated(None).of(rows)
    return _fated(CUT).of(rows.with_columns(nw.lit(as_of).alias(CUT))).drop(CUT)


@cache
def _fated(as_of: str | None) -> Steps:
    """The fate of rows, by the column that holds the instant."""
    day = None if as_of is None else nw.col(as_of)
    anonymous = nw.col("problem") == ANONYMOUS
    fate = nw.when(_superseded(day)).then(nw.lit(QUARANTINED)).otherwise(nw.lit(USED))
    fate = nw.when(anonymous).then(nw.lit(ANONYMOUS)).otherwise(fate)
    if day is not None:
        fate = nw.when(nw.col("known_day") >= day).then(nw.lit(AFTER)).otherwise(fate)
    problem = nw.col("problem")
    unusable = ~problem.is_null() & ~anonymous
    fate = nw.when(unusable).then(nw.lit(QUARANTINED)).otherwise(fate)
    fate = nw.when(problem.is_in(list(SET_ASIDE[1:]))).then(problem).otherwise(fate)
    return Steps((("with_columns", (fate.alias("fate"),)),))


def quarantine_reasons(intake: CanonicalTable, as_of: float | None) -> nw.LazyFrame[Any]:
    """The rows in quarantine with `reason`.

    Rows of one identity are versions of each other if they were recorded at different times, and
    duplicates otherwise; so they are in a table that does not say when its rows were recorded.
    """
    rows = fates(intake, as_of).filter(nw.col("fate") == QUARANTINED)
    twice = nw.lit(DUPLICATE)
    if is_versioned(intake):
        later = nw.col("superseded_day") > nw.col("known_day")
        twice = nw.when(later).then(nw.lit(SUPERSEDED)).otherwise(twice)
    usable = nw.col("problem").is_null()
    return rows.with_columns(
        nw.when(usable).then(twice).otherwise(nw.col("problem")).alias("reason")
    )


def is_versioned(intake: CanonicalTable) -> bool:
    """Whether the table says of any row that it was recorded at another time than its own."""
    own = nw.col("day") if "day" in intake.rows.collect_schema() else nw.lit(float("-inf"))
    later = (nw.col("known_day") > own).cast(nw.Int64).sum().alias("later")
    found = intake.rows.select(later).collect("polars").to_native().item()
    return bool(found)


def quarantine(
    intakes: Dict[str, CanonicalTable], mapping: Mapping, as_of: Instant | None = None
) -> pl.DataFrame:
    """Collect every row that could not be used, as it stood in its source.

    Parameters
    ----------
    intakes : dict
        Table name -> CanonicalTable, as from `take_in`.
    mapping : Mapping
    as_of : str, date, datetime or float, optional
        Versions are superseded as of this instant; None: as of the end.

    Returns
    -------
    polars.DataFrame
        `table`, `row` (number in the source, from 1), `reason`, and the columns of all sources as
        text, null where a table has no such column. A source's own column `table` or `reason` is
        called `source table` or `source reason`. Anonymous rows are not in it.

    Examples
    --------
    >>> from features.intake.canonical import take_in
    >>> orders = pl.DataFrame({
    ...     "order_id": ["1", "2"], "customer_id": ["a", "b"],
    ...     "ordered_at": ["2024-01-05", "31.02.2024"], "amount": ["20", "35"]})
    >>> quarantine(take_in({"orders": orders}, Mapping()), Mapping()).rows()
    [('orders', 2, 'unparsable ordered_at', '2', 'b', '31.02.2024', '35')]
    """
    day = None if as_of is None else as_day(as_of, mapping.timezone)
    parts = [_with_cells(intake, day) for intake in intakes.values()]
    return pl.concat(parts, how="diagonal")


def write_quarantine(
    intakes: Dict[str, CanonicalTable],
    mapping: Mapping,
    path: str | Path,
    as_of: Instant | None = None,
) -> int:
    """Write `quarantine` as CSV and say how many rows it holds."""
    rows = quarantine(intakes, mapping, as_of)
    rows.write_csv(path)
    return rows.height


def _superseded(as_of: nw.Expr | float | None) -> nw.Expr:
    superseded = nw.col("superseded_day")
    return ~superseded.is_null() if as_of is None else superseded < as_of


def _is_made_of_lines(intake: CanonicalTable) -> bool:
    return intake.raw is None and intake.rows.implementation.is_polars()


def _rows_in(intake: CanonicalTable) -> int:
    if intake.raw is not None:
        return int(intake.raw.select(pl.len()).collect().item())
    rows = nw.col("order_id").n_unique() if _is_made_of_lines(intake) else nw.len()
    return int(intake.rows.select(rows).collect("polars").to_native().item())


def _with_cells(intake: CanonicalTable, as_of: float | None) -> pl.DataFrame:
    rows = quarantine_reasons(intake, as_of)
    if intake.raw is None:
        cells = rows.drop("fate", "problem", "unread", "known_day", "superseded_day", strict=False)
        found: pl.DataFrame = cells.collect("polars").to_native()
    else:
        wrong: pl.DataFrame = rows.select("row", "reason").collect("polars").to_native()
        raw = intake.raw if wrong.height else intake.raw.collect_schema().to_frame().lazy()
        found = _own_names_freed(raw).join(wrong.lazy(), on="row").collect()
    cells_of = [name for name in found.columns if name not in OWN_COLUMNS]
    return found.select(
        pl.lit(intake.table).alias("table"),
        "row",
        "reason",
        *(_as_text(name, found.schema[name]) for name in cells_of),
    ).sort("row")


def _own_names_freed(raw: pl.LazyFrame) -> pl.LazyFrame:
    taken = {"table", "reason"} & set(raw.collect_schema())
    return raw.rename({name: f"source {name}" for name in taken}).cast({"row": pl.Int64})


def _as_text(column: str, dtype: pl.DataType) -> pl.Expr:
    if dtype.is_nested():
        return pl.struct(column).struct.json_encode().alias(column)
    return pl.col(column).cast(pl.String, strict=False)
