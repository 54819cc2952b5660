"""The user's own modules: loaded from their files, seen by nobody but themselves.

What lies beside the recipe may be data as well, so its folder is never on Python's search path. A
module that a recipe names is looked for there first. What it imports is Python's own or installed
if there is such a module, else a file of that folder, under a private name: no library that looks
for an optional module finds one there. Compiled files beside them are not read and not written.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
)
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from stages.errors import UsageError

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
    _finder.cache_clear()
    _known.clear()
    root = ModuleType(PRIVATE, "The user's folders, as a package.")
    root.__path__ = [os.path.realpath(folder) for folder in folders]
    if folders:
        sys.modules[PRIVATE] = root
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())


def load(name: str) -> ModuleType:
    """The user's module, loaded from its file; an installed one when there is no such file.

    UsageError, with file and line, for one that cannot be imported.
    """
    private = _files_of(name) is not None
    if private:
        _known.update(_closure(name))
    try:
        __import__(f"{PRIVATE}.{name}" if private else name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # importing runs the user's module, which may do anything
        raise UsageError(_told(name, error)) from None
    return sys.modules[f"{PRIVATE}.{name}" if private else name]


def sources(name: str) -> dict[str, str]:
    """name → SHA-256 of the user's module and of all that it imports beside it, at any depth."""
    if _files_of(name) is not None:
        return {module: digest for module, (_, digest) in _closure(name).items()}
    return {name: hashlib.sha256(_installed_file(name).read_bytes()).hexdigest()}


def files(name: str) -> list[Path]:
    """The files that `sources` is made of."""
    if _files_of(name) is not None:
        return [path for path, _ in _closure(name).values()]
    return [_installed_file(name)]


def _installed_file(name: str) -> Path:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None or not os.path.isfile(spec.origin):
        raise UsageError(f"there is no module {name!r} beside the recipe or on the Python path")
    return Path(spec.origin)


# --- what is imported from where ----------------------------------------------------------------


class _Loader(SourceFileLoader):
    """Runs a module's source with an `__import__` of its own."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__.removeprefix(PRIVATE + ".")
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
            spec = _spec_in(folder, name)
            if spec is not None:
                return spec
        return None


def _spec_in(folder: str, name: str) -> ModuleSpec | None:
    return _finder(folder).find_spec(name)


@cache
def _finder(folder: str) -> FileFinder:
    """Lists a folder once: there may be many files of data in it."""
    return FileFinder(folder, (ExtensionFileLoader, EXTENSION_SUFFIXES), (_Loader, [".py"]))


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
    return not _installed(top) and _files_of(top) is not None


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
    return os.path.realpath(above) not in _folders()


def _folders() -> list[str]:
    root = sys.modules.get(PRIVATE)
    return list(root.__path__) if root is not None else []


def _files_of(name: str) -> list[Path] | None:
    """The file of a module in the user's folders, after those of the packages above it.

    None when it is not there. A folder without `__init__.py` is a package without a file.
    """
    folders = _folders()
    files: list[Path] = []
    words = name.split(".")
    for word in words:
        found = [spec for folder in folders if (spec := _spec_in(folder, word)) is not None]
        if not word or not found:
            return None
        if found[0].origin is not None:
            files.append(Path(found[0].origin))
        elif len(words) == 1 and not _holds_code(found[0]):
            return None
        folders = list(found[0].submodule_search_locations or ())
    return files


def _holds_code(spec: ModuleSpec) -> bool:
    """Whether a folder without `__init__.py` has a module near its top: others hold data."""
    return any(
        True
        for folder in spec.submodule_search_locations or ()
        for pattern in ("*.py", "*/*.py")
        for _ in Path(folder).glob(pattern)
    )


# --- what a module depends on -------------------------------------------------------------------


def _closure(name: str) -> dict[str, tuple[Path, str]]:
    """name → (file, SHA-256) of a module and what it imports in the user's folders."""
    found: dict[str, tuple[Path, str]] = {}
    waiting, known = [name], {name}
    while waiting:
        module = waiting.pop()
        for path in _files_of(module) or ():
            package = path.name.startswith("__init__.")
            text = path.read_bytes()
            own = _name_of(path)
            if own in found:
                continue
            found[own] = (path, hashlib.sha256(text).hexdigest())
            new = set(_imports(path, text, own, package)) if path.suffix == ".py" else set()
            waiting.extend(new - known)
            known |= new
    return found


def _name_of(path: Path) -> str:
    for folder in _folders():
        if path.is_relative_to(folder):
            parts = list(path.relative_to(folder).parts)
            parts[-1] = parts[-1].partition(".")[0]
            return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    raise AssertionError(f"{path} lies in none of the user's folders")


def _imports(path: Path, text: bytes, own: str, package: bool) -> Iterator[str]:
    """Names of modules in the user's folders that a file may import; some may not exist."""
    try:
        tree = ast.parse(text, str(path))
        nodes = list(ast.walk(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UsageError(_told(own, error)) from None
    above = own.split(".") if package else own.split(".")[:-1]
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if _is_theirs(alias.name.partition(".")[0]):
                    yield alias.name
        elif isinstance(node, ast.ImportFrom):
            words = [node.module] if node.module else []
            if node.level:
                words = [*above[: len(above) - node.level + 1], *words]
            elif not _is_theirs(words[0].partition(".")[0]):
                continue
            base = ".".join(words)
            if base:
                yield base
            for alias in node.names:
                if alias.name == "*":
                    yield from _modules_in(base)
                else:
                    yield f"{base}.{alias.name}" if base else alias.name


def _modules_in(package: str) -> Iterator[str]:
    """All modules of a package: `from it import *` may load those that `__all__` names."""
    files = _files_of(package)
    if files and files[-1].name == "__init__.py":
        for path in sorted(files[-1].parent.iterdir()):
            if path.suffix == ".py" or (path / "__init__.py").is_file():
                yield f"{package}.{path.stem}"


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
            if any(Path(frame.filename).is_relative_to(folder) for folder in _folders())
        ]
        where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{name} cannot be imported: {type(error).__name__}: {text}{where}"
