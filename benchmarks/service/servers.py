"""Servers of our own on loopback, and what they use of the machine (Linux)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

HOST = "127.0.0.1"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# In seconds.
PATIENCE, GRACE = 120.0, 20.0
JSON = {"Content-Type": "application/json"}


class Client:
    """One connection that stays open."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection(HOST, port, timeout=PATIENCE)

    def ask(self, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and content of an answer: to a POST where there is a body, else to a GET."""
        self._connection.request("GET" if body is None else "POST", path, body, JSON)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def require(self, path: str, body: bytes | None = None) -> bytes:
        """The content of an answer that has to be a 200."""
        status, content = self.ask(path, body)
        if status != 200:
            raise SystemExit(f"{path} must answer 200; got {status}: {content[:500]!r}")
        return content


@dataclass(frozen=True)
class Server:
    """A process that listens, with the processes that it started itself.

    Attributes
    ----------
    pid, port : int
    cpu_to_answer : float
        CPU seconds from its start to its first answer.
    """

    pid: int
    port: int
    cpu_to_answer: float

    @property
    def client(self) -> Client:
        """A connection to it."""
        return Client(self.port)

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds used so far."""
        return _cpu_seconds(self.pid)

    def memory_mb(self, what: str = "VmRSS") -> float:
        """Memory that it holds, or with `VmHWM` the most that it ever held, in MB."""
        return sum(_status_mb(pid, what) for pid in _family(self.pid))


@contextmanager
def running(
    command: Sequence[str], port: int, path: str, settings: Mapping[str, str], log: Path
) -> Iterator[Server]:
    """Run a server until the block ends; it is there once a path answers 200."""
    environment = {**os.environ, **settings}
    with log.open("w") as told:
        process = subprocess.Popen(
            command, env=environment, stdout=told, stderr=told, start_new_session=True
        )
        try:
            _wait(process, port, path, log)
            yield Server(process.pid, port, _cpu_seconds(process.pid))
        finally:
            _stop(process)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        return int(listening.getsockname()[1])


def cpu_of(command: Sequence[str]) -> float:
    """CPU seconds of a command that ends by itself."""
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} must end with 0; got {process.returncode}")
    return used.ru_utime + used.ru_stime


def _wait(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    patience = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < patience:
        try:
            if Client(port).ask(path)[0] == 200:
                return
        except (OSError, HTTPException):
            pass
        time.sleep(0.02)
    raise SystemExit(f"the server did not start: {log.read_text()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a server with its session: MLflow's stands behind a shell."""
    for end in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, end)
            process.wait(GRACE)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
    process.wait()


def _cpu_seconds(pid: int) -> float:
    return sum(sum(map(int, _stat(each)[11:15])) for each in _family(pid)) / TICKS_PER_SECOND


def _family(pid: int) -> list[int]:
    """A process and those that come from it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))):
            parents[int(entry.name)] = int(fields[1])
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def _stat(pid: int) -> list[str]:
    """Fields of a process from its state on, which may hold anything in front; none if it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _status_mb(pid: int, what: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split(f"{what}:")[1].split()[0]) / 1024
