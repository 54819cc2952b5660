"""Parameters of a stage: their types, ranges and help lines, read from the dataclass.

Allowed types: bool, int, float, str, Literal, `X | None`, and tuples of these. A range stands in
`field(metadata={"range": (low, high)})`. One function checks recipe, command line and library.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import re
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from stages.secrets import problem_in

NAME_BYTES = 200  # of 255 that file systems take; what stands before and behind a name needs some


@functools.cache  # a recipe may name a stage thousands of times
def parameters(cls: type) -> Mapping[str, tuple[Any, dataclasses.Field[Any]]]:
    """name → (type, field) of a stage class, its own before those that it inherits."""
    hints = typing.get_type_hints(cls)
    above = {name for base in cls.__mro__[1:] for name in getattr(base, "__dataclass_fields__", ())}
    fields = sorted(dataclasses.fields(cls), key=lambda field: field.name in above)
    return {field.name: (hints[field.name], field) for field in fields}


def summary(cls: type) -> str:
    """The first line of a stage's docstring."""
    return (cls.__doc__ or "").strip().partition("\n")[0]


def help_lines(cls: type) -> dict[str, str]:
    """name → the text of the docstring's `name: …` entry, of the class or of the nearest one above
    that has it, continuation lines joined."""
    names = parameters(cls)
    lines: dict[str, str] = {}
    current = None
    docs = [base.__doc__ or "" for base in reversed(cls.__mro__) if base is not object]
    for line in (line for doc in docs for line in [*doc.splitlines()[1:], ""]):
        match = re.match(r"\s*(\w+): (.*)", line)
        if match and match[1] in names:
            current = match[1]
            lines[current] = match[2].strip()
        elif not line.strip():
            current = None
        elif current:
            lines[current] += " " + line.strip()
    return lines


def type_name(kind: Any) -> str:
    """A type as people write it: `int`, `drop | tag`, `text or none`."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return " | ".join(str(arg) for arg in args)
    if origin in (typing.Union, types.UnionType):
        return " or ".join("none" if arg is type(None) else type_name(arg) for arg in args)
    if origin is tuple:
        return f"list of {type_name(args[0])}"
    return {str: "text", bool: "yes/no", int: "integer", float: "number"}.get(kind, str(kind))


def problem_with(value: object, kind: Any, limits: tuple[float, float] | None) -> str | None:
    """Why a value does not fit a type and range: "must be …", or None when it fits."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if any(problem_with(value, arg, limits) is None for arg in args):
            return None
        concrete = [arg for arg in args if arg is not type(None)]
        if value is not None and len(concrete) == 1:
            return problem_with(value, concrete[0], limits)
        return f"must be {type_name(kind)}, not {_cut(value)}"
    if kind is type(None):
        return None if value is None else "must be none"
    if origin is typing.Literal:
        if value in args and type(value) in {type(arg) for arg in args}:
            return None
        return f"must be one of {', '.join(str(arg) for arg in args)}, not {_cut(value)}" + nearest(
            str(value), [str(arg) for arg in args]
        )
    if origin is tuple:
        if not isinstance(value, tuple | list):
            return f"must be a list, not {_cut(value)}"
        problems = [problem_with(item, args[0], limits) for item in value]
        return next((problem for problem in problems if problem), None)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        return f"must be {type_name(kind)}, not {_cut(value)}"
    if kind is int and not -(1 << 63) <= value < 1 << 63:  # type: ignore[operator]
        return f"must be an integer of 64 bits, not {_cut(value)}"
    if isinstance(value, str):
        return problem_with_text(value) or problem_in(value)
    if limits and kind in (int, float):
        low, high = limits
        if not low <= value <= high:  # type: ignore[operator]
            return f"must be between {low:g} and {high:g}, not {_cut(value)}"
    return None


def _cut(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]} …"


def problem_with_text(text: str) -> str | None:
    """Why a text can be no name, path or parameter: no file can hold it."""
    if "\0" in text:
        return "must not hold a NUL character"
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        return "must be UTF-8 text (it holds bytes of another encoding, or half a surrogate pair)"
    return None


def problem_with_name(name: str, nested: bool = False) -> str | None:
    """Why a text cannot be the name of a folder, as a run's or a source's becomes one.

    nested: whether it may name a folder within folders.
    """
    if wrong := problem_with_text(name):
        return wrong
    parts = re.split(r"[/\\]", name)
    if {"", ".", ".."} & {*parts} or (len(parts) > 1 and not nested):
        return f"must be usable as a folder's name, not {_cut(name)}"
    if any(letter < " " or "\x7f" <= letter <= "\x9f" for letter in name):
        return f"must not hold control characters, as {_cut(name)} does"
    if (longest := max(len(part.encode()) for part in parts)) > NAME_BYTES:
        return f"must have at most {NAME_BYTES} bytes, not {longest}"
    return problem_in(name)


def convert(value: object, kind: Any) -> Any:
    """A checked value in the type that the dataclass holds: lists become tuples, 1 becomes 1.0."""
    args = typing.get_args(kind)
    if isinstance(value, list | tuple):
        inner = next((arg for arg in args if typing.get_origin(arg) is tuple), kind)
        return tuple(convert(item, typing.get_args(inner)[0]) for item in value)
    if type(value) is int and (kind is float or (float in args and int not in args)):
        return float(value)
    return value


def problems_of(cls: type, given: Mapping[str, object]) -> dict[str, str]:
    """parameter → problem, for each parameter given that the stage does not have or allow."""
    known = parameters(cls)
    found: dict[str, str] = {}
    for name, value in given.items():
        if name not in known:
            found[name] = (
                f"{getattr(cls, 'name', cls.__name__)} has no parameter {name!r}"
                + nearest(name, known)
            )
            continue
        kind, field = known[name]
        problem = problem_with(value, kind, field.metadata.get("range"))
        if problem:
            found[name] = f"{getattr(cls, 'name', cls.__name__)}.{name} {problem}"
    for name, (_, field) in known.items():
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        if required and name not in given:
            found[name] = f"{getattr(cls, 'name', cls.__name__)} needs the parameter {name!r}"
    return found


def nearest(word: str, known: Iterable[str]) -> str:
    """ "; did you mean 'x'?" for a word like one of the known, else nothing."""
    folded = {name.lower(): name for name in known}
    match = difflib.get_close_matches(word.lower(), list(folded), n=1)
    return f"; did you mean {folded[match[0]]!r}?" if match else ""


def as_json(stage: Any) -> dict[str, Any]:
    """The parameters of a stage instance as JSON values, in the order of the class."""
    cls: type = type(stage)
    return {
        name: list(value) if isinstance(value := getattr(stage, name), tuple) else value
        for name in parameters(cls)
    }


def build(cls: type, given: Mapping[str, object]) -> Any:
    """An instance of a stage class from checked JSON values."""
    kinds = parameters(cls)
    return cls(**{name: convert(value, kinds[name][0]) for name, value in given.items()})
