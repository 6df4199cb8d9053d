"""The log of a simulated shop: orders with what is latent behind them, and the feedback on them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from simulation.feedback import draw_feedback
from simulation.purchases import END_DAY, Floats, Ints, draw_orders, with_baskets


class ShopLog(NamedTuple):
    """Orders with their latent columns, and the feedback on them by the order's `key`."""

    orders: pl.DataFrame
    feedback: pl.DataFrame

    def of(self, orders: pl.DataFrame) -> ShopLog:
        """The same log with these of its orders, and the feedback on them."""
        heard = self.feedback.join(orders, on="key", how="semi", maintain_order="left")
        return ShopLog(orders, heard)

    def and_also(self, other: ShopLog) -> ShopLog:
        """Both logs together; no order may be in both."""
        columns = self.orders.columns
        orders = pl.concat([self.orders, other.orders.select(columns)])
        return ShopLog(orders, pl.concat([self.feedback, other.feedback]))

    @property
    def next_key(self) -> int:
        """A key that no order has, nor any after it."""
        largest = self.orders.select(pl.col("key").max()).item()
        return int(largest) + 1


def draw_log(
    rng: np.random.Generator,
    traits: pl.DataFrame,
    customer: Ints,
    first: Floats,
    first_key: int = 0,
) -> ShopLog:
    """Draw what customers do from their `first` order (a day) to the end of the history."""
    orders = draw_orders(rng, traits, customer, first, END_DAY)
    orders = with_baskets(rng, traits, orders).with_row_index("key", offset=first_key)
    return ShopLog(orders, draw_feedback(rng, orders))
