"""Tables on a terminal about models and scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from holdfast.render import output
from holdfast.render.tables import add, table_of
from training.models.tasks import TASKS
from training.selection.grade import shorter_window, verdict

if TYPE_CHECKING:
    from training.evaluation import PairedDifference
    from training.registry.gate import GateDecision
    from training.registry.versions import RegisteredVersion
    from training.selection.ablation import AblationRow
    from training.selection.backtest import Backtest

SHORT = {
    "average_precision": "avg precision",
    "mae_over_mean_spend": "mae / mean",
    "normalised_gini": "gini",
    "tweedie_deviance": "tweedie",
    "top_20_capture": "top 20 %",
}


def print_backtest(backtest: Backtest, horizon_days: int) -> None:
    """Print the grade, the rolling-origin table and the paired differences."""
    print_verdict(backtest, horizon_days)
    print_candidates(backtest)
    if backtest.judged:
        _print_folds(backtest)
        _print_differences(backtest)
    output.line()


def print_candidates(backtest: Backtest) -> None:
    """Print every metric of every candidate: mean and standard deviation over origins."""
    means, spread = backtest.means(), backtest.spread()
    title = backtest.task.short_title
    if means.empty:
        output.line(f"{title}: {backtest.why}")
        return
    origins = backtest.table()["origin"].unique()
    several = len(origins) > 1
    span = f"{origins[0]} to {origins[-1]}" if several else origins[0]
    places = "origins" if several else "origin"
    output.line(f"{title}: means over {len(origins)} out-of-time {places}, {span}", "bold")
    table = table_of(["metric"], _marked(backtest))
    for metric in means:
        add(table, [_short(str(metric)), *(f"{value:.4f}" for value in means[metric])])
        if several:
            add(table, ["", *(f"± {value:.4f}" for value in spread[metric])], "dim")
    output.stdout().print(table)


def _print_folds(backtest: Backtest) -> None:
    """Print the criterion of every candidate at every origin."""
    table = table_of(["origin"], ["customers", *_marked(backtest)])
    for origin, rows in backtest.table().groupby("origin", sort=False):
        losses = (f"{loss:.4f}" for loss in rows[backtest.criterion])
        add(table, [origin, f"{rows['customers'].iloc[0]:,}", *losses])
    output.line(f"{backtest.task.short_title}: {_words(backtest)} at every origin", "bold")
    output.stdout().print(table)


def _print_differences(backtest: Backtest) -> None:
    """Print by how much the chosen candidate differs from the others."""
    table = table_of([f"{backtest.chosen} less"], [_words(backtest), "95% interval"])
    for name, found in backtest.differences.items():
        add(table, [name, f"{found.difference:+.4f}", _interval(found)])
    output.line(f"{backtest.task.short_title}: paired differences over customers", "bold")
    output.stdout().print(table)


def print_verdict(backtest: Backtest, horizon_days: int) -> None:
    """Print what limits the grade, the grade, and a window that is not the one asked for."""
    output.line(backtest.task.title, "bold")
    for caution in backtest.cautions():
        output.paragraph(caution)
    output.paragraph(verdict(backtest))
    if said := shorter_window(backtest, horizon_days):
        output.paragraph(said)


def print_ablation(rows: Sequence[AblationRow]) -> None:
    """Print what leaving out each family of features, and each part of the pool, does."""
    table = table_of(["without"], ["columns", "log loss", "95% interval", "auc"])
    table.add_column("")
    for row in rows:
        columns = "" if row.columns is None else str(row.columns)
        if row.log_loss is None:
            add(table, [row.without, columns, "", "", "", "none usable"])
            continue
        change = [f"{row.log_loss.difference:+.4f}", _interval(row.log_loss), f"{row.auc:+.4f}"]
        add(table, [row.without, columns, *change, _effect(row.log_loss)])
    output.line("Churn risk: what the pool loses without a part of it", "bold")
    output.stdout().print(table)


def _marked(backtest: Backtest) -> list[str]:
    """The candidates, the chosen one marked; of the shop's own what their module calls them.

    Where two are called alike both are told by their whole names.
    """
    names = [str(name) for name in backtest.means().index]
    short = [name.rpartition(":")[2] for name in names]
    called = {n: s if short.count(s) == 1 else n for n, s in zip(names, short, strict=True)}
    return [f"> {called[n]}" if n == backtest.chosen else called[n] for n in names]


def _words(backtest: Backtest) -> str:
    return backtest.criterion.replace("_", " ")


def _interval(found: PairedDifference) -> str:
    return f"{found.low:+.4f} to {found.high:+.4f}"


def _effect(lost: PairedDifference) -> str:
    """Whether what was left out helps, as far as the interval tells."""
    if lost.low > 0:
        return "helps"
    return "hurts" if lost.high < 0 else "not clear"


def print_champion(version: RegisteredVersion, decision: GateDecision) -> None:
    """Print whether a version became champion, and why."""
    became = "is champion" if decision.promoted else "stays challenger"
    output.line(f"{version.name} version {version.version} {became}: {decision.why}")


def print_stages(stages: Sequence[dict[str, Any]], currency: str | None) -> None:
    """Print how many customers are in each stage, and what is at stake there."""
    money = f", {currency}" if currency else ""
    table = table_of(["stage"], ["customers", "mean risk", f"at stake{money}"])
    for stage in stages:
        risk = f"{stage['mean_churn_risk']:.1%}" if stage["customers"] else ""
        worth = f"{stage['value_at_stake'] or 0:,.0f}"
        add(table, [stage["stage"], f"{stage['customers']:,}", risk, worth])
    output.stdout().print(table)


def print_models(versions: Iterable[RegisteredVersion]) -> None:
    """Print the registered versions."""
    table = table_of(["model", "version", "alias", "candidate", "horizon", "as of", "metric"], [])
    for version in versions:
        tags = version.tags
        key = TASKS[version.name].criterion if version.name in TASKS else ""
        value = version.promised.get(key)
        metric = "" if value is None else f"{_short(key)} {value:.3f}"
        row = [
            version.name,
            version.version,
            ", ".join(version.aliases),
            tags.get("candidate", ""),
            f"{version.horizon_days or '?'} d",
            tags.get("as_of", "")[:10],
            metric,
        ]
        add(table, row, "bold" if "champion" in version.aliases else "")
    output.stdout().print(table)


def print_at_risk(scores: pd.DataFrame, currency: str | None) -> None:
    """Print customers, what is at stake with each, and the reasons for their risk."""
    money = f", {currency}" if currency else ""
    table = table_of(["customer", "stage"], ["last order", "risk", f"at stake{money}"])
    table.add_column("why")
    for _, row in scores.iterrows():
        why = "; ".join(r for r in row[["reason_1", "reason_2", "reason_3"]] if isinstance(r, str))
        last, risk = f"{row['days_since_last_order']:.0f} d ago", f"{row['churn_risk']:.0%}"
        worth = f"{row['value_at_stake']:,.0f}"
        add(table, [row["customer_id"], row["stage"], last, risk, worth, why])
    output.stdout().print(table)


def _short(metric: str) -> str:
    return SHORT.get(metric, metric.replace("_", " "))
