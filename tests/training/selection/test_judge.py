from dataclasses import replace

from training.config import TrainingConfig
from training.selection.judge import judge, resolve


def test_horizons_left_to_the_data_are_filled_in(shop):
    found = resolve(shop.past, TrainingConfig(snapshots=3))
    given = resolve(shop.past, TrainingConfig(horizon_days=60))

    assert found.horizons[0] == found.horizons[1]
    assert found.horizon_days in {60, 90, 120, 180}
    assert found.snapshots == 3
    assert given.horizons == (60, 60)
    assert resolve(shop.past, replace(given, clv_horizon_days=30)).horizons == (60, 30)


def test_it_tells_what_it_is_doing(shop):
    told: list[str] = []

    judge(shop.past, replace(shop.config, snapshots=1, origins=1), told.append)

    assert told[0] == "snapshot 1 of 5: 2025-03-04"
    assert told[-2:] == [
        "backtest of churn risk at 2025-07-02",
        "backtest of CLV at 2025-07-02",
    ]
