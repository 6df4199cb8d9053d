import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.history.history import History
from features.intake.mapping import Mapping
from features.table import feature_table
from training.errors import TrainingError
from training.models.churn import ChurnModel
from training.models.clv import CLVModel
from training.panel.snapshot import TrainingSet, latest
from training.scoring.columns import COLUMNS, REASONS, STAGES, SURVIVAL, SURVIVAL_DAYS
from training.scoring.model_scorers import ChurnScorer, CLVScorer, load_model
from training.scoring.reference import Reference, stages
from training.scoring.scorer import Scorer
from training.selection.fit import FittedModel, fit
from training.selection.judge import judge


@pytest.fixture(scope="module")
def scores(shop, scorer) -> pd.DataFrame:
    return scorer.score(shop.history, shop.as_of).set_index("customer_id")


HORIZONS = [(90, 90), (75, 75), (120, 45), (90, 180)]


@pytest.fixture(scope="module", params=HORIZONS, ids=str)
def models(request, shop, fitted) -> tuple[FittedModel, FittedModel]:
    """Of churn and CLV windows on the grid of survival and off it, alike and not."""
    horizon, clv_horizon = request.param
    if request.param == (90, 90):
        return fitted
    config = replace(shop.config, horizon_days=horizon, clv_horizon_days=clv_horizon)
    return fit(shop.past, judge(shop.past, config), config)


@pytest.fixture(scope="module")
def any_scorer(models) -> Scorer:
    return Scorer(models[0].scorer, models[1].scorer, 1, 1)


@pytest.fixture(scope="module")
def any_scores(shop, any_scorer) -> pd.DataFrame:
    return any_scorer.score(shop.history, shop.as_of).set_index("customer_id")


@pytest.fixture(scope="module")
def table(shop, scorer) -> pd.DataFrame:
    coded = shop.history.with_categories(scorer.churn.definition.categories)
    return feature_table(coded, shop.as_of, 90)


@pytest.fixture(scope="module")
def training_set(fitted) -> TrainingSet:
    return fitted[0].panel.training_set(3)


def test_every_customer_of_the_population_has_one_row_with_all_columns(shop, scorer, table):
    scores = scorer.score(shop.history, shop.as_of)

    assert tuple(scores) == COLUMNS
    assert sorted(scores["customer_id"]) == table.index.tolist()
    assert (scores["as_of"] == pd.Timestamp(shop.as_of)).all()
    assert scores["horizon_days"].unique().tolist() == [90]
    assert scores["churn_model"].unique().tolist() == [scorer.churn.model.candidate]


PROBABILITIES = ("churn_risk", "p_alive", "p_active", *SURVIVAL)
MONEY = (
    "clv", "clv_low", "clv_high", "clv_if_active", "order_value", "spend_if_active_low",
    "spend_if_active_high", "value_at_stake", "value_at_risk", "win_back_value",
)  # fmt: skip


def close(one: pd.Series, other: pd.Series) -> None:
    assert one.to_numpy() == pytest.approx(other.to_numpy(), rel=1e-9)


def test_probabilities_are_within_0_and_1_and_money_is_finite_and_not_negative(any_scores):
    for probability in PROBABILITIES:
        assert any_scores[probability].between(0, 1).all()
    for money in MONEY:
        known = any_scores[money].dropna()
        assert len(known) == len(any_scores) or money in {"value_at_risk", "win_back_value"}
        assert (np.isfinite(known) & (known >= 0)).all()


def test_nobody_orders_who_is_not_alive(any_scores):
    assert (any_scores["p_alive"] >= 1 - any_scores["churn_risk"] - 1e-12).all()
    assert (any_scores["p_alive"] >= any_scores["p_active"] - 1e-12).all()
    for survival in SURVIVAL:
        assert (any_scores["p_alive"] >= 1 - any_scores[survival] - 1e-12).all()


def test_survival_falls_and_is_the_churn_risk_at_the_horizon(any_scores, any_scorer, shop):
    horizon = any_scorer.churn.definition.horizon_days
    falling = any_scores[[*SURVIVAL]].to_numpy()
    assert (np.diff(falling, axis=1) <= 1e-12).all()

    for days, survival in zip(SURVIVAL_DAYS, SURVIVAL, strict=True):
        gap = any_scores["churn_risk"] - any_scores[survival]
        if days == horizon:
            assert gap.abs().max() < 1e-12
        else:
            assert (np.sign(days - horizon) * gap >= -1e-12).all()
            assert gap.abs().max() > 0.01


def test_the_curve_behind_it_is_the_churn_risk_at_any_horizon(any_scores, any_scorer, shop):
    coded = shop.history.with_categories(any_scorer.churn.definition.categories)
    horizon = any_scorer.churn.definition.horizon_days
    table = feature_table(coded, shop.as_of, horizon)

    curve = any_scorer.churn.model.curve(table)

    close(any_scores.loc[table.index, "churn_risk"], pd.Series(curve.no_order(horizon)))
    clv_horizon = any_scorer.clv.definition.horizon_days
    close(any_scores.loc[table.index, "p_active"], pd.Series(1 - curve.no_order(clv_horizon)))


def test_the_parts_multiply_to_clv(any_scores):
    close(any_scores["clv"], any_scores["p_active"] * any_scores["clv_if_active"])
    orders = any_scores["p_active"] * any_scores["orders_if_active"]
    close(any_scores["expected_orders"], orders)
    close(any_scores["clv"], orders * any_scores["order_value"])


def test_whoever_orders_has_at_least_one_purchase_day(any_scores):
    assert (any_scores["orders_if_active"] >= 1).all()
    assert (any_scores["expected_orders"] >= any_scores["p_active"]).all()


def test_intervals_have_their_ends_in_order(any_scores):
    for low, high in (("clv_low", "clv_high"), ("spend_if_active_low", "spend_if_active_high")):
        assert (any_scores[low] <= any_scores[high]).all()
        assert (any_scores[low] < any_scores[high]).any()
    assert (any_scores["clv_low"] <= any_scores["spend_if_active_low"] + 1e-9).all()
    assert (any_scores["clv_high"] <= any_scores["spend_if_active_high"] + 1e-9).all()


def test_where_no_order_is_nearly_certain_the_interval_is_nothing(any_scores):
    gone = any_scores["p_active"] < 0.1

    assert gone.any()
    assert (any_scores.loc[gone, ["clv_low", "clv_high"]] == 0).all(axis=None)
    assert (any_scores.loc[any_scores["p_active"] < 0.9, "clv_low"] == 0).all()


def test_at_equal_horizons_clv_is_the_chance_to_stay_times_the_spend_if_active(
    shop, scorer, training_set, scores
):
    """Even where the CLV version was trained with another activity model."""
    origin = latest(training_set.snapshots)
    activity = ChurnModel("recency_rule").learn([training_set], origin)
    other = CLVModel("average").learn(training_set, origin, activity)
    mixed = Scorer(scorer.churn, replace(scorer.clv, model=other), 1, 2)

    for table in (scores, mixed.score(shop.history, shop.as_of)):
        close(table["p_active"], 1 - table["churn_risk"])
        close(table["clv"], (1 - table["churn_risk"]) * table["clv_if_active"])
        assert (table["expected_orders"] >= 1 - table["churn_risk"] - 1e-12).all()


def test_value_at_stake_is_the_risk_times_the_spend_if_active(any_scores):
    close(any_scores["value_at_stake"], any_scores["churn_risk"] * any_scores["clv_if_active"])


def test_it_is_at_risk_with_the_live_and_to_be_won_back_from_the_lapsed(any_scores):
    lapsed = any_scores["stage"] == "lapsed"

    assert any_scores["value_at_risk"].isna().tolist() == lapsed.tolist()
    assert any_scores["win_back_value"].isna().tolist() == (~lapsed).tolist()
    either = any_scores["value_at_risk"].fillna(any_scores["win_back_value"])
    close(either, any_scores["value_at_stake"])


def test_an_order_is_no_less_likely_in_a_longer_window_and_no_more_in_a_shorter(any_scores):
    longer = any_scores["clv_horizon_days"].iloc[0] - any_scores["horizon_days"].iloc[0]
    more = any_scores["p_active"] - (1 - any_scores["churn_risk"])

    if longer == 0:
        assert more.abs().max() < 1e-12
    else:
        assert (np.sign(longer) * more >= -1e-12).all()
        assert more.abs().max() > 0.01


def test_the_next_order_is_expected_by_the_day_it_is_as_likely_as_not(any_scores, any_scorer, shop):
    limit = any_scorer.clv.definition.horizon_days
    coded = shop.history.with_categories(any_scorer.churn.definition.categories)
    table = feature_table(coded, shop.as_of, any_scorer.churn.definition.horizon_days)
    curve = any_scorer.churn.model.curve(table)
    days = (any_scores["expected_next_order"] - pd.Timestamp(shop.as_of)).dt.days[table.index]
    comes = days.notna().to_numpy()

    assert np.array_equal(comes, curve.no_order(limit) <= 0.5)
    assert 0 < comes.sum() < len(comes)
    within = days.fillna(0.0).to_numpy()
    assert (curve.no_order(within)[comes] >= 0.5).all()
    assert (curve.no_order(within + 1.0)[comes] <= 0.5).all()
    assert days.between(0, limit)[comes].all()


def test_what_a_score_rests_on_is_said(any_scores, any_scorer):
    assert any_scores["basis"].unique().tolist() == [any_scorer.churn.model.basis()]
    assert any_scores["basis"].str.contains("MBG/NBD").all()


def test_live_customers_come_first_and_those_with_most_at_stake_before_others(scores):
    lapsed = scores["stage"] == "lapsed"

    assert lapsed.is_monotonic_increasing and 0 < lapsed.sum() < len(lapsed)
    assert scores.loc[~lapsed, "value_at_risk"].is_monotonic_decreasing
    assert scores.loc[lapsed, "win_back_value"].is_monotonic_decreasing


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


def test_customers_scored_alone_get_the_batchs_numbers(shop, any_scorer, any_scores):
    few = [any_scores.index[0], *any_scores.index[-3:]]
    own = {"risk_percentile", "stage_percentile", "customer_id"}
    columns = [column for column in COLUMNS if column not in own]

    alone = any_scorer.score_inline(shop.history.of_customers(few).upto(shop.as_of))

    found = alone.set_index("customer_id")[columns]
    assert set(found.index) == set(few)
    pd.testing.assert_frame_equal(found, any_scores.loc[found.index, columns], rtol=1e-9)


def test_a_model_folder_by_itself_gives_the_batchs_numbers(shop, any_scorer, any_scores, tmp_path):
    """As MLflow's pyfunc reads it: the CLV model has only its own copy of the churn model."""
    coded = shop.history.with_categories(any_scorer.churn.definition.categories)
    table = feature_table(coded, shop.as_of, any_scorer.churn.definition.horizon_days)

    for name, model in (("churn", any_scorer.churn), ("clv", any_scorer.clv)):
        model.save(tmp_path / name)
        found = load_model(tmp_path / name).predict_frame(table)
        columns = found.columns.drop("risk_percentile", errors="ignore")
        batch = any_scores.loc[table.index, columns]
        pd.testing.assert_frame_equal(found[columns], batch, rtol=1e-9, atol=1e-12)


def test_percentiles_of_customers_scored_alone_come_from_the_grid(shop, scorer, scores):
    alone = scorer.score_inline(shop.history.upto(shop.as_of)).set_index("customer_id")

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

    alone = scorer.score_inline(shop.history.upto(shop.simulated.starts_at))
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
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 1}))

    with pytest.raises(TrainingError, match="format version 1"):
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


def test_the_models_keep_their_own_codes_of_categories(shop, scorer, scores):
    """A version whose codes are others must not be read with those of its companion."""
    known = scorer.churn.definition.categories
    categories = {"channel": ("a_new_channel", *known["channel"])}
    asked = []

    class Listening(CLVScorer):
        def predict_given(self, table, p_active):
            asked.append(table)
            return super().predict_given(table, p_active)

    terms = replace(scorer.clv.definition, categories=categories)
    mixed = Scorer(scorer.churn, Listening(scorer.clv.model, terms), 1, 2)

    found = mixed.score(shop.history, shop.as_of).set_index("customer_id")

    own, theirs = (
        feature_table(shop.history.with_categories(codes), shop.as_of, 90)
        for codes in (categories, known)
    )
    pd.testing.assert_frame_equal(asked[0], own)
    assert not own["profile_channel"].equals(theirs["profile_channel"])
    assert found["churn_risk"].equals(scores.loc[found.index, "churn_risk"])


def test_all_stages_occur_in_the_simulated_shop(scores):
    assert set(scores["stage"]) == set(STAGES)
