"""The scores file of the batch: read, refused where it is none, and what its figures mean."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from serving.inforce.champions import UNREADABLE, said, terms_of
from serving.inforce.reloading import LoadError
from serving.inforce.schemas import Terms
from training.champions import CHURN, CLV
from training.registry.tracking import Tracker
from training.scoring.columns import COLUMNS, LAPSED, SCORE_COLUMNS, STAGES, ScoreColumn
from training.scoring.model_scorers import load_model

READERS = (".parquet", ".csv")


@dataclass(frozen=True)
class ScoresFile:
    """One run of the batch.

    Attributes
    ----------
    rows : polars.DataFrame
        The file's columns: live customers first, then the lapsed, each by value at stake, equal
        ones by customer_id.
    terms : Terms
        What the figures mean, by the models that made them.
    """

    rows: pl.DataFrame
    terms: Terms


def version(path: Path) -> tuple[int, int, int]:
    """Something that differs once the file is another.

    Raises
    ------
    LoadError
    """
    with _readable(path):
        found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def read_scores(path: Path, tracker: Tracker) -> ScoresFile:
    """The scores in a file, and what they mean by the models in a tracking store.

    Raises
    ------
    LoadError
        If the file is not as the batch writes it, or its models cannot be looked up.
    """
    with _readable(path):
        rows = publishable(_parsed(path.read_bytes(), path.suffix), str(path))
    return ScoresFile(rows, _terms(rows, path, tracker))


def publishable(scores: pl.DataFrame, name: str) -> pl.DataFrame:
    """Scores with the types and in the order of the batch's file.

    Raises
    ------
    LoadError
        If they are not as the batch writes them; `name` says what is wrong.
    """
    if missing := [column for column in COLUMNS if column not in scores.columns]:
        raise ValueError(f"it must have the columns of holdfast score; {missing} are missing")
    typed = (_typed(column, scores.schema[column.name]) for column in SCORE_COLUMNS)
    return _checked(scores.select(*typed), name)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise LoadError(f"{path} does not exist. Write it with holdfast score.") from None
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise LoadError(f"{path} cannot be read: {reason}. Run holdfast score again.") from error


def _parsed(content: bytes, suffix: str) -> pl.DataFrame:
    """Ids stay text: as numbers, `00001` would be lost."""
    if suffix.lower() == ".parquet":
        return pl.read_parquet(io.BytesIO(content))
    if suffix.lower() == ".csv":
        return pl.read_csv(io.BytesIO(content), infer_schema=False)
    raise ValueError(f"a scores file must end in {' or '.join(READERS)}")


def _typed(column: ScoreColumn, given: pl.DataType) -> pl.Expr:
    value = pl.col(column.name)
    if column.dtype == "whole":
        return value.cast(pl.Int64)
    if column.dtype == "number":
        return value.cast(pl.Float64).fill_nan(None)
    if column.dtype == "date":
        # A date that cannot be read is an error: null would say that no order is expected.
        return value.str.head(10).str.to_date() if given == pl.String else value.cast(pl.Date)
    if column.dtype == "instant" and given == pl.String:
        texts = value.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us")
        others = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d")
        more = (value.str.to_datetime(f, strict=False, time_unit="us") for f in others)
        return pl.coalesce(texts, *more)
    return value.cast(pl.Datetime("us") if column.dtype == "instant" else pl.String)


def _checked(rows: pl.DataFrame, path: str) -> pl.DataFrame:
    """Refuse what the batch does not write; sort the rest."""
    if rows.is_empty():
        raise LoadError(f"{path} holds no customer. Score at a later as_of.")
    whole = [column.name for column in SCORE_COLUMNS if not column.nullable]
    gaps = rows.select(pl.col(whole).null_count())
    if empty := [name for name, count in gaps.row(0, named=True).items() if count]:
        raise LoadError(f"{path} must have a value in every row of {empty}. Score again.")
    once = [column.name for column in SCORE_COLUMNS if column.constant]
    if mixed := [name for name in once if rows[name].n_unique() > 1]:
        raise LoadError(f"{path} must hold one run of the batch; {mixed} differ. Score again.")
    if rows["customer_id"].is_duplicated().any():
        raise LoadError(f"{path} must hold each customer_id once. Score again.")
    if odd := sorted(set(rows["stage"].unique()) - set(STAGES)):
        raise LoadError(f"{path} must have the stages {STAGES}; got {odd}. Score again.")
    numbers = [column.name for column in SCORE_COLUMNS if column.dtype == "number"]
    if not rows.select(pl.all_horizontal(pl.col(numbers).is_finite().all())).item():
        raise LoadError(f"{path} must hold finite numbers. Score again.")
    lapsed = pl.col("stage") == LAPSED
    return rows.sort(lapsed, "value_at_stake", "customer_id", descending=[False, True, False])


def _terms(rows: pl.DataFrame, path: Path, tracker: Tracker) -> Terms:
    """What the models that made the scores mean by them."""
    made: dict[str, Any] = rows.row(0, named=True)
    try:
        churn, clv = (
            load_model(tracker.folder(tracker.version(name, made[column]))).definition
            for name, column in ((CHURN, "churn_model_version"), (CLV, "clv_model_version"))
        )
    except UNREADABLE as error:
        raise LoadError(
            f"{path} was scored by models that cannot be looked up, so the meaning and the "
            f"currency of its figures are unknown: {said(error)}"
        ) from error
    horizons = (made["horizon_days"], made["clv_horizon_days"])
    if horizons != (churn.horizon_days, clv.horizon_days):
        raise LoadError(
            f"{path} must be for the horizons of its models, {churn.horizon_days} and "
            f"{clv.horizon_days} days; got {horizons}. Use the tracking store it was scored with."
        )
    return terms_of(churn, clv)
