"""A small simulated shop and two trainings on it; a larger one with a campaign planned and run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from holdfast.cli import app
from holdfast.render import output
from simulation import simulate

# No file can be made there, whoever runs the tests.
NOWHERE = "sqlite:////dev/null/mlflow.db"
CONFIG = "snapshots = 3\norigins = 2\nhorizon_days = 30\n"

PLANNED_AT = "2025-10-01"
SIZE = {"customers": 7500, "days": 800, "seed": 5}
OFFERS = """\
[offers.discount_10]
kind = "discount"
cost_share = 0.1

[offers.points]
kind = "points"
fixed_cost = 2

[offers.hello]
kind = "onboarding"
addresses = ["first_order"]
"""


@dataclass(frozen=True)
class Trained:
    """A tracking store, and what two trainings in it said: in words, then with --json."""

    uri: str
    printed: str
    document: dict[str, Any]
    warned: str


@pytest.fixture(scope="session", autouse=True)
def as_in_a_pipe() -> Iterator[None]:
    """Tests that run beside each other are told a width of 80, which no pipe has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        yield


@pytest.fixture(autouse=True)
def no_progress_in_logs(monkeypatch) -> None:
    """However slow the machine is, stderr holds warnings and errors only."""
    monkeypatch.setattr(output, "QUIET_SECONDS", 3600.0)


@pytest.fixture(scope="session")
def holdfast() -> Callable[..., Result]:
    def run(*arguments: object, uri: str = NOWHERE) -> Result:
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(app, words, env={"MLFLOW_TRACKING_URI": uri})

    return run


@pytest.fixture(scope="session")
def shop(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("history") / "shop"
    simulate(customers=600, seed=3).write(folder)
    return folder


@pytest.fixture(scope="session")
def trained(shop, holdfast, tmp_path_factory) -> Trained:
    """Train twice; the later training is told long after the last order.

    Its origins are after the earlier one, whose models it therefore judges.
    """
    place = tmp_path_factory.mktemp("store")
    uri, config = f"sqlite:///{place}/mlruns/mlflow.db", place / "training.toml"
    config.write_text(CONFIG)
    train = ["train", str(shop), "--config", str(config), "--horizon-days", "90"]
    first = holdfast(*train, "--as-of", "2025-07-01", uri=uri)
    assert first.exit_code == 0, first.output
    second = subprocess.run(
        [sys.executable, "-m", "holdfast", *train, "--as-of", "2026-03-01", "--json"],
        env={**os.environ, "MLFLOW_TRACKING_URI": uri},
        cwd=place,
        capture_output=True,
        text=True,
        check=True,
    )
    return Trained(uri, first.stdout, json.loads(second.stdout), second.stderr)


@dataclass(frozen=True)
class Campaign:
    """Where everything is, and what the commands said."""

    uri: str
    shop: Path
    offers: Path
    plan: Path
    log: Path
    learnt: dict
    planned: dict
    printed: str


@pytest.fixture(scope="session")
def campaign(holdfast, tmp_path_factory) -> Campaign:
    place = tmp_path_factory.mktemp("campaign")
    uri, shop, offers = f"sqlite:///{place}/mlflow.db", place / "shop", place / "offers.toml"
    plan, log, config = place / "plan.csv", place / "made.csv", place / "training.toml"
    config.write_text("snapshots = 2\norigins = 1\n")
    offers.write_text(OFFERS)
    simulate(**SIZE).write(shop)

    def run(*arguments):
        found = holdfast(*arguments, "--as-of", PLANNED_AT, uri=uri)
        assert found.exit_code == 0, found.output
        return found.stdout

    run("train", shop, "--horizon-days", 90, "--config", config)
    learnt = json.loads(run("uplift", shop, "--json"))
    given = ("plan", shop, "--offers", offers, "--budget", 900, "--campaign", "autumn")
    printed = run(*given, "--out", place / "plan.parquet")
    planned = json.loads(run(*given, "--out", plan, "--log", log, "--json"))
    return Campaign(uri, shop, offers, plan, log, learnt, planned, printed)


@pytest.fixture(scope="session")
def after(campaign, tmp_path_factory) -> Path:
    """The shop in which the campaign was run; the offer it cannot run is held back."""
    made = pd.read_csv(campaign.log, parse_dates=["offered_at"])
    folder = tmp_path_factory.mktemp("after") / "shop"
    simulate(**SIZE, campaign=made[made["intended_offer"] != "hello"]).write(folder)
    return folder
