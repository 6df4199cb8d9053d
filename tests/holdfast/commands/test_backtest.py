import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.history.history import History
from holdfast.freshness import last_known
from holdfast.render.model_tables import print_ablation, print_backtest
from training.btyd.population import PopulationModel
from training.config import TrainingConfig
from training.evaluation import PairedDifference, value_metrics
from training.models.tasks import CHURN_RISK, CLV_FORECAST
from training.panel.schedule import can_judge
from training.panel.snapshot import Snapshot
from training.selection.ablation import AblationRow
from training.selection.backtest import Backtest, JudgedForecast

NARROW = 80


@pytest.fixture(scope="module")
def document(holdfast, shop, tmp_path_factory) -> dict:
    place = tmp_path_factory.mktemp("backtest")
    arguments = ("backtest", shop, "--horizon-days", 60, "--origins", 2, "--json")
    found = holdfast(*arguments, uri=f"sqlite:///{place}/mlflow.db")
    assert found.exit_code == 0, found.output
    assert list(place.iterdir()) == []
    return json.loads(found.stdout)


@pytest.fixture
def rich_shop() -> Backtest:
    """Judged twice, in a currency of large numbers."""
    judged = []
    for day in (18000.0, 18090.0):
        spend = np.array([0.0, 5e6, 9.9e7])
        X = pd.DataFrame(index=pd.Index(["a", "b", "c"]))
        btyd = PopulationModel({}, 0.0, 1.0)
        judge = Snapshot(day, X, 1.0 - (spend > 0), spend, btyd)
        for candidate in CLV_FORECAST.candidates:
            forecast = np.array([1e6, 4e6, 8e7])
            metrics = value_metrics(spend, forecast)
            judged.append(JudgedForecast(candidate, judge, forecast, metrics))
    others = [name for name in CLV_FORECAST.candidates if name != "regression"]
    differences = dict.fromkeys(others, PairedDifference(-1234.5, -2345.6, -123.4, 1000))
    return Backtest(CLV_FORECAST, tuple(judged), "regression", "why", 90, differences)


def test_it_judges_every_candidate_at_past_instants(document):
    assert document["as_of"] == "2026-01-01T00:00:00"
    for model in document["models"]:
        assert len({fold["origin"] for fold in model["folds"]}) == 2
        assert len(model["folds"]) == 2 * len(model["candidates"])


def test_means_and_spread_are_those_of_the_origins(document):
    for model in document["models"]:
        for candidate in model["candidates"]:
            name, criterion = candidate["candidate"], model["criterion"]
            folds = [f["metrics"][criterion] for f in model["folds"] if f["candidate"] == name]
            assert candidate["metrics"][criterion] == pytest.approx(np.mean(folds))
            assert candidate["spread"][criterion] == pytest.approx(np.std(folds, ddof=1))


def test_every_other_candidate_is_held_against_the_chosen_one(document):
    for model in document["models"]:
        for candidate in model["candidates"]:
            found = candidate["difference"]
            assert (found is None) == candidate["chosen"]
            assert found is None or found["low"] <= found["difference"] <= found["high"]


def test_it_prints_the_means_every_origin_the_differences_and_the_grade(holdfast, shop):
    found = holdfast("backtest", shop, "--horizon-days", 60, "--origins", 1).stdout

    for title in ("Churn risk", "CLV"):
        assert f"{title}: means over 1 out-of-time origin, 2025-" in found
        assert f"{title}: paired differences over customers" in found
    assert "Churn risk: log loss at every origin" in found
    assert "CLV: tweedie deviance at every origin" in found
    assert len(re.findall(r"^Grade [A-D] \(ranking [A-D], level [A-D]\): ", found, re.M)) == 2
    assert "±" not in found


def test_it_fits_a_narrow_terminal(capsys, monkeypatch, rich_shop):
    monkeypatch.setenv("COLUMNS", str(NARROW))

    print_backtest(rich_shop, 90)

    lines = capsys.readouterr().out.splitlines()
    assert max(len(x) for x in lines if not x.startswith("Grade")) <= NARROW
    head = next(line for line in lines if line.strip().startswith("metric"))
    assert head.split() == ["metric", "average", "past_rate", "btyd", ">", "regression"]
    assert not [line for line in lines if "…" in line]
    assert [line for line in lines if line.split()[:1] == ["±"]]


def test_a_window_that_is_not_the_horizon_is_told(capsys, rich_shop):
    print_backtest(replace(rich_shop, window_days=45), 90)

    assert "too short for outcomes over 90 days" in capsys.readouterr().out


def test_what_cannot_be_judged_prints_why(capsys):
    print_backtest(Backtest(CHURN_RISK, (), "pool", "pool: the history is too short", 90), 90)

    printed = capsys.readouterr().out
    assert "Churn risk: pool: the history is too short" in printed
    assert "No grade" in printed


def test_a_horizon_too_long_to_judge_is_refused_with_one_that_can_be(holdfast, shop):
    found = holdfast("backtest", shop, "--horizon-days", 900)

    assert found.exit_code == 2
    longest = int(re.search(r"got 900\. Choose at most (\d+) days, or give", found.stderr).group(1))
    history = History.open(shop)
    past = history.upto(last_known(history)).coded()
    assert can_judge(past, TrainingConfig(), longest)
    assert not can_judge(past, TrainingConfig(), longest + 1)


def test_a_history_too_short_for_any_horizon_is_refused(holdfast, tmp_path):
    orders = "\n".join(f"{d},c{d},2024-01-{d:02},20" for d in range(1, 9))
    (tmp_path / "orders.csv").write_text(f"order_id,customer_id,ordered_at,amount\n{orders}\n")

    found = holdfast("backtest", tmp_path, "--horizon-days", 30)

    assert found.exit_code == 2
    assert "got 30. Give more history." in found.stderr


def test_an_ablation_prints_what_each_family_is_worth(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(NARROW))
    rows = [
        AblationRow("rhythm", 13, PairedDifference(0.0039, 0.0016, 0.0063, 1000), -0.0019),
        AblationRow("spend", 21, PairedDifference(0.0002, -0.0012, 0.0015, 1000), -0.0003),
        AblationRow("returns", 4, PairedDifference(-0.0010, -0.0015, -0.0003, 1000), 0.0001),
        AblationRow("feedback", 0),
        AblationRow("MBG/NBD", None, PairedDifference(0.003, 0.001, 0.005, 1000), -0.002),
    ]

    print_ablation(rows)

    printed = capsys.readouterr().out.splitlines()
    lines = {x.split()[0]: x.split() for x in printed if x.split()}
    assert max(map(len, printed)) <= NARROW
    assert " ".join(lines["rhythm"]) == "rhythm 13 +0.0039 +0.0016 to +0.0063 -0.0019 helps"
    assert lines["spend"][-2:] == ["not", "clear"]
    assert lines["returns"][-1] == "hurts"
    assert lines["feedback"] == ["feedback", "0", "none", "usable"]
    assert lines["MBG/NBD"][1] == "+0.0030"
