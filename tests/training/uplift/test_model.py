import json

import numpy as np
import pandas as pd
import pytest

from training.errors import TrainingError
from training.uplift import UpliftModel
from training.uplift.encoding import Encoding
from training.uplift.experiment import Experiment
from training.uplift.selection import SURE


def shop(customers=1500, seed=0):
    """A gift that helps frequent buyers and harms others, a call that does nothing."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "orders": rng.poisson(3, customers).astype(float),
            "channel": rng.choice(["web", "shop"], customers),
            "member": rng.random(customers) < 0.5,
        },
        index=pd.Index([f"c{n}" for n in range(customers)], name="customer_id"),
    )
    X.loc[X.index[:20], "orders"] = np.nan
    offer = rng.choice(["none", "gift", "call"], customers)
    effect = np.where(X["orders"] > 3, 0.4, -0.2)
    chance = 0.4 + effect * (offer == "gift")
    return X, (rng.random(customers) < chance).astype(float), offer


@pytest.fixture(scope="module")
def fitted():
    return UpliftModel(learner="dr_stumps").fit(*shop())


def test_predictions_have_a_column_per_offer_and_the_rows_of_the_frame(fitted):
    X, _, _ = shop(10, seed=1)
    found = fitted.predict(X)
    assert list(found.columns) == fitted.offers_ == ["call", "gift"]
    assert found.index.equals(X.index)
    assert found.to_numpy().dtype == np.float64
    assert np.isfinite(found.to_numpy()).all()


def test_who_gains_is_told_from_who_loses(fitted):
    X, _, _ = shop(1000, seed=2)
    gift = fitted.predict(X)["gift"]
    assert gift[X["orders"] > 3].mean() > 0.1
    assert gift[X["orders"] <= 3].mean() < -0.05


def test_an_offer_that_does_nothing_is_said_to_do_little(fitted):
    X, _, _ = shop(1000, seed=2)
    assert fitted.predict(X)["call"].abs().max() < 0.12


def test_predicting_changes_nothing_and_needs_no_other_rows(fitted):
    X, _, _ = shop(50, seed=3)
    before = X.copy()
    alone = pd.concat([fitted.predict(X.iloc[[n]]) for n in range(3)])
    pd.testing.assert_frame_equal(fitted.predict(X).iloc[:3], alone)
    pd.testing.assert_frame_equal(X, before)


def test_nobody_to_predict_is_no_error(fitted):
    assert fitted.predict(shop(5)[0].iloc[:0]).shape == (0, 2)


def test_the_same_data_give_the_same_model():
    X, outcome, offer = shop(600)
    first, second = (UpliftModel("dr_stumps", folds=2).fit(X, outcome, offer) for _ in range(2))
    pd.testing.assert_frame_equal(first.predict(X), second.predict(X), check_exact=True)


@pytest.mark.parametrize("learner", ["odds", "dr_stumps", "dr", "x", "s", "t"])
def test_a_saved_model_predicts_the_same_and_holds_no_customer(learner, tmp_path):
    X, outcome, offer = shop(800)
    model = UpliftModel(learner, folds=2).fit(X, outcome, offer)
    model.save(tmp_path)
    read = UpliftModel.load(tmp_path)
    pd.testing.assert_frame_equal(read.predict(X), model.predict(X), check_exact=True)
    pd.testing.assert_frame_equal(read.leave_alone(X), model.leave_alone(X))
    pd.testing.assert_frame_equal(read.effects_, model.effects_)
    pd.testing.assert_frame_equal(read.overlap_, model.overlap_)
    assert (read.tested_, read.learner_) == (model.tested_, learner)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".txt"}
    written = "".join(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())
    assert "c17" not in written


def test_the_learner_is_the_steadiest_that_none_after_it_beats():
    X, outcome, offer = shop(900)
    model = UpliftModel(folds=2).fit(X, outcome, offer)
    table = model.candidates_
    assert table["learner"].tolist() == ["odds", "dr_stumps", "dr", "x", "s", "t"]
    assert table["chosen"].sum() == 1
    chosen = table.loc[table["chosen"].idxmax()]
    assert (model.learner_, model.rounds_) == (chosen["learner"], chosen["rounds"])
    later = table.loc[table["chosen"].idxmax() + 1 :]
    assert (later["ahead"] <= SURE * later["ahead_standard_error"]).all()


def rare(customers, seed, times=3.0):
    """Few order, by many weak features; a gift raises the odds of all of them alike."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(customers, 10))
    offer = rng.choice(["none", "gift"], customers)
    odds = np.exp(-3.5 + 0.35 * X.sum(axis=1))
    chances = [o / (1 + o) for o in (odds, odds * times)]
    outcome = rng.random(customers) < np.where(offer == "gift", chances[1], chances[0])
    frame = pd.DataFrame(X, columns=[f"x{n}" for n in range(10)])
    return frame, outcome.astype(float), offer, chances[1] - chances[0]


def test_where_few_order_the_effect_follows_the_odds():
    X, outcome, offer, _ = rare(8000, 0)
    model = UpliftModel("odds", folds=2).fit(X, outcome, offer)
    other, _, _, effect = rare(4000, 1)
    found = model.predict(other)["gift"]
    assert found.nunique() > 1000
    assert np.corrcoef(found, effect)[0, 1] > 0.7
    before, with_gift = model.learned_.shifts
    assert with_gift - before == pytest.approx(np.log(3.0), abs=0.5)


def test_amounts_grow_by_a_factor():
    X, _, offer, _ = rare(4000, 2)
    rng = np.random.default_rng(0)
    spend = rng.gamma(2.0, 5.0, 4000) * np.exp(0.3 * X["x0"]) * np.where(offer == "gift", 1.5, 1.0)
    model = UpliftModel("odds", folds=2).fit(X, spend, offer)
    before, with_gift = model.learned_.shifts
    assert with_gift / before == pytest.approx(1.5, abs=0.1)


def test_an_offer_with_too_few_rows_is_not_tested_and_predicts_nothing(tmp_path):
    X, outcome, offer = shop(900)
    offer = np.where((offer == "call") & (np.arange(900) > 150), "none", offer)
    model = UpliftModel("dr_stumps", folds=2).fit(X, outcome, offer)
    assert model.tested_ == {"call": False, "gift": True}
    assert (model.predict(X)["call"] == 0).all()
    assert set(model.effects_["offer"]) == {"gift"}


def test_without_evidence_nothing_is_claimed(tmp_path):
    X, outcome, offer = shop(100)
    model = UpliftModel().fit(X, outcome, offer)
    assert model.tested_ == {"call": False, "gift": False}
    assert model.learner_ == "none"
    assert (model.predict(X) == 0).all(axis=None)
    assert not model.leave_alone(X).any(axis=None)
    model.save(tmp_path)
    pd.testing.assert_frame_equal(UpliftModel.load(tmp_path).predict(X), model.predict(X))


def test_an_outcome_that_never_varies_tests_nothing():
    X, _, offer = shop(900)
    assert not any(UpliftModel().fit(X, np.ones(900), offer).tested_.values())


def test_money_is_an_outcome_too():
    X, outcome, offer = shop(2400)
    rng = np.random.default_rng(5)
    spend = outcome * rng.gamma(2.0, 20.0, 2400)
    model = UpliftModel("dr_stumps", folds=2).fit(X, spend, offer)
    gift = model.predict(X)["gift"]
    assert gift[X["orders"] > 3].mean() > gift[X["orders"] <= 3].mean() + 8


def test_logged_propensities_undo_a_choice_that_went_by_the_outcome():
    X, _, _ = shop(4000)
    rng = np.random.default_rng(6)
    frequent = (X["orders"] > 3).to_numpy()
    chance_of_gift = np.where(frequent, 0.8, 0.2)
    gift = rng.random(4000) < chance_of_gift
    outcome = (rng.random(4000) < 0.2 + 0.5 * frequent).astype(float)
    received = np.where(gift, chance_of_gift, 1 - chance_of_gift)
    offer = np.where(gift, "gift", "none")
    model = UpliftModel("dr_stumps", folds=2).fit(X, outcome, offer, received)
    assert model.propensity_source_ == "logged"
    assert abs(model.calibration_["gift"].mean) < 0.05


def test_a_choice_that_nobody_logged_is_modelled():
    X, _, _ = shop(3000)
    rng = np.random.default_rng(7)
    frequent = (X["orders"] > 3).to_numpy()
    gift = rng.random(3000) < np.where(frequent, 0.8, 0.2)
    outcome = (rng.random(3000) < 0.2 + 0.5 * frequent).astype(float)
    model = UpliftModel("dr_stumps", folds=2).fit(X, outcome, np.where(gift, "gift", "none"))
    assert model.propensity_source_ == "model"
    assert abs(model.calibration_["gift"].mean) < 0.06


def test_a_random_assignment_is_taken_for_one(fitted):
    assert fitted.propensity_source_ == "shares"
    assert fitted.overlap_.loc["none", "lowest_propensity"] == pytest.approx(1 / 3, abs=0.05)


def test_tiny_propensities_are_clipped_and_counted():
    X, outcome, offer = shop(1000)
    received = np.where(np.arange(1000) < 100, 0.001, 0.4)
    overlap = UpliftModel("dr_stumps", folds=2).fit(X, outcome, offer, received).overlap_
    assert overlap["lowest_propensity"].min() == 0.005
    clipped = (overlap["clipped"] * overlap["rows"]).sum()
    assert clipped == pytest.approx(100)
    assert (overlap["effective_rows"] < overlap["rows"]).all()


def test_texts_not_learnt_are_unknown_and_codes_are_kept():
    encoding = Encoding.of(
        pd.DataFrame({"channel": ["web", "shop", None], "member": [True, False, True]})
    )
    assert encoding.levels == {"channel": ("shop", "web")}
    read = Encoding.from_dict(json.loads(json.dumps(encoding.as_dict())))
    rows = pd.DataFrame(
        {"member": [1, 0, 1], "channel": ["web", "phone", None], "other": [1, 2, 3]}
    )
    assert np.nan_to_num(read.matrix(rows), nan=-1).tolist() == [[1, 1], [-1, 0], [-1, 1]]


def test_categories_of_pandas_are_texts():
    X = pd.DataFrame({"channel": pd.Categorical(["b", "a"], categories=["c", "b", "a"])})
    assert Encoding.of(X).levels == {"channel": ("a", "b")}


def test_missing_columns_are_named(fitted):
    with pytest.raises(TrainingError, match="missing: orders"):
        fitted.predict(shop(5)[0].drop(columns="orders"))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"offer": ["none"] * 100}, "offer must hold an offer and 'none'"),
        ({"offer": ["gift"] * 100}, "offer must hold an offer and 'none'"),
        ({"offer": ["none", None] * 50}, "50 of them missing"),
        ({"outcome": [np.nan] * 100}, "outcome must be a finite number"),
        ({"outcome": [1.0] * 99}, "outcome must be a finite number for each of 100 rows"),
        ({"propensity": [0.0] * 100}, "propensity must be above 0"),
        ({"propensity": [0.5] * 99}, "propensity must have one value for each of 100"),
        ({"X": pd.DataFrame({"at": pd.to_datetime(["2024-01-01"] * 100)})}, "other types in at"),
        ({"X": np.zeros((100, 2))}, "X must be a pandas frame"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(changed, says):
    X, outcome, offer = shop(100)
    arguments = {"X": X, "outcome": outcome, "offer": offer, "propensity": None} | changed
    with pytest.raises(TrainingError, match=says):
        UpliftModel().fit(**arguments)


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"learner": "best"}, "learner must be one of"), ({"folds": 1}, "folds must be a whole")],
)
def test_settings_that_cannot_be_are_refused(settings, says):
    with pytest.raises(TrainingError, match=says):
        UpliftModel(**settings).fit(*shop(100))


def test_scores_of_customers_who_surely_come_or_surely_do_not_count_for_more():
    X, outcome = np.zeros((4, 1)), np.array([1.0, 0.0, 1.0, 0.0])
    experiment = Experiment(X, outcome, np.array([0, 1, 0, 1]), np.full(4, 0.5), np.arange(4), 1)
    chance = np.array([0.5, 0.9, 0.1, 0.0])
    found = experiment.precision(np.column_stack([chance, chance]))
    # 1 / .25, 1 / .09 twice, and 1 / (.02 x .98) where nobody is believed to be surer.
    assert found / found[0] == pytest.approx([1.0, 25 / 9, 25 / 9, 0.25 / 0.0196])
    assert found.mean() == pytest.approx(1.0)


def test_scores_of_amounts_all_count_alike():
    experiment = Experiment(np.zeros((2, 1)), np.array([3.5, 0.0]), np.array([0, 1]), np.ones(2),
                  np.arange(2), 1)  # fmt: skip
    assert experiment.precision(np.array([[0.1, 0.1], [9.0, 9.0]])).tolist() == [1.0, 1.0]
