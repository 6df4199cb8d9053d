"""Where every row goes, and that none is lost on the way."""

import csv

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.clock import as_day
from features.history.history import History
from features.intake.canonical import take_in
from features.intake.mapping import Mapping, TableMapping
from features.intake.sources import read_tables
from features.quality.row_counts import (
    RowCounts,
    account,
    is_versioned,
    quarantine,
    write_quarantine,
)

HEAD = ("order_id", "customer_id", "ordered_at", "amount", "recorded_at")


def orders(*rows, head=HEAD[:4]):
    return pl.DataFrame(list(rows), schema=dict.fromkeys(head, pl.String), orient="row")


def intake_of(frame, **settings):
    mapping = Mapping(**settings)
    return take_in({"orders": frame}, mapping), mapping


def test_every_kind_of_row_is_counted_in_its_own_place():
    intakes, _ = intake_of(
        orders(
            ("1", "a", "2024-01-05", "10"),
            ("2", "", "2024-01-06", "10"),
            ("3", "b", "2024-05-01", "10"),
            ("4", "c", "soon", "10"),
            ("1", "a", "2024-01-05", "10"),
        )
    )
    assert account(intakes["orders"], as_day("2024-03-01")) == RowCounts(
        "orders", rows_in=5, used=1, anonymous=1, after_as_of=1, quarantined=2
    )


def test_without_as_of_nothing_is_after_it():
    intakes, _ = intake_of(orders(("1", "a", "2024-01-05", "10"), ("2", "b", "2199-01-01", "10")))
    found = account(intakes["orders"], None)
    assert (found.used, found.after_as_of) == (2, 0)


def test_an_order_at_as_of_is_not_known_before_it():
    intakes, _ = intake_of(orders(("1", "a", "2024-01-05", "10")))
    assert account(intakes["orders"], as_day("2024-01-05")).after_as_of == 1


def test_a_version_is_superseded_only_once_its_successor_is_known():
    intakes, _ = intake_of(
        orders(
            ("1", "a", "2024-01-05", "10", "2024-01-05"),
            ("1", "a", "2024-01-05", "12", "2024-02-01"),
            head=HEAD,
        )
    )
    before, after = (account(intakes["orders"], as_day(f"2024-{m}-01")) for m in ("02", "03"))
    assert (before.used, before.after_as_of, before.quarantined) == (1, 1, 0)
    assert (after.used, after.after_as_of, after.quarantined) == (1, 0, 1)


def test_rows_left_out_by_the_mapping_are_counted_apart():
    intakes, _ = intake_of(
        orders(("1", "a", "2024-01-05", "10"), ("TEST", "a", "2024-01-05", "10")),
        tables={"orders": TableMapping(drop="order_id = 'TEST'")},
    )
    found = account(intakes["orders"], None)
    assert (found.rows_in, found.used, found.left_out) == (1, 1, 1)


def test_invoice_lines_are_accounted_for_beside_the_orders_made_of_them():
    lines = pl.DataFrame(
        {
            "order_id": ["1", "1", "2", "3"],
            "customer_id": ["a", "a", None, "b"],
            "ordered_at": ["2024-01-05"] * 4,
            "units": ["1", "2", "1", "many"],
            "price": ["5", "3", "4", "1"],
        }
    )
    table = TableMapping(quantity="units", price="price")
    intakes, _ = intake_of(lines, tables={"orders": table})
    assert account(intakes["lines"], None) == RowCounts("lines", 4, 2, 1, 0, 1)
    assert account(intakes["orders"], None) == RowCounts("orders", 2, 1, 1, 0, 0)


@pytest.mark.parametrize(
    ("as_of", "parts"), [("2024-01-05", (0, 2)), ("2024-01-07", (2, 0)), ("2024-02-01", (2, 0))]
)
def test_an_order_whose_lines_came_at_different_times_is_one_order(as_of, parts):
    lines = pl.DataFrame(
        {
            "order_id": ["1", "1", "1", "2"],
            "customer_id": ["a", "a", "a", "b"],
            "ordered_at": ["2024-01-05", "2024-01-06", "2024-01-20", "2024-01-05"],
            "units": [1, 1, 1, 1],
            "price": [5, 3, 2, 1],
        }
    )
    intakes, mapping = intake_of(
        lines, tables={"orders": TableMapping(quantity="units", price="price")}
    )
    found = account(intakes["orders"], as_day(as_of))
    assert (found.rows_in, found.used, found.after_as_of) == (2, *parts)
    assert quarantine(intakes, mapping, as_of).height == 0


@pytest.mark.parametrize("parts", [(1, 0, 0, 0), (2, 0, 0, 1), (3, -1, 0, 0)])
def test_an_accounting_that_loses_or_invents_rows_cannot_exist(parts):
    with pytest.raises(ValueError, match="rows in must be used"):
        RowCounts("orders", 2, *parts)


def test_only_rows_recorded_at_another_time_than_their_own_make_versions():
    row = ("1", "a", "2024-01-05", "10")
    same, _ = intake_of(orders((*row, "2024-01-05"), head=HEAD))
    later, _ = intake_of(orders((*row, "2024-01-06"), head=HEAD))
    assert not is_versioned(same["orders"])
    assert is_versioned(later["orders"])


def test_quarantine_tells_copies_from_versions():
    copy = ("1", "a", "2024-01-05", "10", "2024-01-05")
    version = ("1", "a", "2024-01-05", "12", "2024-02-01")
    intakes, mapping = intake_of(orders(copy, copy, version, head=HEAD))
    assert sorted(quarantine(intakes, mapping)["reason"]) == [
        "duplicate",
        "superseded by a later recorded version",
    ]


def test_equal_ids_on_different_days_are_duplicates_where_nothing_was_recorded():
    intakes, mapping = intake_of(
        orders(("1", "a", "2024-01-05", "10"), ("1", "a", "2024-02-01", "10"))
    )
    assert quarantine(intakes, mapping)["reason"].to_list() == ["duplicate"]


def test_quarantine_keeps_the_cells_of_every_source_as_text():
    feedback = pl.DataFrame(
        {"customer_id": ["a"], "created_at": ["2024-01-05"], "kind": ["nps"], "score": [11]}
    )
    frames = {"orders": orders(("0007", "a", "31.02.2024", "1")), "feedback": feedback}
    rows = quarantine(take_in(frames, Mapping()), Mapping()).rows(named=True)
    assert rows[0]["order_id"] == "0007"
    assert rows[0]["ordered_at"] == "31.02.2024"
    assert (rows[1]["table"], rows[1]["reason"]) == ("feedback", "score outside its scale")
    assert (rows[1]["score"], rows[1]["order_id"]) == ("11", None)


def test_quarantine_leaves_room_for_a_source_with_columns_of_its_own_names():
    frame = orders(("1", "a", "never", "1")).with_columns(reason=pl.lit("gift"), table=pl.lit(7))
    intakes, mapping = intake_of(frame)
    row = quarantine(intakes, mapping).row(0, named=True)
    assert (row["reason"], row["source reason"]) == ("unparsable ordered_at", "gift")
    assert (row["table"], row["source table"]) == ("orders", "7")


def test_quarantine_holds_nested_cells():
    frame = orders(("1", "a", "never", "1")).with_columns(items=pl.lit([["x", "y"]]).list.first())
    intakes, mapping = intake_of(frame)
    assert quarantine(intakes, mapping)["items"].to_list() == ['{"items":["x","y"]}']


def test_anonymous_rows_are_not_in_quarantine():
    intakes, mapping = intake_of(orders(("1", "", "2024-01-05", "10")))
    assert quarantine(intakes, mapping).height == 0


def test_quarantine_is_written_as_csv(tmp_path):
    intakes, mapping = intake_of(
        orders(("1", "a", "2024-01-05", "10"), ("2", 'say "b"', "2024-01-06", "ten"))
    )
    path = tmp_path / "quarantine.csv"
    assert write_quarantine(intakes, mapping, path) == 1
    with path.open(newline="", encoding="utf-8") as file:
        written = list(csv.reader(file))
    assert written[1] == ["orders", "2", "unparsable amount", "2", 'say "b"', "2024-01-06", "ten"]


ids = st.sampled_from(["", " ", "1", "2", "3", "00001", "a,b", 'c"d'])
dates = st.sampled_from(
    ["", "2024-01-05", "2024-02-01T08:00", "2024-03-01", "1969-12-31", "31.02.2024", "2024-13-01"]
)
amounts = st.sampled_from(["", "0", "10", "-10", "12.5", "1e400", "nan", "ten"])
cells = st.tuples(ids, ids, dates, amounts, dates)
cuts = st.sampled_from([None, "2024-01-05", "2024-02-01T08:00", "2024-02-02", "2030-01-01"])


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(cells, min_size=1, max_size=12), as_of=cuts)
def test_no_row_of_a_messy_file_is_lost_or_counted_twice(tmp_path_factory, rows, as_of):
    path = tmp_path_factory.mktemp("messy") / "orders.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_MINIMAL).writerows([HEAD, *rows])
    intakes = take_in(dict(read_tables(path, Mapping())), Mapping())
    found = account(intakes["orders"], None if as_of is None else as_day(as_of))
    history = History.from_intakes(intakes, Mapping())
    known = history if as_of is None else history.upto(as_of)
    wrong = quarantine(intakes, Mapping(), as_of)
    assert found.rows_in == len(rows)
    assert found.used == len(known.orders.collect())
    assert found.quarantined == wrong.height
    for cell in wrong.select("row", *HEAD).rows():
        assert tuple(c or "" for c in cell[1:]) == rows[cell[0] - 1]
