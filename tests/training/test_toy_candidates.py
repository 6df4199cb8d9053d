"""Another candidate is one small class and one line that lists it: a toy of each forecast.

In the shop of these tests the toys know what no other candidate can: who has an odd number never
comes back, and every second order is a large one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Self

import mlflow
import numpy as np
import pandas as pd
import pytest

from features.history.history import History
from features.intake.mapping import Mapping as HistoryMapping
from features.table import feature_table
from training.btyd.population import PopulationModel
from training.champions import load_scorer
from training.config import TrainingConfig
from training.evaluation import FloatArray
from training.models.candidates import CHURN, SPEND
from training.models.churn import ChurnModel
from training.models.clv import CLVModel
from training.models.learning import ChurnLearning, SpendLearning
from training.pipeline import train
from training.registry.tracking import Tracker
from training.scoring.scorer import Scorer
from training.selection.fit import fit
from training.selection.judge import Judgement, judge

# From noon on: whoever ordered a month before midnight would have lapsed.
START, AS_OF, DAYS = datetime(2024, 1, 1, 12), datetime(2025, 3, 1), 425
MEMBERS, RHYTHM_DAYS = 600, 30
CONFIG = TrainingConfig(horizon_days=30, clv_horizon_days=30, snapshots=3, origins=3)


@dataclass(frozen=True)
class OddNumbers:
    """Churn risk by whether the number of a member is odd."""

    name: ClassVar[str] = "odd_numbers"
    is_rule: ClassVar[bool] = False
    is_preferred: ClassVar[bool] = False
    needs: ClassVar[str | None] = None
    surety: float

    @classmethod
    def learn(cls, given: ChurnLearning) -> Self:
        return cls(float(np.log(len(given.training_sets[0].frame))))

    def logit(self, X: pd.DataFrame) -> FloatArray:
        return self.contributions(X)["profile_number"].to_numpy()

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        return (2 * (X[["profile_number"]] % 2) - 1) * self.surety

    def basis(self) -> str:
        return "who has an odd number"

    def save(self, folder: Path) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, folder: Path, content: Mapping[str, Any], btyd: PopulationModel) -> Self:
        return cls(**content)


@dataclass(frozen=True)
class EverySecond:
    """Spend by whether the next order is a member's second, fourth, sixth."""

    name: ClassVar[str] = "every_second"
    is_rule: ClassVar[bool] = False
    is_preferred: ClassVar[bool] = False
    needs: ClassVar[str | None] = None
    small: float
    large: float

    @classmethod
    def learn(cls, given: SpendLearning) -> tuple[Self, FloatArray]:
        X = pd.concat([buyers.X for buyers in given.buyers])
        is_large = X["purchase_days"] % 2 == 1
        toy = cls(float(given.spend[~is_large].mean()), float(given.spend[is_large].mean()))
        return toy, toy.if_active(X)

    def if_active(self, X: pd.DataFrame) -> FloatArray:
        return np.where(X["purchase_days"] % 2 == 1, self.large, self.small)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], btyd: PopulationModel) -> Self:
        return cls(**content)


def shop(tells: bool) -> History:
    """Members join at any time, and come every month or, with an odd number, only once.

    Where nothing is told numbers are shuffled, and the sizes of orders are drawn.
    """
    random = np.random.default_rng(0)
    numbers, joined = np.arange(MEMBERS), random.integers(0, DAYS - 10, MEMBERS)
    rows = []
    for number, first in zip(numbers, joined, strict=True):
        last = first + 1 if number % 2 else DAYS
        for place, day in enumerate(range(first, last, RHYTHM_DAYS)):
            is_large = (place if tells else random.integers(2)) % 2
            at, amount = START + timedelta(days=day), 100.0 if is_large else 10.0
            rows.append((f"{number}-{place}", f"m{number}", at, amount))
    orders = pd.DataFrame(rows, columns=["order_id", "customer_id", "ordered_at", "amount"])
    told = numbers if tells else random.permutation(numbers)
    customers = pd.DataFrame({"customer_id": [f"m{number}" for number in numbers], "number": told})
    mapping = HistoryMapping.from_dict({"customers": {"static": ["number"]}})
    return History(orders, customers=customers, mapping=mapping)


@pytest.fixture(scope="module", autouse=True)
def listed() -> Iterator[None]:
    """The line that lists each toy, while these tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CHURN, OddNumbers.name, OddNumbers)
        patch.setitem(SPEND, EverySecond.name, EverySecond)
        yield


@pytest.fixture(scope="module")
def history() -> History:
    return shop(tells=True)


@pytest.fixture(scope="module")
def table(history) -> pd.DataFrame:
    return feature_table(history, AS_OF, 30)


@pytest.fixture(scope="module")
def judged(history, listed) -> Judgement:
    return judge(history.upto(AS_OF), CONFIG)


@pytest.fixture(scope="module")
def scorer(history, judged) -> Scorer:
    churn, clv = fit(history.upto(AS_OF), judged, CONFIG)
    return Scorer(churn.scorer, clv.scorer, 1, 1)


@pytest.fixture(scope="module")
def scores(history, scorer) -> pd.DataFrame:
    return scorer.score(history, AS_OF).set_index("customer_id")


def number_of(customers: pd.Index) -> np.ndarray:
    return customers.str.removeprefix("m").astype(int).to_numpy()


def test_it_is_judged_beside_the_others_at_every_origin(judged):
    assert judged.churn.table()["candidate"].tolist() == [*CHURN] * 3
    assert judged.clv.table()["candidate"].tolist() == [*SPEND] * 3
    assert ([*CHURN][-1], [*SPEND][-1]) == ("odd_numbers", "every_second")


def test_it_is_chosen_where_it_is_clearly_better(judged):
    over = "over 3 out-of-time origins"
    assert judged.churn.why.startswith(f"odd_numbers: clearly better than pool {over}")
    assert judged.clv.why.startswith(f"every_second: clearly better than regression {over}")


def test_it_is_not_chosen_where_it_is_not():
    judged = judge(shop(tells=False).upto(AS_OF), CONFIG)

    assert len(judged.churn.of("odd_numbers")) == len(judged.clv.of("every_second")) == 3
    assert judged.churn.chosen in {"pool", "trees"}
    assert judged.clv.chosen == "regression"


def test_a_loaded_churn_model_says_the_same(scorer, table, tmp_path):
    model = scorer.churn.model
    model.save(tmp_path)

    loaded = ChurnModel.load(tmp_path)

    assert loaded.fitted_ == model.fitted_
    assert np.abs(loaded.predict_proba(table) - model.predict_proba(table)).max() < 1e-12
    pd.testing.assert_frame_equal(loaded.contributions(table), model.contributions(table))


def test_a_loaded_clv_model_says_the_same(scorer, table, tmp_path):
    model = scorer.clv.model
    model.save(tmp_path)

    loaded = CLVModel.load(tmp_path)

    assert (loaded.fitted_, loaded.intervals_) == (model.fitted_, model.intervals_)
    assert loaded.predict(table) == pytest.approx(model.predict(table), rel=1e-12)


def test_scores_are_its_forecasts(scores, table):
    is_odd = number_of(scores.index) % 2 == 1
    next_is_large = table.loc[scores.index, "purchase_days"] % 2 == 1

    assert (scores["churn_risk"].to_numpy() > 0.99).tolist() == is_odd.tolist()
    assert (scores["churn_risk"].to_numpy() < 0.01).tolist() == (~is_odd).tolist()
    assert scores["clv_if_active"].tolist() == np.where(next_is_large, 100.0, 10.0).tolist()


def test_scores_name_it_and_say_what_they_rest_on(scores, scorer):
    assert scores["churn_model"].unique().tolist() == ["odd_numbers"]
    assert scores["basis"].unique().tolist() == ["who has an odd number"]
    assert scorer.clv.model.basis() == (
        "spend if there is an order by every_second; who has an odd number"
    )


def test_it_explains_why_a_live_member_is_at_risk(scores):
    """Among the lapsed an odd number is nothing unusual."""
    told = scores[scores["reason_1"].notna()]
    is_odd = number_of(scores.index) % 2 == 1

    assert told.index.tolist() == scores.index[is_odd & (scores["stage"] != "lapsed")].tolist()
    assert told["reason_1"].tolist() == [f"number is {n}" for n in number_of(told.index)]
    assert len(told) > 10


@pytest.fixture(scope="module")
def tracker(tmp_path_factory) -> Tracker:
    return Tracker(f"sqlite:///{tmp_path_factory.mktemp('toys')}/mlflow.db")


@pytest.fixture(scope="module")
def training(history, tracker, listed):
    return train(history, AS_OF, CONFIG, tracker)


def test_a_training_registers_it_and_its_card_tells_of_it(training):
    candidates = [version.tags["candidate"] for version in (training.churn, training.clv)]

    assert candidates == ["odd_numbers", "every_second"]
    for name in candidates:
        assert f"\n| {name} | " in training.card
        assert f"\n- Model: {name}: clearly better than" in training.card


def test_the_champions_score_as_it_was_fitted(training, tracker, history, scores):
    found = load_scorer(tracker, history).score(history, AS_OF).set_index("customer_id")

    pd.testing.assert_frame_equal(found, scores, rtol=1e-12)


def test_it_runs_in_mlflow(training, tracker, scorer, table):
    for version, own in ((training.churn, scorer.churn), (training.clv, scorer.clv)):
        folder = tracker.folder(version).parents[1]

        found = mlflow.pyfunc.load_model(str(folder)).predict(table)

        pd.testing.assert_frame_equal(found, own.predict_frame(table), rtol=1e-12)
