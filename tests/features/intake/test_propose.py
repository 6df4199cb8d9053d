"""Made-up exports that nobody has described: what is proposed for them, and what is read by it."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HistoryError
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.intake.propose.candidates import choices
from features.intake.propose.evidence import ColumnEvidence
from features.intake.propose.guesses import Guess, Proposal, Question, toml
from features.intake.propose.proposal import preview, propose
from features.intake.propose.words import name_score
from features.intake.sources import read_likely_orders, read_tables
from features.quality import check

GERMAN = """\
Bestellnummer;Kundennummer;Bestelldatum;Betrag;Währung
B-1;00017;31.01.2024;1.234,50;EUR
B-2;00018;01.02.2024;20,00;EUR
B-3;00017;15.02.2024;7,50;EUR
"""
APART = """\
Order No,Buyer,Order Date,Order Time,Total
1,ann,31/01/2024,10:00,20
2,bob,31/01/2024,18:30,30
3,ann,01/02/2024,09:15,5
"""
LINES = """\
Invoice,Customer,InvoiceDate,Description,Quantity,UnitPrice
500,17,2024-01-05 10:00,tea,2,3.50
500,17,2024-01-05 10:00,cup,1,8.00
501,18,2024-01-06 11:00,tea,1,3.50
502,17,2024-02-06 11:00,pot,1,20.00
"""
STATES = """\
Order ID,Customer ID,Created at,Amount,Status,Amount Refunded,Refunded at
1,a,2024-01-05,20.00,paid,0,
2,b,2024-01-06,30.00,storniert,0,
3,a,2024-02-01,40.00,paid,15.00,2024-02-03
4,c,2024-02-02,10.00,Refunded,0,
"""
NO_ID = """\
Kundin,Kaufdatum,Umsatz
Ada,2024-01-05,10.50
Ada,2024-02-05,20.25
Eva,2024-02-05,5.10
"""
EMAILS = """\
ref,Contact,Customer ID,date,total
1,Ann@x.org,7,2024-01-05,10
2,ann@x.org,0,2024-01-06,11
3,bob@x.org,0,2024-01-07,12
"""
AMBIGUOUS = """\
order_id,customer_id,ordered_at,amount
1,a,02/01/2024,10
2,b,03/04/2024,20
3,a,05/06/2024,30
"""
# Customers, orders and gross, counted by hand.
READ = {
    "german": (GERMAN, 2, 3, 1262.0),
    "date and time apart": (APART, 2, 3, 55.0),
    "lines": (LINES, 2, 3, 38.5),
    "states and refunds": (STATES, 2, 3, 70.0),
    "no id": (NO_ID, 2, 3, 35.85),
    "addresses": (EMAILS, 2, 3, 33.0),
    "ambiguous dates": (AMBIGUOUS, 2, 3, 60.0),
}


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "export.csv"
    path.write_text(text, encoding="utf-8")
    return path


def nobody(question: Question) -> None:
    return None


def proposed(tmp_path: Path, text: str, ask=nobody) -> Proposal:
    return propose(read_likely_orders(written(tmp_path, text))[1], ask)


def orders_of(proposal: Proposal):
    return proposal.mapping.of("orders")


def report_on(path: Path, mapping: Mapping):
    return check(take_in(dict(read_tables(path, mapping)), mapping), mapping)


def unsure(proposal: Proposal) -> list[str]:
    return [guess.name for guess in proposal.guesses if guess.unsure]


@pytest.mark.parametrize("name", READ)
def test_the_proposal_reads_the_right_customers_orders_and_money(tmp_path, name):
    text, customers, orders, gross = READ[name]
    proposal = proposed(tmp_path, text)
    target = tmp_path / "proposed.toml"
    target.write_text(proposal.toml, encoding="utf-8")
    report = report_on(tmp_path / "export.csv", Mapping.read(target))

    assert (report.customers, report.orders) == (customers, orders)
    assert report.totals.gross == pytest.approx(gross)


def test_each_line_tells_its_evidence(tmp_path):
    text = proposed(tmp_path, EMAILS).toml

    assert "# e-mail addresses in 100% of 3 cells, 2 different; Customer ID is not given" in text
    assert 'ordered_at = "date"       # dates in 100% of 3 cells\n' in text


def test_names_of_other_languages_are_known(tmp_path):
    assert orders_of(proposed(tmp_path, GERMAN)).columns == {
        "order_id": "Bestellnummer",
        "customer_id": "Kundennummer",
        "ordered_at": "Bestelldatum",
        "amount": "Betrag",
        "currency": "Währung",
    }


def test_a_time_of_day_of_its_own_belongs_to_the_date(tmp_path):
    proposal = proposed(tmp_path, APART)
    shown = preview(read_likely_orders(tmp_path / "export.csv")[1], proposal)

    assert orders_of(proposal).time == "Order Time"
    assert [row["ordered_at"] for row in shown.rows][:2] == [
        "2024-01-31T10:00:00",
        "2024-01-31T18:30:00",
    ]


def test_an_order_whose_rows_differ_is_the_sum_of_its_lines(tmp_path):
    orders = orders_of(proposed(tmp_path, LINES))

    assert (orders.quantity, orders.price) == ("Quantity", "UnitPrice")


def test_an_order_total_that_all_its_rows_repeat_is_its_amount(tmp_path):
    text = LINES.replace("UnitPrice", "UnitPrice,Invoice total")
    for line, total in (("3.50", "15"), ("8.00", "15"), ("20.00", "20")):
        text = text.replace(f"{line}\n", f"{line},{total}\n")
    text = text.replace("501,18,2024-01-06 11:00,tea,1,3.50,15", "501,18,2024-01-06,tea,1,3.5,3.5")
    orders = orders_of(proposed(tmp_path, text))

    assert (orders.source("amount"), orders.quantity) == ("Invoice total", None)


def test_a_price_that_grows_with_the_quantity_is_that_of_the_line(tmp_path):
    rows = [
        f"{n // 2},c{n % 7},2024-01-{n % 28 + 1:02},{n % 2 + 1},{10 * (n % 2 + 1)}"
        for n in range(60)
    ]
    text = "\n".join(["order id,customer,date,qty,item price", *rows])
    proposal = proposed(tmp_path, text)

    assert orders_of(proposal).line_total == "item price"
    assert unsure(proposal) == ["orders.line_total"]


def test_what_a_line_cost_counts_where_quantity_and_price_are_something_else(tmp_path):
    text = LINES.replace("UnitPrice", "UnitPrice,Line total")
    paid = {"2,3.50": "6.50", "1,8.00": "8.00", "1,3.50": "3.00", "1,20.00": "19"}
    for price, total in paid.items():
        text = text.replace(f"{price}\n", f"{price},{total}\n")

    assert orders_of(proposed(tmp_path, text)).line_total == "Line total"


def test_states_in_another_language_do_not_count(tmp_path):
    status = orders_of(proposed(tmp_path, STATES)).status

    assert (status.not_counted, status.refunded) == (("storniert",), ("Refunded",))


def test_money_given_back_is_told_with_its_date(tmp_path):
    refund = orders_of(proposed(tmp_path, STATES)).refund

    assert (refund.amount, refund.at) == ("Amount Refunded", "Refunded at")


def test_states_that_are_not_known_are_offered_as_a_comment(tmp_path):
    text = STATES.replace("storniert", "zruseno-x").replace("Refunded,0", "paid,0")
    proposal = proposed(tmp_path, text)

    assert '# [orders.status]\n# column = "Status"' in proposal.toml
    assert orders_of(proposal).status is None


def test_without_an_id_each_row_is_an_order(tmp_path):
    assert orders_of(proposed(tmp_path, NO_ID)).without_order_id == "row"


def test_addresses_are_better_than_ids_that_guests_lack(tmp_path):
    assert orders_of(proposed(tmp_path, EMAILS)).sources("customer_id") == ("Contact",)


def test_guests_without_an_address_keep_their_id(tmp_path):
    text = EMAILS.replace("1,Ann@", "1,eve@").replace("3,bob@x.org,0", "3,,8")
    text += "4,dan@x.org,0,2024-01-08,13\n"
    orders = orders_of(proposed(tmp_path, text))

    assert orders.sources("customer_id") == ("Contact", "Customer ID")
    assert orders.blank == ("0",)


def test_a_customer_whose_id_is_0_is_somebody_unless_it_orders_most(tmp_path):
    rows = "".join(f"{n},{n % 4},2024-01-{n + 1:02},{n}.50\n" for n in range(20))

    assert orders_of(proposed(tmp_path, f"order,customer,date,total\n{rows}")).blank == ()


def test_addresses_are_better_than_names(tmp_path):
    text = "order,client,e-mail,date,total\n1,Ann Lee,a@x.org,2024-01-05,1.5\n"
    text += "2,Ann Lee,b@x.org,2024-01-06,2.5\n3,Bo Ray,c@x.org,2024-01-06,2.5\n"
    without = text.replace("@x.org", "").replace("e-mail", "tag")

    assert orders_of(proposed(tmp_path, text)).source("customer_id") == "e-mail"
    assert orders_of(proposed(tmp_path, without)).source("customer_id") == "client"
    assert "# unsure: these are names" in proposed(tmp_path, without).toml


def test_dates_that_may_be_either_are_written_both_ways(tmp_path):
    proposal = proposed(tmp_path, AMBIGUOUS)

    assert orders_of(proposal).date_format == ("%d/%m/%Y",)
    assert '# date_format = "%m/%d/%Y"' in proposal.toml
    assert unsure(proposal) == ["orders.date_format"]


def test_somebody_who_is_asked_settles_the_dates(tmp_path):
    asked: list[Question] = []

    def american(question: Question) -> int:
        asked.append(question)
        return 1

    proposal = proposed(tmp_path, AMBIGUOUS, american)

    assert orders_of(proposal).date_format == ("%m/%d/%Y",)
    assert unsure(proposal) == []
    assert asked == [
        Question(
            "How are dates written?",
            ("02/01/2024 is 2024-01-02, by %d/%m/%Y", "02/01/2024 is 2024-02-01, by %m/%d/%Y"),
        )
    ]


def test_a_rival_column_is_named_or_chosen(tmp_path):
    text = NO_ID.replace("Umsatz", "Umsatz,Betrag").replace("10.50", "10.50,9.50")
    text = text.replace("20.25", "20.25,18.00").replace("5.10", "5.10,4.00")

    assert "# unsure: may also be Betrag" in proposed(tmp_path, text).toml
    assert orders_of(proposed(tmp_path, text, lambda question: 1)).source("amount") == "Betrag"


def test_amounts_of_three_digits_behind_a_mark_are_unsure(tmp_path):
    text = AMBIGUOUS.replace(",10\n", ',"1,250"\n').replace(",20\n", ',"2,500"\n')
    proposal = proposed(tmp_path, text.replace(",30\n", ',"9,999"\n'))

    assert "decimal" in unsure(proposal)


def test_orders_taken_back_by_a_reason_are_left_out_and_marked(tmp_path):
    text = (
        GERMAN.replace("Währung", "Absagegrund")
        .replace(";EUR", ";")
        .replace("20,00;", "20,00;zu spät")
    )
    proposal = proposed(tmp_path, text)

    assert orders_of(proposal).drop == '"Absagegrund" IS NOT NULL'
    assert unsure(proposal) == ["orders.drop"]


def test_instants_as_whole_numbers_get_their_unit(tmp_path):
    text = AMBIGUOUS.replace("02/01/2024", "1704067200").replace("03/04/2024", "1704153600")
    orders = orders_of(proposed(tmp_path, text.replace("05/06/2024", "1704240000")))

    assert orders.date_format == ("epoch_s",)


def test_a_currency_beside_the_amounts_is_told(tmp_path):
    text = NO_ID.replace("10.50", "€10.50").replace("20.25", "€20.25").replace("5.10", "€5.10")

    assert proposed(tmp_path, text).mapping.currency == "EUR"


def test_typed_columns_are_looked_at_like_text():
    frame = pl.LazyFrame(
        {
            "order id": [1, 2, 3],
            "customer id": [7, 8, 7],
            "tags": [["a"], [], ["b"]],
            "day": [20240131, 20240201, 20240202],
            "total": [1.5, 2.0, 3.0],
        }
    )
    proposal = propose(frame, nobody)

    assert orders_of(proposal).date_format == ("%Y%m%d",)
    assert preview(frame, proposal).rows[0] == {
        "row": 1,
        "order_id": "1",
        "customer_id": "7",
        "ordered_at": "2024-01-31T00:00:00",
        "amount": 1.5,
        "currency": None,
        "problem": None,
    }


def test_a_format_that_is_recognised_is_written_out():
    names = ["Order ID", "Order Status", "Order Date", "Order Total (inc tax)", "Customer Email"]
    proposal = propose(pl.LazyFrame({name: ["1"] for name in names}), nobody)

    assert proposal.format == "bigcommerce"
    assert '# format = "bigcommerce"' in proposal.toml
    assert orders_of(proposal).sources("customer_id") == ("Customer Email",)
    assert orders_of(proposal).status.column == "Order Status"


def test_a_source_without_dates_is_refused(tmp_path):
    with pytest.raises(HistoryError, match=r"orders must have a column of dates; got none among"):
        proposed(tmp_path, "order_id,customer_id,amount\n1,a,10\n2,b,20\n")


def test_a_source_without_rows_is_refused(tmp_path):
    with pytest.raises(HistoryError, match=r"orders has no rows"):
        proposed(tmp_path, "order_id,customer_id,ordered_at,amount\n")


def test_what_cannot_be_read_so_is_told_beside_the_proposal(tmp_path):
    proposal = proposed(tmp_path, GERMAN.replace("20,00;EUR", "20,00;USD"))
    shown = preview(read_likely_orders(tmp_path / "export.csv")[1], proposal)

    assert shown.rows == []
    assert "currency" in shown.refused


def test_the_largest_table_of_a_folder_is_taken_for_the_orders(tmp_path):
    (tmp_path / "sales.csv").write_text(APART)
    (tmp_path / "notes.csv").write_text("a\n1\n")
    file, frame = read_likely_orders(tmp_path)
    proposal = propose(frame, nobody, file=file)

    assert orders_of(proposal).file == "sales.csv"
    assert report_on(tmp_path, proposal.mapping).orders == 3


def test_a_file_named_orders_is_taken_whatever_its_size(tmp_path):
    (tmp_path / "orders.csv").write_text(APART)
    (tmp_path / "products.csv").write_text("a\n" + "1\n" * 500)

    assert read_likely_orders(tmp_path)[0] is None


def test_a_folder_without_tables_is_refused(tmp_path):
    with pytest.raises(HistoryError, match=r"must hold a table file: .*; it holds \[\]\."):
        read_likely_orders(tmp_path)


def test_values_from_a_source_cannot_break_the_file():
    names = ['say "hi"', 'it\'s "so"', "line\nbreak", "tab\t\x7f", "\u202eback"]
    guesses = tuple(
        Guess("orders.columns", key, name, f"such as {name}")
        for key, name in zip(
            ["order_id", "customer_id", "ordered_at", "amount", "currency"], names, strict=True
        )
    )

    assert list(Proposal(guesses, ("a\nb",)).mapping.of("orders").columns.values()) == names
    assert toml(("a", "b")) == '["a", "b"]'


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("order_id", "Bestellnummer"),
        ("order_id", "orderID"),
        ("order_id", "Numéro de commande"),
        ("customer_id", "Client ID"),
        ("customer_id", "Kunden-Nr."),
        ("ordered_at", "Fecha de compra"),
        ("ordered_at", "created_at"),
        ("amount", "Gesamtbetrag"),
        ("amount", "Order Total (inc tax)"),
    ],
)
def test_a_name_says_what_a_column_is(role, name):
    assert name_score(role, name) >= 0.4


@pytest.mark.parametrize(
    ("role", "name"),
    [("order_id", "Order Date"), ("amount", "Shipping"), ("customer_id", "Customer Name")],
)
def test_a_name_says_what_a_column_is_not(role, name):
    assert name_score(role, name) < 0.4


def test_no_column_has_two_roles():
    cells = {"id": ["1", "2"], "mail": ["a@x.de", "b@x.de"], "total": ["1.50", "2.50"]}
    found = choices([ColumnEvidence.of(pl.Series(name, values)) for name, values in cells.items()])

    assert {role: choice.best.column.name for role, choice in found.items()} == {
        "order_id": "id",
        "customer_id": "mail",
        "amount": "total",
    }


WRITTEN = ["1,50", "2.000", "2024-01-05", "02/01/2024", "a@x.de", "EUR", "10:30", "void", "0"]
CELLS = st.one_of(
    st.none(),
    st.text(max_size=6),
    st.sampled_from(WRITTEN),
    st.integers(0, 2_000_000_000).map(str),
)
FURTHER = st.one_of(
    st.sampled_from(
        ["order", "price", "qty", "status", "refund", 'cancelled "at"', "time", "mail"]
    ),
    st.text(min_size=1, max_size=6).filter(lambda name: name not in PLAIN),
)
PLAIN = {
    "customer": ["a", "b", "a", "0"],
    "date": ["02/01/2024", "03/02/2024", "04/01/2024", "05/01/2024"],
    "total": ["1.50", "2.50", "1.250", "-3.00"],
}


def four(cells):
    return st.lists(cells, min_size=4, max_size=4)


@settings(max_examples=15, deadline=None)
@given(
    st.fixed_dictionaries({name: st.permutations(cells) for name, cells in PLAIN.items()}),
    st.dictionaries(FURTHER, four(CELLS), max_size=5),
)
def test_whatever_else_a_source_holds_the_proposal_can_be_read(plain, further):
    frame = pl.LazyFrame(
        {**further, **plain}, schema=dict.fromkeys({**further, **plain}, pl.String)
    )
    proposal = propose(frame, nobody)

    assert proposal.mapping.of("orders").source("customer_id")
    assert preview(frame, proposal).refused is None


@pytest.mark.parametrize("name", ["n", "cell", "count", "row", "len", "literal"])
@pytest.mark.parametrize("role", PLAIN)
def test_a_column_may_be_called_like_what_is_counted(name, role):
    """As a further column, and as each of those that are needed."""
    renamed = {name if column == role else column: cells for column, cells in PLAIN.items()}
    for columns in ({**PLAIN, name: ["a", "a", "b", "0"]}, renamed):
        frame = pl.LazyFrame(columns, schema=dict.fromkeys(columns, pl.String))
        try:
            found = propose(frame, nobody)
        except HistoryError as error:
            assert str(error).startswith("orders must have ")
        else:
            assert found.mapping.of("orders").columns


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=6), four(CELLS), min_size=1, max_size=5))
def test_a_source_of_anything_is_refused_by_what_it_lacks_or_can_be_read(cells):
    try:
        proposal = propose(pl.LazyFrame(cells, schema=dict.fromkeys(cells, pl.String)), nobody)
    except HistoryError as error:
        assert str(error).startswith("orders must have ")
    else:
        assert proposal.mapping.of("orders").columns
