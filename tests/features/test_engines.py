"""The same table from Polars, DuckDB and PySpark."""

import duckdb
import pandas as pd
import pytest

from features.history import History
from features.table import feature_table

SPARK_TYPES = {"str": "string", "float64": "double", "datetime64[us]": "timestamp_ntz"}


@pytest.fixture
def make(request):
    """Frame in pandas -> the same frame on the engine."""
    return request.getfixturevalue(f"on_{request.param}")


@pytest.fixture
def on_pandas():
    return lambda frame: frame


@pytest.fixture
def on_duckdb():
    connection = duckdb.connect()
    return connection.from_df


@pytest.fixture
def on_spark(spark):
    def to_spark(frame):
        schema = ", ".join(f"{c} {SPARK_TYPES[str(kind)]}" for c, kind in frame.dtypes.items())
        rows = frame.astype(object).where(frame.notna(), None)
        return spark.createDataFrame([tuple(map(plain, row)) for row in rows.values], schema)

    return to_spark


def plain(value):
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


@pytest.mark.parametrize("versioned", [False, True])
@pytest.mark.parametrize("make", ["duckdb", "spark"], indirect=True)
def test_the_table_is_the_same_as_on_polars(make, messy_shop, as_of, versioned):
    shop = messy_shop(11, versioned)
    engine = {name: make(frame) for name, frame in shop.frames.items()}
    found = feature_table(History(**engine, mapping=shop.mapping), as_of, 45)
    expected = feature_table(History(**shop.frames, mapping=shop.mapping), as_of, 45)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("make", ["duckdb", "spark"], indirect=True)
def test_orders_alone_give_the_same_table_as_on_polars(make, messy_shop):
    orders = messy_shop(12).frames["orders"].drop(columns=["recorded_at", "discount_amount"])
    found = feature_table(History(make(orders)), "2023-11-05T17:30", 400)
    expected = feature_table(History(orders), "2023-11-05T17:30", 400)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9, atol=1e-9)
