"""The shop's flow of orders, on small calendars."""

import narwhals as nw
import numpy as np
import polars as pl
import pytest

from features.history.order_days import order_days, solid
from features.quality.flow import holes, staleness, thin_end


def calendar(orders_by_day):
    days = sorted(orders_by_day)
    schema = {"day": pl.Int64, "orders": pl.Int64}
    return pl.DataFrame({"day": days, "orders": [orders_by_day[d] for d in days]}, schema=schema)


def steady(first, days, orders=10):
    return dict.fromkeys(range(first, first + days), orders)


def test_orders_are_counted_by_calendar_day():
    orders = nw.from_native(pl.LazyFrame({"day": [2.9, 1.0, 1.5]}))
    assert order_days(orders).rows() == [(1, 2), (2, 1)]


def test_a_few_orders_a_year_away_from_all_others_are_stray():
    days = calendar({0: 1, **steady(15_000, 50), 50_000: 1})
    assert solid(days)["day"].to_list() == list(range(15_000, 15_050))


def test_a_hundredth_of_the_orders_a_year_before_the_first_is_stray():
    shop = steady(15_000, 99, 2)
    assert solid(calendar({14_635: 2, **shop}))["day"][0] == 15_000
    assert solid(calendar({14_636: 2, **shop}))["day"][0] == 14_636
    assert solid(calendar({14_635: 3, **shop}))["day"][0] == 14_635


def test_stray_days_may_be_far_from_each_other():
    days = calendar({0: 1, 1_000: 1, **steady(15_000, 50), 50_000: 1, 60_000: 1})
    assert solid(days)["day"].to_list() == list(range(15_000, 15_050))


def test_a_tenth_of_the_orders_is_never_stray():
    days = calendar({**steady(1_000, 5), **steady(15_000, 45)})
    assert solid(days).height == 50


def test_the_oldest_orders_of_a_quiet_year_are_not_stray():
    days = calendar({14_700: 1, **steady(15_000, 50)})
    assert solid(days)["day"][0] == 14_700


@pytest.mark.parametrize(("as_of", "stale"), [(107.0, False), (107.5, True)])
def test_a_daily_shop_is_stale_after_more_than_a_week(as_of, stale):
    assert staleness(calendar(steady(0, 101)), 100.0, as_of).is_stale is stale


def test_a_shop_with_an_order_every_ten_days_may_be_silent_for_a_month():
    days = calendar(dict.fromkeys(range(0, 301, 10), 1))
    found = staleness(days, 300.0, 329.0)
    assert (found.usual_gap_days, found.limit_days, found.is_stale) == (10.0, 30.0, False)


def test_the_rhythm_of_years_ago_does_not_excuse_silence():
    days = calendar({**dict.fromkeys(range(0, 1000, 40), 1), **steady(1000, 400)})
    assert staleness(days, 1399.0, 1410.0).is_stale


def test_a_single_day_of_orders_is_stale_after_three_weeks():
    one = calendar({5: 3})
    assert not staleness(one, 5.0, 26.0).is_stale
    assert staleness(one, 5.0, 26.5).is_stale


def test_a_hole_between_busy_weeks_is_found_with_what_was_to_be_expected():
    days = calendar({**steady(0, 60), **steady(70, 60)})
    assert [(h.first_day, h.days, h.expected_orders) for h in holes(days)] == [(60, 10, 100.0)]


def test_twenty_orders_missing_make_a_hole_and_fewer_do_not():
    either = {day: 2 + day % 2 for day in range(28)}
    after = {day + 36: orders for day, orders in either.items()}
    assert [h.expected_orders for h in holes(calendar({**either, **after}))] == [20.0]
    assert holes(calendar({**either, **after, 36: 1})) == []


def test_what_was_to_be_expected_is_the_lower_rate_of_the_four_weeks_on_either_side():
    days = calendar(
        {**steady(0, 30, 99), **steady(30, 28), **steady(68, 28, 30), **steady(96, 9, 99)}
    )
    assert [h.expected_orders for h in holes(days)] == [100.0]


def test_a_hole_in_a_quiet_shop_is_chance():
    assert holes(calendar({**steady(0, 60, 1), **steady(70, 60, 1)})) == []


def test_six_days_without_orders_are_no_hole():
    assert holes(calendar({**steady(0, 60), **steady(66, 60)})) == []


def test_the_start_of_a_shop_is_no_hole():
    assert holes(calendar({0: 1, 1: 1, **steady(70, 60)})) == []


def test_weeks_with_hardly_an_order_at_the_end_are_found():
    found = thin_end(calendar({**steady(0, 140), 145: 1, 153: 2}))
    assert found is not None
    assert (found.first_day, found.days, found.orders, found.usual_week) == (140, 14, 3, 70.0)


def test_half_an_import_is_seen_within_the_week():
    found = thin_end(calendar({**steady(0, 140), 140: 1, 143: 1}))
    assert (found.first_day, found.days, found.orders) == (140, 4, 2)


def test_orders_dated_ahead_are_a_thin_end():
    found = thin_end(calendar({**steady(0, 140), 160: 1, 190: 2, 229: 1}))
    assert (found.first_day, found.days, found.orders) == (140, 90, 4)


def test_a_long_weekend_is_no_thin_end():
    assert thin_end(calendar({**steady(0, 140), 142: 1})) is None


def test_a_decline_to_half_is_no_thin_end():
    assert thin_end(calendar({**steady(0, 140), **steady(140, 28, 5)})) is None


@pytest.mark.parametrize(("orders", "thin"), [(6, True), (7, False)])
def test_a_week_is_thin_below_a_tenth_of_the_usual(orders, thin):
    found = thin_end(calendar({**steady(0, 140), 146: orders}))
    assert (found is not None) is thin


def test_the_usual_week_is_that_of_the_last_half_year():
    assert thin_end(calendar({**steady(0, 700, 100), **steady(700, 200, 8)})) is None


def test_a_quiet_shop_has_no_thin_end():
    assert thin_end(calendar({**steady(0, 140, 1), 153: 1})) is None


def test_no_days_have_no_end_and_no_holes():
    none = calendar({})
    assert thin_end(none) is None
    assert holes(none) == []
    assert solid(none).is_empty()


def test_random_busy_calendars_raise_no_alarm():
    random = np.random.default_rng(3)
    for _ in range(20):
        days = calendar(dict(enumerate((1 + random.poisson(8, 400)).tolist())))
        assert (holes(days), thin_end(days), solid(days).height) == ([], None, 400)
