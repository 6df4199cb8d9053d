import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from features.history import History
from features.mapping import Mapping
from features.table import feature_table
from training.churn import ChurnModel
from training.clv import CLVModel
from training.errors import TrainingError
from training.fitting import fit
from training.reasons import REASONS
from training.scoring import (
    COLUMNS,
    STAGES,
    ChurnScorer,
    CLVScorer,
    Reference,
    Scorer,
    load_model,
    stages,
)
from training.snapshots import Snapshot, stack


@pytest.fixture(scope="module")
def scores(shop, scorer) -> pd.DataFrame:
    return scorer.score(shop.history, shop.as_of).set_index("customer_id")


@pytest.fixture(scope="module", params=[30, 180])
def other_window(request, shop) -> pd.DataFrame:
    """Scores whose CLV window is shorter or longer than the horizon."""
    config = replace(shop.config, clv_horizon_days=request.param)
    churn, clv = fit(shop.past, shop.as_of, config)
    return Scorer(churn.scorer, clv.scorer, 1, 1).score(shop.history, shop.as_of)


@pytest.fixture(scope="module")
def table(shop, scorer) -> pd.DataFrame:
    coded = shop.history.with_categories(scorer.churn.definition.categories)
    return feature_table(coded, shop.as_of, 90)


@pytest.fixture(scope="module")
def learn(fitted) -> Snapshot:
    return stack(fitted[0].panel.snapshots)


def test_every_customer_of_the_population_has_one_row_with_all_columns(shop, scorer, table):
    scores = scorer.score(shop.history, shop.as_of)

    assert tuple(scores) == COLUMNS
    assert sorted(scores["customer_id"]) == table.index.tolist()
    assert (scores["as_of"] == pd.Timestamp(shop.as_of)).all()
    assert scores["horizon_days"].unique().tolist() == [90]
    assert scores["churn_model"].unique().tolist() == [scorer.churn.model.candidate]


def test_probabilities_are_within_0_and_1_and_money_is_finite_and_not_negative(scores):
    assert scores["churn_risk"].between(0, 1).all()
    for money in ("clv", "clv_if_active", "value_at_risk"):
        assert np.isfinite(scores[money]).all()
        assert (scores[money] >= 0).all()


def test_at_equal_horizons_clv_is_the_chance_to_stay_times_the_spend_if_active(
    shop, scorer, learn, scores
):
    """Even where the CLV version was trained with another activity model."""
    activity = ChurnModel("recency_rule").fit(learn.X, learn.churned)
    other = CLVModel("average", activity).fit(learn.X, learn.spend, learn.churned)
    mixed = Scorer(scorer.churn, replace(scorer.clv, model=other), 1, 2)

    for table in (scores, mixed.score(shop.history, shop.as_of)):
        expected = (1 - table["churn_risk"]) * table["clv_if_active"]
        assert table["clv"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-12)


def test_value_at_risk_is_the_risk_times_the_spend_if_active(scores, other_window):
    for table in (scores, other_window):
        expected = table["churn_risk"] * table["clv_if_active"]
        assert table["value_at_risk"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-12)


def test_an_order_is_no_less_likely_in_a_longer_window_and_no_more_in_a_shorter(other_window):
    active = other_window["clv"] / other_window["clv_if_active"]
    stays = 1 - other_window["churn_risk"]

    if other_window["clv_horizon_days"].iloc[0] > 90:
        assert (active >= stays - 1e-12).all()
    else:
        assert (active <= stays + 1e-12).all()
    assert active.between(0, 1 + 1e-12).all()


def test_the_most_valuable_at_risk_come_first(scores):
    assert scores["value_at_risk"].is_monotonic_decreasing


def test_scores_are_those_of_the_models_on_the_feature_table(scores, scorer, table):
    risk = scorer.churn.model.predict_proba(table)[:, 1]

    assert scores.loc[table.index, "churn_risk"].to_numpy() == pytest.approx(risk, abs=1e-12)
    if_active = scorer.clv.model.predict_if_active(table)
    assert scores.loc[table.index, "clv_if_active"].to_numpy() == pytest.approx(if_active)


@pytest.mark.parametrize(
    ("since", "purchase_days", "risk", "stage"),
    [
        (90.0, 1.0, 0.1, "lapsed"),
        (90.0, 5.0, 0.9, "lapsed"),
        (89.9, 1.0, 0.9, "new"),
        (10.0, 1.0, 0.1, "new"),
        (10.0, 2.0, 0.4, "at_risk"),
        (10.0, 2.0, 0.39, "active"),
    ],
)
def test_a_stage_is_told_by_silence_then_purchase_days_then_risk(since, purchase_days, risk, stage):
    table = pd.DataFrame(
        {
            "days_since_last_order": [since],
            "purchase_days": [purchase_days],
            "horizon_days": [90.0],
        }
    )

    assert stages(table, np.array([risk]), 0.4).tolist() == [stage]


def test_percentiles_rank_in_the_population_and_within_the_stage(scores):
    assert scores["risk_percentile"].max() == 100
    riskiest = scores["churn_risk"].idxmax()
    assert scores.loc[riskiest, "risk_percentile"] == 100
    share_below = (scores["churn_risk"] <= scores["churn_risk"].iloc[0]).mean()
    assert scores["risk_percentile"].iloc[0] == pytest.approx(100 * share_below)
    for _, group in scores.groupby("stage"):
        assert group["stage_percentile"].max() == 100
        assert group["stage_percentile"].min() == pytest.approx(
            100 * (group["churn_risk"] == group["churn_risk"].min()).mean()
        )


def test_customers_scored_alone_get_the_batchs_numbers(shop, scorer, scores):
    few = [scores.index[0], *scores.index[-3:]]

    alone = scorer.score_inline(shop.history.of_customers(few), shop.as_of).set_index("customer_id")

    exact = ["churn_risk", "clv", "clv_if_active", "value_at_risk", "days_since_last_order"]
    pd.testing.assert_frame_equal(alone[exact], scores.loc[alone.index, exact], rtol=1e-9)
    same = ["stage", "as_of", *REASONS]
    assert alone[same].equals(scores.loc[alone.index, same])


def test_percentiles_of_customers_scored_alone_come_from_the_grid(shop, scorer, scores):
    alone = scorer.score_inline(shop.history, shop.as_of).set_index("customer_id")

    for percentile in ("risk_percentile", "stage_percentile"):
        off = (alone[percentile] - scores.loc[alone.index, percentile]).abs()
        sizes = scores.groupby("stage")["stage"].transform("size") if "stage" in percentile else 700
        assert (off <= 0.5 + 100 / pd.Series(sizes, index=scores.index)).all()


def test_the_grid_tells_the_share_with_at_most_this_risk():
    reference = Reference(0.5, {"all": tuple(np.linspace(0.2, 0.6, 401))}, {})

    found = reference.percentile(np.array([0.1, 0.2, 0.3, 0.6, 0.9]), "all")

    assert found == pytest.approx([0, 0, 25, 100, 100])
    assert np.isnan(reference.percentile(np.array([0.3]), "lapsed")).all()


def test_of_many_equal_risks_the_grid_counts_them_all(scorer, table):
    grid = (0.1,) * 100 + (0.5,) * 301

    found = Reference(0.5, {"all": grid}, {}).percentile(np.array([0.1, 0.5]), "all")

    assert found == pytest.approx([100 * 99 / 400, 100])


def test_nobody_to_score_is_an_error_in_a_batch_and_no_row_alone(shop, scorer):
    with pytest.raises(TrainingError, match="no customer has an order before as_of"):
        scorer.score(shop.history, shop.simulated.starts_at)

    alone = scorer.score_inline(shop.history, shop.simulated.starts_at)
    assert tuple(alone) == COLUMNS
    assert alone.empty


def test_reasons_are_given_to_the_most_valuable_only(shop, scorer):
    scores = scorer.score(shop.history, shop.as_of, reasons_for=20)

    assert scores["reason_1"].notna()[:20].mean() > 0.8
    assert scores.loc[20:, list(REASONS)].isna().all(axis=None)


@pytest.mark.parametrize("reasons_for", [0, 5])
def test_scores_are_written_and_read_back_with_their_types(shop, scorer, tmp_path, reasons_for):
    scores = scorer.score(shop.history, shop.as_of, reasons_for)
    scores.to_parquet(tmp_path / "scores.parquet")
    text = scores.to_csv(index=False)

    read = pd.read_parquet(tmp_path / "scores.parquet")

    assert [str(dtype) for dtype in scores[list(REASONS)].dtypes] == ["string"] * 3
    pd.testing.assert_frame_equal(read, scores, check_dtype=False)
    assert str(read["reason_1"].dtype) in {"string", "str"}
    assert len(pd.read_csv(io.StringIO(text))) == len(scores)


def test_a_reason_is_what_lies_above_the_usual_of_the_customers_like(scorer, table):
    some = table.head(50)
    added = scorer.churn.model.contributions(some)
    live = some["days_since_last_order"] < 90
    usual = scorer.churn.reference.usual
    over_live, over_lapsed = added - pd.Series(usual["live"]), added - pd.Series(usual["lapsed"])
    above = over_live.where(live, over_lapsed)

    reasons = scorer.churn.reasons(some)

    silent = (above <= 0).all(axis=1)
    assert reasons[silent].isna().all(axis=None)
    assert reasons["reason_1"].notna().mean() > 0.8


def test_contributions_add_up_to_the_logit_but_for_a_constant(scorer, table):
    risk = scorer.churn.predict_frame(table)["churn_risk"]

    constant = logit(risk) - scorer.churn.model.contributions(table).sum(axis=1)

    assert np.ptp(constant) < 1e-9


def test_the_usual_is_the_mean_contribution_at_training(shop, scorer, table):
    live = table["days_since_last_order"] < 90
    means = scorer.churn.model.contributions(table)[live].mean()

    assert scorer.churn.reference.usual["live"] == pytest.approx(means.to_dict(), abs=1e-12)


def test_a_loaded_scorer_gives_the_same_scores(shop, scorer, table, tmp_path):
    scorer.churn.save(tmp_path / "churn")
    scorer.clv.save(tmp_path / "clv")

    churn, clv = load_model(tmp_path / "churn"), load_model(tmp_path / "clv")

    assert isinstance(churn, ChurnScorer)
    assert isinstance(clv, CLVScorer)
    assert churn.definition == scorer.churn.definition
    assert churn.reference == scorer.churn.reference
    again = Scorer(churn, clv, 1, 1).score(shop.history, shop.as_of)
    pd.testing.assert_frame_equal(again, scorer.score(shop.history, shop.as_of), rtol=1e-12)


def test_a_folder_of_an_unknown_format_is_refused(scorer, tmp_path):
    scorer.churn.save(tmp_path)
    path = tmp_path / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 2}))

    with pytest.raises(TrainingError, match="format version 2"):
        load_model(tmp_path)


@pytest.mark.parametrize("part", ["churn", "clv"])
def test_a_table_for_another_horizon_or_without_columns_is_refused(scorer, table, part):
    model = getattr(scorer, part)

    with pytest.raises(TrainingError, match=r"must be for horizon_days = 90; got \[30\.0\]"):
        model.predict_frame(table.assign(horizon_days=30.0))
    with pytest.raises(TrainingError, match=r"\['aov', 'profile_channel'\] are missing"):
        model.predict_frame(table.drop(columns=["aov", "profile_channel"]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"currency": "GBP"}, "must be in EUR, as the model is; got GBP"),
        (
            {"scales": {"nps": (1.0, 5.0)}},
            r"scales of feedback must be .*'nps': \(0\.0, 10\.0\).*; got .*'nps': \(1\.0, 5\.0\)",
        ),
        ({"timezone": "Asia/Tokyo"}, "timezone must be UTC, as the model's; got Asia/Tokyo"),
    ],
)
def test_a_history_on_other_terms_is_refused(shop, scorer, settings, message):
    other = History(shop.simulated.orders, mapping=Mapping(**settings))

    with pytest.raises(TrainingError, match=message):
        scorer.score(other, shop.as_of)


def test_the_models_keep_their_own_codes_of_categories(shop, scorer, learn, scores):
    """A version whose codes are others must not be read with those of its companion."""
    categories = {"channel": ("a_new_channel", *scorer.clv.definition.categories["channel"])}
    shifted = learn.X.assign(profile_channel=learn.X["profile_channel"] + 1)
    by_channel = 10.0 ** learn.X["profile_channel"]
    model = CLVModel("gbdt", scorer.churn.model).fit(shifted, by_channel, learn.churned)
    terms = replace(scorer.clv.definition, categories=categories)
    mixed = Scorer(scorer.churn, CLVScorer(model, terms), 1, 2)

    found = mixed.score(shop.history, shop.as_of).set_index("customer_id")

    own = feature_table(shop.history.with_categories(categories), shop.as_of, 90)
    expected = pd.Series(model.predict_if_active(own), own.index)
    assert found["clv_if_active"].to_numpy() == pytest.approx(expected.loc[found.index].to_numpy())
    assert found["churn_risk"].equals(scores.loc[found.index, "churn_risk"])


def test_all_stages_occur_in_the_simulated_shop(scores):
    assert set(scores["stage"]) == set(STAGES)
