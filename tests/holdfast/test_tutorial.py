"""docs/tutorial-campaigns.md: every command runs, and prints the lines that the page explains."""

import re
import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.commands import demo_campaign, demo_shop
from offers.planning.plan import NOTHING_PAYS, OTHERS_FIRST

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "tutorial-campaigns.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
NUMBER = re.compile(r"[+-]?\d[\d,.:-]*%?")
# Which of these are printed depends on the figures.
OPEN = ("warning: exploration", "Verdict: ", "What to do next: ")
RULE = re.compile(r"^ ?─+ *$")


@dataclass(frozen=True)
class Followed:
    """What the commands printed, by command; and all of it."""

    printed: dict[str, str]
    everything: str


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(PAGE) if found == language]


def commands() -> list[str]:
    lines = "".join(blocks("sh")).splitlines()
    return [line for line in lines if line.startswith("holdfast ")]


@contextmanager
def unchanged(uri: str, copy: Path) -> Iterator[None]:
    """Take back what is registered meanwhile: others use the store too."""
    ours, spare = sqlite3.connect(uri.removeprefix("sqlite:///")), sqlite3.connect(copy)
    with closing(ours) as store, closing(spare) as before:
        store.backup(before)
        yield
        before.backup(store)


@pytest.fixture(scope="module")
def followed(holdfast, campaign, after, tmp_path_factory) -> Followed:
    """Follow the page in a shop where a campaign was run; its store is as before afterwards."""
    place = tmp_path_factory.mktemp("tutorial")
    folder = place / "demo"
    folder.mkdir()
    (folder / "shop").symlink_to(after)
    shutil.copy(campaign.plan, folder / "plan.csv")
    offers, first = blocks("toml")
    (folder / "offers.toml").write_text(offers, encoding="utf-8")
    (folder / "first.toml").write_text(first, encoding="utf-8")
    printed = {}
    with pytest.MonkeyPatch.context() as patch, unchanged(campaign.uri, place / "copy.db"):
        patch.chdir(place)
        for command in commands():
            found = holdfast(*shlex.split(command)[1:], uri=campaign.uri)
            assert found.exit_code == 0, found.output
            printed[command] = found.stderr + found.stdout
    return Followed(printed, "".join(printed.values()))


def masked(line: str) -> str:
    """A line without its numbers, which are of another shop, and its spaces."""
    return " ".join(NUMBER.sub("#", line).split())


def headers(printed: str) -> set[str]:
    """The headings of all tables: what stands above a rule, in columns two blanks apart."""
    lines = printed.splitlines()
    heads = [lines[i - 1] for i, line in enumerate(lines) if i and RULE.match(line)]
    return {cell for head in heads for cell in re.split(r"\s{2,}", head.strip())}


def defined() -> set[str]:
    rows = re.findall(r"^\| (.+?) \|", (DOCS / "definitions.md").read_text("utf-8"), re.M)
    return {row.replace("`", "") for row in rows} | {
        word for row in rows for word in row.replace("`", "").split(", ")
    }


def test_the_page_begins_with_the_offers_and_the_store_of_the_demo():
    assert blocks("toml")[0] == demo_campaign.CATALOGUE
    assert f"export MLFLOW_TRACKING_URI={demo_shop.TRACKING}\n" in blocks("sh")[0]
    assert f"--budget {demo_campaign.BUDGET:.0f} --campaign {demo_campaign.CAMPAIGN}" in PAGE


def test_every_command_of_the_page_runs(followed):
    assert [command.split()[1] for command in followed.printed] == [
        "uplift",
        "plan",
        "plan",
        "measure",
    ]


def test_the_tables_of_the_page_have_the_headings_that_are_printed(followed):
    known = headers(followed.everything)
    shown = {
        cell
        for block in blocks("")
        for line in block.splitlines()
        if line.startswith((" offer ", " spent", " first "))
        for cell in re.split(r"\s{2,}", line.strip())
    }
    assert len(shown) > 20 and shown <= known


def test_the_sentences_of_the_page_are_those_that_are_printed(followed):
    printed = {masked(line) for line in followed.everything.splitlines()}
    printed |= {masked(f"gets nothing, 9 customers: {why}") for why in (NOTHING_PAYS, OTHERS_FIRST)}
    sentences = [
        line
        for block in blocks("")
        for line in block.splitlines()
        if not re.match(r" \S|  +-", line) and not line.startswith(OPEN)
    ]
    missing = [
        line
        for line in sentences
        if not any(masked(line).split(";")[0] == other.split(";")[0] for other in printed)
    ]
    assert len(sentences) > 8 and missing == []


def test_what_depends_on_the_figures_is_printed_too(followed):
    for start in ("Verdict: ", "What to do next: a pilot of ", "What to do next: make the offers"):
        assert re.search(rf"^{start}", followed.everything, re.M)


def test_the_page_is_linked():
    for page in (DOCS / "offers.md", DOCS / "definitions.md", DOCS.parent / "README.md"):
        assert "tutorial-campaigns.md" in page.read_text("utf-8")


def test_every_heading_that_is_printed_is_explained(followed, campaign):
    found = headers(followed.everything + campaign.printed)
    plain = {re.sub(r"(,)? EUR$", "", cell) for cell in found} - {""}
    assert len(plain) > 25 and plain - defined() == set()


FIXED = [
    *("helps", "harms: left alone", "best offer", "learner", "propensities", "assignment"),
    *("group", "policy", "random", "treat all", "treat none", "out of fold", "points"),
    *("this campaign can show effects from", "gets nothing", "not eligible", "never tried"),
    *("cautious rate", "churn risk", "expected profit", "What to do next", "pilot"),
    *("Verdict", "paid", "lost", "not shown", "too few to say", "cannot be told", "interim"),
    *("95% interval", "evidence", "experiment", "prior", "holdout", "uplift", "total", "none"),
    *("dr_stumps", "dr", "x", "s", "t", "logged", "shares", "model", "risk", "clv", "why"),
]


@pytest.mark.parametrize("word", FIXED)
def test_every_fixed_word_is_explained(word):
    section = (DOCS / "definitions.md").read_text("utf-8").partition("\n## Names in the code")[0]
    assert word in defined() or re.search(rf"`{re.escape(word)}`", section)
