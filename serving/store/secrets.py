"""Names of persons as hashes that only this store can make: no list of ids can be tried on them."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import sqlalchemy as sa

from serving.store.tables.access import SECRETS

HASHING = "hashing"


def hashed(connection: sa.Connection, customer_id: str) -> str:
    """A customer's id as a keyed hash; the connection may have to write the key."""
    return hmac.new(_key(connection), customer_id.encode(), hashlib.sha256).hexdigest()


def _key(connection: sa.Connection) -> bytes:
    wanted = sa.select(SECRETS.c.value).where(SECRETS.c.name == HASHING)
    found = connection.scalar(wanted)
    if found is None:
        found = secrets.token_hex(32)
        connection.execute(sa.insert(SECRETS).values(name=HASHING, value=found))
    return bytes.fromhex(found)
