import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers.planning.power import (
    CampaignPower,
    customers_to_see,
    detectable_effect,
    hold_out_to_see,
)

RATES, EFFECTS = st.floats(0.01, 0.99), st.floats(0.001, 0.5)


def test_the_detectable_effect_is_that_of_the_textbook():
    """Arms of 392 show a tenth where a half order: 2 / 4 * (1.96 + 0.8416) ** 2 / 0.1 ** 2."""
    assert detectable_effect(392.44, 392.44, 0.5) == pytest.approx(0.1, abs=1e-4)


def test_a_campaign_shows_the_detectable_effect_four_times_in_five():
    """The power by simulation, with the two-sided test of two proportions."""
    treated, held_out, rate = 3000, 600, 0.3
    effect = detectable_effect(treated, held_out, rate)
    random = np.random.default_rng(0)
    with_offer = random.binomial(treated, rate + effect, 20_000) / treated
    without = random.binomial(held_out, rate, 20_000) / held_out
    pooled = (treated * with_offer + held_out * without) / (treated + held_out)
    error = np.sqrt(pooled * (1 - pooled) * (1 / treated + 1 / held_out))

    assert np.mean(np.abs(with_offer - without) > 1.96 * error) == pytest.approx(0.8, abs=0.03)


@given(st.integers(2, 100_000), RATES, EFFECTS)
def test_who_is_to_be_held_out_is_enough_and_one_less_is_not(customers, rate, effect):
    found = hold_out_to_see(effect, customers, rate)

    if found is None:
        half = customers // 2
        assert detectable_effect(customers - half, half, rate) > effect * (1 - 1e-9)
        return
    assert 1 <= found <= (customers + 1) // 2
    assert detectable_effect(customers - found, found, rate) <= effect * (1 + 1e-9)
    fewer = found - 1
    assert detectable_effect(customers - fewer, fewer, rate) >= effect * (1 - 1e-9)


@given(RATES, EFFECTS)
def test_so_many_customers_show_the_effect_with_half_of_them_held_out(rate, effect):
    customers = customers_to_see(effect, rate)

    assert detectable_effect(customers / 2, customers / 2, rate) <= effect * (1 + 1e-9)
    less = (customers - 1) / 2
    assert detectable_effect(less, less, rate) >= effect * (1 - 1e-9)


@given(st.integers(1, 9999), st.integers(1, 9999), RATES)
def test_more_customers_show_smaller_effects(treated, held_out, rate):
    found = detectable_effect(treated, held_out, rate)

    assert 0 < detectable_effect(treated + 1, held_out, rate) < found
    assert detectable_effect(treated, held_out + 1, rate) < found


def test_without_an_arm_nothing_can_be_shown():
    power = CampaignPower(treated=20, held_out=0, rate=0.4, expected=0.05)

    assert math.isinf(power.detectable) and power.hold_out is None


def test_an_effect_that_is_not_expected_to_help_needs_no_holdout():
    assert CampaignPower(500, 500, 0.4, -0.01).hold_out is None
