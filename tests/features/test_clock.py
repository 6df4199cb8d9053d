"""Instants become days on the shop's wall clock, the same on every engine."""

import zoneinfo
from datetime import UTC, date, datetime, timedelta, timezone

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.clock import as_day, as_instant
from features.day_column import with_day
from features.errors import HistoryError


def days_of(values, zone="UTC", formats=(), dtype=None):
    frame = nw.from_native(pl.LazyFrame({"at": pl.Series(values, dtype=dtype)}))
    return with_day(frame, "at", "day", zone, formats).collect()["day"].to_list()


@pytest.mark.parametrize(
    "when",
    [
        "1970-01-02T12:00",
        " 1970-01-02 12:00 ",
        datetime(1970, 1, 2, 12),
        pd.Timestamp("1970-01-02 12:00"),
        1.5,
        np.float32(1.5),
    ],
)
def test_a_day_can_be_told_in_many_ways(when):
    assert as_day(when) == 1.5


def test_a_date_is_its_midnight():
    assert as_day(date(1970, 1, 3)) == as_day("1970-01-03") == 2.0


def test_an_instant_with_an_offset_moves_to_the_shops_wall_clock():
    instant = datetime(1970, 1, 1, 23, tzinfo=UTC)
    assert as_day(instant, "Europe/Paris") == 1.0
    assert as_day(pd.Timestamp(instant), "Europe/Paris") == 1.0
    assert as_day("1970-01-01T23:00:00Z", "Europe/Paris") == 1.0


@pytest.mark.parametrize(
    "when",
    ["10/09/2011", "", "2011-13-01", None, True, pd.NaT, np.datetime64("2011-09-10"), [1.0]],
)
def test_what_is_no_date_is_refused(when):
    with pytest.raises(HistoryError, match=r"a date must be .* Write for example 2011-09-10"):
        as_day(when)


@pytest.mark.parametrize("when", [float("nan"), float("inf"), 20110910])
def test_a_number_that_cannot_be_a_day_is_refused(when):
    with pytest.raises(HistoryError, match="days since 1970-01-01"):
        as_day(when)


instants = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1))


@given(instants)
def test_as_instant_undoes_as_day(instant):
    assert abs(as_instant(as_day(instant)) - instant) <= timedelta(microseconds=1)


@given(st.lists(instants, min_size=1, max_size=20))
def test_a_column_gives_exactly_the_days_of_as_day(values):
    assert days_of(values, dtype=pl.Datetime("us")) == [as_day(value) for value in values]


def test_duckdb_gives_exactly_the_days_of_as_day():
    values = [datetime(2024, 1, 5, 10) + timedelta(seconds=997 * i) for i in range(5000)]
    relation = duckdb.from_arrow(pl.DataFrame({"at": values}).to_arrow())
    found = with_day(nw.from_native(relation), "at", "day", "UTC").collect("polars")
    assert sorted(found["day"].to_list()) == [as_day(value) for value in values]


ISO = {
    "2024-01-05": "2024-01-05",
    "2024-01-05T10:00": "2024-01-05T10:00",
    "2024-01-05 10:00:01": "2024-01-05T10:00:01",
    "2024-01-05T10:00:01.5": "2024-01-05T10:00:01.5",
    " 2024-01-05 ": "2024-01-05",
    "2024-01-05T10:00:00Z": "2024-01-05T11:00",
    "2024-01-05T10:00Z": "2024-01-05T11:00",
    "2024-01-05 10:00:00+02:00": "2024-01-05T09:00",
    "2024-01-05T10:00:00-0500": "2024-01-05T16:00",
}


@pytest.mark.parametrize(("text", "wall_clock"), ISO.items())
def test_iso_text_is_read_on_the_shops_wall_clock(text, wall_clock):
    assert days_of([text], "Europe/Paris") == [as_day(wall_clock)]


@pytest.mark.parametrize("text", ["", "  ", "05.01.2024", "2024-02-30", "soon", None])
def test_text_that_is_no_iso_date_becomes_null(text):
    assert days_of([text, "2024-01-05"], dtype=pl.String) == [None, as_day("2024-01-05")]


def test_texts_of_several_forms_may_stand_in_one_column():
    assert days_of(list(ISO), "Europe/Paris") == [as_day(wall) for wall in ISO.values()]


def test_windows_dates_are_read_with_their_format():
    found = days_of(["1/12/2010 8:26", "01/12/2010 08:26"], formats=("%d/%m/%Y %H:%M",))
    assert found == [as_day("2010-12-01T08:26")] * 2


def test_formats_are_tried_in_turn():
    formats = ("%m/%d/%Y %I:%M %p", "%m/%d/%Y")
    found = days_of(["12/31/2010 3:05 PM", "12/31/2010", "31/12/2010"], formats=formats)
    assert found == [as_day("2010-12-31T15:05"), as_day("2010-12-31"), None]


def test_a_format_with_an_offset_moves_to_the_shops_wall_clock():
    found = days_of(["05.01.2024 10:00 +0000"], "Europe/Paris", ("%d.%m.%Y %H:%M %z",))
    assert found == [as_day("2024-01-05T11:00")]


def test_integers_can_be_written_dates():
    assert days_of([20240105, None], formats=("%Y%m%d",)) == [as_day("2024-01-05"), None]


@pytest.mark.parametrize(
    ("unit", "factor"), [("epoch_s", 1), ("epoch_ms", 1_000), ("epoch_us", 1_000_000)]
)
@pytest.mark.parametrize("dtype", [pl.Int64, pl.Float64, pl.String])
def test_epoch_numbers_are_instants_of_utc(unit, factor, dtype):
    value = pl.Series([1_704_448_800 * factor, None]).cast(dtype)
    assert days_of(value, "Europe/Paris", (unit,)) == [as_day("2024-01-05T11:00"), None]


def test_epoch_numbers_beyond_all_time_become_null():
    assert days_of([10**18], "Europe/Paris", ("epoch_s",)) == [None]


def test_aware_columns_move_to_the_shops_wall_clock():
    values = pl.Series([datetime(2024, 1, 5, 23, 30)]).dt.replace_time_zone("UTC")
    assert days_of(values, "Europe/Paris") == [as_day("2024-01-06T00:30")]


def test_summer_time_shifts_instants_but_not_wall_clocks():
    around = ["2024-03-31T00:59:00Z", "2024-03-31T01:00:00Z"]
    assert days_of(around, "Europe/Paris") == [
        as_day("2024-03-31T01:59"),
        as_day("2024-03-31T03:00"),
    ]
    assert days_of(["2024-03-31T02:30"], "Europe/Paris") == [as_day("2024-03-31T02:30")]


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "Asia/Kolkata"])
def test_a_column_and_as_day_agree_on_zones(zone):
    aware = datetime(2018, 11, 4, 3, 30, tzinfo=timezone(timedelta(hours=1)))
    assert aware.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset() != timedelta(hours=1)
    assert days_of([aware.isoformat()], zone) == [as_day(aware, zone)]


def test_milliseconds_and_nanoseconds_are_days_too():
    for unit in ("ms", "us", "ns"):
        assert days_of([datetime(2024, 1, 5, 12)], dtype=pl.Datetime(unit)) == [19727.5]


def test_dates_and_categories_of_dates_are_days():
    assert days_of([date(2024, 1, 5), None]) == [19727.0, None]
    assert days_of(["2024-01-05", None], dtype=pl.Categorical) == [19727.0, None]


def test_a_column_of_nulls_has_no_days():
    assert days_of([None, None]) == [None, None]


@pytest.mark.parametrize("values", [[20240105], [1.5], [True]])
def test_a_column_that_holds_no_dates_is_refused(values):
    with pytest.raises(HistoryError, match="must hold dates; it holds"):
        days_of(values)


def duckdb_days(texts, zone):
    relation = duckdb.from_arrow(pl.DataFrame({"at": texts}).to_arrow())
    found = with_day(nw.from_native(relation), "at", "day", zone).collect("polars")
    return dict(found.to_native().select("at", "day").iter_rows())


def test_duckdb_reads_iso_text_as_polars_does():
    texts = [*ISO, "", "05.01.2024"]
    expected = dict(zip(texts, days_of(texts, "Europe/Paris"), strict=True))
    assert duckdb_days(texts, "Europe/Paris") == expected


def test_duckdb_moves_aware_timestamps():
    relation = duckdb.sql("SELECT TIMESTAMPTZ '2024-01-05 23:30:00+00' AS at")
    found = with_day(nw.from_native(relation), "at", "day", "Europe/Paris").collect("polars")
    assert found["day"].to_list() == [as_day("2024-01-06T00:30")]


def test_duckdb_numbers_are_no_dates():
    with pytest.raises(HistoryError, match="must hold dates; DuckDB says INTEGER"):
        with_day(nw.from_native(duckdb.sql("SELECT 1 AS at")), "at", "day", "UTC")


def test_date_formats_are_refused_outside_polars():
    relation = nw.from_native(duckdb.sql("SELECT '05.01.2024' AS at"))
    with pytest.raises(HistoryError, match="date_format is not for"):
        with_day(relation, "at", "day", "UTC", ("%d.%m.%Y",))
