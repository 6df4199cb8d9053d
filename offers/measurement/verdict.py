"""Whether a campaign paid, in one sentence that follows from its interval."""

from __future__ import annotations

import math

import pandas as pd

from offers.measurement.comparison import FEWEST
from offers.measurement.window import Window
from offers.planning.plan_table import TOTAL

# From so much on cents say nothing.
WHOLE = 100


def profit_verdict(low: float, high: float, currency: str | None) -> str:
    """Say what a 95% interval of the incremental profit shows.

    What is paid or lost at the least is rounded down, so that no words say more than the interval.

    Parameters
    ----------
    low, high : float
        Of the interval, currency; NaN where there is none.
    currency : str or None

    Examples
    --------
    >>> profit_verdict(-4884.2, 26957.6, "EUR")
    'not shown: profit between -4,884 and 26,958 EUR (95%)'
    >>> profit_verdict(1200.7, 9000.0, "EUR"), profit_verdict(-9000.0, -0.5, None)
    ('paid: at least 1,200 EUR (95%)', 'lost: at least 0.50 (95%)')
    """
    money = f" {currency}" if currency else ""
    if math.isnan(low) or math.isnan(high):
        return "too few to say"
    if low > 0:
        return f"paid: {_at_least(low)}{money} (95%)"
    if high < 0:
        return f"lost: {_at_least(-high)}{money} (95%)"
    bounds = f"{_amount(low)} and {_amount(high)}"
    return f"not shown: profit between {bounds}{money} (95%)"


def campaign_verdict(
    window: Window, groups: pd.DataFrame, effects: pd.DataFrame, currency: str | None
) -> str:
    """Say whether a campaign paid, or why nobody can tell.

    Parameters
    ----------
    window : Window
    groups, effects : pandas.DataFrame
        As in `Measurement`.
    currency : str or None
    """
    if groups["mismatch"].any():
        return "cannot be told: customers went missing in one arm more than in the other"
    so_far = f"after {window.days:.0f} of {window.horizon_days} days: " if window.is_interim else ""
    is_profit = effects["figure"] == "incremental_profit"
    profit = effects[is_profit & (effects["intended_offer"] == TOTAL)].iloc[0]
    low, high = float(profit["low"]), float(profit["high"])
    if math.isnan(low):
        total = groups[groups["intended_offer"] == TOTAL].iloc[0]
        return f"{so_far}too few to say: {_why(total)}"
    return so_far + profit_verdict(low, high, currency)


def _why(total: pd.Series) -> str:
    """Why there is no interval."""
    treated, held_out = int(total["treated"]), int(total["held_out"])
    if min(treated, held_out) >= FEWEST:
        return "all customers came out alike"
    return f"{treated:,} treated and {held_out:,} held out; it takes {FEWEST} of each"


def _at_least(amount: float) -> str:
    shown = (
        f"{math.floor(amount):,}" if amount >= WHOLE else f"{math.floor(100 * amount) / 100:.2f}"
    )
    return "more than 0" if shown == "0.00" else f"at least {shown}"


def _amount(value: float) -> str:
    """As the tables round it, without a minus before a zero."""
    shown = f"{value:,.0f}" if abs(value) >= WHOLE else f"{value:.2f}"
    return "0.00" if shown == "-0.00" else shown
