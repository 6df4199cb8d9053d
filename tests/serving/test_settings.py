from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from serving.http.problems import KINDS
from serving.inforce.schemas import ScoreRow
from serving.settings import Settings
from training.scoring.columns import SCORE_COLUMNS

API = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


def default_of(field):
    if field.is_required():
        return "required"
    return "none" if field.default is None else str(field.default)


@pytest.mark.parametrize(("name", "field"), Settings.model_fields.items())
def test_every_setting_is_documented(name, field):
    variable = f"HOLDFAST_{name.upper()}"
    row = f"| `{name}` | `{variable}` | {default_of(field)} | {field.description} |"
    assert row in API


def test_the_fields_of_a_row_are_the_columns_of_scores():
    fields = ScoreRow.model_fields

    assert [(name, field.description) for name, field in fields.items()] == [
        (column.name, column.meaning) for column in SCORE_COLUMNS
    ]
    assert "[scores.md](scores.md)" in API


@pytest.mark.parametrize("column", SCORE_COLUMNS, ids=lambda column: column.name)
def test_a_field_may_be_null_where_its_column_may(column):
    annotation = ScoreRow.model_fields[column.name].annotation

    assert (type(None) in get_args(annotation)) == column.nullable


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("HOLDFAST_SCORES", "scores.csv")
    monkeypatch.setenv("HOLDFAST_PORT", "9000")
    assert (Settings().scores, Settings().port) == (Path("scores.csv"), 9000)


def test_an_argument_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("HOLDFAST_PORT", "9000")
    assert Settings(scores="scores.csv", port=9001).port == 9001


@pytest.mark.parametrize(
    "wrong", [{"port": 70000}, {"reload_seconds": -1}, {"max_body_bytes": 0}, {"prot": 8000}]
)
def test_a_setting_that_means_nothing_is_refused(wrong):
    with pytest.raises(ValidationError):
        Settings(scores="scores.csv", **wrong)


@pytest.mark.parametrize(("status", "kind"), KINDS.items())
def test_every_problem_is_documented(status, kind):
    assert f"| `{kind}` | {status} |" in API


def test_every_parameter_of_the_list_is_documented(client):
    operation = client.get("/openapi.json").json()["paths"]["/v1/customers"]["get"]
    listed = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.+?) \|", API, re.M))))
    assert {parameter["name"] for parameter in operation["parameters"]} <= listed


def test_the_documented_request_is_answered_as_documented(client):
    (request,) = re.findall(r"```json\n(.*?)```", API, re.DOTALL)
    answer = client.post("/v1/score", json=json.loads(request)).json()
    assert [row["customer_id"] for row in answer["customers"]] == ["00001"]
    assert answer["customers"][0]["stage"] == "lapsed"
    assert answer["not_used"] == []
    assert answer["not_scored"] == [{"customer_id": "00002", "reason": "no orders were sent"}]
    for key in answer:
        assert f'"{key}": ' in API


def test_every_path_is_documented(client):
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method in operations:
            assert f"| `{method.upper()} {path.replace('customer_id', 'id')}` |" in API
