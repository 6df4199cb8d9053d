from dataclasses import replace

from training.panel.panel import build_panel
from training.panel.splits import rolling_origin
from training.panel.training_sets import origin_at, taught, training_sets_of


def test_a_start_is_at_the_pace_that_the_snapshots_let_expect(fitted):
    panel = fitted[0].panel
    judge = panel.snapshots[-1]
    known = panel.known_at(judge.as_of)

    origin = origin_at(known, judge)

    assert origin.X is judge.X
    assert origin.btyd.pace == known.seasonal_level().forecast(judge.as_of, 90)
    assert origin.btyd.paced_days == 90
    assert replace(origin.btyd, pace=0.0, paced_days=0.0) == judge.btyd


def test_a_shorter_window_helps_only_where_the_longer_has_few_snapshots(fitted, shop):
    panel = fitted[0].panel
    half = build_panel(shop.past, 90, shop.config, window_days=45)

    assert [x.window_days for x in training_sets_of([panel, half], shop.config)] == [90]
    few = replace(panel, snapshots=panel.snapshots[-2:])
    assert [x.window_days for x in training_sets_of([few, half], shop.config)] == [90, 45]
    none = replace(half, snapshots=())
    assert [x.window_days for x in training_sets_of([few, none], shop.config)] == [90]


def test_at_an_origin_is_taught_what_was_known_of_all_windows(fitted, shop):
    panel = fitted[0].panel
    (fold,) = rolling_origin(panel, 1, [panel])

    enough, origin = taught(fold, shop.config)
    few, _ = taught(fold, replace(shop.config, snapshots=9))

    known = panel.known_at(fold.judge.as_of)
    assert [s.as_of for s in enough[0].snapshots] == [s.as_of for s in known.snapshots[-3:]]
    assert origin.btyd == origin_at(known, fold.judge).btyd
    assert (len(enough), len(few)) == (1, 2)
