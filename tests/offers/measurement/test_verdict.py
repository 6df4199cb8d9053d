import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from offers.measurement.verdict import profit_verdict

NUMBER = re.compile(r"-?[\d,]+(?:\.\d\d)?(?!\d)")
BOUND = st.floats(allow_nan=False, allow_infinity=False)


def numbers(sentence: str) -> list[float]:
    said = sentence.replace("(95%)", "")
    return [float(found.replace(",", "")) for found in NUMBER.findall(said)]


@given(BOUND, BOUND, st.sampled_from(["EUR", None]))
@example(0.0, 5.0, "EUR")
@example(-0.001, 0.001, "EUR")
@example(0.001, 0.002, None)
@example(-5.0, 0.0, None)
def test_the_sentence_says_what_the_interval_shows_and_never_more(one, other, currency):
    low, high = sorted((one, other))
    sentence = profit_verdict(low, high, currency)
    told = numbers(sentence)

    assert sentence.startswith("paid: ") == (low > 0)
    assert sentence.startswith("lost: ") == (high < 0)
    assert ("EUR" in sentence) == (currency == "EUR")
    assert "-0 " not in sentence and "-0.00" not in sentence
    if low > 0 or high < 0:
        nearest = low if low > 0 else -high
        assert len(told) == 1 and 0 <= told[0] <= nearest
        assert math.isclose(told[0], nearest, rel_tol=0.01, abs_tol=0.01)
    else:
        assert sentence.startswith("not shown: ")
        assert told[0] <= 0 <= told[1]
        assert math.isclose(told[0], low, rel_tol=0.005, abs_tol=0.0051)
        assert math.isclose(told[1], high, rel_tol=0.005, abs_tol=0.0051)


@pytest.mark.parametrize("bounds", [(math.nan, math.nan), (math.nan, 1.0), (1.0, math.nan)])
def test_without_an_interval_nothing_is_said_of_the_profit(bounds):
    assert profit_verdict(*bounds, "EUR") == "too few to say"


def test_a_profit_of_next_to_nothing_is_not_said_to_be_nothing():
    assert profit_verdict(0.001, 9.0, "EUR") == "paid: more than 0 EUR (95%)"
    assert profit_verdict(-9.0, -0.001, None) == "lost: more than 0 (95%)"
