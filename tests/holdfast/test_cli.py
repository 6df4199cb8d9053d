import inspect
import shlex
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer

from holdfast.cli import app
from simulation import simulate
from training.config import TrainingConfig

HEAVY = (
    "numpy",
    "narwhals",
    "scipy",
    "mlflow",
    "polars",
    "pandas",
    "sklearn",
    "lightgbm",
    "matplotlib",
    "fastapi",
    "sqlalchemy",
)
SYNOPSIS = {
    "check": {"HISTORY", "--as-of", "--mapping", "--format", "--quarantine", "--json"},
    "map": {"HISTORY", "--out", "--format", "--json"},
    "features": {"HISTORY", "--as-of", "--horizon-days", "--out", "--feature", "--mapping",
                 "--format"},
    "metrics": {"HISTORY", "--start", "--end", "--every", "--by", "--horizon-days",
                "--cohorts", "--out", "--mapping", "--format", "--json"},
    "train": {"HISTORY", "--shop", "--as-of", "--horizon-days", "--clv-horizon-days", "--config",
              "--mapping", "--format", "--json"},
    "backtest": {"HISTORY", "--horizon-days", "--as-of", "--config", "--origins", "--ablation",
                 "--mapping", "--format", "--json"},
    "import": {"HISTORY", "--store", "--mapping", "--format", "--json"},
    "migrate": {"--store", "--to"},
    "worker": {"--store", "--settings"},
    "keys": {"ACTION", "--store", "--name", "--scope", "--days", "--key", "--json"},
    "score": {"HISTORY", "--shop", "--as-of", "--out", "--publish", "--store", "--reasons",
              "--stage", "--top", "--train",
              "--mapping",
              "--format", "--json"},
    "uplift": {"HISTORY", "--shop", "--as-of", "--horizon-days", "--mapping", "--format", "--json"},
    "plan": {"HISTORY", "--shop", "--as-of", "--offers", "--budget", "--holdout", "--explore",
             "--out", "--campaign", "--log", "--mapping", "--format", "--json"},
    "measure": {"HISTORY", "--plan", "--as-of", "--interim", "--mapping", "--format", "--json"},
    "models": {"--json"},
    "promote": {"NAME", "VERSION"},
    "simulate": {"--out", "--customers", "--days", "--seed", "--growth"},
    "serve": {"--scores", "--store", "--settings", "--host", "--port", "--workers"},
    "demo": set(),
}  # fmt: skip
REQUIRED = {
    "check": {"HISTORY"},
    "map": {"HISTORY"},
    "features": {"HISTORY", "--as-of", "--horizon-days", "--out"},
    "metrics": {"HISTORY"},
    "train": {"HISTORY", "--as-of"},
    "backtest": {"HISTORY", "--horizon-days"},
    "import": {"HISTORY", "--store"},
    "migrate": {"--store"},
    "worker": set(),
    "keys": {"ACTION", "--store"},
    "score": {"HISTORY", "--as-of"},
    "uplift": {"HISTORY", "--as-of"},
    "plan": {"HISTORY", "--as-of", "--offers", "--budget", "--out"},
    "measure": {"HISTORY", "--plan", "--as-of"},
    "models": set(),
    "promote": {"NAME", "VERSION"},
    "simulate": {"--out"},
    "serve": set(),
    "demo": set(),
}
COMMANDS = typer.main.get_command(app).commands


def spelt(parameter):
    return parameter.metavar if parameter.param_type_name == "argument" else parameter.opts[0]


def test_there_are_exactly_the_commands_of_the_synopsis():
    assert set(COMMANDS) == set(SYNOPSIS)


@pytest.mark.parametrize("name", SYNOPSIS)
def test_a_command_takes_exactly_the_options_of_the_synopsis(name):
    assert {spelt(parameter) for parameter in COMMANDS[name].params} == SYNOPSIS[name]


@pytest.mark.parametrize("name", REQUIRED)
def test_a_command_requires_what_the_synopsis_does_not_bracket(name):
    found = {spelt(parameter) for parameter in COMMANDS[name].params if parameter.required}
    assert found == REQUIRED[name]


def test_defaults_are_those_of_the_libraries():
    given = {p.name: p.default for p in COMMANDS["simulate"].params if not p.required}
    known = inspect.signature(simulate).parameters
    assert given == {name: known[name].default for name in given}
    assert set(known) - set(given) == {"campaign"}
    (origins,) = (p for p in COMMANDS["backtest"].params if p.name == "origins")
    assert origins.show_default == f"that of the settings, else {TrainingConfig().origins}"


def test_help_imports_no_heavy_library():
    code = (
        "import sys; from typer.testing import CliRunner; from holdfast.cli import app; "
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0; "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", SYNOPSIS)
def test_every_command_has_help(holdfast, name):
    found = holdfast(name, "--help")
    assert found.exit_code == 0
    assert "--help" in found.stdout


WRONG = [
    "train nowhere --as-of 2025-01-01",
    "train SHOP --as-of yesterday",
    "train SHOP --as-of 2025-01-01 --config nothing.toml",
    "train SHOP --as-of 2025-01-01 --horizon-days 0",
    "train SHOP --as-of 2025-01-01 --shop ''",
    "train SHOP",
    "check nowhere",
    "check SHOP --mapping nothing.toml",
    "features SHOP --as-of 2025-01-01 --horizon-days 90 --out f.xlsx",
    "backtest SHOP --horizon-days 90 --as-of 2025-13-01",
    "score SHOP --as-of 2025-01-01 --out nowhere/s.csv",
    "score SHOP --as-of 2025-01-01 --out s.csv --stage gone",
    "score SHOP --as-of 2025-01-01 --out SHOP/orders.parquet",
    "score SHOP --as-off 2025-01-01 --out s.csv",
    "scor SHOP",
    "uplift SHOP --as-of never",
    "plan SHOP --as-of never --offers o.toml --budget 1 --out p.csv",
    "measure SHOP --plan nothing.csv --as-of 2025-01-01",
    "simulate --out s --days 10",
    "serve --scores nothing.csv --port 99999",
]


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_argument_is_refused_before_anything_heavy_is_imported(words, shop):
    asked = shlex.split(words.replace("SHOP", str(shop)))
    code = (
        "import sys; from holdfast import cli; sys.argv = ['holdfast', *sys.argv[1:]]\n"
        "try: cli.main()\n"
        "except SystemExit as end: code = end.code\n"
        f"print(code, *(name for name in {HEAVY} if name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code, *asked], capture_output=True, text=True)

    assert found.stdout == "2\n", found.stderr
    assert found.stderr


def test_the_version_is_that_of_the_package(holdfast):
    found = holdfast("--version")

    assert found.stdout == f"holdfast {version('holdfast')}\n"


@pytest.mark.parametrize(
    ("words", "meant"), [("scor", "'score'"), ("trian", "'train'"), ("model", "'models'")]
)
def test_a_command_that_is_nearly_one_is_pointed_to(holdfast, words, meant):
    assert f"Did you mean {meant}" in holdfast(words).stderr


def test_an_option_that_is_nearly_one_is_pointed_to(holdfast, shop):
    assert "--as-of" in holdfast("score", shop, "--asof", "2025-01-01").stderr


def test_completion_can_be_installed(holdfast):
    assert "--install-completion" in holdfast("--help").stdout
