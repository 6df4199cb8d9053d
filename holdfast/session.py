"""What commands about a history begin with: its settings, the checks that come before reading."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from holdfast import files
from holdfast.failures import RequestError
from holdfast.render import output

if TYPE_CHECKING:
    from features.history.history import History, Past
    from features.intake.mapping import Mapping
    from holdfast.render.output import Tell


@dataclass(frozen=True)
class Told:
    """How a source is to be read, as a command was told.

    Attributes
    ----------
    mapping : str or None
        File with the mapping; default: the source's own.
    export : str or None
        Name of the format of its files, or none; default: that of the mapping.
    """

    mapping: str | None = None
    export: str | None = None

    def settings(self, source: str) -> Mapping:
        """The mapping with what was told besides."""
        from features.intake.location import read_mapping

        found = read_mapping(source, self.mapping)
        return found if self.export is None else replace(found, format=self.export)


@dataclass(frozen=True)
class Session:
    """A history that a command was asked about; nothing large is read yet.

    Attributes
    ----------
    source : str
        Folder, file or SQL URL.
    mapping : Mapping
    as_of : str or None
    """

    source: str
    mapping: Mapping
    as_of: str | None

    @classmethod
    def begin(
        cls,
        source: str,
        told: Told,
        as_of: str | None = None,
        shop: str | None = None,
        targets: Dict[str, Path | None] | None = None,
    ) -> Self:
        """Read the settings, and refuse what cannot be asked.

        Parameters
        ----------
        source : str
        told : Told
        as_of : str or None
        shop : str or None
            Its name; default: that of the settings.
        targets : mapping of str to Path or None
            Option -> file that the command is to write, which must not be the history's.

        Raises
        ------
        HistoryError
            If there is no such history, the mapping is wrong, or `as_of` is no date.
        RequestError
            If the name of the shop is empty, or a target is one of the history's own files.
        """
        from features.clock import as_day
        from features.intake.location import require_there

        require_there(source)
        settings = told.settings(source)
        if shop is not None:
            if not shop.strip():
                raise RequestError("--shop must be a name; got none. Leave it out, or name one.")
            settings = replace(settings, shop=shop.strip())
        if as_of is not None:
            as_day(as_of, settings.timezone)
        for option, target in (targets or {}).items():
            if target is not None:
                files.spare_history(option, target, source, settings)
        return cls(source, settings, as_of)

    def open(self, tell: Tell) -> History:
        """Read the history."""
        from features.history.history import History

        tell("reading")
        history = History.open(self.source, self.mapping)
        output.notes(read_as(history.formats))
        return history

    def open_past(self, tell: Tell) -> tuple[History, Past]:
        """Read the history, and cut it at `as_of`.

        Raises
        ------
        RequestError
            If nobody has ordered before `as_of`.
        """
        from holdfast.freshness import require_orders

        if self.as_of is None:
            raise ValueError("as_of must be given to cut a history; got None.")
        history = self.open(tell)
        past = history.at(self.as_of)
        require_orders(past)
        return history, past


def read_as(formats: Dict[str, str]) -> list[str]:
    """Which exports were recognised and what that means, a sentence for each table."""
    from features.intake.recognise import formats as known

    return [
        f"{table} read as {known()[name].title}: {known()[name].means}. Write format = "
        f'"none" in history.toml, or --format none, if they are not.'
        for table, name in formats.items()
    ]
