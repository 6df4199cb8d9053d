"""Uplift, plan and measure as commands: from a simulated pilot to a measured campaign."""

import json
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

from offers.planning.plan_columns import COLUMNS

AS_OF, END = "2025-10-01", "2026-01-01"


def test_uplift_says_which_offers_there_is_evidence_about(campaign):
    assert {row["offer"]: row["evidence"] for row in campaign.learnt["offers"]} == {
        "discount_10": "experiment",
        "points": "experiment",
        "service_recovery": "experiment",
    }


def test_uplift_is_listed_as_a_champion(holdfast, campaign):
    found = json.loads(holdfast("models", "--json", uri=campaign.uri).stdout)["models"]
    assert {m["name"]: m["aliases"] for m in found}["offer-uplift"] == ["challenger", "champion"]


def test_the_horizon_of_uplift_is_that_of_the_champion(campaign):
    assert campaign.learnt["horizon_days"] == 90


def test_a_plan_says_on_what_evidence_each_offer_stands(campaign):
    evidence = {row["offer"]: row["evidence"] for row in campaign.planned["offers"]}
    assert evidence.items() >= {"points": "experiment", "hello": "prior"}.items()


def test_a_plan_has_the_same_rows_as_csv_and_as_parquet(campaign):
    csv = pd.read_csv(campaign.plan)
    parquet = pd.read_parquet(campaign.plan.with_suffix(".parquet"))
    assert tuple(csv) == tuple(parquet) == COLUMNS
    assert csv["customer_id"].tolist() == parquet["customer_id"].tolist()


def test_the_document_of_a_plan_counts_its_rows(campaign):
    arms = pd.read_csv(campaign.plan)["arm"].value_counts()
    assert arms["offer"] == campaign.planned["offered"]
    assert arms["holdout"] == campaign.planned["held_out"]


def test_a_plan_prints_its_budget_curve_and_whom_it_leaves_out(campaign):
    assert "of a budget of 900 EUR; profit " in campaign.printed
    assert re.search(r"^From [\d,]+ EUR on more money brings nothing, or", campaign.printed, re.M)
    assert "not eligible, " in campaign.printed and "gets nothing, " in campaign.printed
    # The price of the budget and a gap of next to nothing are for --json.
    assert campaign.planned["optimality_gap"] < 0.01 and "Another choice" not in campaign.printed
    assert "one more unit" not in campaign.printed and "no choice" not in campaign.printed


def test_amounts_in_sentences_have_no_comma_before_their_currency(campaign):
    prose = [line for line in campaign.printed.splitlines() if not line.startswith(" ")]
    assert not [line for line in prose if re.search(r"\d, EUR", line)]


def test_a_plan_says_what_it_can_show_and_what_to_do_next(campaign):
    held_out, power = campaign.planned["held_out"], campaign.planned["power"]
    assert f"\nHeld out: {held_out:,} of " in campaign.printed
    assert f"effects from {100 * power['detectable']:.1f} points upwards" in campaign.printed
    step = campaign.planned["next_step"]
    assert campaign.printed.endswith(f"What to do next: {step}\n")
    assert "after 2025-12-30 run holdfast measure" in step


def test_a_plan_warns_of_offers_that_were_never_tried(campaign):
    told = [w for w in campaign.planned["warnings"] if "never tried" in w]
    assert told and told[0].startswith("hello was never tried in the history, which has discount_")


def test_a_plan_for_nobody_says_why_and_what_to_do(holdfast, campaign, tmp_path):
    offers = tmp_path / "dear.toml"
    offers.write_text('[offers.gold]\nkind = "gift"\nfixed_cost = 1e5\n')
    given = ("plan", campaign.shop, "--as-of", AS_OF, "--offers", offers, "--budget", 100)
    found = holdfast(*given, "--explore", 0, "--out", tmp_path / "p.csv", uri=campaign.uri)
    assert found.exit_code == 0, found.output
    assert "nobody gets an offer: no offer is expected to bring more than it costs" in found.stderr
    assert "this campaign can show nothing" in found.stdout
    assert "What to do next: a pilot of " in found.stdout


def test_a_campaign_is_measured_by_offer_and_in_total(holdfast, campaign, after):
    found = holdfast("measure", after, "--plan", campaign.plan, "--as-of", END, uri=campaign.uri)
    assert found.exit_code == 0, found.output
    assert found.output.startswith("Verdict: ")
    assert "Campaign autumn: 90 days against the holdout, in EUR" in found.stdout
    assert "\n total " in found.stdout


def test_interim_figures_are_marked(holdfast, campaign, after):
    given = ("measure", after, "--plan", campaign.plan, "--as-of", "2025-11-01", "--json")
    found = json.loads(holdfast(*given, "--interim", uri=campaign.uri).stdout)
    assert found["interim"] and any(note.startswith("Interim") for note in found["warnings"])


def test_without_uplift_every_offer_goes_by_its_prior(holdfast, campaign, trained, shop, tmp_path):
    given = ("plan", shop, "--as-of", "2026-01-01", "--offers", campaign.offers, "--budget", 100)
    found = holdfast(*given, "--out", tmp_path / "plan.csv", uri=trained.uri)
    assert found.exit_code == 0, found.output
    assert "every offer goes by its prior" in found.stderr
    assert set(pd.read_csv(tmp_path / "plan.csv")["evidence"].dropna()) == {"prior"}


WRONG = [
    ("plan SHOP --budget -1", "budget must be a number >= 0; got -1.0"),
    ("plan SHOP --budget nan", "budget must be a number >= 0"),
    ("plan SHOP --budget 1 --holdout 0", "holdout must be above 0 and below 1; got 0.0"),
    ("plan SHOP --budget 1 --holdout 1", "holdout must be above 0 and below 1; got 1.0"),
    ("plan SHOP --budget 1 --explore 0.9", "explore must be from 0 to 0.5; got 0.9"),
    ("plan SHOP --budget 1 --offers absent.toml", "offers absent.toml does not exist"),
    ("plan SHOP --budget 1 --offers bad.toml", "offers.points.fixed_cost must be"),
    ("plan SHOP --budget 1 --log plan.csv", "--log must be another file than --out"),
    ("plan SHOP --budget 1 --campaign ''", "campaign_id must be a text"),
    ("uplift SHOP --horizon-days 0", "horizon_days must be"),
    ("measure SHOP --plan PLAN", "as_of must be 2025-12-30"),
    ("measure SHOP --plan absent.csv", "--plan must be a file that exists"),
    ("measure SHOP --plan bad.toml", "--plan must end in .parquet or .csv"),
    ("measure SHOP --plan empty.csv", "--plan empty.csv cannot be read"),
]


@pytest.mark.parametrize(("line", "message"), WRONG)
def test_what_cannot_be_done_is_told_in_one_line(
    holdfast, campaign, tmp_path, monkeypatch, line, message
):
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text('[offers.points]\nkind = "points"\nfixed_cost = -2\n')
    Path("empty.csv").touch()
    known = {"SHOP": campaign.shop, "PLAN": campaign.plan}
    words = [known.get(word, word) for word in shlex.split(line)]
    if words[0] == "plan":
        words += ["--out", "plan.csv"]
        words += [] if "--offers" in words else ["--offers", campaign.offers]
    found = holdfast(*words, "--as-of", AS_OF, uri=campaign.uri)
    assert found.exit_code == 2 and message in found.stderr
    assert not Path("plan.csv").exists()


def test_a_campaign_that_the_history_does_not_have_is_unknown(holdfast, campaign):
    given = ("measure", campaign.shop, "--plan", campaign.plan, "--as-of", END)
    found = holdfast(*given, uri=campaign.uri)
    assert found.exit_code == 2
    assert "campaign_id must be one of the history's offers, ['pilot']" in found.stderr


def test_a_plan_needs_champions(holdfast, campaign, tmp_path):
    given = ("plan", campaign.shop, "--as-of", AS_OF, "--offers", campaign.offers, "--budget", 1)
    found = holdfast(*given, "--out", tmp_path / "p.csv", uri=f"sqlite:///{tmp_path}/none.db")
    assert found.exit_code == 3


def test_uplift_needs_offers_in_the_history(holdfast, campaign, tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    for name in ("orders.parquet", "history.toml"):
        (folder / name).write_bytes((campaign.shop / name).read_bytes())
    given = ("uplift", folder, "--as-of", AS_OF, "--horizon-days", 90)
    found = holdfast(*given, uri=campaign.uri)
    assert found.exit_code == 2 and "must have a table offers" in found.stderr


def test_a_plan_warns_of_models_that_know_what_came_later(holdfast, campaign, tmp_path):
    given = ("plan", campaign.shop, "--offers", campaign.offers, "--budget", 100, "--json")
    arguments = (*given, "--as-of", "2025-08-01", "--out", tmp_path / "plan.csv")
    found = json.loads(holdfast(*arguments, uri=campaign.uri).stdout)
    assert any("these scores know what came next" in warning for warning in found["warnings"])
