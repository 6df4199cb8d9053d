"""The window in which a campaign's offers are to work, and how much of it is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from features.clock import as_day, as_instant
from features.history.history import Past
from offers.errors import OffersError
from offers.planning.plan_table import PlanTable
from training.panel.labels import covered_until


@dataclass(frozen=True)
class Window:
    """The part `[start, end)` of a campaign's window that is looked at.

    Attributes
    ----------
    start, end : float
        As `day`.
    horizon_days : int
        Length of the whole window.
    """

    start: float
    end: float
    horizon_days: int

    def __post_init__(self) -> None:
        if not self.start < self.end <= self.start + self.horizon_days:
            raise OffersError(
                f"the window measured must lie within the campaign's; got {self.start} to "
                f"{self.end} of {self.horizon_days} days from {self.start}."
            )

    @property
    def days(self) -> float:
        """Length of the part that is looked at."""
        return self.end - self.start

    @property
    def is_interim(self) -> bool:
        """Whether the window is still open."""
        return self.end < self.start + self.horizon_days

    @classmethod
    def of(cls, known: Past, plan: PlanTable, interim: bool) -> Self:
        """The whole window; or, if interim figures are asked for, what is known of it.

        A day is known when orders up to its end were recorded: the history must hold an order at
        or after it, and `recording_lag_days` must have passed.

        Parameters
        ----------
        known : Past
        plan : PlanTable
        interim : bool

        Raises
        ------
        OffersError
            If the window has not closed or is not covered, and interim figures were not asked
            for; or if nothing of it is known.
        """
        mapping, horizon = known.mapping, plan.horizon_days
        start = as_day(plan.as_of, mapping.timezone)
        closes, covered = start + horizon, covered_until(known)
        if covered >= closes:
            return cls(start, closes, horizon)
        if interim:
            if covered <= start:
                raise OffersError(
                    f"nothing is known yet of the window from {_text(start)}; the history is known "
                    f"up to {_text(covered)}. Measure later."
                )
            return cls(start, covered, horizon)
        ready = closes + mapping.recording_lag_days
        if known.day < ready:
            raise OffersError(
                f"as_of must be {_text(ready)} or later, when the campaign's window has closed and "
                f"its orders are recorded; got {_text(known.day)}. "
                "Wait, or ask for interim figures."
            )
        raise OffersError(
            f"the history must be known up to {_text(closes)}, where the campaign's window closes; "
            f"it is known up to {_text(covered)}. Add the orders since, or ask for interim figures."
        )


def _text(day: float) -> str:
    return f"{as_instant(day):%Y-%m-%d %H:%M}"
