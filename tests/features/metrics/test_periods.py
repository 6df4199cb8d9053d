from datetime import datetime

import pytest

from features.clock import as_day, as_instant
from features.errors import HistoryError
from features.metrics.periods import beginning, periods_of


def shown(periods):
    return [(f"{as_instant(p.start):%m-%d}", f"{as_instant(p.end):%m-%d}") for p in periods]


def test_a_month_is_a_calendar_month_and_the_last_one_is_cut_off():
    found = periods_of(as_day("2024-01-01"), as_day("2024-03-15"), "month")
    assert shown(found) == [("01-01", "02-01"), ("02-01", "03-01"), ("03-01", "03-15")]
    assert [period.is_whole for period in found] == [True, True, False]
    assert as_instant(found[0].previous) == datetime(2023, 12, 1)
    assert [period.previous for period in found[1:]] == [period.start for period in found[:-1]]


def test_months_from_the_31st_end_where_a_month_does():
    found = periods_of(as_day("2024-01-31"), as_day("2024-04-30"), "month")
    assert shown(found) == [("01-31", "02-29"), ("02-29", "03-31"), ("03-31", "04-30")]


@pytest.mark.parametrize(
    ("every", "first"),
    [("week", "2024-05-13"), ("month", "2024-05-01"), ("quarter", "2024-04-01"),
     ("year", "2024-01-01"), ("all", "2024-05-15")],
)  # fmt: skip
def test_where_the_period_of_a_day_begins(every, first):
    assert as_instant(beginning(as_day("2024-05-15T13:00"), every)).isoformat()[:10] == first


def test_one_period_has_one_as_long_before_it():
    (found,) = periods_of(10.0, 14.0, "all")
    assert (found.start, found.end, found.previous, found.is_whole) == (10.0, 14.0, 6.0, True)


@pytest.mark.parametrize(
    ("start", "end", "every", "told"),
    [
        ("2024-02-01", "2024-01-01", "month", "start must be before end; got 2024-02-01 and"),
        ("2024-02-01", "2024-02-01", "all", "start must be before end"),
        ("1970-01-01", "2024-01-01", "week", "at most 1,100 periods; 1970-01-01 to 2024-01-01"),
        ("2024-01-01", "2024-02-01", "day", "every must be one of week, month, quarter, year, all"),
    ],
)
def test_what_is_no_interval_is_refused(start, end, every, told):
    with pytest.raises(HistoryError, match=told):
        periods_of(as_day(start), as_day(end), every)
