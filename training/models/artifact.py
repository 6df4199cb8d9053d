"""A model as a folder of plain files: JSON for what is small, LightGBM text for the trees.

LightGBM ends the process where its text is damaged, and takes a changed digit for what it is: so no
file is parsed before its digest is that of what was written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from features.errors import ExtensionError
from training.errors import TrainingError

# Raised whenever what is written cannot be read by the code before.
FORMAT_VERSION = 5
MODEL_FILE = "model.json"
SCORING_FILE = "scoring.json"
# SHA-256 of every other file of the folder; folders within have one of their own.
DIGESTS_FILE = "digests.json"


def write(folder: Path | str, content: Mapping[str, Any]) -> None:
    """Write `model.json` into a folder, which is made if absent, after all its other files."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / MODEL_FILE, {"format_version": FORMAT_VERSION, **content})
    _seal(folder)


def plain(content: Mapping[str, Any]) -> dict[str, Any]:
    """Content as JSON gives it back.

    Raises
    ------
    TypeError, ValueError
        If JSON cannot hold it.
    """
    found: dict[str, Any] = json.loads(json.dumps(content, allow_nan=False))
    return found


def write_scoring(folder: Path, content: Mapping[str, Any]) -> None:
    """Write `scoring.json`, what scoring needs beside the model, into the folder of a model."""
    _write(folder / SCORING_FILE, content)
    _seal(folder)


def read(folder: Path | str, kind: str | None = None) -> dict[str, Any]:
    """Read `model.json` from a folder, all of whose files are as they were written.

    Raises
    ------
    TrainingError
        If there is no model, it is of another kind, its format is not known here, or a file is
        missing or has changed.
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
    _require_sealed(Path(folder))
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


def _seal(folder: Path) -> None:
    """Write the digests of all files of a folder."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    digests = {path.name: _digest(path) for path in files if path.name != DIGESTS_FILE}
    _write(folder / DIGESTS_FILE, digests)


def _require_sealed(folder: Path) -> None:
    with undamaged(folder):
        digests = json.loads((folder / DIGESTS_FILE).read_text(encoding="utf-8"))
        changed = [name for name, digest in digests.items() if _digest(folder / name) != digest]
    if changed:
        raise TrainingError(
            f"{folder} is damaged: {', '.join(changed)} changed after it was written (SHA-256). "
            "Restore the folder from a copy, or train again."
        )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
