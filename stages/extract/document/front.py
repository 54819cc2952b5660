"""Front matter: what stands in YAML or TOML before the text of a Markdown file, as meta."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

BYTES = 64 << 10  # of front matter; pages of sites have under 4 kB
_YAML = re.compile(r"---[ \t]*\r?\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_TOML = re.compile(r"\+\+\+[ \t]*\r?\n(.*?\n)?\+\+\+[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_KEY = re.compile(r"(?m)^[\w\"'][^:\n]{0,80}:(?:\s|$)")
DEEPEST, VALUES = 20, 2000
# What front matter calls the keys of meta in use.
_NAMES = {
    "authors": "author",
    "creator": "author",
    "by": "author",
    "published": "date",
    "pubdate": "date",
    "created": "date",
    "licence": "license",
    "rights": "license",
    "lang": "language",
    "locale": "language",
    "keywords": "tags",
    "canonical": "url",
    "canonical_url": "url",
    "source_url": "url",
    "link": "url",
}


class Front(NamedTuple):
    """stop: where the text begins behind it. meta: its values; where they cannot be read, its text
    as it stands under `front_matter`."""

    stop: int
    meta: dict[str, Any]


def front_of(text: str) -> Front | None:
    """The front matter of a text; None where it has none.

    Three dashes that open no block of keys are a rule, and the text's.
    """
    head = text[:BYTES]
    if found := _YAML.match(head):
        written = found[1] or ""
        if written.strip() and not _KEY.search(written):
            return None
        values = _yaml(written)
    elif found := _TOML.match(head):
        written = found[1] or ""
        values = _toml(written)
    else:
        return None
    if values is None:
        return Front(found.end(), {"front_matter": written.strip()})
    return Front(found.end(), named(values))


def named(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values under the keys of meta in use; a key that is there under both names keeps its own."""
    meta: dict[str, Any] = {}
    for key, value in values.items():
        if value is None or value == "" or value == []:
            continue
        small = key.lower()
        name = _NAMES.get(small, small if small in _USED else key)
        if name in meta or (name != small and name in {other.lower() for other in values}):
            name = key
        meta[name] = _flat(value) if name in _LINES else value
    return meta


_LINES = ("title", "author", "date", "license", "language", "url")  # whose value is one line
_USED = (*_LINES, "tags", "category", "categories", "description")


def _flat(value: Any) -> Any:
    """Names of several people, or a person with a name of its own, as one line."""
    if isinstance(value, Mapping) and isinstance(value.get("name"), str):
        return value["name"]
    if isinstance(value, list):
        names = [_flat(one) for one in value]
        if all(isinstance(name, str) for name in names):
            return ", ".join(names)
    return value


def _yaml(written: str) -> dict[str, Any] | None:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

    reader = YAML(typ="safe", pure=True)
    depth = 0
    try:
        # Before its values are made: an alias makes one of any size out of a few letters, and the
        # reader takes time by the square of the depth.
        for number, event in enumerate(reader.parse(written)):
            depth += isinstance(event, CollectionStartEvent)
            depth -= isinstance(event, CollectionEndEvent)
            if isinstance(event, AliasEvent) or depth > DEEPEST or number > 2 * VALUES:
                return None
        values = reader.load(written)
    except (YAMLError, ValueError, RecursionError, OverflowError):
        return None
    return _object({} if values is None else values)


def _toml(written: str) -> dict[str, Any] | None:
    import tomllib

    try:
        return _object(tomllib.loads(written))
    except (ValueError, RecursionError):
        return None


def _object(values: Any) -> dict[str, Any] | None:
    left = [VALUES]
    try:
        made = _json(values, 0, left)
    except ValueError:
        return None
    return made if isinstance(made, dict) else None


def _json(value: Any, depth: int, left: list[int]) -> Any:
    """A value as JSON has it; ValueError for more values or levels than front matter has."""
    left[0] -= 1
    if depth > DEEPEST or left[0] < 0:
        raise ValueError("more than front matter")
    if isinstance(value, Mapping):
        return {str(key): _json(inner, depth + 1, left) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_json(inner, depth + 1, left) for inner in value]
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
