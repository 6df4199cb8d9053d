"""A model that was read scores made-up rows as it did when it was written."""

import json

import numpy as np
import pandas as pd
import pytest

from training.errors import TrainingError
from training.models import artifact
from training.scoring.model_scorers import load_model
from training.scoring.probe import example, probe_of, require_alike


def test_examples_are_made_up_for_any_columns():
    rows = example(["orders", "horizon_days", "profile_x"], 90)

    assert rows["orders"].tolist() == [1.0, 2.0, 3.0]
    assert rows["horizon_days"].tolist() == [90.0] * 3
    assert (rows.dtypes == np.float64).all()


def test_the_same_scores_are_alike_to_nine_digits():
    scores = pd.DataFrame({"risk": [0.25, np.nan], "clv": [1e6, 0.0]})
    known = json.loads(json.dumps(probe_of(scores)))

    require_alike(scores, known)
    require_alike(scores * (1 + 1e-11), known)


@pytest.mark.parametrize("changed", [[0.25000001, np.nan], [np.nan, np.nan], [0.25, 0.5]])
def test_others_are_refused(changed):
    known = probe_of(pd.DataFrame({"risk": [0.25, np.nan]}))

    with pytest.raises(TrainingError, match="risk of a made-up row is"):
        require_alike(pd.DataFrame({"risk": changed}), known)
    with pytest.raises(TrainingError, match=r"risk of a made-up row is nan and was 0\.25"):
        require_alike(pd.DataFrame({"other": [1.0, 2.0]}), known)


@pytest.mark.parametrize("part", ["churn", "clv"])
def test_a_model_that_scores_otherwise_is_not_loaded(trained, part, tmp_path):
    """Its files are whole: what reads them computes otherwise."""
    tracker = trained.tracker
    name = {"churn": "churn-risk", "clv": "clv-forecast"}[part]
    scorer = load_model(tracker.folder(tracker.champion(name)))
    scorer.save(tmp_path)
    content = artifact.read_scoring(tmp_path)
    (column, values), *_ = content["probe"].items()
    content["probe"][column] = [values[0] + 1e-6, *values[1:]]
    artifact.write_scoring(tmp_path, content)

    with pytest.raises(TrainingError, match=rf"does not score as when it was trained: {column}"):
        load_model(tmp_path)
