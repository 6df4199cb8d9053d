"""docs/own-features.md: a module outside the packages, trained with, scored and served."""

import json
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from features.errors import ExtensionError
from features.history.history import History
from features.intake.mapping import Mapping
from features.table import feature_table, frames_of
from simulation import simulate
from tests.holdfast.own import AS_OF, SCORE, Page, Place, answer, refuses, rewritten
from training.champions import load_scorer
from training.config import TrainingConfig
from training.registry.tracking import Tracker
from training.selection.ablation import ablate
from training.selection.judge import judge, prepare

PAGE = Page("own-features.md")
OWN = ["weekend_share", "app_share", "items_mean", "items_last"]
NAMED = ["myshop.signals:WEEKEND_SHARE", "myshop.signals:APP_SHARE", "orders.items"]
MODULE, EXPLORED = PAGE.block("python", "WEEKEND_SHARE ="), PAGE.block("python", "feature_table(")
DECLARED, SETTINGS = PAGE.block("toml", "[orders.attributes]"), PAGE.block("toml", "features =")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    """Follow the page up to the scores."""
    found = Place(tmp_path_factory.mktemp("own"), "signals")
    shop = simulate(customers=500, days=800, seed=11)
    shop.write(found.folder / "shop")
    orders = pl.read_parquet(found.folder / "shop" / "orders.parquet")
    number = orders["order_id"].hash(0)
    orders.with_columns(
        channel=pl.when(number % 3 == 0).then(pl.lit("app")).otherwise(pl.lit("web")),
        items=(number % 5 + 1).cast(pl.Float64),
    ).write_parquet(found.folder / "shop" / "orders.parquet")
    toml = found.folder / "shop" / "history.toml"
    toml.write_text(f"{toml.read_text() if toml.exists() else ''}\n{DECLARED}")
    found.module.parent.mkdir()
    found.module.write_text(MODULE)
    (found.folder / "training.toml").write_text(f"snapshots = 3\norigins = 2\n{SETTINGS}")
    for words in PAGE.commands():
        if words[0] in ("features", "train", "score"):
            found.follow(words)
    return found


@pytest.fixture(scope="module")
def history(place) -> History:
    return History.open(place.folder / "shop")


@pytest.fixture
def importable(place, monkeypatch):
    monkeypatch.syspath_prepend(str(place.folder))


def test_the_page_shows_the_rows_and_columns_that_there_are(history):
    lines = re.findall(r"^\| `(\w+)` \| .*? \| (.*) \|$", PAGE.text, re.M)[1:]
    told = {rows: {*re.findall(r"`(\w+)`", columns)} for rows, columns in lines}
    told["days"] |= told["orders"] - {"orders"}
    told["days"] -= {"orders"}
    for rows in ("offers", "customers"):
        told[rows] |= {*getattr(history, rows).collect_schema().names()}
        told[rows] -= {"customer_id", "channel"}
    frames = frames_of(history.upto(AS_OF), 90)
    further = {"customer_id", "channel", "items"}
    found = {rows: {*frames[rows].collect_schema().names()} - further for rows in frames}

    assert [*told] == [*frames, "table"]
    assert {rows: told[rows] for rows in frames} == found


def test_the_command_line_writes_them(place, history):
    table = pd.read_parquet(place.folder / "features.parquet").set_index("customer_id")
    orders = history.upto(AS_OF).purchases.collect().to_pandas()
    share = (orders["channel"] == "app").groupby(orders["customer_id"]).mean()

    assert table.columns[-1] == "app_share"
    np.testing.assert_allclose(table["app_share"], share.loc[table.index], rtol=1e-12)
    assert 0 < share.mean() < 1


def test_a_notebook_shows_them(place):
    told = "print(table.columns[-3:].tolist(), len(table))"
    done = place.python("-c", f"import sys; sys.path.append('.')\n{EXPLORED}{told}")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(["weekend_share", "items_mean", "items_last"]))


def test_weekends_are_weekends(place, history, importable):
    table = feature_table(history, AS_OF, 90, NAMED[:1])
    orders = history.upto(AS_OF).purchases.collect().to_pandas()
    days = pd.to_datetime(np.floor(orders["day"]), unit="D").dt.day_of_week
    share = (days >= 5).groupby(orders["customer_id"]).mean()

    np.testing.assert_allclose(table["weekend_share"], share.loc[table.index], rtol=1e-12)


def test_nothing_at_or_after_the_instant_touches_them(history, place, importable):
    cut = feature_table(history.upto("2025-06-01"), "2025-06-01", 90, NAMED)[OWN]
    whole = feature_table(history, "2025-06-01", 90, NAMED)[OWN]

    pd.testing.assert_frame_equal(cut, whole)
    assert not whole.equals(feature_table(history, AS_OF, 90, NAMED).loc[whole.index, OWN])


def test_both_models_learn_from_them_and_name_the_file_they_need(place):
    scorer = load_scorer_there(place)

    for model in (scorer.churn, scorer.clv):
        assert set(OWN) <= set(model.model.columns_)
        assert list(model.definition.features) == NAMED
        assert model.definition.attributes == {"orders": {"channel": "text", "items": "number"}}
    digests = scorer.churn.definition.features
    assert (len(digests[NAMED[0]]), digests["orders.items"]) == (64, "")


def load_scorer_there(place: Place):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(place.folder))
        return load_scorer(Tracker(place.uri))


def test_the_run_lists_them_with_their_meaning(place):
    (catalogue,) = (place.folder / "artifacts").rglob("catalogue.json")
    listed = {f["name"]: f for f in json.loads(catalogue.read_text())["features"]}

    assert listed["weekend_share"]["meaning"] == "share of orders placed on a weekend"
    card = (catalogue.parent / "model_card.md").read_text()
    needs = f"- Needs code of the shop's own, unchanged: {NAMED[0]}, {NAMED[1]}.\n"
    assert card.count(needs) == 2


def test_an_ablation_says_what_they_are_worth(history, importable):
    config = TrainingConfig(horizon_days=90, snapshots=2, origins=1, features=NAMED)
    past, config = prepare(history.upto(AS_OF), config)
    judged = judge(past, config)
    rows = {row.without: row for row in ablate(judged.panels, judged.churn, config)}

    assert rows["own"].columns == len(OWN)
    assert rows["own"].log_loss is not None


def test_a_customer_scored_alone_gets_the_numbers_of_the_batch(place, history):
    scores = pd.read_parquet(place.folder / "scores.parquet").set_index("customer_id")
    orders = pl.read_parquet(place.folder / "shop" / "orders.parquet")
    who = orders.group_by("customer_id").len().filter(pl.col("len") > 3).sort("customer_id")
    body = {"as_of": AS_OF, "customers": [sent(c, place) for c in who["customer_id"][:5]]}
    odd = {**body["customers"][0], "customer_id": "odd"}
    odd["orders"] = [{**odd["orders"][0], "attributes": {"items": "many", "colour": "red"}}]

    with place.served() as address:
        ready = answer(f"{address}/readyz")
        found = answer(f"{address}/v1/score", body)
        unused = answer(f"{address}/v1/score", {**body, "customers": [odd]})["not_used"]

    assert ready["champions"]["row_attributes"] == {
        "orders": {"channel": "text", "items": "number"}
    }
    assert {gone["field"]: gone["reason"] for gone in unused} == {
        "/customers/0/orders/0/attributes/items": "must be a number",
        "/customers/0/orders/0/attributes/colour": (
            "no attribute of orders that the models know, which are ['channel', 'items']"
        ),
    }
    assert found["not_used"] == []
    assert len(found["customers"]) == 5
    for row in found["customers"]:
        batch = scores.loc[row["customer_id"]]
        for name in ("churn_risk", "clv", "clv_high", "value_at_stake"):
            assert row[name] == pytest.approx(batch[name], rel=1e-9), name
        assert row["reason_1"] == batch["reason_1"]


def sent(customer: str, place: Place) -> dict:
    """One customer's rows as a request brings them."""
    own = {"orders": ("channel", "items"), "feedback": (), "offers": ()}
    times = pl.selectors.datetime().dt.to_string("iso:strict")
    rows = {}
    for table, further in own.items():
        whole = pl.read_parquet(place.folder / "shop" / f"{table}.parquet")
        mine = whole.filter(pl.col("customer_id") == customer).with_columns(times)
        rows[table] = [
            {
                **{k: v for k, v in row.items() if k not in ("customer_id", "currency", *further)},
                **({"attributes": {name: row[name] for name in further}} if further else {}),
            }
            for row in mine.iter_rows(named=True)
        ]
    people = pl.read_parquet(place.folder / "shop" / "customers.parquet")
    (channel,) = people.filter(pl.col("customer_id") == customer)["channel"]
    return {"customer_id": customer, **rows, "attributes": {"channel": channel}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "Python finds no module myshop.signals"),
        (MODULE + "# newer\n", "has changed since. Install the version"),
    ],
    ids=["gone", "changed"],
)
def test_without_the_code_it_learnt_with_scoring_and_serving_refuse(place, text, said):
    refuses(place, text, NAMED[0], said)


def test_a_history_without_the_declared_columns_is_refused(place):
    with rewritten(place.folder / "shop" / "history.toml", ""):
        done = place.holdfast(*SCORE)

    assert done.returncode == 2
    assert '[orders.attributes] must have channel = "text", items = "number"' in done.stderr


def test_a_later_training_without_them_takes_over(place, history):
    plain = place.folder / "plain.toml"
    plain.write_text("snapshots = 3\norigins = 2\n")
    done = place.holdfast(
        "train", "shop", "--as-of", AS_OF, "--horizon-days", "90", "--config", "plain.toml"
    )

    assert done.returncode == 0, done.stderr
    assert "the champion stands on other features of the shop's own: myshop.signals" in (
        " ".join(done.stdout.split())
    )


@pytest.mark.parametrize(
    ("features", "said"),
    [
        (["nowhere.signals:X"], "finds no module nowhere.signals"),
        (["myshop.signals:NOTHING"], "has no NOTHING"),
        (["myshop.signals:is_weekend"], "must be a Feature, or a list of them; got Expr"),
        (["orders.weight"], 'Add weight = "number" there'),
        (["orders.channel"], "is declared as text"),
    ],
)
def test_what_is_no_feature_is_refused_before_anything_is_learnt(
    history, importable, features, said
):
    config = TrainingConfig(horizon_days=90, features=features)

    with pytest.raises(ExtensionError, match=re.escape(said)):
        prepare(history.upto(AS_OF), config)


def test_the_mapping_of_the_page_is_read():
    mapping = Mapping.from_dict({"orders": {"attributes": {"channel": "text", "items": "number"}}})

    assert mapping.attributes == {"orders": {"channel": "text", "items": "number"}}
