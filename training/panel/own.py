"""What features of a shop's own must hold before a model may learn from them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.errors import ExtensionError
from features.history.history import Past
from features.table import describe

# Enough to see a feature that looks at other customers.
ALONE = 50
# Of a value: sums over other rows round otherwise.
ROUNDING = 1e-9


def require_own(past: Past, horizon_days: float) -> None:
    """Refuse a feature that says something else of customers where others are not there.

    A rank or a share of the shop would: customers who are scored by themselves would then get other
    forecasts than in the batch.

    Raises
    ------
    ExtensionError
        With the feature, a customer and both values.
    """
    if not past.own:
        return
    names = [feature.name for feature in past.own]
    if past.purchases.select("customer_id").collect().is_empty():
        return
    among = describe(past, horizon_days)[names]
    most = max(min(ALONE, len(among) // 2), 1)
    few = among.iloc[np.unique(np.linspace(0, len(among) - 1, most).astype(int))]
    alone = describe(past.of_customers(few.index), horizon_days)[names]
    for feature in past.own:
        one, other = few[feature.name], alone[feature.name]
        differs = ~np.isclose(one, other, rtol=ROUNDING, atol=ROUNDING, equal_nan=True)
        if differs.any():
            raise ExtensionError(_told(feature.source or feature.name, one[differs], other))


def _told(name: str, among: pd.Series, alone: pd.Series) -> str:
    customer = among.index[0]
    return (
        f"{name} must say the same of a customer whoever else is in the history; of {customer} it "
        f"says {among.iloc[0]:g} among all and {alone[customer]:g} among a few. Compute it from "
        "the customer's own rows: ranks, shares of the shop and its means are not theirs."
    )
