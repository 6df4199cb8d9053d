"""The same table from Polars, DuckDB and PySpark."""

import duckdb
import pandas as pd
import pytest

from benchmarks.by_hand import by_pandas, by_polars
from benchmarks.features import AS_OF, HORIZON, draw_orders
from features.history.history import History
from features.metrics.retention import retention_metrics
from features.table import feature_table

SPARK_TYPES = {"str": "string", "float64": "double", "datetime64[us]": "timestamp_ntz"}
# Planning a hundred columns over a hundred rows: leave out what pays on millions of rows only.
QUICK_PLANS = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.constraintPropagation.enabled": "false",
}


@pytest.fixture
def on_engine(request):
    """Frame in pandas -> the same frame on the engine."""
    return request.getfixturevalue(f"on_{request.param}")


@pytest.fixture
def on_duckdb():
    with duckdb.connect() as connection:
        yield connection.from_df


@pytest.fixture
def on_spark(spark):
    for name, value in QUICK_PLANS.items():
        spark.conf.set(name, value)

    def make(frame):
        schema = ", ".join(f"{c} {SPARK_TYPES[str(kind)]}" for c, kind in frame.dtypes.items())
        rows = [tuple(map(plain, row)) for row in frame.itertuples(index=False)]
        return spark.createDataFrame(rows, schema)

    yield make
    for name in QUICK_PLANS:
        spark.conf.unset(name)


def plain(value):
    """What PySpark takes: None for a missing value, datetimes of the standard library."""
    if pd.isna(value):
        return None
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


def assert_same(found, expected):
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("on_engine", ["duckdb", "spark"], indirect=True)
def test_four_tables_give_the_same_as_on_polars(on_engine, messy_shop, as_of):
    shop = messy_shop(11, versioned=True)
    engine = {name: on_engine(frame) for name, frame in shop.frames.items()}
    found = feature_table(History(**engine, mapping=shop.mapping), as_of, 45)
    assert_same(found, feature_table(History(**shop.frames, mapping=shop.mapping), as_of, 45))


@pytest.mark.parametrize("on_engine", ["duckdb", "spark"], indirect=True)
def test_orders_alone_give_the_same_as_on_polars(on_engine, messy_shop):
    orders = messy_shop(12).frames["orders"].drop(columns=["recorded_at", "discount_amount"])
    found = feature_table(History(on_engine(orders)), "2023-11-05T17:30", 400)
    assert_same(found, feature_table(History(orders), "2023-11-05T17:30", 400))


@pytest.mark.parametrize("seed", range(5))
def test_duckdb_agrees_on_every_shop(on_duckdb, messy_shop, as_of, seed):
    shop = messy_shop(seed)
    engine = {name: on_duckdb(frame) for name, frame in shop.frames.items()}
    found = feature_table(History(**engine, mapping=shop.mapping), as_of, 90)
    assert_same(found, feature_table(History(**shop.frames, mapping=shop.mapping), as_of, 90))


@pytest.mark.parametrize("on_engine", ["duckdb", "spark"], indirect=True)
def test_metrics_are_the_same_as_on_polars(on_engine, messy_shop):
    shop = messy_shop(13, versioned=True)
    engine = {name: on_engine(frame) for name, frame in shop.frames.items()}
    given = (60, "2023-09-15", "2024-02-15", "all", "channel")
    found = retention_metrics(History(**engine, mapping=shop.mapping), *given).table
    expected = retention_metrics(History(**shop.frames, mapping=shop.mapping), *given).table
    assert_same(found, expected)
    assert len(expected) > 2 and expected["nps_answers"].sum() > 0


BY_HAND = {
    "polars": lambda rows: by_polars(rows, AS_OF, HORIZON).to_pandas().set_index("customer_id"),
    "pandas": lambda rows: by_pandas(rows.to_pandas(), AS_OF, HORIZON),
}


@pytest.mark.parametrize("by_hand", BY_HAND.values(), ids=BY_HAND.keys())
def test_the_benchmark_times_equal_answers(by_hand):
    orders = draw_orders(3_000, 300)
    expected = by_hand(orders).astype(float)
    found = feature_table(History(orders), AS_OF, HORIZON)
    assert_same(found[list(expected)], expected)
