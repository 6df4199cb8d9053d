"""A source's rows in the shape of the history: one customer, one date and one order a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from features.intake.amounts import read_numbers
from features.intake.casting import WHOLE_FLOAT
from features.intake.dataframes import readable
from features.intake.mapping import Status, TableMapping
from features.schema import JOINED, NOT_COUNTED, Column

# What the shape adds to a source's cells.
ASIDE, PAID_BACK, CALLED_OFF = "set aside", "paid back", "called off"
OWN_ID = "id of the refund"
ONE, NO_ID = "one", "no order id"
# Words of statuses that end an order which never was; after the others it may still be paid.
FINAL = r"void|cancel|fail|declin|denied|reject|expired|blocked|test|trash|error|storn|annul"
# What workbooks write beside a date, and beside a time of day.
MIDNIGHT, FIRST_DAY = r"[T ]00:00(:00(\.0+)?)?$", r"^(1899|1900|1904)-\d\d-\d\d[T ]"


@dataclass(frozen=True)
class Shaped:
    """Cells of a source, and the mapping that finds the table's columns in them.

    Attributes
    ----------
    cells : polars.DataFrame
        `row`, the source's columns that mean something, and those that were made of several;
        `set aside` says why a row is none of its own, `paid back` whether the whole order was,
        `called off` whether a status says for good that it never was one, and `id of the refund`
        what a row that names the order that it gives back is called itself.
    source : TableMapping
    """

    cells: pl.DataFrame
    source: TableMapping

    def with_column(self, column: str, name: str, cells: pl.Expr) -> Shaped:
        """The same with a column of the table read from cells that are made here."""
        columns = {**self.source.columns, column: name}
        made = self.cells.with_columns(cells.alias(name))
        return Shaped(made, replace(self.source, columns=columns))

    def has(self, *names: str) -> bool:
        """Whether the cells have columns of these names."""
        return set(names) <= set(self.cells.columns)

    def given(self, name: str) -> pl.Expr:
        """Whether a cell says anything."""
        if self.cells.schema[name] != pl.String:
            return pl.col(name).is_not_null()
        return (pl.col(name).str.strip_chars().str.len_chars() > 0).fill_null(False)


def shaped(
    table: str, raw: pl.LazyFrame, source: TableMapping, columns: Sequence[Column]
) -> Shaped:
    """Bring a source's rows into the shape of a table.

    Parameters
    ----------
    table : str
    raw : polars.LazyFrame
        The source's rows with `row`.
    source : TableMapping
        With names as the source writes them.
    columns : sequence of Column
        The table's columns.
    """
    wanted = {name for column in columns for name in source.sources(column.source)}
    wanted |= set(source.further)
    names = raw.collect_schema().names()
    with readable(table):
        cells = raw.select("row", *(name for name in names if name in wanted)).collect()
    found = Shaped(cells.with_columns(pl.lit(None, pl.String).alias(ASIDE)), source)
    for column in columns:
        if column.source != "customer_id" and len(source.sources(column.source)) > 1:
            found = _first_given(found, column.source)
    if table == "orders":
        found = _lines_below(found, raw) if source.is_lines else _rows_below(found)
        found = _rows_again(found)
        found = _given_back(_counted(found))
    found = _in_words(_one_customer(found))
    if source.time is not None:
        found = _one_instant(table, found)
    return _one_order(found) if table == "orders" else found


def _first_given(found: Shaped, column: str) -> Shaped:
    """Of several columns of the source, the first that says something."""
    names = [name for name in found.source.sources(column) if name in found.cells.columns]
    types = {found.cells.schema[name] for name in names}
    cells = (pl.col(n) if len(types) == 1 else pl.col(n).cast(pl.String) for n in names)
    given = (pl.when(found.given(n)).then(c) for n, c in zip(names, cells, strict=True))
    return found.with_column(column, found.source.source(column), pl.coalesce(given))


def _order_cells(found: Shaped) -> list[str]:
    """The columns that tell of an order as a whole."""
    own = ("customer_id", "ordered_at", "currency")
    names = [name for column in own for name in found.source.sources(column)]
    names += [
        n for n in (found.source.time, found.source.status and found.source.status.column) if n
    ]
    return [name for name in names if name in found.cells.columns]


def _lines_below(found: Shaped, raw: pl.LazyFrame) -> Shaped:
    """Lines that say nothing of their order belong to that of the line above.

    One that says nothing but a number is the total of a sheet, and of no order.
    """
    key, order = found.source.source("order_id"), _order_cells(found)
    if not order or not found.has(key):
        return found
    cells = found.cells
    silent = ~pl.any_horizontal(found.given(name) for name in [key, *order])
    if cells.select(silent.any()).item():
        silent &= ~_totals(raw)
        above = pl.when(found.given(key)).then(pl.col(key)).forward_fill()
        cells = cells.with_columns(pl.when(silent).then(above).otherwise(pl.col(key)).alias(key))
    day, recorded = _time_cells(found)
    cells = _filled(found, cells, [key], day)
    # Who the customer is may be learnt from a later line: an earlier one is not to know it.
    others = [name for name in order if name not in day]
    return replace(found, cells=_filled(found, cells, [key, *day, *recorded], others))


def _totals(raw: pl.LazyFrame) -> pl.Series:
    """Whether a row has one cell alone."""
    texts = pl.all().exclude("row").cast(pl.String, strict=False).str.strip_chars().str.len_chars()
    given = pl.sum_horizontal((texts > 0).fill_null(False).cast(pl.Int32))
    return raw.select(given == 1).collect().to_series()


def _time_cells(found: Shaped) -> tuple[list[str], list[str]]:
    """The columns that tell when a row happened, and when it was recorded."""
    day = [*found.source.sources("ordered_at"), found.source.time]
    recorded = found.source.sources("recorded_at")
    there = set(found.cells.columns)
    return [n for n in day if n in there], [n for n in recorded if n in there]


def _filled(
    found: Shaped, cells: pl.DataFrame, group: Sequence[str], names: Sequence[str]
) -> pl.DataFrame:
    """Cells that say nothing say what the first of their group does."""
    is_gap = {name: ~found.given(name) & found.given(group[0]) for name in names}
    gaps = [name for name, gap in is_gap.items() if cells.select(gap.any()).item()]
    own = {name: pl.when(found.given(name)).then(pl.col(name)) for name in gaps}
    told = {name: cell.drop_nulls().first().over(group) for name, cell in own.items()}
    return cells.with_columns(
        pl.when(is_gap[name]).then(told[name]).otherwise(pl.col(name)).alias(name) for name in gaps
    )


def _rows_below(found: Shaped) -> Shaped:
    """Rows without an amount that name the order above, or nothing of an order, continue it."""
    key, amount = found.source.source("order_id"), found.source.source("amount")
    if not found.has(key, amount) or not _may_be_blank(found.cells[amount]):
        return found
    order = _order_cells(found)
    told = pl.when(found.given(amount)).then(pl.col(key)).forward_fill()
    same = found.given(key) & (pl.col(key) == told)
    silent = ~pl.any_horizontal(found.given(name) for name in [key, *order]) & told.is_not_null()
    continues = ~found.given(amount) & (same | silent).fill_null(False)
    return _set_aside(found, continues, JOINED)


def _may_be_blank(cells: pl.Series) -> bool:
    """Whether some cell is null, or begins as a blank one may: a look cheaper than stripping."""
    if cells.null_count() or cells.dtype != pl.String:
        return bool(cells.null_count())
    # Blanks of ASCII stand before all its marks, and the others after the last of them.
    return bool(((cells < "!") | (cells > "\x7f")).any())


def _rows_again(found: Shaped) -> Shaped:
    """Where each line of an order has its amount, the first one tells it; the others continue."""
    names = [found.source.source("order_id"), found.source.source("amount")]
    status = found.source.status
    if not found.source.repeated or not found.has(*names):
        return found
    # What another export says of the order is no line of it.
    words = [] if status is None else [_word(found, status, names)]
    return _set_aside(found, ~pl.struct(*names, *words).is_first_distinct(), JOINED)


def _word(found: Shaped, status: Status, order: Sequence[str]) -> pl.Expr:
    """What a status means for its order; where it says nothing, what others of the order do."""
    said = folded(pl.col(status.column))
    word = (
        pl.when(~found.given(status.column))
        .then(None)
        .when(_is_final(status))
        .then(pl.lit("off"))
        .when(said.is_in(_folded(status.not_counted)))
        .then(pl.lit("open"))
        .when(said.is_in(_folded(status.refunded)))
        .then(pl.lit("back"))
        .otherwise(pl.lit("counts"))
    )
    return pl.coalesce(word, word.min().over(order)).alias("word")


def _set_aside(found: Shaped, rows: pl.Expr, why: str) -> Shaped:
    aside = pl.when(pl.col(ASIDE).is_null() & rows).then(pl.lit(why)).otherwise(pl.col(ASIDE))
    return replace(found, cells=found.cells.with_columns(aside.alias(ASIDE)))


def _counted(found: Shaped) -> Shaped:
    """Orders whose status says that they never were, or were paid back, are marked."""
    status = found.source.status
    if status is None:
        none = (pl.lit(False).alias(name) for name in (PAID_BACK, CALLED_OFF))
        return replace(found, cells=found.cells.with_columns(none))
    said = folded(pl.col(status.column))
    found = _set_aside(found, said.is_in(_folded(status.not_counted)), NOT_COUNTED)
    paid_back = said.is_in(_folded(status.refunded)).fill_null(False)
    # Orders that are told apart by customer and time alone say nothing of each other.
    named = found.has(found.source.source("order_id"))
    off = (pl.col(ASIDE) == NOT_COUNTED) & _is_final(status) & named
    made = found.cells.with_columns(
        paid_back.alias(PAID_BACK), off.fill_null(False).alias(CALLED_OFF)
    )
    return replace(found, cells=made)


def _is_final(status: Status) -> pl.Expr:
    """Whether a status ends an order that never was, and no paid one is to come."""
    said = folded(pl.col(status.column))
    return said.is_in(_folded(status.not_counted)) & said.str.contains(FINAL)


def _given_back(found: Shaped) -> Shaped:
    """Rows with a negative amount are of the order that they give back, where they name it."""
    refund, source = found.source.refund, found.source
    key, amount = source.source("order_id"), source.source("amount")
    if refund is None or refund.of is None or not found.has(key, amount):
        return found
    negative = pl.lit(read_numbers(found.cells[amount].cast(pl.String)) < 0)
    named = pl.when(negative & found.given(refund.of)).then(pl.col(refund.of))
    own = pl.col(key).cast(pl.String).str.strip_chars().str.replace(WHOLE_FLOAT, "$1")
    of = named.cast(pl.String).str.strip_chars().str.replace(WHOLE_FLOAT, "$1")
    made = found.cells.with_columns(pl.when(found.given(key) & (own != of)).then(own).alias(OWN_ID))
    found = replace(found, cells=made)
    return found.with_column("order_id", f"{refund.of} or {key}", pl.coalesce(named, key))


def _in_words(found: Shaped) -> Shaped:
    """What the words of a source mean, where the mapping tells it."""
    for column, meanings in found.source.words.items():
        name = found.source.source(column)
        if not found.has(name):
            continue
        means = {_folded([word])[0]: str(meaning) for word, meaning in meanings.items()}
        said = pl.col(name).cast(pl.String)
        known = folded(said).replace_strict(means, default=None, return_dtype=pl.String)
        cells = pl.when(folded(said).is_in(list(means))).then(known).otherwise(said)
        found = found.with_column(column, f"{name} in words", cells)
    return found


def folded(status: pl.Expr) -> pl.Expr:
    """A status without regard to capitals and to the marks between its words."""
    words = status.cast(pl.String).str.to_lowercase().str.replace_all(r"[\s_-]+", " ")
    # WooCommerce's database writes wc-cancelled.
    return words.str.strip_chars().str.strip_prefix("wc ")


def _folded(words: Sequence[str]) -> list[str]:
    return pl.select(folded(pl.lit(pl.Series(list(words), dtype=pl.String)))).to_series().to_list()


def _one_customer(found: Shaped) -> Shaped:
    """The first id that is given; ids that stand for nobody are none."""
    source = found.source
    names = [name for name in source.sources("customer_id") if name in found.cells.columns]
    if not names or (names == [source.source("customer_id")] and not source.blank):
        return found
    texts = [
        pl.col(name).cast(pl.String).str.strip_chars().str.replace(WHOLE_FLOAT, "$1")
        for name in names
    ]
    nobody = ["", *source.blank]
    first = pl.coalesce(pl.when(~text.is_in(nobody)).then(text) for text in texts)
    is_one = len(source.sources("customer_id")) == 1
    name = f"{names[0]} of somebody" if is_one else source.source("customer_id")
    return found.with_column("customer_id", name, first)


def _one_instant(table: str, found: Shaped) -> Shaped:
    """Date and time of day in one cell; a time alone is none."""
    column = "created_at" if table == "feedback" else "ordered_at"
    date, time = found.source.source(column), str(found.source.time)
    if not found.has(date, time):
        return found
    day = pl.col(date).cast(pl.String).str.strip_chars().str.replace(MIDNIGHT, "")
    both = day + " " + pl.col(time).cast(pl.String).str.strip_chars().str.replace(FIRST_DAY, "")
    return found.with_column(column, f"{date} and {time}", pl.coalesce(both, day))


def _one_order(found: Shaped) -> Shaped:
    """An id where the source has none, and lines whose total is told instead of a price."""
    source = found.source
    if source.line_total is not None:
        cells = found.cells.with_columns(pl.lit(1.0).alias(ONE))
        found = Shaped(cells, replace(source, quantity=ONE, price=source.line_total))
    if source.without_order_id is None or found.has(source.source("order_id")):
        return found
    if source.without_order_id == "row":
        return found.with_column("order_id", NO_ID, pl.format("row {}", "row"))
    parts = [source.source("customer_id"), source.source("ordered_at")]
    return found.with_column(
        "order_id", NO_ID, pl.concat_str(parts, separator=" at ", ignore_nulls=True)
    )
