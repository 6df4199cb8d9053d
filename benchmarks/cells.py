"""The cells of the leaderboard: real order logs, horizons, and the instants to forecast from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd
import polars as pl

from features.clock import as_day
from features.history.history import History
from training.panel.labels import label_table

EXAMPLES = Path(__file__).parents[1] / "holdfast" / "examples"
FOLDERS = {"cdnow": "cdnow", "orii": "online_retail_ii", "olist": "olist"}
LEAST_NET_SHARE = 0.05


@dataclass(frozen=True)
class Cell:
    """One forecast to make and to judge.

    Attributes
    ----------
    log : str
        `cdnow`, `orii` (Online Retail II) or `olist`.
    horizon_days : int
    as_of : str
        The instant of prediction, an ISO date on the shop's clock.
    """

    log: str
    horizon_days: int
    as_of: str

    def __post_init__(self) -> None:
        if self.log not in FOLDERS:
            raise ValueError(f"log must be one of {', '.join(FOLDERS)}; got {self.log!r}.")

    @property
    def name(self) -> str:
        """Fit for a folder: `orii-90-2011-04-10`."""
        return f"{self.log}-{self.horizon_days}-{self.as_of}"

    @property
    def row(self) -> str:
        """The row of the leaderboard that averages this cell with its other origins: `orii 90`."""
        return f"{self.log} {self.horizon_days}"

    def open(self, data: Path) -> History:
        """Open the whole log, later events included, with the mapping of holdfast/examples."""
        return _open(data / FOLDERS[self.log])

    def past(self, data: Path) -> History:
        """What was known at `as_of`."""
        return self.open(data).upto(self.as_of)

    def day(self, data: Path) -> float:
        """`as_of` as days since 1970-01-01 on the shop's clock."""
        return as_day(self.as_of, self.open(data).mapping.timezone)


ORIGINS = {
    ("cdnow", 90): ("1998-01-01", "1998-02-15", "1998-04-01"),
    ("cdnow", 180): ("1997-10-01", "1997-11-15", "1998-01-01"),
    ("orii", 90): ("2011-04-10", "2011-06-10", "2011-08-01", "2011-09-10"),
    ("orii", 180): ("2011-03-10", "2011-05-01", "2011-06-10"),
    ("orii", 365): ("2010-11-01", "2010-12-09"),
    ("olist", 90): ("2018-01-01", "2018-03-01", "2018-05-01"),
    ("olist", 180): ("2017-12-01", "2018-01-15", "2018-03-01"),
}
CELLS = tuple(
    Cell(log, horizon_days, as_of)
    for (log, horizon_days), origins in ORIGINS.items()
    for as_of in origins
)


def population(cell: Cell, data: Path) -> pd.Index:
    """Customers with a positive order known before `as_of`, sorted: those of the feature table."""
    customers: pd.Index[str] = pd.Index(purchase_days(cell.past(data))["customer_id"].unique())
    return customers.rename("customer_id")


def truth(cell: Cell, data: Path) -> pd.DataFrame:
    """What happened to the population of a cell in `[as_of, as_of + horizon_days)`.

    Returns
    -------
    pandas.DataFrame
        Index `customer_id`; `churned` (1 if no positive order), `spend` (net, never below 0).

    Raises
    ------
    TrainingError
        If the log does not cover the window.
    """
    return label_table(cell.open(data), cell.as_of, cell.horizon_days)


def purchase_days(past: History) -> pd.DataFrame:
    """The purchases of a history by customer and calendar day, as buy-till-you-die models count.

    Returns
    -------
    pandas.DataFrame
        `customer_id`, `day` (int, since 1970-01-01) and `amount`: the positive orders of the day
        less its refunds, but at least 5% of the orders, sorted by customer and day. A day without a
        positive order is no purchase, and its refunds are left out.

    Examples
    --------
    >>> purchase_days(History(pd.DataFrame({
    ...     "order_id": ["1", "2", "3", "4"], "customer_id": ["a"] * 4,
    ...     "ordered_at": ["1970-01-02 08:00", "1970-01-02 09:00", "1970-01-05", "1970-01-09"],
    ...     "amount": [20.0, -5.0, 10.0, -10.0]})))
      customer_id  day  amount
    0           a    1    15.0
    1           a    4    10.0
    """
    orders = past.orders.select("customer_id", "day", "amount").collect("polars").to_native()
    gross = pl.col("amount").clip(lower_bound=0.0).sum()
    net = pl.max_horizontal(pl.col("amount").sum(), LEAST_NET_SHARE * gross)
    by_day = (
        orders.sort(pl.all())
        .group_by("customer_id", pl.col("day").floor().cast(pl.Int32), maintain_order=True)
        .agg(amount=net, gross=gross)
        .filter(pl.col("gross") > 0)
        .drop("gross")
    )
    return pd.DataFrame(by_day.sort("customer_id", "day").to_pandas())


@lru_cache(maxsize=len(FOLDERS))
def _open(folder: Path) -> History:
    return History.open(folder, EXAMPLES / f"{folder.name}.toml")
