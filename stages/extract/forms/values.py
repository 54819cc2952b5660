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

_TEXT = 32  # characters of a text for each control character in it
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class NotText(str):
    """Bytes that are no text, in base64, by which a row is known: no text of a record, nor of its
    meta. length: how many bytes there are."""

    length: int

    def __new__(cls, data: bytes) -> NotText:
        made = super().__new__(cls, base64.b64encode(data).decode("ascii"))
        made.length = len(data)
        return made


def as_text(value: Any) -> str:
    """A value as text: numbers by their digits, booleans as true and false, bytes as the text
    that they are, lists and objects as JSON."""
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
    """The text that bytes are: UTF-8, with few control characters; None for others."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    controls = len(_CONTROL.findall(text))
    return None if "\0" in text or controls * _TEXT > len(text) else text


def bytes_text(data: bytes) -> str:
    """Bytes as the text that they are, else as bytes that are none."""
    text = text_of(data)
    return NotText(data) if text is None else text


def without_bytes(value: Any) -> tuple[Any, int]:
    """(a JSON value without the bytes in it that are no text, how many those are): a key that has
    them goes, in a list null stands in their place, and nothing is left of them alone."""
    return _parted(value) if _holds_bytes(value) else (value, 0)


def _holds_bytes(value: Any) -> bool:
    if not isinstance(value, list | dict):
        return isinstance(value, NotText)
    todo = [value]
    for one in todo:
        if isinstance(one, dict):
            todo.extend(one.values())
        elif isinstance(one, list):
            todo.extend(one)
        elif type(one) is NotText:
            return True
    return False


def _parted(value: Any) -> tuple[Any, int]:
    if isinstance(value, NotText):
        return None, value.length
    if isinstance(value, list):
        found = [_parted(inner) for inner in value]
        return [inner for inner, _ in found], sum(size for _, size in found)
    if isinstance(value, dict):
        pairs = [(name, inner, *_parted(inner)) for name, inner in value.items()]
        kept = {name: new for name, old, new, _ in pairs if not isinstance(old, NotText)}
        return kept, sum(size for *_, size in pairs)
    return value, 0


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
    if not isinstance(value, str) or isinstance(value, NotANumber | NotText):
        raise Unreadable("bad_type", field=field, type=type_name(value), wanted="a string")
    return value


def type_name(value: object) -> str:
    """The JSON name of a value's type; bytes for what JSON has none for."""
    if isinstance(value, NotText):
        return "bytes"
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


def not_text(field: str, value: NotText) -> Unreadable:
    """The refusal of bytes where a text is wanted."""
    begins = base64.b64decode(value[:24])[:16].hex()
    told = {"type": "bytes", "bytes": value.length, "begins": begins}
    return Unreadable("bad_type", field=field, wanted="text", **told)


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
