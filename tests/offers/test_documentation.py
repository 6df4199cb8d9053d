"""docs/offers.md lists exactly the keys, kinds, signals and verdicts that there are."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from offers.catalogue.catalogue import Offer, OfferCatalogue
from offers.catalogue.eligibility import REWARDS
from offers.catalogue.rules import KINDS
from offers.catalogue.signals import SIGNALS
from offers.catalogue.verdicts import VERDICTS
from offers.errors import OffersError

DOCS = Path(__file__).parents[2] / "docs" / "offers.md"


def rows(head):
    """First cell -> the others of the table whose first column is called `head`."""
    table = re.search(rf"^\| {head} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", DOCS.read_text(), re.M)
    cells = [[c.strip() for c in line.strip("|\n").split(" | ")] for line in table[1].splitlines()]
    return {first.strip("` "): others for first, *others in cells}


def test_every_key_is_documented():
    assert list(rows("key")) == [field.name for field in fields(Offer)][1:]


def test_the_documented_defaults_are_those_of_an_offer():
    plain = Offer("x", kind="gift")
    shown = {"kind": "required", "stages": "the live stages: `new`, `active`, `at_risk`"}
    for key, (_, default) in rows("key").items():
        value = getattr(plain, key)
        words = {None: "no limit", (): "anybody"}.get(value, f"`{value}`".replace(".0", ""))
        if isinstance(value, tuple) and key == "prior":
            words = f"`{[int(v) for v in value]}`"
        assert default == shown.get(key, words)


def test_every_kind_is_documented_and_which_of_them_reward():
    documented = rows("kind")
    assert list(documented) == list(KINDS)
    assert tuple(kind for kind, (_, reward) in documented.items() if reward == "yes") == REWARDS


def test_every_signal_is_documented_with_its_rule():
    assert {name: rule for name, (rule,) in rows("signal").items()} == {
        name: signal.rule for name, signal in SIGNALS.items()
    }


def test_every_verdict_is_documented():
    assert {name: text for name, (text,) in rows("verdict").items()} == dict(VERDICTS)


def test_the_documented_mistakes_are_told_so():
    points = {"kind": "points", "cost_share": 1.5, "fixed_costs": 2}
    with pytest.raises(OffersError) as caught:
        OfferCatalogue.from_dict({"defaults": {"contact_cap": 0}, "offers": {"points": points}})
    documented = DOCS.read_text().partition("offers offers.toml:\n")[2].partition("\n```")[0]
    for line, found in zip(documented.splitlines(), str(caught.value).splitlines(), strict=True):
        assert found.startswith(line.rstrip("…"))


@pytest.mark.parametrize("example", re.findall(r"```toml\n(.*?)```", DOCS.read_text(), re.S))
def test_the_examples_are_catalogues(example):
    assert len(OfferCatalogue.from_dict(tomllib.loads(example)))
