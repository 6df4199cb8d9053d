"""The champions: the models in force, ready to score."""

from __future__ import annotations

from collections.abc import Mapping

from features.history.history import History
from training.errors import NoChampionError, TrainingError
from training.models.tasks import CHURN_RISK, CLV_FORECAST
from training.registry.store import shown
from training.registry.tracking import Tracker
from training.registry.versions import RegisteredVersion
from training.scoring.definition import Definition
from training.scoring.model_scorers import ChurnScorer, CLVScorer, ModelScorer, load_model
from training.scoring.scorer import Scorer
from training.uplift.scoring import UPLIFT, UpliftScorer

CHURN, CLV = CHURN_RISK.name, CLV_FORECAST.name


def load_scorer(tracker: Tracker, history: History | None = None) -> Scorer:
    """The two champions, ready to score.

    Parameters
    ----------
    tracker : Tracker
    history : History, optional
        The shop to be scored, uncut; champions of another shop are refused.

    Raises
    ------
    NoChampionError
        If there is no champion, or it was trained on another shop.
    TrainingError
        If the two do not belong together.
    ExtensionError
        If they need code of the shop's own that is not there or has changed.
    """
    versions = tracker.champions()
    churn, clv = _load(tracker, CHURN, versions), _load(tracker, CLV, versions)
    if not (isinstance(churn[1], ChurnScorer) and isinstance(clv[1], CLVScorer)):
        raise TrainingError(f"{CHURN} and {CLV} hold models of the wrong kind. Train again.")
    scorer = Scorer(churn[1], clv[1], churn[0].version, clv[0].version)
    for term in ("shop", "currency", "timezone", "table_horizon_days"):
        ours, theirs = (getattr(s.definition, term) for s in (scorer.churn, scorer.clv))
        if ours != theirs:
            raise TrainingError(
                f"{CHURN} version {scorer.churn_version} and {CLV} version {scorer.clv_version} "
                f"must be of one {term}; got {ours} and {theirs}. Promote two versions of the same "
                "training."
            )
    definition = scorer.churn.definition
    for loaded in (scorer.churn, scorer.clv):
        _ = loaded.definition.own  # Now, and not when the first customer is scored.
    if history is not None and not definition.is_shop_of(history):
        raise NoChampionError(
            f"no champion for this shop: {CHURN} version {scorer.churn_version} was trained on "
            f"{_other(definition, history)}. Run holdfast train on this one, in a tracking store "
            "of its own."
        )
    return scorer


def load_uplift(tracker: Tracker) -> UpliftScorer | None:
    """The champion of `offer-uplift`; None if there is none."""
    version = tracker.champion(UPLIFT)
    return None if version is None else UpliftScorer.load(tracker.folder(version))


def _other(definition: Definition, history: History) -> str:
    if definition.shop_name is not None and history.mapping.shop is not None:
        return f"the shop {definition.shop_name!r}, and this is {history.mapping.shop!r}"
    return (
        "another shop: of its orders, fewer than half are in this history on the days that both "
        "know. If it is the same shop, name it alike in both, as shop in history.toml or by --shop"
    )


def _load(
    tracker: Tracker, name: str, versions: Mapping[str, int]
) -> tuple[RegisteredVersion, ModelScorer]:
    if name not in versions:
        raise NoChampionError(
            f"no champion for {name} in {shown(tracker.uri)}. Run holdfast train first."
        )
    version = tracker.version(name, versions[name])
    return version, load_model(tracker.folder(version))
