"""The mappings under holdfast/examples load the real data sets as they are meant to be read."""

from pathlib import Path

import polars as pl
import pytest

from features.history.history import History
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.intake.sources import read_tables

EXAMPLES = Path(__file__).parents[2] / "holdfast" / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_is_a_valid_mapping(path):
    assert Mapping.read(path).currency is not None


@pytest.fixture(scope="module", params=["", "lines.parquet"], ids=["folder", "file"])
def retail(request, data_dir):
    path = data_dir / "online_retail_ii" / request.param
    mapping = Mapping.read(EXAMPLES / "online_retail_ii.toml")
    return take_in(dict(read_tables(path, mapping)), mapping)


@pytest.fixture(scope="module")
def invoices(data_dir):
    """What the publisher of the data made of the same lines."""
    published = pl.read_parquet(data_dir / "online_retail_ii" / "orders.parquet")
    day = pl.col("ordered_at").dt.epoch("us") / 86_400_000_000
    return published.select("order_id", "customer_id", "amount", day=day)


def test_online_retail_lines_give_every_published_invoice(retail, invoices):
    orders = retail["orders"].rows.collect().to_native()
    latest = orders.filter(pl.col("superseded_day").is_null())
    both = invoices.join(latest, on="order_id", how="full", suffix="_here")
    assert both.height == invoices.height == 53_628
    assert both.select((pl.col("amount") - pl.col("amount_here")).abs().max()).item() < 0.005
    assert both.select((pl.col("day") - pl.col("day_here")).abs().max()).item() < 1e-9
    same_customer = pl.col("customer_id").eq_missing(pl.col("customer_id_here"))
    assert both.select(same_customer.all()).item()
    assert (latest["problem"] == "anonymous").sum() == 8_752


def test_online_retail_lines_are_all_accounted_for(retail):
    lines = retail["lines"]
    problems = lines.rows.collect().to_native()["problem"].value_counts()
    assert lines.left_out == 22_523
    assert problems["count"].sum() + lines.left_out == 1_067_371
    assert set(problems["problem"]) == {None, "anonymous"}


def test_online_retail_history_holds_the_named_invoices(retail):
    history = History.from_intakes(retail, Mapping())
    orders = history.orders.collect().to_native()
    assert (orders.height, orders["customer_id"].n_unique()) == (44_876, 5_942)


def test_cdnow_loads_as_it_is(data_dir):
    history = History.open(data_dir / "cdnow", EXAMPLES / "cdnow.toml")
    orders = history.orders.collect().to_native()
    assert (orders.height, orders["customer_id"].n_unique()) == (69_659, 23_570)
    assert orders["customer_id"].min() == "00001"
    assert (orders["amount"] == 0).sum() == 80


@pytest.fixture(scope="module")
def olist(data_dir):
    return History.open(data_dir / "olist", EXAMPLES / "olist.toml")


def test_olist_loads_with_its_reversals_as_refunds(olist, data_dir):
    published = pl.read_parquet(data_dir / "olist" / "orders.parquet")
    reversals = published.filter("is_reversal", pl.col("amount") != 0)
    orders = olist.orders.collect().to_native()
    refunds = orders.filter(pl.col("amount") < 0)
    assert orders.height == published.height == 100_675
    assert set(refunds["order_id"]) == set(reversals["order_id"])


def test_olist_reviews_are_known_from_their_answer(olist, data_dir):
    published = pl.read_parquet(data_dir / "olist" / "feedback.parquet")
    reviews = olist.feedback.collect().to_native()
    answered = published.drop_nulls("answered_at")
    assert reviews.height == answered.height == 98_410 - 3_824
    assert (reviews["known_day"] > reviews["day"]).sum() > 90_000
    assert reviews["satisfaction"].is_between(-1, 1).all()
    as_of = pl.datetime(2018, 5, 1)
    known = answered.filter((pl.col("answered_at") < as_of) & (pl.col("created_at") < as_of))
    assert len(olist.upto("2018-05-01").feedback.collect()) == known.height


def test_olist_orders_load_alone(data_dir):
    history = History.open(data_dir / "olist" / "orders.parquet", EXAMPLES / "olist.toml")
    assert history.feedback is None
