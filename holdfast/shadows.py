"""Whether Holdfast's packages are found under their names, or others that are called the same."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("features", "simulation", "training", "offers", "serving")
# However Holdfast is installed, its packages lie side by side.
HOME = Path(__file__).parents[1]


def elsewhere() -> str | None:
    """Say which package is found elsewhere than beside `holdfast`, and what to do about it.

    It looks for the packages without importing them.

    Returns
    -------
    str or None
        One sentence about the first such package; None if all are Holdfast's own.
    """
    for name in PACKAGES:
        ours, found = HOME / name, _file(name)
        if found is None:
            return f"{name} must be in {ours}; got no such package. Install Holdfast again."
        if found.parent.resolve() != ours.resolve():
            return _hidden(name, ours, found)
    return None


def overwritten() -> str | None:
    """Say which package several distributions share, and what to do about it.

    It reads what every distribution installed, which takes long: for when an import has failed.

    Returns
    -------
    str or None
        One sentence about the first such package; None if each has one owner.
    """
    from importlib.metadata import packages_distributions

    owners = packages_distributions()
    for name in PACKAGES:
        sharing = sorted(set(owners.get(name, ())))
        if len(sharing) > 1:
            return (
                f"{name} must belong to Holdfast alone; got {' and '.join(sharing)}, which wrote "
                f"over each other's files in {HOME / name}. Uninstall them, then install Holdfast "
                "in a virtual environment of its own."
            )
    return None


def _file(name: str) -> Path | None:
    """The file that `import name` would run."""
    spec = find_spec(name)
    return Path(spec.origin) if spec is not None and spec.origin else None


def _hidden(name: str, ours: Path, found: Path) -> str:
    entry = found.parents[1] if found.stem == "__init__" else found.parent
    return (
        f"{name} must be Holdfast's own package, {ours}; got {found}, which comes first on "
        f"Python's path. Take {entry} off the path: run holdfast, not python -m holdfast, if it "
        "is the working directory; unset PYTHONPATH if it is in there; else install Holdfast in "
        "a virtual environment of its own."
    )
