"""The simulated shop: its tables, its customers and the oracle."""

import time
import tomllib
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from simulation import SimulatedShop, oracle_churn_risk, simulate

INSTANT, TEXT, NUMBER = pl.Datetime("us"), pl.String, pl.Float64
TABLES = ("orders", "feedback", "offers", "customers", "truth", "spells")


@pytest.fixture(scope="module")
def shop() -> SimulatedShop:
    return simulate(customers=20_000, seed=11)


@pytest.fixture(scope="module")
def purchases(shop: SimulatedShop) -> pl.DataFrame:
    return shop.orders.filter(pl.col("amount") > 0)


def standard_errors_off(outcome: pl.Series, chance: pl.Series) -> float:
    """Distance of the observed count from its expectation, in Poisson-binomial deviations."""
    p = chance.to_numpy()
    return float((outcome.sum() - p.sum()) / np.sqrt((p * (1 - p)).sum()))


def buyers(orders: pl.DataFrame, start: datetime, days: float) -> pl.Series:
    inside = pl.col("ordered_at").is_between(start, start + timedelta(days=days), closed="left")
    return orders.filter(inside)["customer_id"].unique()


def test_the_same_seed_gives_the_same_frames() -> None:
    one, two = simulate(customers=2_000, seed=5), simulate(customers=2_000, seed=5)
    for table in TABLES:
        assert_frame_equal(getattr(one, table), getattr(two, table), check_exact=True)


def test_another_seed_gives_another_shop() -> None:
    one, two = simulate(customers=50, seed=5), simulate(customers=50, seed=6)
    assert not one.orders.equals(two.orders)


@pytest.mark.parametrize(
    ("table", "schema"),
    [
        (
            "orders",
            {
                "order_id": TEXT,
                "customer_id": TEXT,
                "ordered_at": INSTANT,
                "recorded_at": INSTANT,
                "amount": NUMBER,
                "discount_amount": NUMBER,
            },
        ),
        (
            "feedback",
            {
                "feedback_id": TEXT,
                "customer_id": TEXT,
                "kind": TEXT,
                "created_at": INSTANT,
                "recorded_at": INSTANT,
                "score": NUMBER,
                "order_id": TEXT,
                "due_at": INSTANT,
                "resolved_at": INSTANT,
            },
        ),
        (
            "offers",
            {
                "customer_id": TEXT,
                "campaign_id": TEXT,
                "offered_at": INSTANT,
                "offer_id": TEXT,
                "intended_offer": TEXT,
                "propensity": NUMBER,
                "cost": NUMBER,
                "redeemed_at": INSTANT,
                "refused_at": INSTANT,
            },
        ),
        (
            "customers",
            {
                "customer_id": TEXT,
                "recorded_at": INSTANT,
                "marketing_consent": pl.Boolean,
                "channel": TEXT,
                "acquisition_cost": NUMBER,
            },
        ),
    ],
)
@pytest.mark.parametrize("customers", [1, 300])
def test_tables_have_the_source_schema(
    table: str, schema: dict[str, pl.DataType], customers: int
) -> None:
    assert dict(getattr(simulate(customers=customers), table).schema) == schema


def test_ids_are_unique(shop: SimulatedShop, purchases: pl.DataFrame) -> None:
    assert purchases["order_id"].is_unique().all()
    assert shop.feedback["feedback_id"].is_unique().all()
    assert shop.customers["customer_id"].is_unique().all()
    assert shop.truth["customer_id"].equals(shop.customers["customer_id"])
    assert shop.offers["customer_id"].is_unique().all()


def test_written_folder_holds_the_frames_and_the_settings(tmp_path: Path) -> None:
    shop = simulate(customers=200)
    shop.write(tmp_path / "a" / "shop")
    for table in ("orders", "feedback", "offers", "customers", "truth"):
        read = pl.read_parquet(tmp_path / "a" / "shop" / f"{table}.parquet")
        assert_frame_equal(read, getattr(shop, table), check_exact=True)
    settings = tomllib.loads((tmp_path / "a" / "shop" / "history.toml").read_text())
    assert settings == {
        "timezone": "UTC",
        "currency": "EUR",
        "customers": {"static": ["channel"]},
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"customers": 0}, "customers must be a whole number from 1"),
        ({"customers": 10.5}, "customers must be a whole number"),
        ({"days": 364}, "days must be a whole number from 365 to 20454; got 364"),
        ({"days": 20455}, "days must be"),
        ({"seed": -1}, "seed must be"),
        ({"seed": None}, "seed must be a whole number .* got None"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simulate(**arguments)


@pytest.mark.parametrize("days", [365, 1460])
def test_history_spans_the_days_and_ends_before_2026(days: int) -> None:
    shop = simulate(customers=3_000, days=days)
    assert shop.ends_at == datetime(2026, 1, 1)
    assert shop.ends_at - shop.starts_at == timedelta(days=days)
    assert timedelta(0) <= shop.orders["ordered_at"].min() - shop.starts_at < timedelta(days=3)
    assert shop.ends_at - timedelta(days=2) < shop.orders["recorded_at"].max() < shop.ends_at
    assert shop.feedback["recorded_at"].max() < shop.ends_at


def test_a_hundred_thousand_customers_take_seconds() -> None:
    start = time.perf_counter()
    shop = simulate(customers=100_000)
    seconds = time.perf_counter() - start
    print(f"100,000 customers, {shop.orders.height:,} order rows: {seconds:.1f} s")
    assert seconds < 15


def test_six_in_a_hundred_orders_are_refunded_later_and_never_beyond_their_amount(
    shop: SimulatedShop, purchases: pl.DataFrame
) -> None:
    refunds = shop.orders.filter(pl.col("amount") < 0)
    assert 0.05 < refunds.height / purchases.height < 0.07
    pairs = refunds.join(purchases, on="order_id", how="left", suffix="_order")
    assert pairs["amount_order"].null_count() == 0
    assert (pairs["customer_id"] == pairs["customer_id_order"]).all()
    assert (pairs["ordered_at"] > pairs["ordered_at_order"]).all()
    assert (-pairs["amount"] <= pairs["amount_order"]).all()


def test_a_few_orders_are_recorded_days_late(purchases: pl.DataFrame) -> None:
    lag = purchases["recorded_at"] - purchases["ordered_at"]
    assert 0.02 < (lag > timedelta(0)).mean() < 0.04
    assert lag.min() == timedelta(0)
    assert lag.filter(lag > timedelta(0)).min() >= timedelta(days=1)


def test_the_shop_looks_like_retail(shop: SimulatedShop, purchases: pl.DataFrame) -> None:
    as_of = datetime(2025, 10, 3)
    past = purchases.filter(pl.col("recorded_at") < as_of)
    orders = past.group_by("customer_id").len()
    again = orders["customer_id"].is_in(buyers(purchases, as_of, 90).implode())
    assert 0.55 < 1 - again.mean() < 0.75
    assert 0.30 < (orders["len"] == 1).mean() < 0.50
    assert 2 <= orders["len"].median() <= 3
    assert orders["len"].max() > 40
    assert 40 < purchases["amount"].mean() < 60


def test_spend_differs_between_customers_more_than_within(purchases: pl.DataFrame) -> None:
    often = purchases.filter(pl.len().over("customer_id") >= 10)
    spread = often.with_columns(log=pl.col("amount").log()).group_by("customer_id")
    spread = spread.agg(mean=pl.col("log").mean(), deviation=pl.col("log").std())
    assert spread["mean"].std() > spread["deviation"].mean()


def test_december_sells_nearly_twice_as_much_as_june(purchases: pl.DataFrame) -> None:
    def daily(start: datetime) -> float:
        day = pl.col("ordered_at").is_between(start, start + timedelta(days=30), closed="left")
        return purchases.filter(day).height / 30

    june = (daily(datetime(2024, 5, 17)) + daily(datetime(2025, 5, 17))) / 2
    assert 1.6 < daily(datetime(2024, 11, 16)) / june < 2.1


def test_customers_join_all_through_the_history(shop: SimulatedShop) -> None:
    joined = shop.customers["recorded_at"]
    for year in (2023, 2024, 2025):
        assert 0.3 < (joined.dt.year() == year).mean() < 0.37
    assert (joined >= shop.ends_at - timedelta(days=30)).sum() > 300


def test_a_growing_shop_has_most_orders_in_the_last_third() -> None:
    grown = simulate(customers=2000, days=900, seed=2, growth=20.0)
    ordered = grown.orders.filter(pl.col("amount") > 0)["ordered_at"]
    assert (ordered >= grown.ends_at - timedelta(days=300)).mean() > 0.5
    calm = simulate(customers=2000, days=900, seed=2)
    assert simulate(customers=2000, days=900, seed=2, growth=1.0).orders.equals(calm.orders)


@pytest.mark.parametrize("growth", [0.5, 1001.0, float("nan")])
def test_a_growth_out_of_range_is_refused(growth: float) -> None:
    with pytest.raises(ValueError, match="growth must be from 1 to 1000"):
        simulate(customers=10, growth=growth)


def test_bad_experiences_make_customers_leave(shop: SimulatedShop) -> None:
    hazard = shop.spells.join(shop.truth, on="customer_id").filter(pl.col("leaving_rate") > 1e-3)
    raised = hazard["leaving_rate_now"] > 2 * hazard["leaving_rate"]
    left = hazard["dropout_day"].is_not_null()
    assert 0.1 < raised.mean() < 0.2
    assert left.filter(raised).mean() > 1.5 * left.filter(~raised).mean()


def test_rhythm_follows_the_gap_shape(shop: SimulatedShop) -> None:
    gaps = shop.spells.with_columns(gap=pl.col("day").diff().over("customer_id"))
    variation = (
        gaps.filter(pl.len().over("customer_id") > 10)
        .group_by("customer_id")
        .agg(variation=pl.col("gap").std() / pl.col("gap").mean())
        .join(shop.truth, on="customer_id")
        .group_by("gap_shape")
        .agg(pl.col("variation").mean())
    )
    season_variance = 0.3**2 / 2
    for shape, mean in variation.iter_rows():
        assert mean == pytest.approx((1 / shape + season_variance) ** 0.5, rel=0.12)


def test_some_always_buy_discounted_and_some_never(purchases: pl.DataFrame) -> None:
    assert (purchases["discount_amount"] >= 0).all()
    often = purchases.filter(pl.len().over("customer_id") >= 8).group_by("customer_id")
    share = often.agg(share=(pl.col("discount_amount") > 0).mean())["share"]
    assert (share == 0).mean() > 0.3
    assert (share > 0.5).mean() > 0.2


@pytest.mark.parametrize("kind", ["csat", "nps", "review"])
def test_between_a_tenth_and_three_tenths_answer(
    shop: SimulatedShop, purchases: pl.DataFrame, kind: str
) -> None:
    answers = shop.feedback.filter(pl.col("kind") == kind)
    assert answers.select("order_id").is_unique().all()
    assert 0.10 < answers.height / purchases.height < 0.30


@pytest.mark.parametrize(("kind", "least", "most"), [("csat", 1, 5), ("nps", 0, 10)])
def test_scores_are_whole_and_use_their_scale(
    shop: SimulatedShop, kind: str, least: int, most: int
) -> None:
    scores = shop.feedback.filter(pl.col("kind") == kind)["score"]
    assert scores.unique().sort().to_list() == list(range(least, most + 1))


def test_answers_are_known_after_the_question(shop: SimulatedShop) -> None:
    answers = shop.feedback.filter(pl.col("kind") != "ticket")
    assert (answers["recorded_at"] > answers["created_at"]).all()


def test_tickets_are_due_and_most_but_not_all_resolved(shop: SimulatedShop) -> None:
    tickets = shop.feedback.filter(pl.col("kind") == "ticket")
    assert (tickets["due_at"] - tickets["created_at"]).unique().to_list() == [timedelta(days=2)]
    still_open = tickets["resolved_at"].is_null()
    assert 0.01 < still_open.mean() < 0.1
    solved = tickets.filter(~still_open)
    assert (solved["resolved_at"] > solved["created_at"]).all()
    assert 0.1 < (solved["resolved_at"] > solved["due_at"]).mean() < 0.5


def test_the_unhappy_say_so_and_leave(shop: SimulatedShop, purchases: pl.DataFrame) -> None:
    microseconds = (pl.col("day") * 86400).round().cast(pl.Int64) * 1_000_000
    left = shop.spells.select(
        "customer_id",
        microseconds.cast(INSTANT).alias("ordered_at"),
        pl.col("dropout_day").is_not_null().alias("left"),
    )
    orders = purchases.join(left, on=["customer_id", "ordered_at"])
    assert orders.height == purchases.height
    said = shop.feedback.filter(pl.col("kind") == "csat").join(orders, on="order_id")
    low, high = said.filter(pl.col("score") <= 2), said.filter(pl.col("score") >= 4)
    assert low["left"].mean() > 1.5 * high["left"].mean()
    tickets = shop.feedback.filter(pl.col("kind") == "ticket")["order_id"].implode()
    assert low["order_id"].is_in(tickets).mean() > 3 * high["order_id"].is_in(tickets).mean()


def test_four_in_five_consent(shop: SimulatedShop) -> None:
    assert shop.customers["marketing_consent"].mean() == pytest.approx(0.8, abs=0.015)


def outcomes(shop: SimulatedShop, as_of: datetime, horizon_days: float) -> pl.DataFrame:
    """The oracle's risk and what followed, from the true times of the orders."""
    risk = oracle_churn_risk(shop, as_of, horizon_days).dropna()
    start = (as_of - datetime(1970, 1, 1)) / timedelta(days=1)
    inside = shop.spells.filter(pl.col("day").is_between(start, start + horizon_days, "left"))
    ids = pl.Series(risk.index.to_list())
    came = ids.is_in(inside["customer_id"].unique().implode())
    return pl.DataFrame({"risk": risk.to_numpy(), "churned": ~came})


@pytest.mark.parametrize(
    ("as_of", "horizon_days"),
    [
        (datetime(2024, 3, 1), 90),
        (datetime(2024, 11, 7, 15, 30), 30),
        (datetime(2024, 9, 1), 180),
        (datetime(2025, 10, 3), 90),
    ],
)
def test_the_oracle_is_calibrated(
    shop: SimulatedShop, as_of: datetime, horizon_days: float
) -> None:
    seen = outcomes(shop, as_of, horizon_days)
    for low in np.arange(0.0, 1.0, 0.1):
        some = seen.filter((pl.col("risk") >= low) & (pl.col("risk") < low + 0.1))
        assert some.height > 20
        assert abs(standard_errors_off(some["churned"], some["risk"])) < 4
    assert seen.filter(pl.col("risk") == 1)["churned"].mean() > 0.999


def test_the_oracle_ranks_better_than_recency(shop: SimulatedShop) -> None:
    as_of = datetime(2025, 10, 3)
    start = (as_of - datetime(1970, 1, 1)) / timedelta(days=1)
    recency = shop.spells.filter(pl.col("day") < start).group_by("customer_id")
    recency = recency.agg(days=start - pl.col("day").max()).sort("customer_id")
    seen = outcomes(shop, as_of, 90).with_columns(days=recency["days"])

    def auc(score: str) -> float:
        rank = seen[score].rank().filter(seen["churned"])
        positives, size = rank.len(), seen.height
        return (rank.mean() - (positives + 1) / 2) / (size - positives)

    assert auc("risk") > auc("days") + 0.05


def test_the_oracle_covers_everyone_and_knows_who_has_not_come_yet(shop: SimulatedShop) -> None:
    risk = oracle_churn_risk(shop, "2024-01-01", 90)
    assert risk.index.to_list() == shop.truth["customer_id"].to_list()
    joined = (shop.customers["recorded_at"] < datetime(2024, 1, 1)).to_numpy()
    assert (risk.notna().to_numpy() == joined).all()


def test_the_oracle_reads_any_instant_of_the_shop_clock(shop: SimulatedShop) -> None:
    utc = oracle_churn_risk(shop, pd.Timestamp("2024-06-01", tz="UTC"), 60)
    berlin = oracle_churn_risk(shop, pd.Timestamp("2024-06-01T02:00", tz="Europe/Berlin"), 60)
    pd.testing.assert_series_equal(utc, oracle_churn_risk(shop, "2024-06-01", 60))
    pd.testing.assert_series_equal(utc, berlin)


def test_the_oracle_refuses_what_it_cannot_know(shop: SimulatedShop) -> None:
    with pytest.raises(ValueError, match="as_of must be after 2023"):
        oracle_churn_risk(shop, "2026-02-01", 90)
    with pytest.raises(ValueError, match="horizon_days must be above 0; got 0"):
        oracle_churn_risk(shop, "2025-01-01", 0)


def test_dropout_ends_a_customer(shop: SimulatedShop) -> None:
    end = (shop.ends_at - datetime(1970, 1, 1)) / timedelta(days=1)
    gone = shop.truth.filter(pl.col("dropout_day").is_not_null())
    assert gone["dropout_day"].max() < end
    last = shop.spells.group_by("customer_id").agg(pl.col("day").max())
    assert (
        gone.join(last, on="customer_id")
        .select(pl.col("day") <= pl.col("dropout_day"))
        .to_series()
        .all()
    )
