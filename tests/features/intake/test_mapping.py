"""A history.toml is read whole or refused with its reason."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from features.errors import HistoryError
from features.intake.mapping import (
    NOT_COUNTED,
    SCALES,
    TABLES,
    Mapping,
    Refund,
    Status,
    TableMapping,
)
from features.schema import SCHEMAS

WHOLE = """
timezone = "Europe/Paris"
currency = "EUR"
separator = ";"
encoding = "cp1252"
skip_lines = 2
decimal = ","
recording_lag_days = 2

[orders]
file = "lines.csv"
table = "sales.lines"
date_format = ["%d/%m/%Y %H:%M", "%d/%m/%Y"]
drop = "price < 0"
columns = { order_id = "invoice", ordered_at = "day" }
constants = { currency = "EUR" }
lines = { quantity = "units", price = "unit price" }

[feedback]
date_format = "epoch_ms"
scales = { effort = [1, 7] }

[customers]
static = ["region", "segment"]
categories = { segment = ["gold", "silver"] }
"""


def read(tmp_path, text):
    path = tmp_path / "history.toml"
    path.write_text(text, encoding="utf-8")
    return Mapping.read(path)


def test_every_key_of_a_history_toml_is_read(tmp_path):
    assert read(tmp_path, WHOLE) == Mapping(
        timezone="Europe/Paris",
        currency="EUR",
        separator=";",
        encoding="cp1252",
        skip_lines=2,
        decimal=",",
        recording_lag_days=2.0,
        scales={**SCALES, "effort": (1.0, 7.0)},
        static=("region", "segment"),
        categories={"segment": ("gold", "silver")},
        tables={
            "orders": TableMapping(
                file="lines.csv",
                table="sales.lines",
                columns={"order_id": "invoice", "ordered_at": "day"},
                constants={"currency": "EUR"},
                date_format=("%d/%m/%Y %H:%M", "%d/%m/%Y"),
                drop="price < 0",
                quantity="units",
                price="unit price",
            ),
            "feedback": TableMapping(date_format=("epoch_ms",)),
            "customers": TableMapping(),
        },
    )


def test_an_empty_mapping_is_the_default_one(tmp_path):
    assert read(tmp_path, "") == Mapping()


def test_notepads_byte_order_mark_is_no_error(tmp_path):
    assert read(tmp_path, '\ufeffcurrency = "EUR"').currency == "EUR"


def test_a_table_without_a_section_is_mapped_to_itself():
    assert Mapping().of("offers") == TableMapping()
    assert TableMapping().source("order_id") == "order_id"


def test_a_mapping_that_is_not_there_says_so(tmp_path):
    with pytest.raises(HistoryError, match=r"nowhere\.toml does not exist\. Check the path"):
        Mapping.read(tmp_path / "nowhere.toml")


def test_a_folder_is_no_mapping(tmp_path):
    with pytest.raises(HistoryError, match="cannot be read"):
        Mapping.read(tmp_path)


def test_an_error_says_which_file_it_is_in(tmp_path):
    with pytest.raises(HistoryError, match=r"history\.toml:\ndecimal must be"):
        read(tmp_path, 'decimal = "x"')


@pytest.mark.parametrize("text", ["currency = EUR", "[orders", "a = 1\na = 2", "\x00"])
def test_what_is_no_toml_is_refused(tmp_path, text):
    with pytest.raises(HistoryError, match=r"history\.toml cannot be read"):
        read(tmp_path, text)


ZONE = "must be an IANA name such as Europe/Paris"
FORMATS = (
    "must be strptime formats such as %d/%m/%Y %H:%M, or one of epoch_ms, epoch_s, epoch_us alone"
)
CONSTANT = "must be text, a finite number, true or false"
WRONG = {
    "curency = 'EUR'": "curency is not known here. Did you mean currency?",
    "[sales]": "sales is not known here",
    "currency = 1": "currency must be text; got 1",
    "currency = ''": "currency must not be blank; got ''",
    "timezone = 'CEST+1'": f"timezone {ZONE}; got 'CEST+1'",
    "timezone = 'Europe'": f"timezone {ZONE}; got 'Europe'",
    "timezone = '../Paris'": f"timezone {ZONE}; got '../Paris'",
    "timezone = 1": "timezone must be text; got 1",
    "timezone = ''": "timezone must not be blank; got ''",
    "separator = ';;'": "separator must be one character of ASCII; got ';;'",
    "separator = '§'": "separator must be one character of ASCII; got '§'",
    "separator = '\"'": "separator must be no quote and no line end; got '\"'",
    "encoding = 'utf-9'": "encoding must be an encoding that Python knows; got 'utf-9'",
    "encoding = 'rot13'": "encoding must be an encoding that Python knows; got 'rot13'",
    "encoding = 'a\\u0000'": "encoding must be an encoding that Python knows; got 'a",
    "skip_lines = -1": "skip_lines must be at least 0; got -1",
    "skip_lines = 1.5": "skip_lines must be a whole number; got 1.5",
    "skip_lines = true": "skip_lines must be a whole number; got True",
    "decimal = ';'": "decimal must be '.' or ','; got ';'",
    "recording_lag_days = -1": "recording_lag_days must be at least 0.0; got -1",
    "recording_lag_days = nan": "recording_lag_days must be a finite number; got nan",
    "recording_lag_days = inf": "recording_lag_days must be a finite number; got inf",
    "recording_lag_days = 'two'": "recording_lag_days must be a number; got 'two'",
    "recording_lag_days = true": "recording_lag_days must be a number; got True",
    "orders = 'orders.csv'": "orders must be a table; got 'orders.csv'",
    "[[orders]]": "orders must be a table; got [{}]",
    "[orders]\ncolums = 1": "orders.colums is not known here. Did you mean columns?",
    "[orders]\nfile = 1": "orders.file must be text; got 1",
    "[orders]\nfile = ['a.csv']": "orders.file must be text; got ['a.csv']",
    "[orders]\nfile = ''": "orders.file must not be blank; got ''",
    "[orders]\ntable = true": "orders.table must be text; got True",
    "[orders]\ndrop = 1": "orders.drop must be text; got 1",
    "[orders]\ndrop = ''": "orders.drop must not be blank; got ''",
    "[orders]\ndate_format = 1": "orders.date_format must be a list; got 1",
    "[orders]\ndate_format = [1]": "orders.date_format.0 must be text; got 1",
    "[orders]\ndate_format = 'DD/MM/YYYY'": f"orders.date_format {FORMATS}; got 'DD/MM/YYYY'",
    "[orders]\ndate_format = ['epoch_s', '%Y']": f"date_format {FORMATS}; got ['epoch_s', '%Y']",
    "[orders]\ncolumns = ['invoice']": "orders.columns must be a table; got ['invoice']",
    "[orders.columns]\norder_id = 1": "orders.columns.order_id must be text; got 1",
    "[orders.columns]\norder_id = ''": "orders.columns.order_id must not be blank; got ''",
    "[orders.columns]\n'' = 'id'": "orders.columns. must not be blank; got ''",
    "[orders]\nconstants = 'EUR'": "orders.constants must be a table; got 'EUR'",
    "[orders.constants]\nx = ['EUR']": f"orders.constants.x {CONSTANT}; got ['EUR']",
    "[orders.constants]\nx = 2024-01-01": f"orders.constants.x {CONSTANT}; got datetime.date(",
    "[orders.constants]\nx = inf": f"orders.constants.x {CONSTANT}; got inf",
    "[orders]\nlines = 1": "orders.lines must be a table; got 1",
    "[orders.lines]\nprice = 'price'": "orders.lines.quantity is missing",
    "[orders.lines]\nquantity = 'units'": "orders.lines.price is missing",
    "[orders.lines]\nquantity = 1\nprice = 'p'": "orders.lines.quantity must be text; got 1",
    "[orders.lines]\nquantity = 'a'\nprice = 'b'\nunit = 'c'": "orders.lines.unit is not known",
    "[feedback.lines]\nquantity = 'a'\nprice = 'b'": "feedback.lines is not known here",
    "[feedback]\nscales = [1, 5]": "feedback.scales must be a table; got [1, 5]",
    "[feedback.scales]\nx = 7": "feedback.scales.x must be [lowest, highest]; got 7",
    "[feedback.scales]\nx = [7]": "feedback.scales.x must be [lowest, highest]; got [7]",
    "[feedback.scales]\nx = [1, 5, 7]": "scales.x must be [lowest, highest]; got [1, 5, 7]",
    "[feedback.scales]\nx = [7, 1]": "feedback.scales.x must be [lowest, highest]; got [7, 1]",
    "[feedback.scales]\nx = [7, 7]": "feedback.scales.x must be [lowest, highest]; got [7, 7]",
    "[feedback.scales]\nx = [1, inf]": "feedback.scales.x must be [lowest, highest]; got [1, inf]",
    "[feedback.scales]\nx = ['a', 5]": "feedback.scales.x must be [lowest, highest]; got ['a', 5]",
    "[orders.scales]\nx = [1, 7]": "orders.scales is not known here",
    "[customers]\nstatic = 'region'": "customers.static must be a list; got 'region'",
    "[customers]\nstatic = [1]": "customers.static.0 must be text; got 1",
    "[customers]\nnumbers = ['']": "customers.numbers.0 must not be blank; got ''",
    "[customers]\ncategories = ['a']": "customers.categories must be a table; got ['a']",
    "[customers.categories]\nx = 'gold'": "customers.categories.x must be a list; got 'gold'",
    "[customers.categories]\n'age band' = 1": "categories.age band must be a list; got 1",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items())
def test_a_key_of_no_meaning_or_the_wrong_type_is_refused(text, message):
    with pytest.raises(HistoryError) as caught:
        Mapping.from_dict(tomllib.loads(text))
    (mistake,) = str(caught.value).splitlines()
    assert message in mistake


def test_every_mistake_of_a_file_is_told_at_once_by_table_and_key(tmp_path):
    with pytest.raises(HistoryError) as caught:
        read(
            tmp_path,
            'timezone = "Europe"\ncolour = 1\n[orders]\nfile = 1\n[orders.lines]\nprice = ""\n'
            "[feedback.scales]\neffort = [7, 1]\n[sales]\n[customers]\nnumbers = [true]\n",
        )
    head, *mistakes = str(caught.value).splitlines()
    assert head == f"mapping {tmp_path / 'history.toml'}:"
    assert [mistake.split()[0] for mistake in mistakes] == [
        "timezone",
        "orders.file",
        "orders.lines.quantity",
        "orders.lines.price",
        "feedback.scales.effort",
        "customers.numbers.0",
        "colour",
        "sales",
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"timezone": "Europe"}, f"timezone {ZONE}; got 'Europe'. "),
        ({"separator": ""}, "separator must not be blank; got ''. "),
        ({"decimal": "x"}, "decimal must be '.' or ','; got 'x'. "),
        ({"recording_lag_days": float("nan")}, "recording_lag_days must be a finite number; got "),
        ({"scales": {"mood": (2, 1)}}, "scales.mood must be [lowest, highest]; got [2, 1]. "),
        ({"static": "age"}, "static must be a list; got 'age'. "),
        ({"static": [7]}, "static.0 must be text; got 7. "),
    ],
)
def test_a_mapping_made_in_code_is_held_to_the_same_rules(settings, message):
    with pytest.raises(HistoryError, match=f"^{re.escape(message)}"):
        Mapping(**settings)


def test_lists_do_as_well_as_tuples_in_code():
    lists = {"static": ["plan"], "scales": {"mood": [1.0, 2.0]}, "categories": {"plan": ["a"]}}
    tuples = {"static": ("plan",), "scales": {"mood": (1.0, 2.0)}, "categories": {"plan": ("a",)}}

    assert Mapping(**lists) == Mapping(**tuples)
    assert TableMapping(date_format=["%d.%m.%Y"]).date_format == ("%d.%m.%Y",)


def test_a_table_made_in_code_is_held_to_the_same_rules():
    with pytest.raises(HistoryError, match=r"^file must not be blank; got ''"):
        TableMapping(file="")


@pytest.mark.parametrize("constant", ["EUR", 1, 1.5, True])
def test_a_constant_may_be_text_a_number_or_a_truth(constant):
    content = {"customers": {"constants": {"marketing_consent": constant}}}
    assert Mapping.from_dict(content).of("customers").constants == {"marketing_consent": constant}


def test_a_declared_scale_may_replace_a_built_in_one():
    mapping = Mapping.from_dict({"feedback": {"scales": {"review": [0, 10]}}})
    assert mapping.scales["review"] == (0.0, 10.0)
    assert SCALES["review"] == (1.0, 5.0)


DOCUMENT = (Path(__file__).parents[3] / "docs" / "history.md").read_text(encoding="utf-8")
EXAMPLE = tomllib.loads(re.search(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)[1])


def test_the_documented_history_toml_is_a_valid_one():
    mapping = Mapping.from_dict(EXAMPLE)
    assert mapping.of("orders").is_lines
    assert mapping.scales["effort"] == (1.0, 7.0)


def test_the_documented_mistakes_are_told_so():
    with pytest.raises(HistoryError) as caught:
        Mapping.from_dict({"recording_lag_days": "2", "orders": {"colums": {}}})
    assert f"mapping shop/history.toml:\n{caught.value}\n```" in DOCUMENT


def test_every_key_of_history_toml_is_documented():
    top = {f.name for f in fields(Mapping)} - {
        "scales",
        "static",
        "numbers",
        "categories",
        "tables",
    }
    assert top <= EXAMPLE.keys()
    of_a_table = {f.name for f in fields(TableMapping)} - {"quantity", "price"} | {"lines"}
    assert EXAMPLE["orders"]["status"].keys() == {f.name for f in fields(Status)}
    assert EXAMPLE["orders"]["refund"].keys() == {f.name for f in fields(Refund)}
    assert EXAMPLE["orders"].keys() == of_a_table
    assert "scales" in EXAMPLE["feedback"]
    assert {"static", "numbers", "categories"} == EXAMPLE["customers"].keys()


def test_every_status_that_does_not_count_is_documented():
    assert ", ".join(f"`{word}`" for word in NOT_COUNTED) in DOCUMENT


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_a_table_is_documented(table):
    section = DOCUMENT.split(f"### {table}\n")[1].split("\n#")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [
        column.source for column in SCHEMAS[table]
    ]


def test_every_kind_of_feedback_is_documented():
    for kind, (low, high) in SCALES.items():
        assert f"`{kind}` ({low:g} to {high:g})" in DOCUMENT


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"orders": None}, "orders must be a table"),
        ({"feedback": {"scales": None}}, "feedback.scales must be a table"),
        ({"orders": {"lines": None}}, "orders.lines must be a table"),
        ({"timezone": None}, "timezone must be text"),
    ],
)
def test_null_is_no_table_and_no_text(content, named):
    with pytest.raises(HistoryError, match=f"^{named}; got None"):
        Mapping.from_dict(content)
