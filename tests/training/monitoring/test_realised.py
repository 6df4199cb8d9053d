from copy import copy
from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl
import pytest

from features.clock import as_day
from training.champions import CHURN, CLV, load_scorer
from training.evaluation import auc, log_loss
from training.monitoring.realised import realised
from training.panel.labels import label_table
from training.registry.outcome import Realised
from training.registry.tracking import Tracker
from training.scoring.scorer import Scorer

MADE = "2025-10-01"


@pytest.fixture(scope="module")
def tracker(tmp_path_factory) -> Tracker:
    return Tracker(f"sqlite:///{tmp_path_factory.mktemp('realised')}/mlflow.db")


def later(shop, as_of: str):
    return shop.history.upto(as_of).coded()


@pytest.fixture(scope="module")
def champions(trained) -> Scorer:
    return load_scorer(trained.tracker, trained.shop.history)


@pytest.fixture(scope="module")
def scores(trained, champions):
    return champions.score(trained.shop.history, MADE, 0).set_index("customer_id")


def test_churn_forecasts_are_held_against_what_happened(trained, champions, scores):
    """The history ends 92 days after the training: the window of 90 days is over."""
    shop, now = trained.shop, trained.training
    found = realised(trained.tracker, later(shop, "2026-01-01"), champions.churn)
    churned = label_table(shop.history, MADE, 90).loc[scores.index, "churned"]

    assert found.elapsed_days == found.horizon_days == 90
    assert (found.version, found.customers) == (now.churn.version, len(scores))
    assert found.figures["mean_risk"] == pytest.approx(scores["churn_risk"].mean(), rel=1e-9)
    assert found.figures["churn_rate"] == churned.mean()
    assert found.figures["auc"] == pytest.approx(auc(churned, scores["churn_risk"]))
    assert found.figures["log_loss"] == pytest.approx(log_loss(churned, scores["churn_risk"]))


def test_spend_forecasts_are_held_against_what_was_spent(trained, champions, scores):
    shop = trained.shop
    found = realised(trained.tracker, later(shop, "2026-01-01"), champions.clv)
    labels = label_table(shop.history, MADE, 90).loc[scores.index]
    spend = labels["spend"]

    assert found.figures["total_forecast"] == pytest.approx(scores["clv"].sum(), rel=1e-9)
    assert found.figures["total_spend"] == pytest.approx(spend.sum())
    inside = (scores["clv_low"] <= spend) & (spend <= scores["clv_high"])
    assert found.figures["coverage"] == pytest.approx(inside.mean())
    bought = labels["churned"] == 0
    low, high = scores["spend_if_active_low"], scores["spend_if_active_high"]
    inside = ((low <= spend) & (spend <= high))[bought]
    assert found.figures["coverage_if_active"] == pytest.approx(inside.mean())


def test_a_window_that_is_not_over_is_judged_by_the_curve_so_far(trained, champions, scores):
    past = later(trained.shop, "2025-11-01")
    found = realised(trained.tracker, past, champions.churn)
    labels = label_table(trained.shop.history, MADE, found.elapsed_days)
    churned = labels.loc[scores.index, "churned"]

    assert 25 <= found.elapsed_days <= 30
    assert found.figures["churn_rate"] == churned.mean()
    assert found.figures["mean_risk"] > scores["churn_risk"].mean()
    if found.elapsed_days == 30:
        assert found.figures["mean_risk"] == pytest.approx(scores["survival_30d"].mean())
    assert f"{found.elapsed_days:g} of its 90 days on: it expected" in found.words()


def test_spend_is_not_judged_before_its_window_is_over(trained, champions):
    past = later(trained.shop, "2025-11-01")
    found = realised(trained.tracker, past, champions.clv)

    assert found.figures == {}
    assert found.words().endswith("too early to say.")


def test_nothing_known_at_the_training_or_later_changes_the_forecasts(trained, champions, shop):
    """Orders told late, of before the training, move the outcome of nobody and no forecast."""
    orders = shop.simulated.orders
    late = orders.filter(pl.col("recorded_at") < datetime(2025, 9, 1)).with_columns(
        ("late" + pl.col("order_id")).alias("order_id"),
        pl.lit(datetime(2025, 10, 2)).alias("recorded_at"),
    )
    other = shop.like(orders=pl.concat([orders, late.cast(orders.schema)]))

    one = realised(trained.tracker, later(shop, "2026-01-01"), champions.churn)
    two = realised(trained.tracker, other.upto("2026-01-01").coded(), champions.churn)

    assert two == replace(one, figures=pytest.approx(one.figures, rel=1e-9))


def test_the_customers_are_described_with_the_champions_codes(trained, champions, shop):
    """A value that appeared since then moves the codes of this training, not of the champion."""
    customers = shop.simulated.customers
    newer = customers.head(5).with_columns(
        pl.lit("a_new_channel").alias("channel"),
        pl.lit(datetime(2025, 10, 5)).alias("recorded_at"),
    )
    other = shop.like(customers=pl.concat([customers, newer.cast(customers.schema)]))
    past = other.upto("2026-01-01").coded()
    assert past.mapping.categories != champions.churn.definition.categories

    found = realised(trained.tracker, past, champions.churn)

    one = realised(trained.tracker, later(shop, "2026-01-01"), champions.churn)
    assert found.figures == pytest.approx(one.figures, rel=1e-9)


@pytest.mark.parametrize("as_of", ["2025-09-01", "2025-10-01"])
def test_before_a_day_is_over_there_is_nothing_to_say(trained, champions, as_of):
    assert realised(trained.tracker, later(trained.shop, as_of), champions.churn) is None


def test_a_champion_of_another_lineage_forecast_something_else(trained, champions):
    terms = replace(champions.churn.definition, horizon_days=60)
    other = replace(champions.churn, definition=terms)

    assert realised(trained.tracker, later(trained.shop, "2026-01-01"), other) is None


def test_without_a_champion_there_is_nothing_to_hold(fitted, shop, tmp_path):
    nobody = Tracker(f"sqlite:///{tmp_path}/mlflow.db")

    assert realised(nobody, later(shop, "2026-01-01"), fitted[0].scorer) is None


def test_a_champion_that_cannot_be_used_is_passed_over(tracker, register, fitted, shop):
    scorer = fitted[0].scorer
    champion = register(tracker, scorer)
    assert realised(tracker, later(shop, "2026-01-01"), scorer) is not None

    (tracker.folder(champion) / "model.json").write_text("{}")

    assert realised(tracker, later(shop, "2026-01-01"), scorer) is None


def test_figures_without_a_meaning_are_not_logged():
    figures = {"auc": np.nan, "log_loss": 0.1, "ece": 0.0, "mean_risk": 1.0, "churn_rate": 1.0}
    found = Realised(CHURN, 2, as_day(MADE, "UTC"), 90.0, 5.0, None, 7, figures)

    assert found.metrics == {
        "version": 2.0, "horizon_days": 90.0, "elapsed_days": 5.0, "customers": 7.0,
        "log_loss": 0.1, "ece": 0.0, "mean_risk": 1.0, "churn_rate": 1.0,
    }  # fmt: skip
    assert "auc" not in found.as_dict()["figures"]


def test_the_outcome_of_spend_in_words():
    figures = {"total_forecast": 120_000.4, "total_spend": 99_500.0, "normalised_gini": 0.7,
               "coverage": 0.9, "coverage_if_active": 0.78}  # fmt: skip
    found = Realised(CLV, 2, as_day(MADE, "UTC"), 90.0, 90.0, "EUR", 1500, figures)

    assert found.words() == (
        "`clv-forecast` version 2 of 2025-10-01, 90 of its 90 days on: it expected 120,000 EUR of "
        "1,500 customers; they spent 99,500 EUR. Its 80% intervals held 90% of them, and 78% of "
        "those who ordered."
    )


def test_a_champion_that_needs_a_column_the_history_lacks_has_no_outcome(
    tracker, register, fitted, shop
):
    scorer = fitted[0].scorer
    model = copy(scorer.model)
    model.columns_ = [*model.columns_, "profile_age"]
    register(tracker, replace(scorer, model=model))

    assert realised(tracker, later(shop, "2026-01-01"), scorer) is None
