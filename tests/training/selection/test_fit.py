from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from features.clock import as_day
from features.history.history import History, Past
from features.table import feature_table
from simulation import oracle_churn_risk, simulate
from training.btyd.population import PopulationModel
from training.config import TrainingConfig
from training.errors import TrainingError
from training.evaluation import auc
from training.models.churn import ChurnModel
from training.models.clv import CLVModel
from training.panel.labels import label_table
from training.panel.snapshot import ForecastOrigin
from training.panel.training_sets import origin_at
from training.scoring.definition import Definition
from training.scoring.scorer import Scorer
from training.selection.fit import FittedModel, fit
from training.selection.judge import judge


def judged_and_fit(past: Past, config: TrainingConfig) -> tuple[FittedModel, FittedModel]:
    return fit(past, judge(past, config), config)


def files_of(fitted, place: Path) -> dict[str, bytes]:
    """Everything that would be registered of both models."""
    for name, model in zip(("churn", "clv"), fitted, strict=True):
        model.scorer.save(place / name)
    paths = [path for path in place.rglob("*") if path.is_file()]
    return {str(path.relative_to(place)): path.read_bytes() for path in paths}


def test_fitted_twice_the_models_are_the_same(shop, fitted, tmp_path):
    again = judged_and_fit(shop.past, shop.config)

    assert files_of(again, tmp_path / "again") == files_of(fitted, tmp_path / "first")


def test_a_definition_holds_the_terms_of_the_history(shop):
    terms = Definition.of(shop.past, 90)

    assert (terms.horizon_days, terms.table_horizon_days) == (90, 90)
    assert (terms.currency, terms.timezone) == ("EUR", "UTC")
    assert terms.categories == {"channel": ("referral", "search", "social")}
    assert terms.scales["nps"] == (0.0, 10.0)
    assert len(terms.shop) == 16


def test_the_models_are_those_the_backtest_chose(fitted):
    churn, clv = fitted

    assert churn.scorer.model.candidate == churn.backtest.chosen
    assert clv.scorer.model.candidate == clv.backtest.chosen
    assert clv.panel is churn.panel
    assert clv.scorer.model.activity_ is churn.scorer.model


def test_the_churn_model_is_fitted_on_the_latest_snapshots_to_start_from_the_population(
    shop, fitted
):
    panel, model = fitted[0].panel, fitted[0].scorer.model
    population = feature_table(shop.past, shop.as_of, 90)
    at = as_day(shop.as_of)
    pace = panel.seasonal_level().forecast(at, 90)
    origin = ForecastOrigin(at, population, PopulationModel.of(population).at_pace(pace, 90))

    expected = ChurnModel(model.candidate).learn([panel.training_set(3)], origin)

    assert model.btyd_ == expected.btyd_
    found = fitted[0].scorer.predict_frame(population)["churn_risk"]
    assert found.to_numpy() == pytest.approx(expected.predict_proba(population)[:, 1], abs=1e-12)


def test_the_level_is_that_of_the_season_to_come(shop, fitted):
    panel = fitted[0].panel
    year_after = panel.snapshots[0].as_of + 365.0
    level = panel.seasonal_level()

    one, other = (level.forecast(at, 90) for at in (year_after, year_after + 180))

    assert one != pytest.approx(other, abs=0.01)


@pytest.fixture(scope="module")
def month(shop):
    """Of customers' value in the next month, at half the margin."""
    return judged_and_fit(shop.past, replace(shop.config, clv_horizon_days=30, margin_rate=0.5))


def test_another_clv_window_has_its_own_labels_of_the_same_table(month):
    churn, clv = month

    assert (churn.panel.horizon_days, clv.panel.horizon_days) == (90, 90)
    assert (churn.panel.window_days, clv.panel.window_days) == (90, 30)
    assert (churn.backtest.window_days, clv.backtest.window_days) == (90, 30)
    assert clv.scorer.model.activity_ is churn.scorer.model


def test_a_definition_tells_the_window_and_the_table(month):
    churn, clv = (part.scorer.definition for part in month)

    assert (churn.horizon_days, clv.horizon_days) == (90, 30)
    assert (churn.table_horizon_days, clv.table_horizon_days) == (90, 90)
    assert (churn.margin_rate, clv.margin_rate) == (1.0, 0.5)


def test_its_value_is_judged_by_the_chance_of_an_order_in_that_window(month):
    churn, clv = month
    judged = clv.backtest.of("average")[-1]

    known = clv.panel.known_at(judged.judge.as_of)
    model = CLVModel("average", value=clv.panel.value)
    everybody = next(s for s in clv.panel.snapshots if s.as_of == judged.judge.as_of)
    model.learn(known.training_set(len(known.snapshots)), origin_at(known, everybody))
    active = judged.forecast / model.predict_if_active(judged.judge.X)

    assert ((active > 0) & (active < 1)).all()
    # As many as did order, give or take a third.
    assert active.mean() == pytest.approx((judged.judge.churned == 0).mean(), rel=0.33)
    ordered = 1 - churn.backtest.of("pool")[-1].forecast
    assert active.mean() < ordered.mean()


def test_half_the_margin_is_half_the_value(shop, fitted):
    half = judged_and_fit(shop.past, replace(shop.config, margin_rate=0.5))[1].scorer
    table = fitted[0].panel.snapshots[-1].X

    ratio = half.predict_frame(table)["clv"] / fitted[1].scorer.predict_frame(table)["clv"]

    assert ratio.to_numpy() == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize(
    ("horizons", "windows", "churn_says", "clv_window"),
    [
        ((90, 365), (90,), "trees on outcomes over 90 days", 365),
        ((365, 365), (365, 182), "over 365 and 182 days", 365),
        ((730, 730), (365, 182), "carried over to 730 days by MBG/NBD", 365),
        ((90, 730), (90,), "trees on outcomes over 90 days", 365),
    ],
)
def test_horizons_beyond_what_is_labelled_are_reached_and_said(
    shop, horizons, windows, churn_says, clv_window
):
    horizon, clv_horizon = horizons
    config = replace(shop.config, horizon_days=horizon, clv_horizon_days=clv_horizon)

    churn, clv = judged_and_fit(shop.past, config)

    model = churn.scorer.model
    assert model.horizon_ == horizon
    assert churn_says in model.basis()
    assert model.fitted_.carry.windows == windows
    assert (clv.panel.window_days, clv.scorer.model.horizon_) == (clv_window, clv_horizon)
    scores = Scorer(churn.scorer, clv.scorer, 1, 1).score(shop.history, shop.as_of)
    assert scores["basis"].unique().tolist() == [model.basis()]
    assert np.isfinite(scores[["churn_risk", "clv", "clv_high", "expected_orders"]]).all(axis=None)
    if horizon == 730:
        assert (scores["churn_risk"] <= scores["survival_365d"] + 1e-12).all()
    assert scores["clv_horizon_days"].unique().tolist() == [clv_horizon]


def test_a_history_too_short_for_a_backtest_is_forecast_by_what_it_carries_and_every_score_says_so(
    shop,
):
    young = shop.history.upto("2024-03-10").coded()

    config = replace(shop.config, horizon_days=120, clv_horizon_days=120)
    churn, clv = judged_and_fit(young, config)

    assert churn.backtest.judged == ()
    scores = Scorer(churn.scorer, clv.scorer, 1, 1).score(shop.history, "2024-03-10")
    assert scores["churn_model"].unique().tolist() == ["btyd"]
    (basis,) = scores["basis"].unique()
    assert basis.startswith("MBG/NBD, pace of the season")
    assert "; not enough for a pool with boosted trees (" in basis
    assert clv.scorer.model.candidate == "regression"
    assert np.isfinite(scores["clv"]).all()


def test_a_history_that_labels_nothing_is_refused(shop):
    past = shop.history.upto("2023-11-10").coded()

    with pytest.raises(TrainingError, match=r"horizon_days must leave 45 days.*got 90 in"):
        judged_and_fit(past, shop.config)


def test_a_shop_to_which_nobody_ever_came_back_is_forecast_by_mbg_nbd(history_of):
    rows = [(f"c{i}", f"2024-01-{1 + i:02}", 10.0) for i in range(20)]
    history = history_of(*rows, ("late", "2024-12-01", 1.0))

    config = TrainingConfig(horizon_days=30, snapshots=2)
    churn, clv = judged_and_fit(history.upto("2025-01-01"), config)

    scores = Scorer(churn.scorer, clv.scorer, 1, 1).score(history, "2025-01-01")
    assert scores["churn_risk"].between(0.5, 1).all()
    assert np.isfinite(scores[["clv", "clv_high", "clv_if_active"]]).all().all()


@pytest.mark.parametrize("customers", [12, 40])
def test_a_tiny_shop_is_scored_all_the_same(customers):
    shop = simulate(customers, days=500, seed=4)
    past = History(shop.orders, shop.feedback).upto("2026-01-01").coded()

    config = TrainingConfig(horizon_days=60, snapshots=2, origins=2)
    churn, clv = judged_and_fit(past, config)

    scores = Scorer(churn.scorer, clv.scorer, 1, 1).score(past, "2026-01-01")
    assert scores["churn_risk"].between(0, 1).all()
    assert np.isfinite(scores["clv"]).all()


def test_the_forecast_comes_close_to_what_the_shops_truth_allows(shop, scorer, capsys):
    """(AUC - .5) / (oracle AUC - .5): of what can be known, the share that is found out."""
    scores = scorer.score(shop.history, shop.as_of).set_index("customer_id")
    churned = label_table(shop.history, shop.as_of, 90).loc[scores.index, "churned"]
    truth = oracle_churn_risk(shop.simulated, shop.as_of, 90).loc[scores.index]

    ours, best = auc(churned, scores["churn_risk"]), auc(churned, truth)

    share = (ours - 0.5) / (best - 0.5)
    with capsys.disabled():
        print(
            f" AUC {ours:.3f}, the oracle's {best:.3f}: {share:.0%} of what can be known ", end=""
        )
    assert share > 0.7


def test_the_forecast_beats_the_rules_on_later_customers(shop, fitted):
    table = feature_table(shop.past, shop.as_of, 90)
    churned = label_table(shop.history, shop.as_of, 90)["churned"]
    recency = table["days_since_last_order"].rank(pct=True)

    risk = fitted[0].scorer.predict_frame(table)["churn_risk"]

    assert auc(churned, risk) > auc(churned, recency)


CANCELLED_AT = datetime(2025, 6, 9, 9, 27)


def with_order(shop, amount: float, cancelled: bool) -> History:
    """One more order of one customer, taken back twelve minutes later or not at all."""
    orders = shop.simulated.orders
    minutes = timedelta(minutes=12)
    order = orders.slice(5, 1).with_columns(
        *(pl.lit(CANCELLED_AT - minutes).alias(at) for at in ("ordered_at", "recorded_at")),
        order_id=pl.lit("o99999999"),
        amount=pl.lit(amount),
    )
    back = order.with_columns(
        *(pl.lit(CANCELLED_AT).alias(at) for at in ("ordered_at", "recorded_at")),
        amount=-pl.col("amount"),
    )
    rows = [order, back] if cancelled else [order]
    return shop.like(orders=pl.concat([orders, *(r.cast(dict(orders.schema)) for r in rows)]))


def moved(shop, fitted, history: History) -> pd.Series:
    """How much `clv_if_active` of all other customers changes, as a share."""
    who = shop.simulated.orders["customer_id"][5]
    models = judged_and_fit(history.upto(shop.as_of).coded(), shop.config)
    own, other = (
        Scorer(pair[0].scorer, pair[1].scorer, 1, 1)
        .score(h, shop.as_of, reasons_for=0)
        .set_index("customer_id")["clv_if_active"]
        .drop(who)
        for pair, h in ((fitted, shop.history), (models, history))
    )
    return (other / own.loc[other.index] - 1).abs()


HUGE = 168_469.60


@pytest.mark.parametrize(("cancelled", "median", "most"), [(True, 0.02, 0.10), (False, 0.2, 0.4)])
def test_a_huge_order_does_not_bend_the_forecast_of_the_others(
    shop, fitted, cancelled, median, most
):
    change = moved(shop, fitted, with_order(shop, HUGE, cancelled))

    assert change.median() < median
    assert change.max() < most
