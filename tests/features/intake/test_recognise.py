# Exports have long lines.
# ruff: noqa: E501
"""Exports of shop systems are read right as they come, by files made up in their formats."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from features.errors import HistoryError
from features.history.history import History
from features.intake.canonical import take_in
from features.intake.mapping import Mapping, TableMapping
from features.intake.recognise import formats
from features.intake.sources import read_tables, unread_files
from features.quality import Report, check

SHOPIFY = """\
Name,Email,Financial Status,Paid at,Currency,Subtotal,Total,Discount Amount,Created at,\
Lineitem quantity,Lineitem name,Lineitem price,Refunded Amount
#1001,Ann@Example.com,paid,2025-01-02 10:00:00 +0200,EUR,30,30.00,0.00,2025-01-02 10:00:00 +0200,1,Tea,10,0.00
#1001,Ann@Example.com,,,,,,,2025-01-02 10:00:00 +0200,2,Cup,10,
#1002,ann@example.com,partially_refunded,2025-02-02 10:00:00 +0200,EUR,20,20.00,,2025-02-02 10:00:00 +0200,1,Pot,20,5.00
#1003,bo@example.com,voided,,EUR,9,9.00,,2025-02-03 10:00:00 +0200,1,Mug,9,0.00
#1004,bo@example.com,refunded,2025-02-04 10:00:00 +0200,EUR,8,8.00,,2025-02-04 10:00:00 +0200,1,Mug,8,8.00
"""
WOOCOMMERCE = """\
order_id,order_number,order_date,status,order_total,refunded_total,order_currency,customer_id,billing_email
1,1,2025-01-02 10:00:00,completed,30.00,0.00,EUR,7,ann@example.com
2,2,2025-02-02 10:00:00,processing,20.00,5.00,EUR,0,Ann@example.com
3,3,2025-02-03 10:00:00,failed,9.00,0.00,EUR,0,bo@example.com
4,4,2025-02-04 10:00:00,refunded,8.00,8.00,EUR,0,bo@example.com
"""
ADVANCED = """\
"Order Number","Order Status","Order Date","Email (Billing)",Name,Quantity,"Order Refund Amount","Order Total Amount"
1,Completed,2025-01-02 10:00,ann@example.com,Tea,1,0,30
,,,,Cup,2,,
2,Processing,2025-02-02 10:00,ann@example.com,Pot,1,5,20
3,"On hold",2025-02-03 10:00,bo@example.com,Mug,1,0,9
4,Refunded,2025-02-04 10:00,bo@example.com,Mug,1,8,8
"""
BIGCOMMERCE = """\
Order ID,Customer ID,Customer Email,Order Date,Order Time,Order Status,Order Total (inc tax),Refund Amount,Order Currency Code
1,7,ann@example.com,13/01/2025,10:00:00,Completed,30.0000,0.0000,EUR
2,0,ann@example.com,02/02/2025,10:00:00,Shipped,20.0000,5.0000,EUR
3,0,bo@example.com,03/02/2025,10:00:00,Cancelled,9.0000,0.0000,EUR
4,0,bo@example.com,04/02/2025,10:00:00,Refunded,8.0000,8.0000,EUR
"""
STRIPE = """\
id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Refunded date (UTC)
ch_1,2025-01-02 10:00:00,"30,00","0,00",eur,true,Paid,cus_1,ann@example.com,
ch_2,2025-02-02 10:00:00,"20,00","5,00",eur,true,Paid,,Ann@example.com,2025-02-05 10:00:00
ch_3,2025-02-03 10:00:00,"9,00","0,00",eur,false,Failed,cus_2,bo@example.com,
ch_4,2025-02-04 10:00:00,"8,00","8,00",eur,true,Refunded,cus_2,bo@example.com,2025-02-06 10:00:00
"""
PAYPAL = """\
"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","From Email Address","To Email Address","Transaction ID","Reference Txn ID","Balance Impact"
"13/01/2025","10:00:00","CET","Ann","Express Checkout Payment","Completed","EUR","30.00","-1.00","29.00","ann@example.com","shop@example.com","T1","","Credit"
"02/02/2025","10:00:00","CET","Ann","Mobile Payment","Completed","EUR","20.00","-1.00","19.00","Ann@example.com","shop@example.com","T2","","Credit"
"03/02/2025","10:00:00","CET","Ann","Payment Refund","Completed","EUR","-5.00","0.10","-4.90","shop@example.com","ann@example.com","T3","T2","Debit"
"03/02/2025","11:00:00","CET","","General Withdrawal","Completed","EUR","-40.00","0.00","-40.00","shop@example.com","","T4","","Debit"
"03/02/2025","12:00:00","CET","Bo","Express Checkout Payment","Denied","EUR","9.00","0.00","9.00","bo@example.com","shop@example.com","T5","","Memo"
"04/02/2025","10:00:00","CET","Bo","General Payment","Completed","EUR","8.00","0.00","8.00","bo@example.com","shop@example.com","T6","","Credit"
"05/02/2025","10:00:00","CET","Bo","Payment Refund","Completed","EUR","-8.00","0.00","-8.00","shop@example.com","bo@example.com","T7","T6","Debit"
"""
SQUARE = """\
Date,Time,Time Zone,Gross Sales,Net Sales,Total Collected,Transaction ID,Event Type,Customer ID,Customer Name
2025-01-02,10:00:00,Berlin,$30.00,$30.00,$30.00,a,Payment,ANN,Ann
2025-02-02,10:00:00,Berlin,$20.00,$20.00,$20.00,b,Payment,ANN,Ann
2025-02-05,10:00:00,Berlin,-$5.00,-$5.00,-$5.00,c,Refund,ANN,Ann
2025-02-04,10:00:00,Berlin,$8.00,$8.00,$8.00,d,Payment,BO,Bo
2025-02-04,11:00:00,Berlin,-$8.00,-$8.00,-$8.00,e,Refund,BO,Bo
2025-02-04,12:00:00,Berlin,$3.00,$3.00,$3.00,f,Payment,,
"""
MAGENTO = """\
ID,"Purchase Point","Purchase Date","Grand Total (Base)","Grand Total (Purchased)",Status,"Customer Email","Total Refunded"
000000001,Main,"Jan 2, 2025 10:00:00 AM",30.00,30.00,Complete,ann@example.com,0.00
000000002,Main,"Feb 2, 2025 10:00:00 AM",20.00,20.00,Processing,Ann@example.com,5.00
000000003,Main,"Feb 3, 2025 3:04:05 PM",9.00,9.00,Canceled,bo@example.com,
000000004,Main,"Feb 4, 2025 10:00:00 AM",8.00,8.00,Closed,bo@example.com,8.00
"""
# Ann bought for 30 and 20 and got 5 back, Bo for 8 and got it all; an order of 9 never was.
SAME = {
    "shopify": SHOPIFY,
    "woocommerce": WOOCOMMERCE,
    "woocommerce_advanced": ADVANCED,
    "bigcommerce": BIGCOMMERCE,
    "stripe": STRIPE,
    "paypal": PAYPAL,
    "square": SQUARE,
    "magento": MAGENTO,
}
ETSY = """\
Sale Date,Order ID,Buyer User ID,Full Name,Number of Items,Currency,Order Value,Discount Amount,Shipping,Order Total,Status
09/25/26,1,user1,Ann A,2,EUR,27.00,2.70,6.00,30.30,
10/02/26,2,,Bo B,1,EUR,50.00,0.00,5.00,55.00,
"""
AMAZON = """\
amazon-order-id\tpurchase-date\torder-status\titem-status\tquantity\tcurrency\titem-price\tbuyer-email
301-1\t2025-01-01T10:00:00+00:00\tShipped\tShipped\t2\tEUR\t20.00\tann@m.example.com
301-1\t2025-01-01T10:00:00+00:00\tShipped\tShipped\t1\tEUR\t10.00\tann@m.example.com
301-1\t2025-01-01T10:00:00+00:00\tShipped\tCancelled\t1\tEUR\t4.00\tann@m.example.com
301-2\t2025-01-02T10:00:00+00:00\tCancelled\tCancelled\t1\tEUR\t\tbo@m.example.com
"""
ODOO = """\
Order Reference,Order Date,Customer,Total,Status,Order Lines/Product,Order Lines/Quantity
S00001,2025-01-02 10:00:00,Ann,30.0,Sales Order,Tea,1
,,,,,Cup,2
S00002,2025-01-03 10:00:00,Bo,9.0,Quotation,Mug,1
"""
SAP = """\
Liste der Aufträge;;;;;;
Stand: 20.06.2025;;;;;;

Verkaufsbeleg;Auftraggeber;Name 1;Belegdatum;Währung;Nettowert;Absagegrund
0000001001;0000007282;Ann;02.01.2025;EUR;3.316,99;
0000001002;0000007282;Ann;03.01.2025;EUR;924,01-;
0000001003;0000008416;Bo;04.01.2025;EUR;500,00;50
"""
PRESTASHOP = """\
ID;Reference;New client;Delivery;Customer;Total;Payment;Status;Date
1;ABCDEFGHI;1;France;A. ANN;30.00;Card;Delivered;2025-01-02 10:00:00
2;ABCDEFGHJ;0;France;A. ANN;9.00;Card;Payment error;2025-01-03 10:00:00
"""
OTHERS = {
    "etsy": (ETSY, (2, 2, 77.0, 0.0)),
    "amazon": (AMAZON, (1, 1, 30.0, 0.0)),
    "odoo": (ODOO, (1, 1, 30.0, 0.0)),
    "sap": (SAP, (1, 1, 3316.99, 924.01)),
    "prestashop": (PRESTASHOP, (1, 1, 30.0, 0.0)),
}


def report(path: Path, mapping: Mapping | None = None) -> Report:
    settings = mapping or Mapping()
    return check(take_in(dict(read_tables(path, settings)), settings), settings)


def totals(found: Report) -> tuple[int, int, float, float]:
    sums = found.totals
    return sums.customers, sums.orders, sums.gross, sums.refunds


def export(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "export.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("name", SAME)
def test_the_same_shop_is_the_same_by_every_export(tmp_path, name):
    found = report(export(tmp_path, SAME[name]))
    assert (found.format, totals(found)) == (name, (2, 3, 58.0, 13.0))
    assert all(sum(a.places.values()) == a.rows_in for a in found.accounting)
    assert not any(a.quarantined for a in found.accounting)


@pytest.mark.parametrize("name", OTHERS)
def test_other_exports_are_read_as_they_are_meant(tmp_path, name):
    text, expected = OTHERS[name]
    found = report(export(tmp_path, text))
    assert (found.format, totals(found)) == (name, expected)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
def test_the_encoding_of_an_export_does_not_matter(tmp_path, encoding):
    assert totals(report(export(tmp_path, SAP, encoding))) == OTHERS["sap"][1]


def test_the_file_may_have_any_name_in_a_folder(tmp_path):
    export(tmp_path, STRIPE)
    (tmp_path / "notes.txt").write_text("not a table")
    assert report(tmp_path).format == "stripe"


def test_two_exports_in_one_folder_are_not_guessed_between(tmp_path):
    export(tmp_path, STRIPE)
    (tmp_path / "other.csv").write_text(SHOPIFY)
    with pytest.raises(HistoryError, match="each an export of orders"):
        report(tmp_path)


def test_monthly_parts_are_read_one_below_the_other(tmp_path):
    head, *rows = STRIPE.splitlines(keepends=True)
    (tmp_path / "orders_2025-01.csv").write_text(head + "".join(rows[:1]))
    (tmp_path / "orders_2025-02.csv").write_text(head + "".join(rows[1:]))
    assert totals(report(tmp_path)) == (2, 3, 58.0, 13.0)


def test_refunds_in_a_file_of_their_own_need_no_mapping(tmp_path):
    (tmp_path / "orders.csv").write_text(
        "order_id,customer_id,ordered_at,amount\n1,a,2025-01-02,30\n2,b,2025-02-02,20\n"
    )
    (tmp_path / "refunds_2025.csv").write_text("Order ID,Amount,Refunded At\n1,5,2025-02-03\n")
    assert totals(report(tmp_path, Mapping(currency="EUR"))) == (2, 2, 50.0, 5.0)


def test_a_file_of_the_historys_own_columns_is_none_of_these(tmp_path):
    path = export(tmp_path, "order_id,customer_id,ordered_at,amount\n1,a,2025-01-02,30\n")
    assert report(path).format is None


def test_nothing_is_recognised_where_that_is_told(tmp_path):
    with pytest.raises(HistoryError, match="orders must have the columns"):
        report(export(tmp_path, SHOPIFY), Mapping(format="none"))


def test_a_format_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(
        HistoryError, match=r"must have the columns of Stripe payments; \['id', 'Amount"
    ):
        report(export(tmp_path, SHOPIFY), Mapping(format="stripe"))


def test_a_mapping_of_columns_comes_before_the_header(tmp_path):
    columns = {
        "order_id": "Name", "customer_id": "Email", "ordered_at": "Created at", "amount": "Total"
    }  # fmt: skip
    mapping = Mapping(currency="EUR", tables={"orders": TableMapping(columns=columns)})
    found = report(export(tmp_path, SHOPIFY), mapping)
    assert found.format is None
    kinds = {problem.kind for problem in found.problems}
    assert {"status_not_read", "refund_not_read"} <= kinds


def test_the_same_is_recognised_in_a_frame_of_text():
    frame = pl.read_csv(STRIPE.encode(), infer_schema=False).to_pandas()
    history = History(frame)
    assert history.formats == {"orders": "stripe"}
    assert history.mapping.currency == "EUR"


def test_ids_that_pandas_made_floats_are_named():
    def problem(largest: float):
        frame = pl.DataFrame(
            {"order_id": ["1", "2"], "customer_id": [7.0, largest],
             "ordered_at": ["2025-01-02"] * 2, "amount": ["30"] * 2}
        )  # fmt: skip
        settings = Mapping(currency="EUR")
        problems = check(take_in({"orders": frame}, settings), settings).problems
        return next(p for p in problems if p.kind == "ids_as_numbers")

    assert (problem(8.0).severity, problem(1e16).severity) == ("info", "error")
    assert "dtype=str" in problem(8.0).remedy


def test_consent_and_scores_in_words_are_understood():
    orders = pl.DataFrame(
        {"order_id": ["1"], "customer_id": ["ann@example.com"], "ordered_at": ["2025-01-02"],
         "amount": ["30"]}
    )  # fmt: skip
    profiles = pl.DataFrame(
        {"Email": ["Ann@example.com", "bo@example.com", "cy@example.com"],
         "Email Marketing Consent": ["SUBSCRIBED", "UNSUBSCRIBED", "NEVER_SUBSCRIBED"]}
    )  # fmt: skip
    tickets = pl.DataFrame(
        {"Ticket ID": ["1", "2"], "Requester email": ["Ann@example.com"] * 2,
         "Created at": ["2025-01-04 18:12"] * 2, "Solved at": ["2025-01-06 18:12"] * 2,
         "Satisfaction Score": ["Bad", "Unoffered"], "Status": ["Solved"] * 2}
    )  # fmt: skip
    history = History(orders, tickets, customers=profiles)
    assert history.formats == {"feedback": "zendesk", "customers": "klaviyo"}
    assert history.customers is not None and history.feedback is not None
    consent = history.customers.collect().to_native().sort("customer_id")["marketing_consent"]
    assert consent.to_list() == ["yes", "no", "no"]
    assert sorted(history.feedback.collect()["score"].to_list(), key=str) == [1.0, None]


def test_feedback_may_come_from_several_exports(tmp_path):
    (tmp_path / "orders.csv").write_text(
        "order_id,customer_id,ordered_at,amount\n1016,ann@example.com,2025-01-02,30\n"
    )
    (tmp_path / "tickets.csv").write_text(
        "Ticket ID,Requester email,Created at,Solved at,Satisfaction Score,Status\n"
        "1,Ann@example.com,2025-01-04 18:12,2025-01-06 18:12,Bad,Solved\n"
    )
    (tmp_path / "trustpilot.csv").write_text(
        "Review Created (UTC),Review Username,Review Stars,Review Content,Reference Number\n"
        "20-01-2025 10:11,Maël,4,Nice,1016\n21-01-2025 10:11,Ilse,1,Late,404\n"
    )
    mapping = Mapping.from_dict(
        {"currency": "EUR", "feedback": {"files": ["tickets.csv", "trust*.csv"]}}
    )
    history = History.open(tmp_path, mapping)
    assert history.feedback is not None
    said = history.feedback.collect().to_native().sort("day").select("kind", "score").rows()
    assert said == [("ticket", 1.0), ("review", 4.0)]
    (feedback,) = (a for a in report(tmp_path, mapping).accounting if a.table == "feedback")
    assert (feedback.rows_in, feedback.used, feedback.anonymous) == (3, 2, 1)


def test_files_that_are_not_read_are_told_with_what_they_look_like(tmp_path):
    export(tmp_path, STRIPE)
    (tmp_path / "reviews.csv").write_text(
        "Review Created (UTC),Review Stars,Review Content\n20-01-2025 10:11,4,Nice\n"
    )
    (tmp_path / "notes.txt").write_text("a;b\n1;2\n")
    assert unread_files(tmp_path, Mapping()) == {"notes.txt": None, "reviews.csv": "trustpilot"}


def test_a_review_finds_its_customer_by_its_order():
    orders = pl.DataFrame(
        {"order_id": ["1016"], "customer_id": ["ann"], "ordered_at": ["2025-01-02"],
         "amount": ["30"]}
    )  # fmt: skip
    reviews = pl.DataFrame(
        {"Review Created (UTC)": ["20-01-2025 10:11"], "Review Username": ["Maël"],
         "Review Stars": ["4"], "Review Content": ["Nice"], "Reference Number": ["1016"]}
    )  # fmt: skip
    history = History(orders, reviews)
    assert history.feedback is not None
    assert history.feedback.collect()["customer_id"].to_list() == ["ann"]


@pytest.mark.parametrize("name", formats())
def test_every_format_says_where_its_header_was_seen_and_what_it_means(name):
    found = formats()[name]
    assert found.seen and found.means and len(found.header) >= 2
    named: Sequence[str] = found.source.further
    assert found.source.columns and all(isinstance(column, str) for column in named)


def test_the_formats_are_documented():
    page = (Path(__file__).parents[3] / "docs" / "quickstarts.md").read_text(encoding="utf-8")
    for found in formats().values():
        assert f"| `{found.name}` | {found.title} | {found.means} |" in page


STRIPE_WITH_BOTH_IDS = """\
id,PaymentIntent ID,Amount,Amount Refunded,Currency,Status,Created date (UTC),Customer Email
ch_1,pi_1,10.00,0.00,eur,Paid,2024-01-05 10:00:00,a@b.c
,pi_2,20.00,5.00,eur,Paid,2024-01-06 10:00:00,a@b.c
"""


def test_payments_with_two_ids_are_told_apart(tmp_path):
    assert totals(report(export(tmp_path, STRIPE_WITH_BOTH_IDS))) == (1, 2, 30.0, 5.0)


@pytest.mark.parametrize("blank", ["", "  "])
@pytest.mark.parametrize("write", [str, str.lower])
def test_a_format_is_read_whatever_the_capitals_and_blanks_of_its_columns(tmp_path, blank, write):
    header = write("Verkaufsbeleg;Auftraggeber;Belegdatum;Nettowert;Absagegrund")
    text = f"{header}\n1;a;15.01.2024;1.000,50;{blank}\n2;a;16.01.2024;7,00;Z1\n"
    assert totals(report(export(tmp_path, text))) == (1, 1, 1000.5, 0.0)


PAYPAL_ROWS = """\
Date,Time,Type,Status,Currency,Gross,From Email Address,Transaction ID,Reference Txn ID
15/01/2024,10:00:00,Express Checkout Payment,Completed,EUR,10.5,a@b.c,T1,
16/01/2024,10:00:00,Payment Refund,Completed,EUR,-4.5,shop@b.c,T2,T1
17/01/2024,10:00:00,Payment Refund,Completed,EUR,3.5,supplier@b.c,T3,X9
"""


def test_what_the_shop_itself_got_back_is_no_order(tmp_path):
    assert totals(report(export(tmp_path, PAYPAL_ROWS))) == (1, 1, 10.5, 4.5)


def test_numbers_of_a_recognised_frame_may_have_their_type():
    orders = pl.read_csv(PAYPAL_ROWS.encode())
    intakes = take_in({"orders": orders}, Mapping())
    assert totals(check(intakes, Mapping())) == (1, 1, 10.5, 4.5)


SHOPIFY_ROW = """\
Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Customer
#1,a@b.c,paid,EUR,10.00,2024-01-15 10:00:00 +0100,1,7
"""


def test_of_the_columns_of_a_named_format_the_mapping_may_change_one(tmp_path):
    told = {"format": "shopify", "orders": {"columns": {"customer_id": "Customer"}}}
    mapping = Mapping.from_dict(told)
    intakes = take_in(dict(read_tables(export(tmp_path, SHOPIFY_ROW), mapping)), mapping)
    assert intakes["orders"].rows.collect()["customer_id"].to_list() == ["7"]


@pytest.mark.parametrize(
    "told", [{"drop": '"Typo" = 1'}, {"status": {"column": "Typo"}}, {"refund": {"amount": "Typo"}}]
)
def test_what_a_mapping_adds_to_a_format_must_be_there(tmp_path, told):
    with pytest.raises(HistoryError, match="Typo"):
        report(export(tmp_path, SHOPIFY_ROW), Mapping.from_dict({"orders": told}))
