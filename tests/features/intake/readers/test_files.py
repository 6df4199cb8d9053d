"""Every format is read; what is packed is unpacked; the rest is refused with its reason."""

import gzip
import io
from zipfile import ZipFile

import polars as pl
import pytest

from features.errors import HistoryError
from features.intake.location import SUFFIXES, WORKBOOKS
from features.intake.readers.files import read_file
from features.intake.readers.reading import FileReading

CSV = b"id,name\n1,a\n"


def zipped(path, members):
    with ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def parquet():
    target = io.BytesIO()
    pl.DataFrame({" id": [1], "name": ["a"]}).write_parquet(target)
    return target.getvalue()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".CSV"])
def test_text_is_read_plain_and_packed(tmp_path, suffix):
    plain, small = tmp_path / f"orders{suffix}", tmp_path / f"orders{suffix}.gz"
    plain.write_bytes(CSV)
    small.write_bytes(gzip.compress(CSV, mtime=0))
    for path in (plain, small):
        assert read_file(path).frame.collect().rows() == [("1", "a")]


def test_parquet_keeps_its_types_and_names_lose_their_blanks(tmp_path):
    path = tmp_path / "orders.parquet"
    path.write_bytes(parquet())
    file = read_file(path)
    assert file.frame.collect().to_dict(as_series=False) == {"id": [1], "name": ["a"]}
    assert file.found == FileReading()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("orders.csv", CSV),
        ("out/orders.txt.gz", gzip.compress(CSV, mtime=0)),
        ("a.parquet", parquet()),
    ],
)
def test_an_archive_of_one_table_is_read(tmp_path, name, data):
    clutter = {"__MACOSX/._orders.csv": b"x", ".DS_Store": b"x", "read.me": b"x", "out/": b""}
    path = zipped(tmp_path / "orders.zip", {name: data, **clutter})
    assert [*map(str, read_file(path).frame.collect().row(0))] == ["1", "a"]


@pytest.mark.parametrize("members", [{}, {"a.csv": CSV, "b.txt": CSV}, {"a.pdf": b""}])
def test_an_archive_of_not_one_table_says_what_it_holds(tmp_path, members):
    path = zipped(tmp_path / "orders.zip", members)
    with pytest.raises(HistoryError, match=r"orders.zip must hold exactly one table file") as told:
        read_file(path)
    assert str(list(members)) in str(told.value)


@pytest.mark.parametrize("suffix", [".csv.gz", ".zip", ".parquet", *WORKBOOKS])
@pytest.mark.parametrize("data", [b"", b"no table" * 100], ids=["empty", "damaged"])
def test_a_damaged_file_is_refused_by_name(tmp_path, suffix, data):
    path = tmp_path / f"orders{suffix}"
    path.write_bytes(data)
    with pytest.raises(HistoryError, match=f"orders{suffix} cannot be|orders.csv cannot be read"):
        read_file(path)


def test_a_cut_archive_is_refused(tmp_path):
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress(CSV * 1000, mtime=0)[:-20])
    with pytest.raises(HistoryError, match=r"orders.csv.gz cannot be unpacked: .* again"):
        read_file(path)


def test_an_archive_with_a_password_is_refused(tmp_path):
    path = zipped(tmp_path / "orders.zip", {"orders.csv": CSV})
    data = bytearray(path.read_bytes())
    for flags in (6, data.index(b"PK\x01\x02") + 8):
        data[flags] |= 1
    path.write_bytes(data)
    with pytest.raises(HistoryError, match=r"orders.zip cannot be unpacked: .* without a password"):
        read_file(path)


def test_another_format_is_refused_with_those_that_are_read(tmp_path):
    path = tmp_path / "orders.json"
    path.touch()
    with pytest.raises(HistoryError, match=r"orders.json must be a table file: \.parquet") as told:
        read_file(path)
    assert all(suffix in str(told.value) for suffix in SUFFIXES)
