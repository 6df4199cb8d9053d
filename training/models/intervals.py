"""The spread of spend around its forecast: 80% intervals, given an order and over all customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from training.errors import TrainingError
from training.evaluation import FloatArray

# Four in five: of a wider interval the ends are guesses.
LEVEL = 0.8
TAIL = (1 - LEVEL) / 2
# No interval asks for a higher quantile of spend given an order than 1 - TAIL.
PROBABILITIES = np.linspace(0.0, 1 - TAIL, 37)
# Buyers: quantiles at a tenth then rest on ten of them.
BUYERS_PER_BIN = 100
# More would follow noise: spread changes slowly with size.
MOST_BINS = 5
# Standard deviation, as a logarithm, of what a whole window turns out to be off by.
LEVEL_ERROR = 0.15
# The middles of five equally likely fifths of it.
LEVEL_ERRORS = np.exp(LEVEL_ERROR * ndtri([0.1, 0.3, 0.5, 0.7, 0.9]))
# Spend over forecast is about lognormal with this deviation in an average shop.
USUAL_DEVIATION = 0.8
# So many of them stand in every bin.
USUAL_BUYERS = 20
USUAL_RATIOS = np.exp(
    USUAL_DEVIATION * ndtri((np.arange(USUAL_BUYERS) + 0.5) / USUAL_BUYERS) - USUAL_DEVIATION**2 / 2
)
# Logarithms and divisions need something.
SMALLEST = 1e-300


@dataclass(frozen=True)
class SpendIntervals:
    """Quantiles of what buyers spent over what was forecast of them, by the size of the forecast.

    Conditioning on a purchase and mixing with the chance of none (a hurdle) is what keeps the
    intervals true both of all customers and of those who buy.

    Attributes
    ----------
    centres : tuple of float
        Logarithm of the forecast in the middle of each bin, ascending; quantiles are interpolated
        between them.
    quantiles : tuple of tuple of float
        For each bin, the quantiles of the ratio at the probabilities 0, 0.025, ... 0.9.
    """

    centres: tuple[float, ...]
    quantiles: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, if_active: FloatArray, spend: FloatArray) -> Self:
        """Learn from earlier buyers and what was forecast of them.

        What their total was off by is taken out, for it tells little of the next window; what a
        window is usually off by widens every quantile instead. To each bin come 20 buyers of an
        average shop, which is all there is to go by where nobody bought.

        Parameters
        ----------
        if_active : numpy.ndarray, shape (buyers,)
            Expected spend given an order, above 0.
        spend : numpy.ndarray, shape (buyers,)
            What they spent, 0 or more.

        Raises
        ------
        TrainingError
            If lengths differ, or a number is not finite or not in its range.

        Examples
        --------
        >>> none = np.array([])
        >>> low, high = SpendIntervals.of(none, none).interval_if_active(np.array([100.0]))
        >>> low.round(1).tolist(), high.round(1).tolist()
        ([26.6], [198.7])
        """
        if_active, spend = _numbers("if_active", if_active), _numbers("spend", spend)
        if len(if_active) != len(spend):
            raise TrainingError(
                f"spend must be as long as if_active ({len(if_active)}); got {len(spend)}. "
                "Pass one value per buyer."
            )
        _refuse("if_active", if_active, if_active <= 0, "above 0", "Floor the forecast.")
        _refuse("spend", spend, spend < 0, "0 or more", "Clip totals at 0.")
        ratio = spend / if_active / _level(if_active, spend)
        if not len(ratio):
            return cls((0.0,), (_quantiles(ratio),))
        size = np.log(if_active)
        bins = _bins(size)
        groups = [bins == number for number in np.unique(bins)]
        centres = tuple(float(size[rows].mean()) for rows in groups)
        return cls(centres, tuple(_quantiles(ratio[rows]) for rows in groups))

    def interval_if_active(self, if_active: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The 10% and 90% quantiles of spend given an order, each of shape (customers,)."""
        return self.interval(if_active, np.ones(len(if_active)))

    def interval(
        self, if_active: FloatArray, p_active: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """The 10% and 90% quantiles of spend, which is 0 without an order.

        The interval may end below the mean: where an order is rare, most customers spend nothing.

        Parameters
        ----------
        if_active : numpy.ndarray, shape (customers,)
            Expected spend given an order, 0 or more.
        p_active : numpy.ndarray, shape (customers,)
            Probability of an order.

        Returns
        -------
        tuple of numpy.ndarray
            Low and high, each of shape (customers,).
        """
        low, high = (
            if_active * self._ratio(if_active, _given_order(probability, p_active))
            for probability in (TAIL, 1 - TAIL)
        )
        return low, high

    def _ratio(self, if_active: FloatArray, probability: FloatArray) -> FloatArray:
        """Quantile of the ratio at each customer's own probability; 0 where that is 0."""
        at = np.array([np.interp(probability, PROBABILITIES, known) for known in self.quantiles])
        size = np.log(np.maximum(if_active, SMALLEST))
        place = np.interp(size, self.centres, np.arange(len(self.centres)))
        below = place.astype(int)
        above = np.minimum(below + 1, len(at) - 1)
        customer, part = np.arange(len(place)), place - below
        ratio = (1 - part) * at[below, customer] + part * at[above, customer]
        return np.asarray(np.where(probability > 0, ratio, 0.0))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what `as_dict` gave, also when it went through JSON."""
        quantiles = tuple(tuple(known) for known in content["quantiles"])
        return cls(tuple(content["centres"]), quantiles)


def _level(if_active: FloatArray, spend: FloatArray) -> float:
    """What buyers spent over what was forecast, nearer to 1 the more of it may be chance."""
    total = spend.sum()
    if total == 0:
        return 1.0
    chance = float((spend**2).sum() / total**2)
    credible = LEVEL_ERROR**2 / (LEVEL_ERROR**2 + chance)
    return float((total / if_active.sum()) ** credible)


def _bins(size: FloatArray) -> NDArray[np.int64]:
    """Bin of each buyer, equally many in each; buyers of equal size are never parted."""
    bins = int(np.clip(len(size) // BUYERS_PER_BIN, 1, MOST_BINS))
    edges = np.quantile(size, np.arange(1, bins) / bins)
    return np.searchsorted(edges, size, side="right")


def _quantiles(ratio: FloatArray) -> tuple[float, ...]:
    scattered = np.outer(LEVEL_ERRORS, np.append(ratio, USUAL_RATIOS))
    return tuple(float(quantile) for quantile in np.quantile(scattered, PROBABILITIES))


def _given_order(probability: float, p_active: FloatArray) -> FloatArray:
    """Which quantile of spend given an order is that quantile of spend; 0 where it is no order."""
    beyond = np.maximum(probability - (1 - p_active), 0.0)
    return np.asarray(beyond / np.maximum(p_active, SMALLEST))


def _numbers(name: str, values: FloatArray) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    _refuse(name, array, ~np.isfinite(array), "finite", "Drop those buyers first.")
    return array


def _refuse(
    name: str, array: FloatArray, is_bad: NDArray[np.bool_], rule: str, remedy: str
) -> None:
    if is_bad.any():
        raise TrainingError(f"{name} must be {rule}; got {array[is_bad][0]}. {remedy}")
