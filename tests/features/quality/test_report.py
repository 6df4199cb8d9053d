"""The usability report as a whole."""

import json
import os
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.intake.sources import read_tables
from features.quality import check, quarantine

EUROS = Mapping(currency="EUR")
DATA = Path(os.environ.get("HOLDFAST_DATA", Path(__file__).parents[4] / "shared" / "data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs the real data, see HOLDFAST_DATA")


def healthy(customers=40, orders=12):
    """Everybody buys every 30 days, at differing amounts, on differing days."""
    rows = [
        (f"{c}-{k}", f"c{c}", date(2023, 1, 1) + timedelta(days=c % 30 + 30 * k), 10.0 + c)
        for c in range(customers)
        for k in range(orders)
    ]
    names = ["order_id", "customer_id", "ordered_at", "amount"]
    return pl.DataFrame(rows, schema=names, orient="row")


def report(orders, as_of=None, mapping=EUROS, **others):
    return check(take_in({"orders": orders, **others}, mapping), mapping, as_of)


def kinds(found):
    return [problem.kind for problem in found.problems]


def test_a_healthy_history_has_nothing_to_complain_of():
    assert kinds(report(healthy(), "2023-12-27")) == ["dates_only"]


def test_the_report_counts_what_was_known_before_as_of():
    found = report(healthy(), "2023-01-31")
    assert (found.orders, found.customers, found.refunds) == (40, 40, 0)
    assert (found.span.first_date, found.span.last_date, found.span.days) == (
        "2023-01-01",
        "2023-01-30",
        30,
    )
    assert found.accounting[0].after_as_of == 440


def test_orders_of_nothing_and_refunds_make_no_customer_and_no_span():
    rows = [("r", "x", date(2022, 1, 1), -5.0), ("z", "y", date(2025, 1, 1), 0.0)]
    extra = pl.DataFrame(rows, schema=healthy().schema, orient="row")
    found, plain = report(pl.concat([healthy(), extra])), report(healthy())
    assert (found.customers, found.orders, found.refunds) == (40, 480, 1)
    assert (found.span, found.suggestion) == (plain.span, plain.suggestion)


def test_what_comes_after_as_of_changes_only_how_much_comes_after_as_of():
    later = healthy().with_columns(
        pl.col("order_id") + "x", pl.col("ordered_at").dt.offset_by("2y"), pl.col("amount") * 1000
    )
    known, more = (
        report(frame, "2023-12-27").as_dict()
        for frame in (healthy(), pl.concat([healthy(), later]))
    )
    assert known.pop("accounting") != more.pop("accounting")
    assert known == more


def test_errors_come_first():
    orders = healthy().with_columns(pl.col("ordered_at").cast(pl.String))
    broken = orders.with_columns(
        pl.when(pl.col("customer_id") < "c2")
        .then(pl.lit("?"))
        .otherwise("ordered_at")
        .alias("ordered_at")
    )
    severities = [problem.severity for problem in report(broken, mapping=Mapping()).problems]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert set(severities) == {"error", "warning", "info"}


def test_a_stale_history_is_told_with_its_staleness():
    found = report(healthy(), "2024-06-01")
    assert found.staleness.is_stale
    assert found.staleness.days_since_last_order == 158.0
    assert kinds(found)[0] == "stale"


def test_staleness_needs_an_as_of():
    assert report(healthy()).staleness is None


def test_readiness_is_judged_at_the_suggested_horizon():
    found = report(healthy())
    assert found.suggestion.horizon_days == 30
    assert [r.method for r in found.readiness] == ["rule", "btyd", "pool"]
    assert all("30 days" in r.explanation for r in found.readiness)
    assert not found.readiness[2].ready


def test_a_history_without_usable_orders_is_reported_and_not_refused():
    orders = pl.DataFrame(
        {"order_id": ["1"], "customer_id": ["a"], "ordered_at": ["?"], "amount": ["1"]}
    )
    found = report(orders, "2024-01-01")
    assert kinds(found)[:2] == ["no_orders", "unusable: unparsable ordered_at"]
    assert (found.span, found.staleness, found.orders) == (None, None, 0)
    assert not any(r.ready for r in found.readiness)


def test_an_empty_table_is_reported_and_not_refused():
    found = report(healthy().head(0))
    assert kinds(found) == ["no_orders"]
    assert found.accounting[0].rows_in == 0


def test_the_report_is_json_with_stable_keys():
    document = json.loads(json.dumps(report(healthy(), "2023-12-27").as_dict(), allow_nan=False))
    assert list(document) == [
        "as_of", "format", "problems", "accounting", "span", "customers", "orders", "refunds",
        "totals", "staleness", "suggestion", "readiness",
    ]  # fmt: skip
    assert list(document["totals"]) == ["customers", "orders", "gross", "refunds"]
    assert set(document["problems"][0]) == {
        "kind", "severity", "table", "column", "rows", "example", "remedy", "message",
    }  # fmt: skip
    assert document["as_of"] == "2023-12-27T00:00:00"
    assert document["staleness"]["is_stale"] is False


def test_as_of_is_read_in_the_time_zone_of_the_shop():
    mapping = Mapping(currency="EUR", timezone="Asia/Tokyo")
    found = report(healthy(), "2023-12-26T15:00+00:00", mapping)
    assert found.as_of == "2023-12-27T00:00:00"


def test_duckdb_gives_the_same_report():
    orders = pl.concat([healthy(), healthy().head(2)])
    connection = duckdb.connect()
    connection.register("orders", orders.to_arrow())
    here, there = report(orders, "2023-12-01"), report(connection.table("orders"), "2023-12-01")
    assert here == there


def test_quarantine_on_duckdb_holds_the_rows_without_their_numbers():
    orders = pl.concat([healthy(), healthy().head(2)])
    connection = duckdb.connect()
    connection.register("orders", orders.to_arrow())
    rows = quarantine(take_in({"orders": connection.table("orders")}, EUROS), EUROS)
    assert sorted(rows["order_id"]) == ["0-0", "0-1"]
    assert rows["reason"].to_list() == ["duplicate"] * 2
    assert rows["row"].to_list() == [None, None]


def online_retail():
    frames = read_tables(DATA / "online_retail_ii" / "orders.parquet", EUROS)
    return check(take_in(dict(frames), EUROS), EUROS)


@needs_data
def test_online_retail_has_its_published_counts():
    found = online_retail()
    accounting = found.accounting[0]
    assert (accounting.rows_in, accounting.anonymous) == (53_628, 8_752)
    assert accounting.quarantined == 0
    zero = next(p for p in found.problems if p.kind == "zero_amount")
    assert zero.rows == 5_254


@needs_data
def test_online_retail_is_dominated_by_its_cancelled_bulk_order():
    problem = next(p for p in online_retail().problems if p.kind == "dominating_order")
    assert "168,469.60" in problem.example
    assert problem.rows == 4


@needs_data
def test_olist_dries_up_and_hardly_anybody_returns():
    mapping = Mapping.from_dict({"feedback": {"columns": {"recorded_at": "answered_at"}}})
    found = check(take_in(dict(read_tables(DATA / "olist", mapping)), mapping), mapping)
    by_kind = {problem.kind: problem for problem in found.problems}
    assert by_kind["recorded_at_empty"].rows == 3_824
    assert "2018-08-24" in by_kind["thin_end"].message
    assert "97.8%" in by_kind["one_time_buyers"].message


@needs_data
def test_the_example_mapping_of_olist_leaves_out_the_reviews_without_an_answer():
    example = Path(__file__).parents[3] / "holdfast" / "examples" / "olist.toml"
    mapping = Mapping.read(example)
    found = check(
        take_in(dict(read_tables(DATA / "olist", mapping)), mapping), mapping, "2018-05-01"
    )
    assert [account.left_out for account in found.accounting] == [0, 3_824]
    assert "recorded_at_empty" not in kinds(found)
