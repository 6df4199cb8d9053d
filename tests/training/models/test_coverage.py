"""The coverage that a backtest tells: of intervals that could have been given at each origin."""

import numpy as np
import pandas as pd
import pytest

from training.btyd.population import PopulationModel
from training.models.intervals import SpendIntervals
from training.panel.snapshot import Snapshot
from training.selection.rolling import interval_metrics

CUSTOMERS = 400


def snapshot(scale: float) -> Snapshot:
    """Half of the customers order, and spend `scale` times 100 give or take."""
    churned = np.arange(CUSTOMERS) % 2.0
    drawn = np.random.default_rng(0).lognormal(0, 0.5, CUSTOMERS)
    spend = np.where(churned == 1, 0.0, 100.0 * scale * drawn)
    return Snapshot(
        0.0, pd.DataFrame(index=range(CUSTOMERS)), churned, spend, PopulationModel({}, 0.0, 1.0)
    )


def test_it_counts_all_customers_and_those_who_ordered():
    learnt = SpendIntervals.of(np.full(CUSTOMERS, 100.0), snapshot(1.0).spend + 100.0)
    expected, chance = np.full(CUSTOMERS, 100.0), np.full(CUSTOMERS, 0.5)

    judged = snapshot(1.0)
    found = interval_metrics(judged, learnt, expected, chance)

    low, high = learnt.interval(expected, chance)
    assert found["coverage"] == np.mean((judged.spend >= low) & (judged.spend <= high))
    low, high = learnt.interval_if_active(expected)
    within = (judged.spend >= low) & (judged.spend <= high)
    assert found["coverage_if_active"] == np.mean(within[judged.churned == 0])


def test_outcomes_far_from_the_forecast_are_not_covered():
    learnt = SpendIntervals.of(np.full(CUSTOMERS, 100.0), snapshot(1.0).spend + 100.0)

    found = interval_metrics(
        snapshot(50.0), learnt, np.full(CUSTOMERS, 100.0), np.full(CUSTOMERS, 0.5)
    )

    assert found == {"coverage": 0.5, "coverage_if_active": 0.0}


def test_coverage_is_in_the_table_of_a_backtest(fitted):
    churn, clv = (part.backtest.means() for part in fitted)

    assert clv["coverage"].between(0.5, 1).all()
    assert clv.loc["btyd", "coverage_if_active"] == pytest.approx(0.8, abs=0.15)
    assert "coverage" not in churn
