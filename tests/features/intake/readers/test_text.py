"""Text tables of many makes: what is in quotes, what parts cells, what stands above."""

import pytest

from features.errors import HistoryError
from features.intake.readers import text
from features.intake.readers.files import read_file
from features.intake.readers.reading import FileReading, Reading


@pytest.fixture
def table(tmp_path):
    """Write a text and read it."""

    def read(content, name="orders.csv", **reading):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_file(path, Reading(**reading))

    return read


def rows(file):
    return file.frame.collect().rows()


def refused(table, content, message, **reading):
    with pytest.raises(HistoryError, match=message):
        table(content, **reading).frame.collect()


def test_a_quote_within_a_cell_loses_no_row(table):
    file = table('id,name,sum\n1,7" vinyl,5\n2,"Poster, ""large""",6\n3,12" vinyl,7\n')
    assert file.frame.select("sum").collect().rows() == [("5",), ("6",), ("7",)]
    assert [name for _, name, _ in rows(file)] == ['7" vinyl', 'Poster, "large"', '12" vinyl']


@pytest.mark.parametrize("also", ["", '3,7" vinyl\n'], ids=["by Polars", "by csv"])
def test_an_empty_cell_is_null_whether_in_quotes_or_not(table, also):
    assert rows(table(f'id,note\n1,\n2,""\n{also}'))[:2] == [("1", None), ("2", None)]


def test_a_record_of_another_width_is_named_by_its_line(table):
    text = 'id,note\n1,"a\nb"\n\n2,x,y\n'
    refused(table, text, r"^orders.csv line 5 has 3 cells, the header has 2: '2,x,y'\. Correct")


def test_a_record_too_short_is_named_as_well(table):
    refused(table, "id,a,b\n1,2,3\n4,5\n", "line 3 has 2 cells, the header has 3")


def test_a_quote_that_nothing_closes_is_named_by_the_line_on_which_it_opens(table):
    refused(table, 'id,a,b\n1,"x\ny","z\n2,x,y\n3,x,y\n', "orders.csv line 3 opens a quote")


def test_a_quote_that_swallows_the_column_names_is_named(table):
    refused(table, 'sep=,\nid,"a\n1,2\n', "orders.csv line 2 opens a quote")


def test_lines_that_end_as_on_old_macs_are_read(table):
    assert rows(table("id,a\r1,x\r2,y\r")) == [("1", "x"), ("2", "y")]


def test_blank_lines_are_no_rows(table):
    assert rows(table("id,a\n\n1,x\n\r\n2,y\n\n")) == [("1", "x"), ("2", "y")]


def test_a_cell_longer_than_the_csv_modules_limit_is_read(table):
    long = "x" * 200_000
    assert rows(table(f'id,a\n1,7" {long}\n')) == [("1", f'7" {long}')]


@pytest.mark.parametrize("content", ["", "\n\n", b"\xef\xbb\xbf"], ids=["none", "lines", "mark"])
def test_a_file_of_nothing_is_refused(table, content):
    refused(table, content, "orders.csv cannot be read: it is empty")


def test_column_names_have_no_blanks_around_them(table):
    assert table('" id ", a\n1,2\n').frame.collect_schema().names() == ["id", "a"]


def test_two_columns_of_one_name_are_refused(table):
    refused(table, "id,sum, sum\n1,2,3\n", "orders.csv has two columns of one name: 'sum'. Rename")


def test_separators_at_the_end_of_lines_make_no_column(table):
    assert table("id;a;;\n1;2;;\n").frame.collect_schema().names() == ["id", "a"]


def test_a_column_without_a_name_gets_its_number(table):
    assert table("id;;\n1;2;3\n").frame.collect_schema().names() == ["id", "column_2", "column_3"]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_separator_is_found(table, mark):
    file = table(f"id{mark}sum{mark}note\n1{mark}2{mark}x\n")
    assert file.found == FileReading("utf-8", mark)
    assert rows(file) == [("1", "2", "x")]


def test_decimal_commas_do_not_part_cells(table):
    assert table("id;sum;tax\n1;2,5;0,5\n2;3,5;0,7\n").found.separator == ";"


def test_a_ragged_table_keeps_its_separator(table):
    refused(table, "id,a,b\n1,2,3\n4,5,6,7\n8,9\n", "line 3 has 4 cells")


def test_a_table_of_one_column_stays_one(table):
    assert rows(table("note\nfine\nhello, you\nwell\n")) == [("fine",), ("hello, you",), ("well",)]


def test_a_separator_that_is_told_comes_first(table):
    file = table("id;a,b\n1;2,3\n", separator=",")
    assert file.frame.collect_schema().names() == ["id;a", "b"]


def test_the_separator_that_excel_is_told_is_obeyed_and_no_row(table):
    file = table("\ufeffsep=|\nid|a,b,c\n1|x,y,z\n")
    assert (rows(file), file.found) == ([("1", "x,y,z")], FileReading("utf-8", "|"))


def test_a_separator_that_is_no_ascii_is_none_of_excels(table):
    assert table("sep=§\nid;b\n1;2\n3;4\n").found.separator == ";"


TITLED = "Liste der Aufträge;;;;\nStand: 20.06.2025\n\nid;day;sum;note;by\n1;2;3;;\n2;3;4;;x\n"


def test_titles_above_the_column_names_are_skipped_and_told(table):
    file = table(TITLED)
    assert file.frame.collect_schema().names() == ["id", "day", "sum", "note", "by"]
    assert file.found.skipped_lines == ("Liste der Aufträge", "Stand: 20.06.2025")
    assert len(rows(file)) == 2


def test_titles_are_skipped_as_well_where_the_csv_module_reads(table):
    assert len(rows(table(TITLED + '3;7" vinyl;;;\n'))) == 3


def test_nothing_is_skipped_when_the_first_line_has_the_usual_width(table):
    file = table("id,a,b\n,,\n1,x,y\n")
    assert file.found.skipped_lines == ()
    assert len(rows(file)) == 2


def test_a_row_is_not_taken_for_column_names(table):
    refused(table, "orders\n1,a\n2,b\n3,c\n", "line 2 has 2 cells, the header has 1")


def test_lines_to_skip_that_are_told_are_skipped(table):
    file = table("a,b\nc,d\n1,2\n", skip_lines=1)
    assert (file.frame.collect_schema().names(), rows(file)) == (["c", "d"], [("1", "2")])
    assert file.found.skipped_lines == ("a,b",)


def test_no_line_is_skipped_when_none_is_to_be(table):
    refused(table, TITLED, "line 2 has 1 cell, the header has 5", skip_lines=0)


def test_only_irregular_files_take_the_slow_way(table, monkeypatch):
    monkeypatch.setattr(text, "_parsed", None)
    assert len(rows(table('id,a\r\n1,"x\ny, ""z"""\r\n2,é\n'))) == 2
    with pytest.raises(TypeError):
        table('id,a\n1,7" vinyl\n')


def test_a_name_with_brackets_is_no_pattern(table):
    assert rows(table("id,a\n1,x\n", "orders[1].csv")) == [("1", "x")]
