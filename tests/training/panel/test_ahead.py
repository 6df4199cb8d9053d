from datetime import date

import pytest

from features.history.history import History
from simulation import simulate
from training.config import TrainingConfig
from training.panel.ahead import WindowAhead, unseen_months
from training.panel.panel import build_panel

CONFIG = TrainingConfig(horizon_days=90, snapshots=3, origins=1)


@pytest.mark.parametrize(
    ("start", "end", "days", "months"),
    [
        (date(2023, 1, 1), date(2025, 1, 1), 31, ()),
        (date(2023, 1, 2), date(2025, 1, 1), 31, ("January",)),
        (date(2024, 6, 1), date(2025, 1, 1), 59, ("January", "February")),
        (date(2022, 1, 1), date(2024, 2, 29), 1, ()),
        (date(2023, 12, 15), date(2025, 12, 10), 10, ("December",)),
        (date(2009, 12, 1), date(2011, 9, 1), 120, ("September", "October", "November")),
    ],
)
def test_a_month_is_known_when_its_days_of_the_window_came_twice_before(start, end, days, months):
    assert unseen_months(start, end, days) == months


def test_a_window_of_years_names_each_month_once():
    found = unseen_months(date(2024, 1, 1), date(2025, 1, 1), 730)

    assert len(found) == len(set(found)) == 12


def ahead_of(growth: float, customers: int) -> WindowAhead:
    simulated = simulate(customers=customers, days=700, seed=3, growth=growth)
    past = History(simulated.orders).upto("2025-10-01").coded()
    return WindowAhead.of(build_panel(past, 90, CONFIG), 90, CONFIG.snapshots)


def test_a_shop_of_mostly_new_customers_is_outgrown_and_a_steady_one_is_not():
    steady, grown = ahead_of(1.0, 300), ahead_of(200.0, 600)

    assert 0 < steady.newcomers < 0.5 < grown.newcomers < 1
    assert (steady.is_outgrown, grown.is_outgrown) == (False, True)


def test_cautions_name_the_months_and_the_newcomers():
    found = WindowAhead(60, ("May", "June"), 0.62).cautions()

    assert found[0].startswith(
        "The 60 days ahead hold months that the history has seen less than twice: May, June."
    )
    assert found[1].startswith("62% of today's customers are not among those learnt from")
    assert WindowAhead(60, (), 0.5).cautions() == ()
