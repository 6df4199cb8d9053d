import numpy as np
import pandas as pd
import pytest

from features.clock import as_day, as_instant
from features.table import feature_table
from training.btyd.population import PopulationModel
from training.btyd.season import observed_pace
from training.config import TrainingConfig
from training.errors import TrainingError
from training.panel.labels import Value, label_table, outcomes
from training.panel.panel import build_panel, purchase_history
from training.panel.sampling import hash_share
from training.panel.schedule import label_windows, snapshot_days

DAILY = TrainingConfig(snapshots=3, origins=2)


@pytest.fixture(scope="module")
def panel(fitted):
    return fitted[0].panel


def days(first: str, last: str) -> tuple:
    return ("a", first, 1.0), ("b", last, 1.0)


def written(instants: list[float]) -> list[str]:
    return [as_instant(day).isoformat() for day in instants]


def test_snapshots_are_midnights_spaced_evenly_back_from_the_last_covered_one(history_of):
    history = history_of(*days("2020-01-01", "2024-06-30T17:30"))

    found = written(snapshot_days(history, 90, TrainingConfig(snapshots=1, origins=2)))

    assert found[-1] == "2024-04-01T00:00:00"
    assert found[-2:] == ["2024-03-02T00:00:00", "2024-04-01T00:00:00"]
    # The last origin lies three spacings after the latest snapshot it may learn from.
    assert len(found) == 1 + 3 + 2


def test_the_first_snapshot_has_days_to_look_back_on(history_of):
    history = history_of(*days("2024-01-01T15:00", "2024-12-31"))

    assert written(snapshot_days(history, 90, TrainingConfig(snapshots=99)))[0] == (
        "2024-03-06T00:00:00"
    )
    first = snapshot_days(history, 90, TrainingConfig(snapshots=99))[0]
    assert 45 <= first - as_day("2024-01-01") < 45 + 30


def test_the_recording_lag_moves_the_last_snapshot(history_of):
    rows = days("2023-01-01", "2024-06-30")

    lagged = snapshot_days(history_of(*rows, recording_lag_days=10.0), 90, DAILY)

    assert lagged[-1] == snapshot_days(history_of(*rows), 90, DAILY)[-1] - 10


def test_a_stray_order_long_before_the_others_is_nothing_to_look_back_on(history_of):
    rows = [("a", f"2024-01-{1 + i % 28:02}", 1.0) for i in range(200)]
    history = history_of(("stray", "1999-01-01", 1.0), *rows, ("b", "2024-06-30", 1.0))

    assert snapshot_days(history, 30, TrainingConfig(snapshots=99))[0] >= as_day("2024-01-31")


@pytest.mark.parametrize(("span", "horizon", "longest"), [(100, 90, 66), (40, 90, 26), (20, 14, 6)])
def test_a_horizon_too_long_for_the_history_is_refused_with_the_longest_that_fits(
    history_of, span, horizon, longest
):
    history = history_of(("a", "2024-01-01", 1.0), ("b", as_instant(19723 + span).isoformat(), 1.0))

    with pytest.raises(TrainingError, match=f"got {horizon} in a .* at most {longest} days, or"):
        snapshot_days(history, horizon, DAILY)
    assert snapshot_days(history, longest, DAILY)
    with pytest.raises(TrainingError, match="horizon_days must leave"):
        snapshot_days(history, longest + 1, DAILY)


def test_a_history_too_short_for_any_horizon_asks_for_more(history_of):
    with pytest.raises(TrainingError, match=r"in a history of 9 labelled days\. Give more history"):
        snapshot_days(history_of(*days("2024-01-01", "2024-01-10")), 7, DAILY)


def test_a_history_of_refunds_only_is_refused(history_of):
    with pytest.raises(TrainingError, match="no orders before as_of"):
        snapshot_days(history_of(("a", "2024-01-01", -5.0)), 30, DAILY)


def test_a_snapshot_is_the_feature_table_of_its_instant(shop, panel):
    snapshot = panel.snapshots[2]

    pd.testing.assert_frame_equal(snapshot.X, feature_table(shop.past, snapshot.as_of, 90))


def test_labels_are_those_of_the_population_and_who_is_silent_has_churned(shop, panel):
    snapshot = panel.snapshots[0]
    labels = label_table(shop.past, snapshot.as_of, 90)
    seen = outcomes(shop.past, snapshot.as_of, 90, Value())
    known = snapshot.X.index.isin(seen.index[seen["ordered"] == 1.0])

    assert labels.index.equals(snapshot.X.index)
    assert np.array_equal(snapshot.churned, labels["churned"])
    assert np.array_equal(snapshot.spend, labels["spend"])
    assert np.array_equal(snapshot.churned, ~known)
    assert snapshot.spend[~known].sum() == 0.0


def test_the_value_of_the_panel_is_in_its_labels(shop):
    whole = build_panel(shop.past, 90, TrainingConfig(snapshots=1, origins=1))
    half = build_panel(shop.past, 90, TrainingConfig(snapshots=1, origins=1, margin_rate=0.5))

    assert half.value == Value(0.5, 0.0)
    assert np.allclose(half.snapshots[-1].spend, whole.snapshots[-1].spend / 2)


def test_above_the_cap_customers_are_sampled_by_a_hash_that_stays_the_same(shop, panel):
    config = TrainingConfig(snapshots=3, origins=2, max_rows=1000)
    sampled = build_panel(shop.past, 90, config)
    rows = sum(map(len, sampled.training_set(3).snapshots))

    assert 0.9 * config.max_rows < rows < 1.1 * config.max_rows
    assert sampled.sample_share == pytest.approx(
        1000 / sum(map(len, panel.training_set(3).snapshots))
    )
    for few, all_of_them in zip(sampled.snapshots, panel.snapshots, strict=True):
        chosen = all_of_them.X[hash_share(all_of_them.X.index) < sampled.sample_share]
        pd.testing.assert_frame_equal(few.X, chosen)
        kept = all_of_them.X.index.isin(few.X.index)
        assert np.array_equal(few.churned, all_of_them.churned[kept])
        assert np.array_equal(few.spend, all_of_them.spend[kept])


def test_a_sample_is_dated_by_the_whole_history(shop, panel):
    sampled = build_panel(shop.past, 90, TrainingConfig(snapshots=3, origins=2, max_rows=100))

    assert [s.as_of for s in sampled.snapshots] == [s.as_of for s in panel.snapshots]


def test_a_cap_that_leaves_nobody_is_refused(history_of):
    history = history_of(*days("2024-01-01", "2024-12-31"))

    with pytest.raises(TrainingError, match="max_rows must leave a customer to learn from; got 1"):
        build_panel(history, 30, TrainingConfig(max_rows=1))


def test_a_customers_place_in_the_sample_is_fixed():
    ids = pd.Index(["a", "b", "00001"])

    assert hash_share(ids) == pytest.approx([0.75625004, 0.68782109, 0.76655637])
    assert hash_share(ids[::-1]).tolist() == hash_share(ids).tolist()[::-1]
    places = hash_share(pd.Index([f"c{i}" for i in range(20_000)]))
    assert np.histogram(places, 10, (0.0, 1.0))[0] == pytest.approx(2000, rel=0.1)


def test_what_is_learnt_at_an_instant_carries_the_labels_known_then(history_of):
    rows = [(f"c{i}", f"2024-0{1 + i % 3}-01", 1.0) for i in range(6)]
    late = ("c0", "2024-05-02", 7.0, "2024-07-15")
    history = history_of(*rows, late, ("z", "2024-08-01", 1.0))
    panel = build_panel(history, 30, TrainingConfig(spacing_days=10))
    snapshot = next(s for s in panel.snapshots if s.as_of > as_day("2024-04-02"))

    before, after = (
        next(s for s in panel.known_at(as_day(day)).snapshots if s.as_of == snapshot.as_of)
        for day in ("2024-07-15", "2024-07-16")
    )

    position = snapshot.X.index.get_loc("c0")
    assert (before.churned[position], before.spend[position]) == (1.0, 0.0)
    assert (after.churned[position], after.spend[position]) == (0.0, 7.0)
    assert snapshot.spend[position] == 7.0


def test_nothing_is_learnt_from_a_window_that_is_not_over(panel):
    last = panel.snapshots[-1]

    learnt = panel.known_at(last.as_of)

    assert [s.as_of for s in learnt.snapshots] == [
        s.as_of for s in panel.snapshots if s.as_of + 90 <= last.as_of
    ]
    assert panel.known_at(panel.snapshots[0].as_of + 89.9).snapshots == ()


def test_a_training_set_is_of_the_latest_snapshots(panel):
    training_set = panel.training_set(2)

    assert training_set.snapshots == panel.snapshots[-2:]
    assert training_set.window_days == 90
    assert panel.training_set(99).snapshots == panel.snapshots


def test_a_shorter_window_has_its_own_labels_of_the_same_table(shop):
    panel = build_panel(shop.past, 90, shop.config, window_days=45)
    snapshot = panel.snapshots[0]

    labels = label_table(shop.past, snapshot.as_of, 45)

    assert (panel.horizon_days, panel.window_days, panel.gap_days) == (90, 45, 45)
    pd.testing.assert_frame_equal(snapshot.X, feature_table(shop.past, snapshot.as_of, 90))
    assert np.array_equal(snapshot.churned, labels["churned"])
    assert np.array_equal(snapshot.spend, labels["spend"])


def test_a_purchase_history_is_three_columns_of_the_feature_table(shop):
    found = purchase_history(shop.past.upto(as_day("2025-03-01")))

    table = feature_table(shop.past, "2025-03-01", 90)
    assert list(found) == ["frequency", "recency", "T"]
    pd.testing.assert_frame_equal(found, table[list(found)])


def test_seasons_go_back_before_the_snapshots_with_purchases_only(panel):
    days = [s.as_of for s in panel.seasons]

    assert days == sorted(days)
    assert set(np.diff(days)) == {30.0}
    assert days[-1] == panel.snapshots[0].as_of - 30
    assert list(panel.seasons[0].X) == ["frequency", "recency", "T"]
    assert all(s.btyd.parameters["alpha"] > 0 for s in panel.seasons)


def test_seasons_begin_when_there_is_something_to_look_back_on_and_reach_three_years(
    shop, history_of
):
    rows = [(f"c{i % 40}", as_instant(18_000 + i).isoformat(), 10.0) for i in range(1800)]
    config = TrainingConfig(snapshots=1, origins=1, spacing_days=30)

    young = build_panel(shop.past, 90, config)
    old = build_panel(history_of(*rows), 90, config)

    opened = as_day(shop.simulated.starts_at)
    assert 45 <= young.seasons[0].as_of - opened < 45 + 32
    assert 3 * 365 - 30 <= old.snapshots[-1].as_of - old.seasons[0].as_of <= 3 * 365


def test_seasons_are_half_a_month_apart_at_the_least(history_of):
    rows = [(f"c{i % 40}", as_instant(19_000 + i).isoformat(), 10.0) for i in range(400)]

    panel = build_panel(history_of(*rows), 7, TrainingConfig(snapshots=1, origins=1))

    assert set(np.diff([s.as_of for s in panel.snapshots])) == {5.0}
    assert set(np.diff([s.as_of for s in panel.seasons])) == {15.0}


def test_seasons_too_carry_only_labels_that_were_known(history_of):
    rows = [(f"c{i % 20}", as_instant(19_000 + i).isoformat(), 10.0) for i in range(600)]
    last = rows[-1][1]
    late = [(f"late{i}", as_instant(19_000 + 20 * i).isoformat(), 9.0, last) for i in range(25)]
    history = history_of(*rows, *late)
    panel = build_panel(history, 30, TrainingConfig(snapshots=1, origins=1))
    day = panel.snapshots[0].as_of

    known = panel.known_at(day)

    assert [s.as_of for s in known.seasons] == [
        s.as_of for s in panel.seasons if s.as_of + 30 <= day
    ]
    for season in known.seasons:
        ordered = outcomes(history.upto(day), season.as_of, 30, Value())
        silent = ~season.X.index.isin(ordered.index)
        assert np.array_equal(season.churned, silent.astype(float))


def test_paces_are_those_observed_at_seasons_and_snapshots(panel):
    level = panel.seasonal_level()

    each = [*panel.seasons, *panel.snapshots]
    assert level.days.tolist() == [s.as_of for s in each]
    for at in (0, len(each) - 1):
        one = each[at]
        found = observed_pace(one.btyd, one.X, one.churned, 90)
        assert (level.log_ratio[at], level.variance[at]) == found


def test_every_snapshot_has_the_mbg_nbd_of_its_customers(panel):
    for snapshot in (panel.snapshots[0], panel.snapshots[-1]):
        assert snapshot.btyd == PopulationModel.of(snapshot.X)


def ordering_daily(history_of, days: int):
    return history_of(
        *[(f"c{i % 30}", as_instant(19_000 + i).isoformat(), 10.0) for i in range(days + 1)]
    )


@pytest.mark.parametrize(
    ("days", "snapshots", "windows"),
    [
        (1000, 3, (90,)),
        # Half a horizon to look back on, then two snapshots thirty days apart.
        (90 + 45 + 35, 3, (90, 45)),
        (90 + 45 + 35, 2, (90,)),
        (130, 1, (45,)),
        (130, 8, (45, 22)),
        (60, 8, (22, 11)),
    ],
    ids=["enough", "few snapshots", "few are wanted", "half", "half and its half", "a quarter"],
)
def test_windows_are_the_longest_with_labels_and_half_of_it_if_it_has_few(
    history_of, days, snapshots, windows
):
    history = ordering_daily(history_of, days)

    found = label_windows(history, 90, TrainingConfig(snapshots=snapshots))

    assert found == windows


def test_no_window_is_shorter_than_a_week(history_of):
    history = ordering_daily(history_of, 300)

    assert label_windows(history, 13, TrainingConfig(snapshots=99)) == (13,)
    assert label_windows(history, 14, TrainingConfig(snapshots=99)) == (14, 7)


def test_where_nothing_can_be_labelled_it_is_told_of_the_window_that_was_asked_for(history_of):
    with pytest.raises(
        TrainingError,
        match=r"horizon_days must leave 45 days of orders before the label window; got 90 in a "
        r"history of 19 labelled days\. Choose a horizon of at most 5 days, or give more history",
    ):
        label_windows(ordering_daily(history_of, 19), 90, DAILY)
