"""Offers of a shop resemble each other: what was seen of each is drawn towards what all show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from training.evaluation import FloatArray
from training.uplift.calibration import USUAL_EFFECT, Calibration, believed

# How far a single offer is from the others, in standard deviations of the outcome: those of
# simulated shops, whose truth is known (`python -m benchmarks.promises`).
BETWEEN_OFFERS = 0.02


def pooled(
    lines: Mapping[str, Calibration], change: FloatArray, spread: float
) -> dict[str, Calibration]:
    """The lines of several offers with means that are believed together.

    The best of several offers is mostly the luckiest, and where the customers without an offer
    happened to order little, all offers look good at once: their scores share that mistake. So the
    mean of all is held against what offers usually change, with heavy tails, so that an effect
    which is plainly there is believed; and each offer against the mean of all (Efron & Morris,
    Journal of the American Statistical Association 70, 1975, with correlated errors).

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
    common, doubt = believed(0.0, USUAL_EFFECT * spread, common_seen, precision**-0.5)
    own = between @ weight
    means = common + own @ (seen - common)
    doubts = np.sqrt(doubt**2 + np.clip(np.diag(between - own @ between), 0.0, None))
    return {
        offer: replace(line, mean=float(mean), mean_doubt=float(found))
        for (offer, line), mean, found in zip(lines.items(), means, doubts, strict=True)
    }
