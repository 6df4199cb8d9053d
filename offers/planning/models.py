"""The champions of a tracking store to plan with."""

from __future__ import annotations

from features.history.history import History
from offers.errors import OffersError
from offers.planning.planning import Models
from training.champions import load_scorer, load_uplift
from training.registry.tracking import Tracker


def models_for(tracker: Tracker, history: History) -> tuple[Models, list[str]]:
    """The champions to plan with, and what to be warned of.

    Raises
    ------
    NoChampionError
        If there is no champion of risk or value for this shop and definition.
    """
    scorer, uplift = load_scorer(tracker, history), load_uplift(tracker)
    if uplift is None:
        return Models(scorer), [
            "there is no champion of offer-uplift: every offer goes by its prior. Run holdfast "
            "uplift once offers were tried."
        ]
    try:
        return Models(scorer, uplift), []
    except OffersError as error:
        return Models(scorer), [f"every offer goes by its prior: {error}"]
