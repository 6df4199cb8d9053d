"""Whose refunds are and since when they are known: what is learnt later changes nothing before."""

import polars as pl

from features.history.history import History
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.quality import check

EUROS = Mapping(currency="EUR")
HEAD = ("order_id", "customer_id", "ordered_at", "amount", "recorded_at")


def orders(*rows: tuple[str, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=HEAD, orient="row")


def known(as_of: str, **tables: pl.DataFrame) -> list[tuple[str, float]]:
    past = History.from_intakes(take_in(tables, EUROS), EUROS).upto(as_of)
    return past.orders.select("customer_id", "amount").collect().to_native().rows()


ORDER = ("1", "a", "2024-01-05", "10", "2024-01-05")
LATEST = ("2", "b", "2024-03-01", "20", "2024-03-01")


def test_a_refund_without_a_day_is_known_when_it_was_recorded():
    back = pl.DataFrame({"order_id": ["1"], "amount": ["4"], "recorded_at": ["2024-06-01"]})
    tables = {"orders": orders(ORDER, LATEST), "refunds": back}
    assert known("2024-06-01", **tables) == [("a", 10.0), ("b", 20.0)]
    assert known("2024-06-02", **tables) == [("a", -4.0), ("a", 10.0), ("b", 20.0)]


def test_refunds_that_are_recorded_and_have_no_day_can_be_checked():
    back = pl.DataFrame({"order_id": ["1"], "amount": ["4"], "recorded_at": ["2024-06-01"]})
    intakes = take_in({"orders": orders(ORDER), "refunds": back}, EUROS)
    assert check(intakes, EUROS).totals.refunds == 4.0


def test_an_order_recorded_later_does_not_change_whose_a_refund_was():
    refund = ("2", "b", "2024-01-10", "-4", "2024-01-10")
    late = ("2", "a", "2024-01-09", "10", "2024-05-01")
    before = known("2024-02-01", orders=orders(ORDER, refund))
    assert known("2024-02-01", orders=orders(ORDER, refund, late)) == before


def test_a_refund_of_nobody_is_known_with_its_order():
    refund = ("2", "", "2024-01-10", "-4", "2024-01-10")
    late = ("2", "a", "2024-01-09", "10", "2024-05-01")
    assert known("2024-02-01", orders=orders(ORDER, refund, late)) == [("a", 10.0)]
    everything = known("2024-06-01", orders=orders(ORDER, refund, late))
    assert everything == [("a", 10.0), ("a", 10.0), ("a", -4.0)]
