"""Consent: how shops write that a customer may be contacted. Nothing else means yes."""

from __future__ import annotations

import narwhals as nw

GIVEN = ("true", "t", "yes", "y", "1")
WITHHELD = ("false", "f", "no", "n", "0")


def is_given(consent: nw.Expr) -> nw.Expr:
    """Whether the text of `marketing_consent` says yes; false where there is none.

    Examples
    --------
    >>> import polars as pl
    >>> frame = nw.from_native(pl.DataFrame({"consent": ["Yes", "no", "perhaps", None]}))
    >>> frame.select(is_given(nw.col("consent")))["consent"].to_list()
    [True, False, False, False]
    """
    return consent.str.to_lowercase().is_in(GIVEN).fill_null(False)
