"""What models are fitted on: snapshots of the shop, and its customers at the latest of them."""

from dataclasses import replace

import pandas as pd
import pytest

from training.panel.panel import build_panel
from training.panel.snapshot import ForecastOrigin, TrainingSet, latest


@pytest.fixture(scope="module")
def training_set(training_set_of_all) -> TrainingSet:
    return training_set_of_all(3)


@pytest.fixture(scope="module")
def shorter(shop) -> TrainingSet:
    """Of the same table, but labelled over half its horizon."""
    return build_panel(shop.past, 90, shop.config, window_days=45).training_set(3)


@pytest.fixture(scope="module")
def origin(training_set) -> ForecastOrigin:
    latest_one = latest(training_set.snapshots)
    return replace(latest_one, btyd=latest_one.btyd.at_pace(0.2, 90.0))


@pytest.fixture(scope="module", name="X")
def population(origin) -> pd.DataFrame:
    return origin.X
