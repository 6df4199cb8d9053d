import numpy as np
import pandas as pd
import pytest
from scipy import stats

from offers.measurement.sample_ratio import sample_ratio
from offers.planning.randomisation import draw


def experiment(*counts: tuple[str, int, int], share: float = 0.1) -> pd.DataFrame:
    """Rows of a plan: offer, treated, held out."""
    parts = [
        pd.DataFrame({"intended_offer": offer, "arm": ["offer"] * treated + ["holdout"] * held_out})
        for offer, treated, held_out in counts
    ]
    rows = pd.concat(parts, ignore_index=True)
    propensity = np.where(rows["arm"] == "holdout", share, 1 - share)
    return rows.assign(explored=False, propensity=propensity)


def test_each_offer_and_the_total_are_counted():
    found = sample_ratio(experiment(("points", 90, 10), ("gift", 45, 5)))

    assert found["intended_offer"].tolist() == ["gift", "points", "total"]
    assert found["treated"].tolist() == [45, 90, 135]
    assert found["held_out"].tolist() == [5, 10, 15]
    assert found["expected_share"].tolist() == [0.1] * 3
    assert not found["mismatch"].any()


def test_the_p_value_is_that_of_the_binomial_distribution():
    """Two tosses, none held out, an even chance: none or both, each a quarter."""
    rows = experiment(("points", 2, 0), ("gift", 0, 1), share=0.5)

    found = sample_ratio(rows).set_index("intended_offer")["p_value"]

    assert found["points"] == pytest.approx(0.5)
    assert found["gift"] == pytest.approx(1.0)


def test_customers_missing_in_one_arm_are_noticed():
    found = sample_ratio(experiment(("points", 900, 60), ("gift", 450, 50)))

    flagged = found.set_index("intended_offer")
    assert flagged["mismatch"].tolist() == [False, True, False]
    assert flagged.loc["points", "p_value"] == pytest.approx(stats.binomtest(60, 960, 0.1).pvalue)


def test_customers_drawn_to_explore_do_not_blur_the_share():
    """Had nothing been chosen for them, no offer is what they would mostly get."""
    rows = experiment(("points", 90, 10))
    explored = experiment(("points", 18, 2), share=0.955).assign(explored=True)

    found = sample_ratio(pd.concat([rows, explored]))

    assert found["expected_share"].tolist() == [0.1, 0.1]
    assert found["held_out"].tolist() == [12, 12]


def test_without_anybody_chosen_and_held_out_there_is_nothing_to_test():
    found = sample_ratio(experiment(("points", 30, 0)))

    assert found["p_value"].isna().all()
    assert not found["mismatch"].any()


def test_arms_as_they_are_drawn_are_seldom_flagged():
    ids = [f"c{number}" for number in range(500)]

    flagged = 0
    for campaign in range(100):
        held_out = int((draw(f"campaign {campaign}", "holdout", ids) < 0.1).sum())
        table = sample_ratio(experiment(("points", len(ids) - held_out, held_out)))
        flagged += int(table["mismatch"].iloc[0])

    assert flagged <= 1
