from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from training.btyd.population import PopulationModel
from training.btyd.season import observed_pace
from training.models.candidates import SPEND
from training.models.clv import CLVModel
from training.panel.labels import Value
from training.panel.snapshot import ForecastOrigin, Snapshot, TrainingSet, latest

BY_PARTS = ("past_rate", "btyd", "regression")


@pytest.fixture(scope="module")
def origin(training_set) -> ForecastOrigin:
    return latest(training_set.snapshots)


def factors(s: Snapshot, days: float = 90.0) -> tuple[np.ndarray, np.ndarray]:
    """Purchase days given at least one, at the pace there was, and the value of one."""
    btyd = s.btyd.at_pace(observed_pace(s.btyd, s.X, s.churned, days)[0], days)
    return btyd.orders_if_any(s.X, days), btyd.order_value(s.X)


def spending(training_set: TrainingSet, spend) -> TrainingSet:
    """The same customers, who spent what a function of their snapshot says if they ordered."""
    return replace(
        training_set,
        snapshots=tuple(
            replace(s, spend=np.where(s.churned == 0, spend(s), 0.0))
            for s in training_set.snapshots
        ),
    )


def test_the_average_is_that_of_those_who_ordered(training_set, origin, X):
    model = CLVModel("average").learn(training_set, origin)

    expected = training_set.spend[training_set.churned == 0].mean()
    assert model.predict_if_active(X) == pytest.approx(np.full(len(X), expected))


@pytest.mark.parametrize("candidate", BY_PARTS)
def test_on_average_those_who_order_spend_what_is_forecast(training_set, origin, candidate):
    """The level is shrunk towards MBG/NBD's by what a few snapshots can know of it."""
    model = CLVModel(candidate).learn(training_set, origin)
    active = training_set.churned == 0

    forecast = model.predict_if_active(training_set.frame[active])

    assert forecast.sum() == pytest.approx(training_set.spend[active].sum(), rel=0.2)


def test_btyd_is_the_orders_of_mbg_nbd_times_the_credibility_mean_on_a_level(
    training_set, origin, X
):
    model = CLVModel("btyd").learn(training_set, origin)

    factor = model.predict_if_active(X) / (
        origin.btyd.orders_if_any(X, 90.0) * origin.btyd.order_value(X)
    )

    assert np.ptp(factor) < 1e-9
    assert factor[0] == pytest.approx(model.fitted_.scale)


def test_the_past_rate_by_hand():
    """A purchase day is worth 36 here, which counts as three days of everybody's own."""
    btyd = PopulationModel({"r": 0.5, "alpha": 40.0, "a": 0.6, "b": 2.0}, 36.0, 1.0)
    X = pd.DataFrame(
        {
            "purchase_days": [1.0, 4.0], "spend": [20.0, 160.0], "age_over_horizon": [1.0, 1.0],
            "horizon_days": [90.0, 90.0], "frequency": [0.0, 3.0], "recency": [0.0, 60.0],
            "T": [90.0, 90.0], "refund_amount": [0.0, 0.0],
        }
    )  # fmt: skip
    rate = np.array([0.5, 2.0])
    by_hand = rate / (1 - np.exp(-rate)) * (X["spend"] + 3 * 36.0) / (X["purchase_days"] + 3)
    seen = Snapshot(0.0, X, np.zeros(2), by_hand.to_numpy(), btyd)

    model = CLVModel("past_rate").learn(TrainingSet((seen,), 90.0), ForecastOrigin(0.0, X, btyd))

    assert model.fitted_.scale == pytest.approx(1.0)
    assert model.predict_if_active(X) == pytest.approx(by_hand.to_numpy())


@pytest.mark.parametrize("candidate", ["btyd", "regression"])
def test_a_level_that_lasts_is_learnt(training_set, origin, candidate):
    """Everybody spent double the two factors; a young shop is believed only in part."""
    double = spending(training_set, lambda s: 2.0 * np.multiply(*factors(s)))

    model = CLVModel(candidate).learn(double, origin)

    assert 1.4 < model.fitted_.scale < 2.0
    assert model.fitted_.coef == pytest.approx([0.0] * 3, abs=1e-3)


def test_the_regression_finds_the_slopes(training_set_of_all, origin):
    """Of a value that counts 1.3-fold and past purchase days that count against it."""
    random = np.random.default_rng(0)

    def spend(s: Snapshot) -> np.ndarray:
        orders, value = factors(s)
        noise = random.gamma(20.0, 1 / 20.0, len(s))
        return orders * value**1.3 * s.X["purchase_days"].to_numpy() ** -0.25 * noise

    seen = spending(training_set_of_all(8), spend)

    model = CLVModel("regression").learn(seen, origin)

    # A ridge worth 30 customers, of 1600, holds it back; orders and past days go together.
    assert model.fitted_.coef == pytest.approx([0.0, 0.3, -0.25], abs=0.1)


def test_a_season_is_not_taken_for_a_habit(training_set, origin):
    """Each snapshot has its own level, however far apart they are."""
    levels = dict(zip([s.as_of for s in training_set.snapshots], (0.3, 1.0, 3.0), strict=True))
    seasonal = spending(training_set, lambda s: levels[s.as_of] * np.multiply(*factors(s)))

    model = CLVModel("regression").learn(seasonal, origin)

    assert model.fitted_.coef == pytest.approx([0.0] * 3, abs=1e-3)


def test_slopes_move_spend_between_customers_and_leave_its_total(training_set, origin, X):
    """But for those whom the largest value that was seen holds back: here nobody is."""
    origin = replace(origin, btyd=replace(origin.btyd, most_value=None))
    steep = spending(training_set, lambda s: factors(s)[0] * factors(s)[1] ** 1.5)
    plain, bent = (CLVModel(name).learn(steep, origin) for name in ("btyd", "regression"))
    chance = expit(-origin.btyd.logit_no_order(X, 90.0))

    totals = [float((chance * model.predict_if_active(X)).sum()) for model in (plain, bent)]

    assert bent.fitted_.coef[1] > 0.2
    assert totals[0] == pytest.approx(totals[1])


@pytest.mark.parametrize("candidate", BY_PARTS)
def test_it_follows_a_customer_larger_than_any_seen(training_set, origin, X, candidate):
    model = CLVModel(candidate).learn(training_set, origin)
    largest = X.nlargest(1, "spend")
    larger = largest.assign(spend=10 * largest["spend"])

    grown = model.predict_if_active(larger)[0] / model.predict_if_active(largest)[0]

    assert grown > 5


@pytest.mark.parametrize("candidate", SPEND)
def test_half_the_margin_is_half_the_value(training_set, origin, X, candidate):
    whole = CLVModel(candidate).learn(training_set, origin)
    halved = spending(training_set, lambda s: s.spend / 2)

    half = CLVModel(candidate, value=Value(0.5)).learn(halved, origin)

    ratio = half.predict_if_active(X) / whole.predict_if_active(X)
    assert ratio == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("candidate", SPEND)
def test_a_longer_window_than_the_labels_is_reached_by_mbg_nbd(training_set, origin, X, candidate):
    plain = CLVModel(candidate).learn(training_set, origin)
    longer = CLVModel(candidate, horizon_days=365).learn(training_set, origin)
    orders = [origin.btyd.orders_if_any(X, days).mean() for days in (90.0, 365.0)]

    grown = longer.predict_if_active(X).mean() / plain.predict_if_active(X).mean()

    assert longer.horizon_ == 365.0
    assert grown == pytest.approx(orders[1] / orders[0], rel=0.2)
    assert grown > 1.2


def test_later_money_is_worth_less_in_a_longer_window(training_set, origin, X):
    """What was learnt over 90 days was discounted there already."""
    far, near = (Value(1.0, 0.5).mean_rate(days) for days in (365.0, 90.0))
    discounted = [replace(s, spend=s.spend * near) for s in training_set.snapshots]

    cheap = CLVModel("btyd", 365).learn(training_set, origin)
    dear = CLVModel("btyd", 365, Value(1.0, 0.5)).learn(
        TrainingSet(tuple(discounted), 90.0), origin
    )

    ratio = dear.predict_if_active(X) / cheap.predict_if_active(X)
    assert ratio == pytest.approx(far, rel=1e-6)


@pytest.mark.parametrize("candidate", SPEND)
def test_where_nobody_spent_yet_mbg_nbd_is_all_there_is(training_set, origin, X, candidate):
    silent = spending(training_set, lambda s: np.zeros(len(s)))

    model = CLVModel(candidate).learn(silent, origin)

    base = origin.btyd.orders_if_any(X, 90.0) * origin.btyd.order_value(X)
    if candidate in {"btyd", "regression"}:
        assert model.predict_if_active(X) == pytest.approx(base)
    low, high = model.intervals_.interval_if_active(model.predict_if_active(X))
    assert (low < high).all()


def test_a_snapshot_in_which_nobody_spent_is_passed_over(training_set, origin, X):
    first, *others = training_set.snapshots
    silent = replace(first, churned=np.ones(len(first)), spend=np.zeros(len(first)))

    model = CLVModel("regression").learn(TrainingSet((silent, *others), 90.0), origin)

    without = CLVModel("regression").learn(TrainingSet(tuple(others), 90.0), origin)
    assert model.predict_if_active(X) == pytest.approx(without.predict_if_active(X))


@pytest.mark.parametrize("candidate", BY_PARTS)
@pytest.mark.parametrize("times", [3.0, 30.0, 3000.0])
def test_no_purchase_day_is_worth_more_than_was_ever_seen(
    training_set, origin, X, candidate, times
):
    """One order, however absurd, of somebody who was not learnt from."""
    model = CLVModel(candidate).learn(training_set, origin)
    once = X[X["purchase_days"] == 1].head(20)
    absurd = once.assign(spend=times * once["spend"], refund_amount=0.0)

    value = model.predict_if_active(absurd) / model.orders_if_active(absurd)

    seen = (X["spend"] / X["purchase_days"]).max()
    assert (value <= np.maximum(seen, absurd["spend"]) + 1e-9).all()
    # A mean that three times 99% of customers do not reach says no more than that.
    q99 = np.quantile((X["spend"] - X["refund_amount"]) / X["purchase_days"], 0.99, method="lower")
    beyond = absurd["spend"] > 3 * q99
    assert (value[beyond] <= 3 * q99 * model.fitted_.seen_high * model.fitted_.scale + 1e-9).all()


def test_the_correction_goes_no_further_than_that_of_a_buyer_learnt_from(training_set, origin, X):
    model = CLVModel("regression").learn(training_set, origin)
    fitted = model.fitted_
    factors = fitted.factors(X, origin.btyd, 90.0)
    extreme = pd.concat([factors * [1e-3, 1e-3, 1.0], factors * [1e3, 1e3, 50.0]])

    found = fitted.correction(extreme)

    assert fitted.seen_low <= found.min() <= found.max() <= fitted.seen_high


def test_a_day_of_which_the_like_came_again_is_believed_further(origin, X):
    far = origin.btyd.far_value
    rows = X.head(3).assign(purchase_days=[1.0, 2.0, 4.0], refund_amount=0.0)
    absurd = rows.assign(spend=100 * far * rows["purchase_days"])

    believed = origin.btyd.believed_spend(absurd) / absurd["purchase_days"]

    assert believed.tolist() == pytest.approx([far, 2 * far, 4 * far])
