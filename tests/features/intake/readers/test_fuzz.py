"""Random text files are read cell by cell as Python's csv module reads them, or refused."""

import csv
import gzip
import io
import os
import random

import polars as pl
import pytest

from features.errors import HistoryError
from features.intake.readers import encodings, regular, text
from features.intake.readers.files import read_file
from features.intake.readers.reading import Reading

# `make soak` reads more.
FILES, BLOCK = int(os.environ.get("HOLDFAST_FUZZ_FILES", "500")), 100
ENDS = ("\n", "\r\n")
BITS = ("a", "b1", "é", " ", "7", "漢", "", "", "x y")
INSIDE_QUOTES = ('""', "\n", "\r\n", "\r", ",", ";", "\t", "|", *BITS)
TROUBLE = ('"', '""', "\n", "\r", "\r\n", "\0", "\n\n", '"\n', '\n"', ',"', '",', "\ufeff")


def random_cell(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return f'"{"".join(rng.choices(INSIDE_QUOTES, k=rng.randrange(4)))}"'
    return "".join(rng.choices(BITS, k=rng.randrange(3)))


def random_text(rng: random.Random, separator: str) -> str:
    width, height = rng.randint(1, 5), 3000 if rng.random() < 0.01 else rng.randrange(8)
    is_mixed, end = rng.random() < 0.2, rng.choice(ENDS)
    names = [rng.choice((f"c{i}", f" c{i} ", f'"c{i}"', f'"c\n{i}"')) for i in range(width)]
    if rng.random() < 0.1:
        names[-1] = rng.choice(("", "c0"))
    rows = [names, *([random_cell(rng) for _ in names] for _ in range(height))]
    if rng.random() < 0.1:
        rng.choice(rows).append("more")
    lines = [separator.join(row) + (rng.choice(ENDS) if is_mixed else end) for row in rows]
    whole = "".join(lines)
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        place = rng.randrange(len(whole) + 1)
        whole = whole[:place] + rng.choice((*TROUBLE, separator)) + whole[place:]
    return whole if rng.random() < 0.7 else whole.rstrip("\r\n")


def records_of(whole: str, separator: str) -> list[list[str]] | None:
    """The csv module's records; None if a quote stays open."""
    lines = io.StringIO(whole + "\nEND", newline="")
    records = [cells for cells in csv.reader(lines, delimiter=separator) if cells]
    return records if records.pop() == ["END"] else None


def by_csv(whole: str, separator: str) -> pl.DataFrame | None:
    """What the csv module makes of it; None where records differ or a quote stays open."""
    records = records_of(whole, separator)
    if records is None or len({*map(len, records)}) != 1:
        return None
    header, *rows = records
    names = [name.strip() or f"column_{i}" for i, name in enumerate(header, start=1)]
    if len({*names}) < len(names):
        return None
    cells = [[cell or None for cell in row] for row in rows]
    frame = pl.DataFrame(cells, dict.fromkeys(names, pl.String), orient="row")
    while header and not header[-1].strip():
        header.pop()
    tail = names[len(header) :]
    return frame.drop(name for name in tail if frame[name].null_count() == frame.height)


def no_row_is_lost(seed: int, path, whole: str) -> None:
    """Read by evidence alone: whatever stands above the rows is the header, or told as skipped."""
    try:
        file = read_file(path)
    except HistoryError:
        return
    rows = [[cell or "" for cell in row] for row in file.frame.collect().rows()]
    records = records_of(whole, file.found.separator)
    assert records is not None, (seed, whole)
    above, below = records[: len(records) - len(rows)], records[len(records) - len(rows) :]
    width = file.frame.collect_schema().len()
    assert above, (seed, whole)
    says_something = any(cell.strip() for cells in above[:-1] for cell in cells)
    assert not says_something or file.found.skipped_lines, (seed, whole)
    assert not width or rows == [cells[:width] for cells in below], (seed, whole)


def compare(seed: int, folder) -> str:
    """Read the file of that number both ways; 'read' or 'refused'."""
    rng = random.Random(seed)
    separator = rng.choice(",;\t|")
    whole = random_text(rng, separator)
    data = (b"\xef\xbb\xbf" if rng.random() < 0.2 else b"") + whole.encode()
    is_packed = rng.random() < 0.2
    path = folder / ("orders.csv.gz" if is_packed else "orders.csv")
    path.write_bytes(gzip.compress(data) if is_packed else data)
    no_row_is_lost(seed, path, data.decode("utf-8-sig"))
    expected = by_csv(data.decode("utf-8-sig"), separator)
    try:
        frame = read_file(path, Reading(separator=separator, skip_lines=0)).frame
    except HistoryError:
        assert expected is None, (seed, data)
        return "refused"
    assert expected is not None, (seed, data)
    assert frame.collect().equals(expected), (seed, data)
    if expected.width:
        some = rng.sample(expected.columns, rng.randint(1, expected.width))
        assert frame.select(some).collect().equals(expected.select(some)), (seed, some, data)
    assert frame.select(pl.len()).collect().item() == expected.height or not expected.width
    return "read"


@pytest.mark.parametrize("block", range(FILES // BLOCK))
def test_a_random_file_is_read_as_by_the_csv_module_or_refused(block, tmp_path, monkeypatch):
    for reader in (regular, encodings):
        monkeypatch.setattr(reader, "CHUNK", (3, 16, 1 << 20)[block % 3])
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        compare(seed, tmp_path)


def test_the_random_files_take_every_way(tmp_path, monkeypatch):
    regular = []
    decide = text.is_regular
    monkeypatch.setattr(
        text, "is_regular", lambda *given: regular.append(decide(*given)) or regular[-1]
    )
    outcomes = [compare(seed, tmp_path) for seed in range(200)]
    assert min(map(outcomes.count, ("read", "refused"))) > 20
    assert min(map(regular.count, (True, False))) > 20
