"""The pilot of the simulated shop, measured as if it had been planned, beside the truth."""

import numpy as np
import pandas as pd
import pytest

from features.history.history import History
from offers.measurement.experiment import Measurement, measure
from simulation import SimulatedShop, oracle_churn_risk, simulate

KINDS = {"discount_10": "discount", "service_recovery": "service_recovery", "points": "points"}


@pytest.fixture(scope="module")
def shop() -> SimulatedShop:
    return simulate(8000, seed=3)


@pytest.fixture(scope="module")
def plan(shop: SimulatedShop) -> pd.DataFrame:
    rows = shop.offers.to_pandas()
    risk = oracle_churn_risk(shop, shop.pilot_at, 90).loc[rows["customer_id"]].to_numpy()
    return pd.DataFrame(
        {
            "campaign_id": "pilot",
            "customer_id": rows["customer_id"],
            "as_of": shop.pilot_at,
            "horizon_days": 90,
            "intended_offer": rows["intended_offer"],
            "arm": np.where(rows["offer_id"] == "none", "holdout", "offer"),
            "explored": False,
            "propensity": rows["propensity"],
            "expected_uplift": 0.0,
            "expected_cost": 5.0,
            "expected_profit": 0.0,
            "churn_risk": risk,
            "clv_if_active": 100.0,
            "reason": "pilot",
            "evidence": "experiment",
            "kind": rows["intended_offer"].map(KINDS),
            "upfront_cost": 0.0,
            "margin_rate": 0.5,
            "currency": "EUR",
        }
    )


@pytest.fixture(scope="module")
def found(shop: SimulatedShop, plan: pd.DataFrame) -> Measurement:
    history = History(shop.orders, offers=shop.offers)
    return measure(history, plan, shop.ends_at)


def test_the_history_and_the_plan_agree(found):
    assert set(found.departures.values()) == {0}
    assert not found.groups["mismatch"].any()
    assert found.groups["cost_recorded"].all()
    assert found.notes == ()


def test_the_true_effects_lie_in_their_intervals(shop, plan, found):
    truth = shop.truth.to_pandas().set_index("customer_id").loc[plan["customer_id"]]
    effects = found.effects[found.effects["figure"] == "retention"].set_index("intended_offer")

    for offer in KINDS:
        true = truth.loc[(plan["intended_offer"] == offer).to_numpy(), f"effect_{offer}"].mean()
        assert effects.loc[offer, "low"] < true < effects.loc[offer, "high"]
        # The oracle's risk says more than any forecast could.
        assert effects.loc[offer, "variance_saved"] > 0.2


def test_the_cost_is_what_the_shop_paid(shop, found):
    paid = shop.offers.to_pandas().query("redeemed_at.notna()")["cost"].sum()

    cost = found.effects.query("intended_offer == 'total' and figure == 'cost'")["estimate"]
    assert cost.item() == pytest.approx(paid)
