"""What a backtest means for this shop: two letters, and what may be done with the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from training.evaluation import LevelError, PairedDifference
from training.selection.backtest import Backtest

Letter = Literal["A", "B", "C", "D"]
LETTERS: tuple[Letter, ...] = get_args(Letter)
# So much less loss than the rule is much, at the scale on which forecasts of orders differ.
CLEAR_GAIN = 0.05
RANKING = {
    "A": "clearly and much better than the best simple rule",
    "B": "clearly better than the best simple rule",
    "C": "not clearly better than the best simple rule",
    "D": "no better than a simple rule",
}
USE = {
    "A": "the order of customers is good",
    "B": "the order of customers is good",
    "C": "a simple rule would order customers as well",
    "D": "expect no more than of a simple rule",
}
UNSURE = "whether the order of customers is better than a simple rule's is not known"


@dataclass(frozen=True)
class Grade:
    """How good the chosen candidate is at telling customers apart, and at the level.

    Attributes
    ----------
    ranking, level : str
        A to D.
    against : str
        The simple rule with the least loss.
    error : LevelError
        Means over origins.
    """

    ranking: Letter
    level: Letter
    against: str
    error: LevelError

    @property
    def letter(self) -> Letter:
        """The worse of the two."""
        return max(self.ranking, self.level)


def grade_of(backtest: Backtest) -> Grade | None:
    """Grade a backtest; None if nothing could be judged.

    Ranking, against the best simple rule by the paired 95% interval of the criterion. A: clearly
    better, with at least 5% less loss. B: clearly better. C: not clearly better. D: the model is a
    rule, or does clearly worse than one.

    Level, by the mean error over origins. It is A up to what the outcomes alone would show by
    chance and the first of `Task.level_limits` more, B up to the second, C up to the third, D
    beyond; and not A for a shop that has outgrown what was learnt from.
    """
    if not backtest.judged:
        return None
    rule, error = best_rule(backtest), backtest.level_error()
    level = LETTERS[int(np.searchsorted(backtest.task.level_limits, error.error - error.noise))]
    if backtest.ahead.is_outgrown:
        level = max(level, "B")
    return Grade(_ranking(backtest, rule), level, rule, error)


def best_rule(backtest: Backtest) -> str:
    """The simple rule with the lowest mean of the criterion."""
    loss = backtest.means()[backtest.criterion]
    return str(loss.loc[[rule for rule in loss.index if rule in backtest.task.rules]].idxmin())


def verdict(backtest: Backtest) -> str:
    """Both letters, what they mean, and the figures they rest on."""
    grade = grade_of(backtest)
    if grade is None:
        return f"No grade: {backtest.why}."
    return (
        f"{_no_skill(backtest)}Grade {grade.letter} (ranking {grade.ranking}, level "
        f"{grade.level}): {advice(backtest, grade)}. Ranking: {_against_rule(backtest, grade)}. "
        f"Level: {_level(backtest, grade.error)}."
    )


def advice(backtest: Backtest, grade: Grade) -> str:
    """What may be done with the numbers, without its full stop."""
    task, error = backtest.task, grade.error
    if grade.level == "A":
        use = f"{task.level_subject} may be multiplied and added up"
    elif grade.level == "B":
        use = f"{_off(backtest, error)}: good enough for plans, not for promises"
    elif grade.level == "C":
        use = f"{_off(backtest, error)}: do not multiply them"
    else:
        use = f"{_off(backtest, error)}: do not use them as numbers"
    ranking = USE[grade.ranking] if backtest.is_enough else UNSURE
    return f"{ranking}; {use}"


def shorter_window(backtest: Backtest, horizon_days: float) -> str | None:
    """That a shorter window than the horizon was judged; None if it was not."""
    if backtest.window_days >= horizon_days:
        return None
    return (
        f"The history is too short for outcomes over {horizon_days:g} days: the candidates were "
        f"compared and fitted on those over {backtest.window_days:g} days, and the model is "
        "carried over by MBG/NBD. How good it is that far ahead could not be measured."
    )


def _ranking(backtest: Backtest, rule: str) -> Letter:
    if backtest.chosen in backtest.task.rules:
        return "D"
    found, loss = backtest.differences[rule], backtest.means()[backtest.criterion]
    if found.low > 0:
        return "D"
    if found.high < 0 and backtest.is_enough:
        return "A" if loss[backtest.chosen] <= (1 - CLEAR_GAIN) * loss[rule] else "B"
    return "C"


def skill(backtest: Backtest) -> float:
    """Share of the loss of the same forecast for everybody that the chosen candidate avoids."""
    means = backtest.means()
    if "skill" in means:
        return float(means["skill"][backtest.chosen])
    loss = means[backtest.criterion]
    return float(1 - loss[backtest.chosen] / loss[backtest.task.constant])


def _no_skill(backtest: Backtest) -> str:
    """The first word where the model does worse than the same forecast for everybody."""
    if backtest.chosen == backtest.task.constant or not skill(backtest) < 0:
        return ""
    return f"Negative skill ({skill(backtest):.3f}): worse than the same forecast for everybody. "


def _against_rule(backtest: Backtest, grade: Grade) -> str:
    rule = grade.against
    if backtest.chosen in backtest.task.rules:
        return f"the model is itself a simple rule, `{backtest.chosen}`"
    found = backtest.differences[rule]
    words = RANKING[grade.ranking]
    if not backtest.is_enough:
        words = f"judged on too little to be sure, {backtest.size_in_words()}"
    elif grade.ranking == "D":
        words = "clearly worse than the best simple rule"
    return f"{words}, `{rule}`: {gain_in_words(backtest, rule, found)}"


def gain_in_words(backtest: Backtest, rule: str, found: PairedDifference) -> str:
    """How much less or more loss than a rule, with its interval, as shares of the rule's."""
    loss = backtest.means()[backtest.criterion][rule]
    title = backtest.task.criterion_title
    if not loss > 0:
        return (
            f"{found.difference:+.4f} {title} (95% interval {found.low:+.4f} to {found.high:+.4f})"
        )
    side, sign = ("less", -1.0) if found.difference <= 0 else ("more", 1.0)
    low, high = sorted((sign * found.low / loss, sign * found.high / loss))
    return (
        f"{abs(found.difference) / loss:.1%} {side} {title} (95% interval {low:.1%} to {high:.1%})"
    )


def _off(backtest: Backtest, error: LevelError) -> str:
    """By how much the level is off, and to which side if it is one."""
    task = backtest.task
    if abs(error.bias) >= error.error / 2:
        side = "high" if error.bias > 0 else "low"
        return f"{task.level_subject} are {task.level_unit(abs(error.bias))} too {side}"
    return f"{task.level_subject} are off by {task.level_unit(error.error)}, to either side"


def _level(backtest: Backtest, error: LevelError) -> str:
    unit, sign = backtest.task.level_unit, "+" if error.bias > 0 else ""
    outgrown = ", in a shop that has outgrown what was learnt from"
    return (
        f"{backtest.task.level_title} {unit(error.error)}, by chance alone {unit(error.noise)}; "
        f"bias {sign}{unit(error.bias)}" + (outgrown if backtest.ahead.is_outgrown else "")
    )
