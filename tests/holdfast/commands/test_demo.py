import re
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from holdfast.commands import demo, demo_campaign, demo_shop
from training.registry.tracking import Tracker

# Prose, which a terminal gets wrapped to its width and a pipe in one line.
WRAPPED = (
    "Grade ",
    "Rests on: ",
    "demo/shop holds ",
    "Expected of ",
    "Held out: ",
    "Verdict: ",
    "The truth, ",
)


@pytest.fixture(scope="module")
def shown(holdfast, tmp_path_factory):
    """The demo on a small shop, twice in the same place; the place and what was printed."""
    place = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setattr(demo_shop, "CUSTOMERS", 500)
        patch.setattr(demo_shop, "CONFIG", replace(demo_shop.CONFIG, snapshots=2, origins=1))
        for _ in range(2):
            found = holdfast("demo")
            assert found.exit_code == 0, found.output
    return place, found.stdout


def test_the_demo_shows_ten_live_customers_with_reasons(shown):
    _, printed = shown
    table = printed.partition("value at risk\n")[2].partition("5. Learn")[0]
    rows = [line.split() for line in table.splitlines() if line.startswith(" c0")]
    assert len(rows) == demo.SHOWN
    assert {row[1] for row in rows} <= {"new", "active", "at_risk"}
    # Where nothing speaks against a customer, no reason is made up.
    assert sum(bool(row[7:]) for row in rows) >= demo.SHOWN / 2


def test_the_demo_fits_a_terminal_of_120_columns(shown):
    lines = shown[1].splitlines()
    prose = [line for line in lines if line.startswith(WRAPPED)]
    assert {line.split()[0] for line in prose} == {start.split()[0] for start in WRAPPED}
    assert max(len(line) for line in lines if line not in prose) <= 120


def test_the_demo_keeps_to_its_own_folder_and_tracking_store(shown):
    place, _ = shown
    assert [path.name for path in place.iterdir()] == ["demo"]
    versions = Tracker(f"sqlite:///{place}/demo/mlruns/mlflow.db").versions("churn-risk")
    assert [version.version for version in versions] == [2, 1]


def test_the_demo_gives_reasons_to_everybody(shown):
    scores = pd.read_parquet(shown[0] / demo_shop.SCORES)
    assert scores["reason_1"].notna().mean() > 0.9


def test_the_demo_says_how_to_go_on(shown):
    assert f"  export MLFLOW_TRACKING_URI={demo_shop.TRACKING}\n" in shown[1]
    assert (
        "  HOLDFAST_CLOCK_START=2025-10-01 holdfast serve --store sqlite:///demo/store.db\n"
        in shown[1]
    )


def test_the_demo_ends_with_a_measured_campaign_beside_the_truth(shown):
    place, printed = shown
    ending = printed.partition("7. Run it")[2]
    assert ending.startswith(" in the simulated shop, and measure\nVerdict: ")
    assert "Campaign autumn: 90 days against the holdout, in EUR" in ending
    truth = ending.partition("The truth, which only a simulated shop knows: ")[2]
    assert re.match(r"[+-][\d.]+ points of retention .* and [+-][\d,]+ EUR of profit: ", truth)
    plan = pd.read_csv(place / "demo" / "plan.csv")
    assert set(plan["arm"]) >= {"offer", "holdout"}
    assert (place / "demo" / "budget_curve.png").stat().st_size > 10_000


def test_the_truth_in_money_is_the_margin_on_what_was_bought_more_less_the_cost():
    """Of two treated one bought 40 more with points; a discount of 4 has lowered what one spent."""
    campaign = pd.DataFrame(
        {
            "offer_id": ["points", "discount_10", "none"],
            "p_none": [0.2, 0.4, 0.3],
            "p_given": [0.3, 0.4, 0.3],
            "spend_none": [0.0, 40.0, 90.0],
            "spend_given": [40.0, 36.0, 90.0],
            "cost": [2.0, 4.0, None],
        }
    )
    table = pd.DataFrame({"margin_rate": 0.5, "currency": "EUR"}, index=[0])
    made = SimpleNamespace(
        table=table, currency="EUR", treated=pd.DataFrame({"expected_profit": [30.0]})
    )

    words = demo_campaign.true_words(campaign, made)

    assert "+5.0 points" in words
    assert "+14 EUR of profit: 20 of margin on what they bought more, less 6 of cost" in words
