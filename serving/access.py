"""Who may ask: keys, what they are for, and how often."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from serving.clock import utc_now
from serving.http.problems import FieldProblem, ProblemError
from serving.keys.service import BEGINNING, SCOPES, Scope, key_of
from serving.resources import Resources, ResourcesNow

log = logging.getLogger(__name__)
# Tries with a key that is none, each minute from one address.
FAILURES = 60
IN_QUERY = frozenset({"key", "api_key", "apikey", "token", "access_token"})
bearer = HTTPBearer(auto_error=False, description="A key of holdfast keys create.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes
    ----------
    name : str
        Of the key, with its id; `local` without one.
    scopes : frozenset of str
    key : str
        Id of the key.
    """

    name: str
    scopes: frozenset[Scope]
    key: str = "local"


LOCAL = Caller("local", frozenset(SCOPES))


def needs(scope: Scope) -> Any:
    """A dependency: the caller, who may do what the scope is for."""

    async def caller(request: Request, credentials: Credentials, resources: ResourcesNow) -> Caller:
        _refuse_key_in_query(request)
        found = await _caller(request, credentials, resources)
        if scope not in found.scopes:
            raise _forbidden(scope, found)
        _limited(resources, found.key, resources.requests_per_minute)
        return found

    return Depends(caller)


async def _caller(
    request: Request, credentials: HTTPAuthorizationCredentials | None, resources: Resources
) -> Caller:
    if credentials is None:
        if resources.keys_required:
            raise _unauthorized("must be Bearer and a key; got none")
        return LOCAL
    address = request.client.host if request.client else "unknown"
    database = resources.published.database
    key, why = await run_in_threadpool(key_of, database, credentials.credentials)
    if key is None:
        _limited(resources, f"failures of {address}", FAILURES)
        log.warning("a key %s", why, extra={"address": address})
        raise _unauthorized(f"must be a key that is good; this one {why}")
    resources.used_keys[key.id] = utc_now()
    return Caller(f"{key.name} ({key.id})", frozenset(key.scopes), key.id)


def _limited(resources: Resources, name: str, per_minute: int) -> None:
    """Count a request; refuse it if there were too many in the last minute."""
    seconds = resources.limiter.wait(name, per_minute)
    if seconds:
        detail = f"There were more than {per_minute} requests in a minute. Come back later."
        raise ProblemError(429, detail, headers={"Retry-After": str(seconds)})


def _refuse_key_in_query(request: Request) -> None:
    """A key in an address stands in every log on its way."""
    query = request.query_params.multi_items()
    if any(name.lower() in IN_QUERY or value.startswith(BEGINNING) for name, value in query):
        detail = "must not hold a key: addresses are logged on their way"
        remedy = "Send it as Authorization: Bearer, and revoke this one."
        problem = FieldProblem(place="query", field="key", detail=detail, remedy=remedy)
        raise ProblemError(400, f"query key {detail}. {remedy}", [problem])


def _unauthorized(detail: str) -> ProblemError:
    remedy = "Make one with holdfast keys create."
    problem = FieldProblem(place="header", field="Authorization", detail=detail, remedy=remedy)
    said = f"header Authorization {detail}. {remedy}"
    return ProblemError(401, said, [problem], {"WWW-Authenticate": "Bearer"})


def _forbidden(scope: Scope, caller: Caller) -> ProblemError:
    detail = (
        f"must be of a key for {scope}; {caller.name!r} is for {', '.join(sorted(caller.scopes))}"
    )
    remedy = "Use another key, or make one with holdfast keys create."
    problem = FieldProblem(place="header", field="Authorization", detail=detail, remedy=remedy)
    return ProblemError(403, f"header Authorization {detail}. {remedy}", [problem])
