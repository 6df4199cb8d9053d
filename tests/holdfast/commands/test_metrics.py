import json

import pandas as pd
import pytest

from features.history.history import History
from features.metrics.catalogue import METRICS
from features.metrics.cohorts import cohorts
from features.metrics.retention import retention_metrics


def test_the_document_is_that_of_the_library(holdfast, shop):
    found = json.loads(holdfast("metrics", shop, "--horizon-days", 60, "--json").stdout)
    expected = retention_metrics(History.open(shop), 60).as_dict()
    assert {key: found[key] for key in expected} == expected


def test_the_horizon_is_the_suggested_one(holdfast, shop):
    suggested = json.loads(holdfast("check", shop, "--json").stdout)["suggestion"]["horizon_days"]
    assert json.loads(holdfast("metrics", shop, "--json").stdout)["horizon_days"] == suggested


def test_a_table_is_shown_for_all_and_by_a_column(holdfast, shop):
    found = holdfast(
        "metrics", shop, "--every", "quarter", "--by", "channel", "--end", "2025-12-01"
    )
    assert "2025-10-01 *" in found.stdout
    assert "By channel, from 2025-07-01" in found.stdout
    assert "search" in found.stdout
    assert "the last quarter is not over" in found.stderr
    assert "the history begins on 2023-01-0" in found.stderr
    assert "in none of its groups" not in found.stderr


def test_customers_in_no_group_are_told_of(holdfast, tmp_path):
    (tmp_path / "orders.csv").write_text(
        "order_id,customer_id,ordered_at,amount\n1,a,2024-01-05,20\n2,b,2024-01-09,35\n"
    )
    (tmp_path / "customers.csv").write_text("customer_id,country\na,EE\nb,\n")
    (tmp_path / "history.toml").write_text('[customers]\nstatic = ["country"]\n')
    found = holdfast("metrics", tmp_path, "--horizon-days", 30, "--by", "country")
    assert "1 of 2 customers at the end have no country: they are in none of its" in found.stderr


def test_all_figures_are_written(holdfast, shop, tmp_path):
    found = holdfast("metrics", shop, "--every", "year", "--out", tmp_path / "metrics.csv")
    table = pd.read_csv(tmp_path / "metrics.csv")
    assert [*table] == ["start", "end", "is_whole", "group", *(m.name for m in METRICS)]
    assert f"{len(table)} rows in" in found.stdout


def test_cohorts_are_shown_and_written(holdfast, shop, tmp_path):
    asked = ("--every", "quarter", "--cohorts", "--end", "2025-12-01")
    found = holdfast("metrics", shop, *asked, "--out", tmp_path / "cohorts.parquet")
    expected = cohorts(History.open(shop), "2025-12-01", "quarter").table
    written = pd.read_parquet(tmp_path / "cohorts.parquet")
    pd.testing.assert_frame_equal(written, expected, check_dtype=False)
    assert f"{len(expected)} rows in" in found.stdout
    shown = found.stdout.partition("2 ... quarters later")[2]
    assert shown.count("%*") == (~expected.loc[expected["age"] > 0, "is_whole"]).sum() > 3


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("--start", "2025-02-01", "--end", "2025-01-01"), "start must be before end"),
        (("--start", "soon"), "a date must be YYYY-MM-DD"),
        (("--end", "2026-13-01"), "a date must be YYYY-MM-DD"),
        (("--by", "market"), "customers.channel; got 'market'"),
        (("--horizon-days", "0"), "horizon_days must be a number of days > 0"),
        (("--every", "day"), "'day' is not one of"),
        (("--every", "all", "--cohorts"), "cohorts are of a week, month, quarter or year"),
    ],
)
def test_what_cannot_be_asked_is_refused(holdfast, shop, asked, told):
    found = holdfast("metrics", shop, *asked)
    assert found.exit_code == 2
    assert told in found.stderr


def test_an_end_long_after_the_last_order_is_warned_of(holdfast, shop):
    found = holdfast("metrics", shop, "--start", "2025-11-01", "--end", "2026-06-01", "--json")
    assert "the history is stale" in found.stderr
    last = json.loads(found.stdout)["periods"][-1]
    assert last["orders"] is None and last["customers_at_end"] is None
