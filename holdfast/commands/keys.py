"""The command about keys of the service."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast import options
from holdfast.commands.store import opened
from holdfast.failures import RequestError
from holdfast.render import output

if TYPE_CHECKING:
    from serving.keys.service import ApiKey, Scope

COMMAND_LINE = "command line"


class KeyAction(StrEnum):
    """What can be done with keys."""

    CREATE = "create"
    LIST = "list"
    REVOKE = "revoke"


class ScopeName(StrEnum):
    """What a key may be for."""

    READ = "read"
    EVENTS = "events"
    CAMPAIGNS = "campaigns"
    ADMIN = "admin"


def keys(
    action: Annotated[
        KeyAction,
        typer.Argument(metavar="ACTION", show_default=False, help="create, list or revoke."),
    ],
    store: options.Store,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", show_default=False, help="What calls with it."),
    ] = None,
    scope: Annotated[
        list[ScopeName] | None,
        typer.Option(
            "--scope",
            show_default=False,
            help="What it is for: read, events, campaigns or admin; may be given several times.",
        ),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(
            "--days",
            metavar="N",
            min=1,
            max=36_500,
            show_default="no end",
            help="How long it holds.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="ID", show_default=False, help="The key to revoke."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Make a key for a system that calls the service, list them, or end one at once.

    A new key is told once; the store keeps its SHA-256.
    """
    from datetime import timedelta

    from serving.clock import utc_now
    from serving.keys import service

    database = opened(store)
    if action == KeyAction.CREATE:
        if name is None or not scope:
            raise RequestError("--name and --scope must be given: what calls, and what for.")
        until = None if days is None else utc_now() + timedelta(days=days)
        scopes: list[Scope] = [each.value for each in scope]
        made, secret = service.create_key(database, name, scopes, COMMAND_LINE, until)
        if as_json:
            output.document({"keys": [_document(made)], "secret": secret})
            return
        output.line(secret)
        output.notes([f"This is key {made.id}; it is not told again."])
        return
    if action == KeyAction.REVOKE:
        if key is None:
            raise RequestError("--key must be given: the id of the key, as the list has it.")
        service.revoke_key(database, key, COMMAND_LINE)
    found = [_document(each) for each in service.list_keys(database)]
    if as_json:
        output.document({"keys": found})
    elif found:
        _print(found)
    else:
        output.line(f"No keys in {database.name}")


def _document(key: ApiKey) -> dict[str, Any]:
    from serving.clock import utc_now

    times = {"created_at": key.created_at, "expires_at": key.expires_at, "used_at": key.used_at}
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "state": (key.ended(utc_now()) or "is good").split()[-1],
        **{name: at and f"{at.isoformat(timespec='seconds')}Z" for name, at in times.items()},
    }


def _print(keys: list[dict[str, Any]]) -> None:
    from holdfast.render.tables import add, table_of

    table = table_of(["id", "name", "scopes", "state", "made", "ends", "last used"], [])
    for key in keys:
        times = (key[name] or "" for name in ("created_at", "expires_at", "used_at"))
        add(table, [key["id"], key["name"], ", ".join(key["scopes"]), key["state"], *times])
    output.stdout().print(table)
