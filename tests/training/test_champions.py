from dataclasses import replace

import pytest

from training.champions import CHURN, CLV, load_scorer
from training.errors import NoChampionError, TrainingError
from training.registry.tracking import Tracker
from training.scoring.model_scorers import ChurnScorer


@pytest.fixture(scope="module")
def tracker(tmp_path_factory) -> Tracker:
    return Tracker(f"sqlite:///{tmp_path_factory.mktemp('champions')}/mlflow.db")


def test_without_a_champion_nothing_is_scored(tmp_path):
    message = r"no champion for churn-risk in sqlite:.*\. Run holdfast train first"

    with pytest.raises(NoChampionError, match=message):
        load_scorer(Tracker(f"sqlite:///{tmp_path}/mlflow.db"))


def test_the_champions_score_the_shop_they_were_trained_on(trained):
    scorer = load_scorer(trained.tracker, trained.shop.history)

    assert isinstance(scorer.churn, ChurnScorer)
    assert (scorer.churn_version, scorer.clv_version) == (1, 1)


def test_another_shop_is_refused(trained, history_of):
    other = history_of(("c00000001", "2024-01-01", 5.0), currency="EUR")

    with pytest.raises(NoChampionError, match="was trained on another shop: of its orders"):
        load_scorer(trained.tracker, other)


def test_a_shop_without_orders_by_then_is_another_shop(trained, history_of):
    other = history_of(("c00000001", "2025-12-24", 5.0), currency="EUR")

    with pytest.raises(NoChampionError, match="another shop"):
        load_scorer(trained.tracker, other)


def test_champions_of_two_shops_do_not_score_together(tracker, register, fitted):
    churn, clv = (model.scorer for model in fitted)
    register(tracker, churn)
    foreign = replace(clv, definition=replace(clv.definition, shop="elsewhere"))
    register(tracker, foreign)

    with pytest.raises(TrainingError, match=r"must be of one shop; got .* and elsewhere\. Promote"):
        load_scorer(tracker)


def test_models_under_each_others_names_are_refused(tracker, register, fitted):
    register(tracker, fitted[1].scorer, CHURN)
    register(tracker, fitted[0].scorer, CLV)

    with pytest.raises(TrainingError, match="models of the wrong kind"):
        load_scorer(tracker)
