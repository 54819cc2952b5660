"""How a literal becomes a value of its column: exact, by the declared kind.

Values are None, str, int, float, bool or bytes. Decimals stay digits in text; times stay text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from stages.errors import Unreadable
from stages.extract.sqldump.charset import decoder
from stages.extract.sqldump.dialect import Session
from stages.extract.sqldump.escapes import substituted
from stages.extract.sqldump.functions import Literal
from stages.extract.sqldump.literals import literal, unescape_mysql
from stages.extract.sqldump.schema import Column

_WHOLE = re.compile(rb"[-+]?[0-9]+")
_PLAIN = re.compile(rb"[-+]?(?:0|[1-9][0-9]*)")  # of which an integer keeps all digits
_NUMBER = re.compile(rb"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(rb"(?i)[-+]?(?:nan|inf(?:inity)?)")
_PG_OCTAL = re.compile(rb"\\([0-7]{3})|\\\\")
_INT64 = 1 << 63
_QUOTE, _NATIONAL = ord("'"), ord("N")


def converter(column: Column | None, session: Session) -> Callable[[bytes], Any]:
    """From the bytes of a plain value in an INSERT to the value."""
    kind = _kind(column, session)
    decode = _decode(session)
    backslash, charset, exact = session.backslash, session.charset, session.exact
    postgres = session.dialect == "postgres"  # where N'' is of type char

    mysql, oracle = session.dialect == "mysql", session.dialect == "oracle"

    def any_(token: bytes) -> Any:
        return coerce(column, literal(session, token), session)

    def integer(token: bytes) -> Any:
        if token.isdigit() or (token[:1] == b"-" and token[1:].isdigit()):
            return int(token)
        return None if token == b"NULL" else any_(token)

    def text(token: bytes) -> Any:
        first = token[0]
        if first == _QUOTE or (first == _NATIONAL and not postgres and token[1] == _QUOTE):
            inner = token[1:-1] if first == _QUOTE else token[2:-1]
            if backslash and b"\\" in inner:
                return decode(unescape_mysql(inner, b"'", charset)) if mysql else any_(token)
            if not inner and oracle:
                return None
            return decode(inner.replace(b"''", b"'") if b"''" in inner else inner)
        return None if token == b"NULL" else any_(token)

    def decimal(token: bytes) -> Any:
        return token.decode("ascii").lstrip("+") if _NUMBER.fullmatch(token) else any_(token)

    def real(token: bytes) -> Any:
        return float(token) if _NUMBER.fullmatch(token) else any_(token)

    def unknown(token: bytes) -> Any:
        if token.isdigit() and (token[:1] != b"0" or len(token) == 1):
            return int(token)
        return None if token == b"NULL" else any_(token)

    def loose(token: bytes) -> Any:
        if token[0] == _QUOTE:
            return text(token)
        return _number(token, kind, exact) if _NUMBER.fullmatch(token) else any_(token)

    known = {
        "int": integer,
        "text": text,
        "time": text,
        "sqlite_text": text,
        "decimal": decimal,
        "float": real,
        "any": loose,
    }
    return unknown if kind is None else known.get(kind, any_)


def _kind(column: Column | None, session: Session) -> str | None:
    if column is not None:
        return column.kind
    return "any" if session.dialect == "sqlite" else None


def coerce(column: Column | None, found: Literal, session: Session) -> Any:
    """The value of a literal in a column."""
    kind = _kind(column, session)
    if found.kind == "null":
        return None
    if found.kind == "string":
        return _of_string(kind, found, session)
    if found.kind == "number":
        return _of_number(kind, column, found.data, session.exact)
    if found.kind == "hex":
        return _of_hex(kind, column, found, session)
    if found.kind == "bits":
        return _of_bits(kind, column, found, session)
    word = found.data.lower()
    if word == b"default":
        if column is not None and column.generated:
            return None
        if column is not None and column.default is not None:
            return coerce(column, literal(session, column.default), session)
        raise Unreadable("expression", value="DEFAULT")
    if word in (b"true", b"false"):
        return (word == b"true") if kind in ("bool", None) else int(word == b"true")
    return float(word)


def _decode(session: Session, charset: str | None = None) -> Callable[[bytes], str]:
    found = session.decode if charset is None else decoder(charset)
    return found or _not_known(charset or session.charset)


def _not_known(charset: str) -> Callable[[bytes], str]:
    """A decoder for a character set that is not known: it refuses the rows that have text."""

    def refuse(data: bytes) -> str:
        raise Unreadable("encoding", charset=charset, error="a character set that is not known")

    return refuse


def _of_string(kind: str | None, found: Literal, session: Session) -> Any:
    data = found.data
    if not data and session.dialect == "oracle":
        return None
    if kind in ("bytes", "bits") and session.dialect != "sqlite":
        return _bytea(data) if session.dialect == "postgres" else data
    if found.charset == "binary":
        return data
    if kind in ("int", "sqlite_int", "sqlite_numeric") and _WHOLE.fullmatch(data):
        return int(data)
    if kind == "float" and (_NUMBER.fullmatch(data) or _NOT_FINITE.fullmatch(data)):
        return float(data)
    if kind == "bool" and data.lower() in (b"t", b"f", b"true", b"false", b"1", b"0"):
        return data[:1].lower() in (b"t", b"1")
    if kind in ("sqlite_real", "sqlite_numeric") and _NUMBER.fullmatch(data):
        return _number(data, kind, session.exact)
    decode = _decode(session, found.charset)
    if kind is None and session.dialect == "mysql":
        # without CREATE TABLE text and bytes cannot be told apart
        try:
            return decode(data)
        except UnicodeDecodeError:
            return data
    return decode(data)


def _bytea(data: bytes) -> bytes:
    """PostgreSQL's text forms of bytea: \\x6162 and a\\000\\\\."""
    try:
        if data[:2] == b"\\x":
            return bytes.fromhex(data[2:].decode("ascii"))
    except ValueError:
        raise Unreadable(
            "value", value=data[:120].decode("utf-8", "replace"), type="bytea"
        ) from None
    if b"\\" not in data:
        return data
    return substituted(_PG_OCTAL, lambda m: bytes([int(m[1], 8) & 255]) if m[1] else b"\\", data)


def _number(data: bytes, kind: str | None, exact: bool) -> Any:
    """SQLite: whole numbers of 64 bits are integers, all else is a float; exact: it may be another
    server's, so digits stay, but for columns that are declared as floats."""
    if exact and kind != "sqlite_real":
        return int(data) if _PLAIN.fullmatch(data) else data.decode("ascii").lstrip("+")
    if _WHOLE.fullmatch(data):
        value = int(data)
        if kind != "sqlite_real" and -_INT64 <= value < _INT64:
            return value
    number = float(data)
    whole = kind in ("sqlite_int", "sqlite_numeric") and math.isfinite(number)
    return int(number) if whole and number == int(number) and abs(number) < 1e15 else number


def _of_number(kind: str | None, column: Column | None, data: bytes, exact: bool) -> Any:
    if kind in ("any", "sqlite_int", "sqlite_real", "sqlite_numeric"):
        return _number(data, kind, exact)
    if (kind == "int" and _WHOLE.fullmatch(data)) or (kind is None and _PLAIN.fullmatch(data)):
        return int(data)
    if kind == "float":
        return float(data)
    if kind == "bool" and data in (b"0", b"1"):
        return data == b"1"
    if kind == "bits" and column is not None:
        return int(data).to_bytes(column.width[0], "big")
    if kind == "bytes":
        return data
    return data.decode("ascii").lstrip("+")


def _of_hex(kind: str | None, column: Column | None, found: Literal, session: Session) -> Any:
    data = found.data
    if session.dialect in ("sqlite", "mssql") or kind in ("bytes", None):
        if found.charset and found.charset != "binary":
            return _decode(session, found.charset)(data)
        return data
    if kind in ("int", "float", "decimal", "bool"):
        number = _of_64_bits(int.from_bytes(data, "big"))
        return number if kind == "int" else str(number) if kind == "decimal" else float(number)
    if kind == "bits" and column is not None:
        return data.rjust(column.width[0], b"\0")
    if session.dialect == "postgres":
        return "".join(f"{byte:08b}" for byte in data)
    if found.charset == "binary":
        return data
    # a bare hexadecimal literal holds the column's own bytes, which are UTF-8 in all new tables
    return _decode(session, found.charset or "utf8mb4")(data)


def _of_64_bits(number: int) -> int:
    if number >= 1 << 64:
        raise Unreadable("value", error="a number of more than 64 bits")
    return number


def _of_bits(kind: str | None, column: Column | None, found: Literal, session: Session) -> Any:
    if session.dialect == "postgres":
        return found.data.decode("ascii")
    number = int(found.data or b"0", 2)
    if kind in ("int", "bool"):
        return _of_64_bits(number)
    if kind == "decimal":
        return str(_of_64_bits(number))
    width = column.width[0] if column is not None and kind == "bits" else 0
    return number.to_bytes(max(width, (number.bit_length() + 7) // 8, 1), "big")


# --- COPY ---------------------------------------------------------------------------------------


def copy_converter(column: Column | None, session: Session) -> Callable[[bytes], Any]:
    """From a field of COPY data, unescaped and in UTF-8, to the value."""
    kind = column.kind if column is not None else None

    def integer(data: bytes) -> Any:
        if data.isdigit() or (data[:1] == b"-" and data[1:].isdigit()):
            return int(data)
        return str(data, "utf-8")

    def boolean(data: bytes) -> Any:
        return data == b"t" if data in (b"t", b"f") else str(data, "utf-8")

    def real(data: bytes) -> Any:
        fits = _NUMBER.fullmatch(data) or _NOT_FINITE.fullmatch(data)
        return float(data) if fits else str(data, "utf-8")

    def text(data: bytes) -> Any:
        return str(data, "utf-8")

    return {"int": integer, "bool": boolean, "float": real, "bytes": _bytea}.get(kind or "", text)
