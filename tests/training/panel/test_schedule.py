from dataclasses import replace

import pytest

from training.config import TrainingConfig
from training.panel.panel import build_panel
from training.panel.schedule import can_judge, longest_judged
from training.panel.splits import rolling_origin

CONFIG = TrainingConfig(horizon_days=30, snapshots=2, origins=1)


def folds(past, horizon_days: int) -> int:
    panel = build_panel(past, horizon_days, replace(CONFIG, horizon_days=horizon_days))
    return len(list(rolling_origin(panel, CONFIG.origins)))


def test_the_longest_horizon_can_be_judged_and_one_day_more_cannot(shop):
    longest = longest_judged(shop.past, CONFIG, 700)

    assert 90 < longest < 700
    assert folds(shop.past, longest) == 1
    assert not can_judge(shop.past, CONFIG, longest + 1)
    assert folds(shop.past, longest + 1) == 0


def test_a_horizon_that_fits_is_its_own_answer(shop):
    assert longest_judged(shop.past, CONFIG, 90) == 90


@pytest.mark.parametrize("days", [1, 10])
def test_a_few_days_of_history_can_judge_nothing(history_of, days):
    orders = [(f"c{day}", f"2024-01-{1 + day:02}", 10.0) for day in range(days)]

    assert longest_judged(history_of(*orders), CONFIG, 90) is None


def test_a_recording_lag_costs_reach(history_of):
    orders = [(f"c{d % 7}", f"2024-{1 + d // 28:02}-{1 + d % 28:02}", 10.0) for d in range(280)]
    prompt = longest_judged(history_of(*orders), CONFIG, 280)

    late = longest_judged(history_of(*orders, recording_lag_days=20), CONFIG, 280)

    assert late < prompt
