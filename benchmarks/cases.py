"""Exports that went wrong, as their users expect them: `python -m benchmarks.cases`.

Reads the cases in `../shared/cases`, or where `HOLDFAST_CASES` says, and prints of each what was
recognised and summed up beside what its file says by Python's csv module alone. Nothing of it is in
the repository. Ends with 1 if a case is not answered as it should be.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from features.errors import HistoryError
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.intake.sources import read_tables
from features.quality import Report, check

Sums = tuple[int, int, float, float]


@dataclass(frozen=True)
class Case:
    """What is opened, how, and what comes of it.

    Attributes
    ----------
    path : str
        File or folder in the folder of cases.
    sums : tuple or None
        Customers, orders, gross and refunds that are expected; None if it is not about them.
    says : str
        Kind of a problem that the check tells, or words of the refusal.
    mapping : str or dict
        File in the case's folder, or the content of a `history.toml`.
    """

    path: str
    sums: Sums | None = None
    says: str = ""
    mapping: str | dict[str, Any] = field(default_factory=dict)


EUROS = {"currency": "EUR"}
CASES = (
    Case("03-amazon-orders-tsv/all-orders.txt", (695, 3044, 169828.72, 0.0)),
    Case("06-stripe-payments-refund-column/unified_payments.csv", (693, 2465, 135704.30, 5074.92)),
    *(
        Case(f"07-sap-latin1-trailing-minus/{name}.csv", (695, 2648, 4584450.88, 167453.18))
        for name in ("va05", "va05_noheadlines", "va05_utf8", "va05_utf16")
    ),
    Case("10-etsy-sold-orders/EtsySoldOrders.csv", (700, 2665, 144410.94, 0.0)),
    Case("13-klaviyo-consent", (697, 2521, 139540.26, 6028.71), mapping="history.toml"),
    Case("15-ddmm-dates", (700, 2743, 151775.20, 0.0), mapping="both.toml"),
    Case("15-ddmm-dates", (700, 2743, 151775.20, 0.0), mapping=EUROS),
    Case("16-amounts-in-cents", says="cents"),
    Case("17-bigcommerce-date-and-time/orders.csv", (682, 2522, 136666.45, 5192.20)),
    Case("34-migrated-on-one-day", says="one_instant", mapping="history.toml"),
    Case("45-mixed-case-email-minimal", (1, 3, 75.0, 0.0), mapping=EUROS),
    Case("46-amount-spellings", (15, 15, 8491.5, 36.0), mapping=EUROS),
    Case("49-refund-row-without-customer", (2, 2, 50.0, 20.0), mapping=EUROS),
    Case("50-header-case", (1, 1, 20.0, 0.0), mapping=EUROS),
    Case("50-header-case/dup", says="two columns"),
    Case("50-header-case/ragged", says="line 3"),
    Case("50-header-case/quote", says="line 5"),
    Case("50-header-case/totals_row", (2, 2, 50.0, 0.0), "unusable: missing ordered_at", EUROS),
    Case("51-unescaped-inch-marks/comma", (80, 400, 5397.0, 0.0), mapping="history.toml"),
    Case("51-unescaped-inch-marks", (80, 400, 5397.0, 0.0), mapping="history.toml"),
    Case("57-rule-without-effect", says="rule_without_effect", mapping="history.toml"),
    Case("57-rule-without-effect", says="drop must be a SQL condition", mapping="spaces.toml"),
    Case("60-lines-below-their-order", (2, 2, 75.0, 0.0), mapping="history.toml"),
)


def main() -> None:
    """Print a row per case."""
    folder = Path(os.environ.get("HOLDFAST_CASES", "../shared/cases"))
    if not folder.is_dir():
        print(f"skipped: no cases in {folder}; set HOLDFAST_CASES to their place")
        return
    columns = ("case", "format", "customers", "orders", "gross", "refunds", "says", "as expected")
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    wrong = sum(not _told(folder, case) for case in CASES)
    print(f"\n{len(CASES)} cases, {wrong} not as expected")
    sys.exit(min(wrong, 1))


def _told(folder: Path, case: Case) -> bool:
    """Print the row of a case, and say whether it is answered as it should be."""
    try:
        report = _report(folder, case)
    except HistoryError as refusal:
        is_meant = case.sums is None and case.says in str(refusal) and bool(case.says)
        first = str(refusal).splitlines()[0].replace(f"{folder}/", "")
        print(f"| {case.path} | | | | | | {first} | {'yes' if is_meant else 'NO'} |")
        return is_meant
    found = report.totals
    sums = (found.customers, found.orders, found.gross, found.refunds)
    kinds = {problem.kind for problem in report.problems}
    is_meant = (case.sums in (None, sums)) and (not case.says or case.says in kinds)
    cells = [case.path, report.format or "", *(f"{value:,}" for value in sums), case.says]
    print("| " + " | ".join([*cells, "yes" if is_meant else "NO"]) + " |")
    return is_meant


def _report(folder: Path, case: Case) -> Report:
    place = folder / case.path
    beside = place if place.is_dir() else place.parent
    if isinstance(case.mapping, str):
        mapping = Mapping.read(beside / case.mapping)
    else:
        mapping = Mapping.from_dict(case.mapping)
    return check(take_in(dict(read_tables(place, mapping)), mapping), mapping)


if __name__ == "__main__":
    main()
