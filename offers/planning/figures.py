"""Draw the curves of `offers.planning.curves`, one figure each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from offers.planning.curves import BudgetCurve
from training.evaluation.chart import ACTUAL, FORECAST, REFERENCE, Chart, panels, percent

ORDERS = {"churn_risk": "by churn risk", "expected_profit": "by expected profit"}


def budget_figure(curve: BudgetCurve, currency: str = "shop currency") -> Chart:
    """Expected profit and its marginal return by budget.

    Parameters
    ----------
    curve : BudgetCurve
        From `budget_curve`, at its usual budgets.
    currency : str
        Name of the currency, for the axes.

    Returns
    -------
    Chart
        Profit above, the profit of one more unit of budget below; dashed, where more money loses.

    Examples
    --------
    >>> from offers.planning.curves import budget_curve
    >>> figure = budget_figure(budget_curve([[5.0], [-1.0]], [[2.0], [2.0]]), "EUR")
    >>> figure.axes[0].get_title(loc="left")
    'Beyond 2 EUR more budget brings nothing; profit is then 5'
    """
    points, beyond = curve.points, curve.beyond
    title = f"Beyond {_short(curve.enough)} {currency} more budget brings nothing; "
    title += f"profit is then {_short(points['profit'].max())}"
    figure, (above, below) = panels(title, 6.0, 2, (2, 1))
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
    below.set_ylabel(f"Profit of one more\nunit of budget ({currency})")
    below.set_xlabel(f"Budget ({currency})")
    for axes in (above, below):
        axes.axvline(curve.enough, color=REFERENCE, linestyle=":")
        _plain(axes)
    below.axhline(0.0, color=REFERENCE, linewidth=0.8)
    return figure


def trade_off_figure(table: pd.DataFrame, currency: str = "shop currency") -> Chart:
    """Churners reached, money spent on loyal customers and profit, by share contacted.

    Parameters
    ----------
    table : pandas.DataFrame
        From `trade_off`.
    currency : str
        Name of the currency, for the axes.

    Returns
    -------
    Chart
        One panel each, with a line for each order of contacting customers.

    Examples
    --------
    >>> from offers.planning.curves import trade_off
    >>> table = trade_off([0.75, 0.25], [10.0, 500.0], [-1.0, 4.0], [2.0, 2.0], [0.5, 1.0])
    >>> trade_off_figure(table, "EUR").axes[0].get_title(loc="left").splitlines()
    ['The best 50% by expected profit bring 4 EUR;', 'as many by churn risk, -1']
    """
    by_order = {order: table[table["order"] == order].set_index("share") for order in ORDERS}
    profits = by_order["expected_profit"]["profit"]
    share = float(profits.index[int(profits.to_numpy().argmax())])
    at_risk = float(by_order["churn_risk"]["profit"].loc[share])
    title = f"The best {share:.0%} by expected profit bring {_short(profits.max())} {currency};\n"
    title += f"as many by churn risk, {_short(at_risk)}"
    figure, (reached, loyal, profit) = panels(title, 7.6, 3)
    columns = {
        "churners_reached": "Churners reached (%)",
        "cost_of_loyal": f"Spent on loyal customers\n({currency})",
        "profit": f"Expected profit\n({currency})",
    }
    for axes, (column, label) in zip((reached, loyal, profit), columns.items(), strict=True):
        for (name, rows), colour in zip(by_order.items(), (ACTUAL, FORECAST), strict=True):
            axes.plot(rows[column], "o-", color=colour, linewidth=2.5, label=ORDERS[name])
        axes.set_ylabel(label)
        _plain(axes)
    reached.yaxis.set_major_formatter(percent())
    reached.legend(loc="lower right", frameon=False)
    profit.axhline(0.0, color=REFERENCE, linewidth=0.8)
    profit.set_xlim(0, 1.03 * float(table["share"].max()))
    profit.xaxis.set_major_formatter(percent())
    profit.set_xlabel("Customers contacted (%)")
    return figure


_AMOUNT = FuncFormatter(lambda amount, _: f"{amount:,.10g}")


def _plain(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(_AMOUNT)
    axes.yaxis.set_major_formatter(_AMOUNT)


def _short(amount: float) -> str:
    """Three digits say enough in a title."""
    if not amount:
        return "0"
    digits = int(np.floor(np.log10(abs(amount))))
    return f"{round(amount, 2 - digits):,.10g}"
