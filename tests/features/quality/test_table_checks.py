"""Problems of rows and columns, each on a table that has it and one that has not."""

import duckdb
import polars as pl
import pytest

from features.clock import as_day
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.quality.context import DataProblem, gather
from features.quality.duplicate_checks import duplicates
from features.quality.table_checks import (
    anonymous_rows,
    currency,
    one_value_columns,
    recorded_times,
    unusable_rows,
    unused_columns,
)

HEAD = ("order_id", "customer_id", "ordered_at", "amount")
GOOD = ("1", "a", "2024-01-05", "10")


def table(*rows, head=HEAD):
    return pl.DataFrame(list(rows), schema=dict.fromkeys(head, pl.String), orient="row")


def found(look, orders, as_of=None, mapping=None, **others):
    mapping = Mapping.from_dict(mapping or {})
    intakes = take_in({"orders": orders, **others}, mapping)
    return list(look(gather(intakes, mapping, None if as_of is None else as_day(as_of))))


def only(problems):
    assert len(problems) == 1, problems
    return problems[0]


@pytest.mark.parametrize(
    ("row", "reason", "column", "remedy"),
    [
        (("", "a", "2024-01-05", "10"), "missing order_id", "order_id", "Fill order_id"),
        (("2", "a", "31.02.2024", "10"), "unparsable ordered_at", "ordered_at", "date_format"),
        (("2", "a", "2024-01-05", "10 5"), "unparsable amount", "amount", 'decimal = ","'),
        (("2", "a", "1969-12-31", "10"), "ordered_at before 1970", "ordered_at", "Correct"),
    ],
)
def test_an_unusable_row_comes_with_its_reason_and_remedy(row, reason, column, remedy):
    problem = only(found(unusable_rows, table(GOOD, row)))
    assert (problem.kind, problem.column, problem.rows) == (f"unusable: {reason}", column, 1)
    assert reason in problem.message
    assert remedy in problem.remedy


def test_the_example_is_the_cell_as_the_source_has_it():
    wrong = [("2", "a", "31.02.2024", "10"), ("3", "a", "soon", "10")]
    problem = only(found(unusable_rows, table(GOOD, *wrong)))
    assert problem.example == "row 2: ordered_at = '31.02.2024'"


def test_columns_are_called_as_in_the_source():
    orders = table(("1", "a", "never", "10"), head=("order_id", "customer_id", "bought", "amount"))
    mapping = {"orders": {"columns": {"ordered_at": "bought"}}}
    assert only(found(unusable_rows, orders, mapping=mapping)).column == "bought"


def test_unusable_invoice_lines_name_the_column_of_the_lines():
    head = ("order_id", "customer_id", "ordered_at", "units", "price")
    lines = table((*GOOD[:3], "1", "5"), ("2", "b", "2024-01-06", "many", "5"), head=head)
    mapping = {"orders": {"lines": {"quantity": "units", "price": "price"}}}
    problem = only(found(unusable_rows, lines, mapping=mapping))
    assert (problem.table, problem.column) == ("lines", "units")


def test_unknown_kinds_of_feedback_name_the_known_ones():
    feedback = table(("a", "2024-01-05", "stars"), head=("customer_id", "created_at", "kind"))
    problem = only(found(unusable_rows, table(GOOD), feedback=feedback))
    assert (problem.table, problem.column) == ("feedback", "kind")
    assert "csat, nps, review, ticket" in problem.remedy


@pytest.mark.parametrize(("good", "severity"), [(8, "error"), (9, "warning")])
def test_more_than_a_tenth_of_unusable_rows_is_an_error(good, severity):
    rows = [(str(i), "a", "2024-01-05", "10") for i in range(good)]
    problem = only(found(unusable_rows, table(*rows, ("x", "a", "", "10"))))
    assert problem.severity == severity


@pytest.mark.parametrize(("named", "severity"), [(8, "warning"), (9, "info")])
def test_anonymous_rows_are_counted(named, severity):
    rows = [(str(i), "a", "2024-01-05", "10") for i in range(named)]
    problem = only(found(anonymous_rows, table(("x", " ", "2024-01-05", "10"), *rows)))
    assert (problem.rows, problem.severity, problem.example) == (1, severity, "row 1")


def test_anonymous_invoice_lines_are_told_once():
    head = ("order_id", "customer_id", "ordered_at", "units", "price")
    lines = table((*GOOD[:3], "1", "5"), ("2", "", "2024-01-06", "1", "5"), head=head)
    mapping = {"orders": {"lines": {"quantity": "units", "price": "price"}}}
    assert only(found(anonymous_rows, lines, mapping=mapping)).table == "lines"


def test_no_customer_missing_is_no_problem():
    assert found(anonymous_rows, table(GOOD)) == []


def test_copies_are_duplicates_and_nothing_else():
    rows = [(str(i), "a", "2024-01-05", "10") for i in range(20)]
    problem = only(found(duplicates, table(*rows, rows[3])))
    assert (problem.kind, problem.rows, problem.example) == ("duplicate", 1, "order_id = '3'")


def test_an_order_and_its_refund_are_no_duplicates():
    assert found(duplicates, table(GOOD, ("1", "a", "2024-01-09", "-10"))) == []


def test_partial_refunds_of_one_order_are_told_to_take_ids_of_their_own():
    refunds = [("7", "a", "2024-01-09", "-3"), ("7", "a", "2024-01-09", "-4")]
    rows = [(str(i), "a", "2024-01-05", "10") for i in range(20)]
    copies, problem = found(duplicates, table(*rows, rows[5], *refunds))
    assert (copies.kind, copies.rows, copies.example) == ("duplicate", 1, "order_id = '5'")
    assert (problem.kind, problem.rows) == ("duplicate_refund", 1)
    assert problem.example == "order_id = '7'"
    assert "1001-R1" in problem.remedy


def test_empty_orders_twice_are_copies_and_no_refunds():
    rows = [(str(i), "a", "2024-01-05", "0") for i in range(20)]
    assert only(found(duplicates, table(*rows, rows[0]))).kind == "duplicate"


def test_versions_are_good_to_know():
    head = (*HEAD, "recorded_at")
    rows = [(*GOOD, "2024-01-05"), (*GOOD, "2024-02-05")]
    orders = table(*rows, head=head)
    problem = only(found(duplicates, orders))
    assert (problem.kind, problem.example) == ("superseded", "order_id = '1'")
    assert found(duplicates, orders, as_of="2024-02-01") == []


def test_lines_taken_for_orders_are_an_error():
    lines = [(str(i // 4), "a", "2024-01-05", str(1 + i % 4)) for i in range(40)]
    problem = only(found(duplicates, table(*lines)))
    assert (problem.kind, problem.severity, problem.rows) == ("lines_taken_for_orders", "error", 30)
    assert "[orders.lines]" in problem.remedy


def test_orders_of_one_line_do_not_hide_that_the_others_have_several():
    several = [(str(i // 2), "a", "2024-01-05", str(1 + i % 2)) for i in range(20)]
    single = [(f"s{i}", "a", "2024-01-05", "3") for i in range(10)]
    assert only(found(duplicates, table(*several, *single))).kind == "lines_taken_for_orders"


def test_a_few_orders_written_twice_with_other_amounts_are_not_taken_for_lines():
    rows = [(str(i), "a", "2024-01-05", "3") for i in range(20)]
    assert only(found(duplicates, table(*rows, ("3", "a", "2024-01-05", "4")))).kind == "duplicate"


def test_a_file_loaded_twice_is_not_taken_for_lines():
    rows = [(str(i), "a", "2024-01-05", str(i + 1)) for i in range(40)]
    assert only(found(duplicates, table(*rows, *rows))).kind == "duplicate"


def test_feedback_given_twice_is_a_duplicate():
    row = ("a", "2024-01-05", "nps", "9")
    feedback = table(row, row, head=("customer_id", "created_at", "kind", "score"))
    problem = only(found(duplicates, table(GOOD), feedback=feedback))
    assert (problem.table, problem.kind, problem.rows) == ("feedback", "duplicate", 1)


def test_rows_that_do_not_say_when_they_were_recorded_are_counted():
    orders = table((*GOOD, ""), ("2", *GOOD[1:], "2024-01-06"), head=(*HEAD, "recorded_at"))
    problem = only(found(recorded_times, orders))
    assert (problem.kind, problem.rows) == ("recorded_at_empty", 1)


@pytest.mark.parametrize(
    ("recorded", "severity"), [("2024-01-04", "info"), ("2024-01-03T23:00", "warning")]
)
def test_rows_recorded_before_their_event_are_counted(recorded, severity):
    rows = [("1", "a", "2024-01-05", "9", "2024-01-05"), ("2", "a", "2024-01-05", "9", recorded)]
    orders = table(*rows, head=(*HEAD, "recorded_at"))
    problem = only(found(recorded_times, orders))
    assert (problem.kind, problem.severity) == ("recorded_before_event", severity)
    assert (problem.rows, problem.example) == (1, "row 2")


def test_recorded_times_after_their_events_are_no_problem():
    orders = table((*GOOD, "2024-01-05"), head=(*HEAD, "recorded_at"))
    assert found(recorded_times, orders) == []


def test_columns_without_meaning_are_named():
    orders = table((*GOOD, "x", "y"), head=(*HEAD, "shop", "clerk"))
    problem = only(found(unused_columns, orders))
    assert (problem.kind, problem.column) == ("unused_column", "clerk, shop")


def test_columns_of_the_drop_rule_are_used():
    orders = table((*GOOD, "x"), head=(*HEAD, "shop"))
    assert found(unused_columns, orders, mapping={"orders": {"drop": "shop = 'test'"}}) == []


def test_customer_attributes_must_be_declared():
    customers = table(("a", "x", "y"), head=("customer_id", "city", "channel"))
    undeclared = only(found(unused_columns, table(GOOD), customers=customers))
    assert (undeclared.kind, undeclared.column) == ("undeclared_attribute", "channel, city")
    declared = {"customers": {"static": ["city", "channel"]}}
    assert found(unused_columns, table(GOOD), mapping=declared, customers=customers) == []


def test_one_customer_for_all_orders_is_an_error():
    rows = [(str(i), "a", f"2024-01-{i + 1:02}", str(i)) for i in range(10)]
    problem = only(found(one_value_columns, table(*rows)))
    assert (problem.column, problem.severity) == ("customer_id", "error")
    assert problem.example == "customer_id = 'a'"


def test_one_amount_and_one_day_for_all_orders_are_told():
    rows = [(str(i), str(i), "2024-01-05", "10") for i in range(10)]
    problems = found(one_value_columns, table(*rows))
    assert [(p.column, p.severity) for p in problems] == [
        ("ordered_at", "error"),
        ("amount", "warning"),
    ]
    assert problems[0].example == "ordered_at = 2024-01-05"


def test_a_handful_of_rows_may_be_alike():
    assert found(one_value_columns, table(GOOD)) == []


@pytest.mark.parametrize(("other", "problems"), [("gift", 1), ("none", 0)])
def test_offers_need_control_rows(other, problems):
    orders = [(str(i), f"c{i}", f"2024-01-{i + 1:02}", str(i)) for i in range(10)]
    head = ("customer_id", "campaign_id", "offered_at", "offer_id")
    rows = [(f"c{i}", "x", "2024-02-01", "gift" if i else other) for i in range(10)]
    offers = table(*rows, head=head)
    told = found(one_value_columns, table(*orders), offers=offers)
    assert ["offer_id = none" in p.remedy for p in told] == [True] * problems


def test_amounts_without_a_currency_are_told():
    assert only(found(currency, table(GOOD))).kind == "currency_unknown"
    assert found(currency, table(GOOD), mapping={"currency": "EUR"}) == []


def test_some_amounts_without_a_currency_are_counted():
    rows = [(*GOOD, "EUR"), ("2", *GOOD[1:], ""), ("3", *GOOD[1:], "EUR")]
    problem = only(found(currency, table(*rows, head=(*HEAD, "currency"))))
    assert (problem.kind, problem.rows, problem.example) == ("currency_empty", 1, "order_id = '2'")


def test_duckdb_finds_the_same_without_row_numbers():
    rows = [(str(i), f"c{i}", "2024-01-05", float(i)) for i in range(10)]
    schema = {**dict.fromkeys(HEAD, pl.String), "amount": pl.Float64}
    orders = pl.DataFrame([*rows, rows[0], ("x", "c", "never", 1.0)], schema=schema, orient="row")
    connection = duckdb.connect()
    connection.register("orders", orders.to_arrow())
    for look in (unusable_rows, duplicates, one_value_columns):
        here, there = found(look, orders), found(look, connection.table("orders"))
        assert [(p.kind, p.rows) for p in here] == [(p.kind, p.rows) for p in there]
        assert here


def test_a_problem_has_one_of_three_severities():
    with pytest.raises(ValueError, match="error, warning or info"):
        DataProblem("x", "fatal", "orders", None, 0, None, "", "")
