"""Candidates of a shop's own: what may be one, and what is told of one that cannot be used."""

import pickle
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, RobustScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from features.errors import ExtensionError
from features.quality import Readiness
from training.config import TrainingConfig
from training.errors import TrainingError
from training.evaluation import auc
from training.models.boosting import Boosting
from training.models.churn import ChurnModel
from training.models.clv import CLVModel
from training.models.learning import ChurnLearning
from training.models.own.classifier import ClassifierCandidate, FittedClassifier, template_of
from training.models.own.linear import LinearChurn, LinearForm
from training.models.own.references import has_form, own_churn, own_spend
from training.models.tasks import CHURN_RISK, CLV_FORECAST
from training.panel.panel import build_panel
from training.panel.snapshot import latest
from training.pipeline import train
from training.registry.tracking import Tracker
from training.selection.choice import choose
from training.selection.judge import judge
from training.selection.rolling import backtest_churn

MODULE = '''
import numpy as np
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from training import LinearChurn

BARE = LogisticRegression()
TREES = RandomForestClassifier(n_estimators=10, min_samples_leaf=20)
CLASS = RandomForestClassifier
MACHINE = SVC()
NUMBER = 3


class Ridge(LinearChurn):
    estimator = make_pipeline(
        SimpleImputer(), StandardScaler(), LogisticRegression(C=0.01, max_iter=500)
    )


class Nothing:
    is_rule = False


class Judged:
    """What is judged, and never the model."""

    is_rule, is_preferred, needs = False, False, None

    def __init__(self, level):
        self.level = level

    @classmethod
    def learn(cls, given):
        return cls(0.0)

    def logit(self, X):
        return np.full(len(X), self.level)


class Vague(Judged):
    needs = "trees"


class Listed(Judged):
    needs = ["pool"]


VOTES = VotingClassifier


class Short(Judged):
    def logit(self, X):
        return np.zeros(3)


class Unsure(Judged):
    def logit(self, X):
        return np.where(X["orders"] > 1, np.nan, 0.0)


class Broken(Judged):
    @classmethod
    def learn(cls, given):
        return cls(given.nothing_like_it)


class Sure(Judged):
    """All that is asked for, but for what the tests below take from it."""

    def contributions(self, X):
        return X[["orders"]] * 0.0

    def basis(self):
        return "nothing"

    def save(self, folder):
        return {"level": self.level}

    @classmethod
    def load(cls, folder, content, btyd):
        return cls(content["level"])


class Counted(Sure):
    def save(self, folder):
        return {"level": np.int64(3)}


class Lost(Sure):
    @classmethod
    def load(cls, folder, content, btyd):
        return None


class Bare(Sure):
    def contributions(self, X):
        return np.zeros((len(X), 1))


class Blind(Sure):
    def contributions(self, X):
        return X[["orders"]] * np.nan


class Flat:
    """The same spend for everybody."""

    is_rule, is_preferred, needs = False, False, None

    def __init__(self, mean):
        self.mean = mean

    @classmethod
    def learn(cls, given):
        found = cls(float(given.spend.mean()))
        return found, np.full(len(given.spend), found.mean)

    def if_active(self, X):
        return np.full(len(X), self.mean)

    def as_dict(self):
        return {"mean": self.mean}

    @classmethod
    def from_dict(cls, content, btyd):
        return cls(**content)
'''


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    """A module of its own for every test, on Python's path."""
    name = f"models_{re.sub(r'[^a-z0-9]', '_', tmp_path.name.lower())}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


@pytest.fixture(scope="module")
def panel(shop):
    return build_panel(shop.past, 90, TrainingConfig(horizon_days=90, snapshots=3))


@pytest.fixture(scope="module")
def learning(panel):
    snapshots = panel.training_set(3)
    return ChurnLearning([snapshots], latest(snapshots.snapshots), snapshots.window_days)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NUMBER", "must be the class of a candidate, or a classifier of scikit-learn"),
        ("MACHINE", "got SVC"),
        ("Nothing", "the class has no is_preferred, needs, learn, logit"),
        ("ABSENT", "has no ABSENT"),
        ("Vague", "needs must be one of 'rule', 'btyd', 'pool', None; got 'trees'"),
        ("Listed", "needs must be one of 'rule', 'btyd', 'pool', None; got ['pool']"),
        ("VOTES", "must be a classifier with its settings"),
    ],
)
def test_what_is_no_candidate_is_refused(module, name, said):
    with pytest.raises(ExtensionError, match=re.escape(said)):
        own_churn(f"{module}:{name}")


def test_a_classifier_is_no_candidate_for_spend(module):
    with pytest.raises(ExtensionError, match="must be the class of a candidate; got Logistic"):
        own_spend(f"{module}:BARE")


def test_only_what_can_be_written_down_has_a_form(module):
    found = {n: has_form(own_churn(f"{module}:{n}")) for n in ("BARE", "Judged", "Ridge", "TREES")}

    assert found == {"BARE": False, "Judged": False, "Ridge": True, "TREES": False}
    assert has_form(own_spend(f"{module}:Flat"))
    assert all(map(has_form, [*CHURN_RISK.candidates.values(), *CLV_FORECAST.candidates.values()]))


def test_a_class_of_classifiers_is_taken_as_it_comes(module):
    assert own_churn(f"{module}:CLASS").template.get_params() == (
        RandomForestClassifier().get_params()
    )


@pytest.mark.parametrize("found", [SVC(), StandardScaler(), LogisticRegression, 3, "text", None])
def test_only_classifiers_with_probabilities_are_templates(found):
    is_one = found is LogisticRegression

    assert (template_of("models:X", found) is not None) == is_one


def test_a_classifier_stays_as_it_was(module, learning):
    candidate = own_churn(f"{module}:TREES")
    model = ChurnModel(f"{module}:TREES").learn_from(learning)
    X = learning.origin.X

    assert not hasattr(candidate.template, "classes_")
    assert auc(learning.training_sets[0].churned, _risk(model, learning)) > 0.8
    assert model.basis().startswith("RandomForestClassifier on outcomes over 90 days")
    assert model.predict_proba(X).shape == (len(X), 2)


def _risk(model, learning):
    return model.predict_proba(learning.training_sets[0].frame)[:, 1]


def test_what_draws_without_a_seed_gets_the_trainings(module, learning):
    first, again = (ChurnModel(f"{module}:TREES").learn_from(learning) for _ in range(2))
    other = ChurnModel(f"{module}:TREES").learn_from(replace(learning, seed=1))
    X = learning.origin.X

    assert np.array_equal(first.predict_proba(X), again.predict_proba(X))
    assert not np.array_equal(first.predict_proba(X), other.predict_proba(X))


def test_unknown_values_ask_for_an_imputer(module, learning):
    with pytest.raises(TrainingError, match="put an imputer before the classifier"):
        ChurnModel(f"{module}:BARE").learn_from(learning)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Short", r"must give one number for each of \d+ customers; got shape \(3,\)"),
        ("Unsure", r"must give a number for every customer; got NaN for \d+ of \d+"),
        ("Broken", r"Broken fails to learn: AttributeError: .*nothing_like_it.*\. Correct it"),
    ],
)
def test_what_goes_wrong_in_code_of_the_shops_own_is_told_as_that(module, learning, name, said):
    with pytest.raises(ExtensionError, match=said):
        ChurnModel(f"{module}:{name}").learn_from(learning).predict_proba(learning.origin.X)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Bare", "must give contributions as a pandas frame with the rows of X; got ndarray"),
        ("Blind", "must give finite contributions"),
    ],
)
def test_explanations_of_ones_own_are_looked_at(module, learning, name, said):
    with pytest.raises(ExtensionError, match=said):
        ChurnModel(f"{module}:{name}").learn_from(learning).contributions(learning.origin.X)


def test_what_json_cannot_hold_is_told_as_the_candidates(module, learning, tmp_path):
    with pytest.raises(ExtensionError, match=r"Counted fails to save: TypeError: .*int64"):
        ChurnModel(f"{module}:Counted").learn_from(learning).save(tmp_path)


@pytest.mark.parametrize("name", ["Counted", "Lost", "Blind"])
def test_nothing_is_registered_that_cannot_be_read_back(module, shop, tmp_path, name, monkeypatch):
    """Were it ever the best."""
    reference = f"{module}:{name}"
    monkeypatch.setattr("training.selection.choice.is_own", lambda name: name != reference)
    config = TrainingConfig(horizon_days=90, snapshots=2, origins=1, churn_candidates=[reference])
    tracker = Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setattr(
        "training.selection.rolling.choose",
        lambda *given: (
            replace(choose(*given), chosen=reference)
            if given[0].name == "churn-risk"
            else choose(*given)
        ),
    )

    with pytest.raises((ExtensionError, TrainingError), match=name):
        train(shop.history, shop.as_of, config, tracker)
    assert tracker.list_models() == []


def test_a_fitted_model_moves_between_processes(module, learning, tmp_path):
    for name in ("Ridge", "TREES"):
        model = pickle.loads(pickle.dumps(ChurnModel(f"{module}:{name}").learn_from(learning)))

        assert model.predict_proba(learning.origin.X).shape[1] == 2
    ridge = pickle.loads(pickle.dumps(ChurnModel(f"{module}:Ridge").learn_from(learning)))
    ridge.save(tmp_path)
    assert ChurnModel.load(tmp_path).code_ == ridge.code_


def test_where_the_data_carry_none_of_the_preferred_it_is_one_of_ours(module):
    lacking = [Readiness(method, False, ("1 order",), "") for method in ("rule", "btyd", "pool")]
    task = CHURN_RISK.with_own([f"{module}:Sure"])

    assert choose(task, (), 90.0, 0, lacking).chosen == "base_rate"


@pytest.mark.parametrize("name", ["TREES", "Judged"])
def test_what_has_no_form_is_not_saved(module, learning, name, tmp_path):
    model = ChurnModel(f"{module}:{name}").learn_from(learning)

    with pytest.raises(TrainingError, match=r"cannot be saved: it has no plain-file form \(no "):
        model.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_linear_model_is_saved_and_says_the_same(module, learning, tmp_path):
    model, X = ChurnModel(f"{module}:Ridge").learn_from(learning), learning.origin.X
    model.save(tmp_path / "model")

    loaded = ChurnModel.load(tmp_path / "model")

    assert {path.suffix for path in (tmp_path / "model").iterdir()} == {".json"}
    np.testing.assert_allclose(loaded.predict_proba(X), model.predict_proba(X), rtol=1e-12)
    pd.testing.assert_frame_equal(loaded.contributions(X), model.contributions(X))


def test_its_contributions_add_up_to_its_logit_but_for_a_constant(module, learning):
    model, X = ChurnModel(f"{module}:Ridge").learn_from(learning), learning.origin.X
    rest = logit(model.predict_proba(X)[:, 1]) - model.contributions(X).sum(axis=1)

    assert np.ptp(rest) < 1e-9


def test_own_spend_is_saved_and_says_the_same(module, panel, tmp_path):
    training_set = panel.training_set(3)
    origin = latest(training_set.snapshots)
    activity = ChurnModel("btyd").learn([training_set], origin)
    model = CLVModel(f"{module}:Flat").learn(training_set, origin, activity)
    model.save(tmp_path / "model")

    loaded = CLVModel.load(tmp_path / "model")

    assert loaded.predict(origin.X) == pytest.approx(model.predict(origin.X), rel=1e-12)
    assert len(np.unique(loaded.predict_if_active(origin.X))) == 1


LINEAR = {
    "logistic": make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=300)),
    "lasso": make_pipeline(
        SimpleImputer(strategy="median"), MinMaxScaler(),
        LogisticRegression(C=0.1, l1_ratio=1.0, solver="saga", max_iter=200, tol=0.1),
    ),
    "sgd": make_pipeline(
        StandardScaler(), SimpleImputer(strategy="constant", fill_value=-1.0),
        SGDClassifier(loss="log_loss", random_state=0),
    ),
    "lda": make_pipeline(SimpleImputer(), RobustScaler(), LinearDiscriminantAnalysis()),
}  # fmt: skip


# Numbers are as linear before the fit has settled.
@pytest.mark.filterwarnings("ignore:.*did not converge")
@pytest.mark.parametrize("kind", LINEAR)
def test_a_linear_classifier_is_a_handful_of_numbers(learning, kind):
    rows = learning.training_sets[0]
    fitted = FittedClassifier.learn(LINEAR[kind], rows, 0)
    form = LinearForm.of(fitted, rows.frame)
    of_all = {"names": form.columns, "told": LinearForm.from_dict(form.as_dict())}

    assert of_all["told"] == form
    assert of_all["names"] == tuple(fitted.columns)
    told = fitted.estimator.decision_function(rows.frame[fitted.columns])
    inside = np.abs(told) < 13
    np.testing.assert_allclose(form.logit(rows.frame)[inside], told[inside], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "classifier",
    [
        GaussianNB(),
        DecisionTreeClassifier(max_depth=3),
        make_pipeline(PolynomialFeatures(2, interaction_only=True), LogisticRegression()),
        CalibratedClassifierCV(LogisticRegression(), cv=2),
    ],
    ids=["bayes", "tree", "polynomial", "calibrated"],
)
# It is refused however far the fit has come.
@pytest.mark.filterwarnings("ignore:.*did not converge", "ignore:.*lbfgs failed")
def test_what_is_not_linear_is_refused(learning, classifier):
    some = learning.training_sets[0].snapshots[0]
    columns = ["frequency", "recency", "T", "aov"]
    estimator = make_pipeline(SimpleImputer(), StandardScaler(), classifier)
    estimator.fit(some.X[columns], some.churned.astype(int))
    fitted = FittedClassifier(estimator, columns, 0.5)

    with pytest.raises(TrainingError, match="must be linear: the logit of its risk a sum over"):
        LinearForm.of(fitted, some.X)


def test_a_linear_candidate_must_name_its_classifier(learning):
    with pytest.raises(TrainingError, match="must name its classifier"):
        LinearChurn.learn(learning)


@dataclass(frozen=True)
class OneOutcome:
    """A training set in which nobody came back."""

    frame: pd.DataFrame
    churned: np.ndarray
    weight: np.ndarray
    window_days: float = 90.0
    churn_rate: float = 1.0


def test_where_only_one_outcome_was_seen_the_forecast_is_that(learning):
    X = learning.origin.X
    rows = OneOutcome(X, np.ones(len(X)), np.ones(len(X)))
    fitted = FittedClassifier.learn(LINEAR["logistic"], rows, 0)

    assert (fitted.logit(X) > 13).all()
    np.testing.assert_allclose(LinearForm.of(fitted, X).logit(X), fitted.logit(X))


def test_a_forecast_over_another_window_is_carried_over(learning):
    own = ClassifierCandidate(RandomForestClassifier(n_estimators=10, random_state=0))
    further = ChurnLearning(learning.training_sets, learning.origin, 180.0)
    X = learning.origin.X

    assert (own.learn(further).logit(X) < own.learn(learning).logit(X)).all()
    assert "carried over to 180 days by MBG/NBD" in own.learn(further).basis()


def test_a_backtest_judges_them_and_takes_the_best_that_has_a_form(module, shop):
    names = [f"{module}:{name}" for name in ("TREES", "Ridge", "Judged")]
    config = TrainingConfig(horizon_days=90, snapshots=2, origins=1, churn_candidates=names)
    panels = judge(shop.past, config).panels

    found = backtest_churn(panels, config)

    assert [*found.means().index][-3:] == names
    assert found.chosen in found.task.with_form
    assert set(names) - set(found.task.with_form) == {names[0], names[2]}


def test_one_without_a_form_that_did_better_is_told_of(module, shop):
    names = [f"{module}:TREES"]
    config = TrainingConfig(horizon_days=90, snapshots=2, origins=1, churn_candidates=names)
    found = judge(shop.past, config).churn
    worse = found.means()["log_loss"]
    better = {**dict.fromkeys(worse.index, 1.0), names[0]: 0.5}
    judged = tuple(
        type(j)(j.candidate, j.judge, j.forecast, {**j.metrics, "log_loss": better[j.candidate]})
        for j in found.judged
    )
    told = type(found)(found.task, judged, "pool", "", 90.0)

    assert told.unsaved() == (
        f"`{names[0]}` did better than `pool` (log loss 0.5000 against 1.0000) and cannot be the "
        "model: it has no plain-file form. The best that has one was taken."
    )
    assert told.unsaved() in told.cautions()
    assert (worse[names[0]] < worse[found.chosen]) == (found.unsaved() is not None)


def test_trees_grow_as_the_settings_say(shop, learning, tmp_path):
    few = ChurnLearning(
        learning.training_sets, learning.origin, 90.0, boosting=Boosting(rounds=7, leaves=5)
    )
    (trees,) = few.trees
    text = trees.trees.text()

    assert text.count("\nTree=") == 7
    assert max(int(n) for n in re.findall(r"num_leaves=(\d+)", text)) == 5
    config = TrainingConfig(
        tree_rounds=7, tree_leaves=5, tree_learning_rate=0.1, tree_ridge=1.0, tree_leaf_rows=40
    )
    assert Boosting.of(config) == Boosting(7, 5, 0.1, ridge=1.0, leaf_rows=40)
    assert Boosting.of(config).parameters(10_000)["min_data_in_leaf"] == 40


def test_a_search_may_tune_them(shop, learning):
    rows = learning.training_sets[0]
    model = ChurnModel("trees", boosting=Boosting(rounds=3))
    model.fit(rows.frame, rows.churned)

    assert model.get_params()["boosting"] == Boosting(rounds=3)
    assert model.fitted_.trees[0].trees.text().count("\nTree=") == 3


def test_no_pickle_is_written_or_read_anywhere():
    home = Path(__file__).parents[4]
    packages = ("features", "training", "offers", "serving", "holdfast", "simulation")
    words = re.compile(r"^\s*(import|from) (pickle|joblib|cloudpickle|dill)\b", re.M)
    files = [file for package in packages for file in (home / package).rglob("*.py")]

    assert len(files) > 100
    assert [file for file in files if words.search(file.read_text(encoding="utf-8"))] == []
