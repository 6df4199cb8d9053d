def value(text, name):
    found = [line.split() for line in text.splitlines() if line.startswith(name)]
    return [float(parts[-1]) for parts in found]


def test_requests_are_counted_by_route_and_never_by_customer(client_of, served):
    client = client_of(served.settings)
    who = served.batch.index[0]
    for _ in range(3):
        client.get(f"/v1/customers/{who}")
    text = client.get("/metrics").text
    labels = '{method="GET",route="/v1/customers/{customer_id:path}",status="200"}'
    assert value(text, f"holdfast_requests_total{labels}") == [3.0]
    assert who not in text


def test_made_up_methods_make_no_series(client_of, served):
    client = client_of(served.settings)
    for n in range(5):
        client.request(f"MADEUP{n}", "/v1/customers")
    text = client.get("/metrics").text
    assert "MADEUP" not in text and 'method="other"' in text


def test_what_is_in_force_is_told(client, served):
    text = client.get("/metrics").text
    assert value(text, "holdfast_customers_scored ") == [len(served.batch)]
    assert value(text, "holdfast_churn_risk_version ") == [1.0]
    assert value(text, "holdfast_scores_as_of_timestamp_seconds ") == [1767225600.0]
