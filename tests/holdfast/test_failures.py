import os
import subprocess
import sys
from pathlib import Path

import pytest

ROW = "1,a,2024-01-05,20,EUR\n"
HEADER = "order_id,customer_id,ordered_at,amount,currency\n"
FILES = {
    "nothing.csv": "",
    "header.csv": HEADER,
    "columns.csv": "order_id,customer_id,amount\n1,a,20\n",
    "unusable.csv": HEADER + "1,a,yesterday,20,EUR\n",
    "mixed.csv": HEADER + ROW + "2,b,2024-01-06,30,USD\n",
    "refunds.csv": HEADER + "1,a,2024-01-05,-20,EUR\n",
    "unknown.toml": "colour = 'red'\n",
    "broken.toml": "[orders\n",
    "deep.toml": "depth = 3\n",
    "wrong.toml": "timezone = 1\nseed = '1'\n[orders]\nfile = 1\n",
}
FEATURES = "features SHOP --as-of 2025-01-01 "
WRONG = [
    ("check nowhere", "history nowhere does not exist"),
    ("check [bold]nowhere[/bold]", "history [bold]nowhere[/bold] does not exist"),
    ("check nothing.csv", "nothing.csv"),
    ("check header.csv", "orders has no rows"),
    ("check columns.csv", "ordered_at"),
    ("check unusable.csv", "1 x unparsable ordered_at"),
    ("check mixed.csv", "one currency"),
    ("check SHOP --as-of yesterday", "a date must be YYYY-MM-DD"),
    ("check SHOP --as-of 2025-02-30", "a date must be YYYY-MM-DD"),
    ("check SHOP --mapping absent.toml", "mapping absent.toml does not exist"),
    ("check SHOP --mapping unknown.toml", "colour is not known here"),
    ("check SHOP --mapping wrong.toml", "orders.file must be text; got 1. Put it in quotes"),
    ("check SHOP --mapping broken.toml", "cannot be read"),
    ("check SHOP --quarantine absent/q.csv", "absent does not"),
    ("check SHOP --quarantine SHOP", "must be a file"),
    ("check mixed.csv --quarantine mixed.csv", "not be a file of the history itself"),
    ("check", "HISTORY"),
    (FEATURES + "--horizon-days 90 --out f.txt", ".parquet or .csv"),
    (FEATURES + "--horizon-days 90 --out no/f.csv", "in a folder that exists"),
    (FEATURES + "--horizon-days 90 --out SHOP/orders.parquet", "history itself"),
    (FEATURES + "--horizon-days 0 --out f.csv", "number of days > 0"),
    (FEATURES + "--horizon-days long --out f.csv", "--horizon-days"),
    ("features SHOP --as-of 1999-01-01 --horizon-days 90 --out f.csv", "after the first order"),
    ("features SHOP --horizon-days 90 --out f.csv", "--as-of"),
    ("train SHOP --as-of never", "a date must be"),
    ("train SHOP --as-of 2023-01-25 --horizon-days 90", "Choose a horizon of at most 6 days"),
    ("train SHOP --as-of 2023-01-15 --horizon-days 90", "Give more history"),
    ("train SHOP --as-of 2026-01-01 --horizon-days -1", "horizon_days must be at least 1; got -1"),
    ("train SHOP --as-of 2026-01-01 --clv-horizon-days 0", "clv_horizon_days must be at least"),
    ("train SHOP --as-of 2026-01-01 --config deep.toml", "depth is not known here"),
    ("train SHOP --as-of 2026-01-01 --config wrong.toml", "seed must be a whole number; got '1'"),
    ("train SHOP --as-of 2026-01-01 --config absent.toml", "config absent.toml does not exist"),
    ("train SHOP --as-of 1999-01-01", "after the first order"),
    ("backtest SHOP --horizon-days 500", "Choose at most 428 days, or give more"),
    ("backtest SHOP --horizon-days 90 --origins 0", "origins must be at least 1; got 0"),
    ("backtest refunds.csv --horizon-days 90", "no order with a positive amount"),
    ("score SHOP --as-of 2026-01-01 --out scores.json", ".parquet or .csv"),
    ("score SHOP --as-of 1999-01-01 --out s.csv", "after the first order"),
    ("score SHOP --as-of 2026-01-01 --out s.csv --reasons -1", "--reasons"),
    ("promote churn-risk 1", "Train first"),
    ("promote churn-risk latest", "VERSION"),
    ("simulate --out shop --days 10", "365"),
    ("simulate --out shop --customers 0", "--customers"),
    ("simulate --out nothing.csv", "must be a folder"),
    ("simulate --out real", "folder of a real history"),
    ("serve --scores absent.parquet", "Run holdfast score first"),
    ("serve --scores header.csv --host 0.0.0.0", "loopback"),
    ("serve --scores header.csv --port 65536", "--port"),
    ("sing", "No such command"),
    ("check SHOP --loudly", "No such option"),
]  # fmt: skip


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Path:
    """A working directory with files that cannot be used, and a real history."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "orders.csv").write_text(HEADER + ROW)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def process(code: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HOLDFAST_DEBUG": "", **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def command_that(does: str) -> str:
    """Code that runs `holdfast odd`, a command that does something no real one does."""
    return (
        "import os, signal, sys, time; from holdfast import cli\n"
        f"def odd(): {does}\n"
        "cli.app.command()(odd); sys.argv = ['holdfast', 'odd']; cli.main()"
    )


@pytest.mark.parametrize(("line", "says"), WRONG, ids=[line for line, _ in WRONG])
def test_bad_input_or_usage_ends_with_code_2_and_says_what_is_wrong(
    holdfast, desk, shop, line, says
):
    found = holdfast(*line.replace("SHOP", str(shop)).split())
    assert found.exit_code == 2
    assert says in found.stderr
    assert found.stdout == ""
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize("line", ["check nowhere --json", "check mixed.csv --json"])
def test_an_error_of_ours_is_one_line(holdfast, desk, line):
    found = holdfast(*line.split())
    assert found.stderr.startswith("error: ")
    assert found.stderr.count("\n") == 1


def test_a_failed_command_writes_no_file(holdfast, desk, shop):
    before = sorted(desk.rglob("*"))
    holdfast("score", shop, "--as-of", "2026-01-01", "--out", "scores.csv")
    holdfast("features", shop, "--as-of", "1999-01-01", "--horizon-days", 90, "--out", "f.csv")
    assert sorted(desk.rglob("*")) == before


def test_scoring_without_a_champion_ends_with_code_3(holdfast, desk, shop):
    found = holdfast("score", shop, "--as-of", "2026-01-01", "--out", "scores.csv")
    assert (found.exit_code, found.stdout) == (3, "")
    assert "Run holdfast train first" in found.stderr


def test_scoring_another_shop_ends_with_code_3(holdfast, desk, trained):
    found = holdfast(
        "score", "real", "--as-of", "2026-01-01", "--out", "scores.csv", uri=trained.uri
    )
    assert found.exit_code == 3
    assert "another shop" in found.stderr


def test_an_unforeseen_error_ends_with_code_1_and_one_line():
    found = process(command_that("raise RuntimeError('[red]boom')"))
    assert found.returncode == 1
    assert found.stderr == (
        "error: RuntimeError: [red]boom. This is a fault of Holdfast, not of your data: please "
        "report it with the command, its version and what HOLDFAST_DEBUG=1 makes it print.\n"
    )


def test_every_mistake_of_a_file_has_a_line(holdfast, tmp_path):
    (tmp_path / "orders.csv").write_text("order_id,customer_id,ordered_at,amount\n")
    (tmp_path / "history.toml").write_text('recording_lag_days = "2"\ncurency = "EUR"\n')

    lines = holdfast("check", tmp_path).stderr.splitlines()

    assert lines[0] == f"error: mapping {tmp_path / 'history.toml'}:"
    assert lines[1].startswith("recording_lag_days must be a number; got '2'.")
    assert lines[2].startswith("curency is not known here. Did you mean currency?")


def test_a_full_disk_is_no_fault_of_holdfast():
    found = process(command_that("raise OSError(28, 'No space left on device')"))

    assert found.returncode == 1
    assert found.stderr == (
        "error: OSError: [Errno 28] No space left on device. "
        "Set HOLDFAST_DEBUG=1 to see where it came from.\n"
    )


@pytest.mark.parametrize("error", ["RuntimeError('boom')", "cli.data.RequestError('boom')"])
def test_debugging_shows_where_an_error_came_from(error):
    found = process(command_that(f"raise {error}"), HOLDFAST_DEBUG="1")
    assert found.returncode in {1, 2}
    assert "Traceback" in found.stderr


def test_an_interrupt_ends_with_code_130_and_says_what_is_left():
    found = process(command_that("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)"))
    assert (found.returncode, found.stdout, found.stderr) == (
        130,
        "",
        "error: interrupted; nothing was changed.\n",
    )


def test_a_reader_that_has_left_ends_the_command_without_a_word():
    code = command_that("cli.data.output.line('x' * 100_000)")
    read, write = os.pipe()
    os.close(read)
    found = subprocess.run(
        [sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert (found.returncode, found.stderr) == (1, "")


def test_names_that_the_terminal_cannot_show_do_not_end_the_command():
    code = command_that("cli.data.output.line('Zo\\u00eb \\u2713')")
    found = process(code, PYTHONIOENCODING="ascii")
    assert (found.returncode, found.stdout) == (0, "Zo\\xeb \\u2713\n")
