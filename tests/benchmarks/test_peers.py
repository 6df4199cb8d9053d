import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from benchmarks.cells import Cell, purchase_days
from benchmarks.peers import run
from benchmarks.peers.job import no_purchase
from benchmarks.peers.roster import PEERS, Peer, requirements
from benchmarks.peers.run import labels_before, runs
from features.history.history import History

CELL = Cell("cdnow", 90, "1998-01-01")
LIGHTGBM = next(peer for peer in PEERS if peer.environment is None)


def write_shop(data, rng):
    customers = np.repeat([f"c{n}" for n in range(200)], 4)
    days = rng.integers(0, 450, len(customers))
    orders = pd.DataFrame(
        {
            "order_id": [str(n) for n in range(len(customers))],
            "customer_id": customers,
            "ordered_at": (pd.Timestamp("1997-01-01") + pd.to_timedelta(days, "D")).astype(str),
            "amount": rng.gamma(2.0, 20.0, len(customers)).round(2),
        }
    )
    (data / "cdnow").mkdir(parents=True)
    orders.to_csv(data / "cdnow" / "orders.csv", index=False)
    return data


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_shop(tmp_path_factory.mktemp("data"), np.random.default_rng(0))


def history(rows):
    columns = ["customer_id", "ordered_at", "amount"]
    orders = pd.DataFrame(rows, columns=columns)
    return History(orders.assign(order_id=[str(n) for n in range(len(orders))]))


def test_no_purchase_is_the_integral_over_the_rates_of_those_alive():
    r, alpha, x, age, t, p_alive = 0.4, 12.0, 3, 80.0, 45.0, 0.7
    rate = stats.gamma(r + x, scale=1 / (alpha + age))
    silent, _ = integrate.quad(lambda v: np.exp(-v * t) * rate.pdf(v), 0, np.inf)
    found = no_purchase(np.array([p_alive]), r, alpha, np.array([x]), np.array([age]), t)
    assert found[0] == pytest.approx(1 - p_alive + p_alive * silent, abs=1e-9)


def test_names_and_files_of_peers_are_their_own():
    assert len({peer.name for peer in PEERS}) == len(PEERS)
    assert len({peer.file_name for peer in PEERS}) == len(PEERS)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_has_a_script_and_only_pinned_requirements(peer):
    assert all(source.is_file() for source in peer.sources)
    if peer.environment:
        lines = requirements(peer.environment).read_text(encoding="utf-8").splitlines()
        packages = [line for line in lines if not line.startswith("#")]
        assert packages
        assert all(package.count("==") == 1 for package in packages)


def test_labels_before_end_at_the_instant_of_prediction():
    rows = [("a", "2024-01-01", 10.0), ("a", "2024-04-29", 20.0), ("a", "2024-05-01", 40.0)]
    rows += [("b", "2024-03-01", 10.0), ("b", "2024-04-15", -4.0)]
    past = history(rows).upto("2024-05-01")
    labels = labels_before(past, 19844.0, 30)  # 2024-05-01
    assert labels is not None
    assert labels.to_dict("index") == {
        "a": {"churned": 0.0, "spend": 20.0},
        "b": {"churned": 1.0, "spend": 0.0},
    }


def test_no_labels_without_half_a_horizon_before_the_window():
    rows = [("a", "2024-01-01", 10.0), ("a", "2024-04-29", 20.0)]
    past = history(rows).upto("2024-05-01")
    assert labels_before(past, 19844.0, 80) is not None  # 121 days: 80 and 41
    assert labels_before(past, 19844.0, 81) is None


def test_a_forecast_has_every_customer_of_the_cell_and_is_made_once(data, tmp_path):
    (first,) = runs(CELL, data, tmp_path, [LIGHTGBM])
    (second,) = runs(CELL, data, tmp_path, [LIGHTGBM])
    customers = purchase_days(CELL.past(data))["customer_id"].unique()
    assert first.forecast.index.to_list() == list(customers)
    assert first.forecast["churn_risk"].between(0, 1).all()
    assert (first.forecast["spend"] >= 0).all()
    assert set(first.report) >= {"seconds", "peak_mib", "versions", "notes", "warnings"}
    assert second.report == first.report
    pd.testing.assert_frame_equal(second.forecast, first.forecast)


def test_other_purchases_make_another_forecast(data, tmp_path):
    other = write_shop(tmp_path / "other", np.random.default_rng(1))
    (first,) = runs(CELL, data, tmp_path / "cache", [LIGHTGBM])
    (second,) = runs(CELL, other, tmp_path / "cache", [LIGHTGBM])
    assert second.report["inputs"] != first.report["inputs"]
    assert not second.forecast.equals(first.forecast)


def test_the_last_bits_of_a_sum_make_no_other_forecast(data, tmp_path):
    (first,) = runs(CELL, data, tmp_path, [LIGHTGBM])
    purchases = pd.read_parquet(tmp_path / "cells" / CELL.name / "purchases.parquet")
    nudged = purchases.assign(amount=np.nextafter(purchases["amount"], np.inf))
    nudged.to_parquet(tmp_path / "cells" / CELL.name / "purchases.parquet", index=False)
    assert run._fingerprint(LIGHTGBM, tmp_path / "cells" / CELL.name) == first.report["inputs"]


def test_a_peer_that_breaks_is_reported_and_has_no_row(data, tmp_path):
    (found,) = runs(CELL, data, tmp_path, [Peer("broken", "with_nothing", "model", None)])
    assert not found.has_forecast
    assert "No module named benchmarks.peers.with_nothing" in found.report["failed"]


def test_a_peer_that_takes_too_long_is_stopped_until_it_is_given_more_time(data, tmp_path):
    (stopped,) = runs(CELL, data, tmp_path, [LIGHTGBM], limit_seconds=0.05)
    assert stopped.report["failed"] == "not ready after 0.05 s"
    assert stopped.forecast.empty
    (found,) = runs(CELL, data, tmp_path, [LIGHTGBM])
    assert found.has_forecast


def test_without_a_label_window_the_tutorial_recipe_has_no_row(data, tmp_path):
    early = Cell("cdnow", 90, "1997-04-15")
    (found,) = runs(early, data, tmp_path, [LIGHTGBM])
    assert found.report["failed"].startswith("no label window")
