"""docs/own-models.md: a module outside the packages, judged, trained with, scored and served."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest

from tests.holdfast.own import AS_OF, Page, Place, answer, refuses
from training.champions import load_scorer
from training.config import TrainingConfig
from training.models.boosting import Boosting
from training.registry.tracking import Tracker

PAGE = Page("own-models.md")
MODULE = "\n".join(PAGE.block("python", f"\n{begin}") for begin in ("FOREST =", "@dataclass"))
RIDGE = PAGE.block("python", "class Ridge")
SETTINGS, TREES = PAGE.block("toml", "churn_candidates ="), PAGE.block("toml", "tree_rounds =")
NAMES = ("PausedChurn", "Ridge", "FOREST")
PAUSED = "myshop.models:PausedChurn"
MEMBERS = 500


def write_shop(place: Place) -> None:
    """Members join at any time and come every month, or only once where they paused."""
    random = np.random.default_rng(0)
    rows = []
    for member, first in enumerate(random.integers(0, 420, MEMBERS)):
        last = first + 1 if member % 2 else 425
        for day in range(first, last, 30):
            at = pd.Timestamp("2024-11-01 12:00") + pd.Timedelta(days=day)
            rows.append((f"{member}-{day}", f"m{member}", at, 20.0))
    folder = place.folder / "shop"
    folder.mkdir()
    orders = pd.DataFrame(rows, columns=["order_id", "customer_id", "ordered_at", "amount"])
    orders.to_parquet(folder / "orders.parquet", index=False)
    members = range(MEMBERS)
    people = {"customer_id": [f"m{m}" for m in members], "paused": [m % 2 for m in members]}
    pd.DataFrame(people).to_parquet(folder / "customers.parquet", index=False)
    (folder / "history.toml").write_text('[customers]\nstatic = ["paused"]\n')


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    """Follow the page up to the scores."""
    found = Place(tmp_path_factory.mktemp("own"), "models")
    write_shop(found)
    found.module.parent.mkdir()
    found.module.write_text(f"{MODULE}\n{RIDGE}")
    (found.folder / "training.toml").write_text(f"snapshots = 3\norigins = 3\n{SETTINGS}")
    for words in PAGE.commands():
        if words[0] != "serve":
            out = found.follow(words)
            (found.folder / f"{words[0]}.txt").write_text(" ".join(out.split()))
    return found


@pytest.fixture
def importable(place, monkeypatch):
    monkeypatch.syspath_prepend(str(place.folder))


@pytest.fixture
def scores(place) -> pd.DataFrame:
    return pd.read_parquet(place.folder / "scores.parquet").set_index("customer_id")


def test_a_backtest_judges_every_one_of_them(place):
    told = (place.folder / "backtest.txt").read_text()

    for name in NAMES:
        assert f" {name} " in told
    for name in NAMES[1:]:
        assert f" myshop.models:{name} -0." in told


def test_the_best_that_can_be_saved_is_the_model(place):
    told = (place.folder / "train.txt").read_text()

    tags = Tracker(place.uri).champion("churn-risk").tags

    assert (tags["candidate"], "Rests on: who has paused" in told) == (PAUSED, True)
    assert tags["why"].startswith(f"{PAUSED}: clearly better than pool over 3")


def test_the_artifact_is_plain_and_names_the_file_it_needs(place):
    tracker = Tracker(place.uri)
    folder = tracker.folder(tracker.champion("churn-risk"))
    content = json.loads((folder / "model.json").read_text())

    assert (content["candidate"], len(content["code"])) == (PAUSED, 64)
    assert sorted(content["fitted"]) == ["others", "paused"]
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} <= {".json", ".txt"}


def test_scores_are_its_forecasts_and_reasons_its_own(place, scores):
    has_paused = scores.index.str.removeprefix("m").astype(int) % 2 == 1

    assert (scores["churn_risk"] > 0.9).tolist() == has_paused.tolist()
    assert scores["churn_model"].unique().tolist() == [PAUSED]
    assert scores["basis"].unique().tolist() == ["who has paused"]
    told = scores["reason_1"].dropna()
    assert len(told) > 5
    assert told.unique().tolist() == ["paused is 1"]


def test_a_service_answers_with_it(place, scores):
    order = {"ordered_at": "2025-12-20", "amount": 20.0}
    sent = [
        {
            "customer_id": name,
            "orders": [{"order_id": name, **order}],
            "attributes": {"paused": paused},
        }
        for name, paused in (("here", 0), ("gone", 1))
    ]
    with place.served() as address:
        found = answer(f"{address}/v1/score", {"as_of": AS_OF, "customers": sent})["customers"]

    risks = {row["customer_id"]: row["churn_risk"] for row in found}
    assert risks["here"] == pytest.approx(scores["churn_risk"].min(), rel=1e-9)
    assert risks["gone"] == pytest.approx(scores["churn_risk"].max(), rel=1e-9)
    assert {row["churn_model"] for row in found} == {PAUSED}


def test_mlflow_runs_it_where_the_module_is(place, importable):
    tracker = Tracker(place.uri)
    scorer = load_scorer(tracker)
    table = pd.DataFrame({column: [1.0, 2.0] for column in scorer.churn.model.columns_})
    table["horizon_days"] = 30.0
    folder = tracker.folder(tracker.champion("churn-risk")).parents[1]

    found = mlflow.pyfunc.load_model(str(folder)).predict(table)

    pd.testing.assert_frame_equal(found, scorer.churn.predict_frame(table))


def test_candidates_stand_in_mlflow_by_their_names(place):
    client = mlflow.MlflowClient(place.uri)
    run = client.get_run(Tracker(place.uri).champion("churn-risk").run_id)

    for name in NAMES:
        assert f"candidates/churn_log_loss/myshop.models:{name}" in run.data.metrics


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "Python finds no module myshop.models"),
        (MODULE + "# newer\n", "has changed since. Install the version"),
    ],
    ids=["gone", "changed"],
)
def test_without_the_code_it_learnt_with_scoring_and_serving_refuse(place, text, said):
    refuses(place, text, PAUSED, said)


def test_the_settings_of_trees_on_the_page_are_read(tmp_path):
    file = tmp_path / "training.toml"
    file.write_text(TREES)

    found = TrainingConfig.read(file)

    assert Boosting.of(found) == Boosting(leaf_rows=100)
    assert Boosting.of(TrainingConfig()) == Boosting()
