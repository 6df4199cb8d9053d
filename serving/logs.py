"""The log of the service: lines for people on a terminal, JSON for machines elsewhere."""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

import structlog

LogFormat = Literal["auto", "text", "json"]


def to_stderr(format: LogFormat) -> None:
    """Write what the service logs to stderr; what others log goes where it did."""
    is_json = format == "json" or (format == "auto" and not sys.stderr.isatty())
    extra = structlog.stdlib.ExtraAdder()
    times = structlog.processors.TimeStamper(fmt="iso", utc=True)
    written: list[Any]
    if is_json:
        written = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        written = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                # Others show the variables of every frame, and with them persons.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, extra, times],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *written],
        )
    )
    ours = logging.getLogger("serving")
    ours.handlers = [handler]
    ours.setLevel(logging.INFO)
    ours.propagate = False
