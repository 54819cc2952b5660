"""The JSON Schema of recipes, from the same parameters that the check reads, so that editors
complete and check a recipe while it is written. What goes together only the check knows."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable
from typing import Any

from pipeline.recipe.checked import OF_RUN, OF_SOURCE, VERSION
from stages import check, registry
from stages.base import End, Source, Stage
from stages.errors import SeedbedError

Schema = dict[str, Any]
DRAFT = "https://json-schema.org/draft/2020-12/schema"
_FOREIGN = r"^[\w.]+:\w+$"  # `module:Class`, whose parameters are not known here


def schema() -> Schema:
    """The schema of a recipe with the stages that are installed."""
    classes = list(_classes())
    sources = [cls for cls in classes if issubclass(cls, Source)]
    maps = [cls for cls in classes if not issubclass(cls, Source | End)]
    steps = [cls for cls in classes if not issubclass(cls, Source)]
    run = {name: _typed(kind) for name, kind in OF_RUN.items()}
    for name in ("workers", "part_bytes"):
        run[name] = {"type": "integer", "minimum": 1}
    return {
        "$schema": DRAFT,
        "title": "a recipe of seedbed",
        "type": "object",
        "required": ["version", "sources"],
        "additionalProperties": False,
        "properties": {
            "version": {"const": VERSION},
            "name": {"type": "string", "description": "the run's name; default: the file's"},
            "seed": {"type": "integer", "description": "of all randomness; default: 0"},
            "sources": {"type": "array", "items": {"$ref": "#/$defs/source"}},
            "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}},
            "run": {"type": "object", "additionalProperties": False, "properties": run},
        },
        "$defs": {
            "source": _entry([(cls.name, _source(cls)) for cls in sources]),
            "step": _step(steps),
            "step_of_source": _step(maps),
        },
    }


def _classes() -> Iterable[type[Stage]]:
    for name in registry.names():
        try:
            yield registry.find(name)
        except SeedbedError:  # a package's that is broken: the help says so
            continue


def _entry(named: list[tuple[str, Schema]]) -> Schema:
    """One `name: {parameters}`."""
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": dict(named),
        "patternProperties": {_FOREIGN: True},
    }


def _step(classes: list[type[Stage]]) -> Schema:
    named = [(cls.name, _described(cls)) for cls in classes]
    alone = [{"enum": [cls.name for cls in classes]}, {"type": "string", "pattern": _FOREIGN}]
    return {"anyOf": [*alone, _entry(named)]}


def _described(cls: type[Stage]) -> Schema:
    parameters = [_parameters(cls), {"type": "null"}]
    return {"description": check.summary(cls), "anyOf": parameters}


def _source(cls: type[Stage]) -> Schema:
    own = {
        "path": {"type": "string", "description": "a file, folder, pattern or address"},
        "name": {"type": "string", "description": "the source's name, part of every id"},
        "license": {"type": "string", "description": "what may be done with it"},
        "steps": {"type": "array", "items": {"$ref": "#/$defs/step_of_source"}},
    }
    assert own.keys() == OF_SOURCE
    made = _parameters(cls)
    made["properties"] = {**own, **made["properties"]}
    made["required"] = ["path", *made.get("required", ())]
    return {"description": check.summary(cls), "anyOf": [{"type": "string"}, made]}


def _parameters(cls: type[Stage]) -> Schema:
    """The parameters of a stage as an object."""
    told = check.help_lines(cls)
    properties: Schema = {}
    required = []
    for name, (kind, field) in check.parameters(cls).items():
        one = _typed(kind, field.metadata.get("range"))
        one["description"] = told.get(name, "")
        if field.default is not dataclasses.MISSING:
            one["default"] = _plain(field.default)
        elif field.default_factory is dataclasses.MISSING:
            required.append(name)
        properties[name] = one
    made: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**made, "required": required} if required else made


def _typed(kind: Any, limits: tuple[float, float] | None = None) -> Schema:
    """What values a type allows, with the words that a recipe may have for them."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return {"enum": list(args)}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_typed(arg, limits) for arg in args]}
    if origin is tuple:
        items = {"type": "array", "items": _typed(args[0], limits)}
        return {"anyOf": [items, {"type": "string"}]}  # words between commas
    if kind is type(None):
        return {"enum": [None, "none"]}
    if kind is bool:
        return {"enum": [True, False, "yes", "no"]}
    if kind in (int, float):
        made: Schema = {"type": "integer" if kind is int else "number"}
        if limits is not None:
            made |= {"minimum": limits[0], "maximum": limits[1]}
        return made
    return {"type": "string"}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
