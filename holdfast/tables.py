"""Tables on a terminal about models and scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich import box
from rich.table import Table

from holdfast import output
from holdfast.documents import own_metrics
from training.card import CHURN_METRICS, CLV_METRICS
from training.champions import CHURN

if TYPE_CHECKING:
    from training.backtest import Backtest
    from training.champions import Decision
    from training.tracking import RegisteredVersion

SHORT = {
    "average_precision": "avg precision",
    "mae_over_mean_spend": "mae / mean",
    "normalised_gini": "gini",
    "tweedie_deviance": "tweedie",
    "top_20_capture": "top 20 %",
}
TITLES = {"log_loss": "Churn risk", "tweedie_deviance": "CLV"}
KEY_METRIC = {CHURN: "log_loss"}


def print_candidates(backtest: Backtest) -> None:
    """Print the mean metrics of every candidate, and which was chosen and why."""
    means = backtest.means()
    title = TITLES[backtest.criterion]
    if means.empty:
        output.line(f"{title}: {backtest.why}")
        return
    shown = metrics_shown(backtest)
    origins = backtest.table()["origin"].unique()
    span = f"{origins[0]} to {origins[-1]}" if len(origins) > 1 else origins[0]
    table = _table(["", "candidate"], [_short(m) for m in shown])
    for name, row in means.iterrows():
        is_chosen = name == backtest.chosen
        style = "bold" if is_chosen else ""
        figures = [f"{row[metric]:.4f}" for metric in shown]
        _add(table, [">" if is_chosen else "", name, *figures], style)
    output.line(f"{title}: means over {len(origins)} out-of-time origins, {span}", "bold")
    output.stdout().print(table)


def print_folds(backtest: Backtest) -> None:
    """Print every candidate at every origin."""
    shown = metrics_shown(backtest)
    table = _table(
        ["origin", "candidate"],
        ["customers", *(_short(m) for m in shown)],
    )
    for origin, rows in backtest.table().groupby("origin"):
        for i, (_, row) in enumerate(rows.iterrows()):
            figures = [f"{row['customers']:,}", *(f"{row[metric]:.4f}" for metric in shown)]
            _add(table, ["" if i else origin, row["candidate"], *figures])
        table.add_section()
    output.line(f"{TITLES[backtest.criterion]}: every origin", "bold")
    output.stdout().print(table)


def metrics_shown(backtest: Backtest) -> tuple[str, ...]:
    """The metrics that the model card shows too."""
    return CHURN_METRICS if backtest.criterion == "log_loss" else CLV_METRICS


def print_champion(version: RegisteredVersion, decision: Decision) -> None:
    """Print whether a version became champion, and why."""
    became = "is champion" if decision.promoted else "stays challenger"
    output.line(f"{version.name} version {version.version} {became}: {decision.why}")


def print_stages(stages: Sequence[dict[str, Any]], currency: str | None) -> None:
    """Print how many customers are in each stage, and what is at stake there."""
    money = f", {currency}" if currency else ""
    table = _table(["stage"], ["customers", "mean risk", f"value at risk{money}"])
    for stage in stages:
        risk = f"{stage['mean_churn_risk']:.1%}" if stage["customers"] else ""
        worth = f"{stage['value_at_risk']:,.0f}"
        _add(table, [stage["stage"], f"{stage['customers']:,}", risk, worth])
    output.stdout().print(table)


def print_models(versions: Iterable[RegisteredVersion]) -> None:
    """Print the registered versions."""
    table = _table(["model", "version", "alias", "candidate", "horizon", "as of", "metric"], [])
    for version in versions:
        tags, key = version.tags, KEY_METRIC.get(version.name, "tweedie_deviance")
        value = own_metrics(version).get(key)
        metric = "" if value is None else f"{_short(key)} {value:.3f}"
        row = [
            version.name,
            version.version,
            ", ".join(version.aliases),
            tags.get("candidate", ""),
            f"{tags.get('horizon_days', '?')} d",
            tags.get("as_of", "")[:10],
            metric,
        ]
        _add(table, row, "bold" if "champion" in version.aliases else "")
    output.stdout().print(table)


def print_at_risk(scores: pd.DataFrame, currency: str | None) -> None:
    """Print customers with most value at risk, and the reasons for their risk."""
    money = f", {currency}" if currency else ""
    table = _table(["customer", "stage"], ["last order", "risk", f"at risk{money}"])
    table.add_column("why")
    for _, row in scores.iterrows():
        why = "; ".join(r for r in row[["reason_1", "reason_2", "reason_3"]] if isinstance(r, str))
        last, risk = f"{row['days_since_last_order']:.0f} d ago", f"{row['churn_risk']:.0%}"
        worth = f"{row['value_at_risk']:,.0f}"
        _add(table, [row["customer_id"], row["stage"], last, risk, worth, why])
    output.stdout().print(table)


def _short(metric: str) -> str:
    return SHORT.get(metric, metric.replace("_", " "))


def _table(texts: Iterable[str], numbers: Iterable[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in texts:
        table.add_column(name)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _add(table: Table, cells: Iterable[object], style: str = "") -> None:
    table.add_row(*(output.text(cell) for cell in cells), style=style)
