from datetime import timedelta

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HistoryError
from features.history.history import History
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.intake.store.rows import further, kept_rows, settled
from features.table import feature_table


def stored(frames, mapping, batch=1):
    """Table -> rows as the store keeps them, and its further columns."""
    intakes = take_in(frames, mapping)
    return {
        table: (kept_rows(intake).with_columns(batch_id=pl.lit(batch)), further(intake))
        for table, intake in intakes.items()
        if table != "lines"
    }


def opened(mapping, *batches):
    together = {}
    for batch in batches:
        for table, (rows, columns) in batch.items():
            known, named = together.get(table, (rows.clear(), {}))
            together[table] = (pl.concat([known, rows]), {**named, **columns})
    intakes = {t: settled(t, rows, names, mapping) for t, (rows, names) in together.items()}
    return History.from_intakes(intakes, mapping)


def assert_equal(left, right, as_of):
    for days in (0, 1, -200):
        at = as_of + timedelta(days=days)
        pd.testing.assert_frame_equal(
            feature_table(left, at, 45), feature_table(right, at, 45), check_exact=True
        )


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), versioned=st.booleans())
def test_features_from_stored_rows_are_those_of_the_source(messy_shop, as_of, seed, versioned):
    shop = messy_shop(seed, versioned)
    history = History(**shop.frames, mapping=shop.mapping)
    assert_equal(opened(history.mapping, stored(shop.frames, shop.mapping)), history, as_of)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(0, 60))
def test_parts_that_come_one_after_the_other_are_the_whole(messy_shop, as_of, seed, cut):
    shop = messy_shop(seed)
    first = {table: frame.iloc[:cut] for table, frame in shop.frames.items()}
    rest = {table: frame.iloc[cut:] for table, frame in shop.frames.items()}
    if first["orders"].empty or rest["orders"].empty:
        return
    parts = [stored(first, shop.mapping, 1), stored(rest, shop.mapping, 2)]
    parts += [stored(first, shop.mapping, 3)]
    history = History(**shop.frames, mapping=shop.mapping)
    assert_equal(opened(history.mapping, *parts), history, as_of)


ORDERS = {
    "order_id": ["1", "1", "2", "3"],
    "customer_id": ["a", "a", "a", "b"],
    "ordered_at": ["2024-01-01", "2024-01-01", "2024-01-05", "2024-02-01"],
    "amount": [10.0, 12.0, 20.0, 30.0],
    "recorded_at": [None, "2024-01-03", None, None],
}


def test_a_later_export_says_the_last_word_of_rows_that_were_always_known():
    mapping = Mapping()
    then = pl.DataFrame(ORDERS)
    now = then.with_columns(pl.Series("amount", [10.0, 12.0, 25.0, 30.0]))
    found = opened(
        mapping, stored({"orders": then}, mapping, 1), stored({"orders": now}, mapping, 2)
    )
    assert feature_table(found, "2024-03-01", 30).loc["a", "spend"] == 37.0


def test_an_order_that_a_later_export_voids_counts_until_it_was_voided():
    mapping = Mapping.from_dict(
        {"orders": {"status": {"column": "status", "not_counted": ["void"]}}}
    )
    then = pl.DataFrame({**ORDERS, "status": ["paid"] * 4})
    void = {name: [*values, values[3]] for name, values in ORDERS.items()}
    void["recorded_at"][4] = "2024-02-10"
    now = pl.DataFrame({**void, "status": ["paid"] * 4 + ["void"]})
    plain = Mapping()
    found = opened(plain, stored({"orders": then}, mapping, 1), stored({"orders": now}, mapping, 2))
    assert "b" in feature_table(found, "2024-02-05", 30).index
    assert "b" not in feature_table(found, "2024-03-01", 30).index


def test_refunds_of_a_table_of_their_own_stay_several():
    mapping = Mapping()
    refunds = pl.DataFrame(
        {"order_id": ["3", "3"], "refunded_at": ["2024-02-02"] * 2, "amount": [5.0, 7.0]}
    )
    frames = {"orders": pl.DataFrame(ORDERS), "refunds": refunds}
    found, history = opened(mapping, stored(frames, mapping)), History(**frames)
    assert feature_table(found, "2024-03-01", 30).loc["b", "refunds"] == 2
    pd.testing.assert_frame_equal(
        feature_table(found, "2024-03-01", 30), feature_table(history, "2024-03-01", 30)
    )


def test_attributes_come_back_as_they_were():
    mapping = Mapping.from_dict({"orders": {"attributes": {"items": "number", "shop": "text"}}})
    frame = pl.DataFrame({**ORDERS, "items": [1, 2, None, 4], "shop": ["x", "ü", None, '"']})
    found = opened(mapping, stored({"orders": frame}, mapping))
    history = History(frame, mapping=mapping)
    columns = ("customer_id", "day", "items", "shop")
    kept, query = (h.orders.select(*columns).collect().to_native() for h in (found, history))
    assert kept.equals(query)


def test_a_row_that_never_counts_is_not_kept():
    twice = pl.DataFrame({name: values[2:3] * 2 for name, values in ORDERS.items()})
    (rows, _) = stored({"orders": twice}, Mapping())["orders"]
    assert rows.height == 1


def test_a_text_that_no_database_keeps_is_refused():
    odd = pl.DataFrame(ORDERS).with_columns(pl.lit("a\0b").alias("customer_id"))
    with pytest.raises(HistoryError, match=r"customer_id must hold no NUL, .* 4 rows do"):
        stored({"orders": odd}, Mapping())
