"""One attempt to deliver a message, as the Standard Webhooks specification has it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from standardwebhooks import Webhook as Signer

from serving.webhooks.addresses import Resolve, address_of, checked, looked_up

log = logging.getLogger(__name__)
# In seconds: how long an attempt may take, from the name to the status. Slower ones are failures.
PATIENCE = 15.0
# Characters of what is kept of an error: the other side may say anything.
LONGEST_ERROR = 200


@dataclass(frozen=True)
class Attempt:
    """What came of an attempt.

    Attributes
    ----------
    status : int or None
        What was answered, if anything was.
    error : str or None
        Why it was not delivered; None if it was.
    retry_after : float
        Seconds that the endpoint asks to be left alone for.
    """

    status: int | None
    error: str | None
    retry_after: float = 0.0


@dataclass(frozen=True)
class Message:
    """What is sent.

    Attributes
    ----------
    key : str
        The same at every attempt, so that a receiver takes it once.
    body : str
    secrets : sequence of str
        Each signs it: two while a secret is being exchanged.
    """

    key: str
    body: str
    secrets: Sequence[str]

    def headers(self, now: datetime) -> dict[str, str]:
        """The headers of an attempt at some instant, which has an offset."""
        signatures = (Signer(secret).sign(self.key, now, self.body) for secret in self.secrets)
        return {
            "webhook-id": self.key,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
            "content-type": "application/json",
            "user-agent": "Holdfast",
        }


def written(kind: str, at: datetime, data: Mapping[str, Any]) -> str:
    """The body of a message; `at` is in UTC."""
    content = {"type": kind, "timestamp": f"{at.isoformat()}Z", "data": data}
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


class Sender:
    """Sends messages to endpoints.

    Parameters
    ----------
    allow_private : bool
        Whether they may be inside the network, and without TLS.
    resolve : callable
        Looks names up.
    """

    def __init__(self, allow_private: bool = False, resolve: Resolve = looked_up) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._trusted = httpx.create_ssl_context()

    async def send(self, url: str, message: Message) -> Attempt:
        """Send once; what goes wrong is told, and never raised."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._answered(url, message)
        except TimeoutError:
            return Attempt(None, f"no answer within {PATIENCE:g} seconds")
        except (ValueError, OSError, httpx.HTTPError, httpx.InvalidURL) as error:
            return Attempt(None, _said(error))
        except (
            Exception
        ) as error:  # Whatever it is, it counts as an attempt, of which there are ten.
            log.exception("a message could not be sent")
            return Attempt(None, type(error).__name__)

    async def _answered(self, url: str, message: Message) -> Attempt:
        named = checked(url, self._allow_private)
        address = await address_of(named, self._resolve, self._allow_private)
        # The name stands in the certificate and in the header; what is connected to is the address.
        headers = {**message.headers(datetime.now(UTC)), "host": named.netloc.decode()}
        # No proxy of the environment, which would look the name up again; no redirect is followed.
        async with httpx.AsyncClient(verify=self._trusted, trust_env=False, timeout=None) as client:
            request = client.build_request(
                "POST",
                named.copy_with(host=address),
                content=message.body,
                headers=headers,
                extensions={"sni_hostname": named.raw_host.decode()},
            )
            answer = await client.send(request, stream=True)
            await answer.aclose()  # What it says besides is not read.
        return _attempt(answer)


def _attempt(answer: httpx.Response) -> Attempt:
    status = answer.status_code
    if answer.is_success:
        return Attempt(status, None)
    why = "redirects are not followed" if answer.is_redirect else answer.reason_phrase
    told = f"{status} {why}".strip()[:LONGEST_ERROR]
    return Attempt(status, told, _seconds(answer.headers.get("retry-after", "")))


def _seconds(retry_after: str) -> float:
    """How long a header asks to wait: seconds, or a date (RFC 9110, section 10.2.3)."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return 0.0
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _said(error: Exception) -> str:
    """What went wrong, in short."""
    text = str(error).partition("\n")[0][:LONGEST_ERROR]
    return text or type(error).__name__
