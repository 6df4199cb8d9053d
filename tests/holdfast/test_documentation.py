"""docs/cli.md lists exactly the options and the JSON keys that there are."""

import json
import re
from pathlib import Path

import pytest
import typer

from features.metrics.catalogue import METRICS
from holdfast.cli import app
from offers.planning.plan_columns import document as plans_page
from training.evaluation import churn_metrics, value_metrics
from training.scoring.columns import document as scores_page
from training.selection.grade import LETTERS

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"
COMMANDS = typer.main.get_command(app).commands
TABLE = re.compile(
    r"^\| (option|key|column|metric) \| meaning \|\n\|---\|---\|\n((?:\|.*\n)+)", re.M
)
# Settings that are null, or lists that are empty, unless somebody gives them.
UNSET = {
    *("config.spacing_days", "config.tree_leaf_rows", "config.features[]"),
    *("config.churn_candidates[]", "config.spend_candidates[]"),
}
OPAQUE = {"metrics", "spread", "figures"}
# Lists that are empty where there is nothing to be careful about.
UNSAID = {"models[].cautions[]", "models[].unseen_months[]"}
INTERVALS = ["coverage", "coverage_if_active"]


def section(title: str) -> str:
    return DOCS.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def listed(title: str, kind: str) -> list[str]:
    """First cells of the tables of a kind in a section."""
    tables = [rows for name, rows in TABLE.findall(section(title)) if name == kind]
    return re.findall(r"^\| `([^`]+)` \|", "".join(tables), re.M)


def paths(value, path: str = "") -> set[str]:
    """The keys of a document as the documentation spells them."""
    if isinstance(value, dict) and path.rpartition(".")[2] not in OPAQUE:
        inner = (paths(item, f"{path}.{key}".lstrip(".")) for key, item in value.items())
        return set().union(*inner)
    if isinstance(value, list):
        return set().union(*(paths(item, f"{path}[]") for item in value))
    return set() if value is None else {path}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_section_with_an_example(name):
    assert re.search(rf"^```\nholdfast {name}\b", section(f"holdfast {name}"), re.M)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_are_documented(name):
    options = [p.opts[0] for p in COMMANDS[name].params if p.param_type_name == "option"]
    assert sorted(listed(f"holdfast {name}", "option")) == sorted(options)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_synopsis_names_every_option(name):
    synopsis = re.search(rf"^holdfast {name}\b(.*)$", DOCS.read_text(), re.M).group(1)
    options = [p.opts[0] for p in COMMANDS[name].params if p.param_type_name == "option"]
    assert sorted(re.findall(r"--[a-z-]+", synopsis)) == sorted(options)


@pytest.mark.parametrize(
    ("page", "document"), [("scores", scores_page), ("plans", plans_page)], ids=["scores", "plans"]
)
def test_the_page_of_columns_is_the_one_the_code_gives(page, document):
    assert (DOCS.parent / f"{page}.md").read_text() == document()
    assert f"[{page}.md]({page}.md)" in DOCS.read_text()


def test_the_metrics_are_documented_in_order():
    known = [*churn_metrics([True, False], [0.6, 0.4], 0.5), *value_metrics([0.0, 2.0], [1.0, 1.0])]
    assert listed("Metrics", "metric") == [*known, *INTERVALS]


def test_the_keys_of_check_are_documented(holdfast, shop, tmp_path):
    (tmp_path / "orders.csv").write_text(
        "order_id,customer_id,ordered_at,amount\n1,a,2024-01-05,20\n2,b,soon,20\n"
    )
    messy = holdfast("check", tmp_path, "--quarantine", tmp_path / "q.csv", "--json")
    clean = holdfast("check", shop, "--as-of", "2026-01-01", "--json")
    export = tmp_path / "odoo.csv"
    export.write_text("Order Reference,Customer,Order Date,Total\nS1,Ann,2024-01-05,20\n")
    known = holdfast("check", export, "--json")
    found = set().union(*(paths(json.loads(each.stdout)) for each in (messy, clean, known)))
    assert found == set(listed("holdfast check", "key"))


def test_the_keys_of_map_are_documented(holdfast, tmp_path):
    header = "order_id,customer_id,ordered_at,amount,currency\n"
    readable, mixed = tmp_path / "readable.csv", tmp_path / "mixed.csv"
    readable.write_text(f"{header}1,a,02/01/2024,20,EUR\n2,,03/04/2024,20,EUR\n")
    mixed.write_text(f"{header}1,a,2024-01-02,20,EUR\n2,b,2024-01-03,20,USD\n")
    found = {"format"}
    for history in (readable, mixed):
        target = history.with_suffix(".toml")
        found |= paths(json.loads(holdfast("map", history, "--out", target, "--json").stdout))
    assert found == set(listed("holdfast map", "key"))


def test_the_keys_of_metrics_are_documented(holdfast, shop, tmp_path):
    asked = (
        "--end",
        "2026-01-15",
        "--by",
        "channel",
        "--cohorts",
        "--out",
        tmp_path / "out.csv",
        "--json",
    )
    document = json.loads(holdfast("metrics", shop, *asked).stdout)
    names = {f"periods[].{metric.name}" for metric in METRICS}
    assert names < paths(document)
    known = {key for key in paths(document) if not key.startswith("groups[].periods[].")}
    documented = {*listed("holdfast metrics", "key")} - {"periods[].METRIC", "groups[].periods"}
    assert known - names == documented


def test_the_keys_of_train_are_documented(trained):
    documented = set(listed("holdfast train", "key"))
    assert paths(trained.document) | {*UNSET, *UNSAID} == documented


def test_the_figures_of_a_decision_are_documented(trained):
    text = section("holdfast train")
    for model in trained.document["models"]:
        assert all(f"`{name}`" in text for name in model["decision"]["figures"])


def test_the_keys_of_backtest_are_documented(holdfast, shop):
    arguments = ("backtest", shop, "--horizon-days", 60, "--origins", 1, "--ablation", "--json")
    document = json.loads(holdfast(*arguments).stdout)
    assert paths(document) | UNSAID | {"warnings[]"} == set(listed("holdfast backtest", "key"))
    for model in document["models"]:
        names = listed("Metrics", "metric")
        assert all(set(c["metrics"]) | set(c["spread"]) <= set(names) for c in model["candidates"])


def test_the_grades_are_documented():
    assert re.findall(r"^\| ([A-Z]) \|", section("Grades"), re.M) == [*LETTERS, *LETTERS]


def test_the_keys_of_score_are_documented(holdfast, shop, trained, tmp_path):
    arguments = ("score", shop, "--as-of", "2026-06-01", "--out", tmp_path / "s.csv", "--json")
    found = json.loads(holdfast(*arguments, uri=trained.uri).stdout)
    # By then everybody has lapsed.
    assert paths(found) | {"stages[].value_at_risk", "store"} == set(
        listed("holdfast score", "key")
    )


def test_the_keys_of_import_are_documented(holdfast, shop, tmp_path):
    store = f"sqlite:///{tmp_path / 'store.db'}"
    found = json.loads(holdfast("import", shop, "--store", store, "--json").stdout)
    usually_absent = {"added.refunds", "known.refunds", "erased"}
    assert paths(found) | usually_absent == set(listed("holdfast import", "key"))


def test_the_keys_of_keys_are_documented(holdfast, tmp_path):
    given = ("--store", f"sqlite:///{tmp_path / 'store.db'}", "--json")
    new = ("--name", "braze", "--scope", "read", "--days", 9)
    made = json.loads(holdfast("keys", "create", *new, *given).stdout)
    found = paths(made) | {"keys[].used_at"}
    assert found == set(listed("holdfast keys", "key"))
    (kept,) = json.loads(holdfast("keys", "list", *given).stdout)["keys"]
    assert kept == made["keys"][0]
    ended = json.loads(holdfast("keys", "revoke", "--key", kept["id"], *given).stdout)
    assert [key["state"] for key in ended["keys"]] == ["revoked"]


def test_the_keys_of_models_are_documented(holdfast, trained):
    found = json.loads(holdfast("models", "--json", uri=trained.uri).stdout)
    assert paths(found) == set(listed("holdfast models", "key"))


def test_the_keys_of_uplift_are_documented(campaign):
    usually_empty = {"left_out[].reason", "left_out[].rows", "warnings[]"}
    documented = set(listed("holdfast uplift", "key"))
    assert paths(campaign.learnt) | usually_empty == documented


def test_the_keys_of_plan_are_documented(campaign):
    found = paths(campaign.planned) | {"warnings[]", "power.hold_out"}
    assert found == set(listed("holdfast plan", "key"))


def test_the_keys_of_measure_are_documented(holdfast, campaign, after):
    given = ("measure", after, "--plan", campaign.plan, "--as-of", "2026-01-01", "--json")
    found = json.loads(holdfast(*given, uri=campaign.uri).stdout)
    assert paths(found) | {"warnings[]"} == set(listed("holdfast measure", "key"))
