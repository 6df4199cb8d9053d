"""What the future held, and the models that learn it."""

from typing import TYPE_CHECKING

from features.face import lazily

if TYPE_CHECKING:
    from training.champions import load_scorer as load_scorer
    from training.champions import load_uplift as load_uplift
    from training.config import TrainingConfig as TrainingConfig
    from training.errors import NoChampionError as NoChampionError
    from training.errors import TrainingError as TrainingError
    from training.models.boosting import Boosting as Boosting
    from training.models.churn import ChurnModel as ChurnModel
    from training.models.clv import CLVModel as CLVModel
    from training.models.learning import ChurnCandidate as ChurnCandidate
    from training.models.learning import ChurnLearning as ChurnLearning
    from training.models.learning import SpendCandidate as SpendCandidate
    from training.models.learning import SpendLearning as SpendLearning
    from training.models.own.linear import LinearChurn as LinearChurn
    from training.panel.labels import Value as Value
    from training.panel.labels import label_table as label_table
    from training.pipeline import Training as Training
    from training.pipeline import train as train
    from training.registry.tracking import Tracker as Tracker
    from training.scoring.scorer import Scorer as Scorer
    from training.uplift.model import UpliftModel as UpliftModel
    from training.uplift.pipeline import train_uplift as train_uplift

WHERE = {
    "load_scorer": "training.champions",
    "load_uplift": "training.champions",
    "TrainingConfig": "training.config",
    "NoChampionError": "training.errors",
    "TrainingError": "training.errors",
    "Boosting": "training.models.boosting",
    "ChurnModel": "training.models.churn",
    "CLVModel": "training.models.clv",
    "ChurnCandidate": "training.models.learning",
    "ChurnLearning": "training.models.learning",
    "SpendCandidate": "training.models.learning",
    "SpendLearning": "training.models.learning",
    "LinearChurn": "training.models.own.linear",
    "Value": "training.panel.labels",
    "label_table": "training.panel.labels",
    "Training": "training.pipeline",
    "train": "training.pipeline",
    "Tracker": "training.registry.tracking",
    "Scorer": "training.scoring.scorer",
    "UpliftModel": "training.uplift.model",
    "train_uplift": "training.uplift.pipeline",
}
if not TYPE_CHECKING:  # Type checkers would take any name for one of the package.
    __getattr__ = lazily(__name__, WHERE)
