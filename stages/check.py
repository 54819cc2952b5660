"""Parameters of a stage: their types, ranges and help lines, read from the dataclass.

Allowed types: bool, int, float, str, Literal, `X | None`, and tuples of these. A range stands in
`field(metadata={"range": (low, high)})`. One function checks recipe, command line and library, and
one says which word stands for a value: help and README print it, recipe and command line read it.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import os
import re
import types
import typing
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from stages.errors import UsageError
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
    whole = kind is float and type(value) is int
    if kind is bool and type(value) is not bool:
        return f"must be yes or no (True or False in Python), not {_cut(value)}"
    if type(value) is not kind and not whole:
        return f"must be {type_name(kind)}, not {_cut(value)}"
    if kind is int and not -(1 << 63) <= value < 1 << 63:  # type: ignore[operator]
        return f"must be an integer of 64 bits, not {_cut(value)}"
    if isinstance(value, str):
        return problem_with_text(value) or problem_in(value)
    if limits and kind in (int, float):
        low, high = limits
        if not low <= value <= high:  # type: ignore[operator]
            return f"must be between {low:.15g} and {high:.15g}, not {_cut(value)}"
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
            remedy = meant_name(cls, name) or _as_list(name, given, known)
            found[name] = f"{getattr(cls, 'name', cls.__name__)} has no parameter {name!r}{remedy}"
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


def contradictions_of(stage: Any) -> list[str]:
    """What in a stage's parameters does not go together, each with the stage's name."""
    return [f"{stage.name}: {text}" for text in stage.contradictions()]


def made(cls: type, given: Mapping[str, object]) -> Any:
    """A stage from values as a recipe or a call gives them; UsageError with every mistake."""
    if problems := [*problems_of(cls, given).values()]:
        raise UsageError(*problems)
    stage = build(cls, given)
    if problems := contradictions_of(stage):
        raise UsageError(*problems)
    return stage


def checked(stage: Any) -> Any:
    """A stage that a program has made, checked like one of a recipe, its values in the types of
    the class: a path is text, a list a tuple, a number of NumPy's one of Python's."""
    cls: type = type(stage)
    return made(cls, {name: _plain(getattr(stage, name)) for name in parameters(cls)})


def _plain(value: object) -> object:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "dtype") and hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return value.item()
    return value


# --- words --------------------------------------------------------------------------------------


def shown(value: object) -> str:
    """A value as help and README print it: `meant` and YAML read it back."""
    if isinstance(value, tuple | list):
        return ", ".join(map(shown, value)) or "none"
    if isinstance(value, str):
        plain = value.isprintable() and value.strip() == value != "" and value[0] != '"'
        return value if plain else json.dumps(value)
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return str(value)


def meant(word: str, kind: Any) -> Any:
    """The value that a plain word stands for by its parameter's type; the word where there is none.

    `none` is no value, or an empty list; `yes` and `no` are those of a switch; a list may be words
    between commas. What fits as text stays text, so that `no` may be the name of a column.
    """
    if word == "none" and problem_with(None, kind, None) is None:
        return None
    if problem_with(word, kind, None) is None:
        return word
    if (item := item_of(kind)) is not None:
        words = [] if word in ("none", "") else word.split(",")
        return [meant(one.strip(), item) for one in words]
    value = {"yes": True, "no": False}.get(word)
    return word if value is None or problem_with(value, kind, None) else value


def item_of(kind: Any) -> Any:
    """The type of a list's items; None for a type that is no list."""
    found = (part for part in (kind, *typing.get_args(kind)) if typing.get_origin(part) is tuple)
    return next((typing.get_args(part)[0] for part in found), None)


def _as_list(name: str, given: Mapping[str, object], known: Collection[str]) -> str:
    """The remedy for `{val: 0.99,0.01}`, in which a comma ends the value and `0.01` is a key
    without one: a list in brackets."""
    names = list(given)
    at = begin = names.index(name)
    while begin and given[names[begin]] is None and names[begin] not in known:
        begin -= 1
    if begin == at or names[begin] not in known:
        return ""
    first = given[names[begin]]
    parts = [*(first if isinstance(first, list | tuple) else [first]), *names[begin + 1 : at + 1]]
    return f"; several values of one parameter are a list: {names[begin]}: [" + (
        ", ".join(map(str, parts)) + "]"
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """ "; did you mean 'x'?" for a word like one of the known, else nothing."""
    folded = {name.lower(): name for name in known}
    match = difflib.get_close_matches(word.lower(), list(folded), n=1)
    return f"; did you mean {folded[match[0]]!r}?" if match else ""


def meant_name(cls: type, word: str) -> str:
    """What a parameter is called that others call `word`, or the nearest one, as in `nearest`."""
    own = getattr(cls, "other_names", {}).get(word)
    return f"; it is called {own!r} here" if own else nearest(word, parameters(cls))


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


def places_of(stage: Any) -> dict[str, Path]:
    """parameter → the folder or file of a resource that it names on this machine."""
    needed = {path.resolve() for path in stage.resources()}
    found: dict[str, Path] = {}
    for name, value in as_json(stage).items() if needed else ():
        if isinstance(value, str) and value:
            path = Path(os.path.expanduser(value)).resolve()  # a `~` that is no home stays text
            if any(path in (one, *one.parents) for one in needed):
                found[name] = path
    return found
