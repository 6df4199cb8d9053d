import duckdb
import numpy as np
import pandas as pd
import pytest

from features.errors import HistoryError
from features.history.history import History
from features.metrics.cohorts import cohorts

ORDERS = [
    ("a", "2024-01-05", 10), ("a", "2024-03-10", 20), ("a", "2024-03-12", 5),
    ("b", "2024-01-20", 40), ("b", "2024-02-20", -15), ("b", "2024-03-31T23:59", 1),
    ("c", "2024-02-25", 8), ("z", "2024-02-25", -8),
]  # fmt: skip


def history_of(rows):
    found = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    return History(found.assign(order_id=[f"o{number}" for number in range(len(found))]))


def test_a_triangle_by_hand():
    found = cohorts(history_of(ORDERS), "2024-04-01", margin_rate=0.5).table
    names = ["customers", "buyers", "retention", "orders", "net_revenue", "orders_per_customer",
             "revenue_per_customer", "margin_per_customer"]  # fmt: skip
    expected = {
        ("2024-01-01", 0): [2, 2, 1, 2, 50, 1, 25, 12.5],
        ("2024-01-01", 1): [2, 0, 0, 0, -15, 1, 17.5, 8.75],
        ("2024-01-01", 2): [2, 2, 1, 3, 26, 2.5, 30.5, 15.25],
        ("2024-02-01", 0): [1, 1, 1, 1, 8, 1, 8, 4],
        ("2024-02-01", 1): [1, 0, 0, 0, 0, 1, 8, 4],
    }
    keys = [(f"{row.cohort:%Y-%m-%d}", row.age) for row in found.itertuples()]
    assert keys == [*expected]
    np.testing.assert_allclose(found[names], [*expected.values()])
    assert found["is_whole"].all()


def test_a_month_that_is_not_over_is_said_to_be_so():
    found = cohorts(history_of(ORDERS), "2024-03-15").table
    assert found.loc[~found["is_whole"], "age"].tolist() == [2, 1]
    assert set(found.loc[~found["is_whole"], "end"]) == {pd.Timestamp("2024-04-01")}


def test_by_default_it_ends_after_the_last_order():
    assert cohorts(history_of(ORDERS)).end == pd.Timestamp("2024-04-01")


@pytest.mark.parametrize("seed", range(3))
def test_what_comes_later_changes_no_triangle_of_before(messy_shop, seed):
    shop = messy_shop(seed, versioned=True)
    history = History(**shop.frames, mapping=shop.mapping)
    found = cohorts(history, "2023-09-01").table
    pd.testing.assert_frame_equal(found, cohorts(history.upto("2023-09-01"), "2023-09-01").table)


QUERY = """
WITH bought AS (SELECT * FROM rows WHERE amount > 0),
firsts AS (SELECT customer_id, date_trunc('quarter', min(t)) AS cohort FROM bought GROUP BY 1)
SELECT cohort, date_trunc('quarter', t) AS start, count(DISTINCT customer_id) AS buyers,
    count(*) AS orders FROM bought JOIN firsts USING (customer_id) GROUP BY ALL ORDER BY ALL
"""


def test_the_triangle_of_a_real_shop_is_as_sql_says(data_dir):
    path = data_dir / "online_retail_ii" / "orders.parquet"
    found = cohorts(History.open(path), every="quarter").table
    with duckdb.connect() as connection:
        rows = f"(SELECT customer_id, ordered_at AS t, amount FROM '{path}')"
        expected = connection.execute(QUERY.replace("rows", rows)).df().dropna()
    own = found.loc[found["buyers"] > 0, ["cohort", "start", "buyers", "orders"]]
    pd.testing.assert_frame_equal(
        own.reset_index(drop=True), expected.reset_index(drop=True), check_dtype=False
    )
    assert len(own) > 30


def test_a_document_has_a_cell_for_every_age():
    found = cohorts(history_of(ORDERS), "2024-04-01").as_dict()["cohorts"]
    assert [(each["start"], len(each["cells"])) for each in found] == [
        ("2024-01-01T00:00:00", 3),
        ("2024-02-01T00:00:00", 2),
    ]
    assert found[0]["cells"][1]["retention"] == 0.0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"every": "all"}, "cohorts are of a week, month, quarter or year"),
        ({"margin_rate": 0}, "margin_rate must be above 0"),
        ({"end": "2024-01-05"}, "before end; got none"),
    ],
)
def test_what_is_no_triangle_is_refused(given, told):
    with pytest.raises(HistoryError, match=told):
        cohorts(history_of(ORDERS), **given)
