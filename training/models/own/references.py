"""Candidates of a shop's own, by the name of the module that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import pandas as pd

from features.errors import ExtensionError
from features.own.extension import Extension
from features.quality.readiness import NEEDS
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.models.learning import ChurnCandidate, SpendCandidate
from training.models.own.classifier import ClassifierCandidate, template_of

FLAGS = ("is_rule", "is_preferred", "needs")
CHURN_JUDGED = (*FLAGS, "learn", "logit")
CHURN_FORM = ("contributions", "basis", "save", "load")
SPEND_JUDGED = (*FLAGS, "learn", "if_active")
SPEND_FORM = ("as_dict", "from_dict")
CLASSIFIER_TOO = ", or a classifier of scikit-learn with predict_proba"


def is_own(name: str) -> bool:
    """Whether the name of a candidate is that of a module and what it holds."""
    return ":" in name


def code_of(name: str) -> str | None:
    """Digest of the module of a candidate as it is now; None of one of ours."""
    return Extension.of(name).digest if is_own(name) else None


def own_churn(name: str, digest: str | None = None) -> type[ChurnCandidate]:
    """The candidate, or the classifier as one, that a name stands for.

    Parameters
    ----------
    name : str
        `module:name`.
    digest : str, optional
        Of the module's file when the model was trained; default: as it is now.

    Raises
    ------
    ExtensionError
        If the module is not there or has changed, or holds no candidate under that name.
    """
    found = _found(name, digest)
    if (template := template_of(name, found)) is not None:
        return cast(type[ChurnCandidate], ClassifierCandidate(template))
    return cast(type[ChurnCandidate], _checked(name, found, CHURN_JUDGED, CLASSIFIER_TOO))


def own_spend(name: str, digest: str | None = None) -> type[SpendCandidate]:
    """The candidate that a name stands for; see `own_churn`."""
    return cast(type[SpendCandidate], _checked(name, _found(name, digest), SPEND_JUDGED, ""))


def has_form(candidate: type[ChurnCandidate] | type[SpendCandidate]) -> bool:
    """Whether a candidate can be written as plain files, and so become the model."""
    return not _lacking_form(candidate)


def require_form(name: str, candidate: object) -> None:
    """Refuse to save a candidate that has no plain-file form.

    Raises
    ------
    TrainingError
        With what it lacks.
    """
    if lacking := _lacking_form(candidate):
        raise TrainingError(
            f"{name} cannot be saved: it has no plain-file form (no {', '.join(lacking)}). Write a "
            "candidate that has one; of a linear classifier LinearChurn makes it."
        )


def _lacking_form(candidate: object) -> list[str]:
    wanted = SPEND_FORM if hasattr(candidate, "if_active") else CHURN_FORM
    return [name for name in wanted if not callable(getattr(candidate, name, None))]


def one_each(name: str, numbers: FloatArray, rows: int) -> FloatArray:
    """What a candidate says of every row, shape (rows,); of the shop's own it is looked at.

    Raises
    ------
    ExtensionError
        If it is something else, or unknown of some.
    """
    if not is_own(name):
        return numbers
    found = np.asarray(numbers, dtype=np.float64)
    if found.shape != (rows,):
        raise ExtensionError(
            f"{name} must give one number for each of {rows} customers; got shape {found.shape}."
        )
    if unknown := int(np.isnan(found).sum()):
        raise ExtensionError(
            f"{name} must give a number for every customer; got NaN for {unknown} of {rows}. "
            "Unknown features are NaN: say what to expect of such customers."
        )
    return found


def amounts(name: str, numbers: FloatArray, rows: int) -> FloatArray:
    """The same of spend, which is finite and not below 0."""
    found = one_each(name, numbers, rows)
    if is_own(name) and not (np.isfinite(found) & (found >= 0)).all():
        wrong = found[~(np.isfinite(found) & (found >= 0))][0]
        raise ExtensionError(f"{name} must give amounts of 0 or more; got {wrong:g}.")
    return found


def explained(name: str, added: pd.DataFrame, X: pd.DataFrame) -> pd.DataFrame:
    """What a candidate says each feature adds; of the shop's own it is looked at.

    Raises
    ------
    ExtensionError
        If it is no frame of finite numbers with the rows of the feature table.
    """
    if not is_own(name):
        return added
    if not isinstance(added, pd.DataFrame) or not added.index.equals(X.index):
        raise ExtensionError(
            f"{name} must give contributions as a pandas frame with the rows of X; got "
            f"{type(added).__name__}."
        )
    values = added.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise ExtensionError(f"{name} must give finite contributions; got NaN or infinity.")
    return pd.DataFrame(values, added.index, added.columns)


@contextmanager
def blamed(name: str, doing: str) -> Iterator[None]:
    """Tell what goes wrong in code of the shop's own as an error of that code.

    Raises
    ------
    ExtensionError
        With the candidate and the error.
    """
    try:
        yield
    except ExtensionError:
        raise
    except TrainingError as error:
        if not is_own(name):
            raise
        raise TrainingError(f"{name}: {error}") from error
    except Exception as error:  # Whatever a shop's code may raise.
        if not is_own(name):
            raise
        raise ExtensionError(
            f"{name} fails to {doing}: {type(error).__name__}: {error}. Correct it, or take it out "
            "of the candidates."
        ) from error


def _found(name: str, digest: str | None) -> Any:
    extension = Extension.of(name) if digest is None else Extension(name, digest)
    return extension.load()


def _checked(name: str, found: Any, wanted: tuple[str, ...], also: str) -> Any:
    lacking = [member for member in wanted if not hasattr(found, member)]
    if not isinstance(found, type):
        raise ExtensionError(
            f"{name} must be the class of a candidate{also}; got {type(found).__name__}. See "
            "docs/own-models.md."
        )
    needs = getattr(found, "needs", None)
    known = [*(need.method for need in NEEDS), None]
    if not lacking and needs not in known:
        raise ExtensionError(
            f"{name}: needs must be one of {', '.join(map(repr, known))}; got {needs!r}. "
            "Correct it."
        )
    if lacking:
        raise ExtensionError(
            f"{name} must be a candidate{also}; the class has no {', '.join(lacking)}. See "
            "docs/own-models.md."
        )
    return found
