"""A service as a process of the command line: what it logged, and who its children are."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 90


@dataclass(frozen=True)
class Begun:
    """A process of `holdfast`, and the file that it logs to."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def told(self, pattern: str) -> list[str]:
        return re.findall(pattern, self.log.read_text())

    @property
    def address(self) -> str:
        return self.told(r"running on (http://127\.0\.0\.1:\d+)")[0]

    @property
    def servers(self) -> list[int]:
        """Server processes that live, by their ids."""
        return [
            pid for pid in map(int, self.told(r"Started server process \[(\d+)\]")) if lives(pid)
        ]

    @property
    def children(self) -> list[int]:
        pid = self.process.pid
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    def read(self, path: str) -> str:
        with urllib.request.urlopen(f"{self.address}{path}", timeout=30) as answer:
            return answer.read().decode()


def lives(pid: int) -> bool:
    """Whether a process is there, and not only its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(is_so: Callable[[], object]) -> None:
    """Wait until something is so."""
    patience = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < patience, "it did not become so"
        time.sleep(0.05)
