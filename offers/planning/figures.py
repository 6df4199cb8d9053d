"""Draw the curves of `offers.planning.curves`, one matplotlib Figure each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from offers.planning.curves import BudgetCurve
from training.evaluation.figures import ACTUAL, FORECAST, REFERENCE

ORDERS = {"churn_risk": "by churn risk", "expected_profit": "by expected profit"}


def budget_figure(curve: BudgetCurve, currency: str = "shop currency") -> Figure:
    """Expected profit and its marginal return by budget.

    Parameters
    ----------
    curve : BudgetCurve
        From `budget_curve`, at its usual budgets.
    currency : str
        Name of the currency, for the axes.

    Returns
    -------
    matplotlib.figure.Figure
        Profit above, the profit of one more unit of budget below; dashed, where more money loses.

    Examples
    --------
    >>> from offers.planning.curves import budget_curve
    >>> figure = budget_figure(budget_curve([[5.0], [-1.0]], [[2.0], [2.0]]), "EUR")
    >>> figure.axes[0].get_title(loc="left")
    'Beyond 2 EUR more budget brings nothing; profit is then 5'
    """
    figure = Figure(figsize=(6.4, 6.0), dpi=120, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    points, beyond = curve.points, curve.beyond
    most = points["profit"].max()
    above.set_title(
        f"Beyond {_short(curve.enough)} {currency} more budget brings nothing; profit is then "
        f"{_short(most)}",
        loc="left",
        fontsize=11,
    )
    further = pd.concat([points.tail(1), beyond])
    above.plot(points["budget"], points["profit"], color=FORECAST, linewidth=2.5, label="best use")
    if len(beyond):
        above.plot(
            further["budget"],
            further["profit"],
            color=FORECAST,
            linestyle="--",
            label="spent all the same",
        )
    above.set_ylabel(f"Expected profit ({currency})")
    above.legend(loc="lower center", frameon=False)
    paid = points[points["budget"] > 0]
    below.plot(paid["budget"], paid["price"], color=ACTUAL, linewidth=2.5)
    below.set_ylabel("Profit of one\nmore unit of budget")
    below.set_xlabel(f"Budget ({currency})")
    for axes in (above, below):
        axes.axvline(curve.enough, color=REFERENCE, linestyle=":")
        _plain(axes)
    below.axhline(0.0, color=REFERENCE, linewidth=0.8)
    return figure


def trade_off_figure(table: pd.DataFrame, currency: str = "shop currency") -> Figure:
    """Churners reached, money spent on loyal customers and profit, by share contacted.

    Parameters
    ----------
    table : pandas.DataFrame
        From `trade_off`.
    currency : str
        Name of the currency, for the axes.

    Returns
    -------
    matplotlib.figure.Figure
        One panel each, with a line for each order of contacting customers.

    Examples
    --------
    >>> from offers.planning.curves import trade_off
    >>> table = trade_off([0.75, 0.25], [10.0, 500.0], [-1.0, 4.0], [2.0, 2.0], [0.5, 1.0])
    >>> trade_off_figure(table, "EUR").axes[0].get_title(loc="left").splitlines()
    ['The best 50% by expected profit bring 4 EUR;', 'as many by churn risk, -1']
    """
    figure = Figure(figsize=(6.4, 7.6), dpi=120, layout="constrained")
    panels = figure.subplots(3, 1, sharex=True)
    by_order = {order: table[table["order"] == order].set_index("share") for order in ORDERS}
    profits = by_order["expected_profit"]["profit"]
    share = float(profits.index[int(profits.to_numpy().argmax())])
    at_risk = float(by_order["churn_risk"]["profit"].loc[share])
    panels[0].set_title(
        f"The best {share:.0%} by expected profit bring {_short(profits.max())} {currency};\n"
        f"as many by churn risk, {_short(at_risk)}",
        loc="left",
        fontsize=11,
    )
    columns = {
        "churners_reached": "Churners reached (%)",
        "cost_of_loyal": f"Spent on loyal customers\n({currency})",
        "profit": f"Expected profit\n({currency})",
    }
    for axes, (column, label) in zip(panels, columns.items(), strict=True):
        for (name, rows), colour in zip(by_order.items(), (ACTUAL, FORECAST), strict=True):
            axes.plot(rows[column], color=colour, linewidth=2.5, label=ORDERS[name])
        axes.set_ylabel(label)
        _plain(axes)
    panels[0].yaxis.set_major_formatter(_PERCENT)
    panels[0].legend(loc="lower right", frameon=False)
    panels[2].axhline(0.0, color=REFERENCE, linewidth=0.8)
    panels[2].set(xlim=(0, 1))
    panels[2].xaxis.set_major_formatter(_PERCENT)
    panels[2].set_xlabel("Customers contacted (%)")
    return figure


_PERCENT = FuncFormatter(lambda share, _: f"{100 * share:.4g}")
_AMOUNT = FuncFormatter(lambda amount, _: f"{amount:,.10g}")


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_formatter(_AMOUNT)
    axes.yaxis.set_major_formatter(_AMOUNT)


def _short(amount: float) -> str:
    """Three digits say enough in a title."""
    if not amount:
        return "0"
    digits = int(np.floor(np.log10(abs(amount))))
    return f"{round(amount, 2 - digits):,.10g}"
