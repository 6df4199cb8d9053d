"""Cursors: where a list goes on, and of which list it is."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from datetime import datetime
from typing import NamedTuple, Self

from serving.customers.repository import Place
from serving.customers.schemas import CustomerQuery
from serving.http.cells import is_storable
from serving.http.problems import FieldProblem, ProblemError

PLACES = ("cursor", "limit")


class Cursor(NamedTuple):
    """Where a list goes on.

    Attributes
    ----------
    publication : int
        Whose rows it lists.
    listing : str
        Digest of its filters and order.
    place : Place
    """

    publication: int
    listing: str
    place: Place

    @classmethod
    def read(cls, text: str, query: CustomerQuery) -> Self:
        """Read what `written` wrote.

        Raises
        ------
        ProblemError
            If it is none, or of a list of other filters or another order.
        """
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            key, listing, lapsed, value, customer_id = json.loads(raw)
            place = Place(lapsed is True, _value(value, query), _id(customer_id))
            found = cls(_key(key), str(listing), place)
        except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError):
            raise _bad("must be the next_cursor of a page, unchanged") from None
        if found.listing != listing_of(query):
            raise _bad("is of other filters, or of another order")
        return found

    def written(self) -> str:
        """The cursor as a page has it."""
        told = json.dumps([self.publication, self.listing, *self.place], separators=(",", ":"))
        return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def listing_of(query: CustomerQuery) -> str:
    """A digest of what is listed, and in which order."""
    asked = query.model_dump(mode="json", exclude=set(PLACES))
    asked["stage"] = sorted(set(query.stage))
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def _key(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise ValueError
    return value


def _id(value: object) -> str:
    if not isinstance(value, str) or not is_storable(value):
        raise ValueError
    return value


def _value(value: object, query: CustomerQuery) -> float | str:
    """The value of the column that a list is sorted by, where it goes on."""
    if query.sort == "updated_at":
        return datetime.fromisoformat(str(value)).isoformat()
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _bad(detail: str) -> ProblemError:
    remedy = "Start again without cursor."
    problem = FieldProblem(place="query", field="cursor", detail=detail, remedy=remedy)
    return ProblemError(400, f"query cursor {detail}. {remedy}", [problem])
