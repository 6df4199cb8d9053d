"""What a backtest means for this shop: a grade, in plain words."""

from __future__ import annotations

from training.selection.backtest import Backtest

# So much less loss than the rule is much, at the scale on which forecasts of orders differ.
CLEAR_GAIN = 0.05
MEANING = {
    "A": "clearly and much better than the best simple rule",
    "B": "clearly better than the best simple rule",
    "C": "no clear difference from the best simple rule",
    "D": "a simple rule is clearly better than every model, so it is the model",
}
ADVICE = {
    "A": "The forecasts are well worth acting on.",
    "B": "The forecasts are worth acting on.",
    "C": "For this shop the rule would do as well.",
    "D": "Expect no more of these forecasts than of the rule.",
}


def grade_of(backtest: Backtest) -> str | None:
    """A to D against the best simple rule; None if nothing could be judged.

    A: clearly better, with at least 5% less loss. B: clearly better. C: no clear difference.
    D: the rule is clearly better, so it is the model. Clear is what the paired 95% interval
    leaves no doubt about.
    """
    if not backtest.judged:
        return None
    if backtest.chosen in backtest.task.rules:
        return "D"
    loss, best = backtest.means()[backtest.criterion], best_rule(backtest)
    if backtest.differences[best].high < 0:
        return "A" if loss[backtest.chosen] <= (1 - CLEAR_GAIN) * loss[best] else "B"
    return "C"


def best_rule(backtest: Backtest) -> str:
    """The simple rule with the lowest mean of the criterion."""
    loss = backtest.means()[backtest.criterion]
    return str(loss.loc[[rule for rule in loss.index if rule in backtest.task.rules]].idxmin())


def verdict(backtest: Backtest) -> str:
    """The grade and what it means: by how much the chosen candidate beats the best simple rule.

    The gain is the paired difference of the criterion over customers, as a share of the rule's
    mean over origins.
    """
    grade = grade_of(backtest)
    if grade is None:
        return "No grade: the history is too short to judge any candidate out of time."
    rule = best_rule(backtest)
    if grade == "D":
        return f"Grade D: {MEANING['D']}: `{backtest.chosen}`. {ADVICE['D']}"
    return f"Grade {grade}: {MEANING[grade]}, `{rule}`: {_gain(backtest, rule)}. {ADVICE[grade]}"


def shorter_window(backtest: Backtest, horizon_days: float) -> str | None:
    """That a shorter window than the horizon was judged; None if it was not."""
    if backtest.window_days >= horizon_days:
        return None
    return (
        f"The history is too short for outcomes over {horizon_days:g} days: the candidates were "
        f"compared and fitted on those over {backtest.window_days:g} days, and the model is "
        "carried over by MBG/NBD. How good it is that far ahead could not be measured."
    )


def _gain(backtest: Backtest, rule: str) -> str:
    found, loss = backtest.differences[rule], backtest.means()[backtest.criterion][rule]
    side, sign = ("less", -1.0) if found.difference <= 0 else ("more", 1.0)
    low, high = sorted((sign * found.low / loss, sign * found.high / loss))
    return (
        f"{abs(found.difference) / loss:.1%} {side} {backtest.task.criterion_title} "
        f"(95% interval {low:.1%} to {high:.1%})"
    )
