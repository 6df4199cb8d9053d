"""A model as a folder of plain files: JSON for what is small, LightGBM text for the trees."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from features.errors import ExtensionError
from training.errors import TrainingError

# Raised whenever what is written cannot be read by the code before.
FORMAT_VERSION = 4
MODEL_FILE = "model.json"
SCORING_FILE = "scoring.json"


def write(folder: Path | str, content: Mapping[str, Any]) -> None:
    """Write `model.json` with the format version into a folder, which is made if absent."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / MODEL_FILE, {"format_version": FORMAT_VERSION, **content})


def write_scoring(folder: Path, content: Mapping[str, Any]) -> None:
    """Write `scoring.json`, what scoring needs beside the model, into the folder of a model."""
    _write(folder / SCORING_FILE, content)


def read(folder: Path | str, kind: str | None = None) -> dict[str, Any]:
    """Read `model.json` from a folder.

    Raises
    ------
    TrainingError
        If there is no model, it is of another kind, or its format is not known here.
    """
    path = Path(folder) / MODEL_FILE
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise TrainingError(f"{folder} holds no model: {MODEL_FILE} is missing.") from None
    except json.JSONDecodeError as error:
        raise TrainingError(f"{path} is damaged: {error}. Train again.") from None
    version = content.get("format_version")
    if version != FORMAT_VERSION:
        raise TrainingError(
            f"{path} has format version {version}; this version of holdfast reads "
            f"{FORMAT_VERSION}. Install the version that wrote it, or train again."
        )
    if kind is not None and content.get("kind") != kind:
        raise TrainingError(f"{path} is a {content.get('kind')} model; expected {kind}.")
    return content


def read_scoring(folder: Path | str) -> dict[str, Any]:
    """Read what `write_scoring` wrote; use it within `undamaged`."""
    content: dict[str, Any] = json.loads((Path(folder) / SCORING_FILE).read_text(encoding="utf-8"))
    return content


@contextmanager
def undamaged(folder: Path | str) -> Iterator[None]:
    """Tell what goes wrong with the files of a model as an error of the model.

    Raises
    ------
    TrainingError
        If a file is missing or not as it was written.
    """
    try:
        yield
    except (TrainingError, ExtensionError):
        raise
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise TrainingError(
            f"{folder} is damaged, or was written by another version of holdfast: "
            f"{type(error).__name__} {error}. Train again."
        ) from error


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
