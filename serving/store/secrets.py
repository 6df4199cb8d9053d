"""Names of persons as hashes that only this store can make: no list of ids can be tried on them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable

import sqlalchemy as sa

from serving.store.tables.access import SECRETS
from serving.store.upserts import put

HASHING = "hashing"


def keyed(connection: sa.Connection, texts: Iterable[str]) -> dict[str, str]:
    """Texts and their keyed hashes; the connection may have to write the key, the first time."""
    key = _key(connection)
    return {text: hmac.new(key, text.encode(), hashlib.sha256).hexdigest() for text in texts}


def _key(connection: sa.Connection) -> bytes:
    wanted = sa.select(SECRETS.c.value).where(SECRETS.c.name == HASHING)
    found = connection.scalar(wanted)
    if found is None:
        put(connection, SECRETS, [{"name": HASHING, "value": secrets.token_hex(32)}])
        found = connection.execute(wanted).scalar_one()
    return bytes.fromhex(found)
