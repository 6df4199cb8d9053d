"""Workbooks are read as a person sees them."""

import pytest

from features.errors import HistoryError
from features.history.history import History
from features.intake.readers.files import read_file
from features.intake.readers.reading import Reading

ROWS = [["id", "day", "sum"], ["0001", (45296.5,), 5000], [2, (45297,), 12.5]]


def test_cells_are_text_as_a_person_sees_them(tmp_path, write_workbook):
    path = write_workbook(tmp_path / "orders.xlsx", {"Orders": ROWS})
    assert read_file(path).frame.collect().to_dict(as_series=False) == {
        "id": ["0001", "2"],
        "day": ["2024-01-05 12:00:00", "2024-01-06 00:00:00"],
        "sum": ["5000", "12.5"],
    }


def test_a_history_is_opened_from_a_workbook(tmp_path, write_workbook):
    head = ["order_id", "customer_id", "ordered_at", "amount"]
    path = write_workbook(tmp_path / "orders.xlsx", {"S": [head, [1, "a", (45296.5,), 5000]]})
    orders = History.open(path).orders.collect().to_native()
    assert orders.select("order_id", "day", "amount").rows() == [("1", 19727.5, 5000.0)]


def test_titles_and_blank_rows_of_a_sheet_are_no_rows(tmp_path, write_workbook):
    sheet = [["Orders of May"], [], *ROWS[:2], [], ROWS[2]]
    file = read_file(write_workbook(tmp_path / "orders.xlsx", {"Orders": sheet}))
    assert file.frame.collect()["id"].to_list() == ["0001", "2"]
    assert file.found.skipped_lines == ("Orders of May",)


def test_rows_to_skip_that_are_told_are_skipped(tmp_path, write_workbook):
    path = write_workbook(tmp_path / "orders.xlsx", {"Orders": [["a", "b", "c"], *ROWS]})
    assert read_file(path, Reading(skip_lines=1)).frame.collect_schema().names() == ROWS[0]


def test_the_one_visible_sheet_with_rows_is_read(tmp_path, write_workbook):
    sheets = {"Empty": [], "Orders": ROWS, "Lists": [["x"]]}
    path = write_workbook(tmp_path / "orders.xlsx", sheets, hidden=("Lists",))
    assert read_file(path).frame.collect().height == 2


def test_several_sheets_with_rows_are_refused_by_name(tmp_path, write_workbook):
    path = write_workbook(tmp_path / "orders.xlsx", {"May": ROWS, "June": ROWS})
    with pytest.raises(HistoryError, match=r"one sheet with rows; got \['May', 'June'\]"):
        read_file(path)


def test_a_workbook_without_rows_is_refused(tmp_path, write_workbook):
    with pytest.raises(HistoryError, match="it is empty, no sheet has rows"):
        read_file(write_workbook(tmp_path / "orders.xlsx", {"Orders": [[]]}))


def test_two_columns_of_one_name_are_refused(tmp_path, write_workbook):
    path = write_workbook(tmp_path / "orders.xlsx", {"Orders": [["id", "id"], [1, 2]]})
    with pytest.raises(HistoryError, match="two columns of one name: 'id'"):
        read_file(path)
