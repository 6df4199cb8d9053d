"""The suggested horizon, on shops whose rhythm is known."""

import os
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.history.history import History
from features.intake.mapping import Mapping
from features.quality.suggestion import HORIZONS, suggest_horizon

START = date(2020, 1, 1)
END = "2030-01-01"
DATA = Path(os.environ.get("HOLDFAST_DATA", Path(__file__).parents[4] / "shared" / "data"))


def frame(days_by_customer):
    """One order of 10 for each customer and day."""
    rows = [
        (f"{customer}-{i}", customer, START + timedelta(days=day), 10.0)
        for customer, days in days_by_customer.items()
        for i, day in enumerate(days)
    ]
    names = ["order_id", "customer_id", "ordered_at", "amount"]
    return pl.DataFrame(rows, schema=names, orient="row")


def suggested(days_by_customer, as_of=END, **settings):
    return suggest_horizon(History(frame(days_by_customer), mapping=Mapping(**settings)), as_of)


def every(step, until=720, customers=20):
    return {f"c{i}": range(i % 5, until, step) for i in range(customers)}


@pytest.mark.parametrize(
    ("step", "horizon"), [(1, 7), (7, 7), (12, 14), (28, 30), (58, 60), (80, 90), (160, 180)]
)
def test_a_shop_with_one_rhythm_gets_the_nearest_customary_horizon(step, horizon):
    found = suggested(every(step))
    assert (found.wanted_days, found.horizon_days) == (step, horizon)


def test_the_horizon_fits_three_times_into_the_span():
    found = suggested(every(80, until=241))
    assert (found.wanted_days, found.horizon_days) == (80.0, 60)
    assert "must hold the horizon three times" in found.explanation


def test_a_recording_lag_takes_from_the_span():
    assert suggested(every(28, until=113)).horizon_days == 30
    assert suggested(every(28, until=113), recording_lag_days=25.0).horizon_days == 14


def test_purchases_still_open_count_for_as_long_as_they_were_watched():
    quick = {f"quick{i}": (0, 30) for i in range(40)}
    slow = {f"slow{i}": (0, 90) for i in range(8)}
    late = {f"late{i}": (140,) for i in range(400)}
    found = suggested({**quick, **slow, **late, "last": (200,)})
    assert found.wanted_days == 90.0
    assert found.repeat_purchases == 48
    by_60, by_100 = 40 / 496, 1 - (456 / 496) * (48 / 56)
    assert found.horizon_days == 60
    assert found.share_within == pytest.approx(by_60 / by_100)


def test_intervals_longer_than_half_of_the_history_are_not_overlooked():
    found = suggested(every(365, until=600, customers=50))
    assert (found.wanted_days, found.horizon_days) == (365.0, 120)
    assert "within 369 days (all of the history)" in found.explanation


def test_the_explanation_says_what_was_counted():
    found = suggested(every(28))
    assert found.explanation == (
        "Of the repeat purchases that come within 352 days (half of the history), 80% have come "
        "28 days after the purchase before; at 30 days it is 100%. Counted from 500 repeat "
        "purchases; purchases not yet followed by another count as still open, and no customer "
        "for more than 10 purchases."
    )


def test_a_horizon_may_be_exactly_a_third_of_the_span():
    found = suggested({**{f"c{i}": (0, 28, 56) for i in range(20)}, "last": (89,)})
    assert (found.span_days, found.horizon_days) == (90, 30)
    assert found.explanation.endswith("10 purchases.")


@pytest.mark.parametrize(("customers", "wanted"), [(29, None), (30, 20.0)])
def test_thirty_repeat_purchases_are_enough(customers, wanted):
    shop = {f"c{i}": (0, 20) for i in range(customers)}
    assert suggested({**shop, "last": (200,)}).wanted_days == wanted


def test_a_customer_counts_for_at_most_ten_purchases():
    many = {"reseller": range(0, 720)}
    assert suggested({**every(60), **many}).horizon_days == 60


def test_days_on_which_one_bought_twice_count_once():
    once = every(30)
    twice = {customer: [day for day in days for _ in (1, 2)] for customer, days in once.items()}
    assert suggested(twice) == suggested(once)


def test_refunds_and_empty_orders_are_no_purchases():
    orders = frame(every(30))
    after = orders.with_columns(
        pl.col("order_id") + "-r",
        pl.col("ordered_at").dt.offset_by("3d"),
        pl.lit(0.0).alias("amount"),
    )
    refunds = after.with_columns(pl.col("order_id") + "r", pl.lit(-5.0).alias("amount"))
    found = suggest_horizon(History(pl.concat([orders, after, refunds])), END)
    assert found == suggest_horizon(History(orders), END)


def test_too_few_repeat_purchases_give_the_customary_horizon():
    found = suggested({f"c{i}": (i,) for i in range(400)} | {"back": (0, 5)})
    assert (found.horizon_days, found.wanted_days, found.repeat_purchases) == (90, None, 1)
    assert "Repeat purchases seen: 1," in found.explanation


def test_too_few_repeat_purchases_in_a_short_history_give_what_fits():
    found = suggested({f"c{i}": (i,) for i in range(100)})
    assert found.horizon_days == 30
    assert "30 fit three times into the history's 100 days" in found.explanation


def test_a_history_too_short_to_label_a_week_says_so():
    found = suggested(every(2, until=12))
    assert found.horizon_days == 7
    assert "too short to learn and judge" in found.explanation


def test_a_history_without_orders_gets_the_customary_horizon():
    found = suggested(every(30), as_of="2019-01-01")
    assert (found.horizon_days, found.span_days) == (90, 0)


def test_a_stray_date_changes_nothing():
    shop = every(30)
    assert suggested({**shop, "old": (-15_000,), "typo": (3_000,)}).horizon_days == 30


def test_silence_before_as_of_changes_nothing():
    assert suggested(every(30), as_of="2022-01-01") == suggested(every(30), as_of="2026-01-01")


def test_duckdb_gives_the_same_suggestion():
    orders = frame({**every(30), **every(45, customers=7)})
    connection = duckdb.connect()
    connection.register("orders", orders.to_arrow())
    elsewhere = History(connection.table("orders"))
    assert suggest_horizon(elsewhere, END) == suggest_horizon(History(orders), END)


purchases = st.dictionaries(
    st.sampled_from("abcdefghijkl"),
    st.lists(st.integers(0, 400), min_size=1, max_size=12),
    min_size=1,
)


@settings(max_examples=40, deadline=None)
@given(shop=purchases, cut=st.integers(50, 401))
def test_the_suggestion_uses_only_what_was_known_before_as_of(shop, cut):
    as_of = START + timedelta(days=cut)
    known = {customer: [d for d in days if d < cut] for customer, days in shop.items()}
    orders = frame(known)
    if orders.is_empty():
        return
    whole, past = History(frame(shop)), History(orders)
    found = suggest_horizon(whole, as_of)
    assert found == suggest_horizon(past, as_of)
    assert found.horizon_days in HORIZONS
    assert found.horizon_days <= max(found.span_days / 3, 7)


@settings(max_examples=25, deadline=None)
@given(shop=purchases, seed=st.integers(0, 99))
def test_the_order_of_rows_and_the_names_of_customers_mean_nothing(shop, seed):
    orders = frame({c: [*days, *range(0, 390, 30)] for c, days in shop.items()})
    other = orders.sample(fraction=1.0, shuffle=True, seed=seed).with_columns(
        pl.col("customer_id").str.replace_many(list("abcdef"), list("zyxwvu"))
    )
    assert suggest_horizon(History(other), END) == suggest_horizon(History(orders), END)


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the real data, see HOLDFAST_DATA")
@pytest.mark.parametrize(
    ("file", "as_of", "horizon"),
    [
        ("online_retail_ii/orders.parquet", "2011-09-10", 120),
        ("cdnow/orders.parquet", "1998-04-01", 90),
        ("olist/orders.parquet", "2018-05-01", 180),
    ],
)
def test_real_shops_get_a_horizon_that_practitioners_use(file, as_of, horizon):
    assert suggest_horizon(History.open(DATA / file), as_of).horizon_days == horizon
