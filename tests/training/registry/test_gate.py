import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from training.models.tasks import CHURN_RISK
from training.registry.gate import decide, recoded
from training.registry.tracking import Tracker
from training.scoring.definition import Definition
from training.selection.backtest import Backtest

EMPTY = Backtest(CHURN_RISK, (), "pool", "", 90)


@pytest.fixture(scope="module")
def tracker(tmp_path_factory) -> Tracker:
    """Every test registers a champion of its own in it."""
    return Tracker(f"sqlite:///{tmp_path_factory.mktemp('gate')}/mlflow.db")


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


def test_a_first_training_leaves_a_champion(fitted, tmp_path):
    tracker = Tracker(f"sqlite:///{tmp_path}/mlflow.db")

    decision = decide(tracker, fitted[0].scorer, fitted[0].backtest, 0)

    assert decision.promoted
    assert decision.champion_version is None
    assert decision.why.startswith("first training")


def test_another_definition_starts_a_new_lineage(trained, fitted):
    scorer = fitted[0].scorer
    other = replace(scorer, definition=replace(scorer.definition, horizon_days=60))

    decision = decide(trained.tracker, other, EMPTY, 0)

    assert decision.promoted
    assert decision.champion_version == 1
    assert decision.why.startswith("new lineage")


def test_without_an_origin_after_its_training_the_champion_gives_way(trained, fitted):
    decision = decide(trained.tracker, fitted[0].scorer, fitted[0].backtest, 0)

    assert decision.promoted
    assert "no origin after the champion's training" in decision.why
    reached = fitted[0].backtest.means().loc[fitted[0].backtest.chosen, "log_loss"]
    assert decision.figures == {"recipe_new": reached, "recipe_champion": reached}


@pytest.mark.parametrize("part", [0, 1])
def test_a_tie_goes_to_the_newer(tracker, register, fitted, part):
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
    register(tracker, champion)

    decision = decide(tracker, model.scorer, replace(model.backtest, judged=judged), 0)

    assert decision.promoted
    assert decision.figures["artifact_difference"] == 0.0
    assert "ties go to the newer" in decision.why


@pytest.mark.parametrize("part", [0, 1])
def test_a_champion_clearly_better_on_later_labels_stays(tracker, register, fitted, part):
    model = fitted[part]
    champion = trained_before(model.scorer, model.panel.snapshots[0].as_of)
    standing = register(tracker, champion)

    decision = decide(tracker, model.scorer, spoilt(model.backtest), 0)

    assert not decision.promoted
    assert decision.champion_version == standing.version
    assert decision.figures["artifact_difference_low"] > 0
    assert "clearly better on labels after its own training" in decision.why


def test_a_champion_is_judged_only_after_its_own_training(tracker, register, fitted):
    last = fitted[0].panel.snapshots[-1].as_of
    register(tracker, trained_before(fitted[0].scorer, last + 0.5))

    decision = decide(tracker, fitted[0].scorer, spoilt(fitted[0].backtest), 0)

    assert decision.promoted
    assert "artifact_difference" not in decision.figures


def test_a_training_on_less_history_does_not_take_over(tracker, register, fitted):
    scorer = fitted[0].scorer
    register(tracker, scorer)

    earlier = trained_before(scorer, scorer.definition.trained_as_of - 1)
    decision = decide(tracker, earlier, fitted[0].backtest, 0)

    assert not decision.promoted
    assert "trained on a later history; promote by hand to go back" in decision.why


def test_a_champion_that_cannot_be_read_gives_way(tracker, register, fitted):
    path = tracker.folder(register(tracker, fitted[0].scorer)) / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 99}))

    decision = decide(tracker, fitted[0].scorer, fitted[0].backtest, 0)

    assert decision.promoted
    assert "cannot be read" in decision.why
    assert "format version 99" in decision.why


def test_a_champion_is_judged_with_its_own_codes_of_categories(tracker, register, fitted):
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
    register(tracker, trained_before(model.scorer, 0.0))

    newer = replace(model.scorer, definition=later)
    decision = decide(tracker, newer, replace(model.backtest, judged=judged), 0)

    assert decision.figures["artifact_difference"] == pytest.approx(0.0, abs=1e-15)


def test_codes_are_translated_and_unknown_values_become_unknown():
    table = pd.DataFrame({"profile_channel": [0.0, 1.0, 2.0, np.nan], "orders": 1.0})
    now = Definition(90, 90, None, "UTC", "", 0.0, categories={"channel": ("ads", "mail", "shop")})
    then = replace(now, categories={"channel": ("mail", "ads")})

    found = recoded(table, now, then)

    assert found["profile_channel"].tolist()[:2] == [1.0, 0.0]
    assert found["profile_channel"][2:].isna().all()
    assert found["orders"].tolist() == [1.0] * 4
