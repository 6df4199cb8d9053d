from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.history import History
from features.simulate import oracle_churn_risk, simulate
from features.table import feature_table
from training.backtest import Backtest
from training.churn import ChurnModel
from training.config import TrainingConfig
from training.errors import TrainingError
from training.evaluation import auc
from training.fitting import definition, fit, fit_churn, resolve
from training.labels import label_table
from training.scoring import Scorer
from training.snapshots import origin_of_rows, stack


def files_of(fitted, place: Path) -> dict[str, bytes]:
    """Everything that would be registered of both models."""
    for name, model in zip(("churn", "clv"), fitted, strict=True):
        model.scorer.save(place / name)
    paths = [path for path in place.rglob("*") if path.is_file()]
    return {str(path.relative_to(place)): path.read_bytes() for path in paths}


def test_fitted_twice_the_models_are_the_same(shop, fitted, tmp_path):
    again = fit(shop.past, shop.as_of, shop.config)

    assert files_of(again, tmp_path / "again") == files_of(fitted, tmp_path / "first")


def test_horizons_left_to_the_data_are_filled_in(shop):
    found = resolve(shop.past, shop.as_of, TrainingConfig(snapshots=3))
    given = resolve(shop.past, shop.as_of, TrainingConfig(horizon_days=60))

    assert found.horizons[0] == found.horizons[1]
    assert found.horizon_days in {60, 90, 120, 180}
    assert found.snapshots == 3
    assert given.horizons == (60, 60)
    assert resolve(shop.past, shop.as_of, replace(given, clv_horizon_days=30)).horizons == (60, 30)


def test_a_definition_holds_the_terms_of_the_history(shop):
    terms = definition(shop.past, 20_362.0, 90)

    assert (terms.horizon_days, terms.currency, terms.timezone) == (90, "EUR", "UTC")
    assert terms.categories == {"channel": ("referral", "search", "social")}
    assert terms.scales["nps"] == (0.0, 10.0)
    assert len(terms.shop) == 16


def test_the_models_are_those_the_backtest_chose(fitted):
    churn, clv = fitted

    assert churn.scorer.model.candidate == churn.backtest.chosen
    assert clv.scorer.model.candidate == clv.backtest.chosen
    assert clv.panel is churn.panel
    assert clv.scorer.model.activity_ is churn.scorer.model


def test_the_level_is_that_of_the_season_to_come(fitted):
    panel = fitted[0].panel
    chosen = Backtest((), "gbdt_level", "log_loss", "")
    config = TrainingConfig(snapshots=3)
    year_after = panel.snapshots[0].as_of + 365.0

    levels = [fit_churn(panel, chosen, at, config).level_ for at in (year_after, year_after + 180)]

    learn, days = stack(panel.snapshots), origin_of_rows(panel.snapshots)
    model = ChurnModel("gbdt_level", snapshots=3).fit(learn.X, learn.churned, days, year_after)
    assert levels[0] == model.level_
    assert levels[1] != levels[0]


def test_another_clv_window_has_its_own_labels_and_activity(shop):
    config = replace(shop.config, clv_horizon_days=30, margin_rate=0.5)
    churn, clv = fit(shop.past, shop.as_of, config)

    assert (churn.panel.horizon_days, clv.panel.horizon_days) == (90, 30)
    assert (churn.scorer.definition.horizon_days, clv.scorer.definition.horizon_days) == (90, 30)
    assert clv.scorer.definition.margin_rate == 0.5
    assert churn.scorer.definition.margin_rate == 1.0
    assert clv.scorer.model.activity_ is not churn.scorer.model


def test_half_the_margin_is_half_the_value(shop, fitted):
    half = fit(shop.past, shop.as_of, replace(shop.config, margin_rate=0.5))[1].scorer
    table = fitted[0].panel.snapshots[-1].X

    ratio = half.predict_frame(table)["clv"] / fitted[1].scorer.predict_frame(table)["clv"]

    assert ratio.to_numpy() == pytest.approx(0.5, rel=1e-6)


def test_a_history_too_short_for_a_backtest_gets_the_simplest_rule_and_every_score_says_so(shop):
    young = shop.history.upto("2024-03-10").coded()

    churn, clv = fit(young, "2024-03-10", replace(shop.config, horizon_days=60))

    assert churn.backtest.judged == ()
    scores = Scorer(churn.scorer, clv.scorer, 1, 1).score(shop.history, "2024-03-10")
    assert scores["churn_model"].unique().tolist() == ["recency_rule"]
    assert clv.scorer.model.candidate == "average"
    assert np.isfinite(scores["clv"]).all()


def test_a_history_that_labels_nothing_is_refused(shop):
    with pytest.raises(TrainingError, match=r"horizon_days must leave 45 days.*at most \d+ days"):
        fit(shop.history.upto("2024-02-01").coded(), "2024-02-01", shop.config)


def test_a_window_in_which_nobody_ordered_is_refused(history_of):
    rows = [(f"c{i}", f"2024-01-{1 + i:02}", 10.0) for i in range(20)]
    last = ("c0", "2024-12-01", 1.0)

    with pytest.raises(TrainingError, match="spend must be positive for some customer"):
        fit(history_of(*rows, last), "2025-01-01", TrainingConfig(horizon_days=30, snapshots=2))


@pytest.mark.parametrize("customers", [12, 40])
def test_a_tiny_shop_is_scored_all_the_same(customers):
    shop = simulate(customers, days=500, seed=4)
    past = History(shop.orders, shop.feedback).upto("2026-01-01").coded()

    churn, clv = fit(past, "2026-01-01", TrainingConfig(horizon_days=60, snapshots=2, origins=2))

    scores = Scorer(churn.scorer, clv.scorer, 1, 1).score(past, "2026-01-01")
    assert scores["churn_risk"].between(0, 1).all()
    assert np.isfinite(scores["clv"]).all()


def test_the_forecast_comes_close_to_what_the_shops_truth_allows(shop, scorer, capsys):
    """(AUC - .5) / (oracle AUC - .5): of what can be known, the share that is found out."""
    scores = scorer.score(shop.history, shop.as_of).set_index("customer_id")
    labels = label_table(shop.history, shop.as_of, 90).reindex(scores.index, fill_value=0.0)
    truth = oracle_churn_risk(shop.simulated, shop.as_of, 90).loc[scores.index]
    churned = 1.0 - labels["ordered"]

    ours, best = auc(churned, scores["churn_risk"]), auc(churned, truth)

    share = (ours - 0.5) / (best - 0.5)
    with capsys.disabled():
        print(
            f" AUC {ours:.3f}, the oracle's {best:.3f}: {share:.0%} of what can be known ", end=""
        )
    assert share > 0.7


def test_the_forecast_beats_the_rules_on_later_customers(shop, fitted):
    table = feature_table(shop.past, shop.as_of, 90)
    labels = label_table(shop.history, shop.as_of, 90).reindex(table.index, fill_value=0.0)
    churned = 1.0 - labels["ordered"]
    recency = table["days_since_last_order"].rank(pct=True)

    risk = fitted[0].scorer.predict_frame(table)["churn_risk"]

    assert auc(churned, risk) > auc(churned, recency)
