"""Commands about models: train and judge them, score with them, say which one is in force."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from features.agreement import many
from holdfast import files, options
from holdfast.commands.store import opened, put_in_force
from holdfast.failures import RequestError
from holdfast.render import output
from holdfast.session import Session, Told
from training.scoring.columns import STAGES

if TYPE_CHECKING:
    from training.config import TrainingConfig
    from training.pipeline import Training


def train(
    history: options.History,
    as_of: options.AsOf,
    horizon_days: options.OptionalHorizonDays = None,
    clv_horizon_days: Annotated[
        int | None,
        typer.Option(
            "--clv-horizon-days",
            metavar="N",
            show_default=False,
            help="Days whose spend the CLV model forecasts; default: --horizon-days.",
        ),
    ] = None,
    config: options.ConfigFile = None,
    shop: options.ShopName = None,
    mapping: options.MappingFile = None,
    export: options.ExportFormat = None,
    as_json: options.AsJson = False,
) -> None:
    """Fit, judge and register the churn and CLV models of a shop.

    Runs and models are kept in mlruns/mlflow.db here, or where MLFLOW_TRACKING_URI says.
    """
    settings = training_config(config, horizon_days, clv_horizon_days)
    session = Session.begin(history, Told(mapping, export), as_of, shop)
    from holdfast.freshness import stale_warnings
    from holdfast.render.model_documents import training_document
    from training.pipeline import train as trained
    from training.registry.store import shown
    from training.registry.tracking import Tracker

    tracker = Tracker()
    with output.progress() as tell:
        whole, past = session.open_past(tell)
        training = trained(whole, as_of, settings, tracker, tell)
        told = [*stale_warnings(past), *fallback_warnings(training)]
    output.warnings(told)
    place = shown(tracker.uri)
    if as_json:
        document = training_document(training)
        output.document({**document, "tracking_uri": place, "warnings": told})
        return
    print_training(training)
    output.line(f"Models and the model card (run {training.run_id}) are in {place}")


def print_training(training: Training) -> None:
    """Print the essentials of the model card."""
    from holdfast.render.model_tables import print_candidates, print_champion, print_verdict

    config = training.config
    output.line(
        f"Trained on what was known before {output.instant(training.churn.tags['as_of'])}: churn "
        f"within {config.horizon_days} days, customer value over {config.clv_horizon_days} days"
    )
    output.line()
    models = (
        (training.churn, training.churn_backtest, training.churn_decision),
        (training.clv, training.clv_backtest, training.clv_decision),
    )
    for (version, judged, decision), days in zip(models, config.horizons, strict=True):
        print_verdict(judged, days)
        print_candidates(judged)
        output.paragraph(f"Rests on: {version.tags['basis']}")
        if last := version.tags.get("realised"):
            output.paragraph(f"Last forecasts: {last}")
        print_champion(version, decision)
        output.line()


def fallback_warnings(training: Training) -> list[str]:
    """Where the data did not carry the models that a shop of some size gets."""
    found = (training.churn_backtest.fallback(), training.clv_backtest.fallback())
    return [said for said in found if said is not None]


def training_config(
    path: str | None,
    horizon_days: int | None = None,
    clv_horizon_days: int | None = None,
    origins: int | None = None,
) -> TrainingConfig:
    """The settings of a file, or the defaults, with the options given in their place.

    Raises
    ------
    TrainingError
        If the file cannot be read, or a setting is out of range.
    """
    from training.config import TrainingConfig

    settings = TrainingConfig() if path is None else TrainingConfig.read(path)
    given: dict[str, Any] = {
        "horizon_days": horizon_days,
        "clv_horizon_days": clv_horizon_days,
        "origins": origins,
    }
    return replace(settings, **{name: n for name, n in given.items() if n is not None})


def backtest(
    history: options.History,
    horizon_days: options.HorizonDays,
    config: options.ConfigFile = None,
    origins: Annotated[
        int | None,
        typer.Option(
            "--origins",
            metavar="K",
            show_default="that of the settings, else 5",
            help="How many past instants to forecast from.",
        ),
    ] = None,
    ablation: Annotated[
        bool,
        typer.Option(
            "--ablation",
            help="Also refit the pool without each family of features; takes several times longer.",
        ),
    ] = False,
    as_of: options.OptionalAsOf = None,
    mapping: options.MappingFile = None,
    export: options.ExportFormat = None,
    as_json: options.AsJson = False,
) -> None:
    """Judge every candidate at past instants, each time on what came after; registers nothing.

    The last origin lies a horizon before --as-of, or the end of the history.
    """
    settings = training_config(config, horizon_days, origins=origins)
    session = Session.begin(history, Told(mapping, export), as_of)
    from holdfast.freshness import last_known, require_orders, stale_warnings
    from holdfast.render.model_documents import judgement_document
    from holdfast.render.model_tables import print_ablation, print_backtest
    from training.panel.schedule import require_judged
    from training.selection.ablation import ablate
    from training.selection.judge import judge, prepare

    with output.progress() as tell:
        whole = session.open(tell)
        past = whole.upto(last_known(whole) if as_of is None else as_of)
        require_orders(past)
        told = stale_warnings(past)
        past, settings = prepare(past, settings)
        require_judged(past, settings)
        found = judge(past, settings, tell)
        lost = ablate(found.panels, found.churn, settings, tell) if ablation else None
    output.warnings(told)
    if as_json:
        output.document({**judgement_document(found, lost, past.day), "warnings": told})
        return
    for judged in (found.churn, found.clv):
        print_backtest(judged, horizon_days)
    if lost is not None:
        print_ablation(lost)


def score(
    history: options.History,
    as_of: options.AsOf,
    out: options.OptionalOutFile = None,
    publish: Annotated[
        bool,
        typer.Option(
            "--publish", help="Put the scores of all customers in force in the store at --store."
        ),
    ] = False,
    store: options.OptionalStore = None,
    reasons: Annotated[
        int,
        typer.Option(
            "--reasons",
            metavar="N",
            min=0,
            help="How many customers, the first of the list, get reasons.",
        ),
    ] = 1000,
    stage: Annotated[
        list[options.StageName] | None,
        typer.Option(
            "--stage",
            show_default=False,
            help="Write only customers of this stage; may be given several times.",
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            "--top",
            metavar="N",
            min=1,
            show_default=False,
            help="Write only the first N: live customers by value at risk, then the lapsed.",
        ),
    ] = None,
    train_first: Annotated[
        bool,
        typer.Option("--train", help="Train models of this history first, as holdfast train does."),
    ] = False,
    shop: options.ShopName = None,
    mapping: options.MappingFile = None,
    export: options.ExportFormat = None,
    as_json: options.AsJson = False,
) -> None:
    """Score every customer with the champions: churn risk, value, stage and reasons.

    Ends with code 3 if there is no champion for this shop and definition.
    """
    target = None if out is None else files.table_target("--out", out)
    if target is None and not publish:
        raise RequestError("--out or --publish must be given: where the scores are to go.")
    database = opened(store) if publish else None
    session = Session.begin(history, Told(mapping, export), as_of, shop, {"--out": target})
    from holdfast.freshness import concentration_warnings, foresight_warnings, stale_warnings
    from holdfast.render.model_documents import scores_document
    from holdfast.render.model_tables import print_stages
    from training.champions import load_scorer
    from training.registry.tracking import Tracker

    tracker = Tracker()
    with output.progress() as tell:
        whole, past = session.open_past(tell)
        if train_first:
            from training.pipeline import train as trained

            trained(whole, as_of, training_config(None), tracker, tell)
        tell("loading the champions")
        scorer = load_scorer(tracker, whole)
        tell("scoring")
        table = scorer.table(past)
        scores = scorer.score_past(past, table, 0)
        wanted = scores[scores["stage"].isin(stage or STAGES)].head(top or len(scores))
        written = scorer.explained(wanted, table, reasons)
        if target is not None:
            files.write_table(written, target)
        if database is not None:
            tell("publishing")
            scores = scorer.explained(scores, table, reasons)
            put_in_force(database, scorer, scores)
        told = [
            *stale_warnings(past),
            *foresight_warnings(scorer, past),
            *concentration_warnings(scores),
        ]
    output.warnings(told)
    found = {
        "out": None if target is None else str(target),
        "store": None if database is None else database.name,
        **scores_document(scores, written),
    }
    found["currency"] = scorer.churn.definition.currency
    if as_json:
        output.document({**found, "warnings": told})
        return
    output.line(
        f"{many(len(scores), 'customer')} scored by churn-risk version {scorer.churn_version} "
        f"({found['churn_model']}, {found['horizon_days']} days) and clv-forecast version "
        f"{scorer.clv_version}"
    )
    output.paragraph(f"Rests on: {found['basis']}")
    print_stages(found["stages"], found["currency"])
    for place, rows in ((target, written), (found["store"], scores)):
        if place is not None:
            reasoned = int(rows["reason_1"].notna().sum())
            output.line(
                f"{many(len(rows), 'customer is', 'customers are')} in {place}; "
                f"{many(reasoned, 'has', 'have')} reasons"
            )


def models(as_json: options.AsJson = False) -> None:
    """List the registered versions and which of them is champion."""
    from holdfast.render.model_documents import models_document
    from holdfast.render.model_tables import print_models
    from training.registry.store import shown
    from training.registry.tracking import Tracker

    tracker = Tracker()
    with output.progress():
        versions = tracker.list_models()
    place = shown(tracker.uri)
    if as_json:
        output.document({"tracking_uri": place, **models_document(versions)})
    elif versions:
        print_models(versions)
        output.line(f"in {place}")
    else:
        output.line(f"No models in {place}. Run holdfast train first.")


def promote(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", show_default=False, help="churn-risk or clv-forecast."),
    ],
    version: Annotated[
        int,
        typer.Argument(metavar="VERSION", show_default=False, help="As holdfast models lists it."),
    ],
) -> None:
    """Make a version the champion by hand, for example to roll back."""
    from training.registry.tracking import Tracker

    tracker = Tracker()
    with output.progress():
        before = tracker.champion(name)
        promoted = tracker.promote(name, version)
    instead = "" if before is None else f", in place of version {before.version}"
    output.line(f"{name} version {promoted.version} is champion{instead}")
