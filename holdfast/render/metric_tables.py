"""Metrics on a terminal: the few that a meeting begins with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from holdfast.render import output
from holdfast.render.tables import add, table_of

if TYPE_CHECKING:
    from features.metrics.cohorts import Cohorts
    from features.metrics.retention import RetentionMetrics

# As many ages as a terminal has room for.
OLDEST = 12
SHOWN = {
    "customers_at_start": ("at start", "{:,.0f}"),
    "new_customers": ("new", "{:,.0f}"),
    "reactivated_customers": ("back", "{:,.0f}"),
    "lost_customers": ("lost", "{:,.0f}"),
    "customers_at_end": ("at end", "{:,.0f}"),
    "customer_retention_rate": ("retention", "{:.1%}"),
    "orders": ("orders", "{:,.0f}"),
    "aov": ("AOV", "{:,.2f}"),
    "net_revenue": ("net revenue", "{:,.0f}"),
    "nps": ("NPS", "{:+.0f}"),
    "csat": ("CSAT", "{:.0%}"),
}


def print_metrics(found: RetentionMetrics) -> None:
    """Print every period of all customers, and the last whole one of each group."""
    money = f"; amounts in {found.currency}" if found.currency else ""
    output.line(
        f"A customer who does not order for {found.horizon_days:g} days is lost; every period as "
        f"it was known at its end{money}"
    )
    output.line()
    overall = found.overall
    names = [name for name in SHOWN if overall[name].notna().any()]
    table = table_of([found.every if found.every != "all" else "from"], _titles(names))
    for _, row in overall.iterrows():
        label = f"{row['start']:%Y-%m-%d}" + ("" if row["is_whole"] else " *")
        add(table, [label, *_cells(row, names)])
    output.stdout().print(table)
    if found.by is None:
        return
    whole = overall[overall["is_whole"]]
    last = (whole if len(whole) else overall)["start"].iloc[-1]
    table = table_of([output.clean(found.by)], _titles(names))
    rows = found.table[found.table["group"].notna() & (found.table["start"] == last)]
    for _, row in rows.iterrows():
        add(table, [row["group"], *_cells(row, names)])
    output.line(f"By {found.by}, from {last:%Y-%m-%d}")
    output.stdout().print(table)


def print_cohorts(found: Cohorts) -> None:
    """Print the share of each cohort that ordered again, by age; a star: the period is not over."""
    output.line(
        f"Share of each {found.every}'s new customers who ordered 1, 2 ... {found.every}s later"
    )
    rows = found.table[found.table["age"] <= OLDEST]
    ages = range(1, int(rows["age"].max()) + 1)
    table = table_of([found.every], ["customers", *map(str, ages)])
    for start, cohort in rows.groupby("cohort"):
        cells = cohort[cohort["age"] > 0]
        shares = [
            f"{retention:.0%}" + ("" if is_whole else "*")
            for retention, is_whole in zip(cells["retention"], cells["is_whole"], strict=True)
        ]
        empty = [""] * (len(ages) - len(shares))
        size = f"{cohort['customers'].iloc[0]:,}"
        add(table, [f"{pd.Timestamp(str(start)):%Y-%m-%d}", size, *shares, *empty])
    output.stdout().print(table)


def _titles(names: list[str]) -> list[str]:
    return [SHOWN[name][0] for name in names]


def _cells(row: pd.Series[float], names: list[str]) -> list[str]:
    """The figures of a row; empty where nobody knows."""
    return ["" if math.isnan(row[name]) else SHOWN[name][1].format(row[name]) for name in names]
