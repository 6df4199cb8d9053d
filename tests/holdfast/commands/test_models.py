import json

import pandas as pd
import polars as pl
import pytest

from features.history.history import History
from holdfast.commands.models import training_config
from holdfast.freshness import concentration_warnings
from training.champions import load_scorer
from training.registry.tracking import Tracker
from training.scoring.columns import COLUMNS


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "training.toml"
    path.write_text("horizon_days = 30\nclv_horizon_days = 60\nsnapshots = 3\n")
    return str(path)


def by_name(document):
    return {model["name"]: model for model in document["models"]}


def test_settings_of_a_file_stand_where_no_option_is_given(config):
    found = training_config(config, None, None)
    assert (found.horizon_days, found.clv_horizon_days, found.snapshots) == (30, 60, 3)


def test_options_win_over_the_file(config):
    found = training_config(config, 90, 45)
    assert (found.horizon_days, found.clv_horizon_days, found.snapshots) == (90, 45, 3)


def test_train_prints_the_essentials_of_the_card(trained):
    assert "churn within 90 days, customer value over 90 days" in trained.printed
    assert "recency_rule" in trained.printed
    assert "churn-risk version 1 is champion: first training" in trained.printed
    assert "clv-forecast version 1 is champion: first training" in trained.printed
    assert trained.uri in trained.printed


def test_train_prints_nothing_but_its_document_on_stdout(trained):
    assert trained.document["tracking_uri"] == trained.uri
    assert trained.document["as_of"] == "2026-03-01T00:00:00"


def test_options_of_train_win_over_its_config(trained):
    assert trained.document["horizon_days"] == trained.document["clv_horizon_days"] == 90
    assert trained.document["config"]["snapshots"] == 3


def test_train_warns_of_a_stale_history(trained):
    said = trained.warned.splitlines()[-1]
    assert said.startswith("warning: the history is stale")
    assert trained.document["warnings"] == [said.removeprefix("warning: ")]


def test_train_registers_the_next_version_of_both_models(trained):
    found = by_name(trained.document)
    assert {name: model["version"] for name, model in found.items()} == {
        "churn-risk": 2,
        "clv-forecast": 2,
    }
    for model in found.values():
        assert "challenger" in model["aliases"]
        assert ("champion" in model["aliases"]) == model["decision"]["promoted"]


def test_train_tells_the_means_of_every_candidate_and_that_none_is_clearly_better(trained):
    churn = by_name(trained.document)["churn-risk"]
    loss = {c["candidate"]: c["metrics"]["log_loss"] for c in churn["candidates"]}
    assert list(loss) == ["base_rate", "recency_rule", "past_rate", "btyd", "trees", "pool"]
    assert [c["candidate"] for c in churn["candidates"] if c["chosen"]] == [churn["chosen"]]
    rivals = [c["difference"] for c in churn["candidates"] if not c["chosen"]]
    assert all(difference["low"] <= 0 for difference in rivals)
    folds = [f["metrics"]["log_loss"] for f in churn["folds"] if f["candidate"] == churn["chosen"]]
    assert sum(folds) / len(folds) == pytest.approx(loss[churn["chosen"]])


def test_a_later_training_is_judged_against_the_champion(trained):
    decision = by_name(trained.document)["churn-risk"]["decision"]
    assert decision["champion_version"] == 1
    assert "artifact_difference" in decision["figures"]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_scores_are_those_of_the_library(holdfast, shop, trained, tmp_path, suffix):
    target = tmp_path / f"scores.{suffix}"
    arguments = ("score", shop, "--as-of", "2026-01-01", "--out", target, "--reasons", 7)
    found = holdfast(*arguments, uri=trained.uri)
    assert found.exit_code == 0, found.output
    read = pd.read_parquet if suffix == "parquet" else pd.read_csv
    written = read(target)
    assert tuple(written.columns) == COLUMNS
    history = History.open(shop)
    expected = load_scorer(Tracker(trained.uri), history).score(history, "2026-01-01", 7)
    for moment in ("as_of", "expected_next_order"):
        written[moment] = pd.to_datetime(written[moment]).dt.as_unit("us")
    pd.testing.assert_frame_equal(written, expected, check_dtype=False, rtol=0, atol=1e-12)


def test_an_expected_order_is_written_as_a_calendar_date(holdfast, shop, trained, tmp_path):
    for suffix in ("csv", "parquet"):
        arguments = ("score", shop, "--as-of", "2026-01-01", "--out", tmp_path / f"s.{suffix}")
        assert holdfast(*arguments, uri=trained.uri).exit_code == 0
    told = pd.read_csv(tmp_path / "s.csv", dtype=str).set_index("customer_id")
    expected = told["expected_next_order"]
    assert expected.isna().any()
    assert expected.dropna().str.fullmatch(r"2026-\d\d-\d\d").all()
    typed = pl.read_parquet(tmp_path / "s.parquet")["expected_next_order"]
    assert typed.dtype == pl.Date
    assert typed.null_count() == expected.isna().sum()


def test_reasons_are_given_where_most_value_is_at_risk(holdfast, shop, trained, tmp_path):
    target = tmp_path / "scores.parquet"
    arguments = ("score", shop, "--as-of", "2026-01-01", "--out", target, "--reasons", 7, "--json")
    document = json.loads(holdfast(*arguments, uri=trained.uri).stdout)
    scores = pd.read_parquet(target)
    assert scores["reason_1"].notna().tolist() == [True] * 7 + [False] * (len(scores) - 7)
    assert scores["value_at_risk"].dropna().is_monotonic_decreasing
    assert (document["with_reasons"], document["written"]) == (7, len(scores))


def test_stages_and_a_number_choose_who_is_written(holdfast, shop, trained, tmp_path):
    everybody, some = tmp_path / "all.parquet", tmp_path / "some.parquet"
    asked = ("score", shop, "--as-of", "2026-01-01", "--json", "--reasons", 5, "--out")
    holdfast(*asked, everybody, uri=trained.uri)
    choice = ("--stage", "lapsed", "--stage", "new", "--top", 12)
    document = json.loads(holdfast(*asked, some, *choice, uri=trained.uri).stdout)

    scores, written = pd.read_parquet(everybody), pd.read_parquet(some)
    expected = scores[scores["stage"].isin(["lapsed", "new"])].head(12)
    assert written["customer_id"].tolist() == expected["customer_id"].tolist()
    assert (document["customers"], document["written"]) == (len(scores), 12)
    assert written["churn_risk"].tolist() == expected["churn_risk"].tolist()
    assert written["reason_1"].notna().tolist() == [True] * 5 + [False] * 7


def test_an_unknown_stage_is_refused(holdfast, shop, trained, tmp_path):
    asked = ("score", shop, "--as-of", "2026-01-01", "--out", tmp_path / "s.csv")
    found = holdfast(*asked, "--stage", "gone", uri=trained.uri)

    assert found.exit_code == 2
    assert "'gone' is not one of" in found.stderr


def test_the_document_of_score_sums_up_the_file(holdfast, shop, trained, tmp_path):
    target = tmp_path / "scores.csv"
    arguments = ("score", shop, "--as-of", "2026-01-01", "--out", target, "--json")
    document = json.loads(holdfast(*arguments, uri=trained.uri).stdout)
    scores = pd.read_csv(target)
    assert document["customers"] == len(scores)
    for stage in document["stages"]:
        rows = scores[scores["stage"] == stage["stage"]]
        assert stage["customers"] == len(rows)
        assert stage["value_at_stake"] == pytest.approx(rows["value_at_stake"].sum())
        lapsed = stage["stage"] == "lapsed"
        assert (stage["value_at_risk"] is None) == lapsed
        assert (stage["win_back_value"] is None) != lapsed


def test_score_warns_of_a_stale_history(holdfast, shop, trained, tmp_path):
    arguments = ("score", shop, "--as-of", "2026-06-01", "--out", tmp_path / "s.csv", "--json")
    found = holdfast(*arguments, uri=trained.uri)
    assert "warning: the history is stale" in found.stderr
    assert len(json.loads(found.stdout)["warnings"]) == 1


def test_score_warns_of_a_champion_that_has_seen_the_answers(holdfast, shop, trained, tmp_path):
    arguments = ("score", shop, "--as-of", "2025-03-01", "--out", tmp_path / "s.csv")
    found = holdfast(*arguments, uri=trained.uri)
    assert "warning: the champion was trained on what was known before" in found.stderr
    assert "at_risk" in found.stdout


def test_models_lists_every_version_with_the_metrics_of_its_candidate(holdfast, trained):
    found = json.loads(holdfast("models", "--json", uri=trained.uri).stdout)["models"]
    listed = [(model["name"], model["version"]) for model in found]
    assert listed == [(n, v) for n in ("churn-risk", "clv-forecast") for v in (2, 1)]
    churn = by_name(trained.document)["churn-risk"]
    best = next(c["metrics"] for c in churn["candidates"] if c["chosen"])
    assert found[0]["metrics"] == pytest.approx(best)


def test_models_shows_the_champion(holdfast, trained):
    found = holdfast("models", uri=trained.uri).stdout
    assert "champion" in found
    assert trained.uri in found


def test_models_says_that_there_are_none(holdfast, tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    assert "Run holdfast train first" in holdfast("models", uri=uri).stdout
    assert json.loads(holdfast("models", "--json", uri=uri).stdout)["models"] == []
    assert list(tmp_path.iterdir()) == []


def test_promote_rolls_back_and_forth(holdfast, trained):
    tracker = Tracker(trained.uri)
    standing = tracker.champion("churn-risk").version
    other = 3 - standing
    for version, before in ((other, standing), (standing, other)):
        found = holdfast("promote", "churn-risk", version, uri=trained.uri)
        assert found.stdout == (
            f"churn-risk version {version} is champion, in place of version {before}\n"
        )
        assert tracker.champion("churn-risk").version == version


def test_promote_refuses_a_version_that_does_not_exist(holdfast, trained):
    found = holdfast("promote", "churn-risk", 99, uri=trained.uri)
    assert found.exit_code == 2
    assert "2, 1; got 99" in found.stderr


@pytest.mark.parametrize(
    ("clv", "warned"), [([1.0] * 40, False), ([1.0] * 40 + [5.0], True), ([1.0, 99.0], False)]
)
def test_a_customer_who_holds_more_than_a_tenth_of_the_value_is_named(clv, warned):
    """Of a handful of customers anybody does."""
    names = [f"c{number}" for number in range(len(clv))]

    found = concentration_warnings(pd.DataFrame({"customer_id": names, "clv": clv}))

    assert bool(found) == warned
    if warned:
        assert found[0].startswith("customer c40 holds 11% of the expected value of all 41 ")
