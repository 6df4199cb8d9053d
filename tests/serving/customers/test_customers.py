from __future__ import annotations

import base64
import csv
import io
import json
from datetime import UTC, datetime
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
        own = ("as_of_source", "stale", "updated_at", "holdout")
        standing = {name: row.pop(name) for name in own}
        assert row == {"customer_id": row["customer_id"], **query}
        assert (standing["as_of_source"], standing["stale"], standing["holdout"]) == (
            "batch",
            False,
            False,
        )


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


def spelt(*parts):
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def changed(client, place, value):
    """The cursor of a list with one of its parts exchanged."""
    own = client.get("/v1/customers").json()["next_cursor"]
    parts = json.loads(base64.urlsafe_b64decode(own + "=" * (-len(own) % 4)))
    parts[place] = value
    return spelt(*parts)


@pytest.mark.parametrize(
    "cursor", ["x", "", "MTA", "é", "LTEuYWJj", spelt(1), spelt(1, "x", False, 1.0), "[" * 900]
)
def test_a_cursor_of_ones_own_is_refused(client, cursor):
    refusal = refused(client, cursor=cursor)
    assert refusal == (400, "query", "cursor", "must be the next_cursor of a page, unchanged")


def test_a_cursor_is_for_its_own_filters(client):
    cursor = client.get("/v1/customers").json()["next_cursor"]
    status, _, field, detail = refused(client, cursor=cursor, min_risk=0.1)
    assert (status, field) == (400, "cursor")
    assert detail == "is of other filters, or of another order"


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, True), (0, 2**70), (0, -1), (3, "x"), (3, float("inf")), (3, 10**400), (3, None),
     (4, "a\0"), (4, "\ud800")],
)  # fmt: skip
def test_a_cursor_that_was_changed_is_refused(client, place, value):
    refusal = refused(client, cursor=changed(client, place, value))
    assert refusal == (400, "query", "cursor", "must be the next_cursor of a page, unchanged")


def test_a_cursor_beyond_the_end_finds_nobody(client):
    found = client.get("/v1/customers", params={"cursor": changed(client, 3, -1.0)})
    assert (found.status_code, found.json()["customers"]) == (200, [])


def test_a_cursor_of_scores_that_are_gone_says_so(client):
    answer = client.get("/v1/customers", params={"cursor": changed(client, 0, 999)})
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:holdfast:problem:gone")


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


@pytest.mark.parametrize("odd", ["a%00b", "%ED%A0%80", "%FF"])
def test_an_id_that_nobody_can_have_is_unknown(client, odd):
    assert client.get(f"/v1/customers/{odd}").status_code == 404


SORTS = {"value_at_stake": True, "churn_risk": True, "clv": True, "updated_at": False}


@pytest.mark.parametrize(("sort", "falls"), SORTS.items())
def test_lists_are_sorted_as_asked_live_customers_first(client, sort, falls):
    every = ["new", "active", "at_risk", "lapsed"]
    rows = [row for page in pages(client, sort=sort, stage=every, limit=37) for row in page]
    keys = [(row["stage"] == "lapsed", row[sort], row["customer_id"]) for row in rows]
    by_id = sorted(keys, key=lambda key: key[2])
    by_value = sorted(by_id, key=lambda key: key[1], reverse=falls)
    assert keys == sorted(by_value, key=lambda key: key[0])
    assert len({key[2] for key in keys}) == len(keys)


@pytest.mark.parametrize(
    ("low", "high", "column"),
    [
        ("min_risk", "max_risk", "churn_risk"),
        ("min_percentile", "max_percentile", "risk_percentile"),
        ("min_clv", "max_clv", "clv"),
    ],
)
def test_a_list_lies_between_its_limits(client, served, low, high, column):
    values = served.batch[column]
    lowest, highest = values.quantile(0.3), values.quantile(0.7)
    rows = listed(client, **{low: lowest, high: highest}, stage=[*LIVE, "lapsed"])
    query = values[(values >= lowest) & (values <= highest)]
    assert {row["customer_id"] for row in rows} == set(query.index) and rows


def test_rows_that_were_written_since_are_listed(client):
    (row, *_) = listed(client)
    assert listed(client, updated_since=row["updated_at"])
    assert not listed(client, updated_since=datetime.now(UTC).isoformat())
    for odd in ("2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T00:00:00-12:00"):
        asked = client.get("/v1/customers", params={"updated_since": odd})
        assert asked.status_code == 422


def test_a_list_as_csv_holds_all_of_it(client, served):
    answer = client.get("/v1/customers?format=csv&stage=lapsed")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    query = served.batch[served.batch["stage"] == "lapsed"]
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert {row["customer_id"]: float(row["clv"]) for row in rows} == query["clv"].to_dict()
    assert {row["stale"] for row in rows} == {"false"}


def test_a_list_as_json_lines_holds_all_of_it(client):
    lines = client.get("/v1/customers?format=jsonl&min_risk=0.5").text.splitlines()
    assert [json.loads(line) for line in lines] == listed(client, min_risk=0.5)


@pytest.mark.parametrize("formula", ["=cmd()", "+1", "-1", "@x", "\tx"])
def test_no_cell_of_a_csv_is_a_formula(client_of, served, tmp_path, formula):
    client = client_of(renamed(served, tmp_path / "scores.parquet", [formula]))
    text = client.get("/v1/customers?format=csv&stage=lapsed&stage=new&stage=active").text
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["customer_id"] == f"'{formula}"
    answer = client.get(f"/v1/customers/{quote(formula, safe='')}").json()
    assert answer["customer"]["customer_id"] == formula


def test_a_table_has_no_cursor(client):
    cursor = client.get("/v1/customers").json()["next_cursor"]
    status, _, field, _ = refused(client, cursor=cursor, format="csv")
    assert (status, field) == (422, "cursor")


def test_some_are_looked_up_at_once(client, served):
    first, second = served.batch.index[[5, 3]]
    asked = {"customer_ids": [first, "nobody", second, first]}
    answer = client.post("/v1/customers/lookup", json=asked).json()
    assert [row["customer_id"] for row in answer["customers"]] == [first, second]
    assert answer["missing"] == ["nobody"]
    assert answer["customers"][0] == client.get(f"/v1/customers/{first}").json()["customer"]


def test_a_lookup_that_says_something_twice_is_refused(client):
    body = '{"customer_ids": ["a"], "customer_ids": ["b"]}'
    headers = {"Content-Type": "application/json"}
    assert client.post("/v1/customers/lookup", content=body, headers=headers).status_code == 400


@pytest.mark.parametrize(
    "wrong", [{}, {"customer_ids": []}, {"customer_ids": ["x"] * 1001}, {"customer_ids": ["a\0"]}]
)
def test_a_lookup_that_means_nothing_is_refused(client, wrong):
    assert client.post("/v1/customers/lookup", json=wrong).status_code == 422


def test_an_answer_that_did_not_change_is_not_sent_again(client, served):
    path = f"/v1/customers/{served.batch.index[0]}"
    tag = client.get(path).headers["etag"]
    again = client.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
