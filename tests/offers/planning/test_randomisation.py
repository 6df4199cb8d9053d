import hashlib
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from offers.errors import OffersError
from offers.planning.randomisation import draw

# From `printf 'spring\x1fholdout\x1fc1' | sha256sum`, and so on: the first sixteen digits.
VECTORS = [
    ("spring", "holdout", "c1", "e36651a749f1d7c6", 0.8882800134105715),
    ("spring", "holdout", "c2", "bd9303e9c4081813", 0.7405245252339515),
    ("spring", "holdout", "00017", "9fb1cf3a5859baca", 0.6238069074100626),
    ("spring", "holdout", "Zoë", "dc6e578d424703d7", 0.8610586852903701),
    ("spring", "explore", "c1", None, 0.9461754561829779),
]
MANY = [f"c{number:06d}" for number in range(20_000)]


@pytest.mark.parametrize(("campaign", "purpose", "customer", "digits", "number"), VECTORS)
def test_a_draw_is_the_published_one(campaign, purpose, customer, digits, number):
    text = f"{campaign}\x1f{purpose}\x1f{customer}".encode()
    hashed = hashlib.sha256(text).hexdigest()[:16]

    assert digits in (None, hashed)
    assert (int(hashed, 16) // 2**11) / 2**53 == number
    assert draw(campaign, purpose, [customer]).tolist() == [number]


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum here")
def test_a_shell_finds_the_same_draw():
    hashed = subprocess.run(
        ["sha256sum"], input="spring\x1fholdout\x1fZoë".encode(), capture_output=True, check=True
    )

    assert hashed.stdout[:16] == b"dc6e578d424703d7"


def test_each_customer_has_a_draw_of_their_own_whoever_else_is_asked_about():
    together = draw("spring", "holdout", MANY[:100])
    alone = [draw("spring", "holdout", [customer])[0] for customer in MANY[:100]]

    assert together.tolist() == alone
    assert len(set(alone)) == 100
    assert draw("spring", "holdout", []).tolist() == []


def test_draws_are_uniform_and_below_one():
    drawn = draw("spring", "holdout", MANY)

    assert drawn.min() >= 0 and drawn.max() < 1
    assert stats.kstest(drawn, "uniform").pvalue > 0.01


@pytest.mark.parametrize("other", [("spring", "explore"), ("spring", "offer"), ("may", "holdout")])
def test_draws_for_another_purpose_or_campaign_are_independent(other):
    first, second = draw("spring", "holdout", MANY), draw(*other, MANY)

    table = np.histogram2d(first, second, bins=10)[0]
    assert stats.chi2_contingency(table).pvalue > 0.01


@pytest.mark.parametrize("ids", [[1, 2], [None], [b"c1"]])
def test_an_id_that_is_no_text_is_refused(ids):
    with pytest.raises(OffersError, match="customer_ids must be text"):
        draw("spring", "holdout", ids)


@pytest.mark.parametrize("names", [("", "holdout"), ("a\x1fb", "holdout"), ("spring", "")])
def test_a_name_that_would_make_two_draws_one_is_refused(names):
    with pytest.raises(OffersError, match=r"must be text without the character U\+001F"):
        draw(*names, ["c1"])


def test_the_vectors_are_documented():
    page = (Path(__file__).parents[3] / "docs" / "measuring.md").read_text(encoding="utf-8")

    for campaign, purpose, customer, digits, number in VECTORS:
        row = f"| `{campaign}` | `{purpose}` | `{customer}` | `{digits}` | {number} |"
        assert digits is None or row in page
