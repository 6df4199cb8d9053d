"""The encoding of a text is found, or told, or the byte that is wrong is named."""

import pytest

from features.errors import HistoryError
from features.intake.readers.files import read_file
from features.intake.readers.reading import Reading

TABLE = "id,name\n1,Zoë\n2,Grün\n"


def read(folder, data, encoding=None):
    path = folder / "orders.csv"
    path.write_bytes(data)
    return read_file(path, Reading(encoding=encoding))


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TABLE.encode(), "utf-8"),
        (TABLE.encode("utf-8-sig"), "utf-8"),
        (TABLE.encode("cp1252"), "cp1252"),
        (TABLE.encode("utf-16"), "utf-16-le"),
        (b"\xfe\xff" + TABLE.encode("utf-16-be"), "utf-16-be"),
    ],
    ids=["utf-8", "utf-8 with mark", "windows", "utf-16", "utf-16 the other way"],
)
def test_the_encoding_is_found(tmp_path, data, encoding):
    file = read(tmp_path, data)
    frame = file.frame.collect()
    assert (file.found.encoding, frame.columns) == (encoding, ["id", "name"])
    assert frame["name"].to_list() == ["Zoë", "Grün"]


@pytest.mark.parametrize("encoding", ["mac_roman", "utf-16-le", "UTF8", "latin-1"])
def test_an_encoding_that_is_told_is_used(tmp_path, encoding):
    frame = read(tmp_path, TABLE.encode(encoding), encoding).frame.collect()
    assert frame["name"].to_list() == ["Zoë", "Grün"]


def test_a_byte_order_mark_is_believed_before_what_is_told(tmp_path):
    file = read(tmp_path, TABLE.encode("utf-8-sig"), "cp1252")
    assert file.frame.collect().row(0) == ("1", "Zoë")


def test_a_byte_of_no_encoding_is_named(tmp_path):
    with pytest.raises(HistoryError, match=r"orders.csv line 2: the byte 0x81 at offset 10 is nei"):
        read(tmp_path, b"id,name\n1,\x81\n")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_byte_not_of_the_encoding_that_is_told_is_named(tmp_path, encoding):
    message = f"line 3: the byte 0xeb at offset 14 is not {encoding}. Name the encoding"
    with pytest.raises(HistoryError, match=message):
        read(tmp_path, b"id,name\n1,a\n2,\xeb\n", encoding)
