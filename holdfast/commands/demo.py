"""The main job from end to end on a simulated shop, in a folder and tracking store of its own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from features.agreement import many
from holdfast import files
from holdfast.commands import demo_shop
from holdfast.commands.data import simulated_folder, write_shop
from holdfast.commands.demo_shop import heading
from holdfast.render import output

if TYPE_CHECKING:
    import pandas as pd

    from features.history.history import History
    from training.registry.tracking import Tracker

# Customers on the screen.
SHOWN = 10

NEXT = f"""\
export MLFLOW_TRACKING_URI={demo_shop.TRACKING}
holdfast check {demo_shop.SHOP} --as-of {demo_shop.AS_OF}
holdfast models
HOLDFAST_CLOCK_START={demo_shop.AS_OF} holdfast serve --store {demo_shop.STORE}
mlflow ui --backend-store-uri {demo_shop.TRACKING}"""


def demo() -> None:
    """Show the main job on a simulated shop: history, models, scores, and a campaign measured.

    Writes to the folder demo/ here; running it again starts over with the same shop.
    """
    from features.history.history import History
    from holdfast.commands.demo_campaign import run_campaign
    from training.registry.tracking import Tracker

    started = time.monotonic()
    shop = simulated_folder(str(demo_shop.SHOP))
    tracker = Tracker(demo_shop.TRACKING)
    output.line("Holdfast on a simulated shop: from raw history to a measured campaign", "bold")
    heading("1. Simulate a shop")
    _simulate(shop)
    heading("2. Check its history")
    _check(shop)
    heading("3. Train on it")
    history = History.open(shop)
    _train(history, tracker)
    heading("4. Score its customers")
    scores = _score(history, tracker)
    _publish(shop, tracker, scores)
    heading("Who to keep: value at risk")
    _print_at_risk(scores, history.mapping.currency)
    run_campaign(shop, tracker)
    output.line(f"Done in {time.monotonic() - started:.0f} s. Go on from here:")
    for command in NEXT.splitlines():
        output.line(command, indent=2)


def _simulate(shop: Path) -> None:
    rows = write_shop(shop, demo_shop.CUSTOMERS, demo_shop.DAYS, demo_shop.SEED)
    counts = ", ".join(f"{count:,} of {table}" for table, count in rows.items())
    output.paragraph(
        f"{shop} holds {many(demo_shop.DAYS, 'day')} up to {demo_shop.END}; rows: {counts}. All "
        f"that follows uses what was known before {demo_shop.AS_OF}."
    )


def _check(shop: Path) -> None:
    from features.history.opening import open_tables
    from features.intake.location import read_mapping
    from features.quality import check
    from holdfast.render.report import identity

    report = check(*open_tables(shop, read_mapping(shop, None)), demo_shop.AS_OF)
    for table in report.accounting:
        output.line(identity(table))
    ready = ", ".join(r.method for r in report.readiness if r.ready)
    output.line(
        f"suggested horizon {report.suggestion.horizon_days} days; enough data for: {ready}; "
        f"{many(len(report.problems), 'problem')}"
    )


def _train(history: History, tracker: Tracker) -> None:
    from holdfast.commands.models import print_training
    from training.pipeline import train

    with output.progress() as tell:
        training = train(history, demo_shop.AS_OF, demo_shop.CONFIG, tracker, tell)
    print_training(training)


def _score(history: History, tracker: Tracker) -> pd.DataFrame:
    from holdfast.render.model_documents import scores_document
    from holdfast.render.model_tables import print_stages
    from training.champions import load_scorer

    with output.progress() as tell:
        tell("scoring")
        scorer = load_scorer(tracker, history)
        scores = scorer.score(history, demo_shop.AS_OF, reasons_for=demo_shop.CUSTOMERS)
        files.write_table(scores, demo_shop.SCORES)
    print_stages(scores_document(scores, scores)["stages"], history.mapping.currency)
    output.line(f"Scores are in {demo_shop.SCORES}")
    return scores


def _publish(shop: Path, tracker: Tracker, scores: pd.DataFrame) -> None:
    """Fill a store of its own, made anew, for the service to begin with."""
    from features.history.opening import open_tables
    from features.intake.location import read_mapping
    from holdfast.commands.store import opened, put_in_force
    from serving.imports.service import import_history
    from training.champions import load_scorer

    for file in demo_shop.PLACE.glob("store.db*"):
        file.unlink()
    with output.progress() as tell:
        database = opened(demo_shop.STORE)
        import_history(database, *open_tables(shop, read_mapping(shop, None)), tell)
        tell("publishing")
        put_in_force(database, load_scorer(tracker), scores)
        database.close()
    output.line(f"History and scores are in the store {demo_shop.STORE}")


def _print_at_risk(scores: pd.DataFrame, currency: str | None) -> None:
    from holdfast.render.model_tables import print_at_risk

    live = scores[scores["stage"] != "lapsed"]
    days = demo_shop.CONFIG.horizon_days
    output.line(f"The {SHOWN} of {len(live):,} live customers with most at stake in {days} days")
    print_at_risk(live.head(SHOWN), currency)
