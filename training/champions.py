"""The champions: which model is in force, whether another may take its place, and scoring by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from features.history import History
from training.backtest import Backtest
from training.definition import Definition, shop_digest
from training.errors import NoChampionError, TrainingError
from training.evaluation import log_loss, paired_bootstrap, tweedie_deviance
from training.scoring import ChurnScorer, CLVScorer, Scorer, load_model
from training.tracking import RegisteredVersion, Tracker

CHURN, CLV = "churn-risk", "clv-forecast"


@dataclass(frozen=True)
class Decision:
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


def load_scorer(tracker: Tracker, history: History | None = None) -> Scorer:
    """The two champions, ready to score.

    Parameters
    ----------
    tracker : Tracker
    history : History, optional
        The shop to be scored; a champion of another shop is refused.

    Raises
    ------
    NoChampionError
        If there is no champion, or it was trained on another shop.
    """
    churn, clv = _load(tracker, CHURN), _load(tracker, CLV)
    if not (isinstance(churn[1], ChurnScorer) and isinstance(clv[1], CLVScorer)):
        raise TrainingError(f"{CHURN} and {CLV} hold models of the wrong kind. Train again.")
    if history is not None and shop_digest(history) != churn[1].definition.shop:
        raise NoChampionError(
            f"no champion for this definition: {CHURN} version {churn[0].version} was trained on "
            "another shop, or on a history that starts elsewhere. Run holdfast train on this one."
        )
    return Scorer(churn[1], clv[1], churn[0].version, clv[0].version)


def decide_churn(
    tracker: Tracker, definition: Definition, backtest: Backtest, seed: int
) -> Decision:
    """Compare the new churn recipe with the champion: recipe on the same folds, then artifact.

    The champion's recipe ran on the same folds; its artifact is judged only at origins after its
    own training. A clear loss of the new recipe keeps the champion; a tie goes to the newer.
    """
    return _decide(tracker, CHURN, definition, backtest, seed)


def decide_clv(tracker: Tracker, definition: Definition, backtest: Backtest, seed: int) -> Decision:
    """The same for CLV, by Tweedie deviance."""
    return _decide(tracker, CLV, definition, backtest, seed)


def _decide(
    tracker: Tracker, name: str, definition: Definition, backtest: Backtest, seed: int
) -> Decision:
    standing = tracker.champion(name)
    if standing is None:
        return Decision(True, "first training: nothing stands against it")
    if standing.tags.get("lineage") != definition.lineage:
        why = "new lineage: the champion has another shop, horizon, currency or value definition"
        return Decision(True, why, standing.version)
    figures: dict[str, float] = {}
    means = backtest.means()
    recipe = standing.tags.get("candidate", "")
    if recipe in means.index:
        figures["recipe_new"] = float(means.loc[backtest.chosen, backtest.criterion])
        figures["recipe_champion"] = float(means.loc[recipe, backtest.criterion])
    later = _artifact_duel(tracker, standing, backtest, seed)
    if later is None:
        why = "no worse than the champion's recipe on the same folds; nothing to judge its artifact"
        return Decision(True, why, standing.version, figures)
    figures |= later
    promoted = later["artifact_difference_low"] <= 0
    why = (
        "no clear loss against the champion's artifact after its training; ties go to the newer"
        if promoted
        else "the champion's artifact is clearly better on labels after its own training"
    )
    return Decision(promoted, why, standing.version, figures)


def _artifact_duel(
    tracker: Tracker, standing: RegisteredVersion, backtest: Backtest, seed: int
) -> dict[str, float] | None:
    """Difference of the criterion, new less champion, at the last origin after its training.

    One origin, so that every customer counts once.
    """
    scorer = load_model(tracker.folder(standing))
    judged = [
        j
        for j in backtest.of(backtest.chosen)
        if j.judge.as_of >= scorer.definition.trained_as_of
        and set(scorer.model.columns_) <= set(j.judge.X.columns)
    ]
    if not judged:
        return None
    latest = judged[-1]
    is_churn = isinstance(scorer, ChurnScorer)
    truth = latest.judge.churned if is_churn else latest.judge.spend
    standing_forecast = scorer.predict_frame(latest.judge.X)["churn_risk" if is_churn else "clv"]
    difference = paired_bootstrap(
        log_loss if is_churn else tweedie_deviance,
        truth,
        latest.forecast,
        standing_forecast.to_numpy(),
        seed=seed,
    )
    return {
        "artifact_difference": difference.difference,
        "artifact_difference_low": difference.low,
        "artifact_difference_high": difference.high,
    }


def _load(tracker: Tracker, name: str) -> tuple[RegisteredVersion, ChurnScorer | CLVScorer]:
    version = tracker.champion(name)
    if version is None:
        raise NoChampionError(f"no champion for {name} in {tracker.uri}. Run holdfast train first.")
    return version, load_model(tracker.folder(version))
