import numpy as np
import pandas as pd
import pytest

from training.btyd.population import PopulationModel
from training.evaluation import PairedDifference
from training.models.tasks import CHURN_RISK
from training.panel.snapshot import Snapshot
from training.selection.backtest import Backtest, JudgedForecast
from training.selection.grade import ADVICE, MEANING, best_rule, grade_of, shorter_window, verdict

JUDGE = Snapshot(0.0, pd.DataFrame(), np.zeros(0), np.zeros(0), PopulationModel({}, 0.0, 1.0))


def backtest(chosen: str, losses: dict[str, float], low: float, high: float) -> Backtest:
    """A backtest with such mean log losses, and such an interval against the best rule."""
    judged = tuple(
        JudgedForecast(n, JUDGE, np.zeros(0), {"log_loss": x}) for n, x in losses.items()
    )
    others = [name for name in losses if name != chosen]
    differences = {
        name: PairedDifference(losses[chosen] - losses[name], low, high, 1000) for name in others
    }
    return Backtest(CHURN_RISK, judged, chosen, "why", 90, differences)


@pytest.mark.parametrize(
    ("rule", "model", "low", "high", "grade"),
    [
        (0.500, 0.475, -0.03, -0.01, "A"),
        (0.500, 0.476, -0.03, -0.01, "B"),
        (0.500, 0.400, -0.20, 0.01, "C"),
        (0.500, 0.510, -0.01, 0.03, "C"),
    ],
)
def test_a_grade_is_how_clearly_the_best_simple_rule_is_beaten(rule, model, low, high, grade):
    losses = {"recency_rule": 0.9, "past_rate": rule, "btyd": 0.1, "pool": model}
    judged = tuple(
        JudgedForecast(n, JUDGE, np.zeros(0), {"log_loss": x}) for n, x in losses.items()
    )
    differences = {
        "recency_rule": PairedDifference(model - 0.9, -1.0, 1.0, 1000),
        "past_rate": PairedDifference(model - rule, low, high, 1000),
    }

    found = Backtest(CHURN_RISK, judged, "pool", "", 90, differences)

    assert best_rule(found) == "past_rate"
    assert grade_of(found) == grade


def test_where_a_rule_is_chosen_the_grade_is_d():
    found = backtest("past_rate", {"recency_rule": 0.5, "past_rate": 0.4, "pool": 0.45}, -0.1, -0.1)

    assert grade_of(found) == "D"


@pytest.mark.parametrize(
    ("pool", "low", "high", "words"),
    [
        (0.36, -0.05, -0.03, "Grade A: clearly and much better than the best simple rule, "
         "`past_rate`: 10.0% less log loss (95% interval 7.5% to 12.5%)."),
        (0.39, -0.02, -0.004, "Grade B: clearly better than the best simple rule, `past_rate`: "
         "2.5% less log loss (95% interval 1.0% to 5.0%)."),
        (0.39, -0.03, 0.01, "Grade C: no clear difference from the best simple rule, `past_rate`: "
         "2.5% less log loss (95% interval -2.5% to 7.5%)."),
        (0.41, -0.01, 0.03, "Grade C: no clear difference from the best simple rule, `past_rate`: "
         "2.5% more log loss (95% interval -2.5% to 7.5%)."),
    ],
)  # fmt: skip
def test_a_grade_says_how_much_is_gained_over_the_best_rule(pool, low, high, words):
    found = backtest("pool", {"recency_rule": 0.5, "past_rate": 0.4, "pool": pool}, low, high)

    assert verdict(found) == f"{words} {ADVICE[grade_of(found)]}"


def test_it_says_if_a_rule_is_the_model():
    found = backtest("past_rate", {"recency_rule": 0.5, "past_rate": 0.4, "pool": 0.45}, -0.1, -0.1)

    assert verdict(found) == (
        "Grade D: a simple rule is clearly better than every model, so it is the model: "
        "`past_rate`. Expect no more of these forecasts than of the rule."
    )


def test_without_figures_there_is_no_grade():
    found = Backtest(CHURN_RISK, (), "pool", "", 90)

    assert grade_of(found) is None
    assert verdict(found).startswith("No grade: the history is")


def test_every_grade_has_its_words():
    assert list(MEANING) == list(ADVICE) == ["A", "B", "C", "D"]


def test_a_shorter_window_is_told():
    found = Backtest(CHURN_RISK, (), "pool", "", 45)

    assert shorter_window(found, 45) is None
    assert "those over 45 days, and the model is carried over" in shorter_window(found, 90)
