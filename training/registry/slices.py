"""How the chosen candidate did, group by group of customers: who is forecast worse than others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.families.profile import PROFILE
from training.panel.snapshot import Snapshot
from training.scoring.reference import stages
from training.selection.fit import FittedModel

# Of fewer rows a mean says little.
FEWEST_ROWS = 30
# Values of a customer column that are told one by one, the most frequent ones.
MOST_VALUES = 6
THIRDS = ("lowest third", "middle third", "highest third")
OTHERS = "others"
# Which of the two a live customer is depends on the forecast that is judged.
RETURNING = "active or at_risk"


def slices(fitted: FittedModel) -> pd.DataFrame:
    """Forecast beside truth by stage, by past spend and by every customer column.

    Parameters
    ----------
    fitted : FittedModel

    Returns
    -------
    pandas.DataFrame
        One row per slice: `by`, `slice`, `customers` (rows over all origins), `forecast` and
        `truth` (means), `loss` of the chosen candidate and `loss_constant` of the one that says
        the same of everybody. NaN where there are fewer than 30 rows; empty without a backtest.
    """
    task, backtest = fitted.scorer.task, fitted.backtest
    pairs = zip(backtest.of(backtest.chosen), backtest.of(task.constant), strict=True)
    parts = [
        pd.DataFrame(
            {
                "by": by,
                "slice": values,
                "forecast": chosen.forecast,
                "truth": task.truth(chosen.judge),
                "loss": task.losses(task.truth(chosen.judge), chosen.forecast),
                "loss_constant": task.losses(task.truth(chosen.judge), constant.forecast),
            }
        )
        for chosen, constant in pairs
        for by, values in _groupings(chosen.judge, fitted.scorer.definition.categories)
    ]
    if not parts:
        return pd.DataFrame()
    groups = pd.concat(parts).groupby(["by", "slice"])
    sizes = groups.size()
    found = groups.mean().where(sizes >= FEWEST_ROWS).assign(customers=sizes)
    order = {by: place for place, by in enumerate(part["by"].iloc[0] for part in parts[::-1])}
    columns = ["by", "slice", "customers", "forecast", "truth", "loss", "loss_constant"]
    return found.reset_index()[columns].sort_values(
        ["by", "slice"],
        key=lambda told: told.map(lambda v: -order[v]) if told.name == "by" else told.map(_place),
        ignore_index=True,
    )


def _groupings(
    judge: Snapshot, categories: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, NDArray[np.str_]]]:
    """What to part the rows of a snapshot by, and the group of every row."""
    stage = stages(judge.X, np.zeros(len(judge)), 1.0)
    yield "stage", np.where(stage == "active", RETURNING, stage)
    yield "past spend", _thirds(judge.X["spend"])
    for column in (str(c) for c in judge.X if str(c).startswith(PROFILE)):
        attribute, values = column.removeprefix(PROFILE), judge.X[column]
        names = categories.get(attribute)
        yield attribute, _thirds(values) if names is None else _named(values, names)


def _thirds(values: pd.Series) -> NDArray[np.str_]:
    """Thirds of the customers by a number; equal numbers are not parted."""
    share = values.rank(pct=True, method="average").to_numpy()
    place = np.clip(np.nan_to_num(share) * 3, 0, 2.999).astype(int)
    return np.where(np.isnan(share), "unknown", np.array(THIRDS)[place])


def _named(codes: pd.Series, names: tuple[str, ...]) -> NDArray[np.str_]:
    known = {float(code): str(name) for code, name in enumerate(names)}
    values = codes.map(known).fillna("unknown")
    frequent = values.value_counts().index[:MOST_VALUES]
    return np.asarray(values.where(values.isin(frequent), OTHERS), dtype=str)


def _place(group: str) -> tuple[int, str]:
    """Stages and thirds in their order, the rest by name, and others last."""
    told = ("new", RETURNING, "lapsed", *THIRDS)
    return (told.index(group) if group in told else len(told) + (group == OTHERS), group)
