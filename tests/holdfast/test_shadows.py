import os
import subprocess
import sys
from pathlib import Path

import pytest

import holdfast
from holdfast.shadows import PACKAGES, elsewhere, overwritten

HOME = Path(holdfast.__file__).parents[1]
HEAVY = ("numpy", "pandas", "polars", "mlflow", "lightgbm", "typer", *PACKAGES)


def run(place: Path, *arguments: str, path: object = HOME) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder with another one first on its path."""
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{HOME}"},
        cwd=place,
        capture_output=True,
        text=True,
    )


def test_the_packages_side_by_side_are_no_reason_to_complain():
    assert elsewhere() is None
    assert overwritten() is None


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_of_the_same_name_on_the_path_is_named_with_its_place(tmp_path, name):
    theirs = tmp_path / "mine" / name / "__init__.py"
    theirs.parent.mkdir(parents=True)
    theirs.touch()
    ended = run(tmp_path, "-m", "holdfast", "--help", path=tmp_path / "mine")
    assert (ended.returncode, ended.stdout) == (2, "")
    own = f"{name} must be Holdfast's own package, {HOME / name}; got {theirs}, which"
    assert ended.stderr.startswith(f"error: {own}")
    assert f"Take {tmp_path / 'mine'} off the path" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_module_of_the_same_name_where_one_works_is_named_with_its_place(tmp_path):
    (tmp_path / "training.py").touch()
    ended = run(tmp_path, "-m", "holdfast", "--help")
    assert ended.returncode == 2
    assert f"got {tmp_path / 'training.py'}, which" in ended.stderr
    assert f"Take {tmp_path} off the path" in ended.stderr


def test_a_folder_that_is_no_package_hides_none(tmp_path):
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "notes.txt").touch()
    assert run(tmp_path, "-m", "holdfast", "--help").returncode == 0


def test_the_same_folder_by_another_way_is_ours(tmp_path):
    (tmp_path / "link").symlink_to(HOME)
    assert run(tmp_path, "-m", "holdfast", "--help", path=tmp_path / "link").returncode == 0


@pytest.fixture
def alone(tmp_path) -> Path:
    """Holdfast without the packages that belong beside it."""
    (tmp_path / "holdfast").symlink_to(HOME / "holdfast")
    return tmp_path


def test_a_package_that_is_gone_is_named_with_its_place(alone):
    # Neither PYTHONPATH nor installed packages: there is only what lies in the folder.
    ended = run(alone, "-E", "-S", "-m", "holdfast")
    assert ended.returncode == 2
    gone = f"error: features must be in {alone / 'features'}; got no such package. Install"
    assert ended.stderr.startswith(gone)


def test_a_package_that_another_distribution_wrote_over_is_named_with_its_owners(alone):
    for name in PACKAGES[1:]:
        (alone / name).symlink_to(HOME / name)
    theirs = alone / "features" / "errors.py"
    theirs.parent.mkdir()
    theirs.touch()
    (theirs.parent / "__init__.py").touch()
    for owner in ("other", "ours"):
        (alone / f"{owner}-1.dist-info").mkdir()
        (alone / f"{owner}-1.dist-info" / "METADATA").write_text(f"Name: {owner}\n")
        (alone / f"{owner}-1.dist-info" / "RECORD").write_text("features/errors.py,,\n")
    ended = run(alone, "-m", "holdfast")
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: features must belong to Holdfast alone; got other and")
    assert f"files in {theirs.parent}. Uninstall them" in ended.stderr


def test_the_look_imports_nothing_heavy_and_none_of_the_packages(tmp_path):
    code = f"elsewhere(); print([name for name in {HEAVY} if name in sys.modules])"
    ended = run(tmp_path, "-c", f"import sys; from holdfast.shadows import elsewhere; {code}")
    assert ended.stdout.strip() == "[]"
