"""What became of the last forecasts: the standing champion against what has happened since."""

from __future__ import annotations

import numpy as np

from features.errors import ExtensionError
from features.history.history import Past
from features.table import describe
from training.errors import TrainingError
from training.panel.labels import Value, covered_until
from training.panel.panel import labelled
from training.registry.outcome import Realised
from training.registry.tracking import Tracker
from training.registry.versions import RegisteredVersion
from training.scoring.model_scorers import ModelScorer, load_model, require_table


def realised(tracker: Tracker, past: Past, now: ModelScorer) -> Realised | None:
    """Hold the standing champion's forecasts against what has happened since.

    The customers are described as they were known at the champion's training, with its codes; the
    outcome is that of the days which are over by now.

    Parameters
    ----------
    tracker : Tracker
    past : Past
        Cut at the instant of this training.
    now : ModelScorer
        That of this training; a champion of another lineage forecast something else.

    Returns
    -------
    Realised or None
        None if there is no such champion, its artifact cannot be used, or no day is over.
    """
    standing = tracker.champion(now.task.name)
    if standing is None or standing.tags.get("lineage") != now.definition.lineage:
        return None
    try:
        return _realised(standing, load_model(tracker.folder(standing)), past)
    except (TrainingError, ExtensionError):
        # `decide` says so where the artifact cannot be read or needs other columns.
        return None


def _realised(standing: RegisteredVersion, champion: ModelScorer, past: Past) -> Realised | None:
    terms = champion.definition
    over = np.floor(covered_until(past) - terms.trained_as_of)
    elapsed = float(min(over, terms.horizon_days))
    if elapsed < 1:
        return None
    then = terms.read(past).upto(terms.trained_as_of)
    table = describe(then, terms.table_horizon_days)
    require_table(table, champion.model.columns_, terms.table_horizon_days)
    value = Value(terms.margin_rate, terms.discount_rate_yearly)
    btyd = champion.model.btyd_
    since = labelled(past, terms.trained_as_of, table, btyd, elapsed, value).untreated
    if not len(since):  # Of what happens without an offer nobody tells.
        return None
    return Realised(
        name=standing.name,
        version=standing.version,
        trained_as_of=terms.trained_as_of,
        horizon_days=float(terms.horizon_days),
        elapsed_days=elapsed,
        currency=terms.currency,
        customers=len(since),
        figures=champion.against(since, elapsed),
    )
