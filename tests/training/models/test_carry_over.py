import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from training.models.carry_over import CarryOver
from training.models.churn import ChurnModel
from training.panel.snapshot import ForecastOrigin


def risk(model: ChurnModel, X: pd.DataFrame) -> np.ndarray:
    return model.predict_proba(X)[:, 1]


def test_what_a_rule_learnt_over_a_shorter_window_is_carried_over_by_mbg_nbd(shorter, origin, X):
    model = ChurnModel("past_rate", horizon_days=90).learn([shorter], origin)

    over_45 = logit(model.fitted_.rule.predict(X))
    longer = origin.btyd.logit_no_order(X, 90.0) - origin.btyd.logit_no_order(X, 45.0)

    assert logit(risk(model, X)) == pytest.approx(over_45 + longer)
    assert (longer < 0).all()


def test_what_trees_learnt_over_a_shorter_window_is_carried_as_the_departure_from_mbg_nbd(
    shorter, origin, X
):
    model = ChurnModel("trees", horizon_days=90).learn([shorter], origin)

    departure = model.fitted_.trees[0].raw(X) - origin.btyd.logit_no_order(X, 45.0)

    expected = origin.btyd.logit_no_order(X, 90.0) + departure + model.fitted_.shift
    assert logit(risk(model, X)) == pytest.approx(expected)


def test_over_the_same_window_the_share_of_mbg_nbd_is_taken_out(origin, X):
    carry = CarryOver.of(origin, 90.0, [90.0], 0.75)

    assert carry.logit(X) == pytest.approx(0.25 * origin.btyd.logit_no_order(X, 90.0))
    assert not carry.is_beyond
    assert carry.basis() == ""


def test_the_weight_is_parted_evenly_among_the_windows(origin, X):
    btyd, carry = origin.btyd.logit_no_order, CarryOver.of(origin, 90.0, [90.0, 45.0], 0.6)

    expected = btyd(X, 90.0) - 0.3 * btyd(X, 90.0) - 0.3 * btyd(X, 45.0)

    assert carry.logit(X) == pytest.approx(expected)
    assert carry.basis() == ", carried over to 90 days by MBG/NBD"


def test_contributions_add_up_to_what_is_carried_over_but_for_a_constant(origin, X):
    carry = CarryOver.of(origin, 90.0, [45.0], 1.0)

    added = carry.contributions(X)

    assert list(added) == ["frequency", "days_since_last_order", "T"]
    assert np.ptp(carry.logit(X) - added.sum(axis=1)) < 1e-9


def test_what_went_through_json_carries_over_the_same(origin):
    carry = CarryOver.of(origin, 90.0, [90.0, 45.0], 0.6)

    content = json.loads(json.dumps(carry.as_dict()))

    assert CarryOver.from_dict(content, origin.btyd) == carry


def test_a_middling_customer_need_not_be_one_that_could_exist(origin, X):
    """Between 11 and 12 repeat purchases lie 11.5, which no user has put in."""
    some = X.iloc[:2].assign(frequency=[11.0, 12.0], recency=[300.0, 290.0], T=[400.0, 301.5])
    carry = CarryOver.of(ForecastOrigin(origin.as_of, some, origin.btyd), 90.0)

    assert carry.centre["frequency"] == 11.5
    added = carry.contributions(some)

    logit_of_all = carry.logit(some)
    assert np.isfinite(added.to_numpy()).all()
    assert added.sum(axis=1).diff().iloc[1] == pytest.approx(logit_of_all[1] - logit_of_all[0])
