"""Raw tables become canonical ones; every row that cannot be used keeps its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import narwhals as nw
import polars as pl

from features.clock import with_day
from features.errors import HistoryError
from features.mapping import Mapping, TableMapping
from features.sources import as_lazy, constants, select_rows

ANONYMOUS = "anonymous"
ALWAYS = float("-inf")


@dataclass(frozen=True)
class Column:
    """One column of a table of the history: its name in sources and in the library."""

    source: str
    kind: Literal["id", "text", "number", "date"]
    required: bool = False
    name: str = ""

    @property
    def target(self) -> str:
        """The column's name inside the library."""
        return self.name or self.source


RECORDED = Column("recorded_at", "date", name="recorded_day")
SCHEMAS: dict[str, tuple[Column, ...]] = {
    "orders": (
        Column("order_id", "id", required=True),
        Column("customer_id", "id", required=True),
        Column("ordered_at", "date", required=True, name="day"),
        Column("amount", "number", required=True),
        RECORDED,
        Column("discount_amount", "number"),
        Column("currency", "text"),
    ),
    "feedback": (
        Column("customer_id", "id", required=True),
        Column("created_at", "date", required=True, name="day"),
        Column("kind", "text", required=True),
        Column("score", "number"),
        RECORDED,
        Column("feedback_id", "id"),
        Column("order_id", "id"),
        Column("text", "text"),
        Column("due_at", "date", name="due_day"),
        Column("resolved_at", "date", name="resolved_day"),
    ),
    "offers": (
        Column("customer_id", "id", required=True),
        Column("campaign_id", "id", required=True),
        Column("offered_at", "date", required=True, name="day"),
        Column("offer_id", "id", required=True),
        Column("intended_offer", "id"),
        Column("propensity", "number"),
        Column("cost", "number"),
        Column("redeemed_at", "date", name="redeemed_day"),
        Column("refused_at", "date", name="refused_day"),
    ),
    "customers": (
        Column("customer_id", "id", required=True),
        RECORDED,
        Column("marketing_consent", "text"),
        Column("acquisition_cost", "number"),
    ),
}
LINES = (
    Column("quantity", "number", required=True),
    Column("price", "number", required=True),
)


@dataclass(frozen=True)
class Intake:
    """One table as it came in, and what became of each row.

    Attributes
    ----------
    table : str
    rows : narwhals.LazyFrame
        The canonical columns, `known_day`, `superseded_day`, and `problem`: null for a usable row,
        `anonymous`, or the reason why the row cannot be used. `row` numbers the source's rows
        from 1 where the engine keeps an order, else null.
    raw : polars.LazyFrame or None
        The source's rows with `row`, where they were read from files, databases or memory.
    left_out : int
        Rows that the mapping's `drop` rule named.
    unused : tuple of str
        Columns of the source that mean nothing to Holdfast.
    """

    table: str
    rows: nw.LazyFrame[Any]
    raw: pl.LazyFrame | None = None
    left_out: int = 0
    unused: tuple[str, ...] = ()


def take_in(frames: dict[str, Any], mapping: Mapping) -> dict[str, Intake]:
    """Turn raw frames into intakes, one for each table; invoice lines give one more, `lines`.

    Raises
    ------
    HistoryError
        If a required column is missing, a column has an unusable type, the mapping names a column
        that is not there, or currencies are mixed.
    """
    intakes: dict[str, Intake] = {}
    for table, frame in frames.items():
        if frame is None:
            continue
        intakes |= _take_table(table, as_lazy(table, frame), mapping)
    if "orders" not in intakes:
        raise HistoryError("a history needs orders. Give a frame of orders.")
    _refuse_mixed_currencies(intakes["orders"], mapping)
    return intakes


def _take_table(
    table: str, frame: nw.LazyFrame[Any], mapping: Mapping
) -> dict[str, Intake]:
    source = mapping.of(table)
    raw, left_out = None, 0
    if frame.implementation.is_polars():
        whole: pl.LazyFrame = frame.to_native()
        kept = select_rows(table, whole, source)
        if source.drop is not None:
            left_out = _height(whole) - _height(kept)
        raw = constants(kept, source.constants).with_row_index("row", offset=1)
        frame = nw.from_native(raw)
    elif source.drop or source.is_lines or source.constants:
        raise HistoryError(
            f"[{table}] drop, lines and constants work on files, databases, pandas and Polars; "
            f"apply them in {frame.implementation} before handing the frame over."
        )
    columns = SCHEMAS[table]
    result: dict[str, Intake] = {}
    if source.is_lines:
        lines = _conform("orders", frame, mapping, _line_columns(source))
        lines = _collected(
            lines.with_columns(amount=nw.col("quantity") * nw.col("price"))
        )
        result["lines"] = Intake("lines", lines, raw, left_out)
        rows, raw, left_out = _orders_of(lines), None, 0
    else:
        rows = _conform(
            table, frame, mapping, _with_declared(columns, table, frame, mapping)
        )
        rows = _collected(rows)
    present = set(frame.collect_schema().names())
    used = {source.source(c.source) for c in (*columns, *_line_columns(source))} | {
        "row"
    }
    used |= set(mapping.static) if table == "customers" else set()
    rows = _with_versions(table, rows)
    result[table] = Intake(table, rows, raw, left_out, tuple(sorted(present - used)))
    return result


def _line_columns(source: TableMapping) -> tuple[Column, ...]:
    """Columns of invoice lines: those of orders, with quantity and price in place of the amount."""
    return (*(c for c in SCHEMAS["orders"] if c.source != "amount"), *LINES)


def _with_declared(
    columns: tuple[Column, ...], table: str, frame: nw.LazyFrame[Any], mapping: Mapping
) -> tuple[Column, ...]:
    """Add the customer columns that may become features, numbers and categories alike."""
    if table != "customers":
        return columns
    schema = frame.collect_schema()
    source = mapping.of(table)
    taken = {source.source(c.source) for c in columns} | {"row"}
    missing = sorted(set(mapping.static) - set(schema))
    if missing:
        raise HistoryError(
            f"[customers] static names columns that are not there: {missing}; "
            f"the table has {sorted(set(schema) - {'row'})}."
        )
    versioned = source.source("recorded_at") in schema
    declared = set(mapping.static) | set(mapping.categories)
    kinds = {c: _kind_of(c, frame, schema, mapping) for c in schema if c not in taken}
    return (
        *columns,
        *(
            Column(name, kind)
            for name, kind in kinds.items()
            if name in declared or (versioned and kind == "number")
        ),
    )


def _kind_of(
    column: str, frame: nw.LazyFrame[Any], schema: nw.Schema, mapping: Mapping
) -> Literal["number", "text"]:
    """Numbers stay numbers; so does text that holds nothing but numbers, as CSV files do."""
    dtype = schema[column]
    if column in mapping.categories:
        return "text"
    if dtype != nw.String:
        return "number" if dtype.is_numeric() or dtype == nw.Boolean else "text"
    if column not in mapping.static or not frame.implementation.is_polars():
        return "text"
    text = pl.col(column).drop_nulls()
    all_numbers = _parsed_number(text, mapping.decimal).is_not_null().all()
    native: pl.LazyFrame = frame.to_native()
    return "number" if native.select(all_numbers).collect().item() else "text"


def _conform(
    table: str, frame: nw.LazyFrame[Any], mapping: Mapping, columns: Sequence[Column]
) -> nw.LazyFrame[Any]:
    """Read every column as its kind and say of every row what is wrong with it."""
    source = mapping.of(table)
    schema = frame.collect_schema()
    names = {c.target: _source_name(c, source) for c in columns}
    _require(table, columns, names, schema.names(), source)
    present = [c for c in columns if names[c.target] in schema]
    row = (
        nw.col("row").cast(nw.Int64)
        if "row" in schema
        else nw.lit(None, dtype=nw.Int64)
    )
    frame = frame.select(
        row.alias("row"),
        *(nw.col(names[c.target]).alias(f"raw_{c.target}") for c in present),
    )
    for column in columns:
        if column in present:
            frame = _read(frame, column, mapping, source.date_format)
        else:
            dtype = nw.String if column.kind in {"id", "text"} else nw.Float64
            frame = frame.with_columns(nw.lit(None, dtype=dtype).alias(column.target))
    frame = frame.with_columns(_known_day(table).alias("known_day"))
    targets = [c.target for c in columns if c != RECORDED]
    if table == "feedback":
        frame = frame.with_columns(_satisfaction(mapping).alias("satisfaction"))
        targets.append("satisfaction")
    problem = _problem(table, present, mapping)
    return frame.with_columns(problem.alias("problem")).select(
        "row", *targets, "known_day", "problem"
    )


def _source_name(column: Column, source: TableMapping) -> str:
    if column in LINES:
        return str(source.quantity if column.source == "quantity" else source.price)
    return source.source(column.source)


def _require(
    table: str,
    columns: Sequence[Column],
    names: dict[str, str],
    present: Sequence[str],
    source: TableMapping,
) -> None:
    known = {c.source for c in columns}
    unknown = sorted(set(source.columns) - known)
    if unknown:
        raise HistoryError(
            f"[{table}.columns] maps {unknown}, which {table} does not have; it has {sorted(known)}."
        )
    missing = [
        c.source
        if names[c.target] == c.source
        else f"{c.source} (mapped to {names[c.target]!r})"
        for c in columns
        if names[c.target] not in present and (c.required or c.source in source.columns)
    ]
    if missing:
        found = sorted(set(present) - {"row"})
        glued = len(found) == 1 and any(mark in found[0] for mark in ";\t|")
        raise HistoryError(
            f"{table} must have the columns {missing}; it has {found}. "
            f"Rename them, or map them under [{table}.columns] in history.toml."
            + (
                ' Set separator = ";" there if that is what parts the columns.'
                if glued
                else ""
            )
        )


def _read(
    frame: nw.LazyFrame[Any], column: Column, mapping: Mapping, formats: Sequence[str]
) -> nw.LazyFrame[Any]:
    raw = f"raw_{column.target}"
    if column.kind == "date":
        return with_day(frame, raw, column.target, mapping.timezone, formats)
    dtype = frame.collect_schema()[raw]
    if column.kind == "number":
        if dtype == nw.String and frame.implementation.is_polars():
            native: pl.LazyFrame = frame.to_native()
            number = _parsed_number(pl.col(raw), mapping.decimal)
            return nw.from_native(native.with_columns(number.alias(column.target)))
        if not (dtype.is_numeric() or dtype in {nw.Boolean, nw.Unknown}):
            raise HistoryError(
                f"column {column.source!r} must hold numbers; it holds {dtype}."
            )
        return frame.with_columns(
            _finite(nw.col(raw).cast(nw.Float64)).alias(column.target)
        )
    text = nw.col(raw)
    if dtype.is_float():
        text = text.cast(nw.Int64)
    text = text.cast(nw.String)
    blank = text.str.strip_chars().str.len_chars() == 0
    return frame.with_columns(
        nw.when(~blank)
        .then(text)
        .otherwise(nw.lit(None, dtype=nw.String))
        .alias(column.target)
    )


def _parsed_number(text: pl.Expr, decimal: str) -> pl.Expr:
    if decimal == ",":
        text = text.str.replace_all(".", "", literal=True).str.replace(
            ",", ".", literal=True
        )
    number = text.str.strip_chars().cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def _finite(number: nw.Expr) -> nw.Expr:
    return (
        nw.when(number.is_finite())
        .then(number)
        .otherwise(nw.lit(None, dtype=nw.Float64))
    )


def _known_day(table: str) -> nw.Expr:
    recorded = nw.col("recorded_day")
    if table == "offers":
        return nw.col("day")
    if table == "customers":
        return nw.when(recorded.is_null()).then(nw.lit(ALWAYS)).otherwise(recorded)
    return nw.when(recorded > nw.col("day")).then(recorded).otherwise(nw.col("day"))


def _satisfaction(mapping: Mapping) -> nw.Expr:
    """Scores of every kind on one scale from -1 (worst) to 1 (best)."""
    satisfaction: nw.Expr = nw.lit(None, dtype=nw.Float64)
    for kind, (low, high) in mapping.scales.items():
        centred = (nw.col("score") - (low + high) / 2) / ((high - low) / 2)
        satisfaction = (
            nw.when(nw.col("kind") == kind).then(centred).otherwise(satisfaction)
        )
    return satisfaction


def _problem(table: str, present: Sequence[Column], mapping: Mapping) -> nw.Expr:
    """The first thing that is wrong with a row, or null."""
    problem: nw.Expr = nw.lit(None, dtype=nw.String)
    if table != "customers":
        problem = (
            nw.when(nw.col("customer_id").is_null())
            .then(nw.lit(ANONYMOUS))
            .otherwise(problem)
        )
    for wrong, reason in reversed(_checks(table, present, mapping)):
        problem = nw.when(wrong).then(nw.lit(reason)).otherwise(problem)
    return problem


def _checks(
    table: str, present: Sequence[Column], mapping: Mapping
) -> list[tuple[nw.Expr, str]]:
    checks: list[tuple[nw.Expr, str]] = []
    for column in present:
        value, given = nw.col(column.target), _is_given(column)
        if column.required and not (
            column.target == "customer_id" and table != "customers"
        ):
            checks.append((~given, f"missing {column.source}"))
        if column.kind in {"date", "number"}:
            checks.append((given & value.is_null(), f"unparsable {column.source}"))
        if column.kind == "date":
            checks.append((value < 0, f"{column.source} before 1970"))
    if table == "feedback":
        checks.append((~nw.col("kind").is_in(list(mapping.scales)), "unknown kind"))
        checks.append(((nw.col("satisfaction").abs() > 1), "score outside its scale"))
    return checks


def _is_given(column: Column) -> nw.Expr:
    raw = nw.col(f"raw_{column.target}")
    if column.kind in {"id", "text"}:
        return ~nw.col(column.target).is_null()
    return ~raw.is_null()


def _orders_of(lines: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Group usable invoice lines into orders; an order's time is that of its first line."""
    usable = lines.filter(
        nw.col("problem").is_null() | (nw.col("problem") == ANONYMOUS)
    )
    orders = usable.group_by("order_id").agg(
        nw.col("customer_id").min(),
        nw.col("day").min(),
        nw.col("known_day").max(),
        nw.col("amount").sum(),
        nw.when(nw.col("discount_amount").count() > 0).then(
            nw.col("discount_amount").sum()
        ),
        nw.col("currency").min(),
        nw.col("row").min(),
    )
    anonymous = nw.col("customer_id").is_null()
    return orders.with_columns(
        nw.when(anonymous)
        .then(nw.lit(ANONYMOUS))
        .otherwise(nw.lit(None, dtype=nw.String))
        .alias("problem")
    ).sort("row")


def _with_versions(table: str, rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Say when each row was replaced by a later known one of the same identity.

    A row counts at `as_of` if `known_day < as_of` and it was not superseded before `as_of`; this
    is deduplication after the cut, whatever the cut.
    """
    keys = [key.alias(f"key_{i}") for i, key in enumerate(_identity(table, rows))]
    names = [f"key_{i}" for i in range(len(keys))]
    usable = rows.filter(nw.col("problem").is_null()).with_columns(*keys)
    unusable = rows.filter(~nw.col("problem").is_null())
    never = nw.lit(None, dtype=nw.Float64).alias("superseded_day")
    if rows.implementation.is_polars() and _is_unique(usable, names):
        return rows.with_columns(never)
    order = ["known_day", *_tie_breakers(table, rows)]
    versioned = usable.with_columns(
        nw.col("known_day")
        .shift(-1)
        .over(*names, order_by=order)
        .alias("superseded_day")
    ).drop(names)
    return _collected(
        nw.concat([versioned, unusable.with_columns(never)], how="vertical")
    )


def _identity(table: str, rows: nw.LazyFrame[Any]) -> list[nw.Expr]:
    if table == "orders":
        amount = nw.col("amount")
        sign = (
            nw.when(amount > 0)
            .then(1.0)
            .otherwise(nw.when(amount < 0).then(-1.0).otherwise(0.0))
        )
        return [nw.col("order_id"), sign]
    if table == "feedback":
        unnamed = nw.col("feedback_id").is_null()
        parts = [
            nw.col("customer_id"),
            nw.col("kind"),
            nw.col("day"),
            nw.col("order_id"),
        ]
        return [nw.col("feedback_id"), *(nw.when(unnamed).then(part) for part in parts)]
    if table == "offers":
        return [nw.col(c) for c in ("customer_id", "campaign_id", "offer_id", "day")]
    return [nw.col("customer_id")]


def _tie_breakers(table: str, rows: nw.LazyFrame[Any]) -> list[str]:
    """Columns that order versions known at the same time, so that row order means nothing."""
    first = {
        "orders": ["day", "amount"],
        "feedback": ["day", "score"],
        "offers": ["day"],
    }
    names = rows.collect_schema().names()
    settled = {"row", "problem", "known_day"}
    ahead = first.get(table, [])
    return [
        *ahead,
        *(name for name in names if name not in settled and name not in ahead),
    ]


def _is_unique(usable: nw.LazyFrame[Any], names: list[str]) -> bool:
    native: pl.LazyFrame = usable.to_native()
    distinct = pl.struct(names).n_unique().alias("distinct")
    counts = native.select(pl.len().alias("rows"), distinct).collect()
    return counts["rows"].item() == counts["distinct"].item()


def _refuse_mixed_currencies(orders: Intake, mapping: Mapping) -> None:
    found = (
        orders.rows.filter(nw.col("problem").is_null())
        .select("currency")
        .unique()
        .collect()
    )
    currencies = sorted(c for c in found["currency"].to_list() if c is not None)
    declared = {mapping.currency} if mapping.currency else set(currencies[:1])
    if set(currencies) - declared:
        raise HistoryError(
            f"orders must be in one currency; got {currencies}"
            + (f", declared is {mapping.currency}. " if mapping.currency else ". ")
            + "Convert the amounts, or open one currency's orders at a time."
        )


def _collected(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Hold a local frame in memory, so that it is read from its source once."""
    if not frame.implementation.is_polars():
        return frame
    try:
        return nw.from_native(frame.to_native().collect().lazy())
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise HistoryError(f"the data cannot be read: {reason}.") from None


def _height(frame: pl.LazyFrame) -> int:
    return int(frame.select(pl.len()).collect().item())
