"""What a training promises as a whole: no leak, no pickle, no customer in it, runs anywhere."""

import re
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import training
from features.history.history import History
from features.table import feature_table
from training.champions import CHURN, CLV, load_scorer
from training.errors import TrainingError
from training.pipeline import train
from training.registry.tracking import Tracker
from training.selection.fit import fit
from training.selection.judge import judge

ROOT = Path(training.__file__).parents[1]
AS_OF = datetime(2025, 10, 1)
LATER = AS_OF + timedelta(days=5)


def known(table: pl.DataFrame, own: str) -> pl.DataFrame:
    recorded = pl.max_horizontal(own, "recorded_at") if "recorded_at" in table.columns else own
    return table.filter((pl.col(recorded) if isinstance(recorded, str) else recorded) < AS_OF)


def unknown(table: pl.DataFrame, own: str) -> pl.DataFrame:
    return table.join(known(table, own), on=table.columns, how="anti", nulls_equal=True)


def without(fact: str) -> pl.Expr:
    return pl.when(pl.col(fact) < AS_OF).then(fact).alias(fact)


def forgotten(shop) -> History:
    """Nothing known at `as_of` or later."""
    simulated = shop.simulated
    offers = simulated.offers.with_columns(
        pl.when(pl.col("redeemed_at") < AS_OF).then("cost").alias("cost"), without("redeemed_at"),
        without("refused_at"),
    )  # fmt: skip
    return shop.like(
        orders=known(simulated.orders, "ordered_at"),
        feedback=known(simulated.feedback, "created_at").with_columns(without("resolved_at")),
        offers=known(offers, "offered_at"),
        customers=known(simulated.customers, "recorded_at"),
    )


def scrambled(shop) -> History:
    """Other amounts, customers and scores in whatever became known later."""
    orders, feedback = shop.simulated.orders, shop.simulated.feedback
    later = unknown(orders, "ordered_at").with_columns(
        pl.col("customer_id").reverse(), pl.col("amount").reverse() * 1000
    )
    answers = unknown(feedback, "created_at").with_columns(pl.col("customer_id", "score").reverse())
    return shop.like(
        orders=pl.concat([known(orders, "ordered_at"), later]),
        feedback=pl.concat([known(feedback, "created_at"), answers]),
    )


def appended(shop) -> History:
    """An order, a refund and a bad review of everybody, known from `as_of` on."""
    orders = shop.simulated.orders
    added = orders.unique("customer_id").with_columns(
        ("late" + pl.col("order_id")).alias("order_id"),
        *(pl.lit(AS_OF).alias(time) for time in ("ordered_at", "recorded_at")),
    )
    back = added.with_columns(-pl.col("amount"))
    review = shop.simulated.feedback.unique("customer_id").with_columns(
        ("late" + pl.col("feedback_id")).alias("feedback_id"),
        pl.lit("review").alias("kind"),
        pl.lit(1.0).alias("score"),
        *(pl.lit(LATER).alias(time) for time in ("created_at", "recorded_at")),
    )
    return shop.like(
        orders=pl.concat([orders, added, back]),
        feedback=pl.concat([shop.simulated.feedback, review]),
    )


def back_filled(shop) -> History:
    """Orders of long ago, even before the first one, that are recorded only now."""
    orders = shop.simulated.orders
    added = pl.concat(
        orders.head(300).with_columns(
            (prefix + pl.col("order_id")).alias("order_id"),
            (pl.col("ordered_at") - timedelta(days=days)).alias("ordered_at"),
            pl.lit(AS_OF).alias("recorded_at"),
        )
        for prefix, days in (("x", 0), ("y", 400))
    )
    return shop.like(orders=pl.concat([added, orders]))


def updated(shop) -> History:
    """Newer versions of orders, answers and customers, one of them with a value unheard of."""
    simulated = shop.simulated
    at = pl.lit(LATER).alias("recorded_at")
    orders = simulated.orders.with_columns(pl.col("amount") * 9, at)
    feedback = simulated.feedback.with_columns(pl.lit(1.0).alias("score"), at)
    customers = simulated.customers.with_columns(pl.lit("a_new_channel").alias("channel"), at)
    return shop.like(
        orders=pl.concat([simulated.orders, orders]),
        feedback=pl.concat([simulated.feedback, feedback]),
        customers=pl.concat([simulated.customers, customers]),
    )


def settled(shop) -> History:
    """Open tickets resolved and open offers redeemed, from `as_of` on."""
    offers, feedback = shop.simulated.offers, shop.simulated.feedback
    open_offer = ~(pl.col("redeemed_at") < AS_OF).fill_null(False)
    is_open = (pl.col("kind") == "ticket") & ~(pl.col("resolved_at") < AS_OF).fill_null(False)
    resolved = pl.max_horizontal(pl.lit(AS_OF), "created_at")
    return shop.like(
        offers=offers.with_columns(
            pl.when(open_offer).then(pl.lit(99.0)).otherwise("cost").alias("cost"),
            pl.when(open_offer).then(pl.lit(LATER)).otherwise("redeemed_at").alias("redeemed_at"),
        ),
        feedback=feedback.with_columns(
            pl.when(is_open).then(resolved).otherwise("resolved_at").alias("resolved_at"),
            pl.when(is_open).then(pl.lit(1.0)).otherwise("score").alias("score"),
        ),
    )


CHANGES = (forgotten, scrambled, appended, back_filled, updated, settled)


@pytest.fixture(scope="module")
def scores(trained) -> pd.DataFrame:
    return load_scorer(trained.tracker).score(trained.shop.history, trained.shop.as_of)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_nothing_known_at_as_of_or_later_changes_a_score(change, shop, trained, scores):
    other = change(shop)

    found = load_scorer(trained.tracker, other).score(other, shop.as_of)

    pd.testing.assert_frame_equal(found, scores, rtol=1e-9)


@pytest.mark.parametrize("change", [forgotten, back_filled, updated], ids=lambda c: c.__name__)
def test_nothing_known_at_as_of_or_later_changes_a_model(change, shop, fitted, tmp_path):
    other = change(shop)

    past = other.upto(shop.as_of).coded()
    models = fit(past, judge(past, shop.config), shop.config)

    for place, pair in ((tmp_path / "own", fitted), (tmp_path / "other", models)):
        for name, model in zip((CHURN, CLV), pair, strict=True):
            model.scorer.save(place / name)
    for path in (p for p in (tmp_path / "own").rglob("*.*") if p.is_file()):
        same = tmp_path / "other" / path.relative_to(tmp_path / "own")
        assert same.read_bytes() == path.read_bytes()


def test_what_is_known_before_as_of_does_change_the_scores(shop, trained, scores):
    """So that the tests above could fail."""
    orders = shop.simulated.orders.with_columns(
        pl.col("recorded_at") - timedelta(days=40), pl.col("ordered_at") - timedelta(days=40)
    )
    moved = shop.like(orders=orders)

    found = load_scorer(trained.tracker).score(moved, shop.as_of)

    assert not found["churn_risk"].equals(scores["churn_risk"])


def test_a_training_leaves_two_champions_and_their_scores_are_reproducible(trained, scorer, scores):
    assert set(trained.training.churn.aliases) == {"champion", "challenger"}
    assert set(trained.training.clv.aliases) == {"champion", "challenger"}
    again = scorer.score(trained.shop.history, trained.shop.as_of)
    pd.testing.assert_frame_equal(again, scores, rtol=1e-9)


def artifact_files(trained) -> list[Path]:
    store = Path(trained.tracker.uri.removeprefix("sqlite:///")).parent / "artifacts"
    return [path for path in store.rglob("*") if path.is_file()]


def test_there_is_no_pickle_under_a_models_artifacts(trained):
    files = artifact_files(trained)

    assert len(files) > 50
    odd = {p.suffix for p in files} - {"", ".json", ".md", ".csv", ".png", ".svg", ".txt", ".py",
                                       ".yaml", ".typed"}  # fmt: skip
    assert odd <= {".pyc", ".toml"}
    # Pickles of protocol 2 and later begin with this byte; PNG files begin with another.
    assert not [p for p in files if p.suffix != ".pyc" and p.read_bytes()[:1] == b"\x80"]


def test_no_customer_is_in_a_models_artifacts(trained, scores):
    orders = trained.shop.simulated.orders["order_id"]
    names = {name.encode() for name in (*scores["customer_id"], *orders)}
    pattern = re.compile(rb"[a-z]\d{8}")
    assert all(pattern.fullmatch(name) for name in names)

    found = [
        (path, name)
        for path in artifact_files(trained)
        for name in names.intersection(pattern.findall(path.read_bytes()))
    ]

    assert found == []


def test_the_example_is_of_no_customer(trained):
    for name in (CHURN, CLV):
        folder = trained.tracker.folder(trained.tracker.champion(name))
        stored = pd.read_json(folder.parents[1] / "input_example.json", orient="split")

        varying = stored.drop(columns="horizon_days")
        assert (varying == pd.Series([1.0, 2.0, 3.0]).to_numpy()[:, None]).all(axis=None)


LOAD = f"""
import sys
sys.path = [entry for entry in sys.path if entry != {str(ROOT)!r}]
import mlflow
import pandas as pd

mlflow.set_tracking_uri(sys.argv[1])
for name in {(CHURN, CLV)!r}:
    model = mlflow.pyfunc.load_model(f"models:/{{name}}@champion")
    model.predict(pd.read_parquet("table.parquet")).to_parquet(f"{{name}}.parquet")
"""


def test_both_champions_give_the_librarys_numbers_in_a_process_elsewhere(trained, shop, tmp_path):
    scorer = load_scorer(trained.tracker)
    coded = shop.history.with_categories(scorer.churn.definition.categories)
    table = feature_table(coded, shop.as_of, 90)
    table.to_parquet(tmp_path / "table.parquet")
    command = [sys.executable, "-I", "-c", LOAD, trained.tracker.uri]

    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    for name, model in ((CHURN, scorer.churn), (CLV, scorer.clv)):
        scores = pd.read_parquet(tmp_path / f"{name}.parquet")
        pd.testing.assert_frame_equal(scores, model.predict_frame(table), rtol=1e-12)


def test_a_history_that_cannot_be_trained_on_leaves_no_trace(shop, tmp_path):
    tracker = Tracker(f"sqlite:///{tmp_path}/mlruns/mlflow.db")

    with pytest.raises(TrainingError, match="horizon_days must leave"):
        train(shop.history, "2023-11-10", shop.config, tracker)
    with pytest.raises(TrainingError, match="no orders before as_of"):
        train(shop.history, "1999-01-01", shop.config, tracker)

    assert list(tmp_path.iterdir()) == []


def test_a_training_tells_what_it_is_doing(shop, tmp_path):
    tracker = Tracker(f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    told: list[str] = []

    train(shop.history, AS_OF, replace(shop.config, snapshots=1, origins=1), tracker, told.append)

    assert told[0] == "snapshot 1 of 5: 2025-03-04"
    assert told[-5:] == [
        "backtest of churn risk at 2025-07-02",
        "backtest of CLV at 2025-07-02",
        "fitting the final models",
        "comparing with the champions",
        "tracking and registering",
    ]
