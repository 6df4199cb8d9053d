"""The usability report on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from features.agreement import many
from holdfast.render import output

if TYPE_CHECKING:
    from features.quality import Report, RowCounts
    from features.quality.context import DataProblem

STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan"}
# Spaces.
INDENT = 2


def print_report(name: str, report: Report, quarantine: dict[str, Any]) -> None:
    """Print the report of `holdfast check`.

    Parameters
    ----------
    name : str
        The history, as it may be shown.
    report : Report
    quarantine : dict
        `file` (None if none was written) and `rows`.
    """
    known = "" if report.as_of is None else f", known before {output.instant(report.as_of)}"
    output.line(f"{name}{known}", "bold")
    for fact in _summary(report):
        output.line(fact, indent=INDENT)
    _heading("Rows")
    for table in report.accounting:
        output.line(identity(table), indent=INDENT)
    if quarantine["rows"] or quarantine["file"]:
        output.line(_quarantined(quarantine), indent=INDENT)
    _heading("Problems" if report.problems else "No problems found")
    for problem in report.problems:
        _problem(problem)
    _heading("Horizon")
    suggested = f"--horizon-days {report.suggestion.horizon_days} is suggested. "
    output.paragraph(suggested + report.suggestion.explanation, indent=INDENT)
    _heading("Enough data")
    for method in report.readiness:
        style = "green" if method.ready else "yellow"
        output.line(f"{method.method}: {'yes' if method.ready else 'no'}", style, INDENT)
        output.paragraph(method.explanation, indent=2 * INDENT)


def identity(table: RowCounts) -> str:
    """Where every row of a table went, as an equation.

    Examples
    --------
    >>> from features.quality import RowCounts
    >>> identity(RowCounts("orders", 1003, used=1000, anonymous=2, after_as_of=0, quarantined=1))
    'orders: 1,003 rows in = 1,000 used + 2 anonymous + 0 after as_of + 1 quarantined'
    """
    usual = ("used", "anonymous", "after as_of", "quarantined")
    places = {name: n for name, n in table.places.items() if n or name in usual}
    left_out = f" ({table.left_out:,} more left out by the drop rule)" if table.left_out else ""
    went = " + ".join(f"{rows:,} {place}" for place, rows in places.items())
    return f"{table.table}: {many(table.rows_in, 'row')} in = {went}{left_out}"


def _summary(report: Report) -> list[str]:
    lines = [
        f"{many(report.customers, 'customer')}, {many(report.orders, 'order')}, "
        f"{many(report.refunds, 'refund')}",
        f"{report.totals.gross:,.2f} ordered, {report.totals.refunds:,.2f} given back",
    ]
    if report.span is not None:
        first, last, days = report.span.first_date, report.span.last_date, report.span.days
        lines.append(f"orders from {first} to {last} ({many(days, 'day')})")
    if report.staleness is not None:
        silence, limit = report.staleness.days_since_last_order, report.staleness.limit_days
        verdict = "STALE, over" if report.staleness.is_stale else "fresh, within"
        lines.append(
            f"last order {silence:.1f} days before as_of: {verdict} {many(round(limit), 'day')}"
        )
    return lines


def _quarantined(quarantine: dict[str, Any]) -> str:
    if quarantine["file"] is None:
        return f"--quarantine FILE writes the {quarantine['rows']:,} quarantined, with reasons"
    if not quarantine["rows"]:
        return f"no row is quarantined; {quarantine['file']} holds none"
    return f"{quarantine['rows']:,} quarantined, with reasons, in {quarantine['file']}"


def _problem(problem: DataProblem) -> None:
    where = problem.table if problem.column is None else f"{problem.table}.{problem.column}"
    rows = f", {many(problem.rows, 'row')}" if problem.rows else ""
    output.line(f"{problem.severity}: {where}{rows}", STYLES[problem.severity], INDENT)
    output.paragraph(problem.message, indent=2 * INDENT)
    if problem.example is not None:
        output.paragraph(f"For example: {problem.example}", "dim", 2 * INDENT)
    output.paragraph(f"Remedy: {problem.remedy}", "italic", 2 * INDENT)


def _heading(title: str) -> None:
    output.line()
    output.line(title, "bold")
