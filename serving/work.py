"""What a job does, in a process of its own: `python -m serving.work JOB ATTEMPT PARENT`.

The store is in the environment, for its URL may hold a password.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from serving.clock import ShopClock, utc_now
from serving.jobs import repository
from serving.processes import leave_with
from serving.store.database import Database

Tell = Callable[[str], None]
# In seconds: what is being done is told no more often.
OFTEN = 1.0
CLOCK = "HOLDFAST_CLOCK_START"


def main(store: str, job_id: int, attempt: int, parent: int) -> None:
    """Do a job, and write down how it ended."""
    # Another process begins anew what one without a parent did.
    leave_with(parent, lambda: os._exit(1))
    database = Database.at(store)
    do(database, store, job_id, attempt)
    database.close()


def do(database: Database, store: str, job_id: int, attempt: int) -> None:
    """Do a job here, and write down how it ended."""
    with database.reading() as connection:
        job = repository.find(connection, job_id)
    if job is None:
        return
    told = float("-inf")

    def tell(what: str) -> None:
        nonlocal told
        if time.monotonic() - told > OFTEN:
            told = time.monotonic()
            with database.writing() as connection:
                repository.tell(connection, job_id, what)

    values: dict[str, Any]
    try:
        result = WORK[job["kind"]](database, store, job["request"], tell)
        state, values = "succeeded", {"result": result, "error": None}
    except Exception as error:  # Whatever it is, the job says so.
        known = isinstance(error, ValueError)
        text = str(error) if known else f"{type(error).__name__}: {error}"
        state, values = "failed", {"error": text, "result": None}
    with database.writing() as connection:
        repository.end(connection, job_id, attempt, state, utc_now(), **values)


def score(database: Database, store: str, request: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Score everybody, and put the scores in force."""
    import polars as pl

    from features.history.history import History
    from serving.inforce.champions import terms_of
    from serving.publications.files import publishable
    from serving.publications.service import publish
    from training.champions import load_scorer

    tell("reading the history")
    history = History.open(store)
    scorer = load_scorer(_tracker(), history)
    tell("scoring")
    as_of = request["as_of"] or _now(history.mapping.timezone)
    scores = scorer.score(history, as_of, reasons_for=request["reasons"])
    tell("publishing")
    terms = terms_of(scorer.churn.definition, scorer.clv.definition)
    key = publish(database, publishable(pl.from_pandas(scores), "the run"), terms)
    return {"publication": key, "customers": len(scores)}


def train(database: Database, store: str, request: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Train models on what the store knows."""
    from features.history.history import History
    from training.config import TrainingConfig
    from training.pipeline import train as trained

    tell("reading the history")
    history = History.open(store)
    given = {name: request[name] for name in ("horizon_days", "clv_horizon_days")}
    config = TrainingConfig(**{name: days for name, days in given.items() if days is not None})
    as_of = request["as_of"] or _now(history.mapping.timezone)
    training = trained(history, as_of, config, _tracker(), tell)
    models = {"churn-risk": training.churn, "clv-forecast": training.clv}
    decisions = {
        "churn-risk": training.churn_decision,
        "clv-forecast": training.clv_decision,
    }
    return {
        "run_id": training.run_id,
        "versions": {name: version.version for name, version in models.items()},
        "promoted": {name: decision.promoted for name, decision in decisions.items()},
    }


def bring(database: Database, store: str, request: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Import another history."""
    from dataclasses import replace

    from features.history.opening import open_tables
    from features.intake.location import read_mapping, require_there
    from serving.imports.service import import_history

    require_there(request["history"])
    mapping = read_mapping(request["history"], None)
    if request["format"] is not None:
        mapping = replace(mapping, format=request["format"])
    tell("reading")
    found = import_history(database, *open_tables(request["history"], mapping), tell)
    return {"added": found.added, "known": found.known, "erased": found.erased}


def plan(database: Database, store: str, request: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Plan a campaign that is a draft."""
    from serving.campaigns.planning import plan_draft

    return plan_draft(database, store, _tracker(), request["campaign_id"], _now, tell)


WORK: dict[str, Callable[[Database, str, Mapping[str, Any], Tell], dict[str, Any]]] = {
    "score": score,
    "train": train,
    "import": bring,
    "plan": plan,
}


def _tracker() -> Any:
    from training.registry.tracking import Tracker

    uri = os.environ.get("HOLDFAST_TRACKING_URI")
    return Tracker() if uri is None else Tracker(uri)


def _now(timezone: str) -> datetime:
    start = os.environ.get(CLOCK)
    return ShopClock(None if start is None else datetime.fromisoformat(start)).now(timezone)


if __name__ == "__main__":
    main(os.environ["HOLDFAST_STORE"], *map(int, sys.argv[1:]))
