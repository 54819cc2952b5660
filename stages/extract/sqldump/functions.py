"""The functions of constants that dumps are written with; others need a server and are refused."""

from __future__ import annotations

import re
from typing import NamedTuple

from stages.errors import Unreadable
from stages.extract.sqldump import dates
from stages.extract.sqldump.dialect import Session


class Literal(NamedTuple):
    """kind: null, string, number, hex, bits, word; data: its bytes, unescaped; charset: what an
    introducer said (for strings and hex), else None. note: what stays as it is written since a
    function of it is not understood."""

    kind: str
    data: bytes = b""
    charset: str | None = None
    note: str | None = None


NULL = Literal("null")
_UNISTR = re.compile(
    r"\\(?:(\\)|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|\+([0-9a-fA-F]{6})|([0-9a-fA-F]{4}))"
)
_DATES = frozenset(
    ("to_date", "to_timestamp", "to_timestamp_tz", "timestamp_format", "str_to_date")
)
_CONVERSIONS = frozenset(
    (
        *("cast", "convert", "blob", "clob", "dbclob", "json", "timestamp", "date", "time"),
        *("try_cast", "try_convert", "to_clob", "to_nclob", "to_blob", "to_number"),
    )
)
_TIMES = frozenset(("date", "datetime", "datetime2", "smalldatetime", "datetimeoffset", "time"))
_OF_ONE = frozenset(("date", "time", "timestamp", "to_number"))  # with more they make another value
_BYTES = frozenset(("binary", "varbinary", "image"))
_SHOWN = 40  # characters of a model in a note


def unistr(data: bytes) -> bytes:
    """SQLite's and Oracle's unistr(): \\uXXXX, \\UXXXXXXXX, \\+XXXXXX, \\XXXX, \\\\."""
    text = _UNISTR.sub(
        lambda m: "\\" if m[1] else chr(int(m[2] or m[3] or m[4] or m[5], 16)), data.decode()
    )
    return text.encode("utf-16", "surrogatepass").decode("utf-16").encode()


def of_hex(digits: bytes) -> bytes:
    """The bytes that hexadecimal digits stand for. Unreadable: unparsed."""
    try:
        return bytes.fromhex((b"0" * (len(digits) % 2) + digits).decode("latin-1"))
    except ValueError:
        shown = digits[:120].decode("utf-8", "replace")
        raise Unreadable("unparsed", value=shown) from None


def called(
    name: str, given: list[Literal], session: Session, limit: int, kind: str = ""
) -> Literal | None:
    """The value of a function of constants; None for one that is not known to be one, and for a
    value of more than `limit` bytes. kind: the type that CAST or CONVERT names."""
    kinds = [value.kind for value in given]
    if name in _DATES:
        return _dated(name, given, session) if given else None
    if name in _OF_ONE and "string" in kinds[1:]:
        return None
    if name in _CONVERSIONS:
        return _converted(name, given, kind) if given else None
    if name in ("char", "chr", "nchar") and kinds == ["number"] and len(given[0].data) < 9:
        return Literal("string", chr(int(given[0].data)).encode())
    if name == "replace" and kinds == ["string"] * 3 and given[1].data:
        text, old, new = (value.data for value in given)
        if len(new) > len(old) and len(text) + text.count(old) * (len(new) - len(old)) > limit:
            return None
        return Literal("string", text.replace(old, new))
    if name == "unistr" and kinds == ["string"]:
        return Literal("string", unistr(given[0].data))
    if name in ("hextoraw", "unhex") and kinds == ["string"]:
        return Literal("hex", of_hex(given[0].data))
    if name == "utl_raw.cast_to_raw" and kinds == ["string"]:
        return Literal("hex", given[0].data)
    if name in ("utl_raw.cast_to_varchar2", "utl_raw.cast_to_nvarchar2") and kinds == ["hex"]:
        return Literal("string", given[0].data)
    if name in ("empty_clob", "empty_blob") and not given:
        return Literal("string" if name == "empty_clob" else "hex")
    if name == "concat" and given and "null" not in kinds:
        return Literal("string", b"".join(value.data for value in given))
    return None


def _dated(name: str, given: list[Literal], session: Session) -> Literal:
    """A date that is read by a model; one that is not understood stays as it is written."""
    first, models = given[0], [one.data for one in given[1:2] if one.kind == "string"]
    if first.kind not in ("string", "number"):
        return first
    text, model = _text(first), models[0].decode("utf-8", "replace") if models else None
    model = model if model is not None or len(given) > 1 else session.date_models.get(name)
    if name == "to_timestamp" and model is None and first.kind == "number":
        found = dates.of_epoch(text)
    elif model is None:
        found = text if dates.is_iso(text) and len(given) == 1 else None
    else:
        mysql = name == "str_to_date"
        how = "mysql" if mysql else "postgres" if session.dialect == "postgres" else "oracle"
        found = dates.by_model(text, model, how)
    if found is not None:
        return Literal("string", found.encode())
    shown = f"'{model[:_SHOWN]}'" if model is not None else "no model"
    return _as_written(first, f"{name} by {shown}")


def _converted(name: str, given: list[Literal], kind: str) -> Literal:
    """CAST and its kin: the value itself, but for SQL Server's dates and bytes."""
    first, style = given[0], None
    if name in ("convert", "try_convert") and len(given) > 1 and given[1].data.isdigit():
        style = int(given[1].data[:9])
    if kind in _TIMES and first.kind == "hex":
        found = dates.of_bytes(first.data, kind)
        if found is None:
            return _as_written(first, f"{name} of bytes as {kind}")
        return Literal("string", found.encode())
    if kind in _TIMES and first.kind == "string" and style is not None and kind != "time":
        found = dates.by_style(_text(first), style)
        if found is None:
            return _as_written(first, f"{name} by style {style}")
        return Literal("string", found.encode())
    if kind in _BYTES and first.kind == "string" and style in (1, 2):
        return Literal("hex", of_hex(first.data[2:] if style == 1 else first.data))
    return first


def _text(value: Literal) -> str:
    return value.data.decode("utf-8", "replace")


def _as_written(value: Literal, why: str) -> Literal:
    return value._replace(note=" ".join(why.replace(";", ",").replace("←", "<-").split()))
