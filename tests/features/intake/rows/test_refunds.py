"""Whose refunds are and since when they are known: what is learnt later changes nothing before."""

import polars as pl

from features.history.history import History
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.quality import check

EUROS = Mapping(currency="EUR")
BESIDE = {"refund": {"amount": "back", "at": "when"}}
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


SOLD = ("order_id", "customer_id", "ordered_at", "amount", "back", "when")


def sold(*rows: tuple[str, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SOLD, orient="row")


def amounts(
    as_of: str, own: dict[str, object] = BESIDE, **tables: pl.DataFrame
) -> list[tuple[str, float]]:
    """Customers and amounts known before an instant, sorted."""
    mapping = Mapping.from_dict({"currency": "EUR", "orders": own})
    past = History.from_intakes(take_in(tables, mapping), mapping).upto(as_of)
    return sorted(past.orders.select("customer_id", "amount").collect().to_native().rows())


TWO = sold(("1", "a", "2024-01-05", "10", "4", ""), ("2", "b", "2024-01-06", "20", "5", ""))
OF_ONE = pl.DataFrame({"order_id": ["1"], "amount": ["4"], "refunded_at": ["2024-02-01"]})


def test_a_refund_told_beside_the_amount_and_in_the_table_counts_once():
    after = amounts("2024-06-01", orders=TWO, refunds=OF_ONE)
    assert after == [("a", -4.0), ("a", 10.0), ("b", -5.0), ("b", 20.0)]


def test_the_date_of_the_table_is_that_of_the_refund():
    orders = pl.concat([TWO, sold(("3", "c", "2024-03-01", "30", "", ""))])
    bought = [("a", 10.0), ("b", 20.0)]
    assert amounts("2024-02-01", orders=orders, refunds=OF_ONE) == bought
    assert amounts("2024-02-02", orders=orders, refunds=OF_ONE) == [("a", -4.0), *bought]


def test_several_refunds_of_the_table_replace_their_sum_beside_the_amount():
    orders = sold(("1", "a", "2024-01-05", "10", "7", ""))
    refunds = pl.DataFrame(
        {"order_id": ["1", "1"], "amount": ["3", "4"], "refunded_at": ["2024-02-01", "2024-02-09"]}
    )
    after = amounts("2024-06-01", orders=orders, refunds=refunds)
    assert after == [("a", -4.0), ("a", -3.0), ("a", 10.0)]


def test_a_table_learnt_later_does_not_change_what_was_told_beside_the_amount_before():
    orders = sold(("1", "a", "2024-01-05", "10", "4", "2024-01-20"))
    refunds = OF_ONE.with_columns(recorded_at=pl.lit("2024-05-01"), amount=pl.lit("6"))
    before = amounts("2024-05-01", orders=orders)
    assert before == [("a", -4.0), ("a", 10.0)]
    assert amounts("2024-05-01", orders=orders, refunds=refunds) == before
    later = amounts("2024-05-02", orders=orders, refunds=refunds)
    assert later == [("a", -6.0), ("a", 10.0)]


def test_a_refund_of_the_table_that_cannot_be_used_replaces_nothing():
    refunds = OF_ONE.with_columns(amount=pl.lit("much"))
    after = amounts("2024-06-01", orders=TWO, refunds=refunds)
    assert after == [("a", -4.0), ("a", 10.0), ("b", -5.0), ("b", 20.0)]


def test_refunds_told_twice_are_counted_and_every_row_is_in_one_place():
    mapping = Mapping.from_dict({"currency": "EUR", "orders": BESIDE})
    twice = pl.concat([TWO, TWO.head(1)])
    found = check(take_in({"orders": twice, "refunds": OF_ONE}, mapping), mapping)
    (problem,) = [p for p in found.problems if p.kind == "refund_told_twice"]
    assert (problem.severity, problem.rows, problem.column) == ("info", 1, "back")
    assert "4.00 in all" in problem.message
    assert (found.totals.gross, found.totals.refunds) == (30.0, 9.0)
    assert [(a.rows_in, a.used, a.quarantined) for a in found.accounting] == [
        (3, 2, 1),
        (1, 1, 0),
    ]
    (undated,) = [p for p in found.problems if p.kind == "refund_without_date"]
    assert undated.rows == 1


GIVEN = ("order_id", "customer_id", "ordered_at", "amount", "of")
BOUGHT = ("1", "a", "2024-01-05", "10", "")


def given_back(*ids: str, amount: str = "-2") -> list[tuple[str, float]]:
    """What counts of an order, and of refunds at one instant whose own ids these are."""
    rows = [BOUGHT, *((own, "a", "2024-02-01", amount, "1") for own in ids)]
    orders = pl.DataFrame(rows, schema=GIVEN, orient="row")
    found = amounts("2024-06-01", {"refund": {"of": "of"}}, orders=orders)
    assert found == amounts("2024-06-01", {"refund": {"of": "of"}}, orders=orders.reverse())
    return found


def test_two_partial_refunds_at_one_instant_are_two_by_their_own_ids():
    assert given_back("r1", "r2") == [("a", -2.0), ("a", -2.0), ("a", 10.0)]


def test_a_refund_exported_twice_counts_once():
    assert given_back("r1", "r1", " r1") == [("a", -2.0), ("a", 10.0)]


def test_equal_refunds_without_ids_of_their_own_are_duplicates():
    assert given_back("", "") == [("a", -2.0), ("a", 10.0)]
    assert given_back("1", "1") == [("a", -2.0), ("a", 10.0)]


def test_ids_of_refunds_that_are_whole_numbers_are_the_same_with_a_fraction_of_zeros():
    assert given_back("7", "7.0", "8") == [("a", -2.0), ("a", -2.0), ("a", 10.0)]
