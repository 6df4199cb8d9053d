import json

import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.history.history import History
from features.table import feature_table
from holdfast.freshness import last_known
from simulation import simulate

MESSY = """\
order_id,customer_id,ordered_at,amount
1,00001,2024-01-05,20
2,00001,31.02.2024,35
3,,2024-03-01,35
4,[red]x[/red],2024-03-01,35
4,[red]x[/red],2024-03-01,35
5,b,2024-06-01,35
"""
QUARANTINE = """\
table,row,reason,order_id,customer_id,ordered_at,amount
orders,2,unparsable ordered_at,2,00001,31.02.2024,35
orders,4,duplicate,4,[red]x[/red],2024-03-01,35
"""


@pytest.fixture
def messy(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(MESSY)
    return path


def test_check_prints_where_every_row_went(holdfast, messy):
    found = holdfast("check", messy, "--as-of", "2024-05-01")
    assert found.exit_code == 0
    assert (
        "orders: 6 rows in = 2 used + 1 anonymous + 1 after as_of + 2 quarantined" in found.stdout
    )


def test_check_prints_problems_with_example_and_remedy(holdfast, messy):
    found = holdfast("check", messy).stdout
    assert "error: orders.ordered_at, 1 row\n" in found
    assert "For example: row 2: ordered_at = '31.02.2024'\n" in found
    assert "Remedy: Write ISO dates, or set date_format" in found


def test_check_prints_the_suggested_horizon_and_what_the_data_is_enough_for(holdfast, shop):
    found = holdfast("check", shop).stdout
    assert "--horizon-days 120 is suggested" in found
    assert "btyd: yes" in found


def test_check_says_whether_the_history_is_stale(holdfast, shop):
    assert "STALE, over 7 days" in holdfast("check", shop, "--as-of", "2026-03-01").stdout
    assert "fresh, within 7 days" in holdfast("check", shop, "--as-of", "2026-01-01").stdout


def test_check_says_how_to_get_the_rows_in_quarantine(holdfast, messy):
    found = holdfast("check", messy)
    assert "--quarantine FILE writes the 2 quarantined, with reasons" in found.stdout
    assert [path.name for path in messy.parent.iterdir()] == ["orders.csv"]


def test_check_writes_the_quarantine_where_it_is_told(holdfast, messy):
    target = messy.parent / "quarantine.csv"
    found = holdfast("check", messy, "--quarantine", target)
    assert f"2 quarantined, with reasons, in {target}" in found.stdout
    assert target.read_text() == QUARANTINE


def test_an_older_quarantine_is_not_mistaken_for_that_of_a_clean_history(holdfast, messy, shop):
    target = messy.parent / "quarantine.csv"
    holdfast("check", messy, "--quarantine", target)
    holdfast("check", shop, "--quarantine", target)
    assert target.read_text().count("\n") == 1


def test_check_writes_the_quarantine_of_a_history_without_usable_rows(holdfast, messy):
    messy.write_text("order_id,customer_id,ordered_at,amount\n1,a,soon,20\n")
    target = messy.parent / "quarantine.csv"
    found = holdfast("check", messy, "--quarantine", target)
    assert found.exit_code == 2
    assert "orders,1,unparsable ordered_at,1,a,soon,20" in target.read_text()


def test_check_reads_foreign_columns_by_the_mapping_given(holdfast, tmp_path):
    (tmp_path / "export.csv").write_text("invoice;who;at;total\n1;a;05/01/2024;2,5\n")
    (tmp_path / "shop.toml").write_text(
        'separator = ";"\ndecimal = ","\ncurrency = "EUR"\n[orders]\ndate_format = "%d/%m/%Y"\n'
        'columns = {order_id="invoice", customer_id="who", ordered_at="at", amount="total"}\n'
    )
    found = holdfast("check", tmp_path / "export.csv", "--mapping", tmp_path / "shop.toml")
    assert "orders: 1 row in = 1 used" in found.stdout


def test_the_document_of_check_counts_the_rows_in_quarantine(holdfast, messy):
    target = messy.parent / "quarantine.csv"
    found = json.loads(holdfast("check", messy, "--quarantine", target, "--json").stdout)
    assert found["quarantine"] == {"file": str(target), "rows": 2}
    assert found["history"] == str(messy)
    assert found["as_of"] is None


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_features_are_those_of_the_library(holdfast, shop, tmp_path, suffix):
    target = tmp_path / f"features.{suffix}"
    found = holdfast(
        "features", shop, "--as-of", "2025-07-01", "--horizon-days", 60, "--out", target
    )
    assert found.exit_code == 0
    read = pd.read_parquet if suffix == "parquet" else pd.read_csv
    written = read(target)
    assert written.columns[0] == "customer_id"
    expected = feature_table(History.open(shop), "2025-07-01", 60)
    pd.testing.assert_frame_equal(
        written.set_index("customer_id"), expected, rtol=0, atol=1e-12, check_index_type=False
    )


def test_features_warns_of_a_stale_history(holdfast, shop, tmp_path):
    found = holdfast(
        "features", shop, "--as-of", "2026-06-01", "--horizon-days", 90, "--out", tmp_path / "f.csv"
    )
    assert found.exit_code == 0
    assert "warning: the history is stale" in found.stderr


def test_a_simulated_shop_is_that_of_the_library(holdfast, tmp_path):
    folder = tmp_path / "shop"
    found = holdfast("simulate", "--out", folder, "--customers", 50, "--days", 400, "--seed", 5)
    assert "50 customers over 400 days" in found.stdout
    expected = simulate(50, 400, 5)
    for table in ("orders", "feedback", "offers", "customers", "truth"):
        assert_frame_equal(pl.read_parquet(folder / f"{table}.parquet"), getattr(expected, table))


def test_a_simulated_shop_may_be_made_again_in_its_place(holdfast, tmp_path):
    for seed in (1, 2):
        found = holdfast("simulate", "--out", tmp_path, "--customers", 20, "--seed", seed)
        assert found.exit_code == 0
    assert_frame_equal(pl.read_parquet(tmp_path / "orders.parquet"), simulate(20, seed=2).orders)


def test_the_history_ends_on_the_midnight_after_the_last_order_became_known():
    orders = {
        "order_id": ["1", "2", "3"],
        "customer_id": ["a", "b", "c"],
        "ordered_at": ["1970-01-02T09:00", "1970-01-03T09:00", "1970-01-04T09:00"],
        "recorded_at": ["1970-01-02T09:00", "1970-01-06T09:00", "1970-01-04T09:00"],
        "amount": [1.0, 2.0, 3.0],
    }
    assert last_known(History(pl.DataFrame(orders))) == 6.0
