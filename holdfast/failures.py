"""From errors to exit codes: 2 what the user can mend, 3 no champion, 1 anything else."""

from __future__ import annotations

import os
import sys
import traceback
from types import TracebackType
from typing import Any

import typer
from typer.core import TyperGroup

from features.errors import ExtensionError, HistoryError
from holdfast.render import output
from offers.errors import OffersError
from serving.errors import ServingError, StoreUnavailableError
from training.errors import NoChampionError, TrainingError

DEBUG = "HOLDFAST_DEBUG"
# All others write one whole file, or move an alias, as the last thing they do.
WRITES_AS_IT_GOES = ("demo", "simulate", "import")
# Exit codes; 130 is what a shell gives for an interrupt.
BAD_INPUT, NO_CHAMPION, INTERRUPTED = 2, 3, 130


class RequestError(ValueError):
    """What was asked of the command line cannot be done as asked; the message says why."""


EXPECTED = (
    HistoryError,
    ExtensionError,
    TrainingError,
    OffersError,
    ServingError,
    StoreUnavailableError,
    RequestError,
)


class CommandGroup(TyperGroup):
    """The group of all commands, which tells errors in one line on stderr."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error that the user can act on becomes its exit code."""
        try:
            result = super().invoke(ctx)
            # Here, and not when the interpreter ends, a reader that has left is still noticed.
            sys.stdout.flush()
        except KeyboardInterrupt:
            stays = ctx.invoked_subcommand in WRITES_AS_IT_GOES
            left = "what was written so far stays" if stays else "nothing was changed"
            output.error(f"interrupted; {left}.")
            raise typer.Exit(INTERRUPTED) from None
        except EXPECTED as error:
            if is_debugging():
                traceback.print_exc()
            output.error(str(error))
            code = NO_CHAMPION if isinstance(error, NoChampionError) else BAD_INPUT
            raise typer.Exit(code) from None
        return result


def tell_unexpected(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Tell an error nobody foresaw in one line; Python then ends with exit code 1."""
    if is_debugging():
        sys.__excepthook__(kind, error, trace)
    elif issubclass(kind, OSError | MemoryError):
        output.error(f"{kind.__name__}: {error}. Set {DEBUG}=1 to see where it came from.")
    elif not issubclass(kind, KeyboardInterrupt):
        output.error(
            f"{kind.__name__}: {error}. This is a fault of Holdfast, not of your data: please "
            f"report it with the command, its version and what {DEBUG}=1 makes it print."
        )


def is_debugging() -> bool:
    """Whether the environment asks for tracebacks."""
    return os.environ.get(DEBUG, "") not in {"", "0"}
