"""A folder with a shop and a module of its own outside the packages, where a page is followed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import holdfast

HOME = Path(holdfast.__file__).parents[1]
AS_OF = "2026-01-01"
SCORE = ["score", "shop", "--as-of", AS_OF, "--out", "again.parquet"]


class Page:
    """A page of the documentation, whose blocks of code are run as they stand."""

    def __init__(self, name: str) -> None:
        self.text = (HOME / "docs" / name).read_text(encoding="utf-8")
        self.blocks = re.findall(r"^```(\w+)\n(.*?)^```$", self.text, re.M | re.S)

    def block(self, language: str, about: str) -> str:
        """The block in a language that holds some words."""
        (found,) = [text for named, text in self.blocks if named == language and about in text]
        return str(found)

    def commands(self) -> list[list[str]]:
        """The words of every command after `holdfast`."""
        lines = "".join(text for named, text in self.blocks if named == "sh").splitlines()
        return [line.split()[1:] for line in lines]


@dataclass(frozen=True)
class Place:
    """The folder; processes are started in it, and it is not on Python's path."""

    folder: Path
    name: str

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    @property
    def module(self) -> Path:
        return self.folder / "myshop" / f"{self.name}.py"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(HOME), "MLFLOW_TRACKING_URI": self.uri}

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A process of its own in the folder."""
        return subprocess.run(
            [sys.executable, "-P", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )

    def holdfast(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "holdfast", *words)

    def follow(self, words: list[str]) -> str:
        """A command that works, and what it prints."""
        done = self.holdfast(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def served(self) -> Iterator[str]:
        """The address of a service of the scores."""
        words = ["-m", "holdfast", "serve", "--scores", "scores.parquet", "--port", "0"]
        process = subprocess.Popen(
            [sys.executable, "-P", *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        said = (re.search(r"running on (http://127\.0\.0\.1:\d+)", line) for line in process.stderr)
        try:
            yield next(found.group(1) for found in said if found)
        finally:
            process.kill()
            process.wait()
            process.stderr.close()


def answer(address: str, body: object = None) -> dict[str, Any]:
    """What a service answers, as JSON."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked) as found:
        return dict(json.load(found))


@contextmanager
def rewritten(file: Path, text: str | None) -> Iterator[None]:
    """A file that is gone, or holds something else, for a while."""
    before = file.read_text()
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    yield
    file.write_text(before)


def refuses(place: Place, text: str | None, needed: str, said: str) -> None:
    """Scoring and serving say what is wrong with a module that is gone, or holds something else."""
    with rewritten(place.module, text):
        done = place.holdfast(*SCORE)
        with place.served() as address:
            with pytest.raises(urllib.error.HTTPError) as refused:
                answer(f"{address}/readyz")
            problem = json.load(refused.value)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"error: {needed} ")
    assert said in done.stderr
    assert (refused.value.code, said in problem["detail"]) == (503, True)
    assert not (place.folder / "again.parquet").exists()
