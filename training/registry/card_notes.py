"""What a model card says besides figures: use, what changed, what it was made with, its words."""

from __future__ import annotations

import platform
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from features.agreement import many
from features.clock import as_instant
from training.models.own.references import is_own
from training.registry.versions import RegisteredVersion
from training.selection.fit import FittedModel

USE = (
    "- Made for: ranking customers who do not cancel but stop coming, by risk and by value, and "
    "adding both up over groups of some hundreds; as an input of plans, beside what offers change.",
    "- Not made for: contracts that are cancelled, people who never ordered, decisions on one "
    "person that matter to them (credit, prices, service), other shops, other horizons, or times "
    "unlike those learnt from.",
)
GLOSSARY = {
    "origin": "an instant of the past at which a forecast was made with what was known then",
    "snapshot": "the customers at one instant and what they did afterwards, to learn from",
    "horizon": "the days after an instant that a forecast is about",
    "log loss": "how surprised a risk is by what happened; less is better, 0.693 is a coin's",
    "AUC": "how often of two customers the one who left had the higher risk; 0.5 is chance",
    "ECE": "mean gap between risks and the share that left, over groups of like risk",
    "skill": "the share of the loss of one risk for all that the model saves",
    "Tweedie deviance": "loss of forecasts of money where many spend nothing; less is better",
    "normalised Gini": "how well spenders are ranked; 1 is perfect, 0 is chance",
    "coverage": "share of customers whose spend lay within the 80% interval",
    "champion": "the version in force",
}
LIBRARIES = ("lightgbm", "scikit-learn", "numpy", "scipy", "polars", "pandas", "mlflow")


def made_with() -> str:
    """Versions of the code and of what it stands on."""
    python = platform.python_version()
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"- Holdfast {_own_version()}, Python {python}, {libraries}."


def _own_version() -> str:
    try:
        return version("holdfast")
    except PackageNotFoundError:
        return "of a checkout"


def needs(fitted: FittedModel) -> list[str]:
    """The code of the shop's own that scoring needs, in a line; nothing where it needs none."""
    names = [name for name in fitted.scorer.definition.features if ":" in name]
    names += [fitted.backtest.chosen] if is_own(fitted.backtest.chosen) else []
    return [f"- Needs code of the shop's own, unchanged: {', '.join(names)}."] if names else []


def glossary() -> list[str]:
    """A line a word."""
    return [f"- {word}: {meaning}." for word, meaning in GLOSSARY.items()]


def changed(previous: RegisteredVersion, fitted: FittedModel) -> str:
    """What is otherwise than in the version before, in words."""
    task, terms, backtest = fitted.scorer.task, fitted.scorer.definition, fitted.backtest
    said = [_later(previous.tags.get("as_of"), as_instant(terms.trained_as_of))]
    if previous.tags.get("lineage") != terms.lineage:
        said.append("another shop, horizon, currency or value definition")
    if (before := previous.tags.get("candidate")) != backtest.chosen:
        said.append(f"the model is `{backtest.chosen}`, it was `{before}`")
    before_loss = previous.metrics.get(f"mean_{task.short_name}_{task.criterion}")
    means = backtest.means()
    if before_loss is not None and not means.empty:
        loss = float(means[task.criterion][backtest.chosen])
        said.append(
            f"{task.criterion_title} {loss:.4f}, where that one had {before_loss:.4f} on origins "
            "of its own"
        )
    return f"Since version {previous.version}: {'; '.join(filter(None, said))}."


def _later(before: str | None, after: datetime) -> str:
    if before is None:
        return ""
    days = (after - datetime.fromisoformat(before)).days
    if not days:
        return "trained as of the same day"
    return f"{many(abs(days), 'day')} {'more' if days > 0 else 'less'} of history"
