"""A feature of a shop's own is the customer's: it says the same whoever else is there."""

import narwhals as nw
import pytest

from features.errors import ExtensionError
from features.feature import Feature
from training.panel.own import require_own


def own(value, rows) -> Feature:
    return Feature("mine", "own", "", "what is mine", rows, value)


@pytest.mark.parametrize(
    "feature",
    [
        own(nw.col("orders") / nw.col("orders").mean(), "table"),
        own(nw.col("spend").rank(), "table"),
        own(nw.col("spend") - nw.col("spend").min(), "table"),
    ],
)
def test_a_feature_that_looks_at_others_is_refused(shop, feature):
    with pytest.raises(ExtensionError, match="mine must say the same of a customer whoever"):
        require_own(shop.past.with_features([feature]), 90)


@pytest.mark.parametrize(
    "feature",
    [
        own(nw.col("amount").std(), "orders"),
        own((nw.col("orders") + 1).log(), "table"),
        own(nw.col("gap").median(), "days"),
    ],
)
def test_a_feature_of_the_customers_own_rows_is_not(shop, feature):
    require_own(shop.past.with_features([feature]), 90)


def test_without_any_nothing_is_computed(shop, monkeypatch):
    monkeypatch.setattr("training.panel.own.describe", None)
    require_own(shop.past, 90)
