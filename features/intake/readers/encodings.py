"""Text of any encoding becomes UTF-8; which one it was is found or told."""

from __future__ import annotations

import codecs
from mmap import mmap

import numpy as np

from features.errors import HistoryError
from features.intake.readers.content import BOM, Content

# The longest first: no mark may be the start of a later one.
MARKS = ((BOM, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
WINDOWS = "cp1252"
CHUNK = 1 << 18
ASCII = 128


def as_utf8(content: Content, encoding: str | None) -> tuple[Content, str]:
    """Text in UTF-8, and the encoding it had.

    A byte order mark is believed first, then what is told; else bytes that are no UTF-8 are those
    of Windows in Western Europe.

    Parameters
    ----------
    content : Content
    encoding : str or None
        A text encoding that Python knows; None if it is to be found.

    Raises
    ------
    HistoryError
        If bytes are not of the encoding: the first one, with its line.
    """
    view = content.view()
    marked = next((name for mark, name in MARKS if view[: len(mark)] == mark), None)
    told = marked or (codecs.lookup(encoding).name.removesuffix("-sig") if encoding else None)
    if told in {None, "utf-8"}:
        wrong = _first_wrong_byte(view)
        if wrong is None:
            return content, "utf-8"
        if told is not None:
            raise _refusal(content.name, view[:], wrong, "utf-8")
    codec = told or WINDOWS
    return _decoded(content, codec, is_found=encoding is None), codec


def _decoded(content: Content, codec: str, is_found: bool) -> Content:
    data = content.read()
    try:
        text = data.decode(codec).removeprefix("\ufeff")
        return Content(content.name, text.encode())
    except UnicodeDecodeError as error:
        raise _refusal(content.name, data, error.start, codec, is_found) from None
    except UnicodeError as error:
        raise HistoryError(
            f"{content.name} is not in the encoding {codec}: {error}. Correct encoding in "
            "history.toml."
        ) from None


def _first_wrong_byte(view: bytes | mmap) -> int | None:
    """Offset of the first byte that is no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    data = np.frombuffer(view, np.uint8)
    for offset in range(0, len(data), CHUNK):
        chunk = data[offset : offset + CHUNK]
        pending = len(decoder.getstate()[0])
        if not pending and chunk.max() < ASCII:
            continue
        try:
            decoder.decode(chunk.tobytes(), offset + CHUNK >= len(data))
        except UnicodeDecodeError as error:
            return offset - pending + error.start
    return None


def _refusal(
    name: str, data: bytes, offset: int, codec: str, is_found: bool = False
) -> HistoryError:
    line = data[:offset].decode(codec, "ignore").count("\n") + 1
    known = f"neither UTF-8 nor {codec}" if is_found else f"not {codec}"
    return HistoryError(
        f"{name} line {line}: the byte 0x{data[offset]:02x} at offset {offset} is {known}. "
        'Name the encoding of the file as encoding = "…" in history.toml, or save it as UTF-8.'
    )
