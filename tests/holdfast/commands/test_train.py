"""What a training says of its two models, in words and as a document."""

import re

from training.monitoring.realised import Realised


def realised(document, name: str):
    return next(model["realised"] for model in document["models"] if model["name"] == name)


def test_train_grades_both_models_and_says_what_they_rest_on(trained):
    assert (
        len(re.findall(r"^Grade [A-D] \(ranking [A-D], level [A-D]\): ", trained.printed, re.M))
        == 2
    )
    assert len(re.findall("^Rests on: .*MBG/NBD", trained.printed, re.M)) == 2
    for model in trained.document["models"]:
        letters = f"(ranking {model['ranking']}, level {model['level']})"
        assert model["grade"] == max(model["ranking"], model["level"])
        assert model["verdict"].startswith(f"Grade {model['grade']} {letters}: ")
        assert model["level_error"] >= abs(model["bias"])
        assert model["basis"]
        assert model["window_days"] == 90


def test_a_first_training_has_no_last_forecasts(trained):
    assert "Last forecasts" not in trained.printed


def test_train_says_what_became_of_the_last_forecasts(trained):
    """The second training comes 184 days after the first, whose windows are over by then."""
    churn, clv = (realised(trained.document, name) for name in ("churn-risk", "clv-forecast"))

    assert churn["version"] == clv["version"] == 1
    assert churn["elapsed_days"] == clv["elapsed_days"] == 90
    assert 0 < churn["mean_risk"] < 1
    assert abs(churn["mean_risk"] - churn["churn_rate"]) < 0.1
    assert clv["total_spend"] > 0
    assert 0.5 < clv["coverage"] <= 1


def test_what_became_of_them_has_every_number_of_the_library(trained):
    own = Realised("churn-risk", 1, 0.0, 90.0, 90.0, None, 1, {})

    assert set(own.metrics) <= set(realised(trained.document, "churn-risk"))
