"""What a piece's key is made of: everything that its bytes depend on, and nothing else.

    base  = hash(format, stage, code, Python minor version, libraries, resources, parameters)
    piece = hash(base, what it did, content of the part or sha-256 of the piece before, state)

Not in a key: workers, part size, times, hosts, absolute paths, comments and docstrings.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

from stages import check
from stages.base import Part, Stage
from stages.corpus import sha256_of
from stages.errors import UsageError
from stages.records import FORMAT

_PACKAGE = "stages"
_DYNAMIC = {"import_module", "__import__", "exec", "eval"}
# The one module that may import by name: what it loads is named in `libraries` or `modules`.
_MAY_IMPORT_BY_NAME = {"stages.require"}


def hash_of(value: object) -> str:
    """SHA-256 of a JSON value in canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


# --- code ---------------------------------------------------------------------------------------


def fingerprint(module: str) -> str:
    """A hash of the code of a module and of all modules of `stages` that it imports."""
    return hash_of({name: _code(name)[0] for name in sorted(closure(module))})


def closure(module: str) -> set[str]:
    """The module and the modules of `stages` that it imports, at any depth."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_code(name)[1] - found)
    return found


@cache
def _code(module: str) -> tuple[str, frozenset[str]]:
    """(hash of the syntax tree without docstrings, modules of `stages` that it imports)."""
    tree = ast.parse(_file_of(module).read_bytes())
    imports: set[str] = set()
    for node in ast.walk(tree):
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
        _drop_docstring(node)
    ours = {name for name in imports if name.startswith(_PACKAGE + ".") and _is_module(name)}
    text = ast.dump(tree, annotate_fields=False, include_attributes=False)
    return hashlib.sha256(text.encode()).hexdigest(), frozenset(ours)


def _is_method_of_object(func: ast.expr) -> bool:
    """Whether a call such as `model.eval()` only looks like the built-in function."""
    return isinstance(func, ast.Attribute) and func.attr in {"exec", "eval"}


def _drop_docstring(node: ast.AST) -> None:
    body = getattr(node, "body", None)
    if not isinstance(body, list) or not body or not isinstance(body[0], ast.Expr):
        return
    if isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str):
        del body[0]


def _home() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    assert spec is not None and spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations)))


def _path_of(module: str) -> Path:
    return _home().joinpath(*module.split(".")[1:])


def _is_module(name: str) -> bool:
    path = _path_of(name)
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _file_of(module: str) -> Path:
    path = _path_of(module)
    return path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"


def user_module_hash(module: str) -> str:
    """SHA-256 of the source of a user's module."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None or not os.path.isfile(spec.origin):
        raise UsageError(f"there is no module {module!r} beside the recipe or on the Python path")
    return sha256_of(Path(spec.origin))


# --- content ------------------------------------------------------------------------------------


class FileHashes:
    """SHA-256 of input files, remembered by path, size, modification time and inode.

    A file touched within two seconds of being hashed is hashed again next time: its time could
    stay the same through a later change.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._new: dict[str, list[Any]] = {}
        try:
            known = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            known = {}
        # What a person or a disk damaged is hashed again.
        self._known: dict[str, list[Any]] = {
            name: row
            for name, row in (known.items() if isinstance(known, dict) else ())
            if isinstance(row, list) and len(row) == 4 and _is_hash(row[3])
        }

    def of(self, path: Path, start: int = 0, stop: int | None = None) -> str:
        """The hash of a file's content, or of a range of it."""
        stat = path.stat()
        name = f"{path}\0{start}\0{stop}"
        stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        for table in (self._new, self._known):
            if table.get(name, [])[:3] == stamp:
                self._new[name] = table[name]
                return str(table[name][3])
        digest = sha256_of(path, start, stop)
        if path.stat().st_mtime_ns < time.time_ns() - 2_000_000_000:
            self._new[name] = [*stamp, digest]
        return digest

    def save(self) -> None:
        """Keep what was used in this run."""
        if self._new == self._known:
            return
        temporary = self._path.with_name(f".{self._path.name}-{os.getpid()}")
        temporary.write_text(json.dumps(self._new))
        temporary.replace(self._path)


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def part_identity(part: Part, hashes: FileHashes) -> list[Any]:
    """What identifies a part: names and contents, never where the root is."""
    files = []
    for name, path in part.paths():
        try:
            files.append([name, hashes.of(path, part.start, part.stop)])
        except OSError as error:
            files.append([name, f"unreadable: {error.errno}"])
    return [files, part.start, part.stop, dict(part.detail), part.fingerprint]


def base_key(stage: Stage, hashes: FileHashes) -> str:
    """The hash of everything about a stage but its input."""
    libraries = {
        name: importlib.metadata.version(name) for name in sorted({"pyarrow", *stage.libraries})
    }
    return hash_of(
        {
            "format": FORMAT,
            "stage": stage.name,
            "code": fingerprint(type(stage).__module__),
            "python": sys.version_info[:2],
            "libraries": libraries,
            "resources": [hashes.of(path) for path in stage.resources()],
            "modules": {name: user_module_hash(name) for name in stage.modules()},
            "parameters": check.as_json(stage),
        }
    )
