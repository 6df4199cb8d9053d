import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.history.history import History
from features.intake.mapping import Mapping
from offers.errors import OffersError
from offers.measurement.experiment import Measurement, measure, offer_rows
from offers.measurement.verdict import profit_verdict
from offers.planning.randomisation import draw

AS_OF, CLOSED = "2025-03-01", "2025-06-15"
LAWS = settings(deadline=None, max_examples=5)

# Before the plan, in its window of 90 days, and after it.
ORDERS = """
order customer day        amount
1     a        2025-01-05  20
2     b        2025-01-05  20
3     c        2025-01-05  20
4     d        2025-01-05  20
5     e        2025-01-05  20
6     f        2025-01-05  20
7     g        2025-01-05  20
8     a        2025-03-01  30
9     b        2025-04-01  50
10    b        2025-04-09 -10
11    c        2025-05-29  10
12    e        2025-04-01  20
13    f        2025-05-30  500
14    g        2025-06-10  70
"""
OFFERED = """
customer campaign offer  cost redeemed
a        spring   points 3.0  2025-03-01
b        spring   points 1.0  2025-04-01
c        spring   points .    .
d        spring   points .    .
e        spring   none   .    .
f        spring   none   .    .
g        pilot    points 2.0  2025-03-02
"""


def cells(text: str) -> list[list[str]]:
    return [line.split() for line in text.split("\n")[2:] if line]


def orders() -> pd.DataFrame:
    columns = ["order_id", "customer_id", "ordered_at", "amount"]
    return pd.DataFrame(cells(ORDERS), columns=columns).astype({"amount": float})


def offered() -> pd.DataFrame:
    columns = ["customer_id", "campaign_id", "offer_id", "cost", "redeemed_at"]
    rows = pd.DataFrame(cells(OFFERED), columns=columns).replace(".", None)
    return rows.assign(offered_at=AS_OF, intended_offer="points")


def shop(with_offers: bool = True, **mapping: float) -> History:
    return History(orders(), offers=offered() if with_offers else None, mapping=Mapping(**mapping))


def plan(arms: dict[str, str], kind: str = "points") -> pd.DataFrame:
    """A plan of one offer, its margin a half and its probability of being held out a third."""
    arm = pd.Series(list(arms.values()))
    none = arm == "none"
    return pd.DataFrame(
        {
            "campaign_id": "spring",
            "customer_id": list(arms),
            "as_of": pd.Timestamp(AS_OF),
            "horizon_days": 90,
            "intended_offer": np.where(none, "none", "points"),
            "arm": arm,
            "explored": False,
            "propensity": np.select([none, arm == "holdout"], [1.0, 1 / 3], 2 / 3),
            "expected_uplift": 0.05,
            "expected_cost": np.where(none, 0.0, 2.5),
            "expected_profit": 1.0,
            "churn_risk": 0.5,
            "clv_if_active": 40.0,
            "reason": "high value",
            "evidence": "prior",
            "kind": kind,
            "upfront_cost": np.where(none, 0.0, 1.0),
            "margin_rate": 0.5,
            "currency": "EUR",
        }
    )


TREATED, HELD_OUT = dict.fromkeys("abcd", "offer"), dict.fromkeys("ef", "holdout")
PLAN = plan({**TREATED, **HELD_OUT, "g": "none"})


def figures(found: Measurement, offer: str = "points") -> pd.Series:
    return found.effects.set_index(["intended_offer", "figure"])["estimate"][offer]


def tenfold(rows: pd.DataFrame) -> pd.DataFrame:
    """Ten customers for each, so that both arms are large enough for figures."""
    names = [c for c in ("order_id", "customer_id") if c in rows]
    copies = [rows.assign(**{c: rows[c] + f"-{copy}" for c in names}) for copy in range(10)]
    return pd.concat(copies, ignore_index=True)


LARGE_PLAN = tenfold(PLAN)


def large_shop(offers: pd.DataFrame | None) -> History:
    return History(tenfold(orders()), offers=None if offers is None else tenfold(offers))


def many(customers: int = 600, seed: int = 0) -> tuple[History, pd.DataFrame]:
    """A shop in which the treated order more often; and the plan, its rows drawn by hash."""
    random = np.random.default_rng(seed)
    ids = [f"c{number}" for number in range(customers)]
    held_out = draw("spring", "holdout", ids) < 1 / 3
    drawn = plan(dict(zip(ids, np.where(held_out, "holdout", "offer"), strict=True)))
    drawn["churn_risk"] = random.random(customers)
    drawn["clv_if_active"] = random.lognormal(3, 1, customers)
    buys = random.random(customers) < 1 - drawn["churn_risk"] + np.where(held_out, 0.0, 0.1)
    bought = pd.DataFrame(
        {
            "customer_id": np.array(ids, object)[buys],
            "ordered_at": "2025-04-01",
            "amount": drawn["clv_if_active"][buys],
        }
    )
    before = pd.DataFrame({"customer_id": ids, "ordered_at": "2025-01-05", "amount": 20.0})
    after = pd.DataFrame({"customer_id": ["z"], "ordered_at": ["2025-06-10"], "amount": [1.0]})
    rows = pd.concat([before, bought, after], ignore_index=True)
    return History(rows.assign(order_id=rows.index.astype(str))), drawn


def test_the_results_of_a_campaign_are_as_by_hand():
    """Net spend 30, 40, 10, 0 against 20, 0; costs of 1 each, and 2 more for what a redeemed."""
    found = measure(large_shop(offered()), LARGE_PLAN, CLOSED)

    assert figures(found).round(9).to_dict() == {
        "retention": 0.25,
        "net_spend": 10.0,
        "cost": 60.0,
        "incremental_profit": 40 * 0.5 * 10 - 60,
        "return_on_spend": round(14 / 6, 9),
    }
    assert figures(found, "total").tolist() == figures(found).tolist()
    assert (found.campaign_id, found.currency, found.window.is_interim) == ("spring", "EUR", False)


def test_the_arms_are_shown_as_they_came_out():
    found = measure(large_shop(offered()), LARGE_PLAN, CLOSED).groups
    group = found.set_index("intended_offer").loc["points"]

    assert (group["treated"], group["held_out"]) == (40, 20)
    assert (group["retention_treated"], group["retention_held_out"]) == (0.75, 0.5)
    assert (group["net_spend_treated"], group["net_spend_held_out"]) == (20, 10)
    assert group["cost_recorded"]


def test_a_discount_has_lowered_the_net_spend_already():
    """Cost 40 of contacts and 40 of discounts; half of the discounts is in the margin on spend."""
    discounted = LARGE_PLAN.assign(kind="discount")

    found = figures(measure(large_shop(offered()), discounted, CLOSED))

    assert found["cost"] == 80
    assert found["incremental_profit"] == pytest.approx(40 * 0.5 * 10 - 40 - 0.5 * 40)


def test_without_an_offers_table_the_plan_is_taken_at_its_word():
    found = measure(large_shop(None), LARGE_PLAN, CLOSED)

    assert figures(found)["cost"] == 40 * 2.5
    assert figures(found)["net_spend"] == 10
    assert "no offers table" in found.notes[0]
    assert any("plan's expected ones" in note for note in found.notes)


def test_an_offer_that_was_not_made_has_no_cost_and_still_counts_as_treated():
    rows = offered().query("customer_id != 'a'")

    found = measure(large_shop(rows), LARGE_PLAN, CLOSED)

    assert found.departures["planned_not_made"] == 10
    assert figures(found)["cost"] == 30
    assert figures(found)["net_spend"] == 10


def test_offers_that_the_plan_does_not_have_are_counted():
    rows = offered()
    rows.loc[rows["customer_id"] == "e", "offer_id"] = "points"
    rows.loc[rows["customer_id"] == "g", "campaign_id"] = "spring"

    found = measure(History(orders(), offers=rows), PLAN, CLOSED)

    assert found.departures == {
        "planned_not_made": 0,
        "made_to_held_out": 1,
        "made_otherwise": 1,
        "unknown_customers": 0,
    }
    assert any("1 customer held out got an offer" in note for note in found.notes)


def test_a_plan_that_was_kept_to_needs_no_such_note():
    found = measure(shop(), PLAN, CLOSED)

    assert set(found.departures.values()) == {0}
    assert len(found.notes) == 1
    assert "Too few for an interval: points" in found.notes[0]


@pytest.mark.parametrize(
    ("as_of", "lag", "words"),
    [
        ("2025-05-20", 0, "as_of must be 2025-05-30 00:00 or later"),
        ("2025-06-01", 5, "as_of must be 2025-06-04 00:00 or later"),
        ("2025-06-12", 12, "as_of must be 2025-06-11 00:00 or later|known up to 2025-05-29"),
    ],
)
def test_a_window_that_has_not_closed_is_refused(as_of, lag, words):
    with pytest.raises(OffersError, match=words):
        measure(shop(recording_lag_days=lag), PLAN, as_of)


def test_a_history_that_ends_before_the_window_is_refused():
    short = History(orders().query("ordered_at < '2025-05-20'"))

    with pytest.raises(OffersError, match="history must be known up to 2025-05-30"):
        measure(short, PLAN, CLOSED)


def test_interim_figures_are_of_the_part_that_is_known_and_say_so():
    found = measure(large_shop(offered()), LARGE_PLAN, "2025-05-30", interim=True)

    assert found.window.is_interim
    assert found.verdict.startswith("after 89 of 90 days: ")
    assert found.window.days == 89
    assert figures(found)["net_spend"] == (30 + 40 + 0 + 0) / 4 - (20 + 0) / 2
    assert any(note.startswith("Interim: 89.0 of 90 days") for note in found.notes)


def test_interim_figures_of_a_window_that_has_closed_are_final():
    found = measure(shop(), PLAN, CLOSED, interim=True)

    assert not found.window.is_interim
    assert found.effects.equals(measure(shop(), PLAN, CLOSED).effects)


def test_before_anything_is_known_there_are_no_interim_figures():
    with pytest.raises(OffersError, match="nothing is known yet of the window from 2025-03-01"):
        measure(shop(), PLAN, AS_OF, interim=True)


def test_an_unknown_campaign_is_refused_with_those_that_there_are():
    with pytest.raises(OffersError, match=r"offers, \['pilot', 'spring'\]; got 'may'"):
        measure(shop(), PLAN.assign(campaign_id="may"), CLOSED)


def test_customers_whom_the_history_does_not_know_are_left_out_and_counted():
    with_stranger = pd.concat([LARGE_PLAN, plan({"x": "offer"})], ignore_index=True)

    found = measure(large_shop(None), with_stranger, CLOSED)

    assert found.departures["unknown_customers"] == 1
    assert figures(found)["net_spend"] == 10


def test_a_plan_of_another_shop_is_refused():
    strangers = plan({"001": "offer", "002": "holdout", "a": "offer"})

    with pytest.raises(OffersError, match="2 of 3 have not, such as '001'"):
        measure(shop(), strangers, CLOSED)


@pytest.mark.parametrize("arms", [TREATED, HELD_OUT, {"a": "offer"}, {"a": "holdout"}])
def test_without_one_of_the_arms_there_are_no_effects_and_no_error(arms):
    found = measure(shop(), plan(arms), CLOSED)

    assert found.effects.query("figure == 'net_spend'")["estimate"].isna().all()
    assert any(note.startswith("Too few") for note in found.notes)


def test_a_plan_for_nobody_has_nothing_to_measure():
    found = measure(shop(), plan({"a": "none", "b": "none"}), CLOSED)

    assert found.groups["treated"].tolist() == [0]
    assert found.effects["estimate"].isna().all()


def test_arms_too_small_for_an_interval_have_no_figures_but_what_was_paid():
    found = measure(shop(), PLAN, CLOSED)

    assert figures(found).drop("cost").isna().all() and figures(found)["cost"] == 6
    assert found.effects.query("figure != 'cost'")["unadjusted"].isna().all()
    assert found.groups.filter(regex="^(retention|net_spend)_").isna().all(axis=None)
    assert found.verdict == "too few to say: 4 treated and 2 held out; it takes 20 of each"


def test_the_verdict_is_that_of_the_interval_of_the_profit():
    found = measure(large_shop(offered()), LARGE_PLAN, CLOSED)

    rows = found.effects.set_index(["intended_offer", "figure"])
    low, high = rows.loc[("total", "incremental_profit"), ["low", "high"]]
    assert found.verdict == profit_verdict(low, high, "EUR")


def test_customers_missing_in_one_arm_are_the_first_note():
    history, drawn = many()
    kept = drawn[(drawn["arm"] == "offer") | (drawn.index % 3 == 0)]

    found = measure(history, kept, CLOSED)

    assert found.groups["mismatch"].all()
    assert found.notes[1].startswith("Sample ratio mismatch: points")
    assert found.verdict.startswith("cannot be told: customers went missing")


def test_a_true_effect_lies_in_its_interval_and_forecasts_narrow_it():
    history, drawn = many(3000)

    found = measure(history, drawn, CLOSED).effects.set_index(["intended_offer", "figure"])

    retention, spend = found.loc[("total", "retention")], found.loc[("total", "net_spend")]
    assert retention["low"] < 0.095 < retention["high"]
    assert retention["variance_saved"] > 0.2
    assert spend["variance_saved"] > 0.2


@LAWS
@given(st.integers(0, 100))
def test_neither_the_order_of_rows_nor_what_comes_later_matters(seed):
    history, drawn = many(200, seed)

    found = measure(history, drawn, CLOSED)

    shuffled = drawn.sample(frac=1, random_state=seed)
    again = measure(history.upto(CLOSED), shuffled, CLOSED)
    pd.testing.assert_frame_equal(again.effects, found.effects)
    pd.testing.assert_frame_equal(again.groups, found.groups)


def test_a_plan_becomes_rows_of_the_history():
    rows = offer_rows(PLAN)

    assert rows["customer_id"].tolist() == list("abcdef")
    assert rows["offer_id"].tolist() == ["points"] * 4 + ["none"] * 2
    assert rows["propensity"].tolist() == [2 / 3] * 4 + [1 / 3] * 2
    assert set(rows["offered_at"]) == {pd.Timestamp(AS_OF)}
    assert list(rows) == [
        "customer_id",
        "campaign_id",
        "offered_at",
        "offer_id",
        "intended_offer",
        "propensity",
    ]


def test_a_history_with_the_rows_of_its_plan_agrees_with_it():
    history = History(orders(), offers=offer_rows(PLAN))

    found = measure(history, PLAN, CLOSED)

    assert set(found.departures.values()) == {0}
    assert history.upto(AS_OF).offers.collect().shape[0] == 0
