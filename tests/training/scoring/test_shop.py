import json
from datetime import datetime, timedelta
from hashlib import sha256

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.history.history import History
from features.intake.mapping import Mapping
from simulation import simulate
from training.registry.standing import NAMES
from training.scoring.definition import Definition
from training.scoring.shop import ORDERS_A_DAY, SAMPLED_DAYS, OrderSample
from training.uplift.scoring import UPLIFT

AS_OF = "2025-10-01"
LATER = "2025-12-01"


@pytest.fixture(scope="module")
def orders() -> pl.DataFrame:
    return simulate(customers=300, days=900, seed=5).orders


@pytest.fixture(scope="module")
def terms(orders) -> Definition:
    return Definition.of(History(orders).upto(AS_OF), 90)


def rolled(orders: pl.DataFrame) -> pl.DataFrame:
    """The last 24 months of a later day."""
    return orders.filter(pl.col("ordered_at") >= datetime(2023, 12, 1))


def erased(orders: pl.DataFrame) -> pl.DataFrame:
    """Without the customer of the very first order."""
    first = orders.sort("ordered_at")["customer_id"][0]
    return orders.filter(pl.col("customer_id") != first)


def corrected(orders: pl.DataFrame) -> pl.DataFrame:
    first = orders.sort("ordered_at")["order_id"][0]
    amount = pl.when(pl.col("order_id") == first).then(pl.col("amount") + 1.0)
    return orders.with_columns(amount.otherwise(pl.col("amount")).alias("amount"))


def filled_in(orders: pl.DataFrame) -> pl.DataFrame:
    late = orders.head(20).with_columns(
        (pl.lit("late-") + pl.col("order_id")).alias("order_id"),
        pl.lit(datetime(2025, 11, 1)).alias("recorded_at"),
    )
    return pl.concat([orders, late])


@pytest.mark.parametrize("change", [rolled, erased, corrected, filled_in])
def test_a_shop_is_known_again(orders, terms, change):
    assert terms.is_shop_of(History(change(orders)))


def test_a_training_of_the_same_shop_goes_on_with_its_lineage(orders, terms):
    later = Definition.of(History(rolled(erased(orders))).upto(LATER), 90, [terms])

    assert later.orders != terms.orders
    assert (later.shop, later.lineage) == (terms.shop, terms.lineage)
    assert later.is_shop_of(History(orders))


@pytest.mark.parametrize("seed", [1, 2])
def test_another_shop_is_not_taken_for_it(terms, seed):
    """Though it numbers its orders and customers alike."""
    other = History(simulate(customers=300, days=900, seed=seed).orders)

    assert not terms.is_shop_of(other)
    assert Definition.of(other.upto(LATER), 90, [terms]).shop != terms.shop


def test_orders_of_other_customers_are_another_shop(orders, terms):
    renamed = orders.with_columns(pl.lit("x").add(pl.col("customer_id")).alias("customer_id"))

    assert not terms.is_shop_of(History(renamed))


def test_a_history_that_begins_after_all_that_was_sampled_is_not_known(orders, terms):
    young = orders.filter(pl.col("ordered_at") >= datetime(2025, 10, 2))

    assert not terms.is_shop_of(History(young))


@pytest.mark.parametrize(
    ("then", "now", "same"),
    [("north", "north", True), ("north", "south", False), ("north", None, True), (None, "a", True)],
)
def test_a_name_decides_where_both_have_one(orders, then, now, same):
    trained = Definition.of(History(orders, mapping=Mapping(shop=then)).upto(AS_OF), 90)

    assert trained.is_shop_of(History(orders, mapping=Mapping(shop=now))) == same


def test_a_named_shop_may_change_all_its_orders(orders):
    north = Mapping(shop="north")
    trained = Definition.of(History(orders, mapping=north).upto(AS_OF), 90)
    moved = History(simulate(customers=50, days=400, seed=9).orders, mapping=north)

    assert trained.is_shop_of(moved)
    assert Definition.of(moved.upto(LATER), 90, [trained]).lineage == trained.lineage


def test_a_sample_is_small_and_names_nobody(orders, terms):
    sample = terms.orders
    written = json.dumps(terms.as_dict())

    assert len(sample.days) == SAMPLED_DAYS
    assert max(map(len, sample.days.values())) <= ORDERS_A_DAY
    ids = {*orders["customer_id"], *orders["order_id"]}
    assert not any(f'"{name}"' in written for name in ids)
    assert Definition.from_dict(json.loads(written)) == terms


def test_nothing_known_is_no_sample(orders):
    none = OrderSample.of(History(orders).upto("2020-01-01"))

    assert none.days == {}
    assert none.overlap(History(orders).upto(AS_OF)) == 0.0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.49), st.floats(0.0, 1.0))
def test_losing_less_than_half_of_the_sampled_orders_changes_nothing(
    orders, terms, seed, share, further
):
    """And losing any share of the others."""
    sampled = {order for of in terms.orders.days.values() for order in of}
    known = orders.with_columns(
        pl.concat_str("order_id", "customer_id", separator="\n")
        .map_elements(lambda who: sha256(who.encode()).hexdigest()[:16], pl.String)
        .is_in(list(sampled))
        .and_(pl.col("amount") > 0)
        .alias("is_sampled")
    )
    ours, others = known.filter("is_sampled"), known.filter(~pl.col("is_sampled"))
    kept = pl.concat(
        [
            ours.sample(ours.height - int(share * ours.height), seed=seed),
            others.sample(fraction=1 - further, seed=seed),
        ]
    )

    assert ours.height == len(sampled)
    assert terms.is_shop_of(History(kept.drop("is_sampled")))


def test_the_sample_of_what_was_known_then_is_no_other_later(orders):
    """Orders after the instant change nothing."""
    then = History(orders).upto(AS_OF)
    more = orders.with_columns(
        pl.col("ordered_at") + timedelta(days=900),
        (pl.lit("m") + pl.col("order_id")).alias("order_id"),
        pl.lit(None, pl.Datetime("us")).alias("recorded_at"),
    ).filter(pl.col("ordered_at") >= datetime(2025, 10, 1))

    later = History(pl.concat([orders, more.cast(orders.schema)])).upto(AS_OF)

    assert more.height
    assert OrderSample.of(later) == OrderSample.of(then)


def test_the_uplift_champion_stands_among_the_others():
    assert NAMES[-1] == UPLIFT
