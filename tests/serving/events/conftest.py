from datetime import datetime

import pytest

from features.intake.mapping import Mapping
from features.intake.store.reading import StoredSettings
from serving.clock import ShopClock
from serving.events.service import take_events

NOW = datetime(2026, 1, 5, 12)
SETTINGS = StoredSettings(
    Mapping(currency="EUR", static=("channel",)), {"customers": {"channel": "text"}}
)


@pytest.fixture
def clock():
    return ShopClock(NOW)


@pytest.fixture
def take(database, clock):
    """Take events into the store."""

    def taken(*events):
        return take_events(database, list(events), clock, lambda: SETTINGS)

    return taken


def order(event_id="e1", **further):
    return {
        "type": "order",
        "event_id": event_id,
        "customer_id": "a",
        "order_id": "1",
        "ordered_at": "2026-01-03",
        "amount": 20,
        **further,
    }


@pytest.fixture(name="order")
def _order():
    return order
