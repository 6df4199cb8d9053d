"""The commands that fill a store and change its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from holdfast import options
from holdfast.failures import RequestError
from holdfast.render import output
from holdfast.session import Session, Told

if TYPE_CHECKING:
    import pandas as pd

    from serving.store.database import Database
    from training.scoring.scorer import Scorer


def import_history(
    history: options.History,
    store: options.Store,
    mapping: options.MappingFile = None,
    export: options.ExportFormat = None,
    as_json: options.AsJson = False,
) -> None:
    """Bring the rows of a history that can be used into a store, which is made if it is not there.

    Nobody sees them before all are there; run it again if it was broken off. Rows that the store
    holds already are not added again.
    """
    settings = Session.begin(history, Told(mapping, export)).mapping
    from features.agreement import many
    from features.history.opening import open_tables
    from serving.imports.service import import_history as bring

    with output.progress() as tell:
        database = opened(store)
        tell("reading")
        found = bring(database, *open_tables(history, settings), tell)
    if as_json:
        document = {"store": database.name, "added": found.added, "known": found.known}
        document["erased"] = found.erased
        output.document({**document, "resumed": found.resumed})
        return
    for table, added in found.added.items():
        known = found.known[table]
        again = f"; {many(known, 'row is', 'rows are')} there already" if known else ""
        gone = found.erased.get(table, 0)
        away = f"; {many(gone, 'row')} of customers who were erased stay away" if gone else ""
        output.line(f"{table}: {many(added, 'row')} added{again}{away}")
    output.line(f"The history is in {database.name}")


def migrate(
    store: options.Store,
    to: Annotated[
        str,
        typer.Option("--to", metavar="REVISION", help="The revision; base removes all tables."),
    ] = "head",
) -> None:
    """Bring the tables of a store to another revision: the newest, or back to an earlier one.

    Going back loses what only later revisions keep: make a backup before.
    """
    from serving.store import migrating
    from serving.store.database import Database

    database = Database.at(store)
    with output.progress():
        before = migrating.revision(database)
        migrating.migrate(database, to)
        after = migrating.revision(database)
    was = "made" if before is None else f"at {before} before"
    output.line(f"{database.name} is at revision {after or 'none'}; it was {was}")


def opened(store: str | None) -> Database:
    """The store at a URL; it is made if it is not there.

    Raises
    ------
    RequestError
        If there is no URL.
    ServingError
        If it is none, or the store is at another revision.
    """
    if store is None:
        raise RequestError("--publish must have a --store URL, or HOLDFAST_STORE; got none.")
    from serving.store.database import Database
    from serving.store.migrating import ready

    return ready(Database.at(store))


def put_in_force(database: Database, scorer: Scorer, scores: pd.DataFrame) -> None:
    """Publish what the batch scored."""
    import polars as pl

    from serving.inforce.champions import terms_of
    from serving.publications.files import publishable
    from serving.publications.service import publish

    rows = publishable(pl.from_pandas(scores), "the run")
    publish(database, rows, terms_of(scorer.churn.definition, scorer.clv.definition))
