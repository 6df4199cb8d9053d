"""Customers as they are in force: one, some, a page, or all of a list."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from features.intake.casting import spellings
from serving.customers import repository
from serving.customers.cursors import Cursor, listing_of
from serving.customers.repository import Place, Row
from serving.customers.schemas import CustomerAnswer, CustomerPage, CustomerQuery, LookupAnswer
from serving.http.cells import is_storable
from serving.http.problems import FieldProblem, ProblemError, shortened
from serving.inforce.schemas import CustomerRow
from serving.publications.repository import Publication
from serving.publications.service import Published
from serving.store.database import Connection
from serving.store.holdouts import held_out

# Customers that are read at once where all are asked for.
CHUNK = 1000
# Lists whose length is remembered.
LISTINGS = 64


def one(published: Published, customer_id: str) -> CustomerAnswer:
    """The scores of a customer, of any stage.

    Raises
    ------
    ProblemError
        If nobody of that id was scored.
    """
    # An id that no database can hold is nobody's.
    ids = spellings(customer_id) if is_storable(customer_id) else ()
    with published.reading() as (connection, publication):
        rows = repository.find(connection, publication.id, ids)
        row = next((rows[each] for each in ids if each in rows), None)
        apart = held_out(connection, [row["customer_id"]] if row else [])
    if row is None:
        raise _unknown(customer_id, publication)
    terms = publication.terms
    return CustomerAnswer.model_construct(
        currency=terms.currency, definition=terms, customer=answered(row, publication, apart)
    )


def some(published: Published, customer_ids: list[str]) -> LookupAnswer:
    """Those of some customers who were scored, and who was not."""
    ids = list(dict.fromkeys(customer_ids))
    asked = list(dict.fromkeys(each for key in ids for each in spellings(key)))
    with published.reading() as (connection, publication):
        rows = repository.find(connection, publication.id, asked)
        apart = held_out(connection, list(rows))
    known = {key: next((e for e in spellings(key) if e in rows), None) for key in ids}
    found = {name: rows[name] for name in known.values() if name is not None}
    terms = publication.terms
    return LookupAnswer.model_construct(
        currency=terms.currency,
        definition=terms,
        customers=[answered(row, publication, apart) for row in found.values()],
        missing=[key for key, name in known.items() if name is None],
    )


def a_page(published: Published, query: CustomerQuery) -> CustomerPage:
    """A page of a list.

    Raises
    ------
    ProblemError
        If the cursor is of no list, of another one, or of scores that are gone.
    """
    cursor = None if query.cursor is None else Cursor.read(query.cursor, query)
    try:
        with published.reading(cursor and cursor.publication) as (connection, publication):
            after = cursor and cursor.place
            wanted = repository.seen_since(query, publication.done_at)
            rows = repository.page(
                connection, publication.id, wanted, query.sort, after, query.limit + 1
            )
            total = _total(published, connection, publication, query)
            apart = held_out(connection, [row["customer_id"] for row in rows])
    except LookupError:
        raise _gone() from None
    terms = publication.terms
    return CustomerPage.model_construct(
        currency=terms.currency,
        definition=terms,
        total=total,
        customers=[answered(row, publication, apart) for row in rows[: query.limit]],
        next_cursor=_next(rows, query, publication),
    )


def all_of(published: Published, query: CustomerQuery) -> Iterator[list[CustomerRow]]:
    """All customers of a list, some at a time, each time with a connection of its own."""
    key: int | None = None
    after: Place | None = None
    while True:
        with published.reading(key) as (connection, publication):
            wanted = repository.seen_since(query, publication.done_at)
            rows = repository.page(connection, publication.id, wanted, query.sort, after, CHUNK)
            apart = held_out(connection, [row["customer_id"] for row in rows])
        if not rows:
            return
        yield [answered(row, publication, apart) for row in rows]
        key, after = publication.id, Place.of(rows[-1], query.sort)


def answered(row: Row, publication: Publication, apart: Collection[str]) -> CustomerRow:
    """A row of the store as it is sent; it was checked when it was written.

    Parameters
    ----------
    row : mapping
    publication : Publication
        Nobody saw the row before it came into force.
    apart : collection of str
        Customers who are held out of a campaign.
    """
    standing = {
        "updated_at": max(row["updated_at"], publication.done_at),
        "holdout": row["customer_id"] in apart,
    }
    return CustomerRow.model_construct(**{**row, **standing})


def _total(
    published: Published, connection: Connection, publication: Publication, query: CustomerQuery
) -> int:
    """How many there are; counting a million takes longer than a page, so it is remembered."""
    key = (publication.id, listing_of(query))
    known = published.totals.get(key)
    if known is not None:
        return known
    wanted = repository.seen_since(query, publication.done_at)
    total = repository.count(connection, publication.id, wanted)
    if query.updated_since is None:
        if len(published.totals) >= LISTINGS:
            published.totals.clear()
        published.totals[key] = total
    return total


def _next(rows: list[Row], query: CustomerQuery, publication: Publication) -> str | None:
    if len(rows) <= query.limit:
        return None
    place = Place.of(rows[query.limit - 1], query.sort)
    return Cursor(publication.id, listing_of(query), place).written()


def _unknown(customer_id: str, publication: Publication) -> ProblemError:
    asked, as_of = shortened(customer_id), publication.as_of.isoformat()
    detail = f"there is no customer {asked!r} in the scores of {as_of}"
    remedy = "Check the id, or score the customer with POST /v1/score."
    problem = FieldProblem(place="path", field="customer_id", detail=detail, remedy=remedy)
    return ProblemError(404, f"path customer_id: {detail}. {remedy}", [problem])


def _gone() -> ProblemError:
    detail = "is of scores that have been replaced since, and are gone"
    remedy = "Start again without cursor."
    problem = FieldProblem(place="query", field="cursor", detail=detail, remedy=remedy)
    return ProblemError(410, f"query cursor {detail}. {remedy}", [problem])
