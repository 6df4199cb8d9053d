"""Orders that one row says are paid, and another that they never were."""

from itertools import permutations

import polars as pl
import pytest

from features.history.history import History
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.quality import Report, check

HEAD = ("order_id", "customer_id", "ordered_at", "amount", "state", "recorded_at")
STATUS = {"status": {"column": "state"}}
PAID = ("1", "a", "2024-01-05", "10", "paid")
VOID = ("1", "a", "2024-01-05", "10", "voided")
OTHER = ("2", "b", "2024-02-05", "20", "paid")


def table(*rows: tuple[str, ...]) -> pl.DataFrame:
    width = len(rows[0])
    return pl.DataFrame(rows, schema=HEAD[:width], orient="row")


def known(
    orders: object, as_of: str = "2025-01-01", own: object = STATUS, **others: pl.DataFrame
) -> list[tuple[str, float]]:
    mapping = Mapping.from_dict({"currency": "EUR", "orders": own})
    past = History.from_intakes(take_in({"orders": orders, **others}, mapping), mapping)
    rows = past.upto(as_of).orders.select("order_id", "amount").collect().to_native().rows()
    return sorted(rows)


def report(orders: object, own: object = STATUS) -> Report:
    mapping = Mapping.from_dict({"currency": "EUR", "orders": own})
    return check(take_in({"orders": orders}, mapping), mapping)


@pytest.mark.parametrize("word", ["voided", "Cancelled", "failed", "wc-failed", "declined"])
def test_an_order_paid_in_one_export_and_ended_in_another_never_counted(word):
    parts = [table(PAID, OTHER), table((*PAID[:4], word))]
    assert known(parts) == [("2", 20.0)]
    places = report(parts).accounting[0].places
    assert {place: rows for place, rows in places.items() if rows} == {
        "used": 1,
        "not counted by status": 2,
    }


@pytest.mark.parametrize("word", ["pending", "on-hold", "unpaid", "authorized", "draft"])
def test_an_open_order_that_is_paid_in_a_later_export_counts(word):
    opened = (*PAID[:4], word)
    assert known([table(opened), table(PAID, OTHER)]) == [("1", 10.0), ("2", 20.0)]
    assert known([table(PAID, OTHER), table(opened)]) == [("1", 10.0), ("2", 20.0)]


def test_an_order_that_is_refunded_in_a_later_export_is_an_order_with_a_refund():
    parts = [table(PAID, OTHER), table((*PAID[:4], "refunded"))]
    assert known(parts) == known(parts[::-1]) == [("1", -10.0), ("1", 10.0), ("2", 20.0)]


def test_the_order_of_rows_and_files_means_nothing():
    rows = [PAID, VOID, (*PAID[:4], "pending"), OTHER]
    assert {tuple(known(table(*each))) for each in permutations(rows)} == {(("2", 20.0),)}
    parts = [table(row) for row in rows]
    assert {tuple(known(list(each))) for each in permutations(parts)} == {(("2", 20.0),)}


RECORDED = ((*PAID, "2024-01-06"), (*VOID, "2024-03-01"), (*OTHER, "2024-02-05"))


def test_a_final_word_is_known_from_when_it_was_recorded():
    orders = table(*RECORDED)
    before = known(table(RECORDED[0], RECORDED[2]), "2024-03-01")
    assert known(orders, "2024-03-01") == before == [("1", 10.0), ("2", 20.0)]
    assert known(orders, "2024-03-02") == [("2", 20.0)]


def test_a_row_that_a_final_word_replaced_is_told_as_superseded():
    found = report(table(*RECORDED))
    places = {place: rows for place, rows in found.accounting[0].places.items() if rows}
    assert places == {"used": 1, "quarantined": 1, "not counted by status": 1}
    assert "superseded" in {problem.kind for problem in found.problems}


def test_a_payment_recorded_after_the_final_word_counts_again():
    orders = table(*RECORDED, (*PAID, "2024-04-01"))
    assert known(orders, "2024-04-01") == [("2", 20.0)]
    assert known(orders, "2024-04-02") == [("1", 10.0), ("2", 20.0)]


def test_a_failed_payment_at_an_earlier_time_does_not_end_the_order():
    failed = ("1", "a", "2024-01-05 10:00", "10", "failed")
    paid = ("1", "a", "2024-01-05 10:05", "10", "paid")
    assert known(table(failed, paid)) == [("1", 10.0)]


def test_what_was_given_back_of_an_order_ends_with_it():
    refunds = pl.DataFrame({"order_id": ["1"], "amount": ["4"], "refunded_at": ["2024-02-01"]})
    orders = table(*RECORDED)
    until = [("1", -4.0), ("1", 10.0), ("2", 20.0)]
    assert known(orders, "2024-03-01", refunds=refunds) == until
    assert known(orders, "2024-03-02", refunds=refunds) == [("2", 20.0)]
    late = refunds.with_columns(refunded_at=pl.lit("2024-05-01"))
    assert known(orders, "2024-06-01", refunds=late) == [("2", 20.0)]
    assert known([table(PAID, OTHER), table(VOID)], refunds=refunds) == [("2", 20.0)]


def test_what_is_told_beside_a_voided_order_does_not_count():
    orders = table(*RECORDED).with_columns(back=pl.lit("3"), when=pl.lit("2024-02-01"))
    own = {**STATUS, "refund": {"amount": "back", "at": "when"}}
    until = [("1", -3.0), ("1", 10.0), ("2", -3.0), ("2", 20.0)]
    assert known(orders, "2024-03-01", own) == until
    assert known(orders, "2024-03-02", own) == [("2", -3.0), ("2", 20.0)]


def test_a_refund_that_failed_does_not_end_its_order():
    orders = table(PAID, ("r1", "a", "2024-01-05", "-10", "failed"))
    orders = orders.with_columns(pl.Series("of", ["", "1"]))
    assert known(orders, own={**STATUS, "refund": {"of": "of"}}) == [("1", 10.0)]


@pytest.mark.parametrize("word", ["voided", "pending", "paid", "refunded"])
@pytest.mark.parametrize("again", [True, False])
def test_lines_of_one_order_are_joined_whether_each_or_the_first_has_the_status(word, again):
    row = (*PAID[:4], word)
    orders = table(row, row if again else (*PAID[:4], ""), OTHER)
    places = report(orders, {**STATUS, "repeated": True}).accounting[0].places
    counts = {"voided": 1, "pending": 1}.get(word, 2)
    assert (places["joined"], places["used"]) == (1, counts)
    assert known(orders.head(2), own={**STATUS, "repeated": True}) == {
        "paid": [("1", 10.0)],
        "refunded": [("1", -10.0), ("1", 10.0)],
    }.get(word, [])


def test_repeated_rows_of_two_exports_keep_their_final_word():
    own = {**STATUS, "repeated": True}
    rows = [PAID, PAID, VOID, VOID, OTHER]
    assert known(table(*rows), own=own) == known(table(*rows[::-1]), own=own) == [("2", 20.0)]
    assert known([table(*rows[:2]), table(*rows[2:])], own=own) == [("2", 20.0)]


def test_rows_below_a_voided_order_are_joined_as_before():
    orders = table(VOID, ("1", None, None, None, None), PAID[:1] + (None,) * 4, OTHER)
    places = report(orders).accounting[0].places
    assert (places["joined"], places["not counted by status"], places["used"]) == (2, 1, 1)


def test_orders_without_ids_of_their_own_do_not_end_each_other():
    orders = table(PAID, VOID).drop("order_id")
    own = {**STATUS, "without_order_id": "instant"}
    assert [amount for _, amount in known(orders, own=own)] == [10.0]


def test_a_cancelled_line_leaves_the_others_of_its_order():
    orders = table(PAID, VOID).rename({"amount": "sum"})
    assert known(orders, own={**STATUS, "line_total": "sum"}) == [("1", 10.0)]
