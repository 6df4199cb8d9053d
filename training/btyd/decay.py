"""Integrals of a product of two powers of time, to all digits, for many customers at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.evaluation import FloatArray

NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)
# Customers at a time, so that the nodes stay in the processor's cache.
BLOCK = 2048
# exp(-45) is far below the rounding of a sum.
NEGLIGIBLE = 45.0
# Newton's steps towards where the integrand becomes negligible.
CUTS = 6


@dataclass(frozen=True)
class Integral:
    """An integral of `Decay`, relative to its start, and means under it; shape (rows,) each.

    Attributes
    ----------
    log : numpy.ndarray
        Its logarithm.
    log_a, log_b : numpy.ndarray
        Means of log((alpha + y) / (alpha + start)) and log((beta + y) / (beta + start)).
    inverse_a, inverse_b : numpy.ndarray
        Means of 1 / (alpha + y) and 1 / (beta + y).
    """

    log: FloatArray
    log_a: FloatArray
    log_b: FloatArray
    inverse_a: FloatArray
    inverse_b: FloatArray


@dataclass(frozen=True)
class Decay:
    """The function (alpha + y)^-k (beta + y)^-c of time y, relative to its value at a start."""

    alpha: float
    k: FloatArray
    beta: float
    c: float

    def over(self, start: FloatArray, width: FloatArray) -> Integral:
        """Integrate it from `start` over `width`, shape (rows,) each."""
        parts = np.empty((5, len(start)))
        for first in range(0, len(start), BLOCK):
            rows = slice(first, first + BLOCK)
            parts[:, rows] = self._block(self.k[rows], start[rows], width[rows])
        return Integral(*parts)

    def _block(self, k: FloatArray, start: FloatArray, width: FloatArray) -> FloatArray:
        """Gauss-Legendre in u = log(min(alpha, beta) + y), in which the function is log-concave."""
        near, far = min(self.alpha, self.beta) + start, max(self.alpha, self.beta) + start
        c = np.full_like(k, self.c)
        near_power, far_power = (k, c) if self.alpha <= self.beta else (c, k)
        length = _where_negligible(np.log1p(width / near), near, far, near_power, far_power)
        u = length[:, None] * ((1 + NODES) / 2)
        beyond = near[:, None] * np.expm1(u)
        v = np.log1p(beyond / far[:, None])
        power = (1 - near_power)[:, None] * u - far_power[:, None] * v
        mass = (WEIGHTS / 2) * np.exp(power)
        total = mass.sum(axis=1)
        mass /= total[:, None]
        means = [np.einsum("ij,ij->i", mass, g) for g in (u, v)]
        inverses = [
            np.einsum("ij,ij->i", mass, 1 / (edge[:, None] + beyond)) for edge in (near, far)
        ]
        if self.alpha > self.beta:
            means, inverses = means[::-1], inverses[::-1]
        with np.errstate(divide="ignore"):
            return np.array([np.log(total * length * near), *means, *inverses])


def _where_negligible(
    length: FloatArray,
    near: FloatArray,
    far: FloatArray,
    near_power: FloatArray,
    far_power: FloatArray,
) -> FloatArray:
    """Shorten the range of u to where the function has fallen to nothing.

    The fall is convex in u, so that Newton's method stops short of cutting too much.
    """
    for _ in range(CUTS):
        reached = near * np.exp(length)
        gap = far - near
        fall = (near_power - 1) * length + far_power * np.log((gap + reached) / far)
        slope = near_power - 1 + far_power * reached / (gap + reached)
        surplus = np.maximum(fall - NEGLIGIBLE, 0.0)
        length = length - np.where(surplus > 0, surplus / np.where(surplus > 0, slope, 1.0), 0.0)
    return length
