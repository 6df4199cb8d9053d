"""What a budget would bring, and whom an order of contacting customers reaches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from offers.allocation.dual import TINY, Dual
from offers.allocation.problem import NONE, AllocationProblem, Choice
from offers.errors import OffersError
from training.evaluation import FloatArray

# Enough for a smooth line.
POINTS = 20
# Beyond what pays the curve only falls.
POINTS_BEYOND = 5
# Twentieths of the customers.
SHARES = tuple(np.arange(1, 21) / 20)


@dataclass(frozen=True)
class BudgetCurve:
    """Expected profit by budget.

    Attributes
    ----------
    points : pandas.DataFrame
        By ascending `budget`: `customers` (offers made), `spend`, `profit` (expected, currency)
        and `price`, the marginal return: the profit of one more unit of budget.
    enough : float
        The spend beyond which more money brings nothing: everybody has what is best for them.
    beyond : pandas.DataFrame
        The same columns, `price` below 0: what would come of spending more all the same, on the
        offers that lose least per unit of money. Empty if there are none.
    """

    points: pd.DataFrame
    enough: float
    beyond: pd.DataFrame


def budget_curve(
    profit: ArrayLike,
    cost: ArrayLike,
    capacity: ArrayLike | None = None,
    budgets: ArrayLike | None = None,
) -> BudgetCurve:
    """Compute the expected profit by budget.

    Each point is an allocation at the prices of the Lagrangian dual, as in `allocate` but without
    its last, exact step: a hair below what `allocate` finds. The price of the budget is the
    marginal return.

    Parameters
    ----------
    profit, cost : array-like, shape (customers, offers)
    capacity : array-like, shape (offers,), optional
        All as in `allocate`.
    budgets : array-like, shape (points,), optional
        Default: 0 and 20 equal steps up to where more money brings nothing.

    Raises
    ------
    OffersError
        As in `allocate`.

    Examples
    --------
    >>> curve = budget_curve([[5.0], [3.0], [-1.0]], [[2.0], [2.0], [2.0]], budgets=[0, 2, 4, 6])
    >>> curve.points[["spend", "profit"]].to_numpy().tolist(), curve.enough
    ([[0.0, 0.0], [2.0, 5.0], [4.0, 8.0], [4.0, 8.0]], 4.0)
    """
    free = AllocationProblem.of(profit, cost, np.inf, capacity)
    best = Dual.of(free)
    choice = best.round(best.descend()[0])
    enough = float(best.used(choice)[-1])
    if budgets is None:
        budgets = np.linspace(0.0, enough, POINTS + 1) if enough else [0.0]
    amounts = np.sort(np.atleast_1d(np.asarray(budgets, np.float64)))
    if amounts.ndim != 1 or not (amounts >= 0).all():
        raise OffersError(f"budgets must be a list of numbers >= 0; got {budgets!r}.")
    limited = list(_points(free, amounts[amounts < enough][::-1]))[::-1]
    # More money than the best choice takes changes nothing, so that choice is the point.
    all_of_it = [_point(best, choice, amount, 0.0) for amount in amounts[amounts >= enough]]
    points = pd.DataFrame(limited + all_of_it)
    return BudgetCurve(points, enough, _beyond(free, choice))


def _points(free: AllocationProblem, budgets: FloatArray) -> Iterator[dict[str, float]]:
    """From the largest budget down: the prices of one are near those of the next."""
    prices: FloatArray | None = None
    for budget in budgets:
        dual = Dual.of(replace(free, budget=float(budget)))
        prices = dual.descend(prices)[0]
        yield _point(dual, dual.round(prices), budget, prices[-1])


def _point(dual: Dual, offer: Choice, budget: float, price: float) -> dict[str, float]:
    made = np.flatnonzero(offer != NONE)
    return {
        "budget": float(budget),
        "customers": len(made),
        "spend": float(dual.used(offer)[-1]),
        "profit": float(dual.gain[made, offer[made]].sum()),
        "price": float(price),
    }


def _beyond(free: AllocationProblem, choice: Choice) -> pd.DataFrame:
    """Give the others what loses least, the least loss per unit of money first."""
    made = np.flatnonzero(choice != NONE)
    profit, spend = free.profit[made, choice[made]].sum(), free.cost[made, choice[made]].sum()
    left = free.capacity - np.bincount(choice[made], minlength=free.profit.shape[1])
    possible = ~np.isnan(free.profit) & (free.cost > 0) & (left > 0)
    worth = np.where(possible, free.profit / np.maximum(free.cost, TINY), -np.inf)
    offer = worth.argmax(axis=1)
    others = np.flatnonzero((choice == NONE) & np.isfinite(worth.max(axis=1, initial=-np.inf)))
    others = others[np.argsort(-worth[others, offer[others]], kind="stable")]
    place = pd.Series(offer[others]).groupby(offer[others]).cumcount().to_numpy()
    others = others[place < left[offer[others]]]
    table = pd.DataFrame(
        {
            "customers": len(made) + np.arange(1, len(others) + 1),
            "spend": spend + free.cost[others, offer[others]].cumsum(),
            "profit": profit + free.profit[others, offer[others]].cumsum(),
            "price": worth[others, offer[others]],
        }
    )
    table.insert(0, "budget", table["spend"])
    rows = np.linspace(0, len(table), POINTS_BEYOND + 1)[1:].round().astype(int) - 1
    return table.iloc[np.unique(rows[rows >= 0])].reset_index(drop=True)


def trade_off(
    churn_risk: ArrayLike,
    clv_if_active: ArrayLike,
    profit: ArrayLike,
    cost: ArrayLike,
    shares: ArrayLike = SHARES,
) -> pd.DataFrame:
    """Compare contacting customers by churn risk with contacting them by expected profit.

    Of those contacted, `churn_risk` of each is a churner reached, the rest of each is a loyal
    customer contacted needlessly, who costs as much.

    Parameters
    ----------
    churn_risk : array-like, shape (customers,)
        Probability, from 0 to 1.
    clv_if_active, profit, cost : array-like, shape (customers,)
        Currency. Profit and cost are expected, of the offer that is best for the customer.
    shares : array-like, shape (points,)
        Shares of the customers contacted, above 0 and at most 1.

    Returns
    -------
    pandas.DataFrame
        One row per `order` (`churn_risk`, `expected_profit`) and `share`: `customers` contacted,
        `churners_reached` (expected, share of all churners), `value_reached` (churn risk times
        CLV, currency), `loyal_contacted` (expected customers), `cost_of_loyal`, `cost` and
        `profit` (expected, currency).

    Raises
    ------
    OffersError
        If the arrays differ in length, hold what is no finite number, or a risk or share is
        outside its range.

    Examples
    --------
    >>> table = trade_off([0.75, 0.25], [10.0, 500.0], profit=[-1.0, 4.0], cost=[2.0, 2.0],
    ...     shares=[0.5])
    >>> table[["order", "churners_reached", "cost_of_loyal", "profit"]].to_numpy().tolist()
    [['churn_risk', 0.75, 0.5, -1.0], ['expected_profit', 0.25, 1.5, 4.0]]
    """
    risk, value, gain, price = _columns(churn_risk, clv_if_active, profit, cost)
    parts = np.atleast_1d(np.asarray(shares, np.float64))
    if not ((parts > 0) & (parts <= 1)).all():
        raise OffersError(f"shares must be above 0 and at most 1; got {shares!r}.")
    contacted = np.maximum(np.round(parts * len(risk)).astype(int), 1)
    each = {
        "churners_reached": risk / max(risk.sum(), TINY),
        "value_reached": risk * value,
        "loyal_contacted": 1.0 - risk,
        "cost_of_loyal": (1.0 - risk) * price,
        "cost": price,
        "profit": gain,
    }
    tables = []
    for name, key in (("churn_risk", risk), ("expected_profit", gain)):
        first = np.argsort(-key, kind="stable")
        sums = {column: values[first].cumsum()[contacted - 1] for column, values in each.items()}
        whole = {"order": name, "share": parts, "customers": contacted}
        tables.append(pd.DataFrame({**whole, **sums}))
    return pd.concat(tables, ignore_index=True)


def _columns(*given: ArrayLike) -> tuple[FloatArray, ...]:
    columns = tuple(np.asarray(values, np.float64) for values in given)
    shapes = {column.shape for column in columns}
    if len(shapes) != 1 or columns[0].ndim != 1 or not columns[0].size:
        raise OffersError(
            "churn_risk, clv_if_active, profit and cost must have one number per customer; got "
            f"shapes {[column.shape for column in columns]}."
        )
    if not all(np.isfinite(column).all() for column in columns):
        raise OffersError("churn_risk, clv_if_active, profit and cost must be finite numbers.")
    if not ((columns[0] >= 0) & (columns[0] <= 1)).all():
        raise OffersError("churn_risk must be from 0 to 1. Give probabilities.")
    return columns
