import sys
from datetime import UTC, datetime

import numpy as np
import pytest

from holdfast.render import output


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\tb\r\nc", "a b c"),
        ("\x1b[2Jgone", "�[2Jgone"),
        ("evil\u202etxt", "evil�txt"),
        ("[bold]Zoë[/bold] :smile:", "[bold]Zoë[/bold] :smile:"),
        (7, "7"),
    ],
)
def test_text_from_data_is_one_line_without_control_characters(given, shown):
    assert output.clean(given) == shown


def test_lines_are_printed_as_they_are_however_long(capsys):
    output.line("[red]" + "x" * 300, indent=2)
    assert capsys.readouterr().out == "  [red]" + "x" * 300 + "\n"


def test_a_document_is_json_without_nan(capsys):
    output.document({"auc": np.float64("nan"), "rows": np.int64(3), "flags": (np.bool_(True),)})
    printed = capsys.readouterr().out
    assert printed == '{\n  "auc": null,\n  "rows": 3,\n  "flags": [\n    true\n  ]\n}\n'


def test_instants_in_a_document_are_iso_text():
    assert output.plain({"at": datetime(2026, 1, 1, 8, tzinfo=UTC)}) == {
        "at": "2026-01-01T08:00:00+00:00"
    }


def test_quick_work_says_nothing_in_a_log(capsys):
    with output.progress() as tell:
        tell("reading")
    assert capsys.readouterr() == ("", "")


def test_slow_work_says_at_times_on_stderr_what_it_does(capsys, monkeypatch):
    monkeypatch.setattr(output, "QUIET_SECONDS", 0.0)
    with output.progress() as tell:
        tell("snapshot 1 of 2")
        tell("snapshot 2 of 2")
    assert capsys.readouterr() == ("", "snapshot 1 of 2\nsnapshot 2 of 2\n")


def test_what_libraries_print_meanwhile_goes_to_stderr(capsys):
    with output.progress():
        print("chatter")
    print("result")
    assert capsys.readouterr() == ("result\n", "chatter\n")


def test_a_terminal_shows_progress_in_one_line_that_goes_away(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with output.progress() as tell:
        tell("[fitting]")
    shown = capsys.readouterr().err
    assert "[fitting]" in shown
    assert shown.endswith("\x1b[2K")


def test_prose_is_wrapped_on_a_terminal_only(capsys, monkeypatch):
    output.paragraph("word " * 50)
    assert capsys.readouterr().out.count("\n") == 1
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    output.paragraph("word " * 50, indent=4)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("    word") and len(line) <= 60 for line in lines)
