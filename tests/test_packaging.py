"""The wheel works outside the checkout: what it holds, what it needs, what can be done with it."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("features", "simulation", "training", "offers", "serving", "holdfast")
CONFIG = "snapshots = 3\norigins = 2\nhorizon_days = 30\n"
# What FastAPI and pydantic are made of comes with them.
BROUGHT_ALONG = {"starlette", "pydantic-core"}


PROJECT = """
from __future__ import annotations

import pandas as pd

from features import CATALOGUE, History, HistoryError, Mapping, Past, TableMapping
from features import feature_table, suggest_horizon
from offers import Campaign, Contacts, Measurement, Models, Offer, OfferCatalogue, OffersError, Plan
from offers import budget_figure, measure, offer_rows, plan_campaign, screen, trade_off_figure
from simulation import SimulatedShop, oracle_churn_risk, simulate, true_effects
from training import ChurnModel, CLVModel, NoChampionError, Scorer, Tracker, Training
from training import TrainingConfig, TrainingError, UpliftModel, Value, label_table, load_scorer
from training import load_uplift, train, train_uplift


def opened(shop: SimulatedShop) -> History:
    mapping = Mapping.from_dict({"currency": "EUR"})
    return History(shop.orders, shop.feedback, shop.offers, shop.customers, mapping=mapping)


def compared(history: History, as_of: str) -> pd.DataFrame:
    past: Past = history.upto(as_of)
    X: pd.DataFrame = feature_table(past, as_of, 90)
    y: pd.DataFrame = label_table(history, as_of, 90, Value(0.5, 0.1))
    churn: ChurnModel = ChurnModel("btyd").fit(X, y["churned"])
    spend: CLVModel = CLVModel().fit(X, y["spend"], sample_weight=[1.0] * len(X))
    return X.assign(churn_risk=churn.predict_proba(X)[:, 1], clv=spend.predict(X))


def planned(history: History, as_of: str) -> pd.DataFrame:
    tracker = Tracker("sqlite:///mlruns/mlflow.db")
    training: Training = train(history, as_of, TrainingConfig(horizon_days=90), tracker)
    scorer: Scorer = load_scorer(tracker, history)
    scores: pd.DataFrame = scorer.score(history, as_of)
    catalogue: OfferCatalogue = OfferCatalogue.read("offers.toml")
    campaign = Campaign(training.run_id, catalogue, budget=100.0)
    plan: Plan = plan_campaign(history, as_of, Models(scorer), campaign)
    return plan.table.merge(scores, on="customer_id")


if __name__ == "__main__":
    shop = simulate(customers=300)
    print(planned(opened(shop), "2025-10-01"), oracle_churn_risk(shop, "2025-10-01", 90))
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the wheel, and an empty folder to work in."""

    folder: Path
    place: Path

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of the environment and return what it says."""
        inherited = {"PYTHONPATH", "VIRTUAL_ENV", "MLFLOW_TRACKING_URI"}
        done = subprocess.run(
            [self.folder / "bin" / program, *arguments],
            env={name: value for name, value in os.environ.items() if name not in inherited},
            cwd=self.place,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def build(target: str, source: Path, to: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", to]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return next(to.iterdir())


def errors_of_types(environment: Environment, code: str) -> list[tuple[str, str]]:
    """Line and kind of every error that mypy --strict finds in code that uses the wheel."""
    (environment.place / "project.py").write_text(code)
    python = environment.folder / "bin" / "python"
    command = [sys.executable, "-m", "mypy", "--strict", f"--python-executable={python}"]
    done = subprocess.run(
        [*command, "--config-file=", "project.py"],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        cwd=environment.place,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr
    return re.findall(r"^project\.py:(\d+): error: .* \[([\w-]+)\]$", done.stdout, re.M)


def imported_modules() -> set[str]:
    """What is imported anywhere in the packages, inside functions too."""
    trees = [ast.parse(file.read_text()) for p in PACKAGES for file in (ROOT / p).rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


def stated_requirements() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    stated = [*project["dependencies"], *project["optional-dependencies"]["spark"]]
    return {re.match(r"[\w-]+", requirement).group() for requirement in stated}


def normal(distribution: str) -> str:
    return distribution.lower().replace("_", "-")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def environment(wheel, tmp_path_factory) -> Environment:
    """Holdfast from the wheel; what it depends on is that of the environment of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    subprocess.run([*pip, "--no-index", "--no-deps", wheel], check=True)
    # A plain line of a .pth file adds a folder without the .pth files in it, so that the checkout
    # of an editable installation stays out.
    packages = sysconfig.get_path("purelib", vars={"base": str(folder)})
    Path(packages, "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return Environment(folder, tmp_path_factory.mktemp("place"))


@pytest.fixture(scope="session")
def scores(environment) -> pd.DataFrame:
    (environment.place / "training.toml").write_text(CONFIG)
    as_of = ("--as-of", "2025-10-01")
    environment.run("holdfast", "simulate", "--out", "shop", "--customers", "300")
    environment.run("holdfast", "train", "shop", *as_of, "--config", "training.toml")
    environment.run("holdfast", "score", "shop", *as_of, "--out", "scores.parquet")
    return pd.read_parquet(environment.place / "scores.parquet")


def test_every_package_comes_from_the_wheel(environment):
    code = f"import {', '.join(PACKAGES)}\nfor p in ({', '.join(PACKAGES)}): print(p.__file__)"
    files = environment.run("python", "-c", code).split()
    assert len(files) == len(PACKAGES)
    assert all(Path(file).is_relative_to(environment.folder) for file in files)


def test_the_wheel_holds_the_packages_and_nothing_else_at_the_top(wheel):
    tops = {name.partition("/")[0] for name in ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_marked_as_typed(wheel, package):
    assert f"{package}/py.typed" in ZipFile(wheel).namelist()


def test_the_example_mappings_are_in_the_wheel(wheel):
    examples = {path.name for path in (ROOT / "holdfast" / "examples").iterdir()}
    held = {name for name in ZipFile(wheel).namelist() if name.startswith("holdfast/examples/")}
    assert held == {f"holdfast/examples/{name}" for name in examples}
    assert "cdnow.toml" in examples


def test_the_example_mappings_are_where_the_documentation_looks(environment):
    code = re.search(
        r'^python -c "(.*examples.*?)"', (ROOT / "docs" / "install.md").read_text(), re.M
    )
    place = Path(environment.run("python", "-c", code.group(1)).strip())
    assert place.is_relative_to(environment.folder)
    assert (place / "cdnow.toml").is_file()


def test_the_source_distribution_makes_the_same_wheel(wheel, tmp_path):
    with tarfile.open(build("sdist", ROOT, tmp_path / "sdist")) as sources:
        sources.extractall(tmp_path / "sources", filter="data")
    remade = build("wheel", next((tmp_path / "sources").iterdir()), tmp_path / "wheel")
    assert remade.read_bytes() == wheel.read_bytes()


def test_whatever_is_imported_is_a_stated_requirement():
    providers = packages_distributions()
    known = stated_requirements() | BROUGHT_ALONG
    foreign = imported_modules() - sys.stdlib_module_names - set(PACKAGES)
    assert [name for name in foreign if known.isdisjoint(map(normal, providers[name]))] == []


def test_the_script_shows_its_help(environment):
    assert "simulate" in environment.run("holdfast", "--help")


def test_python_imports_the_training(environment):
    assert environment.run("python", "-c", "from training import train; print(train.__name__)")


def test_a_project_that_uses_the_public_names_passes_the_strictest_types(environment):
    assert errors_of_types(environment, PROJECT) == []


def test_types_tell_of_a_name_that_is_not_there_and_of_a_wrong_argument(environment):
    mistakes = {
        "from features import feature_tabel": "attr-defined",
        "from training import Trainer": "attr-defined",
        "from training.uplift import uplift": "attr-defined",
        "from offers import plan": "attr-defined",
        "from simulation import simulated": "attr-defined",
        "from features.history import Histories": "attr-defined",
        "from training import TrainingConfig": "",
        "TrainingConfig(horizon_days='ninety')": "arg-type",
    }

    found = errors_of_types(environment, "\n".join(mistakes))

    lines = enumerate(mistakes.values(), start=1)
    assert found == [(str(line), kind) for line, kind in lines if kind]


def test_a_shop_is_trained_on_and_scored(scores):
    assert len(scores) > 100
    assert scores["churn_risk"].between(0, 1).all()


def test_a_registered_model_carries_the_code_of_the_wheel(environment, scores):
    carried = list((environment.place / "mlruns").rglob("code/training/pyfunc.py"))
    assert len(carried) == 2
    installed = next(environment.folder.rglob("site-packages/training/pyfunc.py"))
    assert all(file.read_bytes() == installed.read_bytes() for file in carried)
