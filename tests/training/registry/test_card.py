import re
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

import pytest

from training.champions import CHURN
from training.models.tasks import CHURN_RISK
from training.registry.card import CardPart, model_card
from training.registry.gate import GateDecision
from training.registry.log import data_digest
from training.registry.outcome import Realised
from training.registry.versions import RegisteredVersion
from training.selection.backtest import Backtest
from training.selection.grade import advice, grade_of, verdict

FIRST = GateDecision(True, "first training: nothing stands against it")


@pytest.fixture(scope="module")
def parts(fitted) -> tuple[CardPart, CardPart]:
    return CardPart(fitted[0], FIRST), CardPart(fitted[1], FIRST)


@pytest.fixture(scope="module")
def data(shop) -> dict:
    return data_digest(shop.past)


def judged_as(part: CardPart, backtest: Backtest) -> CardPart:
    return replace(part, fitted=replace(part.fitted, backtest=backtest))


def test_it_tells_what_was_learnt_from(shop, parts, data):
    card = model_card(parts, shop.config, data)

    assert "known before 2025-10-01 00:00 (shop's wall clock, UTC); currency EUR; seed 0." in card
    assert f"{data['orders']['rows']:,} orders and refunds of {data['customers']:,.0f} " in card
    panel = parts[0].fitted.panel
    rows, treated = sum(map(len, panel.snapshots)), panel.treated_rows
    assert f"- Learnt from: 8 snapshots from 2024-12-04 to 2025-07-02, {rows:,} rows, " in card
    assert treated > 0
    assert f" rows, {treated} of them left out for an offer in their window.\n" in card
    assert "share of the customers" not in card


def test_it_defines_what_is_forecast(shop, parts, data):
    clv = parts[1].fitted
    terms = replace(clv.scorer.definition, margin_rate=0.4, discount_rate_yearly=0.08)
    valued = replace(parts[1], fitted=replace(clv, scorer=replace(clv.scorer, definition=terms)))

    card = model_card((parts[0], valued), shop.config, data)

    assert "no order with a positive amount in the 90 days from the instant of prediction" in card
    assert "never below 0, times a margin of 0.4, discounted at 0.08 a year." in card
    assert "margin" not in model_card(parts, shop.config, data)


def test_it_tells_origins_and_groups_apart(shop, parts, data):
    card = model_card(parts, shop.config, data)

    for part in parts:
        backtest = part.fitted.backtest
        section = card.partition(f"## {part.task.title}\n")[2].partition("\n## ")[0]
        assert all(f"| {origin} | " in section for origin in backtest.table()["origin"])
        for group in ("stage | lapsed", "past spend | highest third", "channel | search"):
            assert f"| {group} | " in section


def test_it_says_what_changed_since_the_version_before(shop, parts, data):
    churn = parts[0]
    terms, loss = churn.fitted.scorer.definition, churn.fitted.backtest.means()["log_loss"]
    before = RegisteredVersion(
        CHURN, 7, (), "run", datetime.now(UTC),
        {"as_of": "2025-09-01T00:00:00", "lineage": terms.lineage, "candidate": "btyd"},
        {"mean_churn_log_loss": 0.5},
    )  # fmt: skip

    card = model_card((replace(churn, previous=before), parts[1]), shop.config, data)

    chosen = churn.fitted.backtest.chosen
    assert (
        f"- Since version 7: 30 days more of history; the model is `{chosen}`, it was `btyd`; "
        f"log loss {loss[chosen]:.4f}, where that one had 0.5000 on origins of its own.\n"
    ) in card
    assert card.count("Since version") == 1


def test_it_says_what_it_is_for_what_it_was_made_with_and_what_words_mean(shop, parts, data):
    card = model_card(parts, shop.config, data)

    assert "\n- Not made for: contracts that are cancelled" in card
    assert f"lightgbm {version('lightgbm')}" in card.partition("## Made with")[2]
    words = card.partition("## Words")[2]
    assert "- log loss: " in words
    assert "- origin: " in words


def test_it_holds_every_candidate_beside_the_rules(shop, parts, data):
    card = model_card(parts, shop.config, data)

    for part in parts:
        backtest = part.fitted.backtest
        for name, row in backtest.means().iterrows():
            spread = backtest.spread().loc[name, backtest.criterion]
            cell = f" {row[backtest.criterion]:.4f} ± {spread:.4f} "
            assert any(x.startswith(f"| {name} |") and cell in x for x in card.splitlines())
        for name, found in backtest.differences.items():
            assert f"- `{name}`: {found.difference:+.4f} ({found.low:+.4f} to" in card
        assert f"- Model: {backtest.why}." in card


def test_it_grades_in_plain_words_and_says_what_the_model_rests_on(shop, parts, data):
    card = model_card(parts, shop.config, data)

    for part in parts:
        assert f"\n- {verdict(part.fitted.backtest)}\n" in card
    assert f"\n- Rests on: {parts[0].fitted.scorer.model.basis()}.\n" in card
    assert "days (" in parts[0].fitted.scorer.model.basis()


def test_it_says_how_often_the_intervals_held_out_of_time(shop, parts, data):
    means = parts[1].fitted.backtest.means().loc[parts[1].fitted.backtest.chosen]

    card = model_card(parts, shop.config, data)

    assert f"the 80% intervals held {means['coverage']:.1%} of customers" in card
    assert f"given an order {means['coverage_if_active']:.1%} of those who ordered." in card


def test_it_says_that_a_shorter_window_was_judged(shop, parts, data):
    shorter = judged_as(parts[0], replace(parts[0].fitted.backtest, window_days=45))

    card = model_card((shorter, parts[1]), shop.config, data)

    assert "- The history is too short for outcomes over 90 days: the candidates were compared" in (
        card
    )
    assert "too short" not in model_card(parts, shop.config, data)


def test_it_tells_what_became_of_the_last_forecasts(shop, parts, data):
    figures = {"auc": 0.8, "log_loss": 0.4, "ece": 0.01, "mean_risk": 0.61, "churn_rate": 0.6}
    last = Realised(CHURN, 3, 20000.0, 90.0, 60.0, "EUR", 1234, figures)

    card = model_card(parts, shop.config, data, [last])

    assert f"## What became of the last forecasts\n\n- {last.words()}\n" in card
    assert "Nothing stood before this training" in model_card(parts, shop.config, data)


def test_be_careful_says_what_may_be_done_with_the_numbers(shop, parts, data):
    careful = model_card(parts, shop.config, data).partition("## Be careful\n")[2]

    for part in parts:
        backtest = part.fitted.backtest
        assert f"- {part.task.title}: {advice(backtest, grade_of(backtest))}.\n" in careful


def test_it_says_if_there_are_no_figures(shop, parts, data):
    empty = Backtest(CHURN_RISK, (), "pool", "pool: the history is too short", 90)
    young = tuple(judged_as(part, empty) for part in parts)

    card = model_card(young, shop.config, data)

    assert card.count("No out-of-time figures: the history is too short") == 2
    assert card.count("- No grade: pool: the history is too short") == 2
    assert "The figures are" not in card


def test_it_tells_of_the_sample_and_the_decision(shop, parts, data):
    panel = replace(parts[0].fitted.panel, sample_share=0.004)
    kept = GateDecision(False, "the champion's artifact is clearly better", 3)
    churn = replace(parts[0], fitted=replace(parts[0].fitted, panel=panel), decision=kept)

    card = model_card((churn, parts[1]), shop.config, data)

    assert "rows, of a 0.004 share of the customers, " in card
    assert "- Champion: no, the champion's artifact is clearly better." in card
    assert "- Champion: yes, first training" in card


def test_it_warns(shop, parts, data):
    card = model_card(parts, shop.config, data)
    warnings = card.split("## Be careful")[1].partition("\n## ")[0].strip().splitlines()

    assert "- The figures are means over 2 origins, whose windows overlap." in warnings
    assert any("what an offer changes is not in it" in line for line in warnings)
    assert all(line.startswith("- ") for line in warnings)


def test_the_strongest_reasons_are_told(trained):
    told = re.search(
        r"^- Strongest reason for the risk, among (.*)\.$", trained.training.card, re.M
    )
    whom, named = told[1].split(": ")
    shares = [int(share) for share in re.findall(r"[a-z ]+ for (\d+)%", named)]

    assert re.fullmatch(r"[\d,]+ customers at \d{4}-\d\d-\d\d", whom)
    assert shares == sorted(shares, reverse=True)
    assert len(shares) >= 2
    assert 50 <= sum(shares) <= 101
    assert trained.training.card.count("Strongest reason") == 1
