"""Scores that are damaged while they are served: the old ones stay, or it is said."""

from __future__ import annotations

import pytest

from serving.errors import StoreUnavailableError
from serving.settings import Settings
from serving.store.database import Database
from serving.store.migrating import ready


@pytest.fixture
def file(served, tmp_path):
    """A copy of the scores, to be damaged."""
    place = tmp_path / "scores.parquet"
    place.write_bytes(served.scores.read_bytes())
    return place


@pytest.mark.parametrize("damage", ["cut", "empty", "text"])
def test_a_file_that_is_damaged_leaves_the_old_scores_in_force(
    client_of, served, file, eventually, damage
):
    whole = file.read_bytes()
    client = client_of(served.settings.model_copy(update={"scores": file}))
    who = served.batch.index[0]
    before = client.get(f"/v1/customers/{who}").json()
    middle = len(whole) // 2
    file.write_bytes(
        {
            "cut": whole[:middle],
            "empty": b"",
            "text": b"customer_id,churn_risk\na,2\n",
        }[damage]
    )
    warned = "The scores are older ones: "
    eventually(lambda: [w[:27] for w in client.get("/readyz").json()["warnings"]], [warned])
    assert client.get(f"/v1/customers/{who}").json() == before
    file.write_bytes(whole)
    eventually(lambda: client.get("/readyz").json()["warnings"], [])


PAGE = 4096
# Where the tables begin; what is in them comes after.
FIRST = 100


@pytest.fixture
def place(tmp_path, made_full):
    """The file of a store, all of it written there."""
    made_full(f"sqlite:///{tmp_path / 'store.db'}").close()
    return tmp_path / "store.db"


def test_a_store_that_is_damaged_is_told_of_and_does_not_end_the_service(
    client_of, served, place, caplog
):
    settings = Settings(store=f"sqlite:///{place}", tracking_uri=served.tracker.uri, worker=False)
    client = client_of(settings)
    with place.open("r+b") as file:
        for start in range(FIRST * PAGE, place.stat().st_size, PAGE):
            file.seek(start)
            file.write(bytes(200))
    answers = [client.get(f"/v1/customers/{who}") for who in served.batch.index[:20]]
    bad = [answer for answer in answers if answer.status_code != 200]
    assert bad and {answer.status_code for answer in bad} == {503}
    assert all(answer.headers["retry-after"] for answer in bad)
    assert "is damaged: database disk image is malformed. Put a backup" in caplog.text
    assert client.get("/healthz").status_code == 200


def test_a_file_that_is_no_store_is_refused_at_the_start(tmp_path):
    (tmp_path / "store.db").write_bytes(b"no database" * 1000)
    database = Database.at(f"sqlite:///{tmp_path / 'store.db'}")
    with pytest.raises(StoreUnavailableError, match="is damaged: file is not a database"):
        ready(database)
    database.close()
