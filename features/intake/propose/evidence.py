"""What the cells of a column look like: the evidence that guesses about it rest on."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from features.errors import HistoryError
from features.intake.amounts import read_numbers
from features.intake.propose.words import MONEY, currency_codes
from features.text_dates import read_days

# Different cells that are looked at; those of dates are tried in a hundred formats.
SAMPLE, OF_DATES = 2000, 200
# Values of a column that may be words for states.
STATES = 40
EMAIL = r"^\s*[^@\s]+@[^@\s]+\.[^@\s]+\s*$"
TIME = r"^\s*\d{1,2}:\d{2}(:\d{2})?(\.\d+)?\s*([AaPp]\.?[Mm]\.?)?\s*$"
# Two words of letters, as names of people are.
NAME = r"^\p{L}[\p{L}.'-]+\s+\p{L}"
FRACTION = r"[.,]\d+\D*$"
# What reads as a number with a currency is an id where one or two letters touch the digits: A1.
LETTERED = r"(?:^|[^\p{L}])\p{L}{1,2}\d"
# Without which a cell need not be tried in all formats of dates.
DATE_LIKE = r"(?i)\d\D+\d+\D+\d|^\d{8}$|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec).*\d"
# From 2000 to 2099, in seconds.
SINCE_EPOCH = (946684800, 4102444800)


@dataclass(frozen=True)
class ColumnEvidence:
    """What the cells of one column of a source look like.

    Attributes
    ----------
    name : str
    rows, given, different : int
        Rows, cells that say something, and different ones among them.
    dates, numbers, fractions, emails, currencies, times, names : float
        Share of the cells that read as such.
    epoch : str
        What whole numbers would count since 1970, were they dates; "" if nothing plausible.
    states : dict
        Cell -> rows, where there are few different ones.
    """

    name: str
    rows: int
    given: int
    different: int
    dates: float
    numbers: float
    fractions: float
    emails: float
    currencies: float
    times: float
    names: float
    epoch: str
    states: dict[str, int]

    @classmethod
    def of(cls, cells: pl.Series) -> ColumnEvidence:
        """Look at the cells of a column."""
        text = cells.cast(pl.String).str.strip_chars()
        text = text.set(text == "", None)
        given = text.drop_nulls()
        kinds = given.unique(maintain_order=True).head(SAMPLE)
        emails = _share(kinds.str.contains(EMAIL))
        counts = given.alias("cell").value_counts(sort=True, name="n")
        numbers = 1.0 if cells.dtype.is_numeric() else _share(_numbers(kinds))
        states = dict(counts.head(STATES).iter_rows()) if counts.height <= STATES else {}
        return cls(
            name=cells.name,
            rows=len(text),
            given=len(given),
            different=given.str.to_lowercase().n_unique() if emails else counts.height,
            dates=1.0 if cells.dtype in (pl.Date, pl.Datetime) else _dates(kinds.head(OF_DATES)),
            numbers=0.0 if cells.dtype.is_temporal() else numbers,
            fractions=_share(kinds.str.contains(FRACTION)),
            emails=emails,
            currencies=_share(kinds.str.to_uppercase().is_in([*currency_codes(), *MONEY])),
            times=_share(kinds.str.contains(TIME)),
            names=_share(kinds.str.contains(NAME)),
            epoch=_epoch(kinds),
            states=states,
        )

    def told(self, what: str = "", share: float = 1.0) -> str:
        """The evidence in words."""
        seen = f"{what} in {_percent(share)} of {self.given:,} cells" if what else ""
        blank = f", {self.rows - self.given:,} blank" if self.given < self.rows else ""
        return f"{seen or f'{self.given:,} cells'}{blank}"

    def with_different(self, told: str) -> str:
        """The same with how many different ones there are."""
        each = self.different == self.given
        return f"{told}, {'all' if each else f'{self.different:,}'} different"


def _percent(share: float) -> str:
    """Rounded down: 100 % is all of them."""
    return f"{int(share * 100 + 1e-9)}%"


def _share(is_so: pl.Series) -> float:
    # Polars types means and medians as if they might be of dates.
    return float(is_so.cast(pl.Float64).mean() or 0.0) if len(is_so) else 0.0  # type: ignore[arg-type]


def _numbers(kinds: pl.Series) -> pl.Series:
    return read_numbers(kinds).is_not_null() & ~kinds.str.contains(LETTERED)


def _dates(kinds: pl.Series) -> float:
    if _share(kinds.str.contains(DATE_LIKE)) < 0.5:
        return 0.0
    try:
        return _share(read_days(kinds, (), "UTC").is_not_null())
    except HistoryError:
        # Dates, of which it is not plain which: that is asked later.
        return 1.0


def _epoch(kinds: pl.Series) -> str:
    numbers = kinds.cast(pl.Float64, strict=False)
    if not len(kinds) or numbers.null_count():
        return ""
    for unit, per_second in (("epoch_s", 1), ("epoch_ms", 1e3), ("epoch_us", 1e6)):
        if (numbers / per_second).is_between(*SINCE_EPOCH).all():
            return unit
    return ""
