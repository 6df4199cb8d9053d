"""Folders and files are found, read as they are, or refused with their reason."""

import gzip
from datetime import datetime

import polars as pl
import pytest

from features.errors import HistoryError
from features.history.history import History
from features.intake.location import read_mapping
from features.intake.mapping import Mapping, TableMapping
from features.intake.sources import read_tables, select_rows

CSV = "order_id,customer_id,ordered_at,amount\n00001,007,2024-01-05,12.50\n"


def orders_of(path, text, **settings):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    history = History.open(path, Mapping(**settings))
    return history.orders.collect().to_native()


def test_ids_in_csv_stay_text(tmp_path):
    orders = orders_of(tmp_path / "orders.csv", CSV)
    assert orders.select("order_id", "customer_id").row(0) == ("00001", "007")


@pytest.mark.parametrize(
    "text",
    [
        CSV,
        "\ufeff" + CSV,
        CSV.replace("\n", "\r\n"),
        CSV.replace(",", ", "),
        CSV.rstrip("\n"),
        CSV.replace("007", '"007"'),
    ],
    ids=["plain", "byte order mark", "windows lines", "spaces", "no last newline", "quotes"],
)
def test_csv_files_of_many_makes_say_the_same(tmp_path, text):
    orders = orders_of(tmp_path / "orders.csv", text)
    assert orders.select("order_id", "customer_id", "day", "amount").rows() == [
        ("00001", "007", 19727.0, 12.5)
    ]


def test_csv_may_be_compressed(tmp_path):
    orders = orders_of(tmp_path / "orders.csv.gz", gzip.compress(CSV.encode()))
    assert orders["order_id"].to_list() == ["00001"]


def test_file_names_may_be_in_capitals(tmp_path):
    assert orders_of(tmp_path / "ORDERS.CSV", CSV).height == 1


def test_semicolons_and_decimal_commas_are_read(tmp_path):
    text = (
        "order_id;customer_id;ordered_at;amount\n1;a;2024-01-05;1.234,50\n2;a;2024-01-06;-0,5\n"
        "3;a;2024-01-07;12\n4;a;2024-01-08;1234567,25\n"
    )
    orders = orders_of(tmp_path / "orders.csv", text, separator=";", decimal=",")
    assert orders["amount"].to_list() == [1234.5, -0.5, 12.0, 1234567.25]


def test_a_decimal_point_is_not_taken_for_thousands(tmp_path):
    text = "order_id;customer_id;ordered_at;amount\n1;a;2024-01-05;12.50\n2;a;2024-01-05;12,50\n"
    orders = orders_of(tmp_path / "orders.csv", text, separator=";", decimal=",")
    assert orders.select("order_id", "amount").rows() == [("2", 12.5)]


def test_text_may_hold_separators_and_newlines(tmp_path):
    (tmp_path / "orders.csv").write_text(CSV)
    (tmp_path / "feedback.csv").write_text(
        'customer_id,created_at,kind,score,text\n007,2024-01-09,nps,9,"good,\nvery ""good"""\n'
    )
    feedback = History.open(tmp_path).feedback.collect()
    assert feedback["text"].to_list() == ['good,\nvery "good"']


def test_blank_cells_are_nothing_given(tmp_path):
    text = (
        "order_id,customer_id,ordered_at,amount,recorded_at,discount_amount\n"
        '1,a,2024-01-05,10,,""\n2,a,2024-01-06,10,"  ",\n'
    )
    orders = orders_of(tmp_path / "orders.csv", text)
    assert orders.select("known_day", "discount_amount").rows() == [
        (19727.0, None),
        (19728.0, None),
    ]


def test_the_folders_own_mapping_is_used(tmp_path):
    (tmp_path / "sales.csv").write_text(CSV.replace("amount", "total"))
    (tmp_path / "history.toml").write_text(
        '[orders]\nfile = "sales.csv"\ncolumns = { amount = "total" }\n'
    )
    assert History.open(tmp_path).orders.collect()["amount"].to_list() == [12.5]


def test_a_given_mapping_comes_before_the_folders_own(tmp_path):
    (tmp_path / "history.toml").write_text('currency = "EUR"')
    other = tmp_path / "other.toml"
    other.write_text('currency = "USD"')
    assert read_mapping(tmp_path, None).currency == "EUR"
    assert read_mapping(tmp_path, other).currency == "USD"
    assert read_mapping(tmp_path, Mapping(currency="GBP")).currency == "GBP"
    assert read_mapping("postgresql://host/shop", None) == Mapping()


def test_a_folder_holds_several_tables_in_several_formats(tmp_path):
    (tmp_path / "orders.csv").write_text(CSV)
    pl.DataFrame({"customer_id": ["007"]}).write_parquet(tmp_path / "customers.parquet")
    assert set(read_tables(tmp_path, Mapping())) == {"orders", "customers"}


def test_parquet_keeps_its_types(tmp_path):
    frame = pl.DataFrame(
        {
            "order_id": [1],
            "customer_id": ["00001"],
            "ordered_at": [datetime(2024, 1, 5, 12)],
            "amount": [12],
        }
    )
    frame.write_parquet(tmp_path / "orders.parquet")
    orders = History.open(tmp_path / "orders.parquet").orders.collect().to_native()
    assert orders.select("order_id", "customer_id", "day", "amount").rows() == [
        ("1", "00001", 19727.5, 12.0)
    ]


def refused(path, message, **settings):
    with pytest.raises(HistoryError, match=message):
        History.open(path, Mapping(**settings))


def test_a_wrong_path_is_refused(tmp_path):
    refused(tmp_path / "nowhere", "does not exist. Give a folder, a file or a SQL URL")


def test_a_folder_without_orders_says_what_it_holds(tmp_path):
    (tmp_path / "sales.xlsx").touch()
    refused(tmp_path, r"has no orders: .* it holds \['sales.xlsx'\]")


def test_a_mapped_file_that_is_not_there_is_refused(tmp_path):
    tables = {"orders": TableMapping(file="sales.csv")}
    refused(tmp_path, r"\[orders\] file: .*sales.csv does not exist", tables=tables)


def test_two_files_for_one_table_are_refused(tmp_path):
    (tmp_path / "orders.csv").write_text(CSV)
    (tmp_path / "orders.parquet").touch()
    refused(tmp_path, "holds orders.parquet and orders.csv. Keep one")


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "orders.json").touch()
    refused(tmp_path / "orders.json", r"orders.json must be a table file: .parquet, .csv, .tsv")


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "orders.csv").touch()
    refused(tmp_path, "orders.csv cannot be read: it is empty")


def test_a_file_of_nothing_but_column_names_is_refused(tmp_path):
    (tmp_path / "orders.csv").write_text(CSV.splitlines()[0])
    refused(tmp_path, "orders has no rows. Give at least one order")


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "orders.parquet").write_text(CSV)
    refused(tmp_path, "orders.parquet cannot be read")


def test_a_damaged_parquet_is_refused(tmp_path):
    path = tmp_path / "orders.parquet"
    ids = [str(i) for i in range(5000)]
    times = [datetime(2024, 1, 5)] * 5000
    frame = pl.DataFrame({"order_id": ids, "customer_id": ids, "ordered_at": times, "amount": 1.0})
    frame.write_parquet(path)
    content = bytearray(path.read_bytes())
    content[100:3000] = b"\xff" * 2900
    path.write_bytes(content)
    refused(path, "orders cannot be read")


def test_a_file_in_the_encoding_of_windows_is_read(tmp_path):
    text = CSV.replace("007", "Zoë").encode("cp1252")
    assert orders_of(tmp_path / "orders.csv", text)["customer_id"].to_list() == ["Zoë"]


def test_the_encoding_and_the_lines_to_skip_are_told_by_the_mapping(tmp_path):
    text = ("a,b,c,d\n" + CSV.replace("007", "Zoë")).encode("mac_roman")
    orders = orders_of(tmp_path / "orders.csv", text, encoding="mac_roman", skip_lines=1)
    assert orders["customer_id"].to_list() == ["Zoë"]


def test_a_file_in_no_encoding_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_bytes(CSV.encode().replace(b"007", b"\x81"))
    refused(path, "orders.csv line 2: the byte 0x81 .*or save it as UTF-8")


def test_rows_longer_than_the_first_line_are_refused(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(CSV + "2,b,2024-01-06,10,extra\n")
    refused(path, "orders.csv line 3 has 5 cells, the header has 4: ")


def test_a_file_parted_by_another_separator_than_told_gets_a_hint(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(CSV.replace(",", ";"))
    refused(path, "Set separator = ';' there", separator=",")


def test_no_row_is_lost_where_a_cell_holds_a_quote(tmp_path):
    rows = (f'{i},a,2024-01-05,10,12" vinyl\n' for i in range(3))
    text = CSV.splitlines()[0] + ",item\n" + "".join(rows)
    assert orders_of(tmp_path / "orders.csv", text)["order_id"].to_list() == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("drop", "kept"),
    [
        ("amount < 0", ["1", "2"]),
        ("shop = 'test'", ["1", "3"]),
        ("shop IS NULL OR amount < 0", ["2"]),
        ("shop IN (SELECT shop FROM orders WHERE amount = 5)", ["1", "3"]),
    ],
)
def test_drop_leaves_out_the_rows_of_which_it_is_true(drop, kept):
    frame = pl.LazyFrame(
        {"order_id": ["1", "2", "3"], "amount": [None, 5, -1], "shop": [None, "test", "main"]}
    )
    found = select_rows("orders", frame, TableMapping(drop=drop)).collect()
    assert found["order_id"].to_list() == kept


@pytest.mark.parametrize("drop", ["amount <", "total < 0", "amount < 'a'", "1; DROP TABLE orders"])
def test_a_drop_rule_that_is_no_condition_is_refused(tmp_path, drop):
    pl.DataFrame({"order_id": ["1"], "amount": [1.0]}).write_parquet(tmp_path / "orders.parquet")
    refused(tmp_path, "drop", tables={"orders": TableMapping(drop=drop)})


def test_a_drop_rule_that_leaves_nothing_says_so(tmp_path):
    (tmp_path / "orders.csv").write_text(CSV)
    tables = {"orders": TableMapping(drop="order_id = '00001'")}
    refused(tmp_path, "orders has no rows besides the 1 that the drop rule left out", tables=tables)
