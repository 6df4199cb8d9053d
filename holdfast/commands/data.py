"""Commands about data: what a history holds, what it says of customers, and a made-up one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from features.agreement import many
from holdfast import files, options
from holdfast.failures import RequestError
from holdfast.render import output
from holdfast.session import Session, Told, read_as

if TYPE_CHECKING:
    from features.intake.canonical import CanonicalTable
    from features.intake.mapping import Mapping


def check(
    history: options.History,
    as_of: options.OptionalAsOf = None,
    mapping: options.MappingFile = None,
    export: options.ExportFormat = None,
    quarantine: Annotated[
        str | None,
        typer.Option(
            "--quarantine",
            metavar="FILE",
            show_default=False,
            help="Write the rows that cannot be used, each with its reason, as CSV.",
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Say what a history holds, what is wrong with it, and what it is enough for.

    Ends with code 2 if no order can be used; --quarantine FILE then tells why, row by row.
    """
    target = None if quarantine is None else files.file_target("--quarantine", quarantine)
    settings = Session.begin(
        history, Told(mapping, export), as_of, targets={"--quarantine": target}
    ).mapping
    from features.history.opening import open_tables
    from features.intake.canonical import formats_of, refuse_unusable
    from features.intake.sources import unread_files
    from features.quality import check as report_on
    from holdfast.render.report import print_report
    from training.registry.store import shown

    with output.progress() as tell:
        tell("reading")
        intakes, settings = open_tables(history, settings)
        if target is not None:
            _write_quarantine(intakes, settings, target, as_of)
        refuse_unusable(intakes)
        output.notes(read_as(formats_of(intakes)))
        tell("checking")
        unread = unread_files(Path(history), settings) if Path(history).is_dir() else {}
        report = report_on(intakes, settings, as_of, unread)
    rows = sum(table.quarantined for table in report.accounting)
    kept = {"file": None if target is None else str(target), "rows": rows}
    name = shown(history)
    if as_json:
        output.document({"history": name, **report.as_dict(), "quarantine": kept})
    else:
        print_report(name, report, kept)


def features(
    history: options.History,
    as_of: options.AsOf,
    horizon_days: options.HorizonDays,
    out: options.OutFile,
    feature: Annotated[
        list[str] | None,
        typer.Option(
            "--feature",
            metavar="NAME",
            show_default=False,
            help="A feature of your own, module:name or table.column; may be given several times.",
        ),
    ] = None,
    mapping: options.MappingFile = None,
    export: options.ExportFormat = None,
) -> None:
    """Write the feature table: one row per customer, from what was known before an instant."""
    target = files.table_target("--out", out)
    session = Session.begin(history, Told(mapping, export), as_of, targets={"--out": target})
    from features.own.named import resolved
    from features.table import describe
    from holdfast.freshness import stale_warnings

    with output.progress() as tell:
        _, past = session.open_past(tell)
        tell("describing customers")
        own = resolved(feature or (), past.mapping.attributes)
        table = describe(past.with_features(own), horizon_days)
        files.write_table(table.reset_index(), target)
        stale = stale_warnings(past)
    output.warnings(stale)
    output.line(f"{many(len(table), 'customer')} x {table.shape[1]} features in {target}")


def simulate(
    out: Annotated[
        str,
        typer.Option("--out", metavar="DIR", show_default=False, help="Folder to write to."),
    ],
    customers: Annotated[
        int, typer.Option("--customers", metavar="N", min=1, help="How many customers.")
    ] = 5000,
    days: Annotated[
        int,
        typer.Option("--days", metavar="N", min=365, help="Length of the history, at least 365."),
    ] = 1095,
    seed: Annotated[
        int, typer.Option("--seed", metavar="S", min=0, help="The same seed gives the same shop.")
    ] = 0,
    growth: Annotated[
        float,
        typer.Option(
            "--growth",
            metavar="G",
            min=1,
            max=1000,
            help="How many times as many customers join a day at the end as at the start.",
        ),
    ] = 1.0,
) -> None:
    """Make up a shop whose truth is known: a history folder, with the truth beside it."""
    folder = simulated_folder(out)
    with output.progress() as tell:
        tell("simulating")
        tables = write_shop(folder, customers, days, seed, growth)
    counts = ", ".join(f"{many(rows, 'row')} of {table}" for table, rows in tables.items())
    output.line(f"{many(customers, 'customer')} over {many(days, 'day')} in {folder}: {counts}")


def write_shop(
    folder: Path, customers: int, days: int, seed: int, growth: float = 1.0
) -> dict[str, int]:
    """Simulate a shop into a folder; returns the rows of each table.

    Raises
    ------
    RequestError
        If a number is out of range.
    """
    from features.intake.mapping import TABLES
    from simulation import simulate as simulated

    try:
        shop = simulated(customers, days, seed, growth=growth)
    except ValueError as error:
        raise RequestError(str(error)) from error
    shop.write(folder)
    return {table: getattr(shop, table).height for table in TABLES if hasattr(shop, table)}


def simulated_folder(path: str) -> Path:
    """A folder that may hold a simulated shop, but no real one to write over.

    Raises
    ------
    RequestError
        If it is a file, or holds orders without the truth beside them.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise RequestError(f"--out must be a folder; {path} is a file.")
    if any(folder.glob("orders.*")) and not (folder / "truth.parquet").exists():
        raise RequestError(
            f"--out must not be the folder of a real history; {path} holds orders but no "
            "truth.parquet. Choose another folder."
        )
    return folder


def _write_quarantine(
    intakes: dict[str, CanonicalTable], mapping: Mapping, target: Path, as_of: Any
) -> None:
    """Also if nothing is in quarantine: an older file must not be taken for this check's."""
    from features.quality import write_quarantine

    with files.replacing(target) as draft:
        write_quarantine(intakes, mapping, draft, as_of)
