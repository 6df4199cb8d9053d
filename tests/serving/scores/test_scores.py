from __future__ import annotations

from dataclasses import replace

import pandas as pd
import polars as pl
import pytest

from features.history.history import History
from features.intake.mapping import Mapping
from serving.inforce.champions import Champions
from serving.scores import service
from serving.scores.schemas import ScoreRequest
from training.scoring.columns import COLUMNS, SURVIVAL

AS_OF = "2026-01-01"
RANKS = ["risk_percentile", "stage_percentile"]
SAME = [
    "stage",
    "reason_1",
    "reason_2",
    "reason_3",
    "horizon_days",
    "expected_next_order",
    "clv_horizon_days",
    "churn_model",
    "basis",
    "churn_model_version",
    "clv_model_version",
]
# What is at stake, by the name that it has in the stage.
NAMED = ("value_at_risk", "win_back_value")
NUMBERS = [c for c in COLUMNS if c not in {"customer_id", "as_of", *RANKS, *SAME, *NAMED}]


def order(order_id="o1", at="2025-11-01", amount=20.0, **more):
    return {"order_id": order_id, "ordered_at": at, "amount": amount, **more}


def customer(customer_id="a", orders=None, **more):
    orders = [order(f"{customer_id}-1")] if orders is None else orders
    return {"customer_id": customer_id, "orders": orders, **more}


def score(client, *customers, as_of=AS_OF, **more):
    answer = client.post("/v1/score", json={"as_of": as_of, "customers": customers, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def by_id(document):
    return {row["customer_id"]: row for row in document["customers"]}


@pytest.mark.parametrize("as_of", [AS_OF, "2025-08-15T10:30:00"])
def test_scores_are_those_of_the_batch(client, served, request_of, as_of):
    got = by_id(client.post("/v1/score", json=request_of(as_of)).json())
    batch = served.scorer.score(served.history, as_of).set_index("customer_id")
    assert set(got) == set(batch.index)
    dates = batch["expected_next_order"]
    assert dates.isna().any() and dates.notna().any()
    batch["expected_next_order"] = dates.dt.strftime("%Y-%m-%d")
    for customer_id, row in got.items():
        query = batch.loc[customer_id]
        assert [row[c] for c in NUMBERS] == pytest.approx([*query[NUMBERS]], abs=1e-9, rel=0)
        named = [row["value_at_stake"], None]
        live = row["stage"] != "lapsed"
        assert [row[c] for c in NAMED] == (named if live else named[::-1])
        assert [row[c] for c in SAME] == [None if pd.isna(v) else v for v in query[SAME]]


def test_rows_have_the_columns_of_the_batch(client, served):
    (row,) = score(client, customer())["customers"]
    assert list(row) == ["customer_id", *served.batch.columns]


def test_the_figures_of_a_row_cannot_contradict_each_other(client, request_of):
    sent = client.post("/v1/score", json=request_of(AS_OF)).json()["customers"]
    rows = pd.DataFrame(sent)
    curve = rows[list(SURVIVAL)].to_numpy()
    assert (curve[:, :-1] >= curve[:, 1:]).all()
    stays = 1 - rows["churn_risk"]
    assert rows["survival_90d"].to_numpy() == pytest.approx(
        rows["churn_risk"].to_numpy(), abs=1e-12
    )
    assert rows["p_active"].to_numpy() == pytest.approx(stays.to_numpy(), abs=1e-12)
    assert (rows["p_alive"] >= stays).all()
    assert (rows["orders_if_active"] >= 1).all()
    parts = rows["p_active"] * rows["orders_if_active"] * rows["order_value"]
    assert rows["clv"].to_numpy() == pytest.approx(parts.to_numpy())
    assert (rows["clv_low"] <= rows["clv_high"]).all()
    assert (rows["clv_low"][stays <= 0.9] == 0).all()
    assert (rows["spend_if_active_low"] < rows["spend_if_active_high"]).all()
    comes = rows["expected_next_order"].notna()
    assert (comes == (rows["churn_risk"] <= 0.5)).all()


def test_percentiles_come_from_the_grid_of_the_model(client, served, request_of):
    rows = client.post("/v1/score", json=request_of(AS_OF)).json()["customers"]
    reference = served.scorer.churn.reference
    for row in rows[:50]:
        risk = [row["churn_risk"]]
        assert row["risk_percentile"] == pytest.approx(reference.percentile(risk, "all")[0])
        in_stage = reference.percentile(risk, row["stage"])[0]
        assert row["stage_percentile"] == pytest.approx(in_stage)


def test_a_customers_scores_do_not_depend_on_who_else_is_sent(client, request_of):
    whole = request_of(AS_OF)
    together = by_id(client.post("/v1/score", json=whole).json())
    for sent in whole["customers"][:5]:
        (alone,) = score(client, sent)["customers"]
        query = together[sent["customer_id"]]
        numbers = [*NUMBERS, *RANKS]
        assert [alone[c] for c in numbers] == pytest.approx([query[c] for c in numbers], abs=1e-9)
        assert [alone[c] for c in SAME] == [query[c] for c in SAME]


def test_customers_come_back_in_the_order_they_were_sent(client):
    sent = [customer(name) for name in ("b", "c", "a")]
    assert [row["customer_id"] for row in score(client, *sent)["customers"]] == ["b", "c", "a"]


def test_every_answer_says_what_its_figures_mean(client):
    document = score(client, customer())
    assert document["currency"] == "EUR"
    assert document["as_of"] == "2026-01-01T00:00:00"
    assert document["versions"] == {"churn-risk": 1, "clv-forecast": 1}
    assert document["definition"]["horizon_days"] == 90
    assert document["definition"]["timezone"] == "UTC"


@pytest.mark.parametrize(
    ("orders", "reason"),
    [
        ([], "no orders were sent"),
        ([order(amount=-5.0)], "no order with a positive amount was known before as_of"),
        ([order(at=AS_OF)], "no order with a positive amount was known before as_of"),
        (
            [order(recorded_at="2026-02-01")],
            "no order with a positive amount was known before as_of",
        ),
    ],
)
def test_a_customer_without_a_usable_order_is_told_why(client, orders, reason):
    document = score(client, customer("a", orders))
    assert document["customers"] == []
    assert document["not_scored"] == [{"customer_id": "a", "reason": reason}]


def test_who_cannot_be_scored_does_not_keep_others_from_it(client):
    document = score(client, customer("a", []), customer("b"))
    assert [row["customer_id"] for row in document["customers"]] == ["b"]
    assert [row["customer_id"] for row in document["not_scored"]] == ["a"]


def test_rows_known_later_are_counted(client):
    late = order("a-2", at="2026-03-01")
    document = score(client, customer("a", [order("a-1"), late]))
    assert document["rows"] == {
        "orders": {"rows_in": 2, "used": 1, "after_as_of": 1, "not_used": 0}
    }


def test_what_is_known_later_changes_no_score(client):
    late = [order("a-2", at="2026-03-01"), order("a-1", amount=900.0, recorded_at="2026-01-05")]
    assert by_id(score(client, customer("a", [order("a-1"), *late]))) == by_id(
        score(client, customer("a", [order("a-1")]))
    )


def test_a_duplicate_is_listed(client):
    document = score(client, customer("a", [order("a-1"), order("a-1")]))
    (unused,) = document["not_used"]
    assert unused["field"] in {"/customers/0/orders/0", "/customers/0/orders/1"}
    assert (unused["customer_id"], unused["reason"]) == ("a", "duplicate")
    assert document["rows"]["orders"]["not_used"] == 1


def test_an_order_of_two_customers_counts_once_and_is_listed(client):
    document = score(client, customer("a", [order("1")]), customer("b", [order("1")]))
    (scored,), (unscored,) = document["customers"], document["not_scored"]
    (unused,) = document["not_used"]
    places = {"a": "/customers/0/orders/0", "b": "/customers/1/orders/0"}
    other = places[scored["customer_id"]]
    assert {unused["customer_id"], scored["customer_id"]} == {"a", "b"}
    assert unused["field"] == places[unused["customer_id"]]
    assert unused["reason"] == f"duplicate: order_id is that of another customer's order, {other}"
    assert unscored["customer_id"] == unused["customer_id"]
    assert unscored["reason"].endswith("of which not_used says why they do not count")


def test_an_order_that_went_to_another_customer_is_listed_as_such(client):
    moved = order("1", recorded_at="2025-12-01")
    first, second = [order("1"), order("2")], [moved, order("3")]
    document = score(client, customer("a", first), customer("b", second))
    (unused,) = document["not_used"]
    assert unused["field"] == "/customers/0/orders/0"
    assert unused["reason"] == (
        "superseded by a later recorded version: order_id is that of another customer's order, "
        "/customers/1/orders/0"
    )


def test_a_refund_of_ones_own_order_is_no_order_of_another(client):
    bought, back = order("1"), order("1", amount=-5.0)
    document = score(client, customer("a", [bought, back, back]), customer("b", [order("2")]))
    assert [unused["reason"] for unused in document["not_used"]] == ["duplicate"]


def test_a_row_before_1970_is_listed(client):
    document = score(client, customer("a", [order("1"), order("2", at="1969-12-31")]))
    assert document["not_used"] == [
        {
            "field": "/customers/0/orders/1",
            "customer_id": "a",
            "reason": "ordered_at before 1970",
        }
    ]


def test_unknown_feedback_is_listed_with_the_kinds_there_are(client):
    said = [{"created_at": "2025-11-02", "kind": "smiley", "score": 3}]
    (unused,) = score(client, customer(feedback=said))["not_used"]
    assert unused["field"] == "/customers/0/feedback/0"
    assert unused["reason"] == "unknown kind: kind must be one of nps, csat, review, ticket"


def test_a_score_outside_its_scale_is_listed_with_the_scale(client):
    said = [{"created_at": "2025-11-02", "kind": "nps", "score": 11}]
    (unused,) = score(client, customer(feedback=said))["not_used"]
    assert unused["reason"] == "score outside its scale: score must be from 0 to 10"


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"chanel": "search"}, "no attribute of the models, which know ['channel']"),
        ({"channel": "television"}, "must be among ['referral', 'search', 'social']"),
        ({"channel": 7}, "must be among ['referral', 'search', 'social']"),
    ],
)
def test_an_attribute_the_models_cannot_use_is_listed(client, attributes, reason):
    document = score(client, customer(attributes=attributes))
    (unused,) = document["not_used"]
    assert unused["field"] == f"/customers/0/attributes/{next(iter(attributes))}"
    assert unused["reason"] == reason
    assert by_id(document) == by_id(score(client, customer()))


def test_times_with_an_offset_are_moved_to_the_shops_clock(client):
    offset = customer("a", [order(at="2025-11-01T01:00:00+02:00"), order("2", at="2025-12-01")])
    plain = customer("a", [order(at="2025-10-31 23:00"), order("2", at="2025-12-01T00:00:00Z")])
    assert by_id(score(client, offset)) == by_id(score(client, plain))


def test_as_of_may_have_an_offset(client):
    assert score(client, customer(), as_of="2026-01-01T01:00:00+01:00")["as_of"] == (
        "2026-01-01T00:00:00"
    )


def test_amounts_of_another_currency_are_refused(client):
    body = {"as_of": AS_OF, "currency": "USD", "customers": [customer()]}
    answer = client.post("/v1/score", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "/currency"
    assert score(client, customer(), currency="EUR")["customers"]


def ticket(**more):
    return {"created_at": "2025-11-02", "kind": "ticket", "score": 1.0, **more}


def test_tickets_must_tell_of_resolutions_all_or_none(client):
    said = [ticket(), ticket(created_at="2025-11-03", resolved_at="2025-11-04")]
    body = {"as_of": AS_OF, "customers": [customer(feedback=said)]}
    answer = client.post("/v1/score", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "/customers/0/feedback/0/resolved_at"


def test_an_open_ticket_has_no_score_yet(client, served):
    opened = by_id(score(client, customer(feedback=[ticket(resolved_at=None)])))
    unscored = by_id(score(client, customer(feedback=[ticket(score=None, resolved_at=None)])))
    untold = by_id(score(client, customer(feedback=[ticket()])))
    assert opened == unscored
    assert opened != untold


def moved(scorer, timezone):
    """The same models, trained in another time zone."""
    churn, clv = (
        replace(part, definition=replace(part.definition, timezone=timezone))
        for part in (scorer.churn, scorer.clv)
    )
    return replace(scorer, churn=churn, clv=clv)


def test_times_are_read_in_the_time_zone_of_the_models(served):
    times = ["2025-10-26T00:30:00+00:00", "2025-10-26T02:30:00", "2025-12-31T23:30:00+00:00"]
    orders = [order(str(i), at) for i, at in enumerate(times)]
    body = {"as_of": "2026-01-01T12:00:00Z", "customers": [customer("a", orders)]}
    scorer = moved(served.scorer, "Europe/Paris")
    answer = service.score(ScoreRequest(**body), Champions.of(scorer))
    history = History(
        pl.DataFrame(orders).with_columns(pl.lit("a").alias("customer_id")),
        mapping=Mapping(timezone="Europe/Paris", currency="EUR", static=("channel",)),
    )
    (batch,) = scorer.score(history, body["as_of"]).to_dict("records")
    assert answer.as_of.isoformat() == "2026-01-01T13:00:00"
    for name in NUMBERS:
        assert getattr(answer.customers[0], name) == pytest.approx(batch[name], abs=1e-9)


def test_an_attribute_that_is_a_number_must_be_one(served):
    champions = Champions.of(served.scorer)
    champions = replace(champions, attributes={**champions.attributes, "age": None})
    sent = [customer("a", attributes={"age": "old"}), customer("b", attributes={"age": 41})]
    answer = service.score(ScoreRequest(as_of=AS_OF, customers=sent), champions)
    (unused,) = answer.not_used
    assert (unused.field, unused.reason) == ("/customers/0/attributes/age", "must be a number")
