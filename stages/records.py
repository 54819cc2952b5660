"""The record: one fixed Arrow schema, its identity, and the text views that stages judge.

A record has exactly one form: `text`, or `prompt` + `completion`, or `messages`. Stages may add
columns, each with a declared type. No stage infers a schema from data.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

import pyarrow as pa

FORMAT = 1
View = Literal["input", "output", "all"]
VIEWS: tuple[View, ...] = ("input", "output", "all")

MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string()), ("extra", pa.string())])
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("place", pa.string()),
        ("text", pa.string()),
        ("prompt", pa.string()),
        ("completion", pa.string()),
        ("messages", pa.list_(MESSAGE)),
        ("meta", pa.string()),
    ]
)
CORE: tuple[str, ...] = tuple(SCHEMA.names)
FORMS: tuple[str, ...] = ("text", "prompt", "completion", "messages")

REJECTS = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("place", pa.string()),
        ("stage", pa.string()),
        ("reason", pa.string()),
        ("failed", pa.bool_()),
        ("evidence", pa.string()),
        ("text", pa.string()),
    ]
)
_LARGE = 1 << 18  # characters of a text of which few copies are held
_HALF = re.compile("[\ud800-\udfff]")
REJECT_TEXT = 2000  # characters of a reject that are kept


def encodable(text: str) -> str:
    """The text as Arrow can store it: a lone surrogate becomes U+FFFD."""
    if text.isascii():
        return text
    try:
        for _ in in_utf8(text):
            pass
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def in_utf8(text: str) -> Iterator[bytes]:
    """The bytes of a text, piece by piece: of a long one few copies are held."""
    if len(text) <= _LARGE:
        yield text.encode()
        return
    for begin in range(0, len(text), _LARGE):
        yield text[begin : begin + _LARGE].encode()


def to_json(value: object, allow_nan: bool = True) -> str:
    """Compact JSON with sorted keys; text that cannot be encoded is repaired first. allow_nan: not
    so: ValueError for a number that JSON does not have."""
    text = json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=allow_nan
    )
    return encodable(text)


def object_json(value: Mapping[str, Any]) -> str:
    """An object as compact JSON: its own keys sorted, what lies in it in the order that it has, in
    which models write it and templates show it; half a character as its escape."""
    ordered = {key: value[key] for key in sorted(value)}
    return escaped(json.dumps(ordered, ensure_ascii=False, separators=(",", ":")))


def escaped(text: str) -> str:
    """JSON text as Arrow can store it: half a character becomes its escape, so it is read back."""
    if encodable(text) is text:
        return text
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def without_nulls(value: Any) -> Any:
    """A value of a typed column without the keys that others of its rows have: in each object but
    a message, whose content may be null."""
    if isinstance(value, Mapping):
        message = "role" in value or "from" in value
        return {k: without_nulls(v) for k, v in value.items() if v is not None or message}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def record_id(source: str, unit: str, raw: bytes, ordinal: int, part: int = 0) -> str:
    """128 bits in hex: from the source's name, the file or table, the item's bytes, its ordinal
    among equal siblings, and its number among the records made of the item."""
    return record_ids(source, unit, raw, ordinal, range(part, part + 1))[0]


def record_ids(source: str, unit: str, raw: bytes, ordinal: int, parts: range) -> list[str]:
    """The ids of several records made of one item; its bytes are hashed once."""
    names = (source.encode(), unit.encode("utf-8", "surrogateescape"))
    begin = b"".join([len(piece).to_bytes(8, "little") + piece for piece in names])
    begin += len(raw).to_bytes(8, "little")
    if len(raw) < _LARGE and len(parts) == 1:  # one call is cheaper than a copy is dear
        whole = b"%b%b%d.%d" % (begin, raw, ordinal, parts[0])
        return [hashlib.blake2b(whole, digest_size=16).hexdigest()]
    common = hashlib.blake2b(begin, digest_size=16)
    common.update(raw)
    ids = []
    for part in parts:
        digest = common.copy()
        digest.update(f"{ordinal}.{part}".encode())
        ids.append(digest.hexdigest())
    return ids


def schema_with(columns: Mapping[str, pa.DataType]) -> pa.Schema:
    """The record schema followed by the columns that stages added, in their order."""
    return pa.schema([*SCHEMA, *(pa.field(name, kind) for name, kind in columns.items())])


def to_table(records: Iterable[Mapping[str, Any]], schema: pa.Schema = SCHEMA) -> pa.Table:
    """An Arrow table of dicts: keys that the schema lacks are an error, absent ones are null.

    `meta` may be a dict (stored as JSON text); `messages` a list of dicts whose keys other than
    role and content go to `extra` as JSON text.
    """
    rows = list(records)
    known = set(schema.names)
    for row in rows:
        if not known.issuperset(row):
            unknown = sorted(set(row) - known)
            raise ValueError(f"a record has unknown columns {unknown}")
    arrays = []
    for field in schema:
        values = [row.get(field.name) for row in rows]
        if field.name == "meta":
            values = [_meta(value) for value in values]
        elif field.name == "messages":
            values = [None if value is None else [_message(m) for m in value] for value in values]
        elif pa.types.is_string(field.type):
            values = [v if v is None or v.isascii() else encodable(v) for v in values]
            if max(map(len, filter(None, values)), default=0) > _LARGE:
                arrays.append(_strings(values))
                continue
        arrays.append(pa.array(values, type=field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _strings(values: list[str | None]) -> pa.Array:
    """An array of long texts: Arrow's own way holds each up to four times while it is made."""
    offsets = [0]
    for value in values:
        offsets.append(offsets[-1] + sum(map(len, in_utf8(value or ""))))
    if offsets[-1] >= 1 << 31:
        return pa.array(values, type=pa.string())
    data = bytearray(offsets[-1])
    for value, at in zip(values, offsets, strict=False):
        for piece in in_utf8(value or ""):
            data[at : at + len(piece)] = piece
            at += len(piece)
    buffers = [
        pa.array([value is not None for value in values]).buffers()[1],
        pa.array(offsets, pa.int32()).buffers()[1],
        pa.py_buffer(data),
    ]
    nulls = values.count(None)
    return pa.Array.from_buffers(
        pa.string(), len(values), buffers if nulls else [None, *buffers[1:]], nulls
    )


def _meta(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value if value is None else escaped(value)
    return object_json(value) if isinstance(value, Mapping) else to_json(value)


def _message(message: Mapping[str, Any]) -> dict[str, str | None]:
    content = message.get("content")
    if len(message) == 2 and type(content) is str and type(message.get("role")) is str:
        return {"role": encodable(message["role"]), "content": encodable(content), "extra": None}
    extra = {key: value for key, value in message.items() if key not in ("role", "content")}
    if set(extra) == {"extra"} and (extra["extra"] is None or isinstance(extra["extra"], str)):
        stored = None if extra["extra"] is None else escaped(extra["extra"])
    else:
        stored = object_json(extra) if extra else None
    return {
        "role": encodable(str(message.get("role", ""))),
        "content": None if content is None else encodable(str(content)),
        "extra": stored,
    }


def form_of(record: Mapping[str, Any]) -> str | None:
    """`text`, `prompt` or `messages`: the form that the record has; None for an empty one."""
    if record.get("messages") is not None:
        return "messages"
    if record.get("prompt") is not None or record.get("completion") is not None:
        return "prompt"
    return "text" if record.get("text") is not None else None


# Keys of a message whose values name something, and are no text that anybody wrote; of `parts`,
# which are pictures and sound, neither.
_NO_TEXT = frozenset(("id", "type", "tool_call_id", "call_id", "role", "parts"))
_CALLS = ("tool_calls", "function_call")


NESTED = 100  # levels of what a message has beside its content that are gone into


def mapped(value: Any, path: str, visit: Callable[[str, str], str], level: int = 0) -> Any:
    """A JSON value with each text in it as `visit(path, text)` has it; blank ones stay. What lies
    deeper than NESTED levels is visited as one text, in JSON."""
    if level >= NESTED and isinstance(value, Mapping | list) and value:
        text = json.dumps(value, ensure_ascii=False)
        new = visit(path, text)
        return value if new == text else opened(new) or new
    if isinstance(value, str):
        if level < NESTED and path.endswith(".arguments") and value.lstrip()[:1] in ("{", "["):
            held = opened(value)
            if held is not None:
                new = mapped(held, path, visit, level + 1)
                return value if new == held else json.dumps(new, ensure_ascii=False)
        return visit(path, value) if value.strip() else value
    if isinstance(value, Mapping):
        return {
            key: one if key in _NO_TEXT else mapped(one, f"{path}.{key}", visit, level + 1)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [
            mapped(one, f"{path}[{number}]", visit, level + 1) for number, one in enumerate(value)
        ]
    return value


def opened(text: str | None) -> Any:
    """The object or list that JSON text holds; None for any other text."""
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def extra_fields(extra: str | None, path: str = "") -> list[tuple[str, str]]:
    """The (name, text) pairs of what a message has beside role and content: reasoning, arguments
    of calls. Names: messages[2].tool_calls[0].function.arguments.place; messages[2].extra for what
    is no JSON, or nested so deeply that Python cannot read it."""
    value = opened(extra)
    if value is None and extra and extra.strip():
        return [(f"{path}.extra", extra)]
    found: list[tuple[str, str]] = []

    def visit(name: str, text: str) -> str:
        found.append((name, encodable(text)))  # an escape in JSON may be half a character
        return text

    mapped(value, path, visit)
    return found


def calls_of(record: Mapping[str, Any], view: View) -> str | None:
    """What a record calls, as text in which equal calls are equal; None when it calls nothing."""
    calls, raw = [], []
    for message in record.get("messages") or ():
        answers = message["role"] == "assistant"
        if message.get("extra") and (view == "all" or answers == (view == "output")):
            raw.append(message["extra"])
    try:
        for value in map(opened, raw):
            if isinstance(value, dict):
                calls += [_called(value[key]) for key in _CALLS if value.get(key)]
        return to_json(calls) if calls else None
    except RecursionError:
        return to_json(raw)


def _called(value: Any) -> Any:
    """A call without its id, its arguments as an object."""
    if isinstance(value, list):
        return [_called(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    function = value.get("function", value)
    if not isinstance(function, Mapping):
        return function
    arguments = function.get("arguments")
    held = opened(arguments) if isinstance(arguments, str) else None
    return [function.get("name"), arguments if held is None else held]


def fields(record: Mapping[str, Any], view: View) -> list[tuple[str, str]]:
    """The (name, text) pairs of a record that belong to a view.

    `input` is what the model is given, `output` what it is to write, `all` both; a record of
    the form `text` has only `all`. Names: text, prompt, completion, messages[2], and the texts
    that a message has beside its content (`extra_fields`).
    """
    messages = record.get("messages")
    if messages is not None:
        found = []
        for number, message in enumerate(messages):
            if view == "all" or (message["role"] == "assistant") == (view == "output"):
                name = f"messages[{number}]"
                if message["content"] is not None:
                    found.append((name, message["content"]))
                if message.get("extra"):
                    found += extra_fields(message["extra"], name)
        return found
    names = {
        "input": ("prompt",),
        "output": ("completion",),
        "all": ("text", "prompt", "completion"),
    }[view]
    return [(name, record[name]) for name in names if record.get(name) is not None]


def rewritten(record: Mapping[str, Any], new: Mapping[str, str]) -> dict[str, Any]:
    """The record with other texts in some of its fields, by the names that `fields` gives."""
    out = dict(record)
    if record.get("messages") is not None:
        out["messages"] = [
            _rewritten(message, f"messages[{number}]", new)
            for number, message in enumerate(record["messages"])
        ]
    else:
        out.update(new)
    return out


def _rewritten(message: Mapping[str, Any], name: str, new: Mapping[str, str]) -> dict[str, Any]:
    out = {**message, "content": new.get(name, message["content"])}
    if message.get("extra") and any(field.startswith(f"{name}.") for field in new):
        held = opened(message["extra"])
        if held is None:
            return {**out, "extra": new.get(f"{name}.extra", message["extra"])}
        value = mapped(held, name, lambda field, text: new.get(field, text))
        out["extra"] = escaped(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return out
