"""What a shop adds in code of its own: an object of an importable module, known by its digest."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from importlib import invalidate_caches
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Annotated, Any, Self

from pydantic import Field

from features.errors import ExtensionError
from features.explanations import in_words

# Module and digest of its file -> what running it made, in this process.
RUN: dict[tuple[str, str], ModuleType] = {}
RUNNING = RLock()

NAME = r"^[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*$"
Reference = Annotated[
    str,
    Field(pattern=NAME),
    in_words("must be module:name", 'Write for example "myshop.models:Ridge".'),
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

    The file is read once: the bytes that were hashed are those that run, whatever the process has
    imported before, and nothing of them runs unless they are the very same. A model names the code
    it needs, and brings none.

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
        return cls(reference, _digest(_content(reference)))

    def load(self) -> Any:
        """The object itself.

        Raises
        ------
        ExtensionError
            If the module is not there, has changed, cannot be run, or has no such name.
        """
        module, _, name = self.reference.partition(":")
        content = _content(self.reference)
        if _digest(content) != self.digest:
            raise ExtensionError(
                f"{self.reference} must be as it was when the model was trained; its file "
                f"{_file(self.reference)} has changed since. Install the version that the model "
                "was trained with, or train again."
            )
        with RUNNING:
            if (module, self.digest) not in RUN:
                RUN[module, self.digest] = self._run(content)
            found = RUN[module, self.digest]
        if not hasattr(found, name):
            raise ExtensionError(
                f"{self.reference} is not there: {_file(self.reference)} has no {name}. Correct "
                "the name."
            )
        return getattr(found, name)

    def _run(self, content: bytes) -> ModuleType:
        """Run the file as the module of its name, in place of any other version of it."""
        spec = _spec_of_file(self.reference)
        module, name = module_from_spec(spec), spec.name
        before = sys.modules.get(name)
        sys.modules[name] = module
        try:
            # As import does, and without the future that this very file is compiled with.
            exec(compile(content, str(spec.origin), "exec", dont_inherit=True), module.__dict__)
        except (Exception, SystemExit) as error:  # Whatever a shop's code may raise.
            if before is None:
                del sys.modules[name]
            else:
                sys.modules[name] = before
            raise ExtensionError(
                f"{self.reference} cannot be used: importing {name} raises "
                f"{type(error).__name__}: {error}. Correct {spec.origin}."
            ) from error
        return module


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _content(reference: str) -> bytes:
    path = _file(reference)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ExtensionError(
            f"{reference} must be in a module that is one file of Python; {path} cannot be read: "
            f"{error.strerror}. Put it back, or name another."
        ) from error


def _file(reference: str) -> Path:
    return Path(str(_spec_of_file(reference).origin))


def _spec_of_file(reference: str) -> ModuleSpec:
    """Where a module is; to find it nothing runs, not even the packages that it is in."""
    module = reference.partition(":")[0]
    if module == "__main__":
        raise ExtensionError(
            f"{reference} must be in a module that other processes can import; __main__ is the "
            "running script or notebook. Move it to a file of its own, and name that."
        )
    spec = _spec(module)
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
    return spec


def _spec(module: str) -> ModuleSpec | None:
    invalidate_caches()
    first, *others = module.split(".")
    try:
        # Every finder, for packages that are being worked on have one of their own; what was
        # imported is not asked, for its file may be gone.
        spec = next(filter(None, (f.find_spec(first, None) for f in sys.meta_path)), None)
    except (ImportError, ValueError):
        return None
    name = first
    for part in others:
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))
    return spec
