"""Campaigns: planned once by the code of `offers`, handed out with their holdout, measured."""

import json
import threading
from datetime import datetime

import pandas as pd
import pytest
import sqlalchemy as sa

from features.history.history import History
from offers.measurement.experiment import measure
from offers.planning.models import models_for
from offers.planning.planning import plan_campaign
from serving.campaigns import service
from serving.campaigns.planning import campaign_of
from serving.clock import utc_now
from serving.jobs.repository import claim
from serving.jobs.running import JobRunner
from serving.settings import Settings
from serving.store.tables.webhooks import MESSAGES, WEBHOOKS
from serving.work import do

OFFERS = {
    "discount_10": {"kind": "discount", "cost_share": 0.1},
    "points": {"kind": "points", "fixed_cost": 2},
}
ASKED = {
    "campaign_id": "winter", "offers": OFFERS, "budget": 300, "holdout": 0.2, "explore": 0.1,
    "as_of": "2026-01-01",
}  # fmt: skip
NOW = datetime(2026, 1, 1, 0, 5)


@pytest.fixture
def client(client_of, filled, store, served):
    settings = Settings(store=store, tracking_uri=served.tracker.uri, clock_start=NOW, worker=False)
    return client_of(settings)


@pytest.fixture
def plan_it(filled, store, served):
    environment = {"HOLDFAST_STORE": store, "HOLDFAST_TRACKING_URI": served.tracker.uri}
    runner = JobRunner(filled, environment)
    return lambda: runner.once(threading.Event())


@pytest.fixture
def planned(client, filled, store, served, monkeypatch):
    """With a campaign whose plan was made here, and not in a process of its own."""
    monkeypatch.setenv("HOLDFAST_TRACKING_URI", served.tracker.uri)
    assert client.post("/v1/campaigns", json=ASKED).status_code == 202
    with filled.writing(alone="jobs") as connection:
        job = claim(connection, utc_now())
    do(filled, store, job["id"], job["attempts"])
    found = client.get("/v1/campaigns/winter").json()
    assert found["state"] == "planned", client.get("/v1/jobs").json()
    return client


def everybody(client, **query):
    found, after = [], None
    while True:
        asked = {**query, **({} if after is None else {"after": after})}
        page = client.get("/v1/campaigns/winter/assignments", params=asked).json()
        found += page["assignments"]
        after = page["next_after"]
        if after is None:
            return found


def test_the_plan_is_that_of_the_command(client, plan_it, store, served):
    assert client.post("/v1/campaigns", json=ASKED).status_code == 202
    assert plan_it()
    history = History.open(store)
    models, _ = models_for(served.tracker, history)
    terms = {**ASKED, "defaults": {}}
    query = plan_campaign(history, "2026-01-01", models, campaign_of("winter", terms)).table
    rows = everybody(client, group=["treatment", "holdout", "none"], limit=7)
    found = pd.DataFrame(rows).set_index("customer_id")
    query = query.set_index("customer_id").loc[found.index]
    groups = query["arm"].map({"offer": "treatment", "holdout": "holdout", "none": "none"})
    assert (found["group"] == groups).all()
    for name in ("propensity", "expected_uplift", "expected_cost", "expected_profit"):
        assert (found[name] == query[name]).all()
    counts = client.get("/v1/campaigns/winter").json()["counts"]
    assert counts["treatment"] == (groups == "treatment").sum() > 0


def test_the_holdout_is_marked_and_has_no_offer(planned):
    rows = everybody(planned)
    assert {row["group"] for row in rows} == {"treatment", "holdout"}
    for row in rows:
        assert (row["offer"] is None) == (row["group"] == "holdout")
        assert not (row["send"] and row["group"] != "treatment")


def test_nothing_is_to_be_sent_before_the_start_and_after_the_end(planned):
    assert not any(row["send"] for row in everybody(planned))
    planned.post("/v1/campaigns/winter/start")
    assert any(row["send"] for row in everybody(planned))
    planned.post("/v1/campaigns/winter/end")
    assert not any(row["send"] for row in everybody(planned))


def test_a_consent_that_is_withdrawn_counts_at_once(planned):
    planned.post("/v1/campaigns/winter/start")
    who = next(row["customer_id"] for row in everybody(planned) if row["send"])
    event = {"type": "customer", "event_id": "c1", "customer_id": who,
             "changed_at": "2026-01-01T00:04", "marketing_consent": False}  # fmt: skip
    assert planned.post("/v1/events", json={"events": [event]}).json()["accepted"] == 1
    (row,) = (row for row in everybody(planned) if row["customer_id"] == who)
    assert (row["send"], row["consent"]) == (False, "withheld")


def test_a_started_campaign_is_in_the_history(planned, store):
    answer = planned.post("/v1/campaigns/winter/start")
    assert (answer.status_code, answer.json()["state"]) == (200, "running")
    again = planned.post("/v1/campaigns/winter/start")
    assert again.json() == answer.json()
    rows = History.open(store).offers.collect().to_pandas()
    own = rows[rows["campaign_id"] == "winter"].set_index("customer_id")
    for row in everybody(planned):
        assert own.loc[row["customer_id"], "offer_id"] == (row["offer"] or "none")


def test_outcomes_are_told_and_the_holdouts_are_refused(planned, store):
    planned.post("/v1/campaigns/winter/start")
    rows = everybody(planned)
    treated = next(row["customer_id"] for row in rows if row["group"] == "treatment")
    held = next(row["customer_id"] for row in rows if row["group"] == "holdout")
    used = {"redeemed_at": "2026-01-01T00:05", "cost": 2.5}
    told = {"outcomes": [{"customer_id": who, **used} for who in (treated, held, "nobody")]}
    answer = planned.post("/v1/campaigns/winter/outcomes", json=told).json()
    assert (answer["accepted"], [bad["index"] for bad in answer["rejected"]]) == (1, [1, 2])
    assert "group holdout" in answer["rejected"][0]["detail"]
    again = planned.post("/v1/campaigns/winter/outcomes", json=told).json()
    assert (again["accepted"], again["duplicate"]) == (0, 1)
    rows = History.open(store).offers.collect().to_pandas()
    (row,) = rows[(rows["campaign_id"] == "winter") & (rows["customer_id"] == treated)].to_dict(
        "records"
    )
    assert row["cost"] == 2.5 and row["propensity"] > 0


def test_results_before_the_window_is_over_are_too_early(planned):
    planned.post("/v1/campaigns/winter/start")
    answer = planned.get("/v1/campaigns/winter/results")
    assert answer.status_code == 409 and "window" in answer.json()["detail"]


def test_results_are_those_of_the_command(planned, client_of, store, served, filled):
    planned.post("/v1/campaigns/winter/start")
    later = datetime(2026, 4, 15)
    settings = Settings(
        store=store, tracking_uri=served.tracker.uri, clock_start=later, worker=False
    )
    client = client_of(settings)
    order = {"type": "order", "event_id": "late", "customer_id": "late", "order_id": "late",
             "ordered_at": "2026-04-14", "amount": 5}  # fmt: skip
    client.post("/v1/events", json={"events": [order]})
    found = client.get("/v1/campaigns/winter/results").json()
    with filled.reading() as connection:
        rows = service.repository.plan_rows(connection, "winter")
    query = measure(History.open(store), service._plan(rows), found["measured_at"])
    assert found["results"]["verdict"] == query.verdict
    assert found["results"]["offers"][-1]["treated"] == query.groups.iloc[-1]["treated"]
    assert found["results"]["interim"] is False


def test_a_draft_is_asked_for_once(client):
    first = client.post("/v1/campaigns", json=ASKED).json()
    assert client.post("/v1/campaigns", json=ASKED).json() == first
    other = client.post("/v1/campaigns", json={**ASKED, "budget": 1})
    assert other.status_code == 409
    assert [each["campaign_id"] for each in client.get("/v1/campaigns").json()["campaigns"]] == [
        "winter"
    ]


@pytest.mark.parametrize("of", ["start", "end", "assignments", "results"])
def test_a_draft_is_not_planned_yet(client, of):
    client.post("/v1/campaigns", json=ASKED)
    ask = client.post if of in ("start", "end") else client.get
    answer = ask(f"/v1/campaigns/winter/{of}")
    assert answer.status_code == 409 and "it is draft" in answer.json()["detail"]


@pytest.mark.parametrize("of", ["", "/assignments", "/results"])
def test_there_is_no_campaign_of_another_name(client, of):
    assert client.get(f"/v1/campaigns/x{of}").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"offers": {"x": {"kind": "discount", "cost_share": 3}}}, "/offers"),
        ({"offers": {"x": {"kind": "gift card"}}}, "/offers"),
        ({"offers": {}}, "/offers"),
        ({"budget": -1}, "/budget"),
        ({"holdout": 0}, "/holdout"),
        ({"explore": 0.9}, "/explore"),
        ({"price": 1}, "/price"),
    ],
)
def test_terms_that_mean_nothing_are_refused(client, wrong, field):
    answer = client.post("/v1/campaigns", json={**ASKED, **wrong})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_the_holdout_is_marked_wherever_customers_are_handed_out(planned):
    apart = {row["customer_id"] for row in everybody(planned, group=["holdout"])}
    assert apart
    listed = planned.get("/v1/customers", params={"limit": 1000}).json()["customers"]
    assert {row["customer_id"] for row in listed if row["holdout"]} == apart & {
        row["customer_id"] for row in listed
    }
    who = min(apart)
    assert planned.get(f"/v1/customers/{who}").json()["customer"]["holdout"]
    exported = planned.get("/v1/customers", params={"format": "jsonl"}).text.splitlines()
    assert {row["customer_id"] for row in map(json.loads, exported) if row["holdout"]} >= {who}


def test_after_its_end_nobody_is_held_out_any_more(planned):
    who = everybody(planned, group=["holdout"])[0]["customer_id"]
    planned.post("/v1/campaigns/winter/start")
    assert planned.get(f"/v1/customers/{who}").json()["customer"]["holdout"]
    planned.post("/v1/campaigns/winter/end")
    assert not planned.get(f"/v1/customers/{who}").json()["customer"]["holdout"]


def test_what_becomes_of_a_campaign_is_told_to_others(client, plan_it, filled):
    with filled.writing() as connection:
        connection.execute(
            sa.insert(WEBHOOKS).values(
                url="https://shop.example.com/",
                events=["campaign.planned", "campaign.ended"],
                risk_threshold=0.5,
                secret="whsec_AAAA",
                created_by="a test",
                created_at=utc_now(),
            )
        )
    client.post("/v1/campaigns", json=ASKED)
    plan_it()
    client.post("/v1/campaigns/winter/start")
    for _ in range(2):
        client.post("/v1/campaigns/winter/end")
    with filled.reading() as connection:
        told = connection.execute(sa.select(MESSAGES.c.type, MESSAGES.c.data)).all()
    counts = client.get("/v1/campaigns/winter").json()["counts"]
    assert [(row.type, row.data) for row in told] == [
        ("campaign.planned", {"campaign_id": "winter", "counts": counts}),
        ("campaign.ended", {"campaign_id": "winter"}),
    ]
