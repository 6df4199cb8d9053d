"""Exports of shop systems and payment services, recognised by their headers."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files

from features.errors import HistoryError
from features.intake.headers import Header
from features.intake.mapping import Mapping, TableMapping
from features.schema import SCHEMAS

NONE = "none"
# Names of columns in a condition.
QUOTED = re.compile(r'"([^"]+)"')


@dataclass(frozen=True)
class Format:
    """An export whose columns are known.

    Attributes
    ----------
    name, title : str
        As it is called in settings and in words.
    seen : str
        Where its header was seen.
    table : str
        What it holds.
    header : tuple of str
        Columns by which it is recognised; it may have others.
    means : str
        How it is read, in words.
    source : TableMapping
        How it is read.
    """

    name: str
    title: str
    seen: str
    table: str
    header: tuple[str, ...]
    means: str
    source: TableMapping

    def fits(self, header: Header) -> bool:
        """Whether a file has the columns."""
        return all(header.find(name) for name in self.header)


@cache
def formats() -> dict[str, Format]:
    """All formats that are known, by name."""
    found = (entry for entry in files("features.intake.formats").iterdir())
    names = sorted(entry.name for entry in found if entry.name.endswith(".toml"))
    return {name.removesuffix(".toml"): _read(name) for name in names}


def _read(file: str) -> Format:
    text = files("features.intake.formats").joinpath(file).read_text(encoding="utf-8")
    content = tomllib.loads(text)
    source, table = content.pop("source"), content["table"]
    header = tuple(content.pop("header"))
    read = Mapping.from_dict({table: source}).of(table)
    return Format(name=file.removesuffix(".toml"), header=header, source=read, **content)


def recognised(table: str, names: Sequence[str], mapping: Mapping) -> Format | None:
    """The format of a table's source; None if it is none that is known, or is not to be looked for.

    Parameters
    ----------
    table : str
    names : sequence of str
        The source's header.
    mapping : Mapping
        Whose `format` may name one, or say "none"; where columns are mapped nothing is looked for.

    Raises
    ------
    HistoryError
        If the format that is named does not fit the header.
    """
    if mapping.format == NONE:
        return None
    header = Header(names)
    if mapping.format is not None:
        named = formats()[mapping.format]
        if named.table != table:
            return None
        if not named.fits(header):
            missing = [name for name in named.header if not header.find(name)]
            raise HistoryError(
                f"{table} must have the columns of {named.title}; {missing} are not among "
                f'{sorted(names)}. Choose another format, or format = "none".'
            )
        return named
    required = [column.source for column in SCHEMAS[table] if column.required]
    if mapping.of(table).columns or all(header.find(name) for name in required):
        return None
    fitting = [f for f in formats().values() if f.table == table and f.fits(header)]
    return max(fitting, key=lambda f: len(f.header), default=None)


def read_as(found: Format, own: TableMapping) -> TableMapping:
    """How a recognised source is read: as the format says, but for what the mapping says itself.

    Of columns the mapping may name some.
    """
    plain = TableMapping()
    said = {
        field.name: getattr(own, field.name)
        for field in fields(own)
        if getattr(own, field.name) != getattr(plain, field.name)
    }
    columns = {**found.source.columns, **own.columns}
    return replace(found.source, **{**said, "columns": columns})


def optional(source: TableMapping, names: Sequence[str]) -> TableMapping:
    """The mapping of a format without those columns that an export was made without."""
    header = Header(names)
    kept = {
        column: there
        for column, sources in ((c, source.sources(c)) for c in source.columns)
        if (
            there := tuple(name for name in sources if header.find(name))
            or _needed(column, sources)
        )
    }
    columns = {column: there[0] if len(there) == 1 else there for column, there in kept.items()}
    status, refund = source.status, source.refund
    return replace(
        source,
        columns=columns,
        drop=_by_its_names(source.drop, header),
        time=source.time if source.time and header.find(source.time) else None,
        status=status if status and header.find(status.column) else None,
        refund=refund
        and replace(
            refund,
            **{
                key: name if name and header.find(name) else None
                for key, name in vars(refund).items()
            },
        ),
    )


def _by_its_names(condition: str | None, header: Header) -> str | None:
    """A condition with the names of columns as an export writes them; None if it lacks one."""
    if condition is None:
        return None
    found = {name: header.find(name) for name in QUOTED.findall(condition)}
    if None in found.values():
        return None
    return QUOTED.sub(lambda name: '"' + str(found[name[1]]).replace('"', '""') + '"', condition)


def _needed(column: str, sources: tuple[str, ...]) -> tuple[str, ...]:
    """Columns without which nothing can be read stay, to be asked for."""
    return sources if column in ("order_id", "customer_id", "ordered_at", "amount") else ()
