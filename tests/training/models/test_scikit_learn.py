"""The models are estimators of scikit-learn, but for what a table of named columns excludes."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from training.errors import TrainingError
from training.models.candidates import CHURN, SPEND
from training.models.churn import ChurnModel
from training.models.clv import CLVModel
from training.panel.snapshot import TrainingSet, latest

ARRAY = "it fits an array without column names: a feature table's columns go by name"
LABELS = "it takes labels other than 0 and 1, which do not say who churned"
BOTH = dict.fromkeys(
    [
        "check_fit_score_takes_y",
        "check_estimators_overwrite_params",
        "check_dont_overwrite_parameters",
        "check_estimators_fit_returns_self",
        "check_readonly_memmap_input",
        "check_n_features_in_after_fitting",
        "check_positive_only_tag_during_fit",
        "check_estimators_dtypes",
        "check_sample_weights_pandas_series",
        "check_sample_weights_not_an_array",
        "check_sample_weights_list",
        "check_sample_weights_shape",
        "check_sample_weights_not_overwritten",
        "check_sample_weight_equivalence_on_dense_data",
        "check_dtype_object",
        "check_pipeline_consistency",
        "check_estimators_pickle",
        "check_f_contiguous_array_estimator",
        "check_supervised_y_2d",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_dict_unchanged",
        "check_fit_idempotent",
        "check_fit_check_is_fitted",
        "check_n_features_in",
        "check_fit2d_predict1d",
    ],
    ARRAY,
)
EXCLUDED = {
    ChurnModel: {
        **BOTH,
        "check_classifiers_train": ARRAY,
        "check_classifier_data_not_an_array": ARRAY,
        "check_classifiers_classes": LABELS,
        "check_fit2d_1feature": LABELS,
    },
    CLVModel: {
        **BOTH,
        "check_regressors_train": ARRAY,
        "check_regressor_data_not_an_array": ARRAY,
        "check_regressors_no_decision_function": ARRAY,
        "check_regressors_int": ARRAY,
    },
}
ABOUT = {
    "check_sample_weight_equivalence_on_dense_data": "leaves are of so many rows and drawn from "
    "them, and a level is believed by how many buyers there were: a weight of 2 comes near the "
    "same row twice, but is not that"
}


def table_of(numbers: np.ndarray) -> pd.DataFrame:
    """A history for each row of any numbers, which stand beside it."""
    chance = expit(np.resize(numbers.T, (3, len(numbers))))
    days, T = 1.0 + np.floor(4.0 * chance[0]), 50.0 + 300.0 * chance[1]
    recency = np.where(days > 1, T * chance[2], 0.0)
    known = {
        "horizon_days": 90.0,
        "frequency": days - 1.0,
        "recency": recency,
        "T": T,
        "purchase_days": days,
        "spend": 20.0 * days,
        "refund_amount": 0.0,
        "aov": 20.0,
        "order_amount_std": np.where(days > 1, 3.0, np.nan),
        "recency_over_horizon": (T - recency) / 90.0,
        "age_over_horizon": T / 90.0,
    }
    given = {f"x{place}": column for place, column in enumerate(numbers.T)}
    return pd.DataFrame({**known, **given}, index=range(len(numbers)))


class ChurnOfNumbers(ClassifierMixin, BaseEstimator):
    """ChurnModel behind columns made of any numbers: what arrays exclude can be checked of it."""

    def __init__(self, candidate="pool"):
        self.candidate = candidate

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.poor_score = True
        return tags

    def fit(self, X, y, sample_weight=None):
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self.classes_, label = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError("Only binary classification is supported.")
        model = ChurnModel(self.candidate)
        self.model_ = model.fit(table_of(X), label if len(self.classes_) == 2 else y, None,
                                sample_weight)  # fmt: skip
        return self

    def predict_proba(self, X):
        check_is_fitted(self)
        return self.model_.predict_proba(table_of(validate_data(self, X, reset=False)))

    def predict(self, X):
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class SpendOfNumbers(RegressorMixin, BaseEstimator):
    """CLVModel likewise; targets below 0 count from there."""

    def __init__(self, candidate="regression"):
        self.candidate = candidate

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags

    def fit(self, X, y, sample_weight=None):
        X, y = validate_data(self, X, y, y_numeric=True)
        model = CLVModel(self.candidate)
        self.model_ = model.fit(table_of(X), y - min(y.min(), 0.0), sample_weight=sample_weight)
        return self

    def predict(self, X):
        check_is_fitted(self)
        return self.model_.predict(table_of(validate_data(self, X, reset=False)))


@pytest.fixture(scope="module")
def labels(training_set):
    last = training_set.snapshots[-1]
    return pd.DataFrame({"churned": last.churned.astype(int), "spend": last.spend}, last.X.index)


@pytest.mark.parametrize("model", EXCLUDED, ids=lambda model: model.__name__)
def test_only_what_named_columns_exclude_is_not_as_scikit_learn_checks(model):
    excluded = EXCLUDED[model]

    found = check_estimator(model(), expected_failed_checks=excluded, on_skip=None)

    statuses = {(check["check_name"], check["status"]) for check in found}
    assert {name for name, status in statuses if status == "xfail"} == set(excluded)
    assert not [name for name, status in statuses if status == "passed" and name in excluded]


@pytest.mark.parametrize(
    ("model", "inexact"),
    [
        (ChurnOfNumbers("past_rate"), {}),
        (ChurnOfNumbers("btyd"), {}),
        (ChurnOfNumbers("pool"), ABOUT),
        (SpendOfNumbers("regression"), ABOUT),
    ],
    ids=["past_rate", "btyd", "pool", "regression"],
)
def test_behind_columns_made_of_numbers_all_of_it_holds(model, inexact):
    found = check_estimator(model, expected_failed_checks=inexact, on_skip=None)

    assert {check["check_name"] for check in found if check["status"] == "xfail"} == set(inexact)


@pytest.mark.parametrize("model", [*map(ChurnModel, CHURN), *map(CLVModel, SPEND)], ids=repr)
def test_the_names_of_the_columns_are_learnt(model, X, labels, tmp_path):
    assert not hasattr(model, "feature_names_in_")
    assert not hasattr(model, "n_features_in_")
    y = labels["churned" if isinstance(model, ChurnModel) else "spend"]

    model.fit(X, y).save(tmp_path)

    for known in (model, type(model).load(tmp_path)):
        assert known.feature_names_in_.tolist() == X.columns.tolist()
        assert known.n_features_in_ == X.shape[1]


@pytest.fixture(scope="module", params=EXCLUDED, ids=lambda model: model.__name__)
def used(request, X, labels):
    """A fitted model, and what it was fitted to."""
    y = labels["churned" if request.param is ChurnModel else "spend"]
    return request.param().fit(X, y), y


@pytest.fixture(params=["fit", "predict"])
def use(request, used):
    """What is done with a table: learning from it, or forecasting."""
    model, y = used
    return (lambda X: clone(model).fit(X, y)) if request.param == "fit" else model.predict


@pytest.mark.parametrize("other", [np.asarray, pl.from_pandas, pd.DataFrame.to_dict])
def test_what_is_no_pandas_frame_is_refused(use, X, other):
    with pytest.raises(ValueError, match=r"pandas frame|2D array"):
        use(other(X))


def test_the_columns_that_are_missing_are_named(use, X):
    with pytest.raises(TrainingError, match=r"columns \['recency', 'aov'\]; .*feature_table") as e:
        use(X.drop(columns=["recency", "aov"]))
    assert len(str(e.value)) < 200


@pytest.mark.parametrize("dtype", ["object", "category", "string"])
def test_columns_of_text_are_refused_by_name(use, X, dtype):
    words = pd.Series("gold", X.index, dtype=dtype)
    with pytest.raises(TrainingError, match=r"numbers only; \['orders', 'spend'\] are of an"):
        use(X.assign(orders=words, spend=words))


def test_a_history_that_is_not_known_is_refused(use, X):
    with pytest.raises(TrainingError, match=r"finite in \['T'\]"):
        use(X.assign(T=X["T"].where(np.arange(len(X)) > 3)))


def test_a_column_of_text_more_is_not_learnt_from_and_no_hindrance_later(used, X):
    model, y = used
    more = X.assign(tier="gold")

    assert np.array_equal(model.predict(more), model.predict(X))
    with pytest.raises(TrainingError, match=r"numbers only; \['tier'\]"):
        clone(model).fit(more, y)


@pytest.mark.parametrize("model", [ChurnModel(), CLVModel()], ids=repr)
def test_attributes_that_the_table_codes_are_learnt_from(model, shop, X, labels):
    y = labels["churned" if isinstance(model, ChurnModel) else "spend"]
    coded = [column for column in X if column.startswith("profile_")]

    assert coded
    assert set(coded) <= set(model.fit(X, y).feature_names_in_)


@pytest.mark.parametrize(
    ("labels_of", "message"),
    [
        (lambda y: np.where(y == 1, "churned", "stayed"), r"got \['churned', 'stayed'\]\. Pass a"),
        (lambda y: y.astype(str), r"y must be 0 or 1"),
        (lambda y: 2 * y - 1, r"y must be 0 or 1, .*got \[-1, 1\]"),
        (lambda y: np.arange(len(y)) % 3, "Only binary classification is supported"),
        (lambda y: 0 * y, r"y must hold both classes, 0 and 1; got one class, \[0\]"),
        (lambda y: y.where(y == 1), "Input y contains NaN"),
        (lambda y: y[1:], "inconsistent numbers of samples"),
    ],
)
def test_labels_that_do_not_say_who_churned_are_refused(X, labels, labels_of, message):
    with pytest.raises(ValueError, match=message):
        ChurnModel().fit(X, labels_of(labels["churned"]))


@pytest.mark.parametrize("labels_of", [lambda y: y == 1, list, lambda y: y.astype(float)])
def test_labels_may_be_told_as_bools_and_lists(X, labels, labels_of):
    told, numbers = (
        ChurnModel("past_rate").fit(X, y) for y in (labels_of(labels["churned"]), labels["churned"])
    )

    assert told.classes_.tolist() == [0, 1]
    assert np.array_equal(told.predict_proba(X), numbers.predict_proba(X))


@pytest.mark.parametrize("candidate", [name for name in CHURN if name != "base_rate"])
def test_the_second_probability_is_that_of_churn(X, labels, candidate):
    risk = ChurnModel(candidate).fit(X, labels["churned"]).predict_proba(X)[:, 1]

    assert risk[labels["churned"] == 1].mean() > risk[labels["churned"] == 0].mean() + 0.1


@pytest.mark.parametrize("candidate", CHURN)
def test_a_weight_makes_rows_count(X, labels, candidate):
    churned = labels["churned"]
    plain, heavy = (
        ChurnModel(candidate).fit(X, churned, sample_weight=weight).predict_proba(X)[:, 1].mean()
        for weight in (None, 1 + 4 * churned)
    )

    assert heavy > plain + 0.02


@pytest.mark.parametrize("candidate", CHURN)
def test_a_weight_of_two_is_about_the_row_twice_and_one_of_nothing_no_row(X, labels, candidate):
    y = labels["churned"]
    times = np.arange(len(X)) % 3
    rows = np.repeat(np.arange(len(X)), times)

    weighed = ChurnModel(candidate).fit(X, y, sample_weight=times)
    repeated = ChurnModel(candidate).fit(X.iloc[rows], y.iloc[rows])

    gap = np.abs(weighed.predict_proba(X) - repeated.predict_proba(X))
    assert gap.max() < (0.1 if candidate in ("trees", "pool") else 1e-6)
    assert gap.mean() < 0.02


@pytest.mark.parametrize("candidate", SPEND)
def test_spend_is_weighed_too(X, labels, candidate):
    spend = labels["spend"]
    times = np.where(spend > spend[spend > 0].median(), 3, 1)
    rows = np.repeat(np.arange(len(X)), times)

    plain = CLVModel(candidate).fit(X, spend)
    weighed = CLVModel(candidate).fit(X, spend, sample_weight=times)
    repeated = CLVModel(candidate).fit(X.iloc[rows], spend.iloc[rows])

    totals = [model.predict_if_active(X).sum() for model in (plain, weighed, repeated)]
    assert totals[1] > 1.005 * totals[0]
    assert totals[1] == pytest.approx(totals[2], rel=0.05)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (lambda y: -1.0 * y, "sample_weight must be 0 or more and not zero everywhere; got -1 to"),
        (lambda y: 0.0 * y, "not zero everywhere; got 0 to 0"),
        (lambda y: [1.0], r"sample_weight must have one value for each row .*got shape \(1,\)"),
        (lambda y: y / 0.0, "sample_weight must be finite"),
        (lambda y: y, r"both classes, 0 and 1; got one class, \[1\]"),
    ],
)
def test_weights_that_cannot_be_are_refused(X, labels, weight, message):
    with pytest.raises(TrainingError, match=message):
        ChurnModel().fit(X, labels["churned"], sample_weight=weight(labels["churned"]))


def test_models_stand_at_the_end_of_a_pipeline_and_are_judged_in_parts(X, labels):
    pipeline = make_pipeline(FunctionTransformer(), ChurnModel("past_rate"))

    auc = cross_val_score(pipeline, X, labels["churned"], scoring="roc_auc", cv=3)
    r2 = cross_val_score(CLVModel("btyd"), X, labels["spend"], cv=3)

    assert (auc > 0.7).all()
    assert np.isfinite(r2).all()


def test_candidates_are_a_grid(X, labels):
    grid = {"candidate": ["base_rate", "past_rate", "btyd"]}

    search = GridSearchCV(ChurnModel(), grid, scoring="neg_log_loss", cv=3)

    assert search.fit(X, labels["churned"]).best_params_["candidate"] != "base_rate"
    assert search.n_features_in_ == X.shape[1]


@pytest.mark.parametrize("label", [int, bool])
def test_risks_are_calibrated(X, labels, label):
    y = labels["churned"].astype(label)

    calibrated = CalibratedClassifierCV(ChurnModel("past_rate"), cv=3).fit(
        X, y, sample_weight=np.ones(len(X))
    )

    assert calibrated.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), abs=0.03)


@pytest.mark.parametrize("candidate", CHURN)
def test_columns_may_be_mixed_between_customers_to_explain_a_model(X, labels, candidate):
    model = ChurnModel(candidate).fit(X, labels["churned"])

    found = permutation_importance(
        model, X, labels["churned"], scoring="neg_log_loss", n_repeats=2, random_state=0
    )
    assert np.isfinite(found.importances).all()
    for column in ("frequency", "recency", "T", "purchase_days", "days_since_last_order"):
        drawn = partial_dependence(model, X, [column], grid_resolution=9)
        assert ((drawn["average"] >= 0) & (drawn["average"] <= 1)).all()


@pytest.mark.parametrize("model", [ChurnModel("pool"), CLVModel("regression")], ids=repr)
def test_coalitions_of_columns_are_forecast(X, labels, model):
    """As kernel SHAP asks: some columns of the customer, the others of each of a background."""
    y = labels["churned" if isinstance(model, ChurnModel) else "spend"]
    forecast = getattr(model.fit(X, y), "predict_proba", model.predict)
    random, background = np.random.default_rng(0), X.sample(20, random_state=0)

    for customer in (0, 7, len(X) - 1):
        for _ in range(20):
            own = X.columns[random.random(X.shape[1]) < 0.5]
            mixed = background.assign(**X.iloc[customer][own])
            assert np.isfinite(forecast(mixed)).all()
            assert (forecast(mixed) >= 0).all()


def test_what_a_single_outcome_teaches_is_learnt_by_the_route_of_trainings(X):
    training_set = TrainingSet.of(X, np.ones(len(X)))

    model = ChurnModel("pool").learn([training_set], latest(training_set.snapshots))

    assert model.basis().startswith("MBG/NBD")
