"""The public face of every package: what is documented is there, and costs nothing to import."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "python.md").read_text(encoding="utf-8")
HEAVY = {"numpy", "pandas", "polars", "mlflow", "lightgbm", "scipy", "sklearn"}
FACES = ("features", "training", "offers", "simulation")


def documented(package: str) -> list[str]:
    section = PAGE.partition(f"\n## {package}\n")[2].partition("\n## ")[0]
    first_cells = re.findall(r"^\| (`.+?) \|", section, re.M)
    return re.findall(r"`(\w+)`", " ".join(first_cells))


@pytest.mark.parametrize("package", FACES)
def test_the_face_is_what_is_documented(package):
    face = importlib.import_module(package)

    assert sorted(face.WHERE) == sorted(documented(package))


@pytest.mark.parametrize("package", [*FACES, "features.history", "training.uplift"])
def test_every_name_is_there_and_for_type_checkers_too(package):
    face = importlib.import_module(package)
    source = Path(face.__file__).read_text(encoding="utf-8")

    for name, module in face.WHERE.items():
        assert getattr(face, name) is getattr(importlib.import_module(module), name)
        assert f"from {module} import {name} as {name}\n" in source


@pytest.mark.parametrize("package", FACES)
def test_another_name_is_refused_as_by_any_module(package):
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nonsense'"):
        importlib.import_module(package).nonsense  # noqa: B018  # reading it is what is tried


@pytest.mark.parametrize(
    "code", ["import features, training, offers, simulation", "import holdfast.cli"]
)
def test_importing_imports_nothing_heavy(code):
    shown = f"{code}; import sys; print(*{HEAVY!r} & {{*sys.modules}})"

    assert subprocess.check_output([sys.executable, "-c", shown], text=True) == "\n"


def test_the_doors_that_others_use_stay():
    from features.history import History
    from training.churn import ChurnModel
    from training.clv import CLVModel
    from training.uplift import UpliftModel

    assert [door.__name__ for door in (History, ChurnModel, CLVModel, UpliftModel)] == [
        "History",
        "ChurnModel",
        "CLVModel",
        "UpliftModel",
    ]
