"""The log of the service: lines for people on a terminal, JSON for machines elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

LogFormat = Literal["auto", "text", "json"]
LOGGERS = ("serving", "uvicorn")


def to_stderr(format: LogFormat) -> None:
    """Write what the service and uvicorn log to stderr; what others log goes where it did."""
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
            foreign_pre_chain=[structlog.stdlib.add_log_level, extra, times, _plain],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *written],
        )
    )
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(logging.INFO)
        logger.propagate = False


def _plain(logger: Any, name: str, facts: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Without what uvicorn would write on a terminal instead."""
    facts.pop("color_message", None)
    return facts
