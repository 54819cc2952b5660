"""What a piece's key is made of: everything that its bytes depend on, and nothing else.

    base  = hash(format, stage, code, Python minor version, libraries, resources, modules of others,
                 parameters)
    piece = hash(base, what it did, content of the part or sha-256 of the piece before, state)

Not in a key: workers, part size, times, hosts, absolute paths, comments and docstrings.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Collection

import stages
from pipeline.engine.code import PACKAGE, closure, code_of, is_module
from pipeline.engine.content import FileHashes
from stages import check, user_code
from stages.base import Stage
from stages.records import FORMAT
from stages.registry import modules_of


def hash_of(value: object) -> str:
    """SHA-256 of a JSON value in canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


# --- code ---------------------------------------------------------------------------------------


def fingerprint(module: str) -> str:
    """A hash of the code of a module and of all modules of `stages` that it imports."""
    return hash_of({name: code_of(name).sha256 for name in sorted(closure(module))})


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
        if _is_ours(module) and is_module(module):
            return [module]
    return ["stages.base"]


def _ours_above(cls: type[Stage]) -> str:
    """The module of a stage's class, or of the nearest one above it that is ours."""
    return next(one.__module__ for one in cls.__mro__ if _is_ours(one.__module__))


def _is_ours(module: str) -> bool:
    return module.startswith(PACKAGE + ".")


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
