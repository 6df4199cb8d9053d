from __future__ import annotations

import base64
from urllib.parse import quote

import pandas as pd
import pytest

LIVE = ["new", "active", "at_risk"]
IDS = ["00001", "a/b", "a//b/", "Ærø ü", "100%", "?x=1#y", "..x", "/x", "1"]


def pages(client, **query):
    found, cursor = [], None
    while True:
        query |= {} if cursor is None else {"cursor": cursor}
        page = client.get("/v1/customers", params=query).json()
        found.append(page["customers"])
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def listed(client, **query):
    return [row for page in pages(client, limit=1000, **query) for row in page]


def refused(client, **query):
    answer = client.get("/v1/customers", params=query)
    (error,) = answer.json()["errors"]
    return answer.status_code, error["place"], error["field"], error["detail"]


def test_the_lapsed_come_after_all_live_customers(client, served):
    rows = listed(client, stage=["lapsed", "new", "active", "at_risk"])
    lapsed = [row["stage"] == "lapsed" for row in rows]
    assert lapsed == sorted(lapsed) and any(lapsed)
    assert all((row["value_at_risk"] is None) == (row["stage"] == "lapsed") for row in rows)
    worth = [row["win_back_value"] for row in rows if row["stage"] == "lapsed"]
    assert worth == sorted(worth, reverse=True)


def test_live_customers_are_listed_by_value_at_risk(client, served):
    batch = served.batch
    live = batch[batch["stage"].isin(LIVE)].reset_index()
    query = live.sort_values(["value_at_risk", "customer_id"], ascending=[False, True])
    assert [row["customer_id"] for row in listed(client)] == [*query["customer_id"]]


def test_rows_are_those_of_the_file(client, served):
    for row in listed(client)[:30]:
        query = served.batch.loc[row["customer_id"]].replace({float("nan"): None, pd.NaT: None})
        query["as_of"] = query["as_of"].isoformat()
        if (expected := query["expected_next_order"]) is not None:
            query["expected_next_order"] = expected.date().isoformat()
        assert row == {"customer_id": row["customer_id"], **query}


def test_an_expected_order_is_a_calendar_date_or_null(client, served):
    batch = served.batch
    expected = batch["expected_next_order"]
    some, none = expected.first_valid_index(), expected.index[expected.isna()][0]
    assert client.get(f"/v1/customers/{none}").json()["customer"]["expected_next_order"] is None
    told = client.get(f"/v1/customers/{some}").json()["customer"]["expected_next_order"]
    assert told == f"{expected[some]:%Y-%m-%d}"


def test_stages_may_be_asked_for_together(client, served):
    rows = listed(client, stage=["lapsed", "new"])
    assert {row["stage"] for row in rows} == {"lapsed", "new"}
    assert len(rows) == served.batch["stage"].isin(["lapsed", "new"]).sum()


def test_min_risk_leaves_out_those_below_it(client, served):
    batch = served.batch
    query = batch[batch["stage"].isin(LIVE) & (batch["churn_risk"] >= 0.5)]
    rows = listed(client, min_risk=0.5)
    assert {row["customer_id"] for row in rows} == set(query.index)


@pytest.mark.parametrize("limit", [1, 7, 50])
def test_pages_hold_every_customer_once(client, limit):
    whole = listed(client, min_risk=0.4)
    parts = pages(client, min_risk=0.4, limit=limit)
    assert [row for page in parts for row in page] == whole
    assert {len(page) for page in parts[:-1]} <= {limit}


def test_a_page_has_fifty_customers_unless_asked(client):
    page = client.get("/v1/customers").json()
    assert len(page["customers"]) == 50
    assert page["total"] == len(listed(client))


def test_a_page_says_what_its_figures_mean(client):
    page = client.get("/v1/customers").json()
    assert page["currency"] == "EUR"
    assert page["definition"]["clv_horizon_days"] == 90


@pytest.mark.parametrize(
    ("query", "field", "detail"),
    [
        ({"limit": 0}, "limit", "must be at least 1"),
        ({"limit": 1001}, "limit", "must be at most 1000"),
        ({"limit": "many"}, "limit", "must be a whole number"),
        ({"min_risk": 1.5}, "min_risk", "must be at most 1.0"),
        ({"min_risk": "nan"}, "min_risk", "must be a finite number"),
        (
            {"stage": "gone"},
            "stage.0",
            "must be 'new', 'active', 'at_risk' or 'lapsed'",
        ),
        ({"stages": "new"}, "stages", "is not known here"),
    ],
)
def test_a_query_that_means_nothing_is_refused_by_name(client, query, field, detail):
    assert refused(client, **query) == (422, "query", field, detail)


@pytest.mark.parametrize("cursor", ["x", "", "MTA", "é", "LTEuYWJj"])
def test_a_cursor_of_ones_own_is_refused(client, cursor):
    refusal = refused(client, cursor=cursor)
    assert refusal == (400, "query", "cursor", "must be the next_cursor of a page, unchanged")


def test_a_cursor_is_for_its_own_filters(client):
    cursor = client.get("/v1/customers").json()["next_cursor"]
    status, _, field, detail = refused(client, cursor=cursor, min_risk=0.1)
    assert (status, field) == (400, "cursor")
    assert detail == "is of other filters, or of scores that have since been replaced"


@pytest.mark.parametrize("start", ["600", "99999999", "9" * 200])
def test_a_cursor_beyond_the_end_finds_nobody(client, start):
    own = client.get("/v1/customers").json()["next_cursor"]
    listing = base64.urlsafe_b64decode(own + "=" * (-len(own) % 4)).decode().partition(".")[2]
    cursor = base64.urlsafe_b64encode(f"{start}.{listing}".encode()).decode().rstrip("=")

    found = client.get("/v1/customers", params={"cursor": cursor})

    assert (found.status_code, found.json()["customers"]) == (200, [])


def test_a_cursor_ends_with_its_scores(client_of, served, tmp_path, eventually):
    path = tmp_path / "scores.parquet"
    settings = served.settings.model_copy(update={"scores": path})
    served.batch.reset_index().to_parquet(path)
    client = client_of(settings)
    cursor = client.get("/v1/customers").json()["next_cursor"]
    assert client.get("/v1/customers", params={"cursor": cursor}).status_code == 200
    served.batch.reset_index().iloc[1:].to_parquet(path)
    asked = {"cursor": cursor}
    eventually(lambda: client.get("/v1/customers", params=asked).status_code, 400)


def test_equal_values_are_listed_by_customer_id(client_of, served, tmp_path):
    client = client_of(renamed(served, tmp_path / "scores.csv", ["b", "a", "10", "9"]))
    rows = client.get("/v1/customers?stage=lapsed&stage=new&stage=active&stage=at_risk").json()
    assert [row["customer_id"] for row in rows["customers"]] == ["10", "9", "a", "b"]


def renamed(served, path, ids):
    """Settings for a file in which one customer's scores stand under several ids."""
    rows = pd.concat([served.batch.iloc[:1]] * len(ids)).reset_index()
    rows["customer_id"] = ids
    rows.to_csv(path, index=False) if path.suffix == ".csv" else rows.to_parquet(path)
    return served.settings.model_copy(update={"scores": path})


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_customer_is_found_by_any_id(client_of, served, tmp_path, suffix):
    client = client_of(renamed(served, tmp_path / f"scores{suffix}", IDS))
    for customer_id in IDS:
        answer = client.get(f"/v1/customers/{quote(customer_id, safe='')}")
        assert answer.status_code == 200, customer_id
        assert answer.json()["customer"]["customer_id"] == customer_id
        assert answer.json()["currency"] == "EUR"


def test_a_slash_in_an_id_need_not_be_escaped(client_of, served, tmp_path):
    client = client_of(renamed(served, tmp_path / "scores.csv", IDS))
    assert client.get("/v1/customers/a/b").json()["customer"]["customer_id"] == "a/b"


def test_a_lapsed_customer_is_found_too(client, served):
    lapsed = served.batch.index[served.batch["stage"] == "lapsed"][0]
    assert client.get(f"/v1/customers/{lapsed}").json()["customer"]["stage"] == "lapsed"


def test_an_unknown_customer_is_a_problem(client):
    answer = client.get("/v1/customers/nobody")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "'nobody'" in answer.json()["detail"]
