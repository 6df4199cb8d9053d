import os
import re
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training.btyd.population import PopulationModel
from training.evaluation import LevelError, churn_metrics, log_loss
from training.models.tasks import CHURN_RISK, CLV_FORECAST
from training.panel.ahead import WindowAhead
from training.panel.snapshot import Snapshot
from training.selection import choice
from training.selection.backtest import Backtest, JudgedForecast
from training.selection.choice import choose
from training.selection.grade import (
    RANKING,
    USE,
    best_rule,
    grade_of,
    shorter_window,
    skill,
    verdict,
)

MBG_NBD = PopulationModel({"r": 0.5, "alpha": 40.0, "a": 0.6, "b": 2.0}, 20.0, 1.0)
MANY = 400
# Made-up backtests; `make soak` makes more.
SHOPS = int(os.environ.get("HOLDFAST_FUZZ_EXAMPLES", "100"))


def snapshot(day: int, churned: list[float]) -> Snapshot:
    lost, X = np.array(churned), pd.DataFrame(index=[f"c{i}" for i in range(len(churned))])
    return Snapshot(float(day), X, lost, 10.0 * (1 - lost), MBG_NBD)


def backtest(
    risks: dict[str, list[float]],
    churned: list[float],
    origins: int = 3,
    ahead: WindowAhead | None = None,
) -> Backtest:
    """Candidates who did alike at so many origins, of which the best is chosen."""
    judged = []
    for day in range(origins):
        judge = snapshot(day, churned)
        for name, risk in risks.items():
            metrics = churn_metrics(churned, risk, base_rate=0.5)
            judged.append(JudgedForecast(name, judge, np.array(risk), metrics))
    found = choose(CHURN_RISK, tuple(judged), 90, 0)
    return Backtest(**{**vars(found), "ahead": ahead or WindowAhead()})


def spread(high: float, low: float, share: float = 0.5, rows: int = MANY) -> list[float]:
    """A risk of the first share of customers, and one of the others."""
    first = round(share * rows)
    return [high] * first + [low] * (rows - first)


def shop(high: float, low: float, off: float = 0.0, rule: float = 0.5) -> Backtest:
    """Halves that churn at two rates, and a model that knows them but for its level."""
    quarter = MANY // 4
    churned = [*spread(1.0, 0.0, high, 2 * quarter), *spread(1.0, 0.0, low, 2 * quarter)]
    pool = [*[high + off] * (2 * quarter), *[low + off] * (2 * quarter)]
    return backtest({"past_rate": [rule] * MANY, "pool": pool}, churned)


@pytest.mark.parametrize(
    ("high", "low", "letter"), [(0.7, 0.3, "A"), (0.62, 0.38, "B"), (0.51, 0.49, "C")]
)
def test_the_ranking_is_how_clearly_the_best_simple_rule_is_beaten(high, low, letter):
    found = shop(high, low)

    assert best_rule(found) == "past_rate"
    assert grade_of(found).ranking == letter
    assert RANKING[letter] in verdict(found)


def test_a_rule_that_is_the_model_has_the_lowest_ranking():
    found = backtest({"past_rate": spread(0.9, 0.1), "pool": [0.5] * MANY}, spread(1.0, 0.0))

    assert found.chosen == "past_rate"
    assert grade_of(found).ranking == "D"
    assert "the model is itself a simple rule, `past_rate`" in verdict(found)


def test_a_model_that_does_clearly_worse_than_a_rule_is_told_so_on_few_origins_too():
    found = backtest({"past_rate": spread(0.9, 0.1), "pool": [0.5] * MANY}, spread(1.0, 0.0), 2)

    assert found.chosen == "pool"
    assert grade_of(found).ranking == "D"
    assert (
        "judged on too little to be sure, 400 customers at 2 origins where 30 and 3 are needed, "
        "`past_rate`: 557.9% more log loss (95% interval 557.9% to 557.9%)" in verdict(found)
    )


@pytest.mark.parametrize(
    ("off", "letter"), [(0.0, "A"), (0.05, "B"), (0.07, "C"), (-0.07, "C"), (0.1, "D")]
)
def test_the_level_goes_by_the_calibration_error_beyond_chance(off, letter):
    """By chance alone two bins of 200 customers are sqrt(2 / pi) sqrt(0.21 / 200) off."""
    found = grade_of(shop(0.7, 0.3, off))

    if not off:
        assert found.error.noise == pytest.approx(np.sqrt(2 / np.pi) * np.sqrt(0.21 / 200))
    assert found.error.bias == pytest.approx(off)
    assert (found.ranking, found.level) == ("A", letter)
    assert found.letter == letter


@pytest.mark.parametrize(
    ("off", "words"),
    [
        (0.0, "the risks may be multiplied and added up"),
        (0.05, "the risks are 5.0 points too high: good enough for plans, not for promises"),
        (-0.07, "the risks are 7.0 points too low: do not multiply them"),
        (0.1, "the risks are 10.0 points too high: do not use them as numbers"),
    ],
)
def test_one_sentence_says_what_may_be_done_with_the_numbers(off, words):
    found = shop(0.7, 0.3, off)
    letters = grade_of(found)

    assert verdict(found).startswith(
        f"Grade {letters.letter} (ranking A, level {letters.level}): the order of customers is "
        f"good; {words}. "
    )


def test_a_level_that_is_off_to_either_side_is_not_called_high_or_low():
    churned = [*spread(1.0, 0.0, 0.9, MANY // 2), *spread(1.0, 0.0, 0.1, MANY // 2)]
    found = backtest({"past_rate": [0.5] * MANY, "pool": spread(0.75, 0.25)}, churned)

    assert "the risks are off by 15.0 points, to either side" in verdict(found)


def test_values_are_graded_by_the_total():
    judge = snapshot(0, spread(1.0, 0.0))
    forecast = 1.25 * judge.spend
    judged = (
        JudgedForecast("average", judge, np.full(MANY, 5.0), {"tweedie_deviance": 9.0}),
        JudgedForecast("regression", judge, forecast, {"tweedie_deviance": 1.0}),
    )
    found = Backtest(CLV_FORECAST, judged, "regression", "", 90, choose_differences(judged))

    assert grade_of(found).level == "C"
    assert grade_of(found).error == LevelError(0.25, 0.25, pytest.approx(0.0, abs=1e-9))
    assert "the values are 25% too high: do not multiply them" in verdict(found)


def choose_differences(judged):
    return choose(CLV_FORECAST, judged, 90, 0).differences


def test_a_shop_that_has_outgrown_its_past_has_no_level_a():
    grown = WindowAhead(90, (), 0.6)
    calm = WindowAhead(90, (), 0.4)
    known = shop(0.7, 0.3)
    outgrown, not_yet = (Backtest(**{**vars(known), "ahead": a}) for a in (grown, calm))

    assert (grade_of(not_yet).level, grade_of(outgrown).level) == ("A", "B")
    assert "outgrown" in verdict(outgrown)
    assert "outgrown" not in verdict(not_yet)
    assert outgrown.ahead.cautions()[0].startswith(
        "60% of today's customers are not among those learnt"
    )


def test_negative_skill_is_the_first_word():
    found = backtest({"past_rate": [0.55] * MANY, "pool": [0.6] * MANY}, spread(1.0, 0.0), 1)

    assert verdict(found).startswith(
        "Negative skill (-0.029): worse than the same forecast for everybody. Grade D "
    )


def test_without_figures_there_is_no_grade_and_the_reason_is_told():
    found = choose(CHURN_RISK, (), 90, 0)
    idle = choose(CLV_FORECAST, (), 90, 0, unjudged="nobody spent anything")

    assert grade_of(found) is None
    assert verdict(found) == (
        "No grade: pool: the history is too short to judge any candidate out of time."
    )
    assert verdict(idle) == "No grade: regression: nobody spent anything."


def test_every_letter_has_its_words():
    assert list(RANKING) == list(USE) == ["A", "B", "C", "D"]


def test_a_shorter_window_is_told():
    found = Backtest(CHURN_RISK, (), "pool", "", 45)

    assert shorter_window(found, 45) is None
    assert "those over 45 days, and the model is carried over" in shorter_window(found, 90)


@st.composite
def backtests(draw):
    """Made-up origins of unequal size, at which candidates do unlike well."""
    seed = draw(st.integers(0, 2**32 - 1))
    origins, most = draw(st.integers(1, 4)), draw(st.sampled_from([3, 20, 200]))
    rng = np.random.default_rng(seed)
    strength = {name: rng.uniform(0, 3) for name in ("base_rate", "past_rate", "btyd", "pool")}
    strength["base_rate"] = 0.0
    judged = []
    for day in range(origins):
        churned = (rng.random(rng.integers(1, most + 1)) < rng.uniform(0, 1)).astype(float)
        judge = snapshot(day, list(churned))
        for name, told in strength.items():
            logit = (
                told * (churned - 0.5) + rng.normal(0, 1) + told * rng.normal(0, 1, len(churned))
            )
            risk = 1 / (1 + np.exp(-logit))
            metrics = churn_metrics(churned, risk, base_rate=0.5)
            judged.append(JudgedForecast(name, judge, risk, metrics))
    # A coarse interval has to be told as rightly as a fine one.
    with patch.object(choice, "ROUNDS", 40):
        return choose(CHURN_RISK, tuple(judged), 90, 0)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=SHOPS)
@given(backtests())
def test_words_never_contradict_the_table(found):
    """What the verdict says of more and less, clear and not, high and low, the numbers say too."""
    said, grade, means = verdict(found), grade_of(found), found.means()
    loss = means["log_loss"]
    ours, rule = loss[found.chosen], best_rule(found)

    for name, difference in found.differences.items():
        assert difference.difference == pytest.approx(ours - loss[name], abs=1e-9)
    if found.chosen not in CHURN_RISK.rules:
        gap, against = ours - loss[rule], found.differences[rule]
        assert ("% less log loss" in said) == (gap <= 0)
        assert ("% more log loss" in said) == (gap > 0)
        told = float(re.search(r"`: ([\d.]+)% (?:less|more) log loss", said)[1])
        assert told == pytest.approx(100 * abs(gap) / loss[rule], abs=0.06)
        assert not (grade.ranking in "AB" and not against.high < 0)
        assert not (against.low > 0 and grade.ranking != "D")
        assert not ("not clearly" in said and not against.low <= 0 <= against.high)
    assert said.startswith("Negative skill") == (skill(found) < 0 and found.chosen != "base_rate")
    assert grade.error.error >= abs(grade.error.bias) - 1e-9
    if "too high" in said:
        assert means["mean_risk"][found.chosen] > means["churn_rate"][found.chosen]
    if "too low" in said:
        assert means["mean_risk"][found.chosen] < means["churn_rate"][found.chosen]


def test_a_difference_weighs_origins_as_the_means_do():
    """A large origin and two small ones of the opposite sign."""
    risks = {"past_rate": (0.5, 0.5, 0.5), "pool": (0.6, 0.3, 0.3)}
    judged = []
    for day, rows in enumerate((300, 10, 10)):
        judge = snapshot(day, [1.0] * rows)
        for name, by_origin in risks.items():
            risk = np.full(rows, by_origin[day])
            metrics = {"log_loss": log_loss(judge.churned, risk)}
            judged.append(JudgedForecast(name, judge, risk, metrics))

    found = choose(CHURN_RISK, tuple(judged), 90, 0)

    loss = found.means()["log_loss"]
    (other,) = found.differences
    difference = found.differences[other].difference
    assert difference == pytest.approx(loss[found.chosen] - loss[other])
