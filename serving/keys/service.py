"""Make keys, end them, and tell whose key a caller has."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from serving.clock import utc_now
from serving.errors import ServingError
from serving.keys import repository
from serving.store.audit import record
from serving.store.database import Database

Scope = Literal["read", "events", "campaigns", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
KEY = re.compile(r"hf_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
BEGINNING = "hf_"


@dataclass(frozen=True)
class ApiKey:
    """A key as the store knows it, without its secret.

    Attributes
    ----------
    id, name : str
    scopes : tuple of str
        What it is for.
    created_at, expires_at, revoked_at, used_at : datetime or None
        In UTC; `used_at` to the hour.
    """

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None

    def ended(self, now: datetime) -> str | None:
        """Why it is no longer good; None if it is."""
        if self.revoked_at is not None:
            return "was revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "has expired"
        return None


def create_key(
    database: Database,
    name: str,
    scopes: Sequence[Scope],
    actor: str,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key: 32 random bytes, of which the store keeps the SHA-256.

    Returns
    -------
    tuple of ApiKey and str
        The key, and the text that a caller sends; it cannot be told again.

    Raises
    ------
    ServingError
        If it would be over already.
    """
    now = utc_now()
    if expires_at is not None and expires_at <= now:
        raise ServingError(f"a key must end after now; got {expires_at.isoformat()}.")
    key = ApiKey(
        secrets.token_hex(8), name, tuple(dict.fromkeys(scopes)), now, expires_at, None, None
    )
    secret = f"{BEGINNING}{key.id}_{secrets.token_urlsafe(32)}"
    with database.writing() as connection:
        repository.add(
            connection,
            id=key.id,
            name=name,
            digest=_digest(secret),
            scopes=list(key.scopes),
            created_at=now,
            expires_at=expires_at,
        )
        record(connection, now, actor, "key.created", key=key.id, scopes=list(key.scopes))
    return key, secret


def list_keys(database: Database) -> list[ApiKey]:
    """Every key, the oldest first."""
    with database.reading() as connection:
        return [_key(row) for row in repository.all_keys(connection)]


def revoke_key(database: Database, key_id: str, actor: str) -> None:
    """End a key at once.

    Raises
    ------
    ServingError
        If there is none of that id that is still good.
    """
    now = utc_now()
    with database.writing() as connection:
        if not repository.revoke(connection, key_id, now):
            raise ServingError(
                f"key must be one that was not revoked; got {key_id!r}. List them with holdfast "
                "keys list."
            )
        record(connection, now, actor, "key.revoked", key=key_id)


def key_of(database: Database, secret: str) -> tuple[ApiKey | None, str]:
    """The good key that a text is; or None, and why it is none."""
    parts = KEY.fullmatch(secret)
    now = utc_now()
    if parts is None:
        return None, "is none of Holdfast"
    with database.reading() as connection:
        row = repository.find(connection, parts[1])
    if row is None or not hmac.compare_digest(row["digest"], _digest(secret)):
        return None, "is not known"
    key = _key(row)
    if (why := key.ended(now)) is not None:
        return None, why
    return key, ""


def note_uses(database: Database, used: Mapping[str, datetime]) -> None:
    """Note which keys are in use."""
    if used:
        with database.writing() as connection:
            for key_id, at in used.items():
                repository.note_use(connection, key_id, at)


def _key(row: repository.KeyRow) -> ApiKey:
    known = {name: row[name] for name in ApiKey.__dataclass_fields__}
    return ApiKey(**{**known, "scopes": tuple(row["scopes"])})


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
