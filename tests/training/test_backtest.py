from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from training import churn, clv
from training.backtest import (
    Backtest,
    Judged,
    _choose,
    backtest_churn,
    backtest_clv,
    live_base_rate,
)
from training.churn import ChurnModel
from training.config import TrainingConfig
from training.evaluation import churn_metrics, log_loss, value_metrics
from training.labels import Value
from training.snapshots import Panel, Snapshot, origin_of_rows, stack

CONFIG = TrainingConfig(horizon_days=90, snapshots=3, origins=2)


def snapshot(day: float, churned: list[float], since: list[float]) -> Snapshot:
    X = pd.DataFrame({"days_since_last_order": since})
    return Snapshot(day, X, np.array(churned), 10.0 * (1 - np.array(churned)))


def outcome(backtest: Backtest) -> tuple:
    forecasts = [(j.candidate, j.judge.as_of, j.forecast.tolist()) for j in backtest.judged]
    return forecasts, backtest.chosen


def test_every_candidate_is_judged_at_every_origin_on_the_same_customers(fitted):
    table = fitted[0].backtest.table()

    assert table["candidate"].tolist() == [*churn.CANDIDATES] * 2
    assert table["origin"].is_monotonic_increasing
    assert table.groupby("origin")["customers"].nunique().tolist() == [1, 1]
    assert fitted[1].backtest.table()["candidate"].tolist() == [*clv.CANDIDATES] * 2


def test_a_forecast_is_that_of_a_model_fitted_on_what_was_known(fitted):
    panel = fitted[0].panel
    judged = fitted[0].backtest.of("gbdt_level")[-1]
    known = panel.known_at(judged.judge.as_of)
    learn, days = stack(known), origin_of_rows(known)

    model = ChurnModel("gbdt_level", 3).fit(learn.X, learn.churned, days, judged.judge.as_of)

    risk = model.predict_proba(judged.judge.X)[:, 1]
    assert risk == pytest.approx(judged.forecast, abs=1e-12)
    base_rate = learn.churned.mean()
    assert judged.metrics == churn_metrics(judged.judge.churned, judged.forecast, base_rate)


def test_nothing_fitted_sees_what_it_is_judged_by(fitted):
    panel = fitted[0].panel
    origin = panel.snapshots[-1].as_of
    swapped = tuple(
        replace(s, churned=1 - s.churned, spend=s.spend[::-1] + 1) if s.as_of == origin else s
        for s in panel.snapshots
    )
    other = replace(panel, snapshots=swapped)

    one, risks = (backtest_churn(p, CONFIG) for p in (panel, other))

    for own, swapped_ones in zip(one.judged, risks.judged, strict=True):
        assert np.array_equal(own.forecast, swapped_ones.forecast)
    assert one.means()["log_loss"]["gbdt"] != risks.means()["log_loss"]["gbdt"]


def test_the_lowest_mean_wins(fitted):
    for part, metric in zip(fitted, ("log_loss", "tweedie_deviance"), strict=True):
        means = part.backtest.means()

        assert part.backtest.criterion == metric
        assert part.backtest.chosen == means[metric].idxmin()
        assert part.backtest.why.startswith(f"{part.backtest.chosen}: lowest mean ")
        assert "over 2 out-of-time origin(s)" in part.backtest.why


def test_means_are_over_origins(fitted):
    backtest = fitted[0].backtest
    by_hand = [log_loss(j.judge.churned, j.forecast) for j in backtest.of("past_rate")]

    assert backtest.means().loc["past_rate", "log_loss"] == pytest.approx(np.mean(by_hand))


def test_clv_is_the_chosen_chance_of_an_order_times_the_spend_if_there_is(fitted):
    churn_part, clv_part = fitted
    risk = churn_part.backtest.of(churn_part.backtest.chosen)[0]
    average = clv_part.backtest.of("average")[0]

    if_active = average.forecast / (1 - risk.forecast)

    assert np.ptp(if_active) < 1e-9
    truth = average.judge.spend
    assert average.metrics == value_metrics(truth, average.forecast)


def test_a_backtest_run_twice_is_the_same(fitted):
    panel = fitted[0].panel
    risks = backtest_churn(panel, CONFIG)

    assert outcome(risks) == outcome(fitted[0].backtest)
    assert outcome(backtest_clv(panel, risks, CONFIG)) == outcome(fitted[1].backtest)


def test_a_history_too_short_to_judge_takes_the_simplest_rule_and_says_so(fitted):
    panel = fitted[0].panel
    short = replace(panel, snapshots=panel.snapshots[-2:])

    risks = backtest_churn(short, CONFIG)
    values = backtest_clv(short, risks, CONFIG)

    assert (risks.chosen, values.chosen) == ("recency_rule", "average")
    assert "too short to judge any candidate" in risks.why
    assert "simplest rule" in values.why
    assert risks.means().empty
    assert risks.table().empty


def test_an_origin_with_nothing_to_learn_from_is_left_out(fitted, history_of):
    panel = fitted[0].panel
    silent = history_of(("nobody", "2020-01-01", 1.0))
    nobody_ordered = replace(panel, past=silent)

    risks = backtest_churn(nobody_ordered, CONFIG)

    assert risks.judged == ()
    assert backtest_clv(nobody_ordered, fitted[0].backtest, CONFIG).judged == ()


def test_an_origin_after_which_nobody_spent_cannot_judge_clv(fitted):
    panel = fitted[0].panel
    last = panel.snapshots[-1]
    silent = replace(last, spend=np.zeros(len(last)))
    snapshots = (*panel.snapshots[:-1], silent)

    values = backtest_clv(replace(panel, snapshots=snapshots), fitted[0].backtest, CONFIG)

    assert {j.judge.as_of for j in values.judged} == {panel.snapshots[-2].as_of}
    assert "over 1 out-of-time origin(s)" in values.why


def test_of_two_equal_candidates_the_simpler_one_is_chosen():
    judge = snapshot(0.0, [1, 0], [10, 20])
    losses = {"recency_rule": 0.5, "past_rate": 0.4, "gbdt": 0.4, "gbdt_level": 0.4}
    judged = tuple(
        Judged(name, judge, np.zeros(2), {"log_loss": loss}) for name, loss in losses.items()
    )

    backtest = _choose(judged, churn.CANDIDATES, "log_loss")

    assert backtest.chosen == "past_rate"
    assert backtest.why == (
        "past_rate: lowest mean log loss over 1 out-of-time origin(s) (recency_rule 0.5000, "
        "past_rate 0.4000, gbdt 0.4000, gbdt_level 0.4000)"
    )


def test_the_live_base_rate_is_the_churn_rate_of_those_not_yet_lapsed(history_of):
    one = snapshot(0.0, [1, 0, 1, 1], [89.9, 10, 90, 400])
    other = snapshot(30.0, [0, 0, 1], [10, 20, 30])
    panel = Panel(history_of(("a", "2024-01-01", 1.0)), 90, Value(), (one, other))
    judged = Judged("recency_rule", other, np.zeros(3), {})

    assert live_base_rate(Backtest((judged,), "recency_rule", "log_loss", ""), panel) == (
        pytest.approx(1 / 3)
    )
    assert live_base_rate(Backtest((), "recency_rule", "log_loss", ""), panel) == pytest.approx(0.4)


def test_where_all_have_lapsed_the_base_rate_is_theirs(history_of):
    all_lapsed = snapshot(0.0, [1, 0], [100, 200])
    panel = Panel(history_of(("a", "2024-01-01", 1.0)), 90, Value(), (all_lapsed,))

    assert live_base_rate(Backtest((), "recency_rule", "log_loss", ""), panel) == 0.5
