from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from serving.inforce.champions import Champions, champions
from serving.inforce.reloading import LoadError
from training.champions import CHURN
from training.registry.tracking import Tracker
from training.registry.versions import ModelFiles

REQUEST = {
    "as_of": "2026-01-01",
    "customers": [
        {
            "customer_id": "a",
            "orders": [{"order_id": "1", "ordered_at": "2025-11-01", "amount": 20}],
        }
    ],
}


@pytest.fixture
def second(served):
    """Another version of the churn model; in the end the first is the champion again."""
    version = register(served, served.tracker.folder(served.tracker.version(CHURN, 1)))
    yield version
    served.tracker.promote(CHURN, 1)


def register(served, folder):
    scorer = served.scorer.churn
    example = pd.DataFrame({column: [1.0] for column in scorer.model.columns_})
    example["horizon_days"] = float(scorer.definition.horizon_days)
    with served.tracker.start_run("again", {}) as run:
        files = ModelFiles(folder, example, scorer.predict_frame(example))
        return served.tracker.register(run, CHURN, files).version


def version_in_force(client):
    return client.post("/v1/score", json=REQUEST).json()["versions"][CHURN]


def test_the_service_follows_what_is_promoted(client, served, second, eventually):
    eventually(lambda: version_in_force(client), 1)
    served.tracker.promote(CHURN, second)
    eventually(lambda: version_in_force(client), second)
    assert client.get("/readyz").json()["champions"]["versions"][CHURN] == second


def test_a_version_that_tells_nothing_of_itself_is_listed(client, second):
    found = client.get("/v1/models").json()["models"]
    (listed,) = [m for m in found if (m["name"], m["version"]) == (CHURN, second)]
    told = [listed[key] for key in ("candidate", "horizon_days", "currency", "trained_as_of")]
    assert told == [None] * 4
    assert not listed["in_force"] and listed["promised"] == {}


@pytest.mark.parametrize("damage", ["cut", "a digit", "gone"])
@pytest.mark.parametrize("name", ["trees_90d.txt", "scoring.json", "digests.json"])
def test_the_old_champion_stays_when_the_new_one_is_damaged(
    client, served, second, eventually, name, damage
):
    """LightGBM would end the process at a cut text, and score by a changed digit."""
    eventually(lambda: version_in_force(client), 1)
    path = served.tracker.folder(served.tracker.version(CHURN, second)) / name
    text = path.read_text()
    if damage == "gone":
        path.unlink()
    else:
        path.write_text(text[: len(text) // 2] if damage == "cut" else text.replace("1", "2"))
    served.tracker.promote(CHURN, second)
    warned = "The champions are older ones: "
    eventually(lambda: [w[:30] for w in client.get("/readyz").json()["warnings"]], [warned])
    assert client.get("/readyz").status_code == 200
    assert version_in_force(client) == 1


@pytest.mark.parametrize("damage", ["", "{}", "tree", None])
def test_whatever_is_wrong_with_the_files_is_a_load_error(served, second, damage):
    served.tracker.promote(CHURN, second)
    folder = served.tracker.folder(served.tracker.version(CHURN, second))
    for path in folder.iterdir():
        path.unlink() if damage is None else path.write_text(damage)
    with pytest.raises(LoadError):
        champions(served.tracker).load()


def test_without_champions_the_service_is_not_ready(client_of, served, tmp_path):
    elsewhere = f"sqlite:///{tmp_path / 'empty.db'}"
    client = client_of(served.settings.model_copy(update={"tracking_uri": elsewhere}))
    for answer in (client.get("/readyz"), client.post("/v1/score", json=REQUEST)):
        assert answer.status_code == 503
        assert "Run holdfast train first" in answer.json()["detail"]
    assert client.get("/healthz").status_code == 200


def test_the_service_becomes_ready_once_there_are_scores(client_of, served, tmp_path, eventually):
    scores = tmp_path / "scores.parquet"
    client = client_of(served.settings.model_copy(update={"scores": scores}))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert [error["field"] for error in answer.json()["errors"]] == ["scores"]
    scores.write_bytes(served.scores.read_bytes())
    eventually(lambda: client.get("/readyz").status_code, 200)
    assert client.get("/readyz").json()["scores"]["customers"] == len(served.batch)


def test_ready_says_what_may_be_told_of_customers(client):
    told = client.get("/readyz").json()["champions"]
    assert told["attributes"] == {"channel": ["referral", "search", "social"]}
    assert told["feedback"]["nps"] == [0, 10]


def test_champions_that_read_feedback_differently_are_refused(served):
    scorer = served.scorer
    other = replace(scorer.clv.definition, scales={"nps": (0.0, 100.0)})
    with pytest.raises(LoadError, match=r"\['nps'\] differ"):
        Champions.of(replace(scorer, clv=replace(scorer.clv, definition=other)))


def test_the_scales_of_feedback_are_those_of_the_models(served):
    scorer = served.scorer
    scales = {**scorer.churn.definition.scales, "smiley": (1.0, 3.0)}
    churn = replace(scorer.churn, definition=replace(scorer.churn.definition, scales=scales))
    assert Champions.of(replace(scorer, churn=churn)).mapping.scales["smiley"] == (1.0, 3.0)


def test_a_tracking_store_that_cannot_be_read_is_a_load_error(tmp_path):
    (tmp_path / "torn.db").write_text("no database")
    source = champions(Tracker(f"sqlite:///{tmp_path / 'torn.db'}"))
    with pytest.raises(LoadError, match="tracking store"):
        source.version()
