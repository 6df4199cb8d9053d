"""What a history is enough for."""

from datetime import date, timedelta

import polars as pl
import pytest

from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.quality.context import gather
from features.quality.readiness import LabelCounts, label_counts, labelled, readiness

ENOUGH = LabelCounts(90, 1, 19_000.0, 100, 50, 10)
START = date(2024, 1, 1)


def context(days_by_customer, as_of=None, free=None, **settings):
    """Orders of 10 on the given days, and orders of nothing on the days of `free`."""
    rows = [
        (f"{customer}-{i}", customer, START + timedelta(days=day), 10.0)
        for customer, days in days_by_customer.items()
        for i, day in enumerate(days)
    ]
    rows += [(f"{c}-x", c, START + timedelta(days=day), 0.0) for c, day in (free or {}).items()]
    names = ["order_id", "customer_id", "ordered_at", "amount"]
    mapping = Mapping(**settings)
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return gather(take_in({"orders": frame}, mapping), mapping, as_of)


def test_enough_of_everything_is_enough_for_all():
    assert [(r.method, r.ready) for r in readiness(ENOUGH)] == [
        ("rule", True),
        ("btyd", True),
        ("pool", True),
    ]


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"snapshots": 0}, "0 labelled snapshots, 1 needed"),
        ({"customers": 99}, "99 customers at the last snapshot, 100 needed"),
        ({"repeat_buyers": 9}, "9 repeat buyers, 10 needed"),
        ({"returned": 9}, "9 customers who came back, 10 needed"),
        ({"returned": 91}, "9 customers who did not come back, 10 needed"),
    ],
)
def test_the_pool_says_what_is_missing(change, missing):
    pool = readiness(LabelCounts(**{**vars(ENOUGH), **change}))[2]
    assert not pool.ready
    assert pool.missing == (missing,)
    assert missing in pool.explanation


def test_nothing_labelled_is_enough_for_nothing():
    found = readiness(LabelCounts(90, 0, None, 0, 0, 5_000))
    assert not any(r.ready for r in found)
    assert all("0 labelled snapshots" in r.missing[0] for r in found)


def test_customers_are_counted_as_known_at_the_last_labelled_snapshot():
    shop = {"both": (0, 85), "lost": (1,), "edge": (60,), "young": (70,), "end": (89,)}
    found = labelled(context(shop), 30)
    assert found == LabelCounts(
        30, 2, found.last_snapshot, customers=2, returned=1, repeat_buyers=1
    )
    assert found.last_snapshot == (START - date(1970, 1, 1)).days + 60


@pytest.mark.parametrize(("day", "returned"), [(59, 0), (60, 1), (89, 1), (90, 0)])
def test_the_label_window_is_half_open(day, returned):
    shop = {"a": (0, day), "end": (94,)}
    assert labelled(context(shop, recording_lag_days=5.0), 30).returned == returned


def test_an_order_of_nothing_is_no_return():
    assert labelled(context({"a": (0,), "b": (0, 89)}, free={"a": 70}), 30).returned == 1


@pytest.mark.parametrize(("horizon", "days"), [(20, 34), (30, 60), (90, 135)])
def test_a_span_of_a_horizon_and_days_to_look_back_on_has_one_snapshot(horizon, days):
    assert labelled(context({"a": (0, days - 1)}), horizon).snapshots == 1
    assert labelled(context({"a": (0, days - 2)}), horizon).snapshots == 0


def test_what_a_training_may_count_on_is_what_a_check_tells():
    """The same history, cut for a training and looked at by a check."""
    shop = {"a": (0, 5, 89), "b": (10,), "c": (40, 41), "late": (70,), "d": (2, 60)}
    looked_at = context(shop, as_of=(START - date(1970, 1, 1)).days + 90.0)

    assert label_counts(looked_at.past, 30) == labelled(looked_at, 30)


def test_a_recording_lag_moves_the_last_snapshot_back():
    at_once = labelled(context({"a": (0, 89)}), 30)
    late = labelled(context({"a": (0, 89)}, recording_lag_days=5.0), 30)
    assert at_once.last_snapshot - late.last_snapshot == 5.0


def test_orders_after_as_of_teach_nothing():
    as_of = (START - date(1970, 1, 1)).days + 90.0
    shop = {"a": (0, 89), "b": (10, 80)}
    more = {**shop, "c": (95,), "d": (20, 200)}
    expected = labelled(context({**shop, "d": (20,)}), 30)
    assert labelled(context(more, as_of), 30) == expected


def test_no_orders_teach_nothing():
    assert labelled(context({"a": (5,)}, as_of=0.0), 30) == LabelCounts(30, 0, None, 0, 0, 0)
