"""Raw columns become canonical ones, and every row that cannot be used keeps its reason."""

from itertools import permutations

import duckdb
import numpy as np
import polars as pl
import pytest

from features.clock import as_day
from features.errors import HistoryError
from features.history.history import History
from features.intake.canonical import take_in
from features.intake.mapping import Mapping, TableMapping

ORDER = {"order_id": "1", "customer_id": "a", "ordered_at": "2024-01-05", "amount": "10"}
NPS = {"customer_id": "a", "created_at": "2024-01-06", "kind": "nps", "score": "9"}
OFFER = {"customer_id": "a", "campaign_id": "c", "offered_at": "2024-01-06", "offer_id": "gift"}


def table(*rows):
    """All cells as text, as CSV files have them."""
    return pl.DataFrame(list(rows), infer_schema_length=None)


def intakes_of(orders=None, mapping=None, **tables):
    frames = {"orders": table(ORDER) if orders is None else orders, **tables}
    return take_in(frames, mapping or Mapping())


def problems(intake):
    return intake.rows.collect().to_native().sort("row")["problem"].to_list()


def mapped(**settings):
    return Mapping(tables={"orders": TableMapping(**settings)})


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({}, None),
        ({"amount": " 10.5 "}, None),
        ({"amount": "-10"}, None),
        ({"amount": "1e2"}, None),
        ({"recorded_at": ""}, None),
        ({"customer_id": " "}, "anonymous"),
        ({"order_id": None}, "missing order_id"),
        ({"ordered_at": ""}, "missing ordered_at"),
        ({"ordered_at": "05.01.2024"}, None),
        ({"ordered_at": "31.02.2024"}, "unparsable ordered_at"),
        ({"ordered_at": "1969-12-31"}, "ordered_at before 1970"),
        ({"amount": " "}, "missing amount"),
        ({"amount": "10,5"}, None),
        ({"amount": "10 5"}, "unparsable amount"),
        ({"customer_id": "6.00000E+12"}, "shortened customer_id"),
        ({"order_id": "1.5e+9"}, "shortened order_id"),
        ({"amount": "nan"}, "unparsable amount"),
        ({"amount": "1e999"}, "unparsable amount"),
        ({"recorded_at": "soon"}, "unparsable recorded_at"),
        ({"recorded_at": "0001-01-01"}, "recorded_at before 1970"),
        ({"discount_amount": "some"}, "unparsable discount_amount"),
        ({"customer_id": "", "amount": "ten"}, "unparsable amount"),
    ],
)
def test_an_order_is_usable_or_says_why_not(cells, problem):
    assert problems(intakes_of(table({**ORDER, **cells}))["orders"]) == [problem]


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"score": ""}, None),
        ({"kind": ""}, "missing kind"),
        ({"kind": "NPS!"}, "unknown kind"),
        ({"score": "11"}, "score outside its scale"),
        ({"kind": "csat", "score": "0"}, "score outside its scale"),
        ({"kind": "ticket", "score": ""}, None),
        ({"due_at": "soon"}, "unparsable due_at"),
        ({"customer_id": ""}, "anonymous"),
    ],
)
def test_feedback_is_usable_or_says_why_not(cells, problem):
    intakes = intakes_of(feedback=table({**NPS, **cells}))
    assert problems(intakes["feedback"]) == [problem]


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({}, None),
        ({"offer_id": "none"}, None),
        ({"offer_id": ""}, "missing offer_id"),
        ({"campaign_id": None}, "missing campaign_id"),
        ({"redeemed_at": "yes"}, None),
        ({"propensity": "half"}, "unparsable propensity"),
    ],
)
def test_an_offer_is_usable_or_says_why_not(cells, problem):
    intakes = intakes_of(offers=table({**OFFER, **cells}))
    assert problems(intakes["offers"]) == [problem]


@pytest.mark.parametrize(
    ("cells", "unread"),
    [
        ({"kind": "ticket", "resolved_at": "soon"}, "unparsable resolved_at"),
        ({"kind": "ticket", "score": "9"}, "unusable score"),
        ({"kind": "ticket", "score": "five"}, "unusable score"),
        ({"kind": "ticket", "score": "5"}, None),
    ],
)
def test_a_bad_fact_that_came_later_leaves_its_row(cells, unread):
    feedback = intakes_of(feedback=table({**NPS, **cells}))["feedback"]
    row = feedback.rows.collect().to_native().row(0, named=True)
    assert (row["problem"], row["unread"]) == (None, unread)
    assert (row["score"] is None) == (unread is not None)


def test_an_amount_beyond_a_million_million_is_no_amount():
    orders = intakes_of(table({**ORDER, "amount": "1e200"}))["orders"]
    assert problems(orders) == ["amount beyond a million million"]


def test_a_customer_needs_an_id():
    intakes = intakes_of(customers=table({"customer_id": "a"}, {"customer_id": ""}))
    assert problems(intakes["customers"]) == [None, "missing customer_id"]


def test_a_version_of_a_customer_needs_its_time():
    versions = table(
        {"customer_id": "a", "recorded_at": "2024-01-05"}, {"customer_id": "a", "recorded_at": ""}
    )
    assert problems(intakes_of(customers=versions)["customers"]) == [None, "missing recorded_at"]


def test_rows_are_numbered_as_in_the_source():
    intake = intakes_of(table({**ORDER, "amount": "x"}, {**ORDER, "order_id": "2"}))["orders"]
    assert intake.rows.collect().to_native().sort("row").select("row", "problem").rows() == [
        (1, "unparsable amount"),
        (2, None),
    ]
    assert intake.raw.collect()["row"].to_list() == [1, 2]


def test_a_source_may_have_a_column_called_row():
    intake = intakes_of(table({**ORDER, "row": "x"}))["orders"]
    assert intake.raw.collect()["row"].to_list() == [1]


@pytest.mark.parametrize(
    ("kind", "score", "satisfaction"),
    [("nps", 0, -1.0), ("nps", 5, 0.0), ("csat", 5, 1.0), ("review", 2, -0.5), ("effort", 7, 1.0)],
)
def test_scores_of_every_kind_are_put_on_one_scale(kind, score, satisfaction):
    mapping = Mapping(scales={**Mapping().scales, "effort": (1.0, 7.0)})
    feedback = table({**NPS, "kind": kind, "score": str(score)})
    rows = intakes_of(mapping=mapping, feedback=feedback)["feedback"].rows.collect()
    assert rows["satisfaction"].to_list() == [satisfaction]


def test_scales_that_do_not_divide_evenly_keep_their_ends():
    mapping = Mapping(scales={"mood": (0.1, 0.4)})
    rows = [{**NPS, "kind": "mood", "score": s} for s in ("0.1", "0.4", "0.41")]
    found = problems(intakes_of(mapping=mapping, feedback=table(*rows))["feedback"])
    assert found == [None, None, "score outside its scale"]


def test_an_open_ticket_has_no_score_where_resolving_is_told():
    ticket = {**NPS, "kind": "ticket", "score": "2"}
    tickets = table({**ticket, "resolved_at": ""}, {**ticket, "resolved_at": "2024-01-09"})
    told = intakes_of(feedback=tickets)["feedback"].rows.collect().to_native().sort("row")
    assert told["score"].to_list() == [None, 2.0]
    untold = intakes_of(feedback=table(ticket))["feedback"].rows.collect()
    assert untold["score"].to_list() == [2.0]


def test_missing_columns_are_listed_with_those_that_are_there():
    with pytest.raises(HistoryError) as caught:
        intakes_of(table({"order_id": "1", "client": "a", "amount": "1"}))
    message = str(caught.value)
    assert "orders must have the columns ['customer_id', 'ordered_at']" in message
    assert "it has ['amount', 'client', 'order_id']" in message


def test_a_mapping_to_an_absent_column_is_refused():
    mapping = mapped(columns={"order_id": "invoice", "discount_amount": "rebate"})
    with pytest.raises(HistoryError) as caught:
        intakes_of(table(ORDER), mapping)
    assert "order_id (mapped to 'invoice')" in str(caught.value)
    assert "discount_amount (mapped to 'rebate')" in str(caught.value)


def test_a_mapping_of_a_column_that_means_nothing_is_refused():
    with pytest.raises(HistoryError, match=r"maps \['total'\], which orders does not have"):
        intakes_of(table(ORDER), mapped(columns={"total": "amount"}))


def test_sources_may_use_the_historys_names_for_other_things():
    """Every column bears the name that another one has inside the library."""
    names = {
        "order_id": "customer_id",
        "customer_id": "order_id",
        "ordered_at": "amount",
        "amount": "day",
        "recorded_at": "problem",
        "discount_amount": "known_day",
    }
    cells = {"recorded_at": "2024-02-01", "discount_amount": "2", **ORDER}
    orders = table({names[column]: cell for column, cell in cells.items()})
    row = History(orders, mapping=mapped(columns=names)).orders.collect().to_native()
    assert row.drop("currency").row(0, named=True) == {
        "order_id": "1",
        "customer_id": "a",
        "day": as_day("2024-01-05"),
        "amount": 10.0,
        "discount_amount": 2.0,
        "known_day": as_day("2024-02-01"),
    }


def test_one_source_column_may_serve_twice():
    mapping = mapped(columns={"recorded_at": "ordered_at"})
    assert problems(intakes_of(table(ORDER), mapping)["orders"]) == [None]


def test_columns_without_meaning_are_named():
    intake = intakes_of(table({**ORDER, "colour": "red"}))["orders"]
    assert intake.unused == ("colour",)


def test_constants_fill_in_what_a_source_does_not_have():
    mapping = Mapping(tables={"feedback": TableMapping(constants={"kind": "review"})})
    feedback = table({"customer_id": "a", "created_at": "2024-01-06", "score": "5"})
    rows = intakes_of(mapping=mapping, feedback=feedback)["feedback"].rows.collect()
    assert rows["satisfaction"].to_list() == [1.0]


def test_a_constant_does_not_overwrite_a_column():
    with pytest.raises(HistoryError, match=r"got \['amount'\]"):
        intakes_of(table(ORDER), mapped(constants={"amount": 1}))


def test_a_column_of_the_wrong_type_is_named_as_the_source_calls_it():
    orders = table({**ORDER, "total": [1]})
    with pytest.raises(HistoryError, match="orders column 'total' must hold numbers"):
        intakes_of(orders, mapped(columns={"amount": "total"}))
    with pytest.raises(HistoryError, match="orders column 'n' must hold dates; it holds Int64"):
        intakes_of(table({**ORDER, "n": 5}), mapped(columns={"ordered_at": "n"}))


@pytest.mark.parametrize(
    ("currencies", "declared"),
    [(["EUR", "USD"], None), (["EUR", "USD"], "EUR"), (["EUR", ""], "USD"), (["EUR"], "usd")],
)
def test_mixed_currencies_are_refused(currencies, declared):
    rows = [{**ORDER, "order_id": str(i), "currency": c} for i, c in enumerate(currencies)]
    with pytest.raises(HistoryError, match="orders must be in one currency"):
        intakes_of(table(*rows), Mapping(currency=declared))


@pytest.mark.parametrize(("currencies", "declared"), [(["EUR", ""], None), (["EUR", ""], "EUR")])
def test_one_currency_is_fine_even_where_some_rows_do_not_say(currencies, declared):
    rows = [{**ORDER, "order_id": str(i), "currency": c} for i, c in enumerate(currencies)]
    assert problems(intakes_of(table(*rows), Mapping(currency=declared))["orders"]) == [None, None]


LINE = {"order_id": "1", "customer_id": "a", "ordered_at": "2024-01-05", "units": "1", "price": "2"}
LINES = TableMapping(quantity="units", price="price")


def orders_of_lines(*rows, **settings):
    intakes = take_in({"orders": table(*rows)}, Mapping(tables={"orders": LINES}, **settings))
    return History.from_intakes(intakes, Mapping()), intakes


def test_invoice_lines_are_summed_to_orders_at_their_first_time():
    history, _ = orders_of_lines(
        {**LINE, "units": "3", "ordered_at": "2024-01-05T10:01"},
        {**LINE, "price": "0.5", "ordered_at": "2024-01-05T10:00"},
        {**LINE, "order_id": "2", "units": "-1"},
    )
    orders = history.orders.collect().to_native().sort("order_id")
    assert orders.select("order_id", "day", "amount").rows() == [
        ("1", as_day("2024-01-05T10:00"), 6.5),
        ("2", as_day("2024-01-05"), -2.0),
    ]


def test_unusable_lines_are_left_out_of_their_order_and_kept_with_their_reason():
    history, intakes = orders_of_lines(LINE, {**LINE, "price": "?"}, {**LINE, "units": ""})
    assert history.orders.collect()["amount"].to_list() == [2.0]
    assert problems(intakes["lines"]) == [None, "unparsable price", "missing quantity"]


def test_an_order_is_anonymous_only_if_all_its_lines_are():
    history, intakes = orders_of_lines(
        {**LINE, "customer_id": ""}, LINE, {**LINE, "order_id": "2", "customer_id": ""}
    )
    assert history.orders.collect()["customer_id"].to_list() == ["a"]
    assert sorted(problems(intakes["orders"]), key=str) == [None, "anonymous"]


def test_a_line_recorded_late_does_not_change_its_order_before():
    history, _ = orders_of_lines(
        {**LINE, "recorded_at": ""}, {**LINE, "price": "5", "recorded_at": "2024-03-01"}
    )
    assert history.upto("2024-02-01").orders.collect()["amount"].to_list() == [2.0]
    assert history.upto("2024-04-01").orders.collect()["amount"].to_list() == [7.0]


def test_an_order_is_the_same_to_the_last_bit_in_whatever_order_its_lines_come():
    prices = ("0.1", "0.2", "0.3", "0.7", "1e9")
    found = {
        orders_of_lines(*({**LINE, "price": p} for p in order))[0].orders.collect()["amount"][0]
        for order in permutations(prices)
    }
    assert len(found) == 1


def test_many_orders_are_the_same_to_the_last_bit_however_threads_part_the_lines():
    size = 200_000
    numbers = np.random.default_rng(0)
    lines = pl.DataFrame(
        {
            "order_id": numbers.integers(0, size // 20, size).astype(str),
            "customer_id": "a",
            "ordered_at": "2024-01-05",
            "quantity": numbers.integers(1, 9, size),
            "price": numbers.uniform(0.1, 9.0, size).round(2),
        }
    )
    mapping = Mapping(tables={"orders": TableMapping(quantity="quantity", price="price")})

    once, again = (
        take_in({"orders": some}, mapping)["orders"].rows.collect().to_native().sort("order_id")
        for some in (lines, lines.sample(fraction=1.0, shuffle=True, seed=1))
    )

    assert once["amount"].to_list() == again["amount"].to_list()


def test_lines_of_several_currencies_in_one_order_are_refused():
    with pytest.raises(HistoryError, match="one currency"):
        orders_of_lines({**LINE, "currency": "EUR"}, {**LINE, "currency": "USD"})


def test_discounts_of_lines_are_summed_where_any_is_given():
    history, _ = orders_of_lines(
        {**LINE, "discount_amount": "1"},
        {**LINE, "discount_amount": ""},
        {**LINE, "order_id": "2", "discount_amount": ""},
    )
    orders = history.orders.collect().to_native().sort("order_id")
    assert orders["discount_amount"].to_list() == [1.0, None]


def test_rules_that_need_polars_are_refused_elsewhere():
    with pytest.raises(HistoryError, match=r"\[orders\] drop: only for files"):
        take_in({"orders": duckdb.sql("SELECT 1 AS order_id")}, mapped(drop="order_id = 1"))


def test_a_history_needs_orders():
    with pytest.raises(HistoryError, match="a history needs orders"):
        take_in({"orders": None}, Mapping())


def test_orders_of_which_none_can_be_used_are_refused_with_the_reasons():
    bad = [{**ORDER, "ordered_at": "31.02.2024"}] * 2 + [{**ORDER, "customer_id": ""}]
    with pytest.raises(HistoryError, match="1 x anonymous, 2 x unparsable ordered_at"):
        History(table(*bad))


def test_lines_of_which_none_can_be_used_are_refused_with_the_reasons():
    mapping = Mapping(tables={"orders": LINES})
    with pytest.raises(HistoryError, match="1 x unparsable price"):
        History(table({**LINE, "price": "?"}), mapping=mapping)
