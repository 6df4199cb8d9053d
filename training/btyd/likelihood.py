"""What every model fitted by maximum likelihood does alike: report, save and restore."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Self

import numpy as np

from training.btyd.histories import column, refuse
from training.btyd.maximum import BOUND, Objective, minimum
from training.errors import TrainingError
from training.evaluation import FloatArray

# Close to a bound the likelihood is flat, and the search may stop a little before it.
NEAR = 1.0

LogLikelihood = Callable[[FloatArray], tuple[float, FloatArray]]


class MaximumLikelihood:
    """Positive parameters that maximise a likelihood, with a normal prior on their logarithms.

    Parameters
    ----------
    ridge : float
        Precision of the prior: `ridge / 2 * sum(log(parameter) ** 2)`, in units of the mean of the
        data, is taken off the log-likelihood of all rows. 0 is plain maximum likelihood.

    Attributes
    ----------
    parameters : dict of str to float
        What was learnt, in the units of the data; also as attributes such as `r_`.
    log_likelihood_ : float
        Of all rows, without the prior, in the units of the data.
    converged_ : bool
        Whether hardly any slope is left within the bounds of the search. A fit that did not
        converge keeps the best point found, and `message_` says how far off it is.
    at_bounds_ : tuple of str
        Parameters that ended on a bound: the data say only that they are extreme. Forecasts
        are usable, the parameters themselves mean nothing.
    message_ : str
        The outcome in words.
    """

    names: ClassVar[tuple[str, ...]]
    # Which parameters share the unit of the data: time, or money.
    scaled: ClassVar[tuple[bool, ...]]
    starts: ClassVar[tuple[tuple[float, ...], ...]]
    least: ClassVar[tuple[float, ...]]

    converged_: bool
    log_likelihood_: float
    at_bounds_: tuple[str, ...]
    message_: str

    def __init__(self, ridge: float = 0.0) -> None:
        self.ridge = ridge

    @property
    def parameters(self) -> dict[str, float]:
        """The learnt parameters by name, in the units of the data."""
        self._check_fitted()
        return {name: float(getattr(self, f"{name}_")) for name in self.names}

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, float], ridge: float = 0.0) -> Self:
        """A model with known parameters, ready to forecast.

        Raises
        ------
        TrainingError
            If a parameter is missing, unknown or not above 0.
        """
        model = cls(ridge)
        model._set(cls._ordered(parameters))
        return model

    def _maximise(
        self,
        likelihoods: Sequence[tuple[LogLikelihood, float]],
        unit: float,
        start: Mapping[str, float] | None,
    ) -> None:
        """Set what maximises the last likelihood, of data in `unit`; those before are of samples.

        Each comes with the total weight of its rows.
        """
        scale = np.where(self.scaled, unit, 1.0)
        starts = [np.log(np.array(s)) for s in self.starts]
        if start is not None:
            starts = [np.log(self._ordered(start) / scale)]
        lower = np.log(np.maximum(self.least, np.exp(-BOUND)))
        upper = np.full(len(self.names), BOUND)
        objectives = [self._objective(f, total) for f, total in likelihoods]
        found = minimum(objectives, starts, lower, upper)
        theta = np.exp(found.point)
        self._set(theta * scale)
        self.log_likelihood_ = likelihoods[-1][0](theta)[0]
        self.converged_ = found.converged
        ended = (found.point <= lower) | (np.abs(found.point) >= BOUND - NEAR)
        self.at_bounds_ = tuple(n for n, e in zip(self.names, ended, strict=True) if e)
        self.message_ = _message(found.converged, found.slope, self.at_bounds_)

    def _objective(self, log_likelihood: LogLikelihood, total: float) -> Objective:
        """The mean negative log-likelihood and its gradient by the log parameters."""

        def objective(point: FloatArray) -> tuple[float, FloatArray]:
            theta = np.exp(point)
            value, slope = log_likelihood(theta)
            value -= self.ridge / 2 * float(point @ point)
            return -value / total, -(slope * theta - self.ridge * point) / total

        return objective

    def _check_fitted(self) -> None:
        if not hasattr(self, f"{self.names[0]}_"):
            raise TrainingError(
                f"{type(self).__name__} must be fitted; got one without parameters. "
                "Call fit, or take from_parameters."
            )

    def _check_ridge(self) -> None:
        if not (np.isfinite(self.ridge) and self.ridge >= 0):
            raise TrainingError(
                f"ridge must be 0 or more; got {self.ridge}. 0 is plain maximum likelihood."
            )

    @classmethod
    def _ordered(cls, parameters: Mapping[str, float]) -> FloatArray:
        if set(parameters) != set(cls.names):
            raise TrainingError(
                f"parameters must be {', '.join(cls.names)}; got {', '.join(parameters)}. "
                f"Take those of a fitted {cls.__name__}."
            )
        values = column([parameters[name] for name in cls.names], "parameters")
        refuse(values, values <= 0, "parameters must be above 0", "Take those of a fitted model.")
        return values

    def _set(self, theta: FloatArray) -> None:
        for name, value in zip(self.names, theta, strict=True):
            setattr(self, f"{name}_", float(value))


def _message(converged: bool, slope: float, at_bounds: tuple[str, ...]) -> str:
    message = "converged" if converged else f"not converged: a slope of {slope:.1e} is left"
    if at_bounds:
        message += f"; {', '.join(at_bounds)} at a bound, so only forecasts mean something"
    return message
