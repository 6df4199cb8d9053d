from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from training.btyd.population import PopulationModel
from training.config import TrainingConfig
from training.evaluation import churn_metrics, value_metrics
from training.models.candidates import CHURN, SPEND
from training.models.churn import ChurnModel
from training.models.clv import CLVModel
from training.models.tasks import CHURN_RISK
from training.panel.labels import Value
from training.panel.panel import Panel
from training.panel.snapshot import Snapshot
from training.panel.splits import rolling_origin
from training.panel.training_sets import origin_at
from training.selection.backtest import Backtest, JudgedForecast
from training.selection.grade import grade_of
from training.selection.rolling import (
    activity_as_judged,
    activity_over,
    backtest_churn,
    backtest_clv,
    live_base_rate,
)

CONFIG = TrainingConfig(horizon_days=90, snapshots=3, origins=2)
MBG_NBD = PopulationModel({"r": 0.5, "alpha": 40.0, "a": 0.6, "b": 2.0}, 20.0, 1.0)


def snapshot(day: float, churned: list[float], since: list[float]) -> Snapshot:
    X = pd.DataFrame({"days_since_last_order": since})
    return Snapshot(day, X, np.array(churned), 10.0 * (1 - np.array(churned)), MBG_NBD)


def empty(chosen: str = "pool") -> Backtest:
    return Backtest(CHURN_RISK, (), chosen, "", 90)


def outcome(backtest: Backtest) -> tuple:
    forecasts = [(j.candidate, j.judge.as_of, j.forecast.tolist()) for j in backtest.judged]
    return forecasts, backtest.chosen


def population(panel: Panel, judged: JudgedForecast) -> Snapshot:
    """Everybody at an origin, also those whose outcome came under an offer."""
    return next(s for s in panel.snapshots if s.as_of == judged.judge.as_of)


def test_every_candidate_is_judged_at_every_origin_on_the_same_customers(fitted):
    table = fitted[0].backtest.table()

    assert table["candidate"].tolist() == [*CHURN] * 2
    assert table["origin"].is_monotonic_increasing
    assert table.groupby("origin")["customers"].nunique().tolist() == [1, 1]
    assert fitted[1].backtest.table()["candidate"].tolist() == [*SPEND] * 2


@pytest.mark.parametrize("candidate", ["past_rate", "btyd", "pool"])
def test_a_forecast_is_that_of_a_model_fitted_on_what_was_known(fitted, candidate):
    panel = fitted[0].panel
    judged = fitted[0].backtest.of(candidate)[-1]
    known = panel.known_at(judged.judge.as_of)
    training_set = known.training_set(3)

    model = ChurnModel(candidate).learn([training_set], origin_at(known, population(panel, judged)))

    risk = model.predict_proba(judged.judge.X)[:, 1]
    assert risk == pytest.approx(judged.forecast, abs=1e-12)
    base_rate = training_set.churn_rate
    assert judged.metrics == churn_metrics(judged.judge.churned, judged.forecast, base_rate)


def test_a_spend_forecast_is_that_of_a_model_fitted_on_what_was_known(fitted):
    panel = fitted[1].panel
    judged = fitted[1].backtest.of("regression")[-1]
    known = panel.known_at(judged.judge.as_of)

    origin = origin_at(known, population(panel, judged))
    model = CLVModel("regression").learn(known.training_set(3), origin)

    risks = fitted[0].backtest
    chance = 1.0 - risks.of(risks.chosen)[-1].forecast
    expected = chance * model.predict_if_active(judged.judge.X)
    assert judged.forecast == pytest.approx(expected)


@pytest.mark.parametrize("part", ["churned and spend", "seasons"])
def test_nothing_fitted_sees_what_it_is_judged_by(fitted, part):
    """Neither the outcome of the last origin, nor that of any window open then."""
    panel = fitted[0].panel
    origin = panel.snapshots[-1].as_of

    def swapped(s: Snapshot) -> Snapshot:
        return replace(s, churned=1 - s.churned, spend=s.spend[::-1] + 1)

    open_then = tuple(
        swapped(s) if s.as_of + panel.gap_days > origin else s for s in panel.snapshots
    )
    last = tuple(swapped(s) if s.as_of == origin else s for s in panel.snapshots)
    other = replace(panel, snapshots=open_then if part == "seasons" else last)

    one, changed = (backtest_churn([p], CONFIG) for p in (panel, other))

    for own, theirs in zip(one.judged, changed.judged, strict=True):
        assert np.array_equal(own.forecast, theirs.forecast)
    assert one.means()["log_loss"]["trees"] != changed.means()["log_loss"]["trees"]


def test_clv_is_the_chosen_chance_of_an_order_times_the_spend_if_there_is(fitted):
    churn_part, clv_part = fitted
    risk = churn_part.backtest.of(churn_part.backtest.chosen)[0]

    average = clv_part.backtest.of("average")[0].forecast / (1 - risk.forecast)
    assert average == pytest.approx(np.full(len(average), average[0]))
    for candidate in SPEND:
        judged = clv_part.backtest.of(candidate)[0]
        assert judged.metrics.items() >= value_metrics(judged.judge.spend, judged.forecast).items()


def test_a_backtest_run_twice_is_the_same(fitted):
    panel = fitted[0].panel
    risks = backtest_churn([panel], CONFIG)
    values = backtest_clv(panel, activity_as_judged(risks), CONFIG)

    assert outcome(risks) == outcome(fitted[0].backtest)
    assert outcome(values) == outcome(fitted[1].backtest)
    assert values.differences == fitted[1].backtest.differences


def test_the_chance_in_another_window_is_that_of_the_churn_models_curve(fitted):
    panel = fitted[0].panel
    (fold,) = rolling_origin(panel, 1, [panel])

    chance = activity_over("pool", CONFIG, 30.0)(fold)

    known = panel.known_at(fold.judge.as_of)
    model = ChurnModel("pool").learn([known.training_set(3)], origin_at(known, fold.judge))
    assert chance == pytest.approx(1 - model.curve(fold.judge.X).no_order(30.0))
    same = activity_over("pool", CONFIG, 90.0)(fold)
    judged = fitted[0].backtest.of("pool")[-1]
    assert same == pytest.approx(1 - judged.forecast)


def test_before_any_churn_label_the_chance_is_that_of_mbg_nbd(fitted):
    panel = fitted[0].panel
    late = replace(panel, snapshots=panel.snapshots[-1:], seasons=())
    (fold,) = rolling_origin(panel, 1, [late])

    chance = activity_over("pool", CONFIG, 30.0)(fold)

    risk = expit(fold.judge.btyd.logit_no_order(fold.judge.X, 30.0))
    # A model never claims more certainty than one in a million.
    assert chance == pytest.approx(1 - risk, abs=1e-6)


def test_a_history_too_short_to_judge_takes_the_preferred_and_says_so(fitted):
    panel = fitted[0].panel
    short = replace(panel, snapshots=panel.snapshots[-2:])

    risks = backtest_churn([short], CONFIG)
    values = backtest_clv(short, activity_as_judged(risks), CONFIG)

    assert (risks.chosen, values.chosen) == ("pool", "regression")
    for backtest in (risks, values):
        assert "too short to judge any candidate out of time" in backtest.why
        assert grade_of(backtest) is None
        assert backtest.means().empty
        assert backtest.spread().empty
        assert backtest.table().empty


def test_an_origin_with_nothing_to_learn_from_cannot_judge_clv(fitted, history_of):
    panel = fitted[0].panel
    nobody_ordered = replace(panel, past=history_of(("nobody", "2020-01-01", 1.0)))

    values = backtest_clv(nobody_ordered, activity_as_judged(fitted[0].backtest), CONFIG)

    assert values.judged == ()


def test_an_origin_after_which_nobody_spent_cannot_judge_clv(fitted):
    panel = fitted[0].panel
    last = panel.snapshots[-1]
    silent = replace(last, spend=np.zeros(len(last)))
    snapshots = (*panel.snapshots[:-1], silent)

    values = backtest_clv(
        replace(panel, snapshots=snapshots), activity_as_judged(fitted[0].backtest), CONFIG
    )

    assert {j.judge.as_of for j in values.judged} == {panel.snapshots[-2].as_of}
    assert "over 1 out-of-time origin " in values.why


def test_the_live_base_rate_is_the_churn_rate_of_those_not_yet_lapsed(history_of):
    one = snapshot(0.0, [1, 0, 1, 1], [89.9, 10, 90, 400])
    other = snapshot(30.0, [0, 0, 1], [10, 20, 30])
    panel = Panel(history_of(("a", "2024-01-01", 1.0)), 90, 90, Value(), (one, other), ())
    judged = JudgedForecast("pool", other, np.zeros(3), {})

    assert live_base_rate(replace(empty(), judged=(judged,)), panel) == pytest.approx(1 / 3)
    assert live_base_rate(empty(), panel) == pytest.approx(0.4)


def test_where_all_have_lapsed_the_base_rate_is_theirs(history_of):
    all_lapsed = snapshot(0.0, [1, 0], [100, 200])
    panel = Panel(history_of(("a", "2024-01-01", 1.0)), 90, 90, Value(), (all_lapsed,), ())

    assert live_base_rate(empty(), panel) == 0.5
