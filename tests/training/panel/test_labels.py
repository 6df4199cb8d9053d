from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from features.clock import as_day, as_instant
from features.table import feature_table
from training.errors import TrainingError
from training.panel.labels import Value, covered_until, label_table

LATER = ("z", "2025-01-01", 1.0)


def known(*customers):
    """An order of each, long before any window."""
    return [(customer, "2023-01-01", 5.0) for customer in customers]


def test_a_window_begins_with_its_first_instant_and_ends_before_its_last(history_of):
    rows = [
        ("first instant", "2024-03-01T00:00:00", 10.0),
        ("last instant", "2024-03-31T00:00:00", 10.0),
        ("before", "2024-02-29T23:59:59", 10.0),
        ("just inside", "2024-03-30T23:59:59", 10.0),
    ]
    history = history_of(*known(*(row[0] for row in rows)), *rows, LATER)

    churned = label_table(history, "2024-03-01", 30)["churned"]

    assert churned.to_dict() == {
        "before": 1, "first instant": 0, "just inside": 0, "last instant": 1,
    }  # fmt: skip


def test_a_window_in_which_nobody_orders_labels_everybody(history_of):
    labels = label_table(history_of(*known("a", "b"), LATER), "2024-03-01", 30)

    expected = pd.DataFrame(
        {"churned": [1, 1], "spend": [0.0, 0.0]}, pd.Index(["a", "b"], name="customer_id")
    )
    pd.testing.assert_frame_equal(labels, expected)


def test_who_first_comes_in_the_window_is_nobody_to_forecast(history_of):
    history = history_of(*known("a"), ("new", "2024-03-02", 10.0), LATER)

    assert label_table(history, "2024-03-01", 30).index.tolist() == ["a"]


def test_who_never_bought_has_no_label(history_of):
    rows = [("free", "2023-01-01", 0.0), ("back", "2023-01-01", -5.0)]

    labels = label_table(history_of(*known("a"), *rows, LATER), "2024-03-01", 30)

    assert labels.index.tolist() == ["a"]


@pytest.mark.parametrize("days", [0, 150, 333.3])
def test_labels_and_features_are_of_the_same_customers_in_the_same_order(shop, days):
    as_of = as_instant(as_day(shop.as_of)) - timedelta(days=days)
    X = feature_table(shop.history, as_of, 90)

    labels = label_table(shop.history, as_of, 90)

    pd.testing.assert_index_equal(labels.index, X.index)
    joined = X.join(labels["churned"], how="inner")
    assert len(joined) == len(X)
    assert 0.1 < joined["churned"].mean() < 0.9
    assert (labels.loc[labels["churned"] == 1, "spend"] == 0.0).all()


def test_a_history_that_was_cut_labels_what_it_knew(shop):
    past = shop.history.upto("2025-06-01")
    whole, then = (label_table(history, "2025-01-01", 90) for history in (shop.history, past))

    pd.testing.assert_index_equal(then.index, whole.index)
    late = then["churned"] > whole["churned"]
    assert not (then["churned"] < whole["churned"]).any()
    assert late.mean() < 0.05


def test_refunds_of_the_window_reduce_spend(history_of):
    history = history_of(
        *known("a"),
        *[("a", "2024-03-02", 50.0), ("a", "2024-03-09", -20.0), ("a", "2024-04-09", -20.0)],
        LATER,
    )

    assert label_table(history, "2024-03-01", 30).loc["a"].tolist() == [0, 30.0]


def test_spend_is_never_below_zero_and_a_refund_is_no_order(history_of):
    history = history_of(
        *known("more back than bought", "only back"),
        ("more back than bought", "2024-03-02", 5.0),
        ("more back than bought", "2024-03-05", -50.0),
        ("only back", "2024-03-02", -50.0),
        LATER,
    )

    labels = label_table(history, "2024-03-01", 30)

    assert labels.loc["more back than bought"].tolist() == [0, 0.0]
    assert labels.loc["only back"].tolist() == [1, 0.0]


def test_an_order_of_nothing_is_no_order(history_of):
    history = history_of(*known("a"), ("a", "2024-03-02", 0.0), LATER)

    assert label_table(history, "2024-03-01", 30).loc["a", "churned"] == 1


def test_spend_is_margin_discounted_from_the_day_it_comes(history_of):
    history = history_of(
        *known("a", "b"),
        *[("a", "2024-03-01", 100.0), ("b", "2024-03-01", 100.0), ("b", "2025-03-01", 100.0)],
        ("z", "2026-01-01", 1.0),
    )

    labels = label_table(history, "2024-03-01", 400, Value(0.5, 0.1))

    assert labels.loc["a", "spend"] == pytest.approx(50.0)
    assert labels.loc["b", "spend"] == pytest.approx(50.0 + 50.0 / 1.1)


def test_an_order_recorded_late_counts_from_when_it_is_known(history_of):
    late = ("a", "2024-03-02", 10.0, "2024-06-01")
    history = history_of(*known("a"), late, ("z", "2024-05-01", 1.0), LATER)

    for cut, churned in [("2024-06-01", 1), ("2024-06-02", 0)]:
        labels = label_table(history.upto(cut), "2024-03-01", 30)
        assert labels["churned"].to_dict() == {"a": churned}
    assert label_table(history, "2024-03-01", 30)["churned"].to_dict() == {"a": 0}


def test_who_was_known_only_after_the_instant_is_not_forecast(history_of):
    unknown = ("late", "2023-01-01", 10.0, "2024-03-02")
    history = history_of(*known("a"), unknown, LATER)

    assert label_table(history, "2024-03-01", 30).index.tolist() == ["a"]
    assert label_table(history, "2024-03-03", 30).index.tolist() == ["a", "late"]


def test_a_window_that_reaches_the_end_of_what_is_known_is_labelled_and_a_longer_one_refused(
    history_of,
):
    history = history_of(*known("a"), ("a", "2024-03-01", 10.0), ("a", "2024-03-31T06:00", 10.0))

    assert len(label_table(history, "2024-03-01", 30.25)) == 1
    message = r"up to 2024-03-31 12:00; it is known up to 2024-03-31 06:00\. Choose an earlier"
    with pytest.raises(TrainingError, match=message):
        label_table(history, "2024-03-01", 30.5)


def test_labels_wait_for_the_recording_lag(history_of):
    history = history_of(
        *known("a"),
        *[("a", "2024-03-01", 10.0), ("a", "2024-04-05", 10.0)],
        recording_lag_days=5.0,
    )

    assert covered_until(history) == as_day("2024-03-31")
    assert len(label_table(history, "2024-03-01", 30)) == 1
    with pytest.raises(TrainingError, match="known up to 2024-03-31 00:00"):
        label_table(history, "2024-03-01", 31)


def test_neither_a_stray_date_nor_a_lone_refund_says_that_others_did_not_order(history_of):
    rows = [("a", f"2024-03-{1 + i % 31:02}", 1.0) for i in range(200)]
    stray, refund = ("b", "2030-01-01", 1.0), ("a", "2024-05-01", -1.0)

    assert covered_until(history_of(*rows, stray, refund)) == as_day("2024-03-31")


def test_a_history_without_orders_is_refused(history_of):
    with pytest.raises(TrainingError, match="no orders before as_of"):
        label_table(history_of(LATER).upto("2024-01-01"), "2024-03-01", 30)


def test_labels_do_not_depend_on_the_order_of_rows(history_of):
    rows = [("b", "2024-03-02", 0.1), ("a", "2024-03-03", 0.2), ("b", "2024-03-04", 0.7), LATER]
    rows += known("b", "a", "c")

    labels = label_table(history_of(*rows), "2024-03-01", 30)

    assert labels.equals(label_table(history_of(*rows[::-1]), "2024-03-01", 30))
    assert labels.index.tolist() == ["a", "b", "c"]


def test_the_window_is_on_the_shops_wall_clock(history_of):
    rows = [("a", "2024-02-29T22:30:00+00:00", 10.0), ("b", "2024-02-29T23:30:00+00:00", 10.0)]
    history = history_of(*known("a", "b"), *rows, LATER, timezone="Europe/Paris")

    labels = label_table(history, "2024-03-01", 30)

    assert labels["churned"].to_dict() == {"a": 1, "b": 0}
    assert labels["churned"].dtype == np.int64
