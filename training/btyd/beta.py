"""Means over a Beta distribution by Gauss-Jacobi quadrature."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from training.evaluation import FloatArray

# Gauss-Jacobi nodes; the integrands are smooth, and the tests hold them to exact values.
NODES = 64
# Logarithms need something.
SMALLEST = 1e-300


def beta_nodes(a: float, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights for means over Beta(a, b), one set for each b.

    Golub & Welsch (1969): the eigenvalues of the tridiagonal matrix of the Jacobi polynomials,
    here shifted to [0, 1]. Weights are positive and sum to 1, so that whatever holds for a function
    at every point, such as a bound or being monotone, holds for its mean.

    Parameters
    ----------
    a : float
        Above 0.
    b : numpy.ndarray, shape (distributions,)
        Above 0.

    Returns
    -------
    nodes, weights : numpy.ndarray, shape (distributions, 64)

    Examples
    --------
    >>> nodes, weights = beta_nodes(0.5, np.array([1.5]))
    >>> round(float((weights * nodes**2).sum()), 12)  # a (a + 1) / ((a + b) (a + b + 1))
    0.125
    """
    return _nodes(float(a), tuple(b.tolist()))


@lru_cache(maxsize=64)
def _nodes(a: float, given: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
    """Candidates ask the same of a population; the eigenvalues are most of the work."""
    b, n = np.array(given), np.arange(1, NODES)
    left, right = a - 1.0, b[:, None] - 1.0
    both = 2.0 * n + left + right
    matrix = np.zeros((len(b), NODES, NODES))
    matrix[:, 0, 0] = a / (a + b)
    matrix[:, n, n] = (1.0 + (left - right) * (left + right) / (both * (both + 2.0))) / 2.0
    # At n = 1 this factor is 1 in the limit even where its parts vanish.
    factor = np.ones_like(both)
    factor[:, 1:] = (n + left + right)[:, 1:] / (both - 1.0)[:, 1:]
    square = n * (n + left) * (n + right) * factor / (both**2 * (both + 1.0))
    matrix[:, n, n - 1] = np.sqrt(square)
    nodes, vectors = np.linalg.eigh(matrix, UPLO="L")
    nodes, weights = np.clip(nodes, SMALLEST, 1.0), vectors[:, 0, :] ** 2
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights
