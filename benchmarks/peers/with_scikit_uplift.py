"""scikit-uplift: one model, two models and the class transformation, on LightGBM."""

from __future__ import annotations

import numpy as np
from sklift.models import ClassTransformation, SoloModel, TwoModels

from benchmarks.peers.uplift_job import Half, run


def s_learner(half: Half) -> np.ndarray:
    """The treatment as one more feature."""
    model = SoloModel(half.classifier())
    return model.fit(half.X, half.outcome, half.treated).predict(half.X_other)


def t_learner(half: Half) -> np.ndarray:
    """A model of each arm."""
    model = TwoModels(half.classifier(), half.classifier())
    return model.fit(half.X, half.outcome, half.treated).predict(half.X_other)


def class_transformation(half: Half) -> np.ndarray:
    """One model of whether arm and outcome agree (Jaskowski & Jaroszewicz, 2012)."""
    model = ClassTransformation(half.classifier())
    return model.fit(half.X, half.outcome, half.treated).predict(half.X_other)


if __name__ == "__main__":
    run({"s": s_learner, "t": t_learner, "class": class_transformation})
