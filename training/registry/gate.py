"""The gate: whether a new version becomes champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.clock import as_instant
from features.errors import ExtensionError
from training.errors import TrainingError
from training.evaluation import paired_bootstrap
from training.registry.tracking import Tracker
from training.scoring.definition import Definition
from training.scoring.model_scorers import ModelScorer, load_model
from training.selection.backtest import Backtest, JudgedForecast

# Enough for the ends of a 95 % interval, and a few seconds for 100,000 customers.
ROUNDS = 400
LATER = "the champion was trained on a later history; promote by hand to go back"


@dataclass(frozen=True)
class GateDecision:
    """Whether a new version becomes champion, and why; logged with the run.

    Attributes
    ----------
    promoted : bool
    why : str
    champion_version : int or None
        The version that stood before.
    figures : mapping
        The figures compared.
    """

    promoted: bool
    why: str
    champion_version: int | None = None
    figures: Mapping[str, float] | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        return asdict(self)


def decide(tracker: Tracker, scorer: ModelScorer, backtest: Backtest, seed: int) -> GateDecision:
    """Compare a new model with the champion: recipes on the same folds, then the artifact.

    The recipes' figures on the same folds are logged; the new one is the best of them. The
    champion's artifact is judged only at an origin after its own training: if it is clearly better
    there than the new recipe, it stays. A tie goes to the newer; a training on less history never
    takes over.

    Parameters
    ----------
    tracker : Tracker
    scorer : ModelScorer
        The new one.
    backtest : Backtest
        How its recipe was judged.
    seed : int
        Of the bootstrap.
    """
    standing = tracker.champion(scorer.task.name)
    if standing is None:
        return GateDecision(True, "first training: nothing stands against it")
    if standing.tags.get("lineage") != scorer.definition.lineage:
        why = "new lineage: the champion has another shop, horizon, currency or value definition"
        return GateDecision(True, why, standing.version)
    figures = _recipes(backtest, standing.tags.get("candidate", ""))
    if standing.tags.get("as_of", "") > as_instant(scorer.definition.trained_as_of).isoformat():
        return GateDecision(False, LATER, standing.version, figures)
    try:
        champion = load_model(tracker.folder(standing))
    except ExtensionError as error:
        why = f"the champion needs code of the shop's own that is not as it was: {error}"
        return GateDecision(True, why, standing.version, figures)
    except TrainingError as error:
        why = f"the champion's artifact cannot be read: {error}"
        return GateDecision(True, why, standing.version, figures)
    if champion.definition.trained_as_of > scorer.definition.trained_as_of:
        return GateDecision(False, LATER, standing.version, figures)
    theirs, ours = champion.definition.features, scorer.definition.features
    if others := [name for name in theirs if theirs[name] != ours.get(name)]:
        why = f"the champion stands on other features of the shop's own: {', '.join(others)}"
        return GateDecision(True, why, standing.version, figures)
    judged = _after_training(champion, backtest)
    if judged is None:
        why = "no origin after the champion's training to judge its artifact; the newer one it is"
        return GateDecision(True, why, standing.version, figures)
    figures |= _duel(champion, scorer.definition, judged, seed)
    promoted = figures["artifact_difference_low"] <= 0
    why = (
        "no clear loss against the champion's artifact after its training; ties go to the newer"
        if promoted
        else "the champion's artifact is clearly better on labels after its own training"
    )
    return GateDecision(promoted, why, standing.version, figures)


def recoded(table: pd.DataFrame, now: Definition, then: Definition) -> pd.DataFrame:
    """A feature table with the codes of text attributes that another model was trained with."""
    columns = {}
    for attribute, values in now.categories.items():
        codes = {
            value: float(code) for code, value in enumerate(then.categories.get(attribute, ()))
        }
        others = {float(i): codes.get(value, np.nan) for i, value in enumerate(values)}
        columns[f"profile_{attribute}"] = table[f"profile_{attribute}"].map(others).astype(float)
    return table.assign(**columns)


def _recipes(backtest: Backtest, recipe: str) -> dict[str, float]:
    means = backtest.means()
    if recipe not in means.index:
        return {}
    criterion = means[backtest.criterion]
    return {
        "recipe_new": float(criterion[backtest.chosen]),
        "recipe_champion": float(criterion[recipe]),
    }


def _after_training(champion: ModelScorer, backtest: Backtest) -> JudgedForecast | None:
    """The last origin after the champion's training at which it can be judged.

    One origin, so that every customer counts once.
    """
    if champion.definition.horizon_days != backtest.window_days:
        return None
    since, needed = champion.definition.trained_as_of, set(champion.model.columns_)
    judged = [j for j in backtest.of(backtest.chosen) if j.judge.as_of >= since]
    judged = [j for j in judged if needed <= set(j.judge.X.columns)]
    return judged[-1] if judged else None


def _duel(
    champion: ModelScorer, definition: Definition, judged: JudgedForecast, seed: int
) -> dict[str, float]:
    """Difference of the criterion, new less champion, with its 95 % interval."""
    forecast = champion.predict_frame(recoded(judged.judge.X, definition, champion.definition))
    task, truth = champion.task, champion.task.truth(judged.judge)
    theirs = forecast[task.forecast_column].to_numpy()
    found = paired_bootstrap(task.loss, truth, judged.forecast, theirs, seed, ROUNDS)
    return {
        "artifact_difference": found.difference,
        "artifact_difference_low": found.low,
        "artifact_difference_high": found.high,
    }
