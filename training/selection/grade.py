"""What a backtest means for this shop, in plain words."""

from __future__ import annotations

from training.models.churn import ChurnModel
from training.models.clv import CLVModel
from training.selection.backtest import Backtest

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
LOSS = {"log_loss": "log loss", "tweedie_deviance": "Tweedie deviance"}


def verdict(backtest: Backtest) -> str:
    """The grade and what it means: by how much the chosen candidate beats the best simple rule.

    The gain is the paired difference of the criterion over customers, as a share of the rule's
    mean over origins.
    """
    grade = backtest.grade()
    if grade is None:
        return "No grade: the history is too short to judge any candidate out of time."
    rule = backtest.best_rule()
    if grade == "D":
        return f"Grade D: {MEANING['D']}: `{backtest.chosen}`. {ADVICE['D']}"
    return f"Grade {grade}: {MEANING[grade]}, `{rule}`: {_gain(backtest, rule)}. {ADVICE[grade]}"


def basis(model: ChurnModel | CLVModel) -> str:
    """What a fitted model's forecasts rest on."""
    if isinstance(model, ChurnModel):
        return model.basis()
    return f"spend if there is an order by {model.candidate}; {model.activity_.basis()}"


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
        f"{abs(found.difference) / loss:.1%} {side} {LOSS[backtest.criterion]} "
        f"(95% interval {low:.1%} to {high:.1%})"
    )
