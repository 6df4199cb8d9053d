import math

import pandas as pd
import polars as pl
import pytest

from features.intake.mapping import Mapping, TableMapping
from holdfast.failures import RequestError
from holdfast.files import replacing, spare_history, table_target, write_table

TABLE = pd.DataFrame(
    {
        "customer_id": ["00001", "2"],
        "churn_risk": [0.1 + 0.2, math.nan],
        "as_of": pd.Timestamp("2026-01-01T08:00").as_unit("us"),
        "reason_1": pd.Series([None, None], dtype=object),
    }
)


def test_a_parquet_file_keeps_types_and_holds_null_for_nan(tmp_path):
    write_table(TABLE, tmp_path / "t.parquet")
    found = pl.read_parquet(tmp_path / "t.parquet")
    assert found.dtypes == [pl.String, pl.Float64, pl.Datetime("us"), pl.String]
    assert found["churn_risk"].to_list() == [0.1 + 0.2, None]


def test_a_csv_file_keeps_ids_and_every_digit(tmp_path):
    write_table(TABLE, tmp_path / "t.CSV")
    assert (tmp_path / "t.CSV").read_text() == (
        "customer_id,churn_risk,as_of,reason_1\n"
        "00001,0.30000000000000004,2026-01-01T08:00:00.000000,\n"
        "2,,2026-01-01T08:00:00.000000,\n"
    )


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path):
    target = tmp_path / "t.csv"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(target) as draft:
        draft.write_text("half")
        raise ZeroDivisionError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("t.csv", "old")]


@pytest.mark.parametrize("name", ["t.xlsx", "t", ".parquet"])
def test_a_table_is_refused_another_ending(tmp_path, name):
    with pytest.raises(RequestError, match=r"--out must end in \.parquet or \.csv"):
        table_target("--out", str(tmp_path / name))


@pytest.mark.parametrize("name", ["orders.csv", "feedback.parquet", "lines.csv"])
def test_files_of_the_history_are_spared(tmp_path, name):
    mapping = Mapping(tables={"orders": TableMapping(file="lines.csv")})
    with pytest.raises(RequestError, match="must not be a file of the history itself"):
        spare_history("--out", tmp_path / name, str(tmp_path), mapping)


def test_other_files_in_the_folder_of_the_history_may_be_written(tmp_path):
    spare_history("--out", tmp_path / "scores.csv", str(tmp_path), Mapping())
