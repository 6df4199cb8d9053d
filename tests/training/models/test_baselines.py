import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from training.models.baselines import (
    SIGNALS,
    LogisticRule,
    expected_at_past_rate,
    log_rate,
    log_recency,
)

TWO_KINDS = pd.DataFrame(
    {
        "recency_over_horizon": np.repeat([0.1, 2.0], 500),
        "purchase_days": np.repeat([6.0, 1.0], 500),
        "age_over_horizon": np.repeat([3.0, 4.0], 500),
    }
)
CHURNED = np.concatenate([np.repeat([1.0, 0.0], [150, 350]), np.repeat([1.0, 0.0], [450, 50])])


def test_the_expected_purchases_are_those_of_the_age_and_one_horizon_more():
    X = pd.DataFrame({"purchase_days": [1.0, 6.0], "age_over_horizon": [0.0, 2.0]})

    assert expected_at_past_rate(X).tolist() == [1.0, 2.0]
    assert log_rate(X) == pytest.approx([0.0, np.log(2.0)])


def test_recency_is_in_horizons():
    X = pd.DataFrame({"recency_over_horizon": [0.0, 0.99]})

    assert log_recency(X) == pytest.approx([np.log(0.01), 0.0])


@pytest.mark.parametrize("name", ["recency_rule", "past_rate"])
def test_with_two_kinds_of_customers_a_rule_gives_their_churn_rates(name):
    rule = LogisticRule.fit(name, TWO_KINDS, CHURNED)

    assert rule.predict(TWO_KINDS)[[0, -1]] == pytest.approx([0.3, 0.9], abs=1e-4)


def test_the_base_rate_is_the_same_of_everybody():
    rule = LogisticRule.fit("base_rate", TWO_KINDS, CHURNED)

    assert rule.predict(TWO_KINDS) == pytest.approx(CHURNED.mean(), abs=1e-4)


def test_the_slope_is_that_of_the_closed_form():
    rule = LogisticRule.fit("past_rate", TWO_KINDS, CHURNED)

    low, high = np.log(1 / 5), np.log(6 / 4)
    assert rule.slope == pytest.approx((logit(0.9) - logit(0.3)) / (low - high), rel=1e-3)
    assert rule.centre == pytest.approx((low + high) / 2)
    assert rule.intercept == pytest.approx((logit(0.9) + logit(0.3)) / 2, rel=1e-3)


@pytest.mark.parametrize("name", SIGNALS)
def test_the_contribution_and_the_intercept_are_the_logit(name):
    rule = LogisticRule.fit(name, TWO_KINDS, CHURNED)

    added = rule.contributions(TWO_KINDS)

    assert list(added) == [SIGNALS[name].feature]
    logits = rule.intercept + added.sum(axis=1).to_numpy()
    assert expit(logits) == pytest.approx(rule.predict(TWO_KINDS))
