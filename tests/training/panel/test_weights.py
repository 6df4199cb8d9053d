"""Labels that know who was treated: weights, what learns with them, and what a shop gains by it."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from benchmarks.treated import TrainingSets, training_sets
from features.clock import as_day
from features.history.history import History
from features.table import feature_table
from training.btyd.population import PopulationModel
from training.btyd.season import observed_pace
from training.config import TrainingConfig
from training.errors import TrainingError
from training.models.baselines import LogisticRule
from training.models.boosted import BoostedTrees
from training.models.boosting import Boosting
from training.models.churn import ChurnModel
from training.models.clv import CLVModel
from training.panel.labels import Value
from training.panel.panel import build_panel, labelled
from training.panel.snapshot import Snapshot, TrainingSet, latest
from training.panel.weights import outcome_weights

START, WINDOW = "2024-03-01", 30.0
MBG_NBD = PopulationModel({"r": 0.5, "alpha": 40.0, "a": 0.6, "b": 2.0}, 20.0, 1.0)


def offered(*rows: tuple[str, str, str, str, float | None]) -> History:
    """A history with offers: customer, campaign, day, offer and propensity."""
    columns = ["customer_id", "campaign_id", "offered_at", "offer_id", "propensity"]
    orders = pl.DataFrame(
        {"order_id": ["1"], "customer_id": ["a"], "ordered_at": ["2024-01-05"], "amount": [20.0]}
    )
    types = [pl.String, pl.String, pl.String, pl.String, pl.Float64]
    schema = dict(zip(columns, types, strict=True))
    return History(orders, offers=pl.DataFrame(rows, schema=schema, orient="row"))


def weight(history: History, customer: str = "a", window_days: float = WINDOW) -> float:
    (found,) = outcome_weights(history, as_day(START), window_days, pd.Index([customer]))
    return float(found)


@pytest.mark.parametrize(
    ("offer", "propensity", "expected"),
    [
        ("points", 0.9, 0.0),
        ("points", None, 0.0),
        ("none", 0.1, 10.0),
        ("none", 0.01, 20.0),
        ("none", 1.0, 1.0),
        ("none", None, 1.0),
    ],
)
def test_the_treated_count_nothing_and_controls_for_those_like_them(offer, propensity, expected):
    history = offered(("a", "spring", "2024-03-10", offer, propensity))

    assert weight(history) == pytest.approx(expected)
    assert weight(history, "another") == 1.0


@pytest.mark.parametrize(
    ("when", "counts"),
    [("2024-02-29", 1.0), ("2024-03-01", 0.0), ("2024-03-30", 0.0), ("2024-03-31", 1.0)],
)
def test_only_an_offer_within_the_window_makes_a_treated_outcome(when, counts):
    assert weight(offered(("a", "spring", when, "points", 0.5))) == counts


def test_who_was_held_out_of_two_campaigns_stands_for_both_draws():
    held_twice = offered(
        ("a", "spring", "2024-03-05", "none", 0.5), ("a", "easter", "2024-03-20", "none", 0.4)
    )
    assert weight(held_twice) == pytest.approx(5.0)


def test_who_was_held_out_once_and_treated_once_was_treated():
    both = offered(
        ("a", "spring", "2024-03-05", "none", 0.5), ("a", "easter", "2024-03-20", "points", 0.6)
    )
    assert weight(both) == 0.0
    assert weight(both, window_days=10) == pytest.approx(2.0)


def test_an_offer_is_not_known_before_it_is_made():
    history = offered(("a", "spring", "2024-03-10", "points", 0.5))

    assert weight(history.upto("2024-03-10")) == 1.0
    assert weight(history.upto("2024-03-10 00:00:01")) == 0.0


def test_without_offers_everybody_counts_once(history_of):
    assert weight(history_of(("a", "2024-01-05", 20.0))) == 1.0


def table(customers: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    T = rng.uniform(50.0, 400.0, customers)
    frequency = rng.integers(0, 5, customers).astype(float)
    recency = np.where(frequency > 0, T * rng.random(customers), 0.0)
    return pd.DataFrame(
        {
            "frequency": frequency,
            "recency": recency,
            "T": T,
            "recency_over_horizon": (T - recency) / 90.0,
        },
        index=[f"c{number}" for number in range(customers)],
    )


X = table(400)
CHURNED = (np.random.default_rng(4).random(400) < 0.6).astype(float)


def test_weights_of_one_change_no_bit_of_what_is_learnt():
    ones, offset = np.ones(400), np.zeros(400)

    plain, weighted = (
        BoostedTrees.grow(X.to_numpy(), CHURNED, Boosting(), w, offset) for w in (None, ones)
    )
    assert plain.text() == weighted.text()
    rules = [LogisticRule.fit("recency_rule", X, CHURNED, w) for w in (None, ones)]
    assert rules[0] == rules[1]
    paces = [observed_pace(MBG_NBD, X, CHURNED, 90.0, w) for w in (None, ones)]
    assert paces[0] == paces[1]


def test_a_weight_of_two_is_as_good_as_the_row_twice():
    w = np.where(np.arange(400) < 100, 2.0, 1.0)
    twice = np.repeat(np.arange(400), w.astype(int))

    weighted = LogisticRule.fit("recency_rule", X, CHURNED, w)
    repeated = LogisticRule.fit("recency_rule", X.iloc[twice], CHURNED[twice])
    assert weighted.slope == pytest.approx(repeated.slope, abs=1e-4)
    assert weighted.centre == pytest.approx(repeated.centre)
    pace, _ = observed_pace(MBG_NBD, X, CHURNED, 90.0, w)
    assert pace == pytest.approx(observed_pace(MBG_NBD, X.iloc[twice], CHURNED[twice], 90.0)[0])


def test_who_counts_nothing_teaches_nothing():
    w = np.where(np.arange(400) < 100, 0.0, 1.0)
    nonsense = np.where(w == 0, 1 - CHURNED, CHURNED)
    one, other = (
        TrainingSet((Snapshot(0.0, X, labels, 1 - labels, MBG_NBD, w),), 90.0)
        for labels in (CHURNED, nonsense)
    )

    assert one.snapshots[0].pace(90.0) == other.snapshots[0].pace(90.0)
    assert np.array_equal(one.churned, other.churned)
    assert one.churn_rate == other.churn_rate == CHURNED[100:].mean()
    assert list(one.frame.index) == list(X.index[100:])


def test_a_snapshot_in_which_all_count_is_its_own_untreated_part():
    snapshot = Snapshot(0.0, X, CHURNED, 1 - CHURNED, MBG_NBD)

    assert snapshot.untreated is snapshot


@pytest.mark.parametrize("weights", [np.ones(3), np.full(400, -1.0), np.full(400, np.nan)])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(TrainingError, match="weight must be 0 or more for each of 400 rows"):
        Snapshot(0.0, X, CHURNED, 1 - CHURNED, MBG_NBD, weights)


AT = datetime(2025, 3, 1)


def to_all(shop, offer_id: str, propensity: float | None) -> pl.DataFrame:
    """One row for each customer of the shop in a campaign of March."""
    return shop.simulated.customers.select(
        "customer_id",
        pl.lit("march").alias("campaign_id"),
        pl.lit(AT).alias("offered_at"),
        pl.lit(offer_id).alias("offer_id"),
        pl.lit(propensity, dtype=pl.Float64).alias("propensity"),
    )


@pytest.fixture(scope="module")
def snapshot(shop) -> Snapshot:
    past = shop.like(offers=None).upto(shop.as_of)
    return taken(past)


def taken(past: History) -> Snapshot:
    day = as_day(AT - timedelta(days=30))
    frame = feature_table(past, day, 90)
    return labelled(past, day, frame, PopulationModel.of(frame), 90, Value())


def test_equal_weights_teach_value_and_risk_as_none_do(shop, snapshot):
    """Half of everybody held out: who is left stands for two, and all stay what they were."""
    halved = taken(shop.like(offers=to_all(shop, "none", 0.5)).upto(shop.as_of))
    assert set(halved.weight) == {2.0}

    found = []
    for seen in (snapshot, halved):
        training_set, origin = TrainingSet((seen,), 90.0), latest([snapshot])
        rule = ChurnModel("recency_rule").learn([training_set], origin)
        value = CLVModel("regression").learn(training_set, origin)
        found.append((rule.predict_proba(snapshot.X)[:, 1], value.predict_if_active(snapshot.X)))

    (risk, spend), (same_risk, same_spend) = found
    assert same_risk == pytest.approx(risk, abs=1e-4)
    assert same_spend == pytest.approx(spend, rel=0.02)


def test_a_snapshot_keeps_everybody_to_start_from_and_drops_the_treated_from_its_training_set(shop):
    some = to_all(shop, "points", 0.5).gather_every(3)
    seen = taken(shop.like(offers=some).upto(shop.as_of))

    treated = seen.X.index.isin(some["customer_id"].to_list())
    assert 0 < treated.sum() < len(seen)
    assert np.array_equal(seen.weight, 1.0 - treated)
    assert len(TrainingSet((seen,), 90.0).frame) == len(seen) - treated.sum()


def test_labels_as_known_before_a_campaign_do_not_know_of_it(shop):
    history = shop.like(offers=to_all(shop, "points", None).gather_every(3))
    config = TrainingConfig(horizon_days=30, snapshots=2, origins=1, spacing_days=20)
    panel = build_panel(history.upto("2025-05-15"), 30, config)

    treated = {s.as_of for s in panel.snapshots if (s.weight == 0).any()}
    assert treated == {s.as_of for s in panel.snapshots if 0 <= as_day(AT) - s.as_of < 30}
    assert treated
    before = panel.known_at(as_day(AT))
    assert before.snapshots
    assert all((s.weight == 1).all() for s in before.snapshots)
    assert panel.treated_rows == sum((s.weight == 0).sum() for s in panel.snapshots)


def test_a_history_in_which_everybody_always_gets_an_offer_is_refused(shop):
    days = [datetime(2023, 9, 1) + timedelta(days=30 * month) for month in range(27)]
    blanket = pl.concat(
        to_all(shop, "points", None).with_columns(offered_at=pl.lit(day)) for day in days
    )
    past = shop.like(offers=blanket).upto(shop.as_of)

    with pytest.raises(TrainingError, match="labels must hold customers without an offer"):
        build_panel(past, 90, replace(shop.config, snapshots=1, origins=1))


@pytest.fixture(scope="module")
def learnt() -> TrainingSets:
    found = training_sets(seed=0, customers=4000)
    print(found)
    return found


def test_a_good_campaign_makes_labels_too_rosy_and_weights_put_them_right(learnt):
    noise = 0.025
    assert learnt.labels["without"] == pytest.approx(learnt.truth, abs=noise)
    assert learnt.labels["blind"] < learnt.truth - 2 * noise
    assert learnt.labels["weighted"] == pytest.approx(learnt.truth, abs=2 * noise)


def test_a_good_campaign_does_not_teach_that_risky_customers_stay(learnt):
    """The next customers of the same kind look safe to a model that is blind to the campaign."""
    bias = {name: risk - learnt.risks["without"] for name, risk in learnt.risks.items()}
    assert bias["blind"] < -0.03
    assert abs(bias["weighted"]) < abs(bias["blind"]) / 2
