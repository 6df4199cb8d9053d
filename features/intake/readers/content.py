"""The bytes of a table file, on disk or in memory, unpacked."""

from __future__ import annotations

import gzip
import io
import mmap
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from features.errors import HistoryError
from features.intake.location import SUFFIXES

BOM = b"\xef\xbb\xbf"
PACKED = (".zip", ".gz")
# What zipfile and gzip raise for what they cannot unpack; a RuntimeError asks for a password.
DAMAGED = (
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    UnicodeDecodeError,
)


@dataclass(frozen=True)
class Content:
    """What a table file holds: on disk as it is, or in memory once unpacked or decoded.

    Attributes
    ----------
    name : str
        For messages; its end tells the format.
    source : Path or bytes
    """

    name: str
    source: Path | bytes

    def view(self) -> bytes | mmap.mmap:
        """All bytes, without reading those that nobody looks at."""
        if isinstance(self.source, bytes):
            return self.source
        with self.source.open("rb") as file:
            size = self.source.stat().st_size
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""

    def read(self) -> bytes:
        """All bytes, in memory."""
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()

    def lines(self) -> Iterator[str]:
        """The lines of UTF-8 text with the ends they have, as Python's csv module wants them."""
        is_bytes = isinstance(self.source, bytes)
        # The type of the source follows is_bytes, which mypy does not see.
        binary = io.BytesIO(self.source) if is_bytes else self.source.open("rb")  # type: ignore[arg-type,union-attr]
        with io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as text:
            yield from text


def unpacked(content: Content) -> Content:
    """The table file in a .gz or a .zip; any other is returned as it is.

    Raises
    ------
    HistoryError
        If it is damaged, needs a password, or a .zip does not hold exactly one table file.
    """
    name = content.name.lower()
    if not name.endswith(PACKED):
        return content
    try:
        inside = _of_zip(content) if name.endswith(".zip") else _of_gzip(content)
    except DAMAGED as error:
        raise HistoryError(
            f"{content.name} cannot be unpacked: {str(error).rstrip('.')}. "
            "Export or copy it again, without a password."
        ) from None
    return unpacked(inside)


def _of_gzip(content: Content) -> Content:
    return Content(content.name[: -len(".gz")], gzip.decompress(content.read()))


def _of_zip(content: Content) -> Content:
    source = content.source
    with zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as archive:
        held = [name for name in archive.namelist() if not _is_clutter(name)]
        tables = [name for name in held if _is_table(name)]
        if len(tables) != 1:
            raise HistoryError(
                f"{content.name} must hold exactly one table file; it holds {held[:10]}. Unpack "
                'it and name one under [orders] file = "…", or pack that one alone.'
            )
        return Content(f"{content.name}/{tables[0]}", archive.read(tables[0]))


def _is_clutter(name: str) -> bool:
    return (
        name.endswith("/")
        or name.startswith("__MACOSX/")
        or PurePosixPath(name).name.startswith(".")
    )


def _is_table(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.lower().endswith(".zip")
