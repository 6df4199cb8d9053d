import ast
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import training
from training.errors import TrainingError
from training.models.churn import ChurnModel
from training.registry.client import QUIET
from training.registry.pyfunc_files import REQUIREMENTS
from training.registry.store import TrackingError
from training.registry.tracking import Tracker
from training.registry.versions import ModelFiles, RegisteredVersion
from training.scoring.definition import Definition
from training.scoring.model_scorers import ChurnScorer, load_model
from training.scoring.reference import Reference

ROOT = Path(training.__file__).parents[1]
TAGS = {"horizon_days": "90", "currency": "EUR"}


def synthetic_table(rows: int) -> pd.DataFrame:
    """A feature table with an unknown value here and there and one column without any."""
    random = np.random.default_rng(0)
    table = pd.DataFrame({"days_since_last_order": random.exponential(60, rows)})
    table["purchase_days"] = random.integers(1, 9, rows).astype("float64")
    table["median_gap"] = np.where(table["purchase_days"] > 1, random.exponential(30, rows), np.nan)
    days, since = table["purchase_days"], table["days_since_last_order"]
    return table.assign(
        nps_last=np.nan,
        horizon_days=90.0,
        frequency=days - 1,
        recency=30.0 * (days - 1),
        T=30.0 * (days - 1) + since,
        recency_over_horizon=since / 90.0,
        age_over_horizon=(30.0 * (days - 1) + since) / 90.0,
        spend=25.0 * days,
        refund_amount=0.0,
        aov=25.0,
        order_amount_std=np.where(days > 1, 5.0, np.nan),
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> ModelFiles:
    table = synthetic_table(600)
    churn = ChurnModel().fit(table, table["days_since_last_order"] > 60)
    reference = Reference.of(table, churn, 0.4)
    folder = tmp_path_factory.mktemp("churn")
    ChurnScorer(churn, Definition(90, 90, "EUR", "UTC", "demo", 20_000.0), reference).save(folder)
    example = synthetic_table(4).set_axis([f"customer {row}" for row in range(4)])
    return ModelFiles(folder, example, load_model(folder).predict_frame(example), TAGS)


@pytest.fixture(scope="module")
def tracker(tmp_path_factory) -> Tracker:
    return Tracker(f"sqlite:///{tmp_path_factory.mktemp('store')}/mlruns/mlflow.db")


@pytest.fixture(scope="module")
def trained(tracker, model) -> RegisteredVersion:
    with tracker.start_run("first training", {"shop": "demo"}) as run:
        run.log_params({f"setting_{number}": number for number in range(150)})
        run.log_metrics({"auc": 0.7, "gain": 2.0}, step=1)
        run.log_metrics({"auc": 0.8}, step=2)
        run.log_text("# Card", "card.md")
        run.log_dict({"digest": "abc"}, "data.json")
        run.log_figure(Figure(), "figures/gain.png")
        version = tracker.register(run, "churn-risk", model)
    tracker.promote("churn-risk", version.version)
    return tracker.version("churn-risk", version.version)


def artifact(tracker: Tracker, version: RegisteredVersion) -> Path:
    return tracker.folder(version).parents[1]


TRAIN = """
import sys
from pathlib import Path
import pandas as pd
from training.registry.versions import ModelFiles
from training.registry.tracking import Tracker

table = pd.DataFrame({"recency": [1.0]})
tracker = Tracker(sys.argv[1])
with tracker.start_run("training", {}) as run:
    run.log_metrics({"auc": 0.7})
    tracker.register(run, "churn-risk", ModelFiles(Path(sys.argv[2]), table, table))
"""

LOAD = f"""
import sys
sys.path = [entry for entry in sys.path if entry != {str(ROOT)!r}]
import mlflow
import pandas as pd

mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/churn-risk@champion")
model.predict(pd.read_parquet("table.parquet")).to_parquet("scores.parquet")
print(sys.modules["training"].__file__)
"""


def test_importing_it_imports_no_heavy_library():
    heavy = "{'mlflow', 'pandas', 'sqlalchemy'}"
    code = f"import sys, training.registry.tracking; print({heavy} & {{*sys.modules}})"

    shown = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)

    assert shown == "set()\n"


def test_reading_an_absent_store_finds_nothing_and_makes_nothing(tmp_path):
    tracker = Tracker(f"sqlite:///{tmp_path}/mlruns/mlflow.db")

    assert tracker.champion("churn-risk") is None
    assert tracker.list_models() == []
    with pytest.raises(TrackingError, match=r"none; got 'churn-risk'\. Train first"):
        tracker.versions("churn-risk")
    assert list(tmp_path.iterdir()) == []


def test_a_run_keeps_what_was_logged(tracker, trained):
    run = tracker._client().get_run(trained.run_id)
    place = tracker.uri.removeprefix("sqlite:///").removesuffix("mlflow.db")
    files = Path(place, "artifacts", trained.run_id, "artifacts")

    assert run.info.status == "FINISHED"
    assert run.data.tags["shop"] == "demo"
    assert len(run.data.params) == 150
    assert (files / "card.md").read_text() == "# Card"
    assert json.loads((files / "data.json").read_text()) == {"digest": "abc"}
    assert (files / "figures" / "gain.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_that_raises_has_failed(tracker):
    with pytest.raises(ZeroDivisionError), tracker.start_run("broken", {}) as run:
        raise ZeroDivisionError

    assert run.client.get_run(run.run_id).info.status == "FAILED"


def test_a_version_tells_its_definition_and_the_metrics_of_its_last_fold(trained):
    assert (trained.name, trained.version) == ("churn-risk", 1)
    assert trained.tags == TAGS
    assert trained.metrics == {"auc": 0.8, "gain": 2.0}
    assert 0 <= time.time() - trained.created.timestamp() < 600


def test_a_metric_without_a_meaning_stays_nan(tracker, model):
    with tracker.start_run("one class only", {}) as run:
        run.log_metrics({"auc": float("nan")})
        version = tracker.register(run, "one-class", model)

    assert np.isnan(version.metrics["auc"])


def test_the_latest_training_is_the_challenger_and_the_champion_stays(tracker, trained, model):
    with tracker.start_run("next", {}) as run:
        latest = tracker.register(run, "churn-risk", model)

    assert latest.aliases == ("challenger",)
    assert tracker.champion("churn-risk").version == trained.version
    assert tracker.versions("churn-risk")[0] == latest


def test_promoting_an_older_version_rolls_back(tracker, trained, model):
    with tracker.start_run("next", {}) as run:
        latest = tracker.register(run, "churn-risk", model)
    tracker.promote("churn-risk", latest.version)

    back = tracker.promote("churn-risk", trained.version)

    assert "champion" in back.aliases
    assert tracker.champion("churn-risk") == back
    assert tracker.version("churn-risk", latest.version).aliases == ("challenger",)


def test_unknown_names_and_versions_are_refused_with_the_known_ones(tracker, trained):
    with pytest.raises(TrackingError, match=r"churn-risk.*; got 'churn_risk'"):
        tracker.promote("churn_risk", 1)
    with pytest.raises(TrackingError, match=r"version must be one of churn-risk .* 1; got 99"):
        tracker.promote("churn-risk", 99)


def test_models_are_listed_by_name_and_only_ours(tracker, trained, model):
    with tracker.start_run("value", {}) as run:
        value = tracker.register(run, "a-value-model", model)
        run.client.create_registered_model("of-somebody-else")

    listed = tracker.list_models()
    names = [version.name for version in listed]

    assert listed[0] == value
    assert names == sorted(names)
    assert set(names) >= {"churn-risk"}
    assert "of-somebody-else" not in names


def test_a_model_without_a_champion_has_none(tracker, model):
    with tracker.start_run("never promoted", {}) as run:
        tracker.register(run, "never-promoted", model)

    assert tracker.champion("never-promoted") is None


def test_the_folder_of_a_version_is_read_in_place(tracker, trained, model):
    folder = tracker.folder(trained)

    assert Path(tracker.uri.removeprefix("sqlite:///")).parent in folder.parents
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in model.folder.iterdir()
    }


def test_an_artifact_holds_text_and_code_only(tracker, trained):
    files = [path for path in artifact(tracker, trained).rglob("*") if path.is_file()]
    files = [path for path in files if "__pycache__" not in path.parts]

    assert {path.suffix for path in files} <= {
        "",
        ".json",
        ".py",
        ".toml",
        ".txt",
        ".typed",
        ".yaml",
    }
    assert not [path for path in files if path.read_bytes().startswith(b"\x80")]


def test_no_row_label_is_stored_with_the_example(tracker, trained, model):
    files = [path for path in artifact(tracker, trained).rglob("*.*") if path.is_file()]

    assert "customer 0" in model.example.index
    assert not [path for path in files if b"customer 0" in path.read_bytes()]


def test_every_column_is_a_float(tracker, trained, model):
    from mlflow.models import Model

    signature = Model.load(str(artifact(tracker, trained))).signature

    assert signature.inputs.input_names() == list(model.example)
    assert {str(kind) for kind in signature.inputs.input_types()} == {"DataType.double"}
    assert signature.outputs.input_names() == list(model.scores)


def test_a_missing_column_is_named_and_the_table_is_not_shown(tracker, trained, model):
    import mlflow

    loaded = mlflow.pyfunc.load_model(str(artifact(tracker, trained)))
    table = model.example.assign(spend=98765.0).drop(columns="median_gap")

    with pytest.raises(TrainingError, match="median_gap") as caught:
        loaded.predict(table)

    assert "98765" not in str(caught.value)


def test_a_model_asks_for_what_was_installed(tracker, trained):
    asked = (artifact(tracker, trained) / "requirements.txt").read_text().split()

    assert f"lightgbm=={version('lightgbm')}" in asked


def test_the_stated_requirements_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    declared = {requirement.split(">=")[0] for requirement in project["dependencies"]}
    assert set(REQUIREMENTS) <= declared


def test_the_stated_requirements_are_all_that_scoring_imports():
    code = """
import sys, training.scoring.scorer
for name, module in list(sys.modules.items()):
    if name.startswith(("features.", "training.")):
        print(module.__file__)
"""
    files = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    statements = [node for file in files.split() for node in ast.parse(Path(file).read_text()).body]
    names = [
        alias.name for node in statements if isinstance(node, ast.Import) for alias in node.names
    ]
    names += [str(node.module) for node in statements if isinstance(node, ast.ImportFrom)]

    packages = {"sklearn": "scikit-learn", "pydantic_core": "pydantic"}
    roots = {name.split(".")[0] for name in names}
    imported = {packages.get(name, name) for name in roots}

    ours = {"features", "training"}
    assert imported - sys.stdlib_module_names - ours == {*REQUIREMENTS} - {"mlflow"}


@pytest.mark.parametrize("name", ["model.pkl", "rows.parquet", "python_model.pkl"])
def test_other_files_in_a_model_folder_are_refused(name, model, tmp_path):
    shutil.copytree(model.folder, tmp_path / "model")
    (tmp_path / "model" / name).write_bytes(b"")

    with pytest.raises(TrackingError, match=f"files only; got .*{name}"):
        ModelFiles(tmp_path / "model", model.example, model.scores)


def test_a_folder_without_a_model_is_refused(model, tmp_path):
    with pytest.raises(TrackingError, match=r"folder must hold model\.json"):
        ModelFiles(tmp_path, model.example, model.scores)


def test_columns_other_than_floats_are_refused(model):
    with pytest.raises(TrackingError, match=r"example must have float64 columns only.*median_gap"):
        ModelFiles(model.folder, model.example.assign(median_gap=1), model.scores)


def test_scores_of_other_rows_are_refused(model):
    with pytest.raises(TrackingError, match="same rows, at least one; got 4 and 3"):
        ModelFiles(model.folder, model.example, model.scores.head(3))


def test_a_copied_store_is_not_written_to(tracker, trained, tmp_path):
    home = Path(tracker.uri.removeprefix("sqlite:///")).parent
    copy = shutil.copytree(home, tmp_path / "mlruns")
    copied = Tracker(f"sqlite:///{copy}/mlflow.db")

    with (
        pytest.raises(TrackingError, match=f"must stay where it was made, {home}.*Move it back"),
        copied.start_run("training", {}),
    ):
        pass


def test_a_version_whose_files_are_gone_says_where_they_must_be(tracker, trained, model):
    with tracker.start_run("lost", {}) as run:
        lost = tracker.register(run, "lost-model", model)
    place = artifact(tracker, lost)
    shutil.rmtree(place)

    with pytest.raises(TrackingError, match=f"must be in file://{place}; they are not.*moved"):
        tracker.folder(lost)


def test_what_mlflow_refuses_is_told_as_an_error_of_ours(tracker):
    message = rf"{tracker.uri} refused: .*Invalid value \"auc\?\""

    with pytest.raises(TrackingError, match=message), tracker.start_run("training", {}) as run:
        run.log_metrics({"auc?": 0.7})


def test_the_environment_is_changed_once_and_what_it_said_before_counts(tracker, monkeypatch):
    """Changing it again and again would end the process where other threads read it."""
    for name in QUIET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_UV_AUTO_DETECT", "true")
    before = dict(os.environ)

    with tracker.start_run("training", {}) as run:
        run.log_metrics({"auc": 0.7})
    after, changed = dict(os.environ), []
    for way in ("putenv", "unsetenv"):
        monkeypatch.setattr(os, way, lambda *names: changed.append(names))
    tracker.list_models()

    assert after == {**QUIET, **before}
    assert changed == []


@pytest.fixture(scope="module")
def side_by_side(tmp_path_factory, model) -> tuple[Tracker, list[tuple[str, str]]]:
    """Two first trainings at once, in processes of their own, and what each printed."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('shared')}/mlruns/mlflow.db"
    command = [sys.executable, "-c", TRAIN, uri, str(model.folder)]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=-1, text=True) for _ in range(2)]
    return Tracker(uri), [process.communicate() for process in both]


def test_two_first_trainings_at_once_both_register(side_by_side):
    tracker, _ = side_by_side

    assert [known.version for known in tracker.versions("churn-risk")] == [2, 1]
    assert [known.metrics for known in tracker.list_models()] == [{"auc": 0.7}] * 2


def test_training_prints_nothing(side_by_side):
    _, printed = side_by_side

    assert printed == [("", "")] * 2


def test_a_fresh_process_outside_the_checkout_gives_the_same_scores(
    tracker, trained, model, tmp_path
):
    table = synthetic_table(50)
    table.to_parquet(tmp_path / "table.parquet")
    command = [sys.executable, "-I", "-c", LOAD, tracker.uri]

    code = subprocess.check_output(command, cwd=tmp_path, text=True)

    scores = pd.read_parquet(tmp_path / "scores.parquet")
    pd.testing.assert_frame_equal(scores, load_model(model.folder).predict_frame(table))
    assert artifact(tracker, trained) in Path(code).parents


def wait_for(port: int) -> None:
    for _ in range(300):
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.4)
    raise TimeoutError(port)


@pytest.fixture
def served(tracker, trained, tmp_path) -> Iterator[str]:
    """Address where `mlflow models serve` answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    programs = Path(sys.executable).parent
    command = f"models serve -m models:/churn-risk@champion --env-manager local --port {port}"
    settings = {"MLFLOW_TRACKING_URI": tracker.uri, "PATH": f"{programs}:{os.environ['PATH']}"}
    process = subprocess.Popen(
        [programs / "mlflow", *command.split()],
        cwd=tmp_path,
        env=os.environ | settings,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(port)
    yield f"http://127.0.0.1:{port}/invocations"
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()


def test_mlflow_serves_the_same_scores_and_takes_null_for_unknown(served, model):
    table = synthetic_table(20)
    known = table.astype(object).where(table.notna(), None)

    body = json.dumps({"dataframe_split": known.to_dict("split", index=False)})

    request = urllib.request.Request(served, body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        scores = pd.DataFrame(json.load(answer)["predictions"])

    pd.testing.assert_frame_equal(scores, load_model(model.folder).predict_frame(table))
