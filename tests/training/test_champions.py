import json
import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from training.champions import CHURN, CLV, decide, load_scorer, recoded
from training.errors import NoChampionError, TrainingError
from training.registry.log import example
from training.registry.tracking import Tracker
from training.registry.versions import ModelFiles
from training.scoring.definition import Definition
from training.scoring.model_scorers import ChurnScorer
from training.selection.backtest import Backtest

EMPTY = Backtest((), "pool", "log_loss", "", 90)


@pytest.fixture(scope="module")
def tracker(tmp_path_factory) -> Tracker:
    return Tracker(f"sqlite:///{tmp_path_factory.mktemp('champions')}/mlflow.db")


@pytest.fixture
def name(request) -> str:
    """A registered model of the test's own."""
    return re.sub(r"\W", "-", request.node.name)


def register(tracker: Tracker, name: str, scorer) -> None:
    """Register a model and make it the champion."""
    rows = example(scorer.model.columns_, scorer.definition.table_horizon_days)
    tags = {"lineage": scorer.definition.lineage, "candidate": scorer.model.candidate}
    with TemporaryDirectory() as place, tracker.start_run("by hand", {}) as run:
        scorer.save(Path(place) / "model")
        files = ModelFiles(Path(place) / "model", rows, scorer.predict_frame(rows), tags)
        version = tracker.register(run, name, files)
    tracker.promote(name, version.version)


def trained_before(scorer, day: float):
    """The same model as one of an earlier training."""
    return replace(scorer, definition=replace(scorer.definition, trained_as_of=day))


def spoilt(backtest: Backtest) -> Backtest:
    """Forecasts of the chosen candidate made worse."""
    judged = tuple(
        replace(j, forecast=expit(-logit(j.forecast))) if backtest.criterion == "log_loss"
        else replace(j, forecast=j.forecast[::-1].copy())
        for j in backtest.judged
    )  # fmt: skip
    return replace(backtest, judged=judged)


def test_a_first_training_leaves_a_champion(tracker, name, fitted):
    decision = decide(tracker, name, fitted[0].scorer, fitted[0].backtest, 0)

    assert decision.promoted
    assert decision.champion_version is None
    assert decision.why.startswith("first training")


def test_another_definition_starts_a_new_lineage(trained, fitted):
    scorer = fitted[0].scorer
    other = replace(scorer, definition=replace(scorer.definition, horizon_days=60))

    decision = decide(trained.tracker, CHURN, other, EMPTY, 0)

    assert decision.promoted
    assert decision.champion_version == 1
    assert decision.why.startswith("new lineage")


def test_without_an_origin_after_its_training_the_champion_gives_way(trained, fitted):
    decision = decide(trained.tracker, CHURN, fitted[0].scorer, fitted[0].backtest, 0)

    assert decision.promoted
    assert "no origin after the champion's training" in decision.why
    reached = fitted[0].backtest.means().loc[fitted[0].backtest.chosen, "log_loss"]
    assert decision.figures == {"recipe_new": reached, "recipe_champion": reached}


@pytest.mark.parametrize("part", [0, 1])
def test_a_tie_goes_to_the_newer(tracker, name, fitted, part):
    """Two models that know the same say the same, apart from a later training's chance."""
    model = fitted[part]
    first = model.panel.snapshots[0].as_of
    champion = trained_before(model.scorer, first)
    last = model.backtest.of(model.backtest.chosen)[-1].judge
    column = ("churn_risk", "clv")[part]
    theirs = champion.predict_frame(last.X)[column].to_numpy()
    judged = tuple(
        replace(j, forecast=theirs) if j.judge is last else j for j in model.backtest.judged
    )
    register(tracker, name, champion)

    decision = decide(tracker, name, model.scorer, replace(model.backtest, judged=judged), 0)

    assert decision.promoted
    assert decision.figures["artifact_difference"] == 0.0
    assert "ties go to the newer" in decision.why


@pytest.mark.parametrize("part", [0, 1])
def test_a_champion_clearly_better_on_later_labels_stays(tracker, name, fitted, part):
    model = fitted[part]
    champion = trained_before(model.scorer, model.panel.snapshots[0].as_of)
    register(tracker, name, champion)

    decision = decide(tracker, name, model.scorer, spoilt(model.backtest), 0)

    assert not decision.promoted
    assert decision.champion_version == 1
    assert decision.figures["artifact_difference_low"] > 0
    assert "clearly better on labels after its own training" in decision.why


def test_a_champion_is_judged_only_after_its_own_training(tracker, name, fitted):
    last = fitted[0].panel.snapshots[-1].as_of
    register(tracker, name, trained_before(fitted[0].scorer, last + 0.5))

    decision = decide(tracker, name, fitted[0].scorer, spoilt(fitted[0].backtest), 0)

    assert decision.promoted
    assert "artifact_difference" not in decision.figures


def test_a_training_on_less_history_does_not_take_over(tracker, name, fitted):
    scorer = fitted[0].scorer
    register(tracker, name, scorer)

    earlier = trained_before(scorer, scorer.definition.trained_as_of - 1)
    decision = decide(tracker, name, earlier, fitted[0].backtest, 0)

    assert not decision.promoted
    assert "trained on a later history; promote by hand to go back" in decision.why


def test_a_champion_that_cannot_be_read_gives_way(tracker, name, fitted):
    register(tracker, name, fitted[0].scorer)
    path = tracker.folder(tracker.champion(name)) / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 99}))

    decision = decide(tracker, name, fitted[0].scorer, fitted[0].backtest, 0)

    assert decision.promoted
    assert "cannot be read" in decision.why
    assert "format version 99" in decision.why


def test_a_champion_is_judged_with_its_own_codes_of_categories(tracker, name, fitted):
    """A value that appeared since then moves the codes; the champion must not suffer by it."""
    model = fitted[0]
    codes = ("a_new_channel", *model.scorer.definition.categories["channel"])
    later = replace(model.scorer.definition, categories={"channel": codes})
    last = model.backtest.of(model.backtest.chosen)[-1].judge
    X = last.X.assign(profile_channel=last.X["profile_channel"] + 1)
    theirs = model.scorer.predict_frame(last.X)["churn_risk"].to_numpy()
    judged = tuple(
        replace(j, judge=replace(last, X=X), forecast=theirs)
        for j in model.backtest.judged if j.judge is last
    )  # fmt: skip
    register(tracker, name, trained_before(model.scorer, 0.0))

    newer = replace(model.scorer, definition=later)
    decision = decide(tracker, name, newer, replace(model.backtest, judged=judged), 0)

    assert decision.figures["artifact_difference"] == pytest.approx(0.0, abs=1e-15)


def test_codes_are_translated_and_unknown_values_become_unknown():
    table = pd.DataFrame({"profile_channel": [0.0, 1.0, 2.0, np.nan], "orders": 1.0})
    now = Definition(90, 90, None, "UTC", "", 0.0, categories={"channel": ("ads", "mail", "shop")})
    then = replace(now, categories={"channel": ("mail", "ads")})

    found = recoded(table, now, then)

    assert found["profile_channel"].tolist()[:2] == [1.0, 0.0]
    assert found["profile_channel"][2:].isna().all()
    assert found["orders"].tolist() == [1.0] * 4


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

    with pytest.raises(NoChampionError, match="was trained on another shop, or on a history"):
        load_scorer(trained.tracker, other)


def test_a_shop_without_orders_by_then_is_another_shop(trained, history_of):
    other = history_of(("c00000001", "2025-12-24", 5.0), currency="EUR")

    with pytest.raises(NoChampionError, match="another shop"):
        load_scorer(trained.tracker, other)


def test_champions_of_two_shops_do_not_score_together(tracker, fitted):
    churn, clv = (model.scorer for model in fitted)
    register(tracker, CHURN, churn)
    foreign = replace(clv, definition=replace(clv.definition, shop="elsewhere"))
    register(tracker, CLV, foreign)

    with pytest.raises(TrainingError, match=r"must be of one shop; got .* and elsewhere\. Promote"):
        load_scorer(tracker)


def test_models_under_each_others_names_are_refused(tracker, fitted):
    register(tracker, CHURN, fitted[1].scorer)
    register(tracker, CLV, fitted[0].scorer)

    with pytest.raises(TrainingError, match="models of the wrong kind"):
        load_scorer(tracker)
