"""The user's own modules: loaded from their files, seen by nobody but themselves.

What lies beside the recipe may be data as well, so its folder is never on Python's search path. A
module that a recipe names is looked for there first. What it imports is Python's own or installed
if there is such a module, else a file of that folder, under a private name: no library that looks
for an optional module finds one there. Compiled files beside them are not read and not written.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from stages.errors import UsageError
from stages.imports import Modules, Source, Unparsed, finder

PRIVATE = "seedbed_users_code"
OURS = ("stages", "pipeline", "seedbed")

# The modules of the user's folders that the key of a stage covers; no others are loaded.
_known: set[str] = set()


def look_in(*folders: str | os.PathLike[str]) -> None:
    """Where the user's modules lie; what was loaded from another place is forgotten."""
    for name in [name for name in sys.modules if name.partition(".")[0] == PRIVATE]:
        del sys.modules[name]
    _installed.cache_clear()
    _is_theirs.cache_clear()
    finder.cache_clear()
    _known.clear()
    root = ModuleType(PRIVATE, "The user's folders, as a package.")
    root.__path__ = [os.path.realpath(folder) for folder in folders]
    if folders:
        sys.modules[PRIVATE] = root
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())


def folders() -> list[str]:
    """Where the user's modules lie."""
    root = sys.modules.get(PRIVATE)
    return list(root.__path__) if root is not None else []


def load(name: str) -> ModuleType:
    """The user's module, loaded from its file; an installed one when there is no such file.

    UsageError, with file and line, for one that cannot be imported.
    """
    private = _theirs().files_of(name) is not None
    if private:
        _known.update(_closure(_theirs(), name))
    try:
        __import__(f"{PRIVATE}.{name}" if private else name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # importing runs the user's module, which may do anything
        raise UsageError(_told(name, error)) from None
    return sys.modules[f"{PRIVATE}.{name}" if private else name]


def imported(name: str) -> ModuleType:
    """A module as the user's own import it: Python's or an installed one, else one of theirs."""
    if _is_theirs(name.partition(".")[0]):
        return load(name)
    return importlib.import_module(name)


def is_found(top: str) -> bool:
    """Whether `load` finds a module of this name, without dots."""
    return _theirs().files_of(top) is not None or importlib.util.find_spec(top) is not None


def sources(name: str) -> dict[str, Source]:
    """name → file of the user's module and of all that it imports beside it, at any depth; of an
    installed one, of its own package."""
    if _theirs().files_of(name) is not None:
        return _closure(_theirs(), name)
    top = name.partition(".")[0]
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    found: dict[str, Source] = {}
    if spec is not None:
        places = list(spec.submodule_search_locations or ()) or [str(spec.origin)]
        found = _closure(
            Modules([str(Path(p).parent) for p in places], lambda one: one == top), name
        )
    if name not in found:
        raise UsageError(f"there is no module {name!r} beside the recipe or on the Python path")
    return found


def files(name: str) -> list[Path]:
    """The files that `sources` names."""
    return [source.path for source in sources(name).values()]


def name_of(module: str) -> str:
    """What the user calls a module that was loaded from one of the user's folders."""
    return module.removeprefix(PRIVATE + ".")


# --- what is imported from where ----------------------------------------------------------------


class _Loader(SourceFileLoader):
    """Runs a module's source with an `__import__` of its own."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code

    def exec_module(self, module: ModuleType) -> None:
        name = name_of(module.__name__)
        if name not in _known:
            raise ImportError(f"{name} is loaded by name, which keys cannot see: write `import`")
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _import}
        super().exec_module(module)


class _Finder:
    """Finds modules under the private name, in the folder of the package above them."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith(PRIVATE + "."):
            return None
        for folder in path or ():
            spec = finder(folder, _Loader).find_spec(name)
            if spec is not None:
                return spec
        return None


def _import(
    name: str,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
    fromlist: Sequence[str] = (),
    level: int = 0,
) -> ModuleType:
    """`__import__` as the user's modules see it."""
    top = name.partition(".")[0]
    if level or not _is_theirs(top):
        module = builtins.__import__(name, globals, locals, fromlist, level)
    else:
        module = builtins.__import__(f"{PRIVATE}.{name}", globals, locals, fromlist, 0)
        if not fromlist:
            module = sys.modules[f"{PRIVATE}.{top}"]
    return module


@cache
def _is_theirs(top: str) -> bool:
    return not _installed(top) and _theirs().files_of(top) is not None


@cache
def _installed(top: str) -> bool:
    """Whether Python finds a module of this name, not counting the user's folders."""
    if top in OURS:
        return True
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return top in sys.modules
    if spec is None or spec.origin is None:  # not there, or a mere folder
        return False
    at = Path(spec.origin)
    above = at.parent.parent if at.name.startswith("__init__.") else at.parent
    return os.path.realpath(above) not in folders()


def _theirs() -> Modules:
    return Modules(folders(), _is_theirs)


def _closure(modules: Modules, name: str) -> dict[str, Source]:
    try:
        return modules.closure(name)
    except Unparsed as error:
        raise UsageError(_told(error.module, error.error)) from None


# --- what went wrong ----------------------------------------------------------------------------


def _told(name: str, error: BaseException) -> str:
    text = " ".join(str(error).replace(PRIVATE + ".", "").split())[:300]
    if isinstance(error, SyntaxError) and error.filename:
        text = " ".join(error.msg.split())
        where = f" ({error.filename}:{error.lineno})"
    else:
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if any(Path(frame.filename).is_relative_to(folder) for folder in folders())
        ]
        where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    if isinstance(error, ModuleNotFoundError) and error.name == name:
        looked = ", ".join(dict.fromkeys(map(str, folders()))) or "the working folder"
        return f"{name} cannot be imported: no module is called so in {looked}, or is installed"
    return f"{name} cannot be imported: {type(error).__name__}: {text}{where}"
