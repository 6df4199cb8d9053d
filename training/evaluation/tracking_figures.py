"""Draw a model over time and over all customers: orders by week, bias by origin, reasons."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from training.evaluation.chart import ACTUAL, FORECAST, REFERENCE, Chart, canvas, percent

# Of a normal variable, within so many deviations of its mean.
NORMAL_95 = 1.96


def tracking_figure(table: pd.DataFrame) -> Chart:
    """Actual orders by week against those that a model expected, before and after its origin.

    Parameters
    ----------
    table : pandas.DataFrame
        From `training.panel.tracking.weekly_orders`.

    Returns
    -------
    Chart
        Two lines, and where the forecast begins.

    Examples
    --------
    >>> weeks = pd.date_range("2025-06-02", periods=3, freq="7D")
    >>> table = pd.DataFrame({"week": weeks, "orders": [9, 12, 12],
    ...     "expected": [10.0, 10.0, 10.0], "is_after": [False, True, True]})
    >>> tracking_figure(table).axes[0].get_title(loc="left")
    'The 2 weeks after the origin: 20% more repeat orders than expected'
    """
    after = table[table["is_after"]]
    figure, axes = canvas(_tracking_title(after))
    axes.plot(table["week"], table["orders"], color=ACTUAL, linewidth=1.2, label="actual")
    axes.plot(
        table["week"], table["expected"], color=FORECAST, linewidth=2.5, label="expected by MBG/NBD"
    )
    if len(after):
        axes.axvline(after["week"].iloc[0], color=REFERENCE, linestyle=":", label="origin")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Week, by its first day")
    axes.set_ylabel("Repeat orders in the week (purchase days)")
    _dates(axes)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def bias_figure(table: pd.DataFrame, unit: str) -> Chart:
    """By how much a forecast was off at each origin, beside what chance alone would show.

    Parameters
    ----------
    table : pandas.DataFrame
        One row for each origin: origin, its date; bias, above 0 where too much was forecast;
        deviation, of the bias by chance alone.
    unit : str
        Of a hundredth of the bias: "points", "%".

    Returns
    -------
    Chart
        A point for each origin over the band of what is by chance alone, 95% of the time.

    Examples
    --------
    >>> table = pd.DataFrame({"origin": pd.to_datetime(["2025-03-01", "2025-06-01"]),
    ...     "bias": [0.01, 0.03], "deviation": [0.01, 0.01]})
    >>> bias_figure(table, "points").axes[0].get_title(loc="left")
    'On average 2.0 points too high; beyond chance at 1 of 2 origins'
    """
    chance = NORMAL_95 * table["deviation"]
    beyond = int((table["bias"].abs() > chance).sum())
    mean = round(100 * float(table["bias"].mean()), 1)
    amount = f"{abs(mean):.1f}{unit}" if unit == "%" else f"{abs(mean):.1f} {unit}"
    level = f"{amount} too {'high' if mean > 0 else 'low'}" if mean else "right"
    origins = f"{len(table)} origin{'s' * (len(table) != 1)}"
    title = f"On average {level}; beyond chance at {beyond} of {origins}"
    figure, axes = canvas(title)
    place = np.arange(len(table), dtype=np.float64)
    # Beyond the outermost points, so that the band of a single origin is to be seen.
    reach = np.concatenate([[-0.4], place, [len(table) - 0.6]])
    band = np.concatenate([chance.iloc[:1], chance, chance.iloc[-1:]])
    axes.fill_between(
        reach, -band, band, color=REFERENCE, alpha=0.2, linewidth=0, label="by chance alone, 95%"
    )
    axes.axhline(0, color=REFERENCE, linewidth=0.8)
    axes.plot(place, table["bias"], "o", color=FORECAST, label="bias of an origin")
    axes.set_xticks(place, [f"{origin:%Y-%m-%d}" for origin in table["origin"]])
    if len(table) > 5:
        axes.tick_params("x", rotation=45)
    axes.set_xlabel("Origin")
    axes.set_ylabel(f"Forecast less actual ({unit})")
    axes.yaxis.set_major_formatter(percent())
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def reasons_figure(table: pd.DataFrame) -> Chart:
    """What is told of customers most often as a reason for their risk.

    Parameters
    ----------
    table : pandas.DataFrame
        Index topic; first, the share of customers of whom it is the strongest reason; told, of whom
        it is any of the reasons.

    Returns
    -------
    Chart
        Two bars for each topic, the most frequent above.

    Examples
    --------
    >>> table = pd.DataFrame({"first": [0.75, 0.0], "told": [0.75, 0.5]}, ["rhythm", "season"])
    >>> reasons_figure(table).axes[0].get_title(loc="left")
    'The strongest reason of 75% of customers is rhythm'
    """
    shown = table[table["told"] > 0].sort_values(["first", "told"])
    title = "No customer has a reason for risk"
    if len(shown):
        title = f"The strongest reason of {shown['first'].iloc[-1]:.0%} of customers is "
        title += str(shown.index[-1])
    figure, axes = canvas(title)
    place = np.arange(len(shown), dtype=np.float64)
    axes.barh(place + 0.2, shown["first"], 0.4, color=FORECAST, label="the strongest reason")
    axes.barh(place - 0.2, shown["told"], 0.4, color=ACTUAL, label="among the three strongest")
    axes.set_yticks(place, [str(topic) for topic in shown.index])
    axes.set_xlabel("Customers (%)")
    axes.xaxis.set_major_formatter(percent())
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _tracking_title(after: pd.DataFrame) -> str:
    expected, weeks = float(after["expected"].sum()), len(after)
    if not expected:
        return "Repeat orders by week, as they came and as expected"
    off = round(100 * (float(after["orders"].sum()) / expected - 1))
    span = f"The {weeks} weeks after the origin" if weeks > 1 else "The week after the origin"
    if off == 0:
        return f"{span}: as many repeat orders as expected"
    return f"{span}: {abs(off)}% {'more' if off > 0 else 'fewer'} repeat orders than expected"


def _dates(axes: Axes) -> None:
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]  # matplotlib is untyped here
    axes.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]  # matplotlib is untyped here
    axes.xaxis.set_major_formatter(formatter)
