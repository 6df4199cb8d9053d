import os
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.clock import as_day
from features.errors import HistoryError
from features.text_dates import DATES, TIMES, moved, read_days

# Made-up columns; `make soak` makes more.
COLUMNS = int(os.environ.get("HOLDFAST_FUZZ_EXAMPLES", "40"))


def read(*cells: str | None, formats: tuple[str, ...] = (), timezone: str = "UTC"):
    return read_days(pl.Series(cells, dtype=pl.String), formats, timezone).to_list()


def days(*instants: str) -> list[float]:
    return [as_day(instant) for instant in instants]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("02/01/2023", "13/01/2023"), ("2023-01-02", "2023-01-13")),
        (("01/02/2023", "01/13/2023"), ("2023-01-02", "2023-01-13")),
        (("2/1/23", "13/1/23"), ("2023-01-02", "2023-01-13")),
        (("02.01.2023 07:05", "03.01.2023 08:00"), ("2023-01-02T07:05", "2023-01-03T08:00")),
        (("Jan 2, 2023", "Feb 3, 2023"), ("2023-01-02", "2023-02-03")),
        (("2 January 2023", "3 March 2023"), ("2023-01-02", "2023-03-03")),
        (("02-Jan-2023", "03-Feb-2023"), ("2023-01-02", "2023-02-03")),
        (("1/13/2023 2:30 PM", "1/2/2023 9:05 AM"), ("2023-01-13T14:30", "2023-01-02T09:05")),
        (("20230102", "20231231"), ("2023-01-02", "2023-12-31")),
        (("2023/01/02", "2023/12/31"), ("2023-01-02", "2023-12-31")),
    ],
)
def test_a_column_is_read_as_it_is_written(cells, expected):
    assert read(*cells) == days(*expected)


@pytest.mark.parametrize("cells", [("02/01/2023", "03/04/2023"), ("2-1-23", "3-4-23")])
def test_day_and_month_that_nothing_tells_apart_are_refused(cells):
    with pytest.raises(HistoryError, match=r"no cell tells them apart\. Write date_format = '%"):
        read(*cells)


def test_the_same_day_either_way_is_no_doubt():
    assert read("02/02/2023", "05/05/2023") == days("2023-02-02", "2023-05-05")


def test_a_column_of_both_orders_is_refused():
    with pytest.raises(HistoryError, match="1 cells can only be the first and 1 only the second"):
        read("13/01/2023", "01/13/2023", "02/03/2023")


def test_formats_that_contradict_each_other_do_not_share_a_column():
    both = ("%m/%d/%Y", "%d/%m/%Y")
    cells = [f"{day:02}/01/2023" for day in range(1, 29)]
    expected = [as_day(f"2023-01-{day:02}") for day in range(1, 29)]
    assert read(*cells, formats=both) == expected


def test_formats_with_and_without_a_time_may_share_one():
    cells = ("13/01/2023 10:00", "14/01/2023")
    assert read(*cells, formats=("%d/%m/%Y %H:%M", "%d/%m/%Y")) == days(
        "2023-01-13T10:00", "2023-01-14"
    )


def test_one_odd_cell_among_iso_dates_is_none():
    assert read("2023-01-02", "2023-01-03", "05/06/2023") == [
        *days("2023-01-02", "2023-01-03"),
        None,
    ]


@pytest.mark.parametrize("word", [" UTC", "Z", " GMT", " Z"])
@pytest.mark.parametrize(
    ("cell", "formats"),
    [
        ("2025-03-01 09:00:00", ()),
        ("2025-03-01 09:00:00", ("%Y-%m-%d %H:%M:%S{word}",)),
        ("2025-03-01 09:00:00", ("%Y-%m-%d %H:%M:%S %Z",)),
        ("01/03/2025 09:00", ("%d/%m/%Y %H:%M %Z",)),
    ],
)
def test_a_zone_in_words_is_meant(cell, formats, word):
    formats = tuple(format.replace("{word}", word) for format in formats)
    if word == "Z" and "%Z" in "".join(formats):
        formats = tuple(format.replace(" %Z", "%Z") for format in formats)
    assert read(cell + word, formats=formats, timezone="Europe/Berlin") == days("2025-03-01T10:00")


def test_hours_without_minutes_are_read():
    assert read("2018100100", "2018100113", formats=("%Y%m%d%H",)) == days(
        "2018-10-01", "2018-10-01T13:00"
    )


def test_years_of_two_digits_are_of_this_age():
    assert read("31/12/99", "13/01/00") == days("1999-12-31", "2000-01-13")


def test_a_single_format_that_was_told_is_not_doubted():
    assert read("02/01/2023", formats=("%d/%m/%Y",)) == days("2023-01-02")


def test_days_move_from_one_zones_clock_to_anothers():
    noon = pl.Series([as_day("2025-07-01T12:00"), None])
    found = moved(noon, "UTC", "Europe/Berlin").to_list()
    assert found == [as_day("2025-07-01T14:00"), None]


@settings(deadline=None, max_examples=COLUMNS)
@given(
    st.lists(st.integers(0, 20_000), min_size=30, max_size=60, unique=True),
    st.sampled_from([d for d in DATES if "%y" not in d]),
    st.sampled_from([t for t in TIMES if ".f" not in t]),
)
def test_dates_come_back_in_every_usual_notation(offsets, date, time):
    instants = [datetime(1990, 1, 1, 10, 20) + timedelta(days=days) for days in offsets]
    # A cell that shows the order of day and month.
    instants.append(datetime(2001, 10, 31, 10, 20))
    expected = [as_day(i if time else i.replace(hour=0, minute=0)) for i in instants]
    assert read(*(i.strftime(date + time) for i in instants)) == pytest.approx(expected)
