import pytest

from features.clock import as_day
from training.errors import TrainingError
from training.panel.labels import Value, covered_until, label_table

LATER = ("z", "2025-01-01", 1.0)


def test_a_window_begins_with_its_first_instant_and_ends_before_its_last(history_of):
    history = history_of(
        ("first instant", "2024-03-01T00:00:00", 10.0),
        ("last instant", "2024-03-31T00:00:00", 10.0),
        ("before", "2024-02-29T23:59:59", 10.0),
        ("just inside", "2024-03-30T23:59:59", 10.0),
        LATER,
    )

    labels = label_table(history, "2024-03-01", 30)

    assert sorted(labels.index) == ["first instant", "just inside"]
    assert labels["ordered"].tolist() == [1.0, 1.0]


def test_refunds_of_the_window_reduce_spend(history_of):
    history = history_of(
        ("a", "2024-03-02", 50.0), ("a", "2024-03-09", -20.0), ("a", "2024-04-09", -20.0), LATER
    )

    assert label_table(history, "2024-03-01", 30).loc["a"].tolist() == [1.0, 30.0]


def test_spend_is_never_below_zero_and_a_refund_is_no_order(history_of):
    history = history_of(
        ("more back than bought", "2024-03-02", 5.0),
        ("more back than bought", "2024-03-05", -50.0),
        ("only back", "2024-03-02", -50.0),
        LATER,
    )

    labels = label_table(history, "2024-03-01", 30)

    assert labels.loc["more back than bought"].tolist() == [1.0, 0.0]
    assert labels.loc["only back"].tolist() == [0.0, 0.0]


def test_an_order_of_nothing_is_no_order(history_of):
    history = history_of(("a", "2024-03-02", 0.0), LATER)

    assert label_table(history, "2024-03-01", 30).loc["a", "ordered"] == 0.0


def test_spend_is_margin_discounted_from_the_day_it_comes(history_of):
    history = history_of(
        ("a", "2024-03-01", 100.0), ("b", "2024-03-01", 100.0), ("b", "2025-03-01", 100.0),
        ("z", "2026-01-01", 1.0),
    )  # fmt: skip

    labels = label_table(history, "2024-03-01", 400, Value(0.5, 0.1))

    assert labels.loc["a", "spend"] == pytest.approx(50.0)
    assert labels.loc["b", "spend"] == pytest.approx(50.0 + 50.0 / 1.1)


def test_an_order_recorded_late_counts_from_when_it_is_known(history_of):
    history = history_of(("a", "2024-03-02", 10.0, "2024-06-01"), ("z", "2024-05-01", 1.0), LATER)

    assert label_table(history, "2024-03-01", 30).index.tolist() == ["a"]
    assert label_table(history.upto("2024-06-01"), "2024-03-01", 30).empty
    assert label_table(history.upto("2024-06-02"), "2024-03-01", 30).index.tolist() == ["a"]


def test_a_window_that_reaches_the_end_of_what_is_known_is_labelled_and_a_longer_one_refused(
    history_of,
):
    history = history_of(("a", "2024-03-01", 10.0), ("a", "2024-03-31T06:00", 10.0))

    assert len(label_table(history, "2024-03-01", 30.25)) == 1
    message = r"up to 2024-03-31 12:00; it is known up to 2024-03-31 06:00\. Choose an earlier"
    with pytest.raises(TrainingError, match=message):
        label_table(history, "2024-03-01", 30.5)


def test_labels_wait_for_the_recording_lag(history_of):
    history = history_of(
        ("a", "2024-03-01", 10.0), ("a", "2024-04-05", 10.0), recording_lag_days=5.0
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

    labels = label_table(history_of(*rows), "2024-03-01", 30)

    assert labels.equals(label_table(history_of(*rows[::-1]), "2024-03-01", 30))
    assert labels.index.tolist() == ["a", "b"]


def test_the_window_is_on_the_shops_wall_clock(history_of):
    rows = [("a", "2024-02-29T22:30:00+00:00", 10.0), ("b", "2024-02-29T23:30:00+00:00", 10.0)]

    labels = label_table(history_of(*rows, LATER, timezone="Europe/Paris"), "2024-03-01", 30)

    assert labels.index.tolist() == ["b"]
