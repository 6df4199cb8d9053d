"""A shop's own rows become one customer, one date and one order a row; none is lost in silence."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HistoryError
from features.history.history import History
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.quality import Report, check

ORDER = {"order_id": "1", "customer_id": "a", "ordered_at": "2024-01-05", "amount": "10"}


def table(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame([{**ORDER, **row} for row in rows], infer_schema_length=None)


def report(orders: pl.DataFrame, settings: dict[str, object], **others: pl.DataFrame) -> Report:
    mapping = Mapping.from_dict({"currency": "EUR", **settings})
    return check(take_in({"orders": orders, **others}, mapping), mapping)


def totals(
    orders: pl.DataFrame, settings: dict[str, object], **others: pl.DataFrame
) -> tuple[int, int, float, float]:
    found = report(orders, settings, **others).totals
    return found.customers, found.orders, found.gross, found.refunds


def places(found: Report, table: str = "orders") -> dict[str, int]:
    (account,) = (a for a in found.accounting if a.table == table)
    return {place: rows for place, rows in account.places.items() if rows}


@pytest.mark.parametrize("header", ["Order ID", "ORDER_ID", "order-id", "Order Id "])
def test_columns_are_found_whatever_their_capitals_and_blanks(header):
    orders = table({}).rename({"order_id": header.strip()})
    assert totals(orders, {}) == (1, 1, 10.0, 0.0)


def test_two_columns_of_the_same_letters_are_not_guessed_between():
    orders = table({}).rename({"order_id": "Order ID"}).with_columns(order__id=pl.lit("2"))
    with pytest.raises(HistoryError, match=r"must have the columns \['order_id'\]"):
        report(orders, {})


def test_a_column_that_is_close_is_suggested():
    orders = table({}).rename({"amount": "amounts"})
    with pytest.raises(HistoryError, match=r"Did you mean amount = 'amounts'\?"):
        report(orders, {})


def test_an_address_is_the_same_in_capitals_and_with_blanks():
    orders = table(
        {"order_id": "1", "customer_id": "rasa@example.com"},
        {"order_id": "2", "customer_id": " Rasa@Example.COM "},
        {"order_id": "3", "customer_id": "RASA"},
    )
    assert totals(orders, {})[0] == 2
    assert totals(orders, {"fold_emails": False})[0] == 3


def test_a_whole_float_is_the_integer():
    orders = table(
        {"customer_id": "5000.0"}, {"order_id": "2.00", "customer_id": "5000"}, {"order_id": "2"}
    )
    found = History(orders, mapping=Mapping(currency="EUR"))
    assert set(found.orders.collect()["customer_id"]) == {"5000", "a"}
    assert totals(orders, {})[1] == 2


def test_the_first_id_that_is_given_is_the_customer():
    orders = table(
        {"order_id": "1", "customer_id": "7", "mail": "a@b.c"},
        {"order_id": "2", "customer_id": "0", "mail": "G@b.c"},
        {"order_id": "3", "customer_id": "", "mail": "g@b.c"},
        {"order_id": "4", "customer_id": "0.0", "mail": None},
    )
    settings = {"orders": {"columns": {"customer_id": ["customer_id", "mail"]}, "blank": ["0"]}}
    found = report(orders, settings)
    assert (found.totals.customers, places(found)) == (2, {"used": 3, "anonymous": 1})


def test_orders_that_never_were_do_not_count():
    states = ["Paid", "VOIDED", "on-hold", "wc-on-hold ", "Pending_Payment", None]
    orders = table(*({"order_id": str(n), "State": state} for n, state in enumerate(states)))
    found = report(orders, {"orders": {"status": {"column": "state"}}})
    assert places(found) == {"used": 2, "not counted by status": 4}


def test_statuses_may_be_told():
    orders = table({"state": "storniert"}, {"order_id": "2", "state": "Pending"})
    status = {"column": "state", "not_counted": ["Storniert"]}
    assert places(report(orders, {"orders": {"status": status}})) == {
        "used": 1,
        "not counted by status": 1,
    }


def test_a_refunded_order_counts_with_its_refund():
    orders = table(
        {"state": "Refunded", "back": "0"},
        {"order_id": "2", "state": "paid", "back": "4"},
        {"order_id": "3", "state": "refunded", "back": "10.00"},
        {"order_id": "4", "state": "void", "back": "10.00"},
    )
    settings = {"orders": {"status": {"column": "state"}, "refund": {"amount": "back"}}}
    found = report(orders, settings)
    assert (found.totals.orders, found.totals.gross, found.totals.refunds) == (3, 30.0, 24.0)
    assert places(found) == {"used": 3, "not counted by status": 1}


def test_a_refund_without_a_date_is_known_only_after_everything_else():
    orders = table({"back": "4"}, {"order_id": "2", "ordered_at": "2024-03-01", "back": None})
    mapping = Mapping.from_dict({"currency": "EUR", "orders": {"refund": {"amount": "back"}}})
    history = History(orders, mapping=mapping)
    assert history.upto("2024-03-01").orders.collect()["amount"].to_list() == [10.0]
    assert sorted(history.upto("2024-03-02").orders.collect()["amount"]) == [-4.0, 10.0, 10.0]


def test_a_refund_with_a_date_is_known_from_then():
    orders = table({"back": "4", "when": "2024-02-01"})
    refund = {"amount": "back", "at": "when"}
    history = History(
        orders, mapping=Mapping.from_dict({"currency": "EUR", "orders": {"refund": refund}})
    )
    assert history.upto("2024-02-01").orders.collect()["amount"].to_list() == [10.0]
    assert sorted(history.upto("2024-02-02").orders.collect()["amount"]) == [-4.0, 10.0]


def test_a_refund_is_of_the_customer_of_its_order():
    orders = table(
        {},
        {"customer_id": "", "ordered_at": "2024-01-10", "amount": "-4"},
        {"customer_id": "the shop", "ordered_at": "2024-01-11", "amount": "-1"},
        {"order_id": "9", "customer_id": "", "amount": "-3"},
    )
    found = report(orders, {})
    assert (found.totals.customers, found.totals.refunds) == (1, 5.0)
    assert places(found) == {"used": 3, "anonymous": 1}


def test_rows_with_a_negative_amount_may_name_the_order_they_give_back():
    orders = table(
        {"of": ""}, {"order_id": "r1", "customer_id": "the shop", "amount": "-4", "of": "1"}
    )
    assert totals(orders, {"orders": {"refund": {"of": "of"}}}) == (1, 1, 10.0, 4.0)


def test_refunds_may_stand_in_a_table_of_their_own():
    refunds = pl.DataFrame(
        {
            "order_id": ["1", "1", "2", "404"],
            "amount": ["-1", "2", "3", "5"],
            "refunded_at": ["2024-02-01", "2024-02-02", None, "2024-02-01"],
        }
    )
    orders = table({}, {"order_id": "2", "customer_id": "b"})
    found = report(orders, {}, refunds=refunds)
    assert (found.totals.orders, found.totals.refunds) == (2, 6.0)
    assert places(found, "refunds") == {"used": 3, "anonymous": 1}


def test_a_review_is_of_the_customer_of_its_order():
    reviews = pl.DataFrame(
        {"order_id": ["1", "404"], "created_at": ["2024-02-01"] * 2, "score": ["5", "1"]}
    )
    settings = {"feedback": {"constants": {"kind": "review"}}}
    found = report(table({}), settings, feedback=reviews)
    assert places(found, "feedback") == {"used": 1, "anonymous": 1}


def test_rows_that_continue_an_order_are_joined():
    orders = table(
        {"item": "tea"},
        {"order_id": "1", "customer_id": "a", "ordered_at": None, "amount": None, "item": "pot"},
        {"order_id": None, "customer_id": None, "ordered_at": "", "amount": " ", "item": "cup"},
        {"order_id": "2", "item": "tea"},
        {"order_id": "3", "amount": None, "item": "mug"},
    )
    assert places(report(orders, {})) == {"used": 2, "quarantined": 1, "joined": 2}


def test_an_amount_that_stands_in_each_line_counts_once():
    orders = table({"item": "tea"}, {"item": "pot"}, {"order_id": "2"}, {"amount": "-3"})
    found = report(orders, {"orders": {"repeated": True}})
    assert places(found) == {"used": 3, "joined": 1}
    assert (found.totals.gross, found.totals.refunds) == (20.0, 3.0)


LINE = {"order_id": "", "customer_id": "", "ordered_at": "", "units": "1", "price": "1"}
LINES = {"orders": {"lines": {"quantity": "units", "price": "price"}}}


def test_lines_below_their_order_belong_to_it():
    lines = pl.DataFrame(
        [
            {**LINE, **ORDER, "units": "1", "price": "10"},
            {**LINE, "units": "2", "price": "7.5"},
            {**LINE, **ORDER, "order_id": "2"},
            {**LINE, "order_id": "2", "price": "4"},
        ]
    ).drop("amount")
    assert totals(lines, LINES) == (1, 2, 30.0, 0.0)


def test_the_total_below_all_lines_is_of_no_order():
    lines = pl.DataFrame(
        [
            {**ORDER, "item": "tea", "sum": "5"},
            {**dict.fromkeys(ORDER, ""), "item": "cup", "sum": "7"},
            {**dict.fromkeys(ORDER, ""), "item": "", "sum": "12"},
        ]
    ).drop("amount")
    found = report(lines, {"orders": {"line_total": "sum"}})
    assert found.totals.gross == 12.0
    assert places(found, "lines") == {"used": 2, "quarantined": 1}


def test_a_frame_of_refunds_is_one_of_the_historys():
    refunds = pl.DataFrame({"order_id": ["1"], "amount": ["4"], "refunded_at": ["2024-02-01"]})
    history = History(table({}), refunds=refunds, mapping=Mapping(currency="EUR"))
    assert sorted(history.orders.collect()["amount"]) == [-4.0, 10.0]


def test_the_total_of_a_line_may_be_told():
    lines = table({"sum": "10"}, {"sum": "5"}).drop("amount")
    assert totals(lines, {"orders": {"line_total": "sum"}}) == (1, 1, 15.0, 0.0)


def test_a_source_without_order_ids_can_say_so():
    orders = table({}, {}, {"ordered_at": "2024-01-06"}).drop("order_id")
    with pytest.raises(HistoryError, match=r"must have the columns \['order_id'\]"):
        report(orders, {})
    assert totals(orders, {"orders": {"without_order_id": "row"}})[1:3] == (3, 30.0)
    assert totals(orders, {"orders": {"without_order_id": "instant"}})[1:3] == (2, 20.0)


def test_date_and_time_in_two_columns_are_joined():
    orders = table(
        {"ordered_at": "13/01/2024", "clock": "18:30:00"}, {"ordered_at": "14/01/2024", "clock": ""}
    )
    mapping = Mapping.from_dict({"currency": "EUR", "orders": {"time": "clock"}})
    found = History(orders.head(1), mapping=mapping).orders.collect()["day"].to_list()
    assert found == [pytest.approx(19735 + 18.5 / 24)]


def test_dates_of_another_zone_are_moved_to_the_shops():
    orders = table({"ordered_at": "2024-07-01 23:00"})
    settings = {"timezone": "Europe/Berlin", "currency": "EUR", "orders": {"zone": "UTC"}}
    history = History(orders, mapping=Mapping.from_dict(settings))
    assert history.orders.collect()["day"].to_list() == [pytest.approx(19906 + 1 / 24)]


def test_words_mean_what_the_mapping_says():
    tickets = pl.DataFrame(
        {
            "customer_id": ["a"] * 4,
            "created_at": [f"2024-01-0{n}" for n in range(1, 5)],
            "score": ["Good", "BAD", "Unoffered", "3"],
        }
    )
    words = {"score": {"good": 5, "bad": 1, "unoffered": ""}}
    mapping = Mapping.from_dict(
        {"currency": "EUR", "feedback": {"constants": {"kind": "ticket"}, "words": words}}
    )
    history = History(table({}), tickets, mapping=mapping)
    assert history.feedback is not None
    assert history.feedback.collect()["score"].to_list() == [5.0, 1.0, None, 3.0]


def test_a_currency_is_the_same_in_capitals():
    orders = table({"currency": "eur"}, {"order_id": "2", "currency": "EUR"})
    assert totals(orders, {})[1] == 2


def test_a_few_orders_in_another_currency_are_set_aside_by_name():
    rows = [{"order_id": str(n), "currency": "EUR"} for n in range(19)]
    orders = table(*rows, {"order_id": "x", "currency": "USD"})
    found = report(orders, {})
    assert places(found) == {"used": 19, "in another currency": 1}
    assert any(p.severity == "error" and "USD" in p.message for p in found.problems)


def test_shops_of_two_currencies_are_refused():
    orders = table({"currency": "EUR"}, {"order_id": "2", "currency": "USD"})
    with pytest.raises(HistoryError, match=r"EUR 50%, USD 50% of the orders"):
        report(orders, {})


RATES = {"rates": {"USD": {"2024-01": 0.5, "2024-02": 0.25}}}


def test_other_currencies_are_converted_by_the_rate_of_the_month():
    orders = table(
        {"currency": "usd"},
        {"order_id": "2", "currency": "USD", "ordered_at": "2024-02-05"},
        {"order_id": "3", "currency": "EUR"},
    )
    assert totals(orders, RATES) == (1, 3, 5.0 + 2.5 + 10.0, 0.0)


def test_refunds_of_their_own_are_converted_too():
    refunds = pl.DataFrame(
        {"order_id": ["1"], "amount": ["4"], "refunded_at": ["2024-02-03"], "currency": ["usd"]}
    )
    orders = table({"currency": "EUR"})
    assert totals(orders, RATES, refunds=refunds) == (1, 1, 10.0, 1.0)
    assert totals(orders, {}, refunds=refunds) == (1, 1, 10.0, 0.0)


def test_a_month_without_a_rate_is_refused():
    orders = table({"currency": "USD", "ordered_at": "2024-03-05"})
    with pytest.raises(
        HistoryError, match=r"rates\.USD must have every month .* 2024-03 is missing"
    ):
        report(orders, RATES)


CELLS = {
    "order_id": st.sampled_from(["1", "2", "3", "", "1.0"]),
    "customer_id": st.sampled_from(["a", "b", "", "A@b.c", "6.0E+12"]),
    "ordered_at": st.sampled_from(["2024-01-05", "2024-02-01", "", "soon"]),
    "amount": st.sampled_from(["10", "-10", "", "ten", "1,5"]),
    "state": st.sampled_from(["paid", "void", "refunded", ""]),
    "back": st.sampled_from(["", "0", "2", "much"]),
    "currency": st.sampled_from(["EUR", "eur", ""]),
}


@settings(deadline=None)
@given(
    rows=st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=30),
    as_of=st.sampled_from([None, "2024-01-20", "2024-03-01"]),
    is_lines=st.booleans(),
)
def test_every_row_is_in_one_place(rows, as_of, is_lines):
    told = {
        "currency": "EUR",
        "orders": {"status": {"column": "state"}, "refund": {"amount": "back"}},
    }
    if is_lines:
        told = {"currency": "EUR", "orders": {"line_total": "amount"}}
    mapping = Mapping.from_dict(told)
    intakes = take_in({"orders": pl.DataFrame(rows)}, mapping)
    account = check(intakes, mapping, as_of).accounting[0]
    assert sum(account.places.values()) == account.rows_in == len(rows)


def test_any_column_may_have_several_names():
    orders = table(
        {"order_id": "", "payment": "p1", "amount": " ", "gross": "4"},
        {"order_id": "2", "payment": "p2", "amount": "6", "gross": "9"},
    )
    names = {"order_id": ["order_id", "payment"], "amount": ["amount", "gross", "absent"]}
    assert totals(orders, {"orders": {"columns": names}}) == (1, 2, 10.0, 0.0)


def test_of_several_names_one_may_be_there():
    names = {"customer_id": ["account", "customer_id"], "order_id": ["order_id", "invoice"]}
    assert totals(table({}), {"orders": {"columns": names}}) == (1, 1, 10.0, 0.0)


def test_a_line_keeps_what_it_says_where_others_say_nothing():
    lines = table(
        {"state": "paid", "sum": "10"},
        {"state": "void", "sum": "30"},
        {"order_id": "2", "state": "paid", "sum": "1"},
        {"order_id": "2", "state": "", "sum": "2"},
    ).drop("amount")
    settings = {"orders": {"line_total": "sum", "status": {"column": "state"}}}
    assert totals(lines, settings) == (1, 2, 13.0, 0.0)


@pytest.mark.parametrize("name", ["Amount", "Refund Amount", "Refunded At"])
def test_lines_may_have_columns_called_as_those_of_orders(name):
    lines = table({"sum": "10", name: "3"}).drop("amount")
    assert totals(lines, {"orders": {"line_total": "sum"}}) == (1, 1, 10.0, 0.0)


def test_other_tables_may_have_columns_called_as_those_of_refunds():
    people = pl.DataFrame({"customer_id": ["a"], "Refund Amount": ["3"]})
    assert totals(table({}), {}, customers=people) == (1, 1, 10.0, 0.0)


def test_a_declared_currency_is_the_same_in_capitals():
    assert totals(table({"currency": "EUR"}), {"currency": "eur"}) == (1, 1, 10.0, 0.0)


def test_refunds_in_another_currency_are_set_aside():
    back = pl.DataFrame({"order_id": ["1", "1"], "amount": ["2", "500"]})
    refunds = back.with_columns(
        currency=pl.Series(["eur", "JPY"]), refunded_at=pl.lit("2024-02-01")
    )
    found = report(table({}), {}, refunds=refunds)
    assert places(found, "refunds") == {"used": 1, "in another currency": 1}
    assert found.totals.refunds == 2.0


def test_what_was_given_back_of_an_order_that_does_not_count_does_not_count():
    orders = table(
        {"state": "cancelled"},
        {"state": "", "amount": "-3", "ordered_at": "2024-01-06"},
        {"order_id": "2", "state": "paid"},
    )
    refunds = pl.DataFrame(
        {"order_id": ["1", "2"], "customer_id": ["a", "a"], "amount": ["4", "1"]}
    )
    found = report(orders, {"orders": {"status": {"column": "state"}}}, refunds=refunds)
    assert places(found) == {"used": 1, "not counted by status": 2}
    assert places(found, "refunds") == {"used": 1, "not counted by status": 1}


def test_a_refund_of_lines_cannot_be_told_beside_them():
    lines = table({"sum": "10", "back": "3"}).drop("amount")
    with pytest.raises(HistoryError, match="Put refunds in a table refunds"):
        report(lines, {"orders": {"line_total": "sum", "refund": {"amount": "back"}}})


def test_of_an_order_exported_twice_the_larger_refund_counts():
    orders = table({"refund_amount": "2"}, {"refund_amount": "5"})
    found = report(orders, {})
    assert found.totals.refunds == 5.0
    assert "duplicate_refund" not in [problem.kind for problem in found.problems]


def test_equal_refunds_of_one_order_and_day_are_reported():
    refunds = pl.DataFrame(
        {"order_id": ["1"] * 2, "amount": ["2"] * 2, "refunded_at": ["2024-02-01"] * 2}
    )
    found = report(table({}), {}, refunds=refunds)
    (problem,) = (p for p in found.problems if p.kind == "duplicate")
    assert (problem.table, problem.rows, found.totals.refunds) == ("refunds", 1, 2.0)


@pytest.mark.parametrize("amount", ["-4", "€ -4", "(4,00)", "4-"])
def test_a_refund_names_its_order_however_its_minus_is_written(amount):
    orders = table({"of": ""}, {"order_id": "r1", "customer_id": "x", "amount": amount, "of": "1"})
    assert totals(orders, {"orders": {"refund": {"of": "of"}}}) == (1, 1, 10.0, 4.0)


def test_ids_that_a_spreadsheet_shortened_are_refused_in_any_notation():
    orders = table({}, {"order_id": "6,00000E+12"}, {"order_id": "6.00000E+12"})
    assert places(report(orders, {})) == {"used": 1, "quarantined": 2}


@pytest.mark.parametrize(
    ("date", "time"),
    [("2024-01-05T00:00:00", "12:00:00"), ("2024-01-05", "1899-12-31T12:00:00")],
)
def test_dates_and_times_may_be_those_of_a_workbook(date, time):
    orders = table({"ordered_at": date, "clock": time})
    mapping = Mapping.from_dict({"orders": {"time": "clock"}})
    assert History(orders, mapping=mapping).orders.collect()["day"].to_list() == [19727.5]


def test_guests_of_a_source_without_order_ids_are_anonymous():
    orders = table({}, {"customer_id": None}).drop("order_id")
    found = report(orders, {"orders": {"without_order_id": "instant"}})
    assert places(found) == {"used": 1, "anonymous": 1}


def test_a_line_of_nobody_does_not_know_the_customer_of_a_later_line():
    lines = table(
        {"customer_id": "", "sum": "10", "recorded_at": "2024-01-05"},
        {"customer_id": "a", "sum": "5", "recorded_at": "2024-03-01"},
    ).drop("amount")
    mapping = Mapping.from_dict({"currency": "EUR", "orders": {"line_total": "sum"}})
    history = History(lines, mapping=mapping)
    assert history.upto("2024-02-01").orders.collect().is_empty()
    assert history.orders.collect()["amount"].to_list() == [15.0]


def test_an_order_that_counts_later_does_not_change_whether_a_refund_counted():
    settings = {"currency": "EUR", "orders": {"status": {"column": "state"}}}
    rows = [
        {"state": "void", "recorded_at": "2024-01-05"},
        {"state": "", "amount": "-3", "ordered_at": "2024-01-06", "recorded_at": "2024-01-06"},
        {"order_id": "2", "state": "", "recorded_at": "2024-01-05"},
    ]
    late = {"state": "paid", "recorded_at": "2024-05-01"}
    mapping = Mapping.from_dict(settings)
    for orders in (table(*rows), table(*rows, late)):
        past = History(orders, mapping=mapping).upto("2024-02-01")
        assert past.orders.collect()["amount"].to_list() == [10.0]
