"""Commands about offers: learn what they change, plan a campaign, measure what it brought."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast import files, options
from holdfast.failures import RequestError
from holdfast.render import output
from holdfast.session import Session, Told

if TYPE_CHECKING:
    from features.history.history import History
    from training.registry.tracking import Tracker


def uplift(
    history: options.History,
    as_of: options.AsOf,
    horizon_days: Annotated[
        int | None,
        typer.Option(
            "--horizon-days",
            metavar="N",
            show_default=False,
            help="Days after an offer in which an order counts; default: those of the champion of "
            "churn-risk.",
        ),
    ] = None,
    shop: options.ShopName = None,
    mapping: options.MappingFile = None,
    export: options.ExportFormat = None,
    as_json: options.AsJson = False,
) -> None:
    """Learn from the offers that were logged what each of them changes, for whom.

    The model becomes the champion of offer-uplift, which holdfast plan uses.
    """
    session = Session.begin(history, Told(mapping, export), as_of, shop)
    from holdfast.freshness import stale_warnings
    from holdfast.render.offer_documents import uplift_document
    from holdfast.render.offer_tables import print_uplift
    from training.registry.store import shown
    from training.registry.tracking import Tracker
    from training.uplift.pipeline import train_uplift

    tracker = Tracker()
    with output.progress() as tell:
        whole, past = session.open_past(tell)
        days = champion_horizon(tracker, whole) if horizon_days is None else horizon_days
        training = train_uplift(whole, as_of, days, tracker, tell)
        stale = stale_warnings(past)
    output.warnings(stale)
    place = shown(tracker.uri)
    if as_json:
        output.document({**uplift_document(training), "tracking_uri": place, "warnings": stale})
        return
    print_uplift(training)
    output.line(f"The model and its figures (run {training.run_id}) are in {place}")


def champion_horizon(tracker: Tracker, history: History) -> int:
    """The horizon of the champion of churn-risk for this shop."""
    from training.champions import load_scorer

    return load_scorer(tracker, history).churn.definition.horizon_days


def plan(
    history: options.History,
    as_of: options.AsOf,
    offers: Annotated[
        str,
        typer.Option(
            "--offers",
            metavar="FILE.toml",
            show_default=False,
            help="The offers that may be made, their costs and who may get them.",
        ),
    ],
    budget: Annotated[
        float,
        typer.Option(
            "--budget",
            metavar="X",
            show_default=False,
            help="What the offers made may be expected to cost together.",
        ),
    ],
    out: options.OutFile,
    holdout: Annotated[
        float,
        typer.Option(
            "--holdout",
            metavar="SHARE",
            help="Share of the customers of each offer who are held out at random.",
        ),
    ] = 0.1,
    explore: Annotated[
        float,
        typer.Option(
            "--explore",
            metavar="SHARE",
            help="Share of the customers who get a random offer, so that something is learnt.",
        ),
    ] = 0.05,
    campaign: Annotated[
        str | None,
        typer.Option(
            "--campaign",
            metavar="ID",
            show_default=False,
            help="Name of the campaign, which decides who is held out; default: plan-DATE.",
        ),
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(
            "--log",
            metavar="FILE",
            show_default=False,
            help="Also write the rows that belong into the history's offers table.",
        ),
    ] = None,
    shop: options.ShopName = None,
    mapping: options.MappingFile = None,
    export: options.ExportFormat = None,
    as_json: options.AsJson = False,
) -> None:
    """Choose whom to make which offer under a budget, and whom to hold out.

    Ends with code 3 if there is no champion for this shop and definition.
    """
    target = files.table_target("--out", out)
    rows = None if log is None else files.table_target("--log", log)
    if rows is not None and rows.resolve() == target.resolve():
        raise RequestError(f"--log must be another file than --out; got {log} for both.")
    session = Session.begin(
        history, Told(mapping, export), as_of, shop, {"--out": target, "--log": rows}
    )
    from features.clock import as_day, as_instant
    from holdfast.freshness import foresight_warnings, stale_warnings
    from holdfast.render.offer_documents import plan_document
    from holdfast.render.offer_tables import (
        print_budget,
        print_next_step,
        print_plan,
        print_trade_off,
    )
    from offers.catalogue.catalogue import OfferCatalogue
    from offers.measurement.experiment import offer_rows
    from offers.planning.advice import notes
    from offers.planning.campaign import Campaign
    from offers.planning.models import models_for
    from offers.planning.planning import plan_campaign
    from training.registry.tracking import Tracker

    catalogue = OfferCatalogue.read(offers)
    day = as_instant(as_day(as_of, session.mapping.timezone))
    name = f"plan-{day:%Y-%m-%d}" if campaign is None else campaign
    terms = Campaign(name, catalogue, budget, holdout, explore)
    with output.progress() as tell:
        whole, past = session.open_past(tell)
        tell("loading the champions")
        models, told = models_for(Tracker(), whole)
        tell("planning")
        made = plan_campaign(whole, as_of, models, terms, tell)
        tell("weighing budgets")
        curve = made.budget_curve()
        files.write_table(made.table, target)
        if rows is not None:
            files.write_table(offer_rows(made.table), rows)
        told += (
            notes(made)
            + stale_warnings(past)
            + foresight_warnings(models.scorer, past, models.uplift)
        )
    output.warnings(told)
    if as_json:
        kept = {"out": str(target), "log": None if rows is None else str(rows)}
        output.document({**kept, **plan_document(made, curve), "warnings": told})
        return
    print_plan(made)
    print_budget(curve, made.currency)
    print_trade_off(made.trade_off(), made.currency)
    output.line(f"The plan is in {target}")
    if rows is not None:
        output.line(f"Add the rows of {rows} to the offers of the history once they are made")
    print_next_step(made)


def measure(
    history: options.History,
    plan: Annotated[
        str,
        typer.Option(
            "--plan",
            metavar="PLAN",
            show_default=False,
            help="The plan, as holdfast plan wrote it: .parquet or .csv.",
        ),
    ],
    as_of: options.AsOf,
    interim: Annotated[
        bool,
        typer.Option("--interim", help="Also before the window is over; the figures say so."),
    ] = False,
    mapping: options.MappingFile = None,
    export: options.ExportFormat = None,
    as_json: options.AsJson = False,
) -> None:
    """Say what a campaign brought against its holdout, with 95% intervals."""
    session = Session.begin(history, Told(mapping, export), as_of)
    files.require_table("--plan", Path(plan))
    from holdfast.render.measured_tables import print_measured, print_verdict
    from offers.measurement.experiment import measure as measured

    table = files.read_table("--plan", Path(plan))
    with output.progress() as tell:
        whole = session.open(tell)
        tell("measuring")
        result = measured(whole, table, as_of, interim)
    if as_json:
        output.warnings(list(result.notes))
        output.document(result.as_dict())
        return
    print_verdict(result)
    output.warnings(list(result.notes))
    print_measured(result)
