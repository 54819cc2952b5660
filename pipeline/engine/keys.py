"""What a piece's key is made of: everything that its bytes depend on, and nothing else.

    base  = hash(format, stage, code, Python minor version, libraries, resources, modules of others,
                 parameters)
    piece = hash(base, what it did, content of the part or sha-256 of the piece before, state)

Not in a key: workers, part size, times, hosts, absolute paths, comments and docstrings.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import stages
from pipeline.engine.content import FileHashes
from stages import check, user_code
from stages.base import Stage
from stages.records import FORMAT
from stages.registry import modules_of

_PACKAGE = "stages"
_DYNAMIC = {"import_module", "__import__", "exec", "eval"}
# The modules that may import by name: what they load has a place of its own in a key, or shows to
# people what was made.
_MAY_IMPORT_BY_NAME = {"stages.require", "stages.user_code", "stages.registry", "stages.kinds"}


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
    ours = {name for name in imports if name.startswith(_PACKAGE + ".") and _is_module(name)}
    return hashlib.sha256("\n".join(told).encode()).hexdigest(), frozenset(ours)


def _told(tree: ast.AST, told: list[str]) -> Iterator[ast.AST]:
    """The nodes of a tree, each before those below it. told: takes what they say, in one walk:
    `ast.walk` and `ast.dump` take three times as long, a tenth of a second at each call."""
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
    """A hash of the files of somebody else's module and of what it imports beside it, or in its
    own package, and of the code of ours that these import."""
    files = user_code.sources(module)
    ours = {code for file in files.values() for name in file.outside for code in _ours_of(name)}
    return hash_of(
        [
            {name: file.sha256 for name, file in files.items()},
            {name: fingerprint(name) for name in ours},
        ]
    )


def _ours_of(name: str) -> list[str]:
    """The modules of `stages` behind a name that somebody imports: a module, a public class, or
    all of a package, of which we cannot see what is used."""
    public = {cls: module for module, cls in stages.TABLE.values()}
    top, _, rest = name.partition(".")
    if top not in ("stages", "seedbed"):
        return []
    if not rest:
        return sorted({*public.values(), "stages.base"})
    if rest in public:
        return [public[rest]]
    for module in (name, name.rpartition(".")[0]):  # a module, or what one holds
        if _is_ours(module) and _is_module(module):
            return [module]
    return ["stages.base"]


def _ours_above(cls: type[Stage]) -> str:
    """The module of a stage's class, or of the nearest one above it that is ours."""
    return next(one.__module__ for one in cls.__mro__ if _is_ours(one.__module__))


def _is_ours(module: str) -> bool:
    return module.startswith(_PACKAGE + ".")


def libraries_of(stage: Stage) -> dict[str, str]:
    """name → version of the libraries that a stage's bytes depend on."""
    names = sorted({"pyarrow", *stage.libraries})
    return {name: importlib.metadata.version(name) for name in names}


def base_key(stage: Stage, hashes: FileHashes, without: Collection[str] = ()) -> str:
    """The hash of everything about a stage but its input, and the parameters `without`. Of a path
    to a resource the last name counts, as it may be shown in what is made."""
    named = {name: {"resource": path.name} for name, path in check.places_of(stage).items()}
    parameters = {**check.as_json(stage), **named}
    return hash_of(
        {
            "format": FORMAT,
            "stage": stage.name,
            "code": fingerprint(_ours_above(type(stage))),
            "python": sys.version_info[:2],
            "libraries": libraries_of(stage),
            "resources": [hashes.of(path) for path in stage.resources()],
            "modules": {name: user_module_hash(name) for name in modules_of(stage)},
            "parameters": {k: v for k, v in parameters.items() if k not in without},
        }
    )
