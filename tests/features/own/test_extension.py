"""Code of a shop's own is found by name, and runs only as it was when a model learnt with it."""

import importlib
import pickle
import sys

import pytest

from features.errors import ExtensionError
from features.own.extension import Extension


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module into a folder on Python's path; its name is nobody else's."""
    monkeypatch.syspath_prepend(str(tmp_path))
    written, own = [], f"signals_{tmp_path.name.replace('-', '_')}"

    def write(text, name=own):
        path = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        written.append(name)
        return name

    yield write
    for name in written:
        sys.modules.pop(name, None)


def test_an_object_is_found_by_module_and_name(module):
    name = module("ANSWER = 42\n")

    assert Extension.of(f"{name}:ANSWER").load() == 42


def test_a_module_may_lie_within_a_package(module):
    module("", "holdfast_own_package.__init__")
    name = module("ANSWER = 43\n", "holdfast_own_package.signals")

    assert Extension.of(f"{name}:ANSWER").load() == 43


def test_its_digest_is_that_of_the_file(module):
    name = module("ANSWER = 42\n")
    before = Extension.of(f"{name}:ANSWER").digest
    module("ANSWER = 42  # as ever\n")

    assert len(before) == 64
    assert Extension.of(f"{name}:ANSWER").digest != before


def test_a_changed_module_is_refused_before_any_of_it_runs(module, tmp_path):
    name = module("ANSWER = 42\n")
    known = Extension.of(f"{name}:ANSWER")
    module(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nANSWER = 42\n")

    with pytest.raises(ExtensionError, match=r"has changed since\. Install the version"):
        known.load()
    assert not (tmp_path / "ran").exists()


def test_a_process_that_ran_another_version_runs_the_new_one(module):
    name = module("ANSWER = 42\n")
    Extension.of(f"{name}:ANSWER").load()
    module("ANSWER = 'forty-three'\n")

    assert Extension.of(f"{name}:ANSWER").load() == "forty-three"


def test_what_was_imported_before_in_another_version_does_not_count(module):
    name = module("ANSWER = 42\n")
    importlib.import_module(name)
    module("OTHER = 'forty-three'\n")

    with pytest.raises(ExtensionError, match="has no ANSWER"):
        Extension.of(f"{name}:ANSWER").load()
    assert Extension.of(f"{name}:OTHER").load() == "forty-three"


def test_an_object_is_the_same_at_every_look(module):
    name = module("ANSWER = object()\n")

    assert Extension.of(f"{name}:ANSWER").load() is Extension.of(f"{name}:ANSWER").load()


def test_the_packages_around_a_module_do_not_run(module, tmp_path):
    module(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n1 / 0\n", "careless.__init__")
    name = module("ANSWER = 44\n", "careless.signals")

    assert Extension.of(f"{name}:ANSWER").load() == 44
    assert not (tmp_path / "ran").exists()


def test_a_module_may_import_its_neighbours(module):
    module("", "neighbours.__init__")
    module("ANSWER = 45\n", "neighbours.base")
    name = module("from .base import ANSWER\n", "neighbours.signals")

    assert Extension.of(f"{name}:ANSWER").load() == 45


def test_classes_of_it_know_their_module(module):
    name = module(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "from typing import ClassVar\n"
        "@dataclass\nclass Answer:\n    name: ClassVar[str] = 'x'\n    value: int = 46\n"
    )
    answer = Extension.of(f"{name}:Answer").load()

    assert (answer().value, pickle.loads(pickle.dumps(answer())).value) == (46, 46)


def test_it_is_compiled_as_import_would(module):
    """Without the future of annotations, which it did not ask for."""
    name = module("class Answer:\n    value: int\n")

    assert Extension.of(f"{name}:Answer").load().__annotations__ == {"value": int}


def test_a_module_that_is_gone_since_says_so(module, tmp_path):
    name = module("ANSWER = 42\n")
    known = Extension.of(f"{name}:ANSWER")
    known.load()
    next(tmp_path.glob("*.py")).unlink()

    with pytest.raises(ExtensionError, match="Python finds no module"):
        known.load()


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("nowhere_to_be_found:X", r"no module nowhere_to_be_found .* add its folder to PYTHONPATH"),
        ("nowhere.to.be.found:X", r"no module nowhere\.to\.be\.found"),
        ("__main__:X", r"other processes can import; __main__ is the running script or notebook"),
        ("math:pi", r"one file of Python; math is "),
        ("sys:path", r"one file of Python; sys is "),
    ],
)
def test_what_is_no_module_of_python_is_refused(reference, message):
    with pytest.raises(ExtensionError, match=message):
        Extension.of(reference)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("OTHER = 1\n", r":ANSWER is not there: .* has no ANSWER\. Correct the name\."),
        ("ANSWER = 1 / 0\n", r"importing \w+ raises ZeroDivisionError: division by zero\. Correct"),
        ("ANSWER = \n", r"importing \w+ raises SyntaxError"),
        ("import sys; sys.exit(0)\n", r"importing \w+ raises SystemExit: 0"),
    ],
)
def test_a_module_that_cannot_be_used_says_why(module, text, message):
    name = module(text)

    with pytest.raises(ExtensionError, match=message):
        Extension.of(f"{name}:ANSWER").load()
