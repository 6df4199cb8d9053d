"""Every metric: the contract of the command line, the service and the report."""

from __future__ import annotations

from collections.abc import Iterable

from features.metrics import activity, bridge, loyalty, purchases
from features.metrics.metric import Metric

FAMILIES = (activity, purchases, bridge, loyalty)
METRICS: tuple[Metric, ...] = tuple(metric for family in FAMILIES for metric in family.METRICS)

INTRODUCTION = """\
# Metrics

`retention_metrics(history, horizon_days)` and `holdfast metrics HISTORY` give these figures for
each period, over all customers and by any column of theirs. They are generated from the code:
`python -m features.metrics.catalogue > docs/metrics.md`.

- A period is the half-open interval [start, end) on the shop's wall clock, and everything is as
  known before its end: what is recorded later does not change the figures of a closed period.
- A customer is live at an instant if their last order is less than `horizon_days` ago. Whoever
  lapses is lost; who then orders again is reactivated.
- Orders are those of a positive amount. Amounts are in the shop's currency, shares of 1.
- What was before the history begins is unknown, not 0: a period that it does not reach back before
  has no customers at its start, and whoever bought before it looks new in it.
- By a column, customers belong where their own row says, or their first order.
- `cohorts(history)` and `holdfast metrics HISTORY --cohorts` follow customers from the week, month,
  quarter or year of their first order, as known at the end; [cli.md](cli.md#holdfast-metrics) lists
  what is told of each age.
"""


def as_markdown() -> str:
    """`docs/metrics.md`: every metric with its unit and meaning, family by family."""
    parts = [INTRODUCTION]
    for family in FAMILIES:
        title, _, about = str(family.__doc__).partition(": ")
        parts.append(f"## {title}\n\n{about[0].upper()}{about[1:]}\n")
        parts.append(_rows(family.METRICS))
    return "\n".join(parts)


def _rows(metrics: Iterable[Metric]) -> str:
    lines = [f"| `{m.name}` | {m.unit} | {m.meaning} |\n" for m in metrics]
    return "| metric | unit | meaning |\n|---|---|---|\n" + "".join(lines)


if __name__ == "__main__":
    print(as_markdown(), end="")
