"""Holdfast and its peers on the same customers of real order logs, judged by what happened next.

Run as `python -m benchmarks.leaderboard --data DIR`; writes docs/leaderboard.md. Peers are
installed into environments of their own below `--cache`, where their forecasts are kept.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import judging, ours, peers
from benchmarks.cells import CELLS, Cell, truth
from benchmarks.judging import CHURN, SPEND, Origin
from training.evaluation import coverage, coverage_by_decile, interval_score

OUT = Path(__file__).parents[1] / "docs" / "leaderboard.md"
US, WITHOUT = "holdfast", "holdfast without reviews"
# An earlier study of the same cells: the best recipe found then, mean over origins.
STUDY = {
    "cdnow 90": {"auc": 0.8200, "log_loss": 0.3265, "normalised_gini": 0.758},
    "cdnow 180": {"auc": 0.7871, "log_loss": 0.4398, "normalised_gini": 0.732},
    "orii 90": {"auc": 0.8163, "log_loss": 0.4986, "normalised_gini": 0.842},
    "orii 180": {"auc": 0.8104, "log_loss": 0.5406, "normalised_gini": 0.866},
    "orii 365": {"auc": 0.7858, "log_loss": 0.6061, "normalised_gini": 0.861},
    "olist 90": {"auc": 0.6020, "log_loss": 0.0403, "normalised_gini": 0.218},
    "olist 180": {"auc": 0.5834, "log_loss": 0.0666},
}
NAMES = {"cdnow": "CDNOW", "orii": "Online Retail II", "olist": "Olist"}
LABELS = {
    "auc": "AUC", "log_loss": "log-loss", "ece": "ECE", "normalised_gini": "norm. Gini",
    "tweedie_deviance": "Tweedie deviance", "decile_mape": "decile MAPE",
    "absolute_bias": "abs. total bias", "mae_over_mean_spend": "MAE / mean spend",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """The cells of one log and horizon.

    Attributes
    ----------
    name : str
    origins : list of Origin
    ours : list of pandas.DataFrame
        Our scores with their intervals, and in `attrs` what they cost.
    plain : list of pandas.DataFrame or None
        The simple intervals to compare with.
    """

    name: str
    origins: list[Origin]
    ours: list[pd.DataFrame]
    plain: list[pd.DataFrame | None]

    @property
    def title(self) -> str:
        """The log in full and the horizon."""
        log, days = self.name.split()
        return f"{NAMES[log]}, {days} days"


def main() -> None:
    """Forecast, judge and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("HOLDFAST_DATA", "../shared/data"))
    parser.add_argument(
        "--cache", default=".bench", help="where peers and their forecasts are kept"
    )
    parser.add_argument("--only", choices=list(STUDY), help="one row, printed and not written")
    arguments = parser.parse_args()
    data, cache = Path(arguments.data), Path(arguments.cache)
    if not data.is_dir():
        sys.exit(f"{data} does not exist. Set --data or HOLDFAST_DATA to the folder of real data.")
    rows = []
    for name in [arguments.only] if arguments.only else list(STUDY):
        print(name, file=sys.stderr, flush=True)
        rows.append(forecast_row(name, data, cache))
    text = "\n".join(document(rows)) + "\n"
    if arguments.only:
        print(text)
    else:
        OUT.write_text(text, encoding="utf-8")
        print(f"wrote {OUT}")


def forecast_row(name: str, data: Path, cache: Path) -> Row:
    """All forecasts of one row."""
    found = [forecast_cell(cell, data, cache) for cell in CELLS if cell.row == name]
    origins, scores, plain = (list(part) for part in zip(*found, strict=True))
    return Row(name, origins, scores, plain)


def forecast_cell(
    cell: Cell, data: Path, cache: Path
) -> tuple[Origin, pd.DataFrame, pd.DataFrame | None]:
    """All forecasts of one cell."""
    forecasts = dict(peers.forecasts(cell, data, cache))
    scores = ours.forecast(cell, data)
    forecasts[US] = scores.rename(columns={"clv": "spend"})[["churn_risk", "spend"]]
    if cell.log == "olist":
        without = ours.forecast(cell, data, with_feedback=False)
        forecasts[WITHOUT] = without.rename(columns={"clv": "spend"})[["churn_risk", "spend"]]
    return Origin(truth(cell, data), forecasts), scores, ours.plain_intervals(cell, data)


def document(rows: Sequence[Row]) -> Iterator[str]:
    """The leaderboard as lines of Markdown."""
    yield from (
        "# Leaderboard",
        "",
        f"Written by `python -m benchmarks.leaderboard` on {datetime.now(UTC):%Y-%m-%d} at commit "
        f"{_commit()}, with {os.cpu_count()} cores.",
        "",
        "Every forecaster learns from the same orders known before an origin and is judged on all "
        "customers who had ordered by then. A figure is the mean over the origins of its row "
        "(`benchmarks/cells.py`); higher is better for AUC and Gini, lower for the rest. In "
        "*against the best peer* a difference is ours less theirs, with a 95% interval from "
        f"{judging.ROUNDS} paired resamples of the customers; the peer is the one that does best "
        "by that very metric in that row, chosen with hindsight.",
    )
    for row in rows:
        yield from ("", f"## {row.title}", "", *_tables(row))
    yield from ("", "## Means over rows", "", *_overall(rows))
    yield from ("", "## Intervals", "", *_intervals(rows))
    if any(row.name.startswith("olist") for row in rows):
        yield from ("", "## Reviews", "", *_reviews(rows))
    yield from ("", "## Effort", "", *_effort(rows))


def _tables(row: Row) -> Iterator[str]:
    churn, spend = judging.means(row.origins, CHURN), judging.means(row.origins, SPEND)
    yield from _markdown(churn.sort_values("log_loss").rename(columns=LABELS), "churn risk")
    yield ""
    yield from _markdown(spend.sort_values("tweedie_deviance").rename(columns=LABELS), "spend")
    yield ""
    yield from _against(row, churn, spend)


def _against(row: Row, churn: pd.DataFrame, spend: pd.DataFrame) -> Iterator[str]:
    lines = []
    for metric in ("auc", "log_loss", "ece", "normalised_gini", "tweedie_deviance", "decile_mape"):
        table = churn if metric in CHURN else spend
        rivals = [name for name in table.index if not name.startswith(US)]
        rival = judging.best(table, metric, rivals)
        found = judging.paired(row.origins, metric, US, rival)
        lines.append(
            [
                LABELS[metric],
                rival,
                f"{found.difference:+.4f}",
                f"{found.low:+.4f} to {found.high:+.4f}",
                judging.verdict(metric, found),
            ]
        )
    columns = ["metric", "best peer", "difference", "95% interval", "verdict"]
    yield from _lines(columns, lines)


def _overall(rows: Sequence[Row]) -> Iterator[str]:
    churn = {row.name: judging.means(row.origins, CHURN) for row in rows}
    spend = {row.name: judging.means(row.origins, SPEND) for row in rows}
    shared = set.intersection(*({*churn[r.name].index, *spend[r.name].index} for r in rows))
    lines = []
    for name in sorted(shared & set.intersection(*(set(s.index) for s in spend.values()))):
        figures = [np.mean([t.loc[name, m] for t in churn.values()]) for m in CHURN]
        figures += [np.mean([t.loc[name, m] for t in spend.values()]) for m in SPEND[:3]]
        every = [abs(_bias(o, name)) for row in rows for o in row.origins]
        lines.append([name, *(f"{value:.4f}" for value in figures), f"{np.mean(every):.4f}"])
    columns = ["forecaster", *(LABELS[m] for m in (*CHURN, *SPEND[:3])), "abs. bias, all origins"]
    yield from _lines(columns, lines)
    yield ""
    yield from (
        "The best recipe of an earlier study of the same cells, over the same rows where it has a "
        "figure:",
        "",
    )
    compared = []
    for metric in ("auc", "log_loss", "normalised_gini"):
        tables = churn if metric in CHURN else spend
        names = [row.name for row in rows if metric in STUDY[row.name]]
        mine = np.mean([tables[name].loc[US, metric] for name in names])
        theirs = np.mean([STUDY[name][metric] for name in names])
        compared.append([LABELS[metric], str(len(names)), f"{theirs:.4f}", f"{mine:.4f}"])
    yield from _lines(["metric", "rows", "study", US], compared)


def _bias(origin: Origin, name: str) -> float:
    spend, forecast = origin.arrays(name, "absolute_bias")
    return float(forecast.sum() / spend.sum() - 1)


def _intervals(rows: Sequence[Row]) -> Iterator[str]:
    yield from (
        "80% intervals, out of time. *Score* is the mean interval score over that of the simple "
        "baseline (quantiles of earlier outcomes within deciles of the value by MBG/NBD); below 1 "
        "is better. The worst decile is of predicted CLV, ties merged.",
        "",
    )
    lines = []
    for row in rows:
        for i, (origin, scores, plain) in enumerate(
            zip(row.origins, row.ours, row.plain, strict=True)
        ):
            spend = origin.truth["spend"].to_numpy()
            active = origin.truth["churned"].to_numpy() == 0
            total = scores["clv_low"].to_numpy(), scores["clv_high"].to_numpy()
            given = (
                scores["spend_if_active_low"].to_numpy()[active],
                scores["spend_if_active_high"].to_numpy()[active],
            )
            worst = coverage_by_decile(spend, scores["clv"].to_numpy(), *total)["coverage"].min()
            ratios = _score_ratios(spend, active, (total, given), plain)
            lines.append(
                [
                    f"{row.name}, origin {i + 1}",
                    f"{np.mean(spend == 0):.2f}",
                    f"{coverage(spend, *total):.3f}",
                    f"{worst:.3f}",
                    f"{coverage(spend[active], *given):.3f}",
                    *ratios,
                ]
            )
    columns = ["cell", "share of zeros", "total", "worst decile", "buyers", "score, total",
               "score, buyers"]  # fmt: skip
    yield from _lines(columns, lines)


def _score_ratios(
    spend: np.ndarray, active: np.ndarray, found: tuple, plain: pd.DataFrame | None
) -> list[str]:
    if plain is None:
        return ["no baseline", "no baseline"]
    total = plain["clv_low"].to_numpy(), plain["clv_high"].to_numpy()
    given = (
        plain["spend_if_active_low"].to_numpy()[active],
        plain["spend_if_active_high"].to_numpy()[active],
    )
    return [
        f"{interval_score(spend, *found[0]) / interval_score(spend, *total):.3f}",
        f"{interval_score(spend[active], *found[1]) / interval_score(spend[active], *given):.3f}",
    ]


def _reviews(rows: Sequence[Row]) -> Iterator[str]:
    lines = []
    for row in rows:
        if row.name.startswith("olist"):
            for metric in ("auc", "log_loss"):
                found = judging.paired(row.origins, metric, US, WITHOUT)
                interval = f"{found.low:+.5f} to {found.high:+.5f}"
                lines.append([row.title, LABELS[metric], f"{found.difference:+.5f}", interval])
    yield "With reviews less without:"
    yield ""
    yield from _lines(["row", "metric", "difference", "95% interval"], lines)


def _effort(rows: Sequence[Row]) -> Iterator[str]:
    lines = []
    for row in rows:
        cost = [scores.attrs for scores in row.ours]
        lines.append(
            [
                row.title,
                f"{np.mean([len(scores) for scores in row.ours]):,.0f}",
                f"{np.mean([c['train_seconds'] for c in cost]):.0f}",
                f"{np.mean([c['score_seconds'] for c in cost]):.1f}",
                f"{max(c['peak_gib'] for c in cost):.2f}",
                ", ".join(sorted({f"{c['churn']} and {c['clv']}" for c in cost})),
            ]
        )
    columns = ["row", "customers", "train, s", "score, s", "peak memory so far, GiB", "chosen"]
    yield from _lines(columns, lines)


def _markdown(table: pd.DataFrame, corner: str) -> Iterator[str]:
    body = [[f"{value:.4f}" for value in row] for row in table.to_numpy()]
    lines = [[_bold(str(n)), *row] for n, row in zip(table.index, body, strict=True)]
    yield from _lines([corner, *table.columns], lines)


def _bold(name: str) -> str:
    return f"**{name}**" if name == US else name


def _lines(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (columns, ["---"] * len(columns), *rows):
        yield "| " + " | ".join(row) + " |"


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    found = subprocess.run(asked, capture_output=True, text=True, cwd=OUT.parent, check=False)
    return found.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
