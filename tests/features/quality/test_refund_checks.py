"""Money given back that is not read, or of which nobody says when."""

import polars as pl

from features.history.history import History
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.quality import check

BESIDE = {"refund": {"amount": "back"}}
HEAD = ("order_id", "customer_id", "ordered_at", "amount", "back", "state")
ORDERS = (
    ("1", "a", "2024-01-05", "10", "4", "paid"),
    ("2", "b", "2024-02-05", "20", "0", "refunded"),
    ("3", "c", "2024-03-05", "30", "", "paid"),
)


def table(*rows: tuple[str, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=HEAD, orient="row")


def problems(kind: str, orders: object, own: dict[str, object], **others: pl.DataFrame) -> list:
    mapping = Mapping.from_dict({"currency": "EUR", "orders": own})
    report = check(take_in({"orders": orders, **others}, mapping), mapping)
    return [problem for problem in report.problems if problem.kind == kind]


def test_refunds_beside_amounts_without_a_date_are_told_with_their_sum():
    (problem,) = problems("refund_without_date", table(*ORDERS[:1], ORDERS[2]), BESIDE)
    assert (problem.severity, problem.table, problem.column) == ("warning", "orders", "back")
    assert problem.rows == 1
    assert problem.message.startswith("1 refund, 4.00 in all, has no date: known only from the end")
    assert "[orders.refund] at" in problem.remedy


def test_orders_paid_back_by_their_status_are_among_the_refunds_without_a_date():
    own = {**BESIDE, "status": {"column": "state"}}
    (problem,) = problems("refund_without_date", table(*ORDERS), own)
    assert problem.rows == 2
    assert problem.message.startswith("2 refunds, 24.00 in all, have no date")


def test_the_status_is_named_where_it_alone_tells_of_refunds():
    own = {"status": {"column": "state"}}
    (problem,) = problems("refund_without_date", table(*ORDERS).drop("back"), own)
    assert (problem.rows, problem.column) == (1, "state")


def test_refunds_with_a_date_are_no_problem():
    orders = table(*ORDERS).with_columns(when=pl.lit("2024-03-01"))
    own = {"refund": {"amount": "back", "at": "when"}}
    assert problems("refund_without_date", orders, own) == []


def test_of_two_refunds_the_one_without_a_date_is_told():
    orders = table(*ORDERS[:2], ("3", "c", "2024-03-05", "30", "7", "paid"))
    when = pl.Series("when", ["2024-03-01", "", ""])
    own = {"refund": {"amount": "back", "at": "when"}}
    (problem,) = problems("refund_without_date", orders.with_columns(when), own)
    assert (problem.rows, "7.00" in problem.message) == (1, True)


def test_a_table_of_refunds_without_dates_is_told():
    refunds = pl.DataFrame({"order_id": ["1", "2"], "amount": ["4", "-5.5"]})
    (problem,) = problems("refund_without_date", table(*ORDERS).drop("back"), {}, refunds=refunds)
    assert (problem.table, problem.column, problem.rows) == ("refunds", "amount", 2)
    assert "9.50 in all" in problem.message
    assert "[refunds.columns] refunded_at" in problem.remedy


def test_refunds_that_say_when_they_were_recorded_are_no_problem():
    refunds = pl.DataFrame(
        {"order_id": ["1", "2"], "amount": ["4", "5"], "recorded_at": ["2024-06-01"] * 2}
    )
    assert problems("refund_without_date", table(*ORDERS).drop("back"), {}, refunds=refunds) == []


def test_refunds_of_orders_that_do_not_count_are_not_told():
    own = {**BESIDE, "status": {"column": "state"}}
    orders = table(("1", "a", "2024-01-05", "10", "4", "void"), ORDERS[2])
    assert problems("refund_without_date", orders, own) == []


def test_a_refund_without_a_date_is_known_after_all_parts_of_a_source():
    mapping = Mapping.from_dict({"currency": "EUR", "orders": BESIDE})
    parts = [table(*ORDERS[:1]), table(ORDERS[2])]
    history = History.from_intakes(take_in({"orders": parts}, mapping), mapping)
    assert history.upto("2024-03-05").orders.collect()["amount"].to_list() == [10.0]
    assert sorted(history.upto("2024-03-06").orders.collect()["amount"]) == [-4.0, 10.0, 30.0]


def test_a_column_of_refunds_that_is_not_read_is_told():
    orders = table(*ORDERS).rename({"back": "Refund total"})
    (problem,) = problems("refund_not_read", orders, {})
    assert (problem.column, problem.rows, "4.00" in problem.message) == ("Refund total", 1, True)
