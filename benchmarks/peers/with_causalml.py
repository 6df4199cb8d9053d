"""causalml: S-, T- and X-learner on LightGBM, with the known share of the treated."""

from __future__ import annotations

import numpy as np
from causalml.inference.meta import BaseSClassifier, BaseTClassifier, BaseXClassifier

from benchmarks.peers.uplift_job import Half, run


def s_learner(half: Half) -> np.ndarray:
    """The treatment as one more feature."""
    model = BaseSClassifier(half.classifier(), control_name=0)
    model.fit(half.X.to_numpy(), half.treated, half.outcome)
    return model.predict(half.X_other.to_numpy())


def t_learner(half: Half) -> np.ndarray:
    """A model of each arm."""
    model = BaseTClassifier(half.classifier(), control_name=0)
    model.fit(half.X.to_numpy(), half.treated, half.outcome)
    return model.predict(half.X_other.to_numpy())


def x_learner(half: Half) -> np.ndarray:
    """Models of imputed effects."""
    model = BaseXClassifier(
        outcome_learner=half.classifier(), effect_learner=half.regressor(), control_name=0
    )
    share = float(half.treated.mean())
    X, X_other = half.X.to_numpy(), half.X_other.to_numpy()
    model.fit(X, half.treated, half.outcome, p=np.full(len(X), share))
    return model.predict(X_other, p=np.full(len(X_other), share))


if __name__ == "__main__":
    run({"s": s_learner, "t": t_learner, "x": x_learner})
