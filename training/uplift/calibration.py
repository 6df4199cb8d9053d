"""How much of what was seen of an offer, and of its differences between customers, is real."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import hypot
from typing import Self

import numpy as np

from training.evaluation import FloatArray, MeanEstimate

# Settled on pilots of simulated shops, whose true slope is known: it grows with the customers who
# got the offer, and with so many of them about half of what is predicted was real.
HALF_ROWS, EXPECTED_ERROR = 1300.0, 0.1
# Offers move an outcome by so many of its standard deviations, give or take so many more: where
# published tests of e-mails and advertisements begin, and settled on simulated shops, see
# docs/decisions/0007-uplift.md.
USUAL_EFFECT, BETWEEN_SHOPS = 0.025, 0.015
# A customer's own effect may be so many off what is known of it.
OWN_EFFECT = 0.1
# How far a single offer is from the others, in standard deviations of the outcome: those of
# simulated shops, whose truth is known (`python -m benchmarks.promises`).
BETWEEN_OFFERS = 0.01
# Where what is believed is worked out, about both numbers and in their errors.
GRID = np.linspace(-8.0, 8.0, 321)
# So many standard deviations either side of the mean hold 90% of a normal distribution.
MOST = 1.645


@dataclass(frozen=True)
class Calibration:
    """The line that leads from what a learner predicts of an offer to what the offer changes.

    Attributes
    ----------
    mean : float
        Mean effect that is taken for real.
    mean_seen : float
        Doubly robust mean effect.
    slope : float
        Share of the predicted differences that is taken for real; above 1 they were too small.
    slope_seen : float
        The share that showed on rows the learner never saw.
    slope_error : float
        Its standard error.
    centre : float
        Mean prediction.
    mean_doubt, slope_doubt : float
        How far the mean and the slope that are taken for real may be off, in standard deviations.
    scatter : float
        How far single customers may be from the line.
    """

    mean: float
    mean_seen: float
    slope: float
    slope_seen: float
    slope_error: float
    centre: float
    mean_doubt: float = 0.0
    slope_doubt: float = 0.0
    scatter: float = 0.0

    @classmethod
    def of(cls, change: FloatArray, predicted: FloatArray, offered: int, spread: float) -> Self:
        """The best linear predictor of the effect (Chernozhukov, Demirer, Duflo & Fernandez-Val).

        "Generic machine learning inference on heterogeneous treatment effects in randomized
        experiments" (NBER working paper 24678, 2018; Econometrica 93, 2025), by regression of the
        doubly robust scores of the effect on its out-of-fold prediction. In a pilot of thousands
        that slope is hardly known, so it is averaged, by precision, with what is expected of it
        before: the more customers got the offer, the nearer 1, give or take 0.1. A learner that was
        too timid on rows it never saw is stretched, as one that was too bold is held back; below 0
        its order is wrong, and no differences are left. The mean is averaged likewise with what
        offers usually change: the best of several is else promised more than it can hold. What is
        expected of both has heavy tails, so that what is plainly there is believed.

        Parameters
        ----------
        change : numpy.ndarray, shape (rows,)
            Doubly robust scores with the offer less those without.
        predicted : numpy.ndarray, shape (rows,)
            Out-of-fold predictions.
        offered : int
            Rows that got the offer.
        spread : float
            Standard deviation of the outcome.
        """
        found = MeanEstimate.of(change)
        scatter = OWN_EFFECT * spread
        usual, scale = USUAL_EFFECT * spread, hypot(BETWEEN_SHOPS, BETWEEN_OFFERS) * spread
        mean, doubt = believed(usual, scale, found.value, found.standard_error)
        centre = float(predicted.mean())
        centred = predicted - centre
        variation = float(centred @ centred)
        if variation <= 1e-12 * len(change):
            return cls(mean, found.value, 0.0, 0.0, float("nan"), centre, doubt, 0.0, scatter)
        seen = float(centred @ change) / variation
        residual = change - found.value - seen * centred
        error = float(np.sqrt(((centred * residual) ** 2).sum())) / variation
        expected = offered / (offered + HALF_ROWS)
        slope, slope_doubt = believed(expected, EXPECTED_ERROR, seen, error)
        doubts = (doubt, slope_doubt, scatter)
        return cls(mean, found.value, max(slope, 0.0), seen, error, centre, *doubts)

    def apply(self, predicted: FloatArray) -> FloatArray:
        """Calibrated effects, shape (rows,)."""
        return np.asarray(self.mean + self.slope * (predicted - self.centre))


def pooled(
    lines: Mapping[str, Calibration], change: FloatArray, spread: float
) -> dict[str, Calibration]:
    """The lines of several offers with means that are believed together.

    The best of several offers is mostly the luckiest, and where the customers without an offer
    happened to order little, all offers look good at once: their scores share that mistake. So the
    mean of all is held against what offers usually change, and each offer against the mean of all
    (Efron & Morris, Journal of the American Statistical Association 70, 1975, with correlated
    errors).

    Parameters
    ----------
    lines : mapping of str to Calibration
    change : numpy.ndarray, shape (rows, offers)
        Doubly robust scores with each offer less those without.
    spread : float
        Standard deviation of the outcome.
    """
    offers = len(lines)
    seen = change.mean(axis=0)
    error = np.cov(change, rowvar=False).reshape(offers, offers) / len(change)
    between = (BETWEEN_OFFERS * spread) ** 2 * np.eye(offers)
    ones = np.ones(offers)
    weight = np.linalg.pinv(error + between)
    precision = float(ones @ weight @ ones)
    if not precision > 0:
        return dict(lines)
    common_seen = float(ones @ weight @ seen) / precision
    common, doubt = believed(
        USUAL_EFFECT * spread, BETWEEN_SHOPS * spread, common_seen, precision**-0.5
    )
    own = between @ weight
    means = common + own @ (seen - common)
    doubts = np.sqrt(doubt**2 + np.clip(np.diag(between - own @ between), 0.0, None))
    return {
        offer: replace(line, mean=float(mean), mean_doubt=float(found))
        for (offer, line), mean, found in zip(lines.items(), means, doubts, strict=True)
    }


def believed(before: float, scale: float, seen: float, error: float) -> tuple[float, float]:
    """What is believed of a number that was seen with an error, and the deviation of it.

    Before, it is expected about `before`, give or take `scale`, by Student's t with 3 degrees of
    freedom: what is hardly known is drawn there, and what is plainly far from there is not. The
    deviation is that of a normal distribution whose middle 90% are as wide.
    """
    if not error > 0:
        return seen, 0.0
    at = np.unique(np.append(before + scale * GRID, seen + error * GRID))
    log = -2.0 * np.log1p(((at - before) / scale) ** 2 / 3.0) - 0.5 * ((at - seen) / error) ** 2
    weight = np.exp(log - log.max()) * np.gradient(at)
    weight /= weight.sum()
    low, high = np.interp((0.05, 0.95), np.cumsum(weight), at)
    return float(weight @ at), float(high - low) / (2 * MOST)
