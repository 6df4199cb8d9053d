from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from training.btyd.population import PopulationModel
from training.evaluation import log_loss, log_losses
from training.models.candidates import SPEND
from training.models.tasks import CHURN_RISK, CLV_FORECAST
from training.panel.snapshot import Snapshot
from training.selection.backtest import Backtest, JudgedForecast
from training.selection.choice import choose

MBG_NBD = PopulationModel({"r": 0.5, "alpha": 40.0, "a": 0.6, "b": 2.0}, 20.0, 1.0)
HALF = [1.0] * 100 + [0.0] * 100
GOOD = [0.9] * 100 + [0.1] * 100
FAIR = [0.7] * 100 + [0.3] * 100
BLIND = [0.5] * 200


def judgements(
    risks: dict[str, Sequence[float]], churned: Sequence[float] = HALF, origins: int = 3
) -> tuple[JudgedForecast, ...]:
    """Candidates judged at so many origins on the same customers, who did alike at each."""
    lost, X = np.array(churned), pd.DataFrame(index=range(len(churned)))
    judged = []
    for day in range(origins):
        judge = Snapshot(float(day), X, lost, 10.0 * (1 - lost), MBG_NBD)
        for name, risk in risks.items():
            metrics = {"log_loss": log_loss(churned, risk)}
            judged.append(JudgedForecast(name, judge, np.array(risk), metrics))
    return tuple(judged)


def chosen_of(risks: dict[str, Sequence[float]]) -> Backtest:
    return choose(CHURN_RISK, judgements(risks), 90, 0)


def test_the_preferred_is_chosen_unless_another_is_clearly_better():
    """Lower by chance is not clearly better."""
    lucky = list(BLIND)
    lucky[0] = 0.9

    backtest = chosen_of({"past_rate": BLIND, "btyd": lucky, "pool": BLIND})

    assert backtest.chosen == "pool"
    assert backtest.means().loc["btyd", "log_loss"] < backtest.means().loc["pool", "log_loss"]
    assert backtest.why == (
        "pool: nothing is clearly better over 3 out-of-time origins (mean log loss: "
        "past_rate 0.6931, btyd 0.6902, pool 0.6931)"
    )


def test_of_the_clearly_better_the_best_is_chosen():
    backtest = chosen_of({"past_rate": FAIR, "btyd": GOOD, "pool": BLIND})

    assert backtest.chosen == "btyd"
    assert backtest.why.startswith("btyd: clearly better than pool over 3 out-of-time origins")


def test_a_rule_that_is_clearly_better_is_chosen():
    backtest = chosen_of({"recency_rule": BLIND, "past_rate": GOOD, "pool": BLIND})

    assert backtest.chosen == "past_rate"


def test_of_several_preferred_the_lowest_mean_stands_for_them():
    """Candidates of spend, judged by the losses of churn."""
    task = replace(CHURN_RISK, candidates=SPEND)
    judged = judgements({"average": BLIND, "regression": FAIR, "btyd": GOOD})

    backtest = choose(task, judged, 90, 0)

    assert backtest.chosen == "btyd"
    assert "nothing is clearly better" in backtest.why


def test_differences_are_of_the_chosen_against_each_other_over_customers():
    backtest = chosen_of({"past_rate": FAIR, "btyd": BLIND, "pool": GOOD})

    assert set(backtest.differences) == {"past_rate", "btyd"}
    found = backtest.differences["past_rate"]
    by_hand = log_losses(HALF, GOOD).mean() - log_losses(HALF, FAIR).mean()
    assert found.difference == pytest.approx(by_hand)
    assert (found.low, found.high) == pytest.approx((by_hand, by_hand))
    assert backtest.window_days == 90


@pytest.mark.parametrize("days", [1, 2])
def test_on_few_origins_nothing_takes_over_from_the_preferred(days):
    judged = judgements({"past_rate": GOOD, "pool": BLIND}, HALF, days)

    assert choose(CHURN_RISK, judged, 90, 0).chosen == "pool"


def test_of_few_customers_nothing_takes_over_from_the_preferred():
    judged = judgements({"past_rate": GOOD[90:110], "pool": BLIND[90:110]}, HALF[90:110])

    assert choose(CHURN_RISK, judged, 90, 0).chosen == "pool"


@pytest.mark.parametrize(("task", "model"), [(CHURN_RISK, "pool"), (CLV_FORECAST, "regression")])
def test_where_nothing_could_be_judged_the_preferred_is_the_model(task, model):
    backtest = choose(task, (), 45, 0)

    assert (backtest.chosen, backtest.window_days) == (model, 45)
    assert backtest.why == f"{model}: the history is too short to judge any candidate out of time"
