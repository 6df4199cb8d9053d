import numpy as np
import pandas as pd
import polars as pl
import pytest

from features.clock import as_instant
from features.history.history import History
from training.btyd import MBGNBD
from training.btyd.population import PopulationModel
from training.panel.snapshot import Snapshot
from training.panel.tracking import weekly_orders

PARAMETERS = {"r": 0.5, "alpha": 10.0, "a": 0.8, "b": 2.0}
# Days around the origin, 20000: a bought three times before it, b once, c only after it.
DAYS = {"a": (-14, -10, -1, 0, 6, 7, 13, 14), "b": (-3, 3), "c": (2, 5)}


@pytest.fixture(scope="module")
def weeks() -> pd.DataFrame:
    rows = [(customer, 20_000.5 + day) for customer, days in DAYS.items() for day in days]
    orders = pl.DataFrame(
        {
            "order_id": [str(number) for number in range(2 * len(rows))],
            "customer_id": [customer for customer, _ in rows] * 2,
            "ordered_at": [str(as_instant(day)) for _, day in rows] * 2,
            "amount": [5.0] * len(rows) * 2,
        }
    )
    X = pd.DataFrame(index=pd.Index(["a", "b"], name="customer_id"))
    btyd = PopulationModel(PARAMETERS, 0.0, 1.0)
    snapshot = Snapshot(20_000.0, X, np.zeros(2), np.zeros(2), btyd)
    return weekly_orders(History(orders).upto(20_030.0), snapshot, 17)


def test_whole_weeks_before_and_after_the_origin(weeks):
    assert [day.toordinal() for day in weeks["week"]] == [
        as_instant(20_000.0 + day).toordinal() for day in (-14, -7, 0, 7)
    ]
    assert weeks["is_after"].tolist() == [False, False, True, True]


def test_repeat_days_of_known_customers_are_counted_once(weeks):
    assert weeks["orders"].tolist() == [1, 1, 3, 2]


def test_expected_is_what_a_new_customer_is_expected_to_do(weeks):
    model = MBGNBD.from_parameters(PARAMETERS)

    def after(days: float) -> float:
        return float(model.expected_purchases(days, [0.0], [0.0], [0.0])[0])

    # To the end of the week, from the first purchase: a's 13 days before, b's 2 days before.
    of_a = np.diff([0.0, after(6), after(13), after(20), after(27)])
    of_b = np.diff([0.0, 0.0, after(2), after(9), after(16)])
    assert weeks["expected"].tolist() == pytest.approx((of_a + of_b).tolist())
