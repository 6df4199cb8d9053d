"""Frames in memory: what a notebook holds comes in unharmed, or is refused."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from features.clock import as_day
from features.errors import HistoryError
from features.history.history import History
from features.intake.dataframes import as_lazy, series_of
from features.intake.mapping import Mapping


def orders_of(columns, make=pd.DataFrame, **settings):
    """Orders of a frame whose columns are replaced by those given."""
    rows = len(next(iter(columns.values())))
    plain = {
        "order_id": [f"o{i}" for i in range(rows)],
        "customer_id": ["a"] * rows,
        "ordered_at": ["2024-01-05"] * rows,
        "amount": [10.0] * rows,
    }
    history = History(make({**plain, **columns}), mapping=Mapping(**settings))
    return history.orders.collect("polars").to_native().sort("order_id")


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (pd.Series([13085.0, float("nan")]), "13085"),
        (pd.Series([13085, None], dtype="Int64"), "13085"),
        (pd.Series(["00001", None]), "00001"),
        (pd.Series(["00001", None], dtype=object), "00001"),
        (pd.Series(["00001", None], dtype="string"), "00001"),
        (pd.Series(["00001", None], dtype="category"), "00001"),
        (pd.Series([13085, None], dtype="category"), "13085"),
        (pd.Series([13085, None], dtype=object), "13085"),
        (pd.Series([Decimal("13085.00"), None]), "13085"),
        (pd.Series([UUID(int=7), None]), "00000000-0000-0000-0000-000000000007"),
        (pd.Series([" 7 ", "  "]), "7"),
        (pd.Series([0.1, float("inf")]), "0.1"),
    ],
)
def test_an_id_is_text_whatever_pandas_made_of_it(ids, expected):
    history = History(
        pd.DataFrame(
            {
                "order_id": ["1", "2", "3"],
                "customer_id": [*ids, "someone"]
                if ids.dtype == object
                else pd.concat([ids, ids[:1]]),
                "ordered_at": "2024-01-05",
                "amount": 1.0,
            }
        )
    )
    assert history.orders.collect()["customer_id"].to_list()[0] == expected
    assert len(history.orders.collect()) == 2


def test_numbers_and_text_in_one_column_become_text():
    """As pandas reads the invoice numbers of Online Retail II from Excel."""
    orders = orders_of({"order_id": pd.Series([489434, "C489449", 489435.0], dtype=object)})
    assert orders["order_id"].to_list() == ["489434", "489435", "C489449"]


def test_mixed_amounts_are_read_in_the_shops_notation():
    mixed = pd.Series([12.5, "1.000,25", Decimal("3.75"), 7], dtype=object)
    orders = orders_of({"amount": mixed}, decimal=",")
    assert orders["amount"].to_list() == [12.5, 1000.25, 3.75, 7.0]


def test_dates_and_datetimes_in_one_column_keep_their_hours():
    mixed = pd.Series([date(2024, 1, 5), datetime(2024, 1, 5, 18)], dtype=object)
    assert orders_of({"ordered_at": mixed})["day"].to_list() == [19727.0, 19727.75]


def test_instants_of_several_zones_in_one_column_are_moved():
    east = timezone(timedelta(hours=9))
    mixed = pd.Series([datetime(2024, 1, 5, tzinfo=UTC), datetime(2024, 1, 5, tzinfo=east)])
    days = orders_of({"ordered_at": mixed.astype(object)}, timezone="Europe/Paris")["day"]
    assert days.to_list() == [as_day("2024-01-05T01:00"), as_day("2024-01-04T16:00")]


@pytest.mark.parametrize(
    "amounts",
    [
        pd.Series([Decimal("12.50"), None]),
        pd.Series([12.5, None], dtype="Float64"),
        pd.Series(["12.50", None]),
        pd.Series(["12.50", ""], dtype="category"),
        pd.Series([12.5, None], dtype=object),
    ],
)
def test_an_amount_is_a_number_however_it_is_stored(amounts):
    assert orders_of({"amount": amounts})["amount"].to_list() == [12.5]


@pytest.mark.parametrize(
    "times",
    [
        pd.to_datetime(pd.Series(["2024-01-05T12:00", None])),
        pd.to_datetime(pd.Series(["2024-01-05T12:00Z", None])),
        pd.Series([datetime(2024, 1, 5, 12), None], dtype=object),
        pd.Series(["2024-01-05 12:00", None], dtype="category"),
    ],
)
def test_a_time_is_a_day_however_it_is_stored(times):
    assert orders_of({"ordered_at": times})["day"].to_list() == [19727.5]


@pytest.mark.parametrize("value", [float("nan"), None])
def test_nan_in_a_polars_frame_is_nothing_given(value):
    orders = orders_of({"discount_amount": [1.5, value]}, pl.DataFrame)
    assert orders["discount_amount"].to_list() == [1.5, None]


def test_infinity_is_no_amount():
    assert orders_of({"amount": [float("inf"), 2.0]}, pl.DataFrame)["amount"].to_list() == [2.0]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_the_callers_frame_is_left_as_it_was(make):
    columns = {"order_id": [1], "customer_id": [2], "ordered_at": ["2024-01-05"], "amount": [3]}
    frame = make(columns)
    History(frame).upto("2024-02-01")
    assert frame.equals(make(columns))


@pytest.mark.parametrize(
    "frame", [[1, 2], {"order_id": [1]}, "orders.csv", pd.Series([1]), pa.table({"order_id": [1]})]
)
def test_what_is_no_frame_is_refused(frame):
    with pytest.raises(HistoryError, match="orders must be a pandas, Polars, DuckDB or PySpark"):
        as_lazy("orders", frame)


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(HistoryError, match="orders has two columns of one name"):
        as_lazy("orders", pd.DataFrame([[1, 2]], columns=["amount", "amount"]))


def test_a_pandas_column_of_lists_and_numbers_is_of_no_harm():
    orders = orders_of({"tags": pd.Series([["x"], 3], dtype=object)})
    assert orders.height == 2


def test_frames_of_several_engines_are_refused():
    orders = pd.DataFrame({"order_id": ["1"], "customer_id": ["a"]})
    with pytest.raises(HistoryError, match="all frames of a history must be of one engine"):
        History(orders, customers=duckdb.sql("SELECT 'a' AS customer_id"))


def test_pandas_and_polars_frames_may_meet():
    customers = pl.DataFrame({"customer_id": ["a"]})
    orders = pd.DataFrame(
        {"order_id": ["1"], "customer_id": ["a"], "ordered_at": ["2024-01-05"], "amount": [1.0]}
    )
    assert len(History(orders, customers=customers).customers.collect()) == 1


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, None], pl.Int64),
        ([1, 2.5], pl.Float64),
        (["1", 2], pl.String),
        ([datetime(2024, 1, 5), None], pl.Datetime("us")),
        ([UUID(int=1)], pl.String),
        ([None], pl.Null),
        ([], pl.Null),
    ],
)
def test_python_values_become_a_column_of_one_type(values, dtype):
    assert series_of("x", values).dtype == dtype
