"""The tables of a measured campaign, from small made-up campaigns."""

import numpy as np
import pandas as pd
import pytest

from holdfast.render.measured_tables import TOO_FEW, print_measured, print_verdict
from offers.measurement.effects import Outcomes, effect_table
from offers.measurement.experiment import Measurement
from offers.measurement.verdict import campaign_verdict
from offers.measurement.window import Window
from offers.planning.plan_table import TOTAL

WINDOW = Window(100.0, 190.0, 90)


def measured(treated: int, held_out: int) -> Measurement:
    """One offer; a half of the treated ordered, and a quarter of those held out."""
    arm = np.repeat([True, False], [treated, held_out])
    ordered = np.concatenate([np.arange(treated) % 2, np.arange(held_out) % 4 == 0]).astype(float)
    came = Outcomes(
        intended_offer=np.full(arm.size, "points", dtype=object),
        treated=arm,
        forecasts=np.empty((arm.size, 0)),
        ordered=ordered,
        net_spend=40.0 * ordered,
        cost=2.0 * arm,
        in_spend=np.zeros(arm.size),
        margin_rate=0.5,
    )
    rates = [x.mean() if len(x) >= 20 else np.nan for x in (ordered[arm], ordered[~arm])]
    row = {"treated": treated, "held_out": held_out, "mismatch": False}
    row |= dict(zip(("retention_treated", "retention_held_out"), rates, strict=True))
    row |= {f"net_spend_{a}": 40 * r for a, r in zip(("treated", "held_out"), rates, strict=True)}
    groups = pd.DataFrame([{"intended_offer": o, **row} for o in ("points", TOTAL)])
    effects = effect_table(came)
    verdict = campaign_verdict(WINDOW, groups, effects, "EUR")
    return Measurement("spring", WINDOW, "EUR", groups, effects, {}, (), verdict)


def test_the_verdict_comes_first(capsys):
    print_verdict(measured(200, 200))
    assert capsys.readouterr().out.startswith("Verdict: paid: at least 231 EUR (95%)\n")


def test_both_rates_stand_beside_their_difference(capsys):
    print_measured(measured(200, 200))
    row = next(x for x in capsys.readouterr().out.splitlines() if x.startswith(" points"))
    assert row.split()[:6] == ["points", "200", "200", "50.0%", "25.0%", "25.0"]


@pytest.mark.parametrize(("treated", "held_out"), [(10, 1), (19, 300), (300, 19), (5, 0)])
def test_too_few_are_told_in_words_and_only_what_was_paid_in_figures(capsys, treated, held_out):
    result = measured(treated, held_out)
    print_verdict(result)
    print_measured(result)
    printed = capsys.readouterr().out
    assert printed.startswith("Verdict: too few to say: ")
    assert printed.count(TOO_FEW) == 1 + 2 * 3
    tables = printed.partition("intervals\n")[2]
    small = [part for line in tables.splitlines() if line.startswith(" points") for part in line]
    assert "-" not in small and printed.count("Adjusting") == 0
