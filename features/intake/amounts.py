"""Numbers as people write them: marks of thousands, signs of currency, minus before or behind."""

from __future__ import annotations

import polars as pl

CURRENCY = r"(?:\p{L}{1,3}\.?)?\p{Sc}?"
# A sign or bracket, a currency, digits with their marks, and the same behind.
MINUS = "\u2212"
WRITTEN = (
    rf"^(?P<before>[-+{MINUS}(]?)\s*{CURRENCY}\s*(?P<within>[-+{MINUS}]?)\s*"
    rf"(?P<digits>\d[\d.,]*|[.,]\d+)\s*{CURRENCY}\s*(?P<behind>[-+{MINUS})]?)$"
)
# Blanks and apostrophes part groups of three digits, and nothing else.
GAPS = "[\\s'\u2019]"
GROUPED = rf"^\D*\d{{1,3}}(?:{GAPS}\d{{3}})+(?:\D.*)?$"
GAP = rf"(\d){GAPS}(\d)"
POINT_DECIMAL = r"^(?:\d+|\d{1,3}(?:,\d{2,3})*,\d{3})?(?:\.\d*)?$"
COMMA_DECIMAL = r"^(?:\d+|\d{1,3}(?:\.\d{3})+)?(?:,\d*)?$"
# Either a mark of thousands, or a decimal mark with three digits: the rest of the column tells.
UNSURE = r"^[1-9]\d{0,2}[.,]\d{3}$"


def read_numbers(cells: pl.Series, decimal: str | None = None) -> pl.Series:
    """Read a column of numbers kept as text; null where there is none.

    A cell with both marks, or with other than three digits behind its only one, says itself which
    mark is the decimal one. Where it does not, the other cells of the column decide; if they do
    not either, it is the point. Beside the digits only currencies, signs and marks may stand.

    Parameters
    ----------
    cells : polars.Series of str
    decimal : str, optional
        The decimal mark of all cells; a number in the other notation is then none.

    Examples
    --------
    >>> written = ["1,234.50", "€12,00", "(12.00)", "1'234.50", "7.00-", "½"]
    >>> read_numbers(pl.Series(written)).to_list()
    [1234.5, 12.0, -12.0, 1234.5, -7.0, None]
    >>> read_numbers(pl.Series(["1.234", "12,50"])).to_list()
    [1234.0, 12.5]
    """
    text = cells.str.strip_chars()
    if decimal != ",":
        plain = text.cast(pl.Float64, strict=False)
        if plain.null_count() == text.null_count():
            return plain.to_frame("cell").select(_finite(pl.first())).to_series()
    return text.to_frame("cell").select(_written(pl.col("cell"), decimal)).to_series()


def _written(text: pl.Expr, decimal: str | None) -> pl.Expr:
    gapless = text.str.replace_all(GAP, "$1$2").str.replace_all(GAP, "$1$2")
    parts = (
        pl.when(text.str.contains(GROUPED))
        .then(gapless)
        .otherwise(text)
        .str.extract_groups(WRITTEN)
    )
    before, within, behind = (parts.struct.field(n) for n in ("before", "within", "behind"))
    in_brackets = (before == "(") & (behind == ")")
    unpaired = (before == "(") ^ (behind == ")")
    is_negative = in_brackets | pl.any_horizontal(
        sign.is_in(["-", MINUS]) for sign in (before, within, behind)
    )
    number = pl.when(~unpaired).then(_by_marks(parts.struct.field("digits"), decimal))
    signed = pl.when(is_negative).then(-number).otherwise(number)
    if decimal == ",":
        return signed
    # What computers write, such as 1e3.
    return pl.coalesce(signed, _finite(text.cast(pl.Float64, strict=False)))


def _by_marks(digits: pl.Expr, decimal: str | None) -> pl.Expr:
    """The number by the decimal mark of the cell, or else of the column."""
    without_points = digits.str.replace_all(".", "", literal=True)
    as_comma = without_points.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    as_point = digits.str.replace_all(",", "", literal=True).cast(pl.Float64, strict=False)
    with_comma = pl.when(digits.str.contains(COMMA_DECIMAL)).then(as_comma)
    with_point = pl.when(digits.str.contains(POINT_DECIMAL)).then(as_point)
    if decimal is not None:
        return with_comma if decimal == "," else with_point
    is_sure = ~digits.str.contains(UNSURE)
    says_comma = is_sure & digits.str.contains(r",\d*$") & with_comma.is_not_null()
    says_point = is_sure & digits.str.contains(r"\.\d*$") & with_point.is_not_null()
    # A comma behind groups of three, as in 1,234,567, is read by the point's rule alone.
    commas = says_comma & ~digits.str.contains(r"^\d{1,3}(?:,\d{3}){2,}$")
    column_says_comma = commas.sum() > says_point.sum()
    by_comma = says_comma | (~is_sure & column_says_comma)
    return pl.when(by_comma).then(with_comma).otherwise(pl.coalesce(with_point, with_comma))


def _finite(number: pl.Expr) -> pl.Expr:
    return pl.when(number.is_finite()).then(number)
