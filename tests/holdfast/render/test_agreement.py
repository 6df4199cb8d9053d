"""Counts agree with their nouns and verbs wherever words are made: read from the source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FILES = [
    file
    for package in ("features/quality", "holdfast", "offers")
    for file in sorted((ROOT / package).rglob("*.py"))
]
NOUN = re.compile(
    r"\s*(more )?(\w+ )?(customers|orders|rows|refunds|days|offers|assignments|problems|buyers)\b"
)
VERB = re.compile(r"\s*(are|have|were|do|share|dominate|count|hold|come|stay)\b")
# Of these there are always several, or the count is one of several.
OF_SEVERAL = re.compile(r"(\bof|\ball|\b(within|in) the last|where|/)\s*$")


def sentences(tree: ast.AST) -> Iterator[list[ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.values


def is_count(part: ast.expr) -> bool:
    """A value shown with thousands set apart and no places, which is how counts are shown."""
    if not isinstance(part, ast.FormattedValue) or part.format_spec is None:
        return False
    return ast.unparse(part.format_spec) in {"f','", "f',.0f'"}


def is_noun_only(part: ast.expr) -> bool:
    """`many` with a noun and no verb."""
    if not isinstance(part, ast.FormattedValue) or not isinstance(part.value, ast.Call):
        return False
    call = part.value
    return ast.unparse(call.func) == "many" and len(call.args) == 2


def slips(source: str) -> list[str]:
    found = []
    for parts in sentences(ast.parse(source)):
        before = ""
        for part, following in zip(parts, [*parts[1:], ast.Constant("")], strict=True):
            after = str(following.value) if isinstance(following, ast.Constant) else ""
            if is_count(part) and NOUN.match(after) and not OF_SEVERAL.search(before):
                found.append(ast.unparse(part) + after)
            if is_noun_only(part) and VERB.match(after):
                found.append(ast.unparse(part) + after)
            before = str(part.value) if isinstance(part, ast.Constant) else ""
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_no_count_disagrees_with_its_noun_or_verb(file):
    assert slips(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "slip",
    [
        "f'{n:,} customers bought'",
        "f'{n:,} eligible customers get'",
        "f\"{many(n, 'customer')} dominate\"",
        "f\"{many(n, 'row')} are left out\"",
    ],
)
def test_a_slip_is_found(slip):
    assert len(slips(slip)) == 1


@pytest.mark.parametrize(
    "right",
    [
        "f'one of {n:,} customers'",
        "f\"{many(n, 'customer dominates', 'customers dominate')}: \"",
        "f\"{many(n, 'customer')} bought on one day\"",
    ],
)
def test_what_agrees_is_no_slip(right):
    assert slips(right) == []
