import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from features.history.history import History
from training.champions import CHURN, CLV
from training.models.tasks import CHURN_RISK, CLV_FORECAST
from training.registry.card import CardPart
from training.registry.gate import GateDecision
from training.registry.inputs import TrainingData
from training.registry.log import data_digest, record
from training.registry.tracking import Tracker
from training.selection.backtest import Backtest
from training.selection.grade import grade_of

FIRST = GateDecision(True, "first training: nothing stands against it")


@pytest.fixture(scope="module")
def artifacts(trained) -> Path:
    place = Path(trained.tracker.uri.removeprefix("sqlite:///")).parent / "artifacts"
    return place / trained.training.run_id / "artifacts"


def test_a_digest_is_that_of_the_rows_in_any_order(shop):
    shuffled = shop.like(orders=shop.simulated.orders.sample(fraction=1.0, shuffle=True, seed=1))

    assert data_digest(shuffled) == data_digest(shop.history)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": pl.col("amount") + (pl.col("order_id") == "o00000007") * 0.01},
        {"customer_id": pl.col("customer_id").reverse()},
    ],
)
def test_another_row_gives_another_digest(shop, change):
    changed = shop.like(orders=shop.simulated.orders.with_columns(**change))

    assert data_digest(changed)["sha256"] != data_digest(shop.history)["sha256"]
    assert data_digest(changed)["orders"]["rows"] == data_digest(shop.history)["orders"]["rows"]


def test_a_digest_tells_rows_and_span():
    history = History(
        pl.DataFrame(
            {
                "order_id": ["1", "2", "3"],
                "customer_id": ["a", "b", "a"],
                "ordered_at": ["1970-01-02", "1970-01-05", "1970-01-03"],
                "amount": [5.0, 6.0, -1.0],
            }
        )
    )

    digest = data_digest(history)

    assert digest["orders"]["rows"] == 3
    assert (digest["first_day"], digest["last_day"], digest["customers"]) == (1.0, 4.0, 2.0)
    assert not {"feedback", "offers", "customers_table"} & set(digest)


def test_a_run_holds_the_card_the_figures_and_what_was_learnt_from(trained, artifacts):
    files = {path.name for path in artifacts.iterdir()}
    drawn = ("calibration", "gain", "clv_deciles", "bias_churn", "bias_clv", "tracking", "reasons")
    figures = {f"{name}.{ending}" for name in drawn for ending in ("png", "svg")}

    assert files == {
        "model_card.md", "data.json", "catalogue.json", "decision.json", "realised.json",
        "backtest_churn.csv", "backtest_clv.csv", "backtest_churn_summary.csv",
        "backtest_clv_summary.csv", "slices_churn.csv", "slices_clv.csv", *figures,
    }  # fmt: skip
    card = (artifacts / "model_card.md").read_text()
    assert card.startswith(trained.training.card)
    shown = re.findall(r"!\[.+\]\((.+)\)", card)
    assert sorted(shown) == sorted(f"{name}.png" for name in drawn)
    assert json.loads((artifacts / "data.json").read_text()) == data_digest(trained.shop.past)
    names = [f["name"] for f in json.loads((artifacts / "catalogue.json").read_text())["features"]]
    assert set(names) >= {"days_since_last_order", "profile_channel"}
    decisions = json.loads((artifacts / "decision.json").read_text())
    assert decisions[CHURN]["why"].startswith("first training")


def test_a_run_holds_every_setting_and_metric(trained):
    run = trained.tracker._client().get_run(trained.training.run_id)
    means = trained.training.clv_backtest.means()

    assert run.data.params["horizon_days"] == "90"
    assert run.data.params["timezone"] == "UTC"
    assert set(run.data.params) >= set(trained.shop.config.as_dict())
    chosen = trained.training.clv_backtest.chosen
    logged = run.data.metrics["mean_clv_normalised_gini"]
    assert logged == pytest.approx(means.loc[chosen, "normalised_gini"])


@pytest.mark.parametrize(
    ("name", "candidate"),
    [("churn_log_loss", None), ("candidates/churn_log_loss/past_rate", "past_rate")],
)
def test_the_origins_of_a_backtest_are_the_steps_of_its_figures(trained, name, candidate):
    backtest = trained.training.churn_backtest
    client = trained.tracker._client()

    history = client.get_metric_history(trained.training.run_id, name)

    by_origin = [j.metrics["log_loss"] for j in backtest.of(candidate or backtest.chosen)]
    assert [m.value for m in history] == pytest.approx(by_origin)
    assert [m.step for m in history] == [0, 1]


def test_metrics_keep_their_names_whichever_candidate_is_chosen(trained):
    metrics = trained.tracker._client().get_run(trained.training.run_id).data.metrics
    chosen = {name for name in metrics if not name.startswith("candidates/")}

    assert chosen >= {"churn_log_loss", "clv_tweedie_deviance", "mean_churn_auc"}
    candidates = {*CHURN_RISK.candidates, *CLV_FORECAST.candidates} - {"average"}
    assert not [name for name in chosen if name.endswith(tuple(f"_{c}" for c in candidates))]


def test_a_run_spans_the_training_and_says_who_ran_what(trained):
    run = trained.tracker._client().get_run(trained.training.run_id)
    made = trained.training.churn.created.timestamp()

    assert made - run.info.start_time / 1000 > trained.seconds / 2
    assert run.data.tags["mlflow.note.content"].startswith("# Model card")
    assert {"mlflow.user", "mlflow.source.name", "mlflow.source.type"} <= set(run.data.tags)


def test_a_run_lists_the_snapshots_that_its_models_learnt_from(trained, fitted):
    run = trained.tracker._client().get_run(trained.training.run_id)
    listed = {found.dataset.name: found for found in run.inputs.dataset_inputs}
    churn = listed["churn-risk snapshots"]
    panel = fitted[0].panel

    assert set(listed) == {"churn-risk snapshots", "clv-forecast snapshots"}
    assert churn.tags[0].value == "training"
    assert json.loads(churn.dataset.profile)["num_rows"] == sum(map(len, panel.snapshots))
    assert churn.dataset.digest == TrainingData.of("again", panel, {}).digest
    assert json.loads(churn.dataset.schema)["mlflow_colspec"][-1]["name"] == "spend"


def test_another_label_is_another_digest(fitted):
    panel = fitted[0].panel
    first = panel.snapshots[0]
    changed = replace(first, churned=1.0 - first.churned)

    other = replace(panel, snapshots=(changed, *panel.snapshots[1:]))

    assert TrainingData.of("n", other, {}).digest != TrainingData.of("n", panel, {}).digest


def test_a_version_has_its_card_its_model_and_the_models_figures(trained):
    client = trained.tracker._client()
    version = client.get_model_version(CHURN, "1")
    outputs = client.get_run(trained.training.run_id).outputs.model_outputs
    models = {m.name: m for m in (client.get_logged_model(o.model_id) for o in outputs)}
    logged = models[CHURN]

    assert version.description.startswith("## Churn risk")
    assert logged.params["candidate"] == trained.training.churn_backtest.chosen
    means = trained.training.churn_backtest.means().loc[logged.params["candidate"]]
    assert {m.key: m.value for m in logged.metrics}["mean_churn_auc"] == pytest.approx(means["auc"])
    assert set(models) == {CHURN, CLV}


def test_no_tag_is_empty(trained):
    client = trained.tracker._client()
    tags = [
        client.get_run(trained.training.run_id).data.tags,
        client.get_model_version(CHURN, "1").tags,
        client.get_model_version(CLV, "1").tags,
    ]

    assert all(value for each in tags for value in each.values())


def test_the_experiment_opens_as_machine_learning(trained):
    experiment = trained.tracker._client().get_experiment_by_name("holdfast")

    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_a_run_holds_the_whole_rolling_origin_table(trained, artifacts):
    run = trained.tracker._client().get_run(trained.training.run_id)
    backtest = trained.training.churn_backtest
    summary = pd.read_csv(artifacts / "backtest_churn_summary.csv", index_col="candidate")

    assert list(summary.index) == list(backtest.means().index)
    for name, found in backtest.differences.items():
        assert summary.loc[name, "difference_low"] == pytest.approx(found.low)
        assert summary.loc[name, "difference"] == pytest.approx(found.difference)
    assert summary["difference"].isna().sum() == 1
    assert summary["mean_auc"].tolist() == pytest.approx(backtest.means()["auc"].tolist())
    spread = run.data.metrics["spread_churn_auc"]
    assert spread == pytest.approx(backtest.spread().loc[backtest.chosen, "auc"])
    assert run.data.metrics["mean_clv_coverage"] > 0.5


def test_a_history_that_cannot_be_judged_is_recorded_all_the_same(shop, fitted, tmp_path):
    tracker = Tracker(f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    unjudged = replace(fitted[0], backtest=Backtest(CHURN_RISK, (), "pool", "too short", 90))

    found = record(tracker, shop.past, shop.config, [CardPart(unjudged, FIRST)])

    assert found.versions[0].tags["verdict"].startswith("No grade")
    assert found.versions[0].metrics == {}


def test_a_version_says_what_it_is(trained):
    churn, clv = trained.training.churn, trained.training.clv
    grade = grade_of(trained.training.churn_backtest)

    assert churn.tags["candidate"] == trained.training.churn_backtest.chosen
    assert clv.tags["horizon_days"] == "90"
    assert churn.tags["as_of"] == "2025-10-01T00:00:00"
    assert churn.tags["currency"] == "EUR"
    assert churn.tags["why"] == trained.training.churn_backtest.why
    assert churn.tags["verdict"].startswith(f"Grade {grade.letter} (ranking {grade.ranking}, ")
    assert churn.tags["basis"] in clv.tags["basis"]


def test_a_model_that_lost_stays_challenger(shop, fitted, tmp_path):
    tracker = Tracker(f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    lost = CardPart(fitted[1], GateDecision(False, "the champion is better", 1))

    found = record(tracker, shop.past, shop.config, [lost])

    assert found.versions[0].aliases == ("challenger",)
    assert tracker.champion(CLV) is None
