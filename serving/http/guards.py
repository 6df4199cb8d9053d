"""What is refused before a request reaches an endpoint: bodies too large or slow, foreign hosts."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.hosts import is_loopback
from serving.http.problems import FieldProblem, ProblemError, problem, response


class BodyLimit:
    """Refuse request bodies above a size, declared or not, before they are held in memory."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the bytes as they come in."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self.max_bytes:
            await response(problem(413, self._detail()))(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                raise ProblemError(413, self._detail())
            return message

        await self.app(scope, counted, send)

    def _detail(self) -> str:
        return (
            f"The body must have at most {self.max_bytes} bytes. Send fewer customers at a time, "
            "or raise HOLDFAST_MAX_BODY_BYTES."
        )


class BodyDeadline:
    """Refuse bodies that do not come in within some seconds, so that nobody holds a place open."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the parts of a body until the time is over."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        due, is_read = time.monotonic() + self.seconds, False

        async def timed() -> Message:
            nonlocal is_read
            if is_read:  # What comes now is that the caller has left, whenever that is.
                return await receive()
            try:
                left = max(due - time.monotonic(), 0.0)
                message = await asyncio.wait_for(receive(), left)
            except TimeoutError:
                # Else whoever goes on sending would keep the connection.
                raise ProblemError(408, self._detail(), headers={"Connection": "close"}) from None
            is_read = not message.get("more_body", False)
            return message

        await self.app(scope, timed, send)

    def _detail(self) -> str:
        return (
            f"The body must come in within {self.seconds:g} seconds. Send fewer customers at a "
            "time, or raise HOLDFAST_BODY_SECONDS."
        )


class LoopbackHost:
    """Refuse requests addressed to a foreign host name.

    There are no keys on loopback, and a page in a browser may let its own name point here (DNS
    rebinding) to read the answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the Host header."""
        if scope["type"] == "http":
            host = Headers(scope=scope).get("host", "")
            if not is_loopback(_without_port(host)):
                await response(problem(400, *_foreign(host)))(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _foreign(host: str) -> tuple[str, list[FieldProblem]]:
    detail = f"must name this machine; got {host!r}"
    remedy = "Call the service as 127.0.0.1 or localhost."
    found = FieldProblem(place="header", field="Host", detail=detail, remedy=remedy)
    return f"header Host {detail}. {remedy}", [found]
