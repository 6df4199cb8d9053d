from dataclasses import replace

import pytest

from training.backtest import Backtest
from training.card import Part, model_card
from training.champions import CHURN, CLV, Decision
from training.record import data_digest

FIRST = Decision(True, "first training: nothing stands against it")


@pytest.fixture(scope="module")
def parts(fitted) -> tuple[Part, Part]:
    return Part(CHURN, fitted[0], FIRST), Part(CLV, fitted[1], FIRST)


@pytest.fixture(scope="module")
def data(shop) -> dict:
    return data_digest(shop.past)


def with_scores(part: Part, chosen: str, **scores: float) -> Part:
    """The same part as if its candidates had reached other means."""
    judged = tuple(
        replace(j, metrics={**j.metrics, "log_loss": scores[j.candidate]})
        for j in part.fitted.backtest.judged
    )
    backtest = Backtest(judged, chosen, "log_loss", "why")
    return replace(part, fitted=replace(part.fitted, backtest=backtest))


def test_it_tells_what_was_learnt_from(shop, parts, data):
    card = model_card(parts, shop.config, data)

    assert "known before 2025-10-01 00:00 (shop's wall clock, UTC); currency EUR; seed 0." in card
    assert f"{data['orders']['rows']:,} orders and refunds of {data['customers']:,.0f} " in card
    rows = sum(map(len, parts[0].fitted.panel.snapshots))
    assert f"- Learnt from: 8 snapshots from 2024-12-04 to 2025-07-02, {rows:,} rows.\n" in card
    assert "share of the customers" not in card


def test_it_defines_what_is_forecast(shop, parts, data):
    clv = parts[1].fitted
    terms = replace(clv.scorer.definition, margin_rate=0.4, discount_rate_yearly=0.08)
    valued = replace(parts[1], fitted=replace(clv, scorer=replace(clv.scorer, definition=terms)))

    card = model_card((parts[0], valued), shop.config, data)

    assert "no order with a positive amount in the 90 days from the instant of prediction" in card
    assert "never below 0, times a margin of 0.4, discounted at 0.08 a year." in card
    assert "margin" not in model_card(parts, shop.config, data)


def test_it_holds_every_candidate_beside_the_rules(shop, parts, data):
    card = model_card(parts, shop.config, data)

    for part in parts:
        for name, row in part.fitted.backtest.means().iterrows():
            line = next(line for line in card.splitlines() if line.startswith(f"| {name} |"))
            assert line.count("|") in {6, 8}
            assert any(f"{row[part.fitted.backtest.criterion]:.4f}" in text
                       for text in card.splitlines())  # fmt: skip
        assert f"- Model: {part.fitted.backtest.why}." in card


def test_it_says_in_words_how_much_is_gained_over_the_best_rule(shop, parts, data):
    churn = with_scores(
        parts[0], "gbdt", recency_rule=0.5, past_rate=0.4, gbdt=0.36, gbdt_level=0.37
    )

    card = model_card((churn, parts[1]), shop.config, data)

    assert "`gbdt` has 10.0% less log loss than the best rule, `past_rate`." in card


def test_it_says_if_a_rule_is_the_model(shop, parts, data):
    churn = with_scores(
        parts[0], "past_rate", recency_rule=0.5, past_rate=0.3, gbdt=0.36, gbdt_level=0.37
    )

    card = model_card((churn, parts[1]), shop.config, data)

    assert "Nothing beat the rule `past_rate` out of time, so the rule is the model." in card


def test_it_says_if_there_are_no_figures(shop, parts, data):
    empty = Backtest((), "recency_rule", "log_loss", "recency_rule: the history is too short")
    young = tuple(replace(p, fitted=replace(p.fitted, backtest=empty)) for p in parts)

    card = model_card(young, shop.config, data)

    assert card.count("No out-of-time figures: the history is too short") == 2
    assert "The figures are" not in card


def test_it_tells_of_the_sample_and_the_decision(shop, parts, data):
    panel = replace(parts[0].fitted.panel, sample_share=0.004)
    kept = Decision(False, "the champion's artifact is clearly better", 3)
    churn = replace(parts[0], fitted=replace(parts[0].fitted, panel=panel), decision=kept)

    card = model_card((churn, parts[1]), shop.config, data)

    assert "rows, of a 0.004 share of the customers." in card
    assert "- Champion: no, the champion's artifact is clearly better." in card
    assert "- Champion: yes, first training" in card


def test_it_warns(shop, parts, data):
    card = model_card(parts, shop.config, data)
    warnings = card.split("## Be careful")[1].strip().splitlines()

    assert warnings[0] == "- The figures are means over 2 origin(s), whose windows overlap."
    assert any("what an offer changes is not in it" in line for line in warnings)
    assert all(line.startswith("- ") for line in warnings)
