"""The code of `stages` as keys see it: a hash of a module's syntax tree, and what it imports.

What is found of a file is kept in the user's cache by the file's content: parsing all that one
source imports takes a third of a CPU-second, and its files are read in five milliseconds.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

from stages.cached import cache_folder
from stages.disk import write_whole

PACKAGE = "stages"
_DYNAMIC = {"import_module", "__import__", "exec", "eval"}
# The modules that may import by name: what they load has a place of its own in a key, or shows to
# people what was made.
_MAY_IMPORT_BY_NAME = {"stages.require", "stages.user_code", "stages.registry", "stages.kinds"}
_MOST = 4000  # files in the memory; one of a version has 500


class Code(NamedTuple):
    """sha256: of the syntax tree without docstrings. imports: modules of `stages`."""

    sha256: str
    imports: frozenset[str]


@cache
def code_of(module: str) -> Code:
    """The code of a module of `stages`."""
    raw = _file_of(module).read_bytes()
    name = hashlib.sha256(raw + repr(module in _MAY_IMPORT_BY_NAME).encode()).hexdigest()
    found = _memory.found.get(name)
    if found is None:
        found = _memory.found[name] = _parsed(module, raw)
        _memory.grown = True
    sha256, imports = found
    return Code(sha256, frozenset(name for name in imports if is_module(name)))


def closure(module: str) -> set[str]:
    """The module and the modules of `stages` that it imports, at any depth."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(code_of(name).imports - found)
    _memory.save()
    return found


def is_module(name: str) -> bool:
    """Whether a name is that of a module of `stages`."""
    path = _path_of(name)
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _home() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None and spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations)))


def _path_of(module: str) -> Path:
    return _home().joinpath(*module.split(".")[1:])


def _file_of(module: str) -> Path:
    path = _path_of(module)
    return path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"


# --- a file -------------------------------------------------------------------------------------


def _parsed(module: str, raw: bytes) -> tuple[str, list[str]]:
    tree = ast.parse(raw)
    imports: set[str] = set()
    told: list[str] = []
    for node in _told(tree, told):
        if isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or not node.module:
                raise AssertionError(f"{module}:{node.lineno}: keys cannot see relative imports")
            imports.add(node.module)
            imports.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and module not in _MAY_IMPORT_BY_NAME:
            name = getattr(node.func, "attr", getattr(node.func, "id", None))
            if name in _DYNAMIC and not _is_method_of_object(node.func):
                raise AssertionError(
                    f"{module}:{node.lineno} loads code by name ({name}); keys cannot see it"
                )
    ours = sorted(name for name in imports if name.startswith(PACKAGE + "."))
    return hashlib.sha256("\n".join(told).encode()).hexdigest(), ours


def _told(tree: ast.AST, told: list[str]) -> Iterator[ast.AST]:
    """The nodes of a tree, each before those below it. told: takes what they say, in one walk:
    `ast.walk` and `ast.dump` take three times as long."""
    waiting = [tree]
    for node in waiting:
        yield node
        _drop_docstring(node)
        told.append(type(node).__name__)
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                told.append(f"[{len(value)}")
                values = value
            elif name == "ctx":  # load or store: it follows from the place
                continue
            else:
                values = [value]
            for one in values:
                if isinstance(one, ast.AST):
                    told.append(".")
                    waiting.append(one)
                else:
                    told.append(repr(one))


def _is_method_of_object(func: ast.expr) -> bool:
    """Whether a call such as `model.eval()` only looks like the built-in function."""
    return isinstance(func, ast.Attribute) and func.attr in {"exec", "eval"}


def _drop_docstring(node: ast.AST) -> None:
    body = getattr(node, "body", None)
    if not isinstance(body, list) or not body or not isinstance(body[0], ast.Expr):
        return
    if isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str):
        del body[0]


# --- what is remembered -------------------------------------------------------------------------


class _Memory:
    """What was found of files, by their content, this module's own and Python's version. A memory
    that cannot be read or written is none; one that says something else is damaged alone if
    somebody edits the file, so it holds a hash of itself."""

    def __init__(self) -> None:
        self.grown = False

    @cached_property
    def _path(self) -> Path:
        own = hashlib.sha256(Path(__file__).read_bytes() + sys.version.encode()).hexdigest()
        return cache_folder() / "code" / f"{own[:32]}.json"

    @cached_property
    def found(self) -> dict[str, tuple[str, list[str]]]:
        with contextlib.suppress(OSError, ValueError, RecursionError, TypeError, KeyError):
            if self._path.is_file():  # a pipe would be waited for
                told = json.loads(self._path.read_bytes())
                if told["check"] == _check(told["found"]):
                    return {name: (sha, imports) for name, (sha, imports) in told["found"].items()}
        return {}

    def save(self) -> None:
        if not self.grown:
            return
        self.grown = False
        kept = dict([*self.found.items()][-_MOST:])
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, json.dumps({"found": kept, "check": _check(kept)}))


def _check(found: object) -> str:
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


_memory = _Memory()
