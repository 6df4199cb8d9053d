"""Requests with an Idempotency-Key: sent again, they give what they gave the first time.

As the draft of the IETF has it (draft-ietf-httpapi-idempotency-key-header): a key that stands for
another request is refused with 422. One that is still being answered is waited for, since what a
request makes and its key are written in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header

from serving.http.problems import FieldProblem, ProblemError
from serving.store.database import Connection
from serving.store.idempotency import LONGEST, OtherRequestError, made_before, note_made


@dataclass(frozen=True)
class Repeatable:
    """The key of a request, if it has one."""

    key: str | None = None

    def made_before(self, connection: Connection, caller: str, request: str) -> int | None:
        """Id of what the request made before; None if it is new.

        Raises
        ------
        ProblemError
            If the key stands for another request.
        """
        if self.key is None:
            return None
        try:
            return made_before(connection, self.key, caller, request)
        except OtherRequestError:
            raise _bad_key("stands for another request") from None

    def note(
        self, connection: Connection, caller: str, request: str, made: int, now: datetime
    ) -> None:
        """Note what the request made, in the transaction that makes it."""
        if self.key is not None:
            note_made(connection, self.key, caller, request, made, now)


# Of a request without a key.
ONCE = Repeatable()


def _repeatable(
    idempotency_key: Annotated[
        str | None,
        Header(description="Sent again with the same key, a request makes nothing new."),
    ] = None,
) -> Repeatable:
    if idempotency_key is not None and not 0 < len(idempotency_key) <= LONGEST:
        raise _bad_key(f"must have 1 to {LONGEST} characters; got {len(idempotency_key)}")
    return Repeatable(idempotency_key)


RepeatableNow = Annotated[Repeatable, Depends(_repeatable)]


def _bad_key(detail: str) -> ProblemError:
    remedy = "Give every request a key of its own, and repeat it only with the same body."
    problem = FieldProblem(place="header", field="Idempotency-Key", detail=detail, remedy=remedy)
    return ProblemError(422, f"header Idempotency-Key {detail}. {remedy}", [problem])
