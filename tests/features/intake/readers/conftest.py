"""Small workbooks, written as the bare XML that they are."""

from zipfile import ZipFile

import pytest

SHEET_XML = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DATE = 1
STATES = {True: "hidden", False: "visible"}


def cell(value, place):
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
    if isinstance(value, tuple):
        return f'<c r="{place}" s="{DATE}"><v>{value[0]}</v></c>'
    return "" if value is None else f'<c r="{place}"><v>{value}</v></c>'


def sheet_xml(rows):
    lines = [
        "<row>" + "".join(cell(v, f"{chr(65 + j)}{i}") for j, v in enumerate(row)) + "</row>"
        for i, row in enumerate(rows, start=1)
    ]
    data = f"<sheetData>{''.join(lines)}</sheetData>"
    return f'<worksheet xmlns="{SHEET_XML}">{data}</worksheet>'


def relations(targets):
    links = "".join(
        f'<Relationship Id="r{i}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'


@pytest.fixture
def write_workbook():
    """Write an .xlsx of sheets: name -> rows of text, numbers, None, or (days since 1900,)."""

    def write(path, sheets, hidden=()):
        names = "".join(
            f'<sheet name="{name}" sheetId="{i}" r:id="r{i}" state="{STATES[name in hidden]}"/>'
            for i, name in enumerate(sheets, start=1)
        )
        parts = [("worksheet", f"s{i}.xml") for i, _ in enumerate(sheets)] + [
            ("styles", "styles.xml")
        ]
        with ZipFile(path, "w") as file:
            file.writestr("[Content_Types].xml", f'<Types xmlns="{PACKAGE}/content-types"></Types>')
            file.writestr("_rels/.rels", relations([("officeDocument", "xl/workbook.xml")]))
            file.writestr("xl/_rels/workbook.xml.rels", relations(parts))
            file.writestr(
                "xl/workbook.xml",
                f'<workbook xmlns="{SHEET_XML}" xmlns:r="{OFFICE}"><sheets>{names}</sheets>'
                "</workbook>",
            )
            file.writestr(
                "xl/styles.xml",
                f'<styleSheet xmlns="{SHEET_XML}"><cellXfs count="2"><xf numFmtId="0"/>'
                '<xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>',
            )
            for i, rows in enumerate(sheets.values()):
                file.writestr(f"xl/s{i}.xml", sheet_xml(rows))
        return path

    return write
