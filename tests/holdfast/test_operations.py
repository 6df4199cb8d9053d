"""What docs/operations.md, Dockerfile and compose.yaml say can be done as it stands there."""

import ast
import os
import re
import shlex
import sqlite3
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from holdfast.cli import app
from serving.settings import Settings, settings_of
from serving.store.database import Database
from serving.store.migrating import newest, ready, revision

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
COMMANDS = typer.main.get_command(app).commands
STORE = {"HOLDFAST_STORE": "postgresql://holdfast@postgres/holdfast"}


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.M | re.S)


def documented():
    """Every command of the page that begins a line, or is run in a container or by systemd."""
    lines = "\n".join(blocks("sh") + blocks("ini"))
    found = re.findall(
        r"(?:^|ExecStart=\S*/|compose run .*(?:service|worker) )(holdfast .*)$", lines, re.M
    )
    return [line.partition(" #")[0].strip() for line in found]


def parse(words, monkeypatch):
    """Have the command line's own parser read a command; nothing is run."""
    monkeypatch.setenv("HOLDFAST_STORE", STORE["HOLDFAST_STORE"])
    assert words[0] == "holdfast"
    return COMMANDS[words[1]].make_context(words[1], list(words[2:]))


@pytest.mark.parametrize("line", documented())
def test_a_command_of_the_page_is_understood(line, monkeypatch):
    parse(shlex.split(line.replace("shop/", ".")), monkeypatch)


def test_the_page_has_commands():
    assert {shlex.split(line)[1] for line in documented()} >= {"migrate", "keys", "serve", "import"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_runs_a_command_there_is(name, monkeypatch):
    command = SERVICES[name]["command"]
    if command[0] == "mlflow":
        from mlflow.cli import cli

        cli.commands[command[1]].make_context(command[1], list(command[2:]))
    elif command[0] == "holdfast":
        parse(command, monkeypatch)
    else:
        assert command[0] == name


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_container_is_told_are_settings(name, monkeypatch):
    told = (
        {
            variable: value
            for variable, value in SERVICES[name]["environment"].items()
            if variable.startswith("HOLDFAST_")
        }
        if "environment" in SERVICES[name]
        else {}
    )
    for variable, value in told.items():
        assert variable.removeprefix("HOLDFAST_").lower() in Settings.model_fields
        monkeypatch.setenv(variable, value)
    if told:
        assert settings_of({}).store == STORE["HOLDFAST_STORE"]


def test_the_service_asks_for_keys_and_leaves_work_to_the_worker(monkeypatch):
    for variable, value in SERVICES["service"]["environment"].items():
        monkeypatch.setenv(variable, value)
    found = settings_of({})
    assert (found.keys_required, found.worker) == (True, False)
    assert SERVICES["worker"]["command"] == ["holdfast", "worker"]


def test_no_password_has_a_default():
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    values = re.findall(r"PASSWORD: (.*)$", text, re.M)
    assert set(values) == {"${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD in .env}"}
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


def test_containers_wait_for_what_is_there():
    for service in SERVICES.values():
        for name, how in service.get("depends_on", {}).items():
            done = how["condition"] == "service_completed_successfully"
            assert done or "healthcheck" in SERVICES[name]
    used = {mount.partition(":")[0] for s in SERVICES.values() for mount in s.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_the_image_copies_what_is_there_and_is_not_kept_out():
    sources = [
        word
        for words in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.M)
        for word in words.split()[:-1]
    ]
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert len(sources) > 8
    assert all((ROOT / source).exists() and f"!{source}" in kept for source in sources)


def test_the_image_has_all_packages():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert all(f"COPY {name} {name}\n" in DOCKERFILE for name in packages)


def test_the_image_runs_the_service_as_nobody_special(monkeypatch):
    (command,) = re.findall(r"^CMD (.*)$", DOCKERFILE, re.M)
    parse(ast.literal_eval(command), monkeypatch)
    assert re.search(r"^USER holdfast$", DOCKERFILE, re.M)
    for name in re.findall(r"HOLDFAST_(\w+)=", DOCKERFILE):
        assert name.lower() in Settings.model_fields


def test_a_healthcheck_is_python_that_asks_for_life():
    (check,) = re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", DOCKERFILE, re.M)
    for words in (ast.literal_eval(check), SERVICES["mlflow"]["healthcheck"]["test"][1:]):
        assert words[:2] == ["python", "-c"]
        compile(words[2], "healthcheck", "exec")
    assert "/healthz" in check


def test_the_lock_is_cut_to_one_package_with_its_hashes():
    (script,) = re.findall(r"sed -n '(.*?)' requirements.lock", DOCKERFILE)
    done = subprocess.run(
        ["sed", "-n", script, ROOT / "requirements.lock"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("uv==") and done.stdout.count("==") == 1
    assert done.stdout.count("--hash=sha256:") > 3


def test_the_settings_of_the_page_are_settings(tmp_path):
    (text,) = blocks("toml")
    (tmp_path / "service.toml").write_text(text)
    assert settings_of({}, tmp_path / "service.toml").workers == 2


@pytest.fixture
def used(tmp_path):
    """A store that a process has open, with a key made after the last checkpoint."""
    from serving.keys.service import create_key

    database = ready(Database.at(f"sqlite:///{tmp_path / 'holdfast.db'}"))
    create_key(database, "before", ["read"], "a test")
    yield database
    database.close()


def run(line, folder):
    line = line.replace("python ", f"{sys.executable} ").replace(
        "holdfast migrate", f"{sys.executable} -m holdfast migrate"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(line, shell=True, cwd=folder, env=environment, check=True)


@pytest.mark.parametrize("copy", ["backup.db", "backup-by-python.db"])
def test_a_backup_of_a_store_in_use_is_restored_as_it_was(used, tmp_path, copy):
    from serving.keys.service import create_key, list_keys

    (made,) = [block for block in blocks("sh") if "VACUUM" in block]
    (restored,) = [block for block in blocks("sh") if "cp backup.db" in block]
    run("\n".join(line for line in made.splitlines() if f"'{copy}'" in line), tmp_path)
    create_key(used, "after", ["read"], "a test")
    log = tmp_path / "holdfast.db-wal"
    left = log.read_bytes()
    used.close()
    log.write_bytes(left)  # As a process that was killed leaves it.
    run(restored.replace("backup.db", copy), tmp_path)
    again = Database.at(f"sqlite:///{tmp_path / 'holdfast.db'}")
    assert [key.name for key in list_keys(again)] == ["before"]
    assert revision(again) == newest()
    again.close()
    with sqlite3.connect(tmp_path / copy) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
