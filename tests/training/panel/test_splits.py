import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.history.history import History
from features.intake.mapping import Mapping
from training.btyd.population import PopulationModel
from training.config import TrainingConfig
from training.panel.labels import Value
from training.panel.panel import Panel, labelled
from training.panel.schedule import snapshot_days
from training.panel.snapshot import Snapshot
from training.panel.splits import Fold, rolling_origin

START = 19_723  # 2024-01-01
MBG_NBD = PopulationModel({"r": 0.5, "alpha": 40.0, "a": 0.6, "b": 2.0}, 20.0, 1.0)
SPAN = 400
laws = settings(max_examples=15, deadline=None)
drawn_orders = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, SPAN - 1), st.integers(0, 60)), max_size=30
)
configs = st.builds(
    TrainingConfig,
    snapshots=st.integers(1, 6),
    spacing_days=st.integers(3, 60),
    origins=st.integers(1, 6),
)


def history(orders, lag: float) -> History:
    """Of (customer, day, days until it was recorded), with one order at either end."""
    whole = [("a", 0, 0), *orders, ("a", SPAN, 0)]
    frame = pd.DataFrame(whole, columns=["customer_id", "day", "late"])
    start = pd.Timestamp("2024-01-01")
    frame["order_id"] = [str(number) for number in range(len(frame))]
    frame["ordered_at"] = start + pd.to_timedelta(frame["day"], unit="D")
    frame["recorded_at"] = frame["ordered_at"] + pd.to_timedelta(frame["late"], unit="D")
    frame["amount"] = 1.0 + frame["day"]
    return History(frame.drop(columns=["day", "late"]), mapping=Mapping(recording_lag_days=lag))


def panel_of(history: History, horizon: int, config: TrainingConfig) -> Panel:
    """Snapshots with the customers, but without the features, which folds do not look at."""
    customers = pd.DataFrame(index=pd.Index(["a", "b", "c"], name="customer_id"))
    days = snapshot_days(history, horizon, config)
    snapshots, seasons = (
        tuple(labelled(history, day, customers, MBG_NBD, horizon, Value()) for day in some)
        for some in (days, [days[0] - 30, days[0] - 15])
    )
    return Panel(history, horizon, horizon, Value(), snapshots, seasons)


@laws
@given(drawn_orders, st.integers(7, 120), st.sampled_from([0.0, 0.5, 20.0]), configs)
def test_what_is_learnt_was_over_and_recorded_when_it_is_judged(orders, horizon, lag, config):
    panel = panel_of(history(orders, lag), horizon, config)

    for fold in rolling_origin(panel, config.origins):
        for snapshot in (*fold.learn.snapshots, *fold.learn.seasons):
            assert snapshot.as_of + horizon + lag <= fold.judge.as_of


@laws
@given(drawn_orders, drawn_orders, st.integers(7, 120), configs)
def test_nothing_known_at_an_origin_or_later_is_learnt_there(orders, others, horizon, config):
    panel = panel_of(history(orders, 0.0), horizon, config)
    origin = panel.snapshots[-1].as_of
    known = [(who, day, late) for who, day, late in orders if START + day + late < origin]
    later = [(who, day, SPAN) for who, day, _ in others]
    changed = replace(panel, past=history(known + later, 0.0))

    one, other = panel.known_at(origin), changed.known_at(origin)

    for ours, theirs in ((one.snapshots, other.snapshots), (one.seasons, other.seasons)):
        for own, their in zip(ours, theirs, strict=True):
            assert np.array_equal(own.churned, their.churned)
            assert np.array_equal(own.spend, their.spend)


@laws
@given(drawn_orders, st.integers(14, 120), configs)
def test_other_windows_are_those_that_were_over_at_the_origin(orders, horizon, config):
    past = history(orders, 0.0)
    panel, half = (panel_of(past, window, config) for window in (horizon, horizon // 2))

    for fold in rolling_origin(panel, config.origins, [half]):
        (other,) = fold.others
        over = [s.as_of for s in half.snapshots if s.as_of + horizon // 2 <= fold.judge.as_of]
        assert [s.as_of for s in other.snapshots] == over


@laws
@given(st.integers(7, 120), st.sampled_from([0.0, 20.0]), configs)
def test_the_latest_origins_judge_oldest_first(horizon, lag, config):
    panel = panel_of(history([], lag), horizon, config)
    able = [s.as_of for s in panel.snapshots if panel.known_at(s.as_of).snapshots]

    judged = [fold.judge.as_of for fold in rolling_origin(panel, config.origins)]

    assert judged == able[-config.origins :]


@laws
@given(st.integers(7, 100), configs)
def test_enough_snapshots_are_taken_for_every_origin_to_learn_from_as_many_as_it_may(
    horizon, config
):
    panel = panel_of(history([], 0.0), horizon, config)
    spacing = config.spacing(horizon)
    needed = config.snapshots + math.ceil(horizon / spacing) + config.origins
    is_long_enough = len(panel.snapshots) == needed

    folds = rolling_origin(panel, config.origins)

    if is_long_enough:
        assert len(folds) == config.origins
        assert min(len(fold.learn.snapshots) for fold in folds) >= config.snapshots


def test_a_fold_that_learns_from_an_open_window_cannot_exist():
    early, late = (
        Snapshot(day, pd.DataFrame(), np.zeros(0), np.zeros(0), MBG_NBD) for day in (0.0, 90.0)
    )

    def panel(window: int, *snapshots: Snapshot) -> Panel:
        return Panel(history([], 0.0), 90, window, Value(), snapshots, ())

    assert Fold(panel(90, early), late).learn.snapshots == (early,)
    with pytest.raises(ValueError, match="labels that were complete at its origin"):
        Fold(panel(91, early), late)
    with pytest.raises(ValueError, match="labels that were complete at its origin"):
        Fold(panel(90), late)
