import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.intake.amounts import read_numbers


def read(*cells: str | None, decimal: str | None = None) -> list[float | None]:
    return read_numbers(pl.Series(cells, dtype=pl.String), decimal).to_list()


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1234.5", 1234.5),
        ("1,234.50", 1234.5),
        ("1.234,50", 1234.5),
        ("1 234,50", 1234.5),
        ("1'234.50", 1234.5),
        ("1\u2019234.50", 1234.5),
        ("1\u00a0234\u202f567,8", 1234567.8),
        ("1,23,456.00", 123456.0),
        ("12,50", 12.5),
        ("1,234,567", 1234567.0),
        ("1.234.567", 1234567.0),
        ("$12.00", 12.0),
        ("12.00 €", 12.0),
        ("EUR 12.00", 12.0),
        ("US$ 12", 12.0),
        ("R$1.234,56", 1234.56),
        ("kr 1 234,50", 1234.5),
        ("1.234,50 zł", 1234.5),
        ("(12.00)", -12.0),
        ("-$12.00", -12.0),
        ("$-12.00", -12.0),
        ("12.00-", -12.0),
        ("12,00- EUR", None),
        ("\u22125", -5.0),
        ("+5", 5.0),
        (".5", 0.5),
        ("12.", 12.0),
        ("0,123", 0.123),
        ("1e3", 1000.0),
        (" 7 ", 7.0),
    ],
)
def test_a_number_is_read_as_people_write_it(cell, number):
    assert read(cell) == [number]


@pytest.mark.parametrize(
    "cell",
    [
        "½",
        "0x10",
        "NaN",
        "inf",
        "NULL",
        "-",
        "",
        " ",
        "12 34",
        "1 23",
        "(5",
        "5)",
        "1.2.3,4",
        "ten",
    ],
)
def test_what_is_no_number_is_none(cell):
    assert read(cell) == [None]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (("1,234", "2,000.00"), [1234.0, 2000.0]),
        (("1.234", "2.000,00"), [1234.0, 2000.0]),
        (("1,234", "12,5"), [1.234, 12.5]),
        (("1.234", "5"), [1.234, 5.0]),
        (("1,234", "5"), [1234.0, 5.0]),
    ],
)
def test_the_column_tells_what_a_cell_does_not(cells, numbers):
    assert read(*cells) == numbers


def test_a_decimal_mark_that_was_told_is_that_of_all_cells():
    assert read("1,234", "1.234", "1,234.5", "12,5", decimal=".") == [1234.0, 1.234, 1234.5, None]
    assert read("1,234", "1.234", "1.234,5", "12.5", decimal=",") == [1.234, 1234.0, 1234.5, None]


def written(cents: int, thousands: str, mark: str) -> str:
    grouped = f"{abs(cents) // 100:,}".replace(",", thousands)
    return f"{'-' if cents < 0 else ''}{grouped}{mark}{abs(cents) % 100:02}"


@given(
    st.lists(st.integers(-(10**10), 10**10), min_size=1),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("", ","), ("", ".")]),
)
def test_amounts_with_cents_come_back_in_every_notation(cents, marks):
    assert read(*(written(each, *marks) for each in cents)) == [each / 100 for each in cents]
