"""A past is cut from a history, and made in no other way."""

import pytest

from features import History
from features.history.history import Past


def test_a_past_that_nobody_cut_cannot_be_made(tmp_path):
    (tmp_path / "orders.csv").write_text(
        "order_id,customer_id,ordered_at,amount\n1,a,2024-01-05,20\n"
    )
    history = History.open(tmp_path)

    with pytest.raises(TypeError, match="Call History"):
        Past(history.orders)

    assert type(Past.open(tmp_path)) is History
    assert type(history.upto("2024-02-01")) is Past
