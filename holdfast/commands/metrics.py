"""The command about what orders and feedback alone say of a shop, period by period."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from features.agreement import many
from features.clock import as_day
from features.metrics.every import Every
from holdfast import files, options
from holdfast.render import output
from holdfast.session import Session, Told

if TYPE_CHECKING:
    from features.metrics.retention import RetentionMetrics


def metrics(
    history: options.History,
    start: Annotated[
        str | None,
        typer.Option(
            "--start",
            metavar="D",
            show_default=False,
            help="Where the first period begins; default: the week, month ... of the first order.",
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(
            "--end",
            metavar="D",
            show_default=False,
            help="Where the last period ends; default: the midnight after the last order.",
        ),
    ] = None,
    every: Annotated[
        Every, typer.Option("--every", help="How long periods are; all: one period.")
    ] = "month",
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="COLUMN",
            show_default=False,
            help="Beside all customers, those of each value of a column of theirs, or of their "
            "first order.",
        ),
    ] = None,
    horizon_days: options.OptionalHorizonDays = None,
    with_cohorts: Annotated[
        bool,
        typer.Option(
            "--cohorts",
            help="Follow customers from the week, month ... of their first order as well; --out "
            "then writes these.",
        ),
    ] = False,
    out: options.OptionalOutFile = None,
    mapping: options.MappingFile = None,
    export: options.ExportFormat = None,
    as_json: options.AsJson = False,
) -> None:
    """Say who came, stayed, came back and was lost, what they bought and what they said.

    Every period is told as it was known at its end. What a figure means is in docs/metrics.md.
    """
    target = None if out is None else files.table_target("--out", out)
    session = Session.begin(history, Told(mapping, export), end, targets={"--out": target})
    if start is not None:
        as_day(start, session.mapping.timezone)
    from features.metrics.cohorts import cohorts
    from features.metrics.retention import retention_metrics
    from features.quality.suggestion import suggest_horizon
    from holdfast.freshness import last_known, stale_warnings
    from holdfast.render.metric_tables import print_cohorts, print_metrics
    from training.registry.store import shown

    with output.progress() as tell:
        whole = session.open(tell)
        over = last_known(whole) if end is None else end
        tell("measuring")
        if horizon_days is None:
            horizon_days = suggest_horizon(whole, over).horizon_days
        found = retention_metrics(whole, horizon_days, start, end, every, by)
        triangle = cohorts(whole, end, every) if with_cohorts else None
        table = found.table if triangle is None else triangle.table
        if target is not None:
            files.write_table(table, target)
        past = whole.upto(over)
        told = [] if past.order_days.is_empty() else stale_warnings(past)
        told += cautions(found)
    output.warnings(told)
    name = shown(history)
    if as_json:
        kept = None if target is None else str(target)
        further = {} if triangle is None else {"cohorts": triangle.as_dict()["cohorts"]}
        document = {"history": name, **found.as_dict(), **further, "out": kept, "warnings": told}
        output.document(document)
        return
    print_metrics(found)
    if triangle is not None:
        print_cohorts(triangle)
    if target is not None:
        output.line(f"{many(len(table), 'row')} in {target}")


def cautions(found: RetentionMetrics) -> list[str]:
    """What to be careful about in the first period, in the last, and in groups."""
    told = []
    overall = found.overall
    first, last = overall.iloc[0], overall.iloc[-1]
    horizon = timedelta(days=found.horizon_days)
    if first["start"] - horizon < found.first_day:
        told.append(
            f"the history begins on {found.first_day:%Y-%m-%d}: whoever was a customer before is "
            "missing at the start of the first period, or looks new in it."
        )
    if not last["is_whole"]:
        told.append(
            f"the last {found.every} is not over: it is told from {last['start']:%Y-%m-%d} to "
            f"{last['end']:%Y-%m-%d} only."
        )
    grouped = found.table[found.table["group"].notna() & (found.table["start"] == last["start"])]
    apart = last["customers_at_end"] - grouped["customers_at_end"].sum()
    if found.by is not None and apart > 0:
        told.append(
            f"{apart:,.0f} of {many(int(last['customers_at_end']), 'customer')} at the end have no "
            f"{found.by}: they are in none of its groups."
        )
    return told
