"""What the schema declares holds for the cut, for versions and for bad cells."""

import re
from pathlib import Path

import polars as pl
import pytest

from features.history.history import History
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.schema import DERIVED, SCHEMAS, Column, later_facts

OPENED = (
    Column("opened_at", "date", name="opened_day", known_with="opened_at"),
    Column("device", "text", known_with="opened_at"),
)
ORDERS = pl.DataFrame(
    {"order_id": ["1"], "customer_id": ["a"], "ordered_at": ["2024-01-05"], "amount": [10.0]}
)


def offers(*opened: str | None) -> pl.DataFrame:
    """One offer to one customer, told once for each time at which it was opened."""
    return pl.DataFrame(
        {
            "customer_id": ["a"] * len(opened),
            "campaign_id": "spring",
            "offered_at": "2024-02-01",
            "offer_id": "gift",
            "opened_at": opened,
            "device": ["phone" if when else None for when in opened],
        },
        schema_overrides={"opened_at": pl.String},
    )


@pytest.fixture
def opening(monkeypatch):
    """Two facts more about an offer, known when it is opened: declared, and nothing else."""
    monkeypatch.setitem(SCHEMAS, "offers", (*SCHEMAS["offers"], *OPENED))


@pytest.mark.parametrize("table", SCHEMAS)
def test_a_fact_becomes_known_with_a_date_of_its_own_table(table):
    columns = {column.source: column for column in SCHEMAS[table]}

    for column in (*SCHEMAS[table], *DERIVED.get(table, ())):
        if column.known_with:
            assert columns[column.known_with].kind == "date"
            assert columns[column.known_with].known_with == column.known_with


@pytest.mark.parametrize(
    ("table", "facts"),
    [
        ("orders", {}),
        ("feedback", {"resolved_day": ["resolved_day", "score", "satisfaction"]}),
        ("offers", {"redeemed_day": ["redeemed_day", "cost"], "refused_day": ["refused_day"]}),
        ("customers", {}),
    ],
)
def test_the_facts_that_become_known_later_are_these(table, facts):
    found = {day: [c.target for c in columns] for day, columns in later_facts(table).items()}

    assert found == facts


@pytest.mark.parametrize(
    ("as_of", "seen"), [("2024-02-10", (None, None)), ("2024-02-11", (19763.0, "phone"))]
)
def test_a_declared_fact_is_cut_at_its_own_time(opening, as_of, seen):
    history = History(ORDERS, offers=offers("2024-02-10"))

    rows = history.upto(as_of).offers.collect()

    assert (rows["opened_day"].to_list(), rows["device"].to_list()) == ([seen[0]], [seen[1]])


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_declared_fact_changes_no_past_by_which_copy_of_a_row_counts(opening, order):
    told = ["2024-02-10", None, "2024-03-01"]
    history = History(ORDERS, offers=offers(*(told[place] for place in order)))

    before = history.upto("2024-02-05").offers.collect()
    after = history.upto("2024-02-11").offers.collect()

    assert before["opened_day"].to_list() == [None]
    assert after["opened_day"].to_list() == [19763.0]


def test_a_declared_fact_that_cannot_be_read_is_left_out_and_the_row_stays(opening):
    found = take_in({"orders": ORDERS, "offers": offers("soon")}, Mapping())["offers"].rows

    rows = found.collect()
    assert rows["problem"].to_list() == [None]
    assert rows["unread"].to_list() == ["unparsable opened_at"]


@pytest.mark.parametrize("table", SCHEMAS)
def test_the_documentation_lists_the_columns_with_their_meanings(table):
    page = (Path(__file__).parents[2] / "docs" / "history.md").read_text(encoding="utf-8")
    section = page.partition(f"\n### {table}\n")[2].partition("\n### ")[0]

    rows = re.findall(r"^\| `(\w+)` \| [\w ]+ \| (.+) \|$", section, re.M)

    assert rows == [(column.source, column.meaning) for column in SCHEMAS[table]]


def test_a_fact_known_with_what_is_no_date_is_refused(monkeypatch):
    wrong = Column("device", "text", known_with="opened_at")
    monkeypatch.setitem(SCHEMAS, "offers", (*SCHEMAS["offers"], wrong))

    with pytest.raises(LookupError, match=r"dates of offers; got \['opened_at'\]"):
        later_facts("offers")
