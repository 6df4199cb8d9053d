"""What is told: risks that crossed, scores in force, models that came in force."""

import json
import threading
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from serving.clock import ShopClock, utc_now
from serving.events.service import take_events
from serving.inforce.champions import Champions
from serving.inforce.promoted import Promoted
from serving.inforce.reloading import Source, Watched
from serving.persons.service import erase, export
from serving.publications.files import read_scores
from serving.publications.service import publish
from serving.rescoring.service import Rescoring
from serving.store.outbox import CUSTOMERS, Crossing, tell_crossings
from serving.webhooks import service
from serving.webhooks.schemas import NewWebhook

NOW = datetime(2026, 1, 1, 0, 5)


def said(received):
    return [json.loads(body) for _, body in received.messages]


@pytest.fixture
def run(served):
    return read_scores(served.scores, served.tracker)


def shifted(run, ids, by):
    """The run with other risks for some customers."""
    risk = pl.col("churn_risk")
    moved = pl.when(pl.col("customer_id").is_in(ids)).then((risk + by).clip(0, 1)).otherwise(risk)
    return run.rows.with_columns(churn_risk=moved)


def low(run, threshold=0.5):
    rows = run.rows.filter(pl.col("churn_risk") < threshold)
    return rows.sort("customer_id")["customer_id"].to_list()


def test_scores_in_force_are_told(database, webhook, run, received, deliver):
    key = publish(database, run.rows, run.terms)
    while deliver():
        pass
    (told,) = said(received)
    assert told["type"] == "scores.published"
    assert told["data"]["publication"] == key
    assert told["data"]["customers"] == run.rows.height


def test_the_first_scores_cross_nothing_and_the_next_tell_whose_risk_did(
    database, webhook, run, received, deliver
):
    publish(database, run.rows, run.terms)
    who = low(run)[:3]
    publish(database, shifted(run, who, 0.9), run.terms)
    while deliver():
        pass
    crossed = [each["data"] for each in said(received) if each["type"] == "risk.crossed"]
    (data,) = crossed
    assert data["threshold"] == 0.5
    assert [(c["customer_id"], c["crossed"]) for c in data["customers"]] == [
        (customer_id, "up") for customer_id in who
    ]
    for each in data["customers"]:
        assert each["churn_risk_before"] < 0.5 <= each["churn_risk"]
        assert each["holdout"] is False


def test_scores_that_mean_something_else_cross_nothing(database, webhook, run, received, deliver):
    publish(database, run.rows, run.terms)
    other = run.terms.model_copy(update={"horizon_days": 30})
    publish(database, shifted(run, low(run)[:3], 0.9), other)
    while deliver():
        pass
    assert {each["type"] for each in said(received)} == {"scores.published"}


def test_each_endpoint_has_a_threshold_of_its_own(database, webhook, run, received, deliver):
    publish(database, run.rows, run.terms)
    high = NewWebhook(url=received.url, events=["risk.crossed"], risk_threshold=0.999)
    service.add(database, high, True, "a test")
    publish(database, shifted(run, low(run)[:1], 0.5), run.terms)
    while deliver():
        pass
    crossed = [
        each["data"]["threshold"] for each in said(received) if each["type"] == "risk.crossed"
    ]
    assert crossed == [0.5]


def test_many_who_cross_are_told_in_messages_that_stay_small(database, webhook, deliver, received):
    many = [Crossing(f"C{n:04}", 0.4, 0.6, NOW) for n in range(2 * CUSTOMERS + 1)]
    with database.writing() as connection:
        tell_crossings(connection, lambda _: many, utc_now())
    while deliver():
        pass
    assert sorted(len(each["data"]["customers"]) for each in said(received)) == [
        1, CUSTOMERS, CUSTOMERS,
    ]  # fmt: skip
    assert max(len(body) for _, body in received.messages) < 20_000


def test_an_event_that_brings_a_risk_over_the_threshold_is_told(
    filled, served, run, received, deliver
):
    active = run.rows.filter(pl.col("stage") == "active").row(0, named=True)
    # Just above what it is, so that an unhappy answer crosses it.
    threshold = active["churn_risk"] + 1e-9
    asked = NewWebhook(url=received.url, events=["risk.crossed"], risk_threshold=threshold)
    service.add(filled, asked, True, "a test")
    answer = {
        "type": "feedback", "event_id": "f1", "customer_id": active["customer_id"],
        "feedback_id": "f1", "kind": "nps", "score": 1, "created_at": "2025-12-31",
    }  # fmt: skip
    take_events(filled, [answer], ShopClock(NOW))
    champions = Champions.of(served.scorer)
    assert Rescoring(filled, lambda: champions, ShopClock(NOW)).once() == 1
    while deliver():
        pass
    ((told,),) = [each["data"]["customers"] for each in said(received)]
    assert told["customer_id"] == active["customer_id"]
    assert told["crossed"] == "up"


def test_who_was_erased_is_told_of_to_nobody(database, webhook, received, deliver):
    with database.writing() as connection:
        both = [Crossing(who, 0.4, 0.6, NOW) for who in ("Anna-77", "Berta")]
        tell_crossings(connection, lambda _: both, utc_now())
        tell_crossings(connection, lambda _: both[:1], utc_now())
    erase(database, ShopClock(NOW), "Anna-77", "a test")
    while deliver():
        pass
    (told,) = said(received)
    assert [each["customer_id"] for each in told["data"]["customers"]] == ["Berta"]
    assert service.one(database, webhook.id).waiting == 0


def test_what_is_told_of_a_customer_is_in_their_export(database, webhook):
    with database.writing() as connection:
        tell_crossings(connection, lambda _: [Crossing("Anna-77", 0.4, 0.6, NOW)], utc_now())
    (told,) = export(database, "Anna-77", "a test").crossings
    assert (told["churn_risk_before"], told["churn_risk"]) == (0.4, 0.6)


def test_the_file_holds_nothing_of_the_erased(database, webhook, store, deliver):
    if not database.is_sqlite:
        pytest.skip("a server's files are its own")
    with database.writing() as connection:
        tell_crossings(connection, lambda _: [Crossing("Anna-77", 0.4, 0.6, NOW)], utc_now())
    erase(database, ShopClock(NOW), "Anna-77", "a test")
    assert database.forget_again()
    assert b"Anna-77" not in Path(store.removeprefix("sqlite:///")).read_bytes()


def watched(versions):
    """Models of some versions, that are loaded when they are other ones."""

    def load():
        return SimpleNamespace(versions=dict(versions))

    return Watched(Source("the champions", lambda: tuple(versions.items()), load))


def test_models_that_come_in_force_are_told_once_by_however_many_processes(
    database, webhook, received, deliver
):
    versions = {"churn-risk": 1, "clv-forecast": 1}
    processes = [Promoted(watched(versions), database) for _ in range(4)]
    for each in processes:
        each.look()
    versions["churn-risk"] = 2
    threads = [threading.Thread(target=each.look) for each in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while deliver():
        pass
    (told,) = said(received)
    assert told["type"] == "model.promoted"
    assert told["data"] == {
        "versions": {"churn-risk": 2, "clv-forecast": 1},
        "before": {"churn-risk": 1, "clv-forecast": 1},
    }


def test_a_change_while_no_process_ran_is_told_by_the_next(database, webhook, received, deliver):
    Promoted(watched({"churn-risk": 1}), database).look()
    Promoted(watched({"churn-risk": 2}), database).look()
    while deliver():
        pass
    assert [each["type"] for each in said(received)] == ["model.promoted"]
