"""What every answer carries, and what the log keeps of a request: never who it was about."""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http.metrics import Metrics
from serving.http.problems import FAILED, problem, response

log = logging.getLogger(__name__)
REQUEST_ID = "X-Request-Id"
# What a caller may send to find its request in both logs.
USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Stamp:
    """Name every request, keep its answer out of caches, and log it by its route.

    A path may hold the id of a customer; the template of its route does not.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with headers, and log."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        name = given if USABLE_ID.fullmatch(given) else uuid.uuid4().hex
        began, status, has_begun = time.perf_counter(), 500, False

        async def stamped(message: Message) -> None:
            nonlocal status, has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = name
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self.app(scope, receive, stamped)
        except Exception:  # Whatever it is, the answer and the log name the request.
            log.exception("request failed", extra={"request_id": name})
            if has_begun:
                raise
            await response(problem(500, FAILED))(scope, receive, stamped)
        finally:
            seconds = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", "(no route)")
            self.metrics.count(scope["method"], route, status, seconds)
            facts = {"method": scope["method"], "route": route, "status": status}
            log.info("request", extra={**facts, "ms": round(1000 * seconds, 1), "request_id": name})
