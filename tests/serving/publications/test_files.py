from __future__ import annotations

import polars as pl
import pytest

from serving.inforce.reloading import LoadError
from serving.publications.files import read_scores, version
from training.scoring.columns import COLUMNS


@pytest.fixture
def rows(served):
    return pl.read_parquet(served.scores)


def load(rows, served, path):
    rows.write_csv(path) if path.suffix == ".csv" else rows.write_parquet(path)
    return read_scores(path, served.tracker)


def refusal(rows, served, path):
    with pytest.raises(LoadError) as caught:
        load(rows, served, path)
    return str(caught.value)


def test_csv_and_parquet_hold_the_same(rows, served, tmp_path):
    csv = load(rows, served, tmp_path / "scores.csv")
    parquet = load(rows, served, tmp_path / "scores.parquet")
    assert csv.rows.equals(parquet.rows)
    assert csv.rows["as_of"][0].isoformat() == "2026-01-01T00:00:00"


def test_a_csv_written_by_pandas_is_read(rows, served, tmp_path):
    path = tmp_path / "scores.csv"
    rows.to_pandas().to_csv(path, index=False)
    query = load(rows, served, tmp_path / "scores.parquet").rows
    assert read_scores(path, served.tracker).rows.equals(query)


def test_ids_stay_text(rows, served, tmp_path):
    numbered = rows.head(2).with_columns(pl.Series("customer_id", ["00001", "1"]))
    found = load(numbered, served, tmp_path / "scores.csv")
    assert set(found.rows["customer_id"]) == {"00001", "1"}


def test_the_meaning_comes_from_the_models_that_made_them(rows, served, tmp_path):
    found = load(rows, served, tmp_path / "scores.parquet")
    assert found.terms.currency == "EUR"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(
    "written",
    [pl.Date, pl.Datetime("ns"), "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%.6f", "%Y-%m-%d %H:%M:%S"],
)
def test_an_expected_date_is_read_as_a_date_or_none(rows, served, tmp_path, written, suffix):
    known = pl.col("expected_next_order")
    spelt = known.dt.strftime(written) if isinstance(written, str) else known.cast(written)
    found = load(rows.with_columns(spelt), served, tmp_path / f"scores{suffix}").rows
    query = rows.select("customer_id", known.cast(pl.Date)).sort("customer_id")
    assert 0 < query["expected_next_order"].null_count() < rows.height
    assert found.select("customer_id", known).sort("customer_id").equals(query)


def test_a_file_without_any_expected_date_is_read(rows, served, tmp_path):
    none = rows.with_columns(pl.lit(None).alias("expected_next_order"))
    for suffix in (".csv", ".parquet"):
        found = load(none, served, tmp_path / f"scores{suffix}").rows
        assert found["expected_next_order"].null_count() == rows.height


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_an_expected_date_that_cannot_be_read_is_no_missing_one(rows, served, tmp_path, suffix):
    soon = rows.with_columns(pl.lit("soon").alias("expected_next_order"))
    assert "cannot be read" in refusal(soon, served, tmp_path / f"scores{suffix}")


def test_a_file_of_an_older_version_says_what_to_do(rows, served, tmp_path):
    older = rows.drop("p_alive", "expected_next_order", "clv_low", "basis")
    assert refusal(older, served, tmp_path / "scores.csv") == (
        f"{tmp_path / 'scores.csv'} cannot be read: it must have the columns of holdfast score; "
        "['p_alive', 'expected_next_order', 'clv_low', 'basis'] are missing. Run holdfast score "
        "again."
    )


def with_value(column, value):
    return lambda rows: rows.with_columns(
        pl.when(pl.int_range(pl.len()) == 1)
        .then(pl.lit(value))
        .otherwise(pl.col(column))
        .alias(column)
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: rows.drop("clv"), "['clv'] are missing"),
        (lambda rows: rows.head(0), "holds no customer"),
        (lambda rows: pl.concat([rows, rows.head(1)]), "each customer_id once"),
        (with_value("customer_id", None), "a value in every row of ['customer_id']"),
        (with_value("churn_risk", None), "a value in every row of ['churn_risk']"),
        (with_value("survival_90d", None), "a value in every row of ['survival_90d']"),
        (with_value("basis", None), "a value in every row of ['basis']"),
        (with_value("clv", float("inf")), "finite numbers"),
        (with_value("stage", "gone"), "got ['gone']"),
        (with_value("horizon_days", 30), "one run of the batch; ['horizon_days'] differ"),
        (lambda rows: rows.with_columns(pl.lit(30).alias("horizon_days")), "90 and 90 days"),
        (
            lambda rows: rows.with_columns(pl.lit(99).alias("clv_model_version")),
            "version must be one of clv-forecast",
        ),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_the_batch_did_not_write_is_refused(rows, served, tmp_path, suffix, change, told):
    assert told in refusal(change(rows), served, tmp_path / f"scores{suffix}")


@pytest.mark.parametrize(("name", "told"), [("no.csv", "does not exist"), ("x.txt", "must end in")])
def test_a_path_that_is_no_scores_file_is_refused(served, tmp_path, name, told):
    (tmp_path / "x.txt").write_text("customer_id\n")
    with pytest.raises(LoadError, match=told):
        read_scores(tmp_path / name, served.tracker)


@pytest.mark.parametrize("name", ["torn.csv", "torn.parquet"])
def test_a_torn_file_is_refused(served, tmp_path, name):
    (tmp_path / name).write_bytes(served.scores.read_bytes()[:1000])
    with pytest.raises(LoadError, match="cannot be read"):
        read_scores(tmp_path / name, served.tracker)


def test_a_replaced_file_has_another_version(rows, served, tmp_path):
    path = tmp_path / "scores.parquet"
    rows.write_parquet(path)
    before = version(path)
    assert version(path) == before
    rows.head(5).write_parquet(path)
    assert version(path) != before


def test_columns_of_the_batch_are_all_served(rows):
    assert tuple(rows.columns) == COLUMNS
