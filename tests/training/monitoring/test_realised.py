import re
from copy import copy
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest

from features.clock import as_day
from training.champions import CHURN, CLV, load_scorer
from training.evaluation import auc, log_loss
from training.monitoring.realised import Realised, realised
from training.panel.labels import label_table
from training.registry.log import example
from training.registry.tracking import Tracker
from training.registry.versions import ModelFiles

MADE = "2025-10-01"


@pytest.fixture(scope="module")
def tracker(tmp_path_factory) -> Tracker:
    return Tracker(f"sqlite:///{tmp_path_factory.mktemp('realised')}/mlflow.db")


@pytest.fixture
def name(request) -> str:
    return re.sub(r"\W", "-", request.node.name)


def register(tracker: Tracker, name: str, scorer) -> None:
    rows = example(scorer.model.columns_, scorer.definition.table_horizon_days)
    with TemporaryDirectory() as place, tracker.start_run("by hand", {}) as run:
        scorer.save(Path(place) / "model")
        tags = {"lineage": scorer.definition.lineage}
        files = ModelFiles(Path(place) / "model", rows, scorer.predict_frame(rows), tags)
        version = tracker.register(run, name, files)
    tracker.promote(name, version.version)


def later(shop, as_of: str):
    return shop.history.upto(as_of).coded()


@pytest.fixture(scope="module")
def scores(trained):
    scorer = load_scorer(trained.tracker, trained.shop.history)
    return scorer.score(trained.shop.history, MADE, 0).set_index("customer_id")


def test_churn_forecasts_are_held_against_what_happened(trained, scores):
    """The history ends 92 days after the training: the window of 90 days is over."""
    shop, now = trained.shop, trained.training
    found = realised(trained.tracker, later(shop, "2026-01-01"), CHURN, definition(trained, CHURN))
    labels = label_table(shop.history, MADE, 90).reindex(scores.index, fill_value=0.0)
    churned = 1 - labels["ordered"]

    assert found.elapsed_days == found.horizon_days == 90
    assert (found.version, found.customers) == (now.churn.version, len(scores))
    assert found.figures["mean_risk"] == pytest.approx(scores["churn_risk"].mean(), rel=1e-9)
    assert found.figures["churn_rate"] == churned.mean()
    assert found.figures["auc"] == pytest.approx(auc(churned, scores["churn_risk"]))
    assert found.figures["log_loss"] == pytest.approx(log_loss(churned, scores["churn_risk"]))


def test_spend_forecasts_are_held_against_what_was_spent(trained, scores):
    shop = trained.shop
    found = realised(trained.tracker, later(shop, "2026-01-01"), CLV, definition(trained, CLV))
    labels = label_table(shop.history, MADE, 90).reindex(scores.index, fill_value=0.0)
    spend = labels["spend"]

    assert found.figures["total_forecast"] == pytest.approx(scores["clv"].sum(), rel=1e-9)
    assert found.figures["total_spend"] == pytest.approx(spend.sum())
    inside = (scores["clv_low"] <= spend) & (spend <= scores["clv_high"])
    assert found.figures["coverage"] == pytest.approx(inside.mean())
    bought = labels["ordered"] == 1
    low, high = scores["spend_if_active_low"], scores["spend_if_active_high"]
    inside = ((low <= spend) & (spend <= high))[bought]
    assert found.figures["coverage_if_active"] == pytest.approx(inside.mean())


def definition(trained, name: str):
    scorer = load_scorer(trained.tracker)
    return (scorer.churn if name == CHURN else scorer.clv).definition


def test_a_window_that_is_not_over_is_judged_by_the_curve_so_far(trained, scores):
    past = later(trained.shop, "2025-11-01")
    found = realised(trained.tracker, past, CHURN, definition(trained, CHURN))
    labels = label_table(trained.shop.history, MADE, found.elapsed_days)
    churned = 1 - labels.reindex(scores.index, fill_value=0.0)["ordered"]

    assert 25 <= found.elapsed_days <= 30
    assert found.figures["churn_rate"] == churned.mean()
    assert found.figures["mean_risk"] > scores["churn_risk"].mean()
    if found.elapsed_days == 30:
        assert found.figures["mean_risk"] == pytest.approx(scores["survival_30d"].mean())
    assert f"{found.elapsed_days:g} of its 90 days on: it expected" in found.words()


def test_spend_is_not_judged_before_its_window_is_over(trained):
    past = later(trained.shop, "2025-11-01")
    found = realised(trained.tracker, past, CLV, definition(trained, CLV))

    assert found.figures == {}
    assert found.words().endswith("too early to say.")


def test_nothing_known_at_the_training_or_later_changes_the_forecasts(trained, shop):
    """Orders told late, of before the training, move the outcome of nobody and no forecast."""
    orders = shop.simulated.orders
    late = orders.filter(pl.col("recorded_at") < datetime(2025, 9, 1)).with_columns(
        ("late" + pl.col("order_id")).alias("order_id"),
        pl.lit(datetime(2025, 10, 2)).alias("recorded_at"),
    )
    other = shop.like(orders=pl.concat([orders, late.cast(orders.schema)]))
    terms = definition(trained, CHURN)

    one = realised(trained.tracker, later(shop, "2026-01-01"), CHURN, terms)
    two = realised(trained.tracker, other.upto("2026-01-01").coded(), CHURN, terms)

    assert two == replace(one, figures=pytest.approx(one.figures, rel=1e-9))


def test_the_customers_are_described_with_the_champions_codes(trained, shop):
    """A value that appeared since then moves the codes of this training, not of the champion."""
    customers = shop.simulated.customers
    newer = customers.head(5).with_columns(
        pl.lit("a_new_channel").alias("channel"),
        pl.lit(datetime(2025, 10, 5)).alias("recorded_at"),
    )
    other = shop.like(customers=pl.concat([customers, newer.cast(customers.schema)]))
    past, terms = other.upto("2026-01-01").coded(), definition(trained, CHURN)
    assert past.mapping.categories != terms.categories

    found = realised(trained.tracker, past, CHURN, terms)

    one = realised(trained.tracker, later(shop, "2026-01-01"), CHURN, terms)
    assert found.figures == pytest.approx(one.figures, rel=1e-9)


@pytest.mark.parametrize("as_of", ["2025-09-01", "2025-10-01"])
def test_before_a_day_is_over_there_is_nothing_to_say(trained, as_of):
    terms = definition(trained, CHURN)

    assert realised(trained.tracker, later(trained.shop, as_of), CHURN, terms) is None


def test_a_champion_of_another_lineage_forecast_something_else(trained):
    other = replace(definition(trained, CHURN), horizon_days=60)

    assert realised(trained.tracker, later(trained.shop, "2026-01-01"), CHURN, other) is None


def test_without_a_champion_there_is_nothing_to_hold(tracker, name, fitted, shop):
    terms = fitted[0].scorer.definition

    assert realised(tracker, later(shop, "2026-01-01"), name, terms) is None


def test_a_champion_that_cannot_be_used_is_passed_over(tracker, name, fitted, shop):
    scorer = fitted[0].scorer
    register(tracker, name, scorer)
    assert realised(tracker, later(shop, "2026-01-01"), name, scorer.definition) is not None

    (tracker.folder(tracker.champion(name)) / "model.json").write_text("{}")

    assert realised(tracker, later(shop, "2026-01-01"), name, scorer.definition) is None


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


def test_a_champion_that_needs_a_column_the_history_lacks_has_no_outcome(trained, tracker, name):
    scorer = load_scorer(trained.tracker).churn
    model = copy(scorer.model)
    model.columns_ = [*model.columns_, "profile_age"]
    register(tracker, name, replace(scorer, model=model))

    past = later(trained.shop, "2026-01-01")

    assert realised(tracker, past, name, scorer.definition) is None
