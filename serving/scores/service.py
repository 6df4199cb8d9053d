"""Customers scored from the history in the request: the batch's way, for those who are sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Mapping as Dict

import narwhals as nw
import polars as pl

from features.clock import as_day, as_instant
from features.history.history import History, Past
from features.intake.canonical import CanonicalTable, take_in
from features.intake.mapping import Mapping
from features.intake.rules import AttributeKind
from features.quality.row_counts import account, quarantine_reasons
from features.schema import SCHEMAS, SCORE
from serving.http.problems import FieldProblem, ProblemError
from serving.inforce.champions import Champions
from serving.inforce.schemas import ScoreRow
from serving.rows.frames import (
    Cell,
    Placed,
    as_kind,
    as_number,
    column_type,
    frame_of,
    rule_of,
    spelling,
)
from serving.rows.schemas import RequestModel
from serving.scores.schemas import (
    Customer,
    NotScored,
    NotUsed,
    RowsUsed,
    ScoreAnswer,
    ScoreRequest,
)

TABLES = ("orders", "feedback", "offers")


def score(request: ScoreRequest, champions: Champions) -> ScoreAnswer:
    """Score the customers of a request, and say of everything else why it does not count.

    Raises
    ------
    ProblemError
        If the amounts are in another currency, or it cannot be told whether tickets are open.
    """
    _require_currency(request, champions)
    _require_resolutions(request)
    rows = {table: list(_placed(request.customers, table)) for table in TABLES}
    further = champions.row_attributes
    frames = {
        table: frame_of(table, placed, further.get(table, {}))
        for table, placed in rows.items()
        if placed
    }
    attributes, unused = _attributes(request.customers, champions)
    for table, placed in rows.items():
        unused += _unused_of_rows(table, placed, further.get(table, {}))
    mapping = champions.mapping
    day = as_day(request.as_of, mapping.timezone)
    intakes = take_in(_complete(frames, attributes, further.get("orders", {})), mapping)
    found = _scored(History.from_intakes(intakes, mapping).upto(day), champions)
    counts = {table: _counted(intakes[table], day) for table in frames}
    for table, counted in counts.items():
        if counted.not_used:
            unused += _unusable(intakes[table], day, rows[table], mapping)
    return ScoreAnswer(
        as_of=as_instant(day),
        currency=champions.terms.currency,
        versions=champions.versions,
        definition=champions.terms,
        customers=[found[c.customer_id] for c in request.customers if c.customer_id in found],
        not_scored=list(_not_scored(request.customers, found, unused)),
        not_used=unused,
        rows=counts,
    )


def _require_currency(request: ScoreRequest, champions: Champions) -> None:
    known = champions.terms.currency
    if request.currency is None or request.currency == known:
        return
    detail = f"must be {known}, the currency of the models; got {request.currency!r}"
    remedy = "Convert the amounts, or train on a history in this currency."
    raise _refused("/currency", detail, remedy)


def _require_resolutions(request: ScoreRequest) -> None:
    """Refuse scored tickets of which it cannot be told whether they are open.

    The history counts the score of an open ticket only where nothing tells of resolutions.
    """
    answers = _placed(request.customers, "feedback")
    tickets = [p for p in answers if p.cell("kind") in SCORE.known_later_of]
    told = [p for p in tickets if SCORE.known_with in p.row.model_fields_set]
    untold = [p for p in tickets if SCORE.known_with not in p.row.model_fields_set]
    silent = [p for p in untold if p.cell(SCORE.source) is not None]
    if told and silent:
        detail = "must be given with every ticket or with none"
        place = f"{silent[0].place}/{SCORE.known_with}"
        raise _refused(place, detail, "Give null while it is open.")


def _refused(field: str, detail: str, remedy: str) -> ProblemError:
    found = FieldProblem(place="body", field=field, detail=detail, remedy=remedy)
    return ProblemError(422, f"body {field} {detail}. {remedy}", [found])


def _placed(customers: Sequence[Customer], table: str) -> Iterator[Placed]:
    for i, customer in enumerate(customers):
        rows: list[RequestModel] = getattr(customer, table)
        for j, row in enumerate(rows):
            yield Placed(f"/customers/{i}/{table}/{j}", customer.customer_id, row)


def _unused_of_rows(
    table: str, rows: Sequence[Placed], known: Dict[str, AttributeKind]
) -> Iterator[NotUsed]:
    """Further columns of rows that the models do not know, or that are no numbers."""
    for placed in rows:
        for name, value in placed.cell("attributes").items():
            reason = "must be a number"
            if name not in known:
                reason = f"no attribute of {table} that the models know, which are {sorted(known)}"
            elif value is None or as_kind(value, known[name]) is not None:
                continue
            yield _unused_attribute(placed.place, placed.customer_id, name, reason)


def _attributes(
    customers: Sequence[Customer], champions: Champions
) -> tuple[pl.DataFrame | None, list[NotUsed]]:
    """The table of customers, and the attributes that the models cannot use."""
    known = champions.attributes
    unused = list(_unknown_attributes(customers, known))
    cells: dict[str, list[str | float | None]] = {name: [] for name in known}
    for i, customer in enumerate(customers):
        for name, codes in known.items():
            value = customer.attributes.get(name)
            cell = as_number(value) if codes is None else _coded(value, codes)
            if cell is None and value is not None:
                reason = "must be a number" if codes is None else f"must be among {sorted(codes)}"
                place = f"/customers/{i}"
                unused.append(_unused_attribute(place, customer.customer_id, name, reason))
            cells[name].append(cell)
    if not known:
        return None, unused
    ids = pl.Series("customer_id", [customer.customer_id for customer in customers])
    columns = (
        pl.Series(name, cells[name], dtype=pl.Float64 if codes is None else pl.String)
        for name, codes in known.items()
    )
    return pl.DataFrame([ids, *columns]), unused


def _unknown_attributes(customers: Sequence[Customer], known: Collection[str]) -> Iterator[NotUsed]:
    reason = f"no attribute of the models, which know {sorted(known)}"
    for i, customer in enumerate(customers):
        for name in customer.attributes:
            if name not in known:
                yield _unused_attribute(f"/customers/{i}", customer.customer_id, name, reason)


def _coded(value: Cell, codes: frozenset[str]) -> str | None:
    """The spelling of a value, if the models know it."""
    text = spelling(value)
    return text if text in codes else None


def _unused_attribute(place: str, customer_id: str, name: str, reason: str) -> NotUsed:
    step = name.replace("~", "~0").replace("/", "~1")
    return NotUsed(field=f"{place}/attributes/{step}", customer_id=customer_id, reason=reason)


def _complete(
    frames: dict[str, pl.DataFrame],
    attributes: pl.DataFrame | None,
    further: Dict[str, AttributeKind],
) -> dict[str, pl.DataFrame]:
    """Every history has orders, be there none in them."""
    required = {
        c.source: pl.Float64 if c.kind == "number" else pl.String
        for c in SCHEMAS["orders"]
        if c.required
    }
    columns = {**required, **{name: column_type(kind) for name, kind in further.items()}}
    customers = {} if attributes is None else {"customers": attributes}
    return {"orders": pl.DataFrame(schema=columns), **frames, **customers}


def _scored(past: Past, champions: Champions) -> dict[str, ScoreRow]:
    if past.purchases.select("customer_id").collect().is_empty():
        return {}
    table = champions.scorer.score_inline(past)
    return {row["customer_id"]: ScoreRow.of(row) for row in table.to_dict("records")}


def _not_scored(
    customers: Sequence[Customer], found: dict[str, ScoreRow], unused: Sequence[NotUsed]
) -> Iterator[NotScored]:
    told = {each.field for each in unused}
    for i, customer in enumerate(customers):
        if customer.customer_id not in found:
            reason = "no order with a positive amount was known before as_of"
            if not customer.orders:
                reason = "no orders were sent"
            elif any(f"/customers/{i}/orders/{j}" in told for j in range(len(customer.orders))):
                reason = f"{reason}, but for those of which not_used says why they do not count"
            yield NotScored(customer_id=customer.customer_id, reason=reason)


def _unusable(
    intake: CanonicalTable, day: float, rows: Sequence[Placed], mapping: Mapping
) -> Iterator[NotUsed]:
    found = quarantine_reasons(intake, day).select("row", "reason").collect("polars").to_native()
    reasons = dict(found.sort("row").iter_rows())
    theirs = _orders_of_others(intake, day, reasons) if intake.table == "orders" else {}
    for number, reason in reasons.items():
        placed = rows[number - 1]
        rule = rule_of(intake.table, placed, mapping)
        if number in theirs:
            place = rows[theirs[number] - 1].place
            rule = f": order_id is that of another customer's order, {place}"
        yield NotUsed(field=placed.place, customer_id=placed.customer_id, reason=f"{reason}{rule}")


def _orders_of_others(
    intake: CanonicalTable, day: float, unusable: Collection[int]
) -> dict[int, int]:
    """Rows that do not count -> the row of another customer that counts as the same order."""
    usable = nw.col("problem").is_null() & (nw.col("known_day") < day)
    facts = intake.rows.filter(usable).select("row", "order_id", "amount", "customer_id")
    orders = [
        (row, (order_id, amount < 0), customer_id)
        for row, order_id, amount, customer_id in facts.collect("polars").to_native().iter_rows()
    ]
    counts = {order: (row, whose) for row, order, whose in orders if row not in unusable}
    return {
        row: counts[order][0]
        for row, order, whose in orders
        if row in unusable and order in counts and counts[order][1] != whose
    }


def _counted(intake: CanonicalTable, day: float) -> RowsUsed:
    counts = account(intake, day)
    return RowsUsed(
        rows_in=counts.rows_in,
        used=counts.used,
        after_as_of=counts.after_as_of,
        not_used=counts.quarantined,
    )
