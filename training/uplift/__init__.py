"""Uplift: what each offer changes, for whom, and how sure that is."""

from typing import TYPE_CHECKING

from features.face import lazily

if TYPE_CHECKING:
    from training.uplift.model import UpliftModel as UpliftModel
    from training.uplift.pipeline import train_uplift as train_uplift

WHERE = {
    "UpliftModel": "training.uplift.model",
    "train_uplift": "training.uplift.pipeline",
}
if not TYPE_CHECKING:  # Type checkers would take any name for one of the package.
    __getattr__ = lazily(__name__, WHERE)
