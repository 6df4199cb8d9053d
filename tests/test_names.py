"""Every noun of the code is explained to a reader: the classes stand in docs/definitions.md."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("features", "simulation", "training", "offers", "serving", "holdfast")
PAGE = ROOT / "docs" / "definitions.md"
ROW = re.compile(r"^\| `(\w+)` \| `([\w./]+)` \| (.+) \|$", re.M)


def classes() -> list[tuple[str, str, str]]:
    """Name, file and first line of the docstring of every public class."""
    found = []
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    about = (ast.get_docstring(node) or "").partition("\n")[0]
                    found.append((node.name, file.relative_to(ROOT).as_posix(), about))
    return sorted(found)


def test_every_class_is_explained_where_words_are_explained():
    section = PAGE.read_text(encoding="utf-8").partition("\n## Names in the code\n")[2]

    assert ROW.findall(section) == classes(), "\n".join(
        f"| `{name}` | `{file}` | {about} |" for name, file, about in classes()
    )


def test_no_two_classes_have_one_name():
    names = [name for name, _, _ in classes()]

    assert sorted({name for name in names if names.count(name) > 1}) == []
