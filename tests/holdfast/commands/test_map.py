"""`holdfast map`: what it writes, shows, asks and refuses."""

import json

import pytest

from features.intake.mapping import Mapping
from holdfast.commands import mapping
from holdfast.render import output

EXPORT = """\
Bestellnummer;Kundennummer;Bestelldatum;Betrag
B-1;00017;31.01.2024;1.234,50
B-2;;01.02.2024;20,00
B-3;00017;15.02.2024;7,50
"""
AMBIGUOUS = """\
order_id,customer_id,ordered_at,amount
1,a,02/01/2024,10
2,b,03/04/2024,20
"""


@pytest.fixture
def export(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "export.csv"
    path.write_text(EXPORT)
    return path


@pytest.fixture
def ambiguous(export):
    export.write_text(AMBIGUOUS)
    return export


def test_check_reads_the_history_by_what_map_wrote(holdfast, export):
    mapped = holdfast("map", export)
    found = json.loads(holdfast("check", export, "--mapping", "history.toml", "--json").stdout)

    assert mapped.exit_code == 0
    assert (found["customers"], found["orders"], found["totals"]["gross"]) == (1, 2, 1242.0)


def test_rows_are_shown_as_they_are_read_and_what_sets_them_aside(holdfast, export):
    shown = holdfast("map", export).stdout.splitlines()
    rows = [line.split() for line in shown if line.startswith((" B-", "B-"))]

    assert rows[:2] == [
        ["B-1", "00017", "2024-01-31", "1,234.50"],
        ["B-2", "2024-02-01", "20.00", "anonymous"],
    ]


def test_it_tells_what_to_do_next(holdfast, export):
    shown = holdfast("map", export).stdout

    assert "written to history.toml\n" in shown
    assert shown.endswith(f"next: holdfast check {export} --mapping history.toml\n")


def test_of_a_folder_the_mapping_stands_where_check_looks_for_it(holdfast, export):
    folder = export.parent / "shop"
    folder.mkdir()
    (folder / "sales.csv").write_text(EXPORT)
    shown = holdfast("map", folder).stdout

    assert Mapping.read(folder / "history.toml").of("orders").file == "sales.csv"
    assert shown.endswith(f"next: holdfast check {folder}\n")
    assert json.loads(holdfast("check", folder, "--json").stdout)["orders"] == 2


def test_nothing_is_written_over(holdfast, export):
    target = export.parent / "history.toml"
    target.write_text("mine")
    found = holdfast("map", export)

    assert found.exit_code == 2
    assert found.stderr == (
        "error: --out must be a file that does not exist yet; history.toml does. Move it away, or "
        "name another file.\n"
    )
    assert target.read_text() == "mine"


def test_a_history_that_is_not_there_is_refused(holdfast, export):
    found = holdfast("map", "nowhere.csv")

    assert (found.exit_code, found.stdout) == (2, "")
    assert "history nowhere.csv does not exist." in found.stderr


def test_a_database_is_refused(holdfast, export):
    found = holdfast("map", "sqlite:///shop.db")

    assert found.exit_code == 2
    assert "HISTORY must be a file or a folder; got the address of a database." in found.stderr


def test_an_unknown_format_is_refused_and_nothing_is_written(holdfast, export):
    found = holdfast("map", export, "--format", "nonsense")

    assert found.exit_code == 2
    assert "format must be one of amazon" in found.stderr
    assert [path.name for path in export.parent.iterdir()] == ["export.csv"]


def test_a_recognised_export_is_told_by_its_name(holdfast, export):
    header = "Order ID,Order Status,Order Date,Order Total (inc tax),Customer Email"
    export.write_text(f"{header}\n1,Shipped,2024-01-05,20,a@x.org\n")
    shown = holdfast("map", export)

    assert "# Recognised by its header: BigCommerce orders export." in shown.stdout
    assert holdfast("map", export, "--format", "none", "--out", "own.toml").exit_code == 0


def test_what_is_doubtful_is_counted(holdfast, ambiguous):
    assert "; 1 line is marked unsure\n" in holdfast("map", ambiguous).stdout


def test_at_a_terminal_it_asks(holdfast, ambiguous, monkeypatch):
    monkeypatch.setattr(mapping, "at_terminal", lambda: True)
    monkeypatch.setattr("typer.prompt", answers(9, 2))
    shown = holdfast("map", ambiguous).stdout

    assert "How are dates written?" in shown
    assert Mapping.read("history.toml").of("orders").date_format == ("%m/%d/%Y",)
    assert "unsure" not in shown.partition("written to")[2]


def answers(*given: int):
    left = iter(given)
    return lambda *words, **options: next(left)


def test_with_json_nothing_is_asked(holdfast, ambiguous, monkeypatch):
    monkeypatch.setattr(mapping, "at_terminal", lambda: True)
    document = json.loads(holdfast("map", ambiguous, "--json").stdout)

    assert [guess["key"] for guess in document["guesses"] if guess["unsure"]] == [
        "orders.date_format"
    ]
    assert document["preview"][0]["ordered_at"] == "2024-01-02T00:00:00"


def test_a_history_that_cannot_be_read_so_is_told(holdfast, export):
    export.write_text(
        "id,mail,date,total,currency\n1,a@x.de,2024-01-05,5,EUR\n2,b@x.de,2024-01-06,5,USD\n"
    )
    found = holdfast("map", export)

    assert found.exit_code == 0
    assert "warning: not read so: orders must be in one currency" in found.stderr


def test_cells_cannot_steer_the_terminal(holdfast, export):
    export.write_text(EXPORT.replace("Betrag", "Bet\x1b[31mrag Betrag"))
    found = holdfast("map", export)

    assert "\x1b" not in found.stdout
    assert Mapping.read("history.toml").of("orders").source("amount") == "Bet\x1b[31mrag Betrag"


def test_lines_of_a_file_keep_their_blanks(capsys):
    output.verbatim("a   = 1\x1b")

    assert capsys.readouterr().out == "a   = 1\N{REPLACEMENT CHARACTER}\n"


def test_missing_columns_lead_to_map(holdfast, export):
    found = holdfast("check", export)

    assert found.exit_code == 2
    assert "in history.toml, or let holdfast map HISTORY propose a mapping." in found.stderr
