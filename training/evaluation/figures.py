"""Draw the tables of `training.evaluation`, one figure each.

Figures are matplotlib's, built without pyplot: nothing global is touched and no display is needed.
Save one with `figure.savefig(path)`, or show it in a notebook by naming it last in a cell;
`figure.with_subtitle("Bakery", "90 days")` says what it is about.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import StrMethodFormatter

from training.evaluation.chart import ACTUAL, FORECAST, REFERENCE, Chart, canvas, percent


def calibration_figure(table: pd.DataFrame) -> Chart:
    """Forecast churn risk against the churn rate that followed.

    Parameters
    ----------
    table : pandas.DataFrame
        From `training.evaluation.calibration_table`.

    Returns
    -------
    Chart
        A point per bin with its 95% interval; on the diagonal, the risk was right.

    Examples
    --------
    >>> from training.evaluation import calibration_table
    >>> figure = calibration_figure(calibration_table([False, True, True], [0.2, 0.6, 0.9]))
    >>> figure.axes[0].get_title(loc="left")
    'Forecast and actual churn differ by 23.3 points on average'
    """
    gap = (table["mean_risk"] - table["churn_rate"]).abs()
    points = 100 * np.average(gap, weights=table["customers"])
    figure, axes = canvas(f"Forecast and actual churn differ by {points:.1f} points on average")
    seen = table[["mean_risk", "churn_rate_low", "churn_rate_high"]]
    low, high = float(seen.min().min()), float(seen.max().max())
    margin = max(0.04 * (high - low), 0.002)
    limits = (max(low - margin, -0.02), min(high + margin, 1.02))
    axes.plot(limits, limits, color=REFERENCE, linestyle="--", label="forecast = actual")
    axes.errorbar(
        table["mean_risk"],
        table["churn_rate"],
        yerr=[
            table["churn_rate"] - table["churn_rate_low"],
            table["churn_rate_high"] - table["churn_rate"],
        ],
        fmt="o",
        color=ACTUAL,
        capsize=3,
        label=f"{_groups(table['customers'])}, 95% interval",
    )
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set_xlabel("Forecast churn risk, mean of the group (%)")
    axes.set_ylabel("Customers of the group who churned (%)")
    _percent(axes)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def gain_figure(table: pd.DataFrame, total: str = "the outcome") -> Chart:
    """How much of a total the best-ranked customers hold.

    Parameters
    ----------
    table : pandas.DataFrame
        From `training.evaluation.gain_table`.
    total : str
        What is captured, as it reads in a sentence: "churned customers", "spend".

    Returns
    -------
    Chart
        The gain curve between chance (the diagonal) and the best possible ranking.

    Examples
    --------
    >>> from training.evaluation import gain_table
    >>> figure = gain_figure(gain_table([0, 0, 0, 5, 5], [1, 2, 4, 3, 5]), total="spend")
    >>> figure.axes[0].get_title(loc="left")
    'The top 20% by forecast hold 50% of spend (at best 50%)'
    """
    share = table["share_of_customers"]
    captured, best = (np.interp(0.2, share, table[c]) for c in ("captured", "captured_at_best"))
    if np.isnan(captured):
        title = f"Nothing to rank: {total} came to zero"
    else:
        title = f"The top 20% by forecast hold {captured:.0%} of {total} (at best {best:.0%})"
    figure, axes = canvas(title)
    axes.plot(share, table["captured_at_best"], color=ACTUAL, linestyle=":", label="best possible")
    axes.plot(share, table["captured"], color=FORECAST, linewidth=2.5, label="ranked by forecast")
    axes.plot(share, share, color=REFERENCE, linestyle="--", label="ranked at random")
    axes.set(xlim=(0, 1), ylim=(0, 1.01))
    axes.set_xlabel("Customers, highest forecast first (%)")
    axes.set_ylabel(f"Share of {total} (%)")
    _percent(axes)
    axes.legend(loc="lower right", frameon=False)
    return figure


def decile_figure(table: pd.DataFrame, currency: str = "shop currency") -> Chart:
    """Forecast spend beside actual spend, by decile of forecast.

    Parameters
    ----------
    table : pandas.DataFrame
        From `training.evaluation.decile_table`.
    currency : str
        Name of the currency, for the axis.

    Returns
    -------
    Chart
        Two bars per decile and, above them, by how much the forecast was off.

    Examples
    --------
    >>> from training.evaluation import decile_table
    >>> figure = decile_figure(decile_table([0.0, 2.0, 4.0, 34.0], [1.0, 2.0, 5.0, 24.0]), "EUR")
    >>> figure.axes[0].get_title(loc="left")
    'Forecast spend was 20% below actual spend in total'
    """
    figure, axes = canvas(_total_error(table))
    place = np.arange(len(table), dtype=np.float64)
    axes.bar(place - 0.2, table["mean_forecast"], 0.4, color=FORECAST, label="forecast")
    axes.bar(place + 0.2, table["mean_spend"], 0.4, color=ACTUAL, label="actual")
    highest = table[["mean_forecast", "mean_spend"]].max(axis="columns")
    for x, top, error in zip(place, highest, _errors(table), strict=True):
        axes.text(x, top, error, ha="center", va="bottom", fontsize=8)
    axes.set_ylim(0, 1.1 * float(highest.max()) or 1)
    axes.set_xticks(place, _decile_labels(table))
    axes.set_xlabel("Decile of forecast, 10 = highest (share of customers where not a tenth)")
    axes.set_ylabel(f"Mean spend per customer in the window ({currency})")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    axes.legend(
        loc="upper left",
        frameon=False,
        alignment="left",
        title="above the bars: forecast against actual",
    )
    return figure


def uplift_figure(table: pd.DataFrame, outcome: str = "outcomes") -> Chart:
    """Outcomes gained by offering to more and more customers, best-ranked first.

    Parameters
    ----------
    table : pandas.DataFrame
        From `training.evaluation.uplift_table`; with columns `low` and `high`, a band of 95%.
    outcome : str
        What is gained, as it reads in a sentence: "orders", "visits".

    Returns
    -------
    Chart
        The Qini curve above the line of a random order.

    Examples
    --------
    >>> from training.evaluation import uplift_table
    >>> table = uplift_table([1, 0, 1, 0], [4, 3, 2, 1], [1, 0, 0, 1])
    >>> uplift_figure(table, "orders").axes[0].get_title(loc="left")
    'The top 30% by uplift gain 500 orders per 1,000 treated (at random 0)'
    """
    share = table["share_of_customers"]
    gained, chance = (np.interp(0.3, share, table[c]) for c in ("gained", "at_random"))
    title = f"The top 30% by uplift gain {gained:.3g} {outcome} per 1,000 treated"
    figure, axes = canvas(f"{title} (at random {chance:.3g})")
    if {"low", "high"} <= set(table):
        axes.fill_between(
            share, table["low"], table["high"], color=FORECAST, alpha=0.15, linewidth=0, label="95%"
        )
    axes.plot(share, table["gained"], color=FORECAST, linewidth=2.5, label="ranked by uplift")
    axes.plot(share, table["at_random"], color=REFERENCE, linestyle="--", label="at random")
    axes.axhline(0, color=REFERENCE, linewidth=0.8)
    axes.set(xlim=(0, 1))
    axes.set_xlabel("Customers, highest predicted uplift first (%)")
    axes.set_ylabel(f"Gained {outcome} per 1,000 customers treated in all")
    axes.xaxis.set_major_formatter(percent())
    axes.legend(loc="upper left", frameon=False)
    return figure


def effects_figure(effects: pd.DataFrame, offer: str) -> Chart:
    """What an offer changed, by group of predicted uplift.

    Parameters
    ----------
    effects : pandas.DataFrame
        `UpliftModel.effects_`.
    offer : str

    Returns
    -------
    Chart
        Effect of each group with its 95% interval beside what was predicted.

    Examples
    --------
    >>> effects = pd.DataFrame({
    ...     "offer": ["gift", "gift"], "group": [1, 2], "customers": [50, 50],
    ...     "predicted": [-0.02, 0.06], "effect": [-0.05, 0.05],
    ...     "low": [-0.08, 0.01], "high": [-0.02, 0.09]})
    >>> effects_figure(effects, "gift").axes[0].get_title(loc="left")
    'gift: 1 of 2 groups gains, 1 loses beyond doubt'
    """
    groups = effects[effects["offer"] == offer]
    gains, loses = int((groups["low"] > 0).sum()), int((groups["high"] < 0).sum())
    verb = "gains" if gains == 1 else "gain"
    lost = "loses" if loses == 1 else "lose"
    title = f"{offer}: {gains} of {len(groups)} groups {verb}, {loses} {lost} beyond doubt"
    figure, axes = canvas(title)
    place = np.arange(len(groups), dtype=np.float64)
    reach = [groups["effect"] - groups["low"], groups["high"] - groups["effect"]]
    axes.errorbar(
        place,
        groups["effect"],
        yerr=reach,
        fmt="o",
        color=ACTUAL,
        capsize=3,
        label="effect, 95% interval",
    )
    axes.plot(place, groups["predicted"], "D", color=FORECAST, label="predicted")
    axes.axhline(0, color=REFERENCE, linewidth=0.8)
    axes.set_xticks(place, [str(group) for group in groups["group"]])
    axes.set_xlabel(f"Group of predicted uplift, lowest first; {_groups(groups['customers'])}")
    axes.set_ylabel("Change of the outcome caused by the offer (points)")
    axes.yaxis.set_major_formatter(percent())
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _percent(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(percent())
    axes.yaxis.set_major_formatter(percent())


def _groups(customers: "pd.Series[int]") -> str:
    low, high = customers.min(), customers.max()
    sizes = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{len(customers)} group{'s' * (len(customers) > 1)} of {sizes} customers"


def _decile_labels(table: pd.DataFrame) -> list[str]:
    shares = [f"{share:.0%}" for share in table["customers"] / table["customers"].sum()]
    return [
        str(decile) if share == "10%" else f"{decile}\n({share})"
        for decile, share in zip(table["decile"], shares, strict=True)
    ]


def _errors(table: pd.DataFrame) -> list[str]:
    """Forecast over actual in each decile: a percentage, or a factor where it is tenfold."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = table["mean_forecast"].to_numpy() / table["mean_spend"].to_numpy()
    return [
        "" if not np.isfinite(ratio) else f"{ratio:,.0f}x" if ratio >= 10 else f"{ratio - 1:+.0%}"
        for ratio in ratios
    ]


def _total_error(table: pd.DataFrame) -> str:
    spend = float(np.average(table["mean_spend"], weights=table["customers"]))
    forecast = float(np.average(table["mean_forecast"], weights=table["customers"]))
    if spend == 0:
        return "Nobody spent anything in the window"
    error = round(100 * (forecast / spend - 1))
    if error == 0:
        return "Forecast spend matched actual spend in total"
    side = "above" if error > 0 else "below"
    return f"Forecast spend was {abs(error):,}% {side} actual spend in total"
