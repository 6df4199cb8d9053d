"""One virtual environment per library, made once from pinned requirements."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.peers.roster import requirements

READY = "requirements-installed.txt"


def python_of(environment: str | None, cache: Path) -> Path:
    """The interpreter of an environment, installing it if its requirements are not there yet.

    Parameters
    ----------
    environment : str or None
        Name of the requirements file; None is the running interpreter.
    cache : Path

    Raises
    ------
    subprocess.CalledProcessError
        If pip cannot install; it has said why on the terminal.
    """
    if environment is None:
        return Path(sys.executable)
    folder = cache / "envs" / environment
    python = folder / "bin" / "python"
    wanted = requirements(environment).read_text(encoding="utf-8")
    ready = folder / READY
    if not ready.is_file() or ready.read_text(encoding="utf-8") != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        needed = str(requirements(environment))
        subprocess.run([*pip, "install", "--requirement", needed], check=True)
        ready.write_text(wanted, encoding="utf-8")
    return python
