"""Code of a shop's own is found by name, and runs only as it was when a model learnt with it."""

import importlib
import sys

import pytest

from features.errors import ExtensionError
from features.own.extension import RUN, Extension


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
        RUN.pop(name, None)


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
    ],
)
def test_a_module_that_cannot_be_used_says_why(module, text, message):
    name = module(text)

    with pytest.raises(ExtensionError, match=message):
        Extension.of(f"{name}:ANSWER").load()
