import io
from datetime import datetime

import pandas as pd
import pytest

from offers.errors import OffersError
from offers.planning.plan_columns import COLUMNS
from offers.planning.plan_table import PlanTable


def plan() -> pd.DataFrame:
    """Three customers: one to be treated, one held out, one for whom nothing is intended."""
    return pd.DataFrame(
        {
            "campaign_id": "spring",
            "customer_id": ["007", "c2", "c3"],
            "as_of": pd.Timestamp("2025-03-01"),
            "horizon_days": 90,
            "intended_offer": ["points", "points", "none"],
            "arm": ["offer", "holdout", "none"],
            "explored": [False, True, False],
            "propensity": [0.86, 0.1, 0.96],
            "expected_uplift": [0.05, 0.04, 0.0],
            "expected_cost": [2.0, 2.0, 0.0],
            "expected_profit": [3.0, 1.0, 0.0],
            "churn_risk": [0.6, 0.7, 0.1],
            "clv_if_active": [100.0, 80.0, 20.0],
            "reason": ["high value", "high value", ""],
            "evidence": ["prior", "experiment", None],
            "kind": ["points", "points", None],
            "upfront_cost": [1.0, 1.0, 0.0],
            "margin_rate": 0.4,
            "currency": "EUR",
        }
    )[list(COLUMNS)]


def test_what_all_rows_share_is_known():
    table = PlanTable.of(plan())

    assert table.campaign_id == "spring"
    assert table.as_of == datetime(2025, 3, 1)
    assert (table.horizon_days, table.margin_rate, table.currency) == (90, 0.4, "EUR")


def test_the_experiment_is_who_was_to_get_something():
    assert PlanTable.of(plan()).experiment["customer_id"].tolist() == ["007", "c2"]


@pytest.mark.parametrize("dtype", [str, {"customer_id": str}])
def test_a_plan_from_a_csv_file_is_the_same(dtype):
    text = plan().to_csv(index=False)

    table = PlanTable.of(pd.read_csv(io.StringIO(text), dtype=dtype))

    expected = PlanTable.of(plan())
    told = ["reason", "evidence", "kind"]
    pd.testing.assert_frame_equal(
        table.rows.drop(columns=told), expected.rows.drop(columns=told), check_dtype=False
    )
    assert table.as_of == expected.as_of


def test_a_plan_from_a_parquet_file_is_the_same(tmp_path):
    plan().to_parquet(tmp_path / "plan.parquet")

    table = PlanTable.of(pd.read_parquet(tmp_path / "plan.parquet"))

    pd.testing.assert_frame_equal(table.rows, PlanTable.of(plan()).rows, check_dtype=False)


def test_the_frame_that_is_given_stays_as_it_is():
    given = plan().set_index(pd.Index([5, 6, 7]))
    before = given.copy()

    PlanTable.of(given)

    pd.testing.assert_frame_equal(given, before)


def test_other_columns_are_left_out_and_a_currency_may_be_unknown():
    table = PlanTable.of(plan().assign(note="call first", currency=None))

    assert list(table.rows) == list(COLUMNS)
    assert table.currency is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"customer_id": [7, "c2", "c3"]}, "customer_id of a plan must be text; got 7"),
        ({"customer_id": ["c1", "c2", "c2"]}, "customer_id of a plan must be in a plan once"),
        ({"arm": ["offer", "test", "none"]}, "arm of a plan must be offer, holdout or none"),
        ({"arm": ["offer", "none", "none"]}, "arm of a plan must be none where"),
        ({"arm": ["offer", "holdout", "offer"]}, "arm of a plan must be none where"),
        ({"intended_offer": ["points", None, "none"]}, "intended_offer of a plan must be text"),
        ({"intended_offer": ["points", "total", "none"]}, "must be no offer named total"),
        ({"propensity": [0.0, 0.1, 1.0]}, "propensity of a plan must be above 0 and at most 1"),
        ({"propensity": ["high", 0.1, 1.0]}, "got 'high' for customer '007'"),
        ({"churn_risk": [1.2, 0.5, 0.5]}, "churn_risk of a plan must be from 0 to 1; got 1.2"),
        ({"churn_risk": [None, 0.5, 0.5]}, "churn_risk of a plan must be from 0 to 1; got nan"),
        ({"clv_if_active": [-1.0, 5.0, 5.0]}, "clv_if_active of a plan must be an amount"),
        ({"expected_profit": [float("inf"), 1.0, 0.0]}, "must be an amount; got inf"),
        ({"horizon_days": 0}, "horizon_days of a plan must be a whole number of days above 0"),
        ({"horizon_days": 30.5}, "horizon_days of a plan must be a whole number of days"),
        ({"margin_rate": 0}, "margin_rate of a plan must be a number above 0; got 0"),
        ({"explored": ["no", "yes", "no"]}, "explored of a plan must be true or false; got 'no'"),
        ({"as_of": "soon"}, "as_of of a plan must be an instant; got 'soon'"),
        ({"evidence": ["guess", "prior", None]}, "evidence of a plan must be experiment or prior"),
        ({"kind": None}, "kind of a plan must be given"),
        ({"campaign_id": ["spring", "may", "may"]}, "got 'spring' and 'may'. Measure one plan"),
        ({"as_of": ["2025-03-01", "2025-03-02", "2025-03-02"]}, "as_of must be the same in all"),
    ],
)
def test_a_plan_that_cannot_be_right_is_refused(changes, words):
    with pytest.raises(OffersError, match=words):
        PlanTable.of(plan().assign(**changes))


def test_missing_columns_are_named():
    with pytest.raises(OffersError, match=r"got none named \['arm', 'kind'\]"):
        PlanTable.of(plan().drop(columns=["arm", "kind"]))


def test_a_plan_without_rows_is_refused():
    with pytest.raises(OffersError, match="must have at least one row"):
        PlanTable.of(plan().head(0))
