"""Values as text and as JSON, and how many characters they have."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from stages.errors import Unreadable
from stages.extract.jsontext.json_values import NotANumber
from stages.records import to_json

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def as_text(value: Any) -> str:
    """A value as text: numbers by their digits, booleans as true and false, bytes as the text
    that they are, else in base64, lists and objects as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes_text(bytes(value))
    if isinstance(value, list | tuple | Mapping):
        return to_json(as_json(value))
    return str(value)


def text_of(data: bytes) -> str | None:
    """The text that bytes are, UTF-8 without control characters; None for others."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def bytes_text(data: bytes) -> str:
    """Bytes as the text that they are, else in base64."""
    text = text_of(data)
    return base64.b64encode(data).decode("ascii") if text is None else text


def as_json(value: Any) -> Any:
    """A value as JSON holds it: what JSON has no form for is text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [as_json(inner) for inner in value]
    if isinstance(value, Mapping):
        return {str(name): as_json(inner) for name, inner in value.items()}
    return as_text(value)


def size(value: Any) -> int:
    """The characters of a JSON value: of a text its own, else those of its JSON; null has none."""
    if isinstance(value, str):
        return len(value)
    if value is None:
        return 0
    if type(value) is int:
        return len(str(value))
    if value is True or value is False:
        return 4 + (not value)
    if type(value) is float:
        return len(repr(value))
    return len(to_json(value))


def strict_text(field: str, value: Any) -> str:
    """The text of a JSON value; null is an empty one. Unreadable bad_type for any other."""
    if value is None:
        return ""
    if not isinstance(value, str) or isinstance(value, NotANumber):
        raise Unreadable("bad_type", field=field, type=type_name(value), wanted="a string")
    return value


def type_name(value: object) -> str:
    """The JSON name of a value's type."""
    if isinstance(value, NotANumber):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "list"


def check_text(field: str, text: str) -> None:
    """Unreadable encoding for half a character (a lone surrogate)."""
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"U+{ord(text[error.start]):04X}"
        raise Unreadable("encoding", field=field, at=error.start, character=half) from None


def key_text(pairs: Iterable[tuple[str, Any]]) -> str:
    """`column=value` pairs for a place, on one line."""
    return ",".join(f"{name}={value}" for name, value in pairs).replace("\n", " ")[:200]
