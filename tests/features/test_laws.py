"""What holds for every history: nothing later counts, and neither do row order nor names."""

from datetime import timedelta
from itertools import combinations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import catalogue
from features.feature import WINDOWS_D
from features.history.history import History
from features.table import feature_table

HORIZON = 45
every_shop = settings(max_examples=6, deadline=None)
seeds = st.integers(0, 10_000)


def table_of(shop, as_of, frames=None, horizon_days=HORIZON):
    history = History(**(frames or shop.frames), mapping=shop.mapping)
    return feature_table(history, as_of, horizon_days)


def assert_same(left, right):
    pd.testing.assert_frame_equal(left, right, rtol=1e-9, atol=1e-9)


def with_rows(shop, table, *rows):
    frame = shop.frame(table, [*shop.rows[table], *rows])
    return {**shop.frames, table: frame}


def edited(shop, table, **changes):
    """Facts filled in where they were still missing, as a shop that updates in place does."""
    rows = [
        {**row, **{name: value for name, value in changes.items() if row[name] is None}}
        for row in shop.rows[table]
    ]
    return {**shop.frames, table: shop.frame(table, rows)}


def a_late_order(shop, as_of):
    before = {"ordered_at": as_of - timedelta(days=3), "recorded_at": as_of}
    order = {"order_id": "late", "customer_id": "c01", "amount": 99.0, **before}
    return with_rows(shop, "orders", order)


def an_order_at_as_of(shop, as_of):
    order = {"order_id": "next", "customer_id": "c01", "ordered_at": as_of, "amount": 99.0}
    return with_rows(shop, "orders", order)


def later_versions_of_every_order(shop, as_of):
    rows = [{**r, "amount": 3 * r["amount"], "recorded_at": as_of} for r in shop.rows["orders"]]
    return with_rows(shop, "orders", *rows)


def later_duplicates_of_every_order(shop, as_of):
    rows = [{**row, "recorded_at": as_of} for row in shop.rows["orders"]]
    return with_rows(shop, "orders", *rows)


def later_refunds(shop, as_of):
    rows = [
        {
            **row,
            "order_id": f"{row['order_id']}-back",
            "amount": -row["amount"],
            "recorded_at": as_of,
        }
        for row in shop.rows["orders"]
    ]
    return with_rows(shop, "orders", *rows)


def a_customer_who_comes_later(shop, as_of):
    order = {"order_id": "n", "customer_id": "newcomer", "ordered_at": as_of, "amount": 5.0}
    customer = {"customer_id": "newcomer", "channel": "catalogue", "size": 7.0}
    frames = with_rows(shop, "orders", order)
    return {**frames, "customers": with_rows(shop, "customers", customer)["customers"]}


def later_feedback(shop, as_of):
    row = {"feedback_id": "late", "customer_id": "c01", "kind": "nps", "score": 0.0}
    row |= {"created_at": as_of - timedelta(days=1), "recorded_at": as_of}
    return with_rows(shop, "feedback", row)


def later_scores(shop, as_of):
    rows = [{**row, "score": 1.0, "recorded_at": as_of} for row in shop.rows["feedback"]]
    return with_rows(shop, "feedback", *rows)


def later_resolutions(shop, as_of):
    rows = [
        {**row, "resolved_at": as_of, "score": 5.0}
        if row["kind"] == "ticket" and row["resolved_at"] is None
        else row
        for row in shop.rows["feedback"]
    ]
    return {**shop.frames, "feedback": shop.frame("feedback", rows)}


def later_redemptions(shop, as_of):
    return edited(shop, "offers", redeemed_at=as_of)


def later_refusals(shop, as_of):
    return edited(shop, "offers", refused_at=as_of)


def later_offers(shop, as_of):
    rows = [{**row, "offered_at": as_of, "campaign_id": "next"} for row in shop.rows["offers"]]
    return with_rows(shop, "offers", *rows)


LEARNT_LATER = [
    a_late_order,
    an_order_at_as_of,
    later_versions_of_every_order,
    later_duplicates_of_every_order,
    later_refunds,
    a_customer_who_comes_later,
    later_feedback,
    later_scores,
    later_resolutions,
    later_redemptions,
    later_refusals,
    later_offers,
]


@pytest.mark.parametrize("learn", LEARNT_LATER, ids=lambda learn: learn.__name__)
@every_shop
@given(seed=seeds)
def test_what_is_learnt_at_or_after_as_of_changes_nothing(learn, messy_shop, as_of, seed):
    shop = messy_shop(seed)
    assert_same(table_of(shop, as_of, learn(shop, as_of)), table_of(shop, as_of))


@pytest.mark.parametrize("learn", LEARNT_LATER, ids=lambda learn: learn.__name__)
def test_what_is_learnt_then_counts_afterwards(learn, messy_shop, as_of):
    shop, afterwards = messy_shop(3), as_of + timedelta(days=1)
    before, after = table_of(shop, afterwards), table_of(shop, afterwards, learn(shop, as_of))
    assert learn is later_duplicates_of_every_order or not before.equals(after)


@every_shop
@given(seed=seeds)
def test_an_updated_customer_changes_nothing(messy_shop, as_of, seed):
    shop = messy_shop(seed, versioned=True)
    rows = [
        {**row, "channel": "phone", "size": 1000.0, "recorded_at": as_of}
        for row in shop.rows["customers"]
    ]
    later = with_rows(shop, "customers", *rows)
    assert_same(table_of(shop, as_of, later), table_of(shop, as_of))


@every_shop
@given(seed=seeds, versioned=st.booleans())
def test_the_table_is_that_of_the_cut_history(messy_shop, as_of, seed, versioned):
    shop = messy_shop(seed, versioned)
    cut = History(**shop.frames, mapping=shop.mapping).upto(as_of)
    assert_same(feature_table(cut, as_of, HORIZON), table_of(shop, as_of))


@every_shop
@given(seed=seeds)
def test_row_order_changes_not_a_bit(messy_shop, as_of, seed):
    shop = messy_shop(seed)
    shuffled = {t: f.sample(frac=1, random_state=seed) for t, f in shop.frames.items()}
    pd.testing.assert_frame_equal(
        table_of(shop, as_of, shuffled), table_of(shop, as_of), check_exact=True
    )


@every_shop
@given(seed=seeds)
def test_a_customer_alone_has_the_same_features_to_the_last_bit(messy_shop, as_of, seed):
    shop = messy_shop(seed)
    table = table_of(shop, as_of)
    for customer in table.index:
        own = {t: f[f["customer_id"] == customer] for t, f in shop.frames.items()}
        pd.testing.assert_frame_equal(
            table_of(shop, as_of, own), table.loc[[customer]], check_exact=True
        )


@every_shop
@given(seed=seeds)
def test_customers_may_have_other_names(messy_shop, as_of, seed):
    shop = messy_shop(seed)
    renamed = {
        table: frame.assign(customer_id=frame["customer_id"].str[::-1])
        for table, frame in shop.frames.items()
    }
    table = table_of(shop, as_of)
    table.index = table.index.str[::-1]
    assert_same(table_of(shop, as_of, renamed), table.sort_index())


@every_shop
@given(seed=seeds, weeks=st.integers(-30, 200))
def test_only_time_before_as_of_matters_not_the_calendar(messy_shop, as_of, seed, weeks):
    shop, shift = messy_shop(seed), timedelta(weeks=weeks)
    moved = {
        table: frame.assign(**{c: frame[c] + shift for c in frame if c.endswith("_at")})
        for table, frame in shop.frames.items()
    }
    assert_same(table_of(shop, as_of + shift, moved), table_of(shop, as_of))


@every_shop
@given(seed=seeds)
def test_the_population_bought_something_before_as_of(messy_shop, as_of, seed):
    shop = messy_shop(seed)
    orders = shop.frames["orders"]
    known = orders[["ordered_at", "recorded_at"]].max(axis=1) < as_of
    buyers = orders.loc[known & (orders["amount"] > 0), "customer_id"]
    assert table_of(shop, as_of).index.to_list() == sorted(buyers.unique())


ABSENT = [c for n in range(4) for c in combinations(["feedback", "offers", "customers"], n)]


@pytest.mark.parametrize("absent", ABSENT, ids="-".join)
def test_columns_do_not_depend_on_the_tables_there_are(absent, messy_shop, as_of):
    shop = messy_shop(5)
    full = table_of(shop, as_of)
    table = table_of(shop, as_of, {t: f for t, f in shop.frames.items() if t not in absent})
    assert list(table) == list(full)
    assert set(table.dtypes.astype(str)) == {"float64"}


@pytest.mark.parametrize("absent", ["feedback", "offers", "customers"])
def test_an_absent_table_is_unknown_or_zero_and_changes_no_other_family(absent, messy_shop, as_of):
    shop = messy_shop(5)
    full = table_of(shop, as_of)
    table = table_of(shop, as_of, {t: f for t, f in shop.frames.items() if t != absent})
    features = catalogue(shop.mapping)
    gone = [feature.name for feature in features if feature.rows == absent]
    zero = [feature.name for feature in features if feature.rows == absent and feature.empty == 0]
    assert (table[zero] == 0).all(axis=None) and table[gone].drop(columns=zero).isna().all(
        axis=None
    )
    rest = [f.name for f in features if f.rows != absent and f.family != absent]
    assert_same(table[rest], full[rest])


@pytest.mark.parametrize("days", [30, 90, 180, 365])
def test_a_window_of_one_horizon_is_the_window_of_as_many_days(days, messy_shop, as_of):
    table = table_of(messy_shop(8), as_of, horizon_days=days)
    assert table["orders_1h"].equals(table[f"orders_{days}d"].rename("orders_1h"))
    assert table["spend_1h"].equals(table[f"spend_{days}d"].rename("spend_1h"))


@every_shop
@given(seed=seeds)
def test_wider_windows_hold_no_less(messy_shop, as_of, seed):
    counts = table_of(messy_shop(seed), as_of)[[*(f"orders_{d}d" for d in WINDOWS_D), "orders"]]
    assert (counts.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
