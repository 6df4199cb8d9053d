"""What a shop adds in code of its own: an object of an importable module, known by its digest."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from importlib import import_module, invalidate_caches, reload
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Self

from pydantic import Field

from features.errors import ExtensionError
from features.explanations import in_words

# Module -> digest of the file that was run, in this process.
RUN: dict[str, str] = {}

NAME = r"^[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*$"
Reference = Annotated[
    str,
    Field(pattern=NAME),
    in_words("must be module:name", 'Write for example "myshop.signals:WEEKEND_SHARE".'),
]
# A feature of a shop's own, see `features.own.named`.
FeatureName = Annotated[
    str,
    Field(pattern=rf"{NAME}|^(orders|feedback|offers|customers)\.[^:]+$"),
    in_words(
        "must be module:name or table.column",
        'Write for example "myshop.signals:WEEKEND_SHARE", or "orders.items".',
    ),
]


@dataclass(frozen=True)
class Extension:
    """An object of a module, and the module's file as it was when the object was first used.

    Nothing of a module runs unless its file is the very same: a model names the code it needs, and
    brings none.

    Attributes
    ----------
    reference : str
        `module:name`.
    digest : str
        SHA-256 of the module's file.
    """

    reference: str
    digest: str

    @classmethod
    def of(cls, reference: str) -> Self:
        """The object as its module has it now.

        Raises
        ------
        ExtensionError
            If there is no such module, or it is no file.
        """
        return cls(reference, _digest(reference))

    def load(self) -> Any:
        """The object itself.

        Raises
        ------
        ExtensionError
            If the module is not there, has changed, cannot be run, or has no such name.
        """
        if _digest(self.reference) != self.digest:
            raise ExtensionError(
                f"{self.reference} must be as it was when the model was trained; its file "
                f"{_file(self.reference)} has changed since. Install the version that the model "
                "was trained with, or train again."
            )
        module, _, name = self.reference.partition(":")
        try:
            found = self._run(module)
        except Exception as error:
            raise ExtensionError(
                f"{self.reference} cannot be used: importing {module} raises "
                f"{type(error).__name__}: {error}. Correct {_file(self.reference)}."
            ) from error
        if not hasattr(found, name):
            raise ExtensionError(
                f"{self.reference} is not there: {_file(self.reference)} has no {name}. Correct "
                "the name."
            )
        return getattr(found, name)

    def _run(self, module: str) -> ModuleType:
        """The module by its file of now, also where the process ran another version before."""
        invalidate_caches()
        found = import_module(module)
        if RUN.setdefault(module, self.digest) != self.digest:
            found = reload(found)
            RUN[module] = self.digest
        return found


def _digest(reference: str) -> str:
    return hashlib.sha256(_file(reference).read_bytes()).hexdigest()


def _file(reference: str) -> Path:
    """The file that importing the module would run; of the module itself nothing runs."""
    module = reference.partition(":")[0]
    if module == "__main__":
        raise ExtensionError(
            f"{reference} must be in a module that other processes can import; __main__ is the "
            "running script or notebook. Move it to a file of its own, and name that."
        )
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise ExtensionError(
            f"{reference} is not there: Python finds no module {module} from {Path.cwd()} or in "
            f"{sys.prefix}. Install the package that holds it, or add its folder to PYTHONPATH."
        )
    if spec.origin is None or not spec.origin.endswith(".py"):
        raise ExtensionError(
            f"{reference} must be in a module that is one file of Python; {module} is "
            f"{spec.origin or 'a folder'}. Name the file that holds it."
        )
    return Path(spec.origin)
