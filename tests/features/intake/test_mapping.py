"""A history.toml is read whole or refused with its reason."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from features.errors import HistoryError
from features.intake.mapping import SCALES, TABLES, Mapping, TableMapping
from features.schema import SCHEMAS

WHOLE = """
timezone = "Europe/Paris"
currency = "EUR"
separator = ";"
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
    with pytest.raises(HistoryError, match=r"history\.toml: decimal must be"):
        read(tmp_path, 'decimal = "x"')


@pytest.mark.parametrize("text", ["currency = EUR", "[orders", "a = 1\na = 2", "\x00"])
def test_what_is_no_toml_is_refused(tmp_path, text):
    with pytest.raises(HistoryError, match=r"history\.toml cannot be read"):
        read(tmp_path, text)


WRONG = {
    "curency = 'EUR'": "the top level has unknown keys ['curency']",
    "[sales]": "unknown keys ['sales']",
    "currency = 1": "currency must be text",
    "currency = ''": "currency must be text",
    "timezone = 'CEST+1'": "timezone must be an IANA name",
    "timezone = 'Europe'": "timezone must be an IANA name",
    "timezone = '../Paris'": "timezone must be an IANA name",
    "timezone = 1": "timezone must be text",
    "separator = ';;'": "separator must be one character",
    "separator = '§'": "separator must be one character",
    "decimal = ';'": "decimal must be '.' or ','",
    "recording_lag_days = -1": "recording_lag_days must be a number of days >= 0",
    "recording_lag_days = nan": "recording_lag_days must be a number of days >= 0",
    "recording_lag_days = 'two'": "recording_lag_days must be a number",
    "recording_lag_days = true": "recording_lag_days must be a number",
    "orders = 'orders.csv'": "orders must be a table",
    "[orders]\nfiles = 'a.csv'": "[orders] has unknown keys ['files']",
    "[orders]\nfile = 1": "orders.file must be text",
    "[orders]\nfile = ['a.csv']": "orders.file must be text",
    "[orders]\ntable = true": "orders.table must be text",
    "[orders]\ndrop = 1": "orders.drop must be text",
    "[orders]\ndrop = ''": "orders.drop must be text",
    "[orders]\ndate_format = 1": "orders.date_format must be a list of texts",
    "[orders]\ndate_format = [1]": "orders.date_format must be text",
    "[orders]\ndate_format = 'DD/MM/YYYY'": "must be strptime formats such as %d/%m/%Y",
    "[orders]\ndate_format = ['epoch_s', '%Y']": "must be strptime formats",
    "[orders]\ncolumns = ['invoice']": "columns must be a table",
    "[orders.columns]\norder_id = 1": "orders.columns.order_id must be text",
    "[orders]\nconstants = 'EUR'": "constants must be a table",
    "[orders.constants]\ncurrency = ['EUR']": "orders.constants.currency must be text, a number",
    "[orders.constants]\nordered_at = 2024-01-01": "orders.constants.ordered_at must be text",
    "[orders]\nlines = 1": "lines must be a table",
    "[orders]\nlines = {}": "[orders.lines] must name the columns quantity and price",
    "[orders.lines]\nquantity = 'units'": "must name the columns quantity and price",
    "[orders.lines]\nquantity = 1\nprice = 2": "orders.lines.quantity must be text",
    "[orders.lines]\nquantity = 'a'\nprice = 'b'\nunit = 'c'": "unknown keys ['unit']",
    "[feedback.lines]\nquantity = 'a'\nprice = 'b'": "[feedback] has unknown keys ['lines']",
    "[feedback]\nscales = [1, 5]": "scales must be a table",
    "[feedback.scales]\neffort = 7": "feedback.scales.effort must be [lowest, highest]",
    "[feedback.scales]\neffort = [7, 1]": "scale of 'effort' must be [lowest, highest]",
    "[feedback.scales]\neffort = [1, inf]": "scale of 'effort' must be [lowest, highest]",
    "[feedback.scales]\neffort = ['a', 'b']": "feedback.scales.effort must be a number",
    "[orders.scales]\neffort = [1, 7]": "[orders] has unknown keys ['scales']",
    "[customers]\nstatic = 'region'": "customers.static must be a list of texts",
    "[customers]\nstatic = [1]": "customers.static must be text",
    "[customers]\ncategories = ['a']": "categories must be a table",
    "[customers.categories]\nsegment = 'gold'": "customers.categories.segment must be a list",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items())
def test_a_key_of_no_meaning_or_the_wrong_type_is_refused(tmp_path, text, message):
    with pytest.raises(HistoryError, match=re.escape(message)):
        read(tmp_path, text)


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
    assert EXAMPLE["orders"].keys() == of_a_table
    assert "scales" in EXAMPLE["feedback"]
    assert {"static", "numbers", "categories"} == EXAMPLE["customers"].keys()


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_a_table_is_documented(table):
    section = DOCUMENT.split(f"### {table}\n")[1].split("\n#")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [
        column.source for column in SCHEMAS[table]
    ]


def test_every_kind_of_feedback_is_documented():
    for kind, (low, high) in SCALES.items():
        assert f"`{kind}` ({low:g} to {high:g})" in DOCUMENT
