from datetime import date, timedelta

import narwhals as nw
import pandas as pd
import polars as pl
import pytest

from features.metrics.calendar import number_of, start_of

DAYS = pd.date_range("1899-12-25", "2101-01-05")
SINCE = [(day.date() - date(1970, 1, 1)).days for day in DAYS]


@pytest.mark.parametrize(("every", "rule"), [("month", "M"), ("quarter", "Q"), ("year", "Y")])
def test_every_day_of_two_centuries_is_in_its_period(every, rule):
    rows = nw.from_native(pl.DataFrame({"day": [day + 0.99 for day in SINCE]}))
    found = rows.select(number_of(nw.col("day"), every))["day"].to_list()
    assert found == [period.ordinal for period in DAYS.to_period(rule)]
    for number in {*found[::97]}:
        assert start_of(number, every) == pd.Period(ordinal=number, freq=rule).start_time


def test_weeks_begin_on_monday():
    rows = nw.from_native(pl.DataFrame({"day": [float(day) for day in SINCE]}))
    found = rows.select(number_of(nw.col("day"), "week"))["day"].to_list()
    for day, number in zip(DAYS[::11], found[::11], strict=True):
        assert start_of(number, "week") == day - timedelta(days=day.weekday())
