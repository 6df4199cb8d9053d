"""What the command line says: results on stdout; progress, warnings and errors on stderr."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from textwrap import wrap
from typing import Any

from rich.console import Console
from rich.text import Text

from features.plain import plain

# Characters, where nobody says how wide the screen is: the widest table fits.
WIDTH = 120
# In a log, progress is told no more often.
QUIET_SECONDS = 5.0
Tell = Callable[[str], None]


def stdout() -> Console:
    """The console for results."""
    return _console(sys.stdout.isatty(), stderr=False)


def stderr() -> Console:
    """The console for everything else."""
    return _console(sys.stderr.isatty(), stderr=True)


def clean(value: object) -> str:
    r"""One line of text from data, with nothing in it that could steer a terminal.

    Examples
    --------
    >>> clean("a\x1b[31m b\n c")
    'a�[31m b c'
    """
    return _printable(" ".join(str(value).split()))


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


def text(value: object, style: str = "") -> Text:
    """Text from data for a table or a line, never read as markup."""
    return Text(clean(value), style=style)


def instant(iso: str) -> str:
    """An ISO instant without its time where that is midnight.

    Examples
    --------
    >>> instant("2026-01-01T00:00:00"), instant("2026-01-01T08:00:00")
    ('2026-01-01', '2026-01-01T08:00:00')
    """
    return iso.removesuffix("T00:00:00")


def line(value: object = "", style: str = "", indent: int = 0) -> None:
    """Print one line of result; it is not wrapped, so that it can be copied and searched."""
    stdout().print(Text(" " * indent) + text(value, style), soft_wrap=True)


def verbatim(value: str) -> None:
    """Print one line of a file with its blanks, and nothing in it that could steer a terminal."""
    stdout().print(Text(_printable(value)), soft_wrap=True)


def paragraph(value: object, style: str = "", indent: int = 0) -> None:
    """Print prose: wrapped to a terminal's width, one line in a pipe."""
    console = stdout()
    if not console.is_terminal:
        line(value, style, indent)
        return
    for part in wrap(clean(value), max(console.width - indent, 40)):
        line(part, style, indent)


def error(message: str) -> None:
    """Print an error in one line, or several mistakes of a file in a line each."""
    first, *others = message.splitlines() or [""]
    stderr().print(Text.assemble(("error: ", "bold red"), clean(first)), soft_wrap=True)
    for mistake in others:
        stderr().print(text(mistake), soft_wrap=True)


def notes(messages: list[str]) -> None:
    """Print what was understood, one line each."""
    for message in messages:
        stderr().print(Text.assemble(("note: ", "cyan"), clean(message)), soft_wrap=True)


def warnings(messages: list[str]) -> None:
    """Print warnings, one line each."""
    for message in messages:
        stderr().print(Text.assemble(("warning: ", "yellow"), clean(message)), soft_wrap=True)


def document(content: dict[str, Any]) -> None:
    """Print the one JSON document of a command."""
    sys.stdout.write(json.dumps(plain(content), indent=2, allow_nan=False) + "\n")


@contextmanager
def progress() -> Iterator[Tell]:
    """Tell on stderr what is being done: a line that changes on a terminal, else a line at times.

    Whatever the libraries print meanwhile goes to stderr too.
    """
    console = stderr()
    if not console.is_terminal:
        with redirect_stdout(sys.stderr):
            yield _now_and_then(console)
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as display:
        task = display.add_task("reading", total=None)
        yield lambda words: display.update(task, description=clean(words))


def _now_and_then(console: Console) -> Tell:
    """What is quick is not worth a line in a log."""
    due = time.monotonic() + QUIET_SECONDS

    def tell(words: str) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + QUIET_SECONDS
            console.print(text(words), soft_wrap=True)

    return tell


def _console(is_terminal: bool, stderr: bool) -> Console:
    """A pipe has no width; the wider one keeps tables whole there."""
    width = None if is_terminal or "COLUMNS" in os.environ else WIDTH
    return Console(stderr=stderr, width=width, highlight=False, emoji=False, markup=False)
