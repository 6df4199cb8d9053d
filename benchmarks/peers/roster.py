"""Who takes part: name, script, model, environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Peer:
    """A model of another library.

    Attributes
    ----------
    name : str
        As it stands in the leaderboard.
    script : str
        The file here that runs it, without `.py`.
    model : str
        What the script is told to fit.
    environment : str, optional
        Name of the requirements file; None is the environment of this project.
    """

    name: str
    script: str
    model: str
    environment: str | None

    @property
    def learns_from_labels(self) -> bool:
        """Whether it needs a label window before `as_of`."""
        return self.environment is None

    @property
    def file_name(self) -> str:
        """Fit for a file: `lifetimes-bgnbd-p_alive`."""
        return f"{self.script.removeprefix('with_')}-{self.model}".replace(":", "-")

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files that decide what it forecasts, besides the data."""
        needs = () if self.environment is None else (requirements(self.environment),)
        return (HERE / f"{self.script}.py", HERE / "job.py", *needs)


def requirements(environment: str) -> Path:
    """The pinned packages of an environment."""
    return HERE / f"requirements-{environment}.txt"


def _of(library: str, models: dict[str, str]) -> tuple[Peer, ...]:
    return tuple(
        Peer(f"{library.replace('_', '-')} {title}", f"with_{library}", model, library)
        for model, title in models.items()
    )


PEERS = (
    *_of(
        "lifetimes",
        {
            "bgnbd": "BG/NBD",
            "mbgnbd": "MBG/NBD",
            "paretonbd": "Pareto/NBD",
            "bgnbd:p_alive": "BG/NBD, 1 - P(alive)",
        },
    ),
    Peer("default LightGBM on RFM", "with_lightgbm", "default", None),
    *_of(
        "clvkit",
        {"bgnbd": "BG/NBD", "mbgnbd": "MBG/NBD", "mbgnbd:p_alive": "MBG/NBD, 1 - P(alive)"},
    ),
    *_of(
        "pymc_marketing",
        {"bgnbd": "BG/NBD (MAP)", "mbgnbd": "MBG/NBD (MAP)", "paretonbd": "Pareto/NBD (MAP)"},
    ),
)
