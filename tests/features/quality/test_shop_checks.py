"""Problems of the shop as its orders show it: on a history that has each, and one that has not."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from features.clock import as_day
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.quality.context import gather
from features.quality.flow import Staleness
from features.quality.shop_checks import (
    dominating_customers,
    dominating_orders,
    excess_refunds,
    guest_ids,
    no_orders,
    one_time_buyers,
    only_dates,
    silent_weeks,
    stale,
    strangers,
    stray_dates,
    zero_amounts,
)

START = datetime(2024, 1, 1, 12)
HEAD = ["order_id", "customer_id", "ordered_at", "amount"]


def shop(*rows):
    """Orders of (customer, day, amount), numbered from 0."""
    data = [(str(i), c, START + timedelta(days=d), float(a)) for i, (c, d, a) in enumerate(rows)]
    schema = {
        **dict.fromkeys(HEAD, pl.String),
        "ordered_at": pl.Datetime("us"),
        "amount": pl.Float64,
    }
    return pl.DataFrame(data, schema=schema, orient="row")


def crowd(customers=200, orders=2, amount=10.0):
    return [(f"c{i}", i % 50 + 60 * j, amount) for i in range(customers) for j in range(orders)]


def context(orders, as_of=None, **others):
    intakes = take_in({"orders": orders, **others}, Mapping())
    return gather(intakes, Mapping(), None if as_of is None else as_day(as_of))


def found(look, orders, as_of=None, **others):
    return list(look(context(orders, as_of, **others)))


def only(problems):
    assert len(problems) == 1, problems
    return problems[0]


def test_a_history_without_a_single_purchase_is_an_error():
    assert only(found(no_orders, shop(("a", 0, -5), ("", 1, 5)))).severity == "error"
    assert only(found(no_orders, shop(("a", 0, 5)), as_of="2023-01-01")).rows == 1
    assert found(no_orders, shop(("a", 0, 5))) == []


def test_dates_far_from_all_others_are_told_even_after_as_of():
    orders = shop(*crowd(), ("typo", 40_000, 10), ("epoch", -15_000, 10))
    problem = only(found(stray_dates, orders, as_of="2024-06-01"))
    assert (problem.rows, problem.example) == (2, "2133-07-08")
    assert "between 2024-01-01 and 2024-04-19" in problem.message


def test_a_young_shop_has_no_stray_dates():
    assert found(stray_dates, shop(*crowd())) == []


def test_zero_amounts_are_counted_with_and_without_customer():
    orders = shop(("a", 0, 0), ("", 1, 0), ("b", 2, 5), ("", 3, 0))
    problem = only(found(zero_amounts, orders))
    assert (problem.rows, problem.example) == (3, "order_id = '0'")
    assert "amount 0, 1 with a customer" in problem.message


def test_zero_amounts_after_as_of_do_not_count():
    orders = shop(("a", 0, 5), ("a", 40, 0))
    assert found(zero_amounts, orders, as_of="2024-02-01") == []


def test_customers_who_got_back_more_than_they_paid_are_told():
    orders = shop(*crowd(), ("x", 0, 10), ("x", 3, -6), ("x", 4, -6))
    problem = only(found(excess_refunds, orders))
    assert (problem.rows, problem.severity) == (2, "info")
    assert problem.example == "customer_id = 'x'"


def test_many_of_them_are_a_warning():
    assert only(found(excess_refunds, shop(("a", 0, 10), ("b", 0, -1)))).severity == "warning"


def test_a_refund_in_full_is_no_excess():
    orders = shop(("a", 0, 0.1), ("a", 1, 0.2), ("a", 3, -0.3))
    assert found(excess_refunds, orders) == []


def test_an_order_a_hundred_times_the_average_is_told_with_its_refund():
    whale = [("whale", 5, 4_000.0), ("whale", 5, -4_000.0)]
    problem = only(found(dominating_orders, shop(*crowd(), *whale)))
    assert problem.rows == 2
    assert problem.example == "order 400 of customer whale: 4,000.00"
    assert "33.3% of all" in problem.message


def test_a_large_order_that_the_average_can_bear_is_not_told():
    assert found(dominating_orders, shop(*crowd(), ("whale", 5, 900.0))) == []


def test_an_order_known_only_after_as_of_does_not_dominate():
    orders = shop(*crowd(), ("whale", 300, 9_000.0))
    assert found(dominating_orders, orders, as_of="2024-09-01") == []


def test_a_customer_with_most_of_the_money_is_told():
    reseller = [("reseller", day, 500.0) for day in range(100)]
    problem = only(found(dominating_customers, shop(*crowd(), *reseller)))
    assert (problem.rows, problem.example) == (100, "customer reseller: 50,000.00")
    assert "92.6% of all" in problem.message
    assert "186 times the average" in problem.message
    assert problem.message.startswith("1 customer dominates: the largest makes ")


def test_equal_customers_do_not_dominate():
    assert found(dominating_customers, shop(*crowd())) == []


def test_an_id_with_a_large_share_of_the_orders_may_be_a_guest_account():
    orders = shop(*crowd(), *[("77", day, 10) for day in range(100)])
    problem = only(found(guest_ids, orders))
    assert (problem.rows, problem.example) == (100, "customer_id = '77'")
    assert "20.0% of all" in problem.message


@pytest.mark.parametrize("name", ["Guest", "unknown", "N/A"])
def test_an_id_with_the_name_of_nobody_is_told_however_rare(name):
    assert only(found(guest_ids, shop(*crowd(), (name, 1, 10)))).rows == 1


def test_in_a_small_shop_a_good_customer_is_no_guest_account():
    assert found(guest_ids, shop(("a", 0, 5), ("a", 1, 5), ("b", 3, 5))) == []


def test_a_shop_to_which_nobody_returns_is_told():
    problem = only(found(one_time_buyers, shop(*crowd(orders=1), ("c0", 90, 10))))
    assert problem.rows == 199
    assert "99.5% of 200 customers" in problem.message


def test_a_shop_to_which_they_return_is_not():
    assert found(one_time_buyers, shop(*crowd())) == []


def test_two_orders_on_one_day_are_one_purchase_day():
    twice = [(f"c{i}", 0.1 * j, 10) for i in range(100) for j in (0, 1)]
    assert only(found(one_time_buyers, shop(*twice))).rows == 100


def test_dates_without_a_time_are_fine():
    midnight = shop(*crowd()).with_columns(pl.col("ordered_at").dt.truncate("1d"))
    assert only(found(only_dates, midnight)).severity == "info"
    assert found(only_dates, shop(*crowd())) == []


def test_weeks_without_orders_in_a_busy_shop_are_told():
    busy = [(f"c{i}", day, 10) for day in (*range(40), *range(50, 90)) for i in range(5)]
    problem = only(found(silent_weeks, shop(*busy)))
    assert (problem.kind, problem.example) == ("silent_weeks", "10 days from 2024-02-10")


def test_of_several_silent_periods_the_worst_is_the_example():
    open_days = (*range(40), *range(49, 89), *range(109, 149))
    problem = only(
        found(silent_weeks, shop(*[(f"c{i}", d, 10) for d in open_days for i in range(9)]))
    )
    assert problem.example == "20 days from 2024-03-30"
    assert "In 2 periods" in problem.message


def test_an_end_that_dries_up_is_told_with_the_day_to_stop_at():
    busy = [(f"c{i}", day, 10) for day in range(100) for i in range(5)]
    problem = only(found(silent_weeks, shop(*busy, ("late", 113, 10))))
    assert (problem.kind, problem.rows) == ("thin_end", 1)
    assert "by 2024-04-10" in problem.remedy


@pytest.mark.parametrize(
    ("since", "severities"), [(7.0, []), (20.0, ["warning"]), (30.0, ["error"])]
)
def test_silence_before_as_of_is_an_error_once_it_reaches_the_horizon(since, severities):
    case = context(shop(("a", 0, 5)))
    problems = list(stale(case, Staleness(since, 1.0, 7.0), 30))
    assert [p.severity for p in problems] == severities


def test_without_as_of_nothing_is_stale():
    assert list(stale(context(shop(("a", 0, 5))), None, 30)) == []


@pytest.mark.parametrize(("strange", "severity"), [(1, "info"), (2, "warning"), (3, "warning")])
def test_feedback_of_customers_without_orders_is_told(strange, severity):
    ids = ["a", *(f"0{i}" for i in range(strange))]
    feedback = pl.DataFrame(
        {"customer_id": ids, "created_at": "2024-01-05", "kind": "nps", "score": 9}
    )
    problem = only(found(strangers, shop(("a", 0, 5)), feedback=feedback))
    assert (problem.table, problem.rows, problem.severity) == ("feedback", strange, severity)
    assert problem.example == "customer_id = '00'"


def test_offers_to_customers_without_orders_are_told():
    offers = pl.DataFrame(
        {"customer_id": ["b"], "campaign_id": "x", "offered_at": "2024-01-05", "offer_id": "none"}
    )
    assert only(found(strangers, shop(("a", 0, 5)), offers=offers)).table == "offers"


@pytest.mark.parametrize(("listed", "severity"), [(["a", "b"], "info"), (["a"], "warning")])
def test_customers_missing_from_the_list_are_told(listed, severity):
    orders = shop(("a", 0, 5), ("c", 0, 5), ("b", 1, 5))
    problem = only(found(strangers, orders, customers=pl.DataFrame({"customer_id": listed})))
    assert (problem.table, problem.severity) == ("customers", severity)
    assert f"{3 - len(listed)} customer" in problem.message


def test_a_list_with_all_customers_is_complete():
    listed = pl.DataFrame({"customer_id": ["a", "b"]})
    assert found(strangers, shop(("a", 0, 5)), customers=listed) == []
