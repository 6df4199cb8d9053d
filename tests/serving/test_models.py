"""The registered models over HTTP."""


def test_models_tell_what_they_promised_and_which_are_in_force(client, served):
    found = client.get("/v1/models").json()["models"]
    in_force = {each["name"]: each for each in found if each["in_force"]}
    assert set(in_force) == {"churn-risk", "clv-forecast"}
    churn = in_force["churn-risk"]
    registered = served.tracker.version("churn-risk", churn["version"])
    assert churn["promised"] == registered.promised != {}
    assert churn["horizon_days"] == 90
    assert churn["trained_as_of"].startswith("2026-01-01")
