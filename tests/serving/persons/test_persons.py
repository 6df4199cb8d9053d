"""One person: all that is stored can be asked for, and after an erasure nothing of it is left."""

import sqlite3
from datetime import datetime

import pytest
import sqlalchemy as sa

from features.history.opening import open_tables
from features.intake.mapping import Mapping
from features.table import feature_table
from serving.imports.service import import_history
from serving.persons.repository import PERSONAL
from serving.publications.files import read_scores
from serving.publications.service import publish
from serving.store.tables import METADATA

WHO, MAIL = "erase me Ø", "erase.me@shop.example"


def events(person=WHO, first=0):
    order = {"type": "order", "customer_id": person, "ordered_at": "2025-12-30", "amount": 30}
    feedback = {"type": "feedback", "customer_id": person, "created_at": "2025-12-31",
                "kind": "review", "score": 2, "text": f"call me: {MAIL}"}  # fmt: skip
    offer = {"type": "offer", "customer_id": person, "campaign_id": "c", "offer_id": "points",
             "offered_at": "2025-12-31T12:00"}  # fmt: skip
    consent = {"type": "customer", "customer_id": person, "changed_at": "2025-12-31",
               "marketing_consent": True}  # fmt: skip
    told = [{**order, "order_id": "x1"}, {**feedback, "feedback_id": "x1"}, offer, consent]
    return [{**event, "event_id": f"x{first + n}"} for n, event in enumerate(told)]


@pytest.fixture
def known(service, eventually):
    """A customer of whom there is something in every table."""
    assert service.post("/v1/events", json={"events": events()}).json()["accepted"] == 4
    eventually(lambda: service.get(f"/v1/customers/{WHO}").status_code, 200)
    return service


def test_the_timeline_tells_what_happened_the_earliest_first(known):
    found = known.get(f"/v1/customers/{WHO}/timeline").json()["happenings"]
    assert [each["table"] for each in found[:2]] == ["orders", "feedback"]
    assert {each["table"] for each in found} == {"orders", "feedback", "offers", "customers"}
    assert found[0]["fields"] == {"order_id": "x1", "ordered_at": "2025-12-30T00:00:00",
                                  "amount": 30.0}  # fmt: skip


def test_features_are_those_of_the_table(service, served):
    who = served.batch.index[0]
    answer = service.get(f"/v1/customers/{who}/features").json()
    table = feature_table(served.history, datetime.fromisoformat(answer["as_of"]), 90).loc[who]
    found = {each["name"]: each["value"] for each in answer["features"]}
    assert set(found) == set(table.index)
    for name, value in found.items():
        assert (value is None and table[name] != table[name]) or value == table[name]
    assert all(each["meaning"] for each in answer["features"])


def test_an_export_holds_everything_and_is_audited(known):
    found = known.get(f"/v1/customers/{WHO}/export").json()
    assert found["scores"] == known.get(f"/v1/customers/{WHO}").json()["customer"]
    assert len(found["events"]) == 4 and len(found["happenings"]) == 4
    assert MAIL in str(found)
    (entry,) = known.get("/v1/audit").json()["entries"]
    assert entry["action"] == "customer.exported" and WHO not in str(entry)


@pytest.mark.parametrize("of", ["timeline", "features", "export"])
@pytest.mark.parametrize("who", ["nobody", "a%00b"])
def test_of_nobody_there_is_nothing(service, of, who):
    assert service.get(f"/v1/customers/{who}/{of}").status_code == 404


def rows_of(database, person):
    with database.reading() as connection:
        counts = (
            connection.scalar(sa.select(sa.func.count()).where(table.c.customer_id == person))
            for table in PERSONAL
        )
        return sum(counts)


def test_every_table_with_persons_is_looked_through():
    personal = {table for table in METADATA.tables.values() if "customer_id" in table.c}
    assert personal == set(PERSONAL)


def test_an_erased_person_is_in_no_table(known, filled):
    assert rows_of(filled, WHO) > 5
    answer = known.delete(f"/v1/customers/{WHO}")
    assert answer.status_code == 200 and sum(answer.json()["removed"].values()) > 5
    assert rows_of(filled, WHO) == 0
    assert known.get(f"/v1/customers/{WHO}").status_code == 404
    entry = known.get("/v1/audit").json()["entries"][0]
    assert entry["action"] == "customer.erased" and WHO not in str(entry)


def test_what_happened_before_does_not_come_back(known, filled):
    known.delete(f"/v1/customers/{WHO}")
    again = known.post("/v1/events", json={"events": events(first=0)}).json()
    others = known.post("/v1/events", json={"events": events(first=10)}).json()
    for answer in (again, others):
        assert answer["accepted"] == 0 and len(answer["rejected"]) == 4
        assert "was erased after it happened" in answer["rejected"][0]["detail"]
    assert rows_of(filled, WHO) == 0


def test_what_an_erased_person_does_afterwards_counts(known, filled):
    known.delete(f"/v1/customers/{WHO}")
    later = {**events()[0], "event_id": "later", "order_id": "x9", "ordered_at": "2026-01-01T00:12"}
    assert known.post("/v1/events", json={"events": [later]}).json()["accepted"] == 1


def test_an_import_does_not_bring_an_erased_person_back(service, filled, served):
    who = served.batch.index[0]
    service.delete(f"/v1/customers/{who}")
    mapping = Mapping.read(served.folder / "history.toml")
    found = import_history(filled, *open_tables(served.folder, mapping))
    assert sum(found.erased.values()) > 1 and sum(found.added.values()) == 0
    assert rows_of(filled, who) == 0


def test_erasing_who_is_not_there_is_no_error(service):
    answer = service.delete("/v1/customers/nobody")
    assert (answer.status_code, answer.json()["removed"]) == (200, {})


def test_the_file_of_the_store_holds_nothing_of_the_erased(client_of, served, tmp_path, eventually):
    from serving.settings import Settings
    from serving.store.database import Database
    from serving.store.migrating import ready

    url = f"sqlite:///{tmp_path / 'store.db'}"
    database = ready(Database.at(url))
    mapping = Mapping.read(served.folder / "history.toml")
    import_history(database, *open_tables(served.folder, mapping))
    run = read_scores(served.scores, served.tracker)
    publish(database, run.rows, run.terms)
    now = datetime(2026, 1, 1, 0, 5)
    client = client_of(Settings(store=url, tracking_uri=served.tracker.uri, clock_start=now))
    client.post("/v1/events", json={"events": events()})
    eventually(lambda: client.get(f"/v1/customers/{WHO}").status_code, 200)
    assert found_in(tmp_path)

    client.delete(f"/v1/customers/{WHO}")

    database.close()
    assert found_in(tmp_path) == []
    with sqlite3.connect(tmp_path / "store.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def found_in(folder):
    """Files that hold the person's id or address."""
    words = [WHO.encode(), MAIL.encode(), WHO.encode("utf-16-le")]
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path.name for path in files if any(word in path.read_bytes() for word in words)]


def test_no_registered_model_holds_a_customer(served):
    folder = served.folder.parent
    ids = [who.encode() for who in served.batch.index[:50]]
    orders = [order.encode() for order in served.shop.orders["order_id"][:50]]
    models = [p for p in folder.rglob("*") if p.is_file() and "artifacts" in p.parts]
    assert models
    for path in models:
        content = path.read_bytes()
        assert not any(word in content for word in (*ids, *orders)), path


def test_a_publication_does_not_bring_an_erased_person_back(service, filled, served):
    who = served.batch.index[0]
    run = read_scores(served.scores, served.tracker)
    service.delete(f"/v1/customers/{who}")
    publish(filled, run.rows, run.terms)
    assert service.get(f"/v1/customers/{who}").status_code == 404


def test_an_import_that_was_begun_before_does_not_either(filled, served, service):
    who = served.batch.index[0]
    mapping = Mapping.read(served.folder / "history.toml")

    def tell(what):
        if what.startswith("writing orders"):
            service.delete(f"/v1/customers/{who}")

    tables, settings = open_tables(served.folder, mapping)
    service.delete(f"/v1/customers/{served.batch.index[1]}")
    with filled.writing() as connection:
        connection.execute(sa.delete(METADATA.tables["holdfast_orders"]))
        connection.execute(sa.delete(METADATA.tables["holdfast_erased"]))
    import_history(filled, tables, settings, tell)
    assert rows_of(filled, who) == 0


def test_an_address_is_one_person_however_it_is_spelt(service, eventually, filled):
    person = "Anna@Shop.example"
    told = [{**event, "event_id": f"m{n}"} for n, event in enumerate(events(person))]
    assert service.post("/v1/events", json={"events": told}).json()["accepted"] == 4
    eventually(lambda: service.get(f"/v1/customers/{person}").status_code, 200)
    row = service.get(f"/v1/customers/{person}").json()["customer"]
    assert row["customer_id"] == "anna@shop.example"
    found = service.post("/v1/customers/lookup", json={"customer_ids": [person]}).json()
    assert (len(found["customers"]), found["missing"]) == (1, [])
    for of in ("timeline", "features", "export"):
        assert service.get(f"/v1/customers/{person}/{of}").status_code == 200
    service.delete(f"/v1/customers/{person}")
    assert rows_of(filled, "anna@shop.example") == 0
    again = [{**event, "event_id": f"n{n}"} for n, event in enumerate(told)]
    assert service.post("/v1/events", json={"events": again}).json()["accepted"] == 0
