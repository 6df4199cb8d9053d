"""The house stays one in which a newcomer finds the way: small rooms, small files, no circles."""

import ast
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

PACKAGES = ("features", "simulation", "training", "offers", "serving", "holdfast")
ROOT = Path(__file__).parents[1]
FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
MOST_FILES, MOST_LINES, MOST_BODY = 16, 350, 60


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Every import between files, those inside functions and for type checkers included."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def test_no_file_imports_what_imports_it(imports):
    try:
        tuple(TopologicalSorter(imports).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_folder_is_too_full():
    folders = defaultdict(list)
    for file in FILES:
        folders[file.parent.relative_to(ROOT).as_posix()].append(file.name)

    assert {
        folder: len(files) for folder, files in folders.items() if len(files) > MOST_FILES
    } == {}


def test_no_file_is_too_long():
    lines = {
        file.relative_to(ROOT).as_posix(): len(file.read_text().splitlines()) for file in FILES
    }

    assert {file: count for file, count in lines.items() if count > MOST_LINES} == {}


def test_no_function_is_too_long():
    found = {}
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                if lines > MOST_BODY:
                    found[f"{file.relative_to(ROOT)}:{node.name}"] = lines

    assert found == {}
