"""CREATE TABLE → the columns, what kind of value each holds, and which are generated."""

from __future__ import annotations

import re
from typing import NamedTuple

from stages.extract.sqldump.lexer import (
    NAME,
    NAMES,
    Syntax,
    next_token,
    split_names,
    token,
    unquoted,
)

# kind → what a value of the column becomes: int, decimal (digits as text), float, text, bytes,
# bits (MySQL's BIT: bytes), bool, time (text), any (SQLite: each value has its own type).


class Column(NamedTuple):
    """One column. width: bytes of a BIT column, or (digits, scale) of a decimal one. identity:
    whether SQL Server numbers it, so that a row without names of columns has no value for it."""

    name: str
    kind: str
    generated: bool = False
    auto: bool = False
    width: tuple[int, ...] = ()
    unsigned: bool = False
    default: bytes | None = None  # the literal that DEFAULT stands for; None: not in the file
    identity: bool = False


class Schema(NamedTuple):
    """A table: its name as it is written, its columns."""

    name: str
    columns: tuple[Column, ...]


_HEAD = re.compile(
    rb"(?is)CREATE\s+(?:OR\s+REPLACE\s+)?(?:(?:GLOBAL|LOCAL|TEMP|TEMPORARY|UNLOGGED|FOREIGN|COLUMN)\s+)*"
    rb"TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>" + NAMES + rb")\s*"
)
_INHERITS = re.compile(rb"(?is)\)\s*INHERITS\s*\((.*?)\)")
_PARTITION_OF = re.compile(rb"(?is)PARTITION\s+OF\s+(" + NAMES + rb")")
_KEYS = b"primary key unique constraint index fulltext spatial check foreign exclude period like"
_NOT_COLUMNS = frozenset(_KEYS.split())
_GENERATED = re.compile(
    rb"(?i)\bGENERATED\s+ALWAYS\s+AS\s*\(|\bAS\s*\(|\b(?:VIRTUAL|STORED|PERSISTENT)\b"
)
_IDENTITY = re.compile(rb"(?i)\bIDENTITY\b")
_DEFAULT = re.compile(rb"(?is)\bDEFAULT\s+('(?:[^'\\]|'')*+'|-?[0-9.]++\b|NULL\b)(?!\s*[:(])")
# SQLite takes 32,767 columns, PostgreSQL and others 1,600; a table of more has no schema.
_WIDTH = 32767
_INHERITED = 1600
# type → kind; what is not here is text
_KINDS = {
    "int": "int integer tinyint smallint mediumint bigint int2 int4 int8 serial bigserial "
    "smallserial serial4 serial8",
    "float": "float double real float4 float8 binary_float binary_double",
    "decimal": "decimal numeric dec fixed number smallmoney",
    "bytes": "binary varbinary blob tinyblob mediumblob longblob bytea image raw geometry point "
    "linestring polygon multipoint multilinestring multipolygon geometrycollection rowversion",
    "time": "date datetime timestamp timestamptz time timetz year datetime2 smalldatetime "
    "datetimeoffset",
}
_KIND_OF = {word: kind for kind, words in _KINDS.items() for word in words.split()}


def create_table(syntax: Syntax, text: bytes, known: dict[str, Schema]) -> Schema | None:
    """The schema that a CREATE TABLE statement says; None when it says no columns."""
    head = _HEAD.match(text)
    if head is None:
        return None
    name = ".".join(part.decode("utf-8", "replace") for part in split_names(head["name"]))
    parent = _PARTITION_OF.match(text, head.end())
    if parent is not None:
        found = known.get(table_key(parent[1]))
        return None if found is None else Schema(name, found.columns)
    if text[head.end() : head.end() + 1] != b"(":
        return None
    pieces, end = _pieces(syntax, text, head.end() + 1)
    if len(pieces) > _WIDTH:
        return None
    columns = [column for piece in pieces if (column := _column(syntax.dialect, piece)) is not None]
    # SQLite and others allow PRIMARY KEY (id) apart; only an inline one makes a row id of NULL
    inherits = _INHERITS.match(text, end - 1)
    if inherits is not None:
        before: list[Column] = []
        for table in re.findall(NAMES, inherits[1]):
            found = known.get(table_key(table))
            before += [] if found is None else found.columns
            if len(before) > _INHERITED:
                return None
        own = {column.name for column in columns}
        columns = [column for column in before if column.name not in own] + columns
    return Schema(name, tuple(columns)) if columns or not b"".join(pieces).strip() else None


def table_key(name: bytes) -> str:
    """How a table is looked up: its last name, lower case, with what stands before it."""
    return ".".join(part.decode("utf-8", "replace") for part in split_names(name)).lower()


def _pieces(syntax: Syntax, text: bytes, pos: int) -> tuple[list[bytes], int]:
    """The comma-separated definitions up to the closing parenthesis, without comments."""
    pattern = token(syntax)
    pieces: list[bytes] = []
    piece, depth = bytearray(), 0
    while (found := next_token(pattern, text, pos)) is not None and len(pieces) <= _WIDTH:
        match, _, pos = found
        if match["blank"] is not None:
            piece += b" "
            continue
        part = text[match.start() : pos]
        if part == b"(":
            depth += 1
        elif part == b")":
            if not depth:
                break
            depth -= 1
        elif part == b"," and not depth:
            pieces.append(bytes(piece))
            piece = bytearray()
            continue
        piece += part
    return [*pieces, bytes(piece)], pos


_DEFINITION = re.compile(
    rb"(?s)\s*(" + NAME + rb"|'[^']*')\s*(\[\w+\]|\"\w+\"|[A-Za-z_][\w.]*|)(.*)"
)


def _column(dialect: str, piece: bytes) -> Column | None:
    match = _DEFINITION.match(piece)
    if match is None:
        return None
    raw, type_, rest = match.groups()
    if raw.lower() in _NOT_COLUMNS and not (type_ and raw.lower() in (b"key", b"index", b"period")
                                            and re.match(rb"\s*\(", rest) is None):  # fmt: skip
        return None
    name = (raw[1:-1] if raw[:1] == b"'" else unquoted(raw)).decode("utf-8", "replace")
    word = type_.strip(b'[]"').lower().decode("latin-1").rpartition(".")[2]
    arguments = tuple(int(n) for n in re.findall(rb"\d{1,9}", rest[: rest.find(b")") + 1]))[:2] if (
        re.match(rb"\s*\(", rest)
    ) else ()  # fmt: skip
    attributes = rest.lower()
    kind, width = _kind(dialect, word, arguments, attributes, piece)
    generated = (
        _GENERATED.search(_without_strings(rest)) is not None and b"identity" not in attributes
    )
    if dialect == "sqlite":
        auto = word == "integer" and b"primary key" in attributes
    else:
        auto = b"auto_increment" in attributes
    identity = dialect == "mssql" and _IDENTITY.search(_without_strings(rest)) is not None
    unsigned, default = b"unsigned" in attributes, _default(rest, auto)
    return Column(name, kind, generated, auto, width, unsigned, default, identity)


def _default(rest: bytes, auto: bool) -> bytes | None:
    match = _DEFAULT.search(rest)
    if match is not None:
        return match[1]
    plain = _without_strings(rest).upper()
    return None if auto or b"NOT NULL" in plain or b"DEFAULT" in plain else b"NULL"


def _without_strings(text: bytes) -> bytes:
    return re.sub(rb"'[^']*'", b"''", text)


def _kind(
    dialect: str, word: str, arguments: tuple[int, ...], rest: bytes, piece: bytes
) -> tuple[str, tuple[int, ...]]:
    if dialect == "sqlite":
        return _affinity(piece), ()
    if dialect == "postgres":
        if b"[]" in rest or rest.lstrip().startswith(b"["):
            return "text", ()
        if word == "bit":
            return "text", ()
        if word in ("point", "polygon", "geometry", "image", "binary"):
            return "text", ()
    if word == "bit":
        if dialect == "mssql":
            return "bool", ()
        return "bits", ((min((arguments or (1,))[0], 64) + 7) // 8,)
    if word in ("bool", "boolean"):
        return ("bool" if dialect != "mysql" else "int"), ()
    if dialect == "oracle" and word in ("number", "integer", "float", "int"):
        whole = word in ("integer", "int") or (len(arguments) == 1 or arguments[1:] == (0,))
        return ("int" if whole else "decimal"), arguments[:2] if len(arguments) == 2 else ()
    kind = "decimal" if word == "money" and dialect == "mssql" else _KIND_OF.get(word, "text")
    if kind == "decimal":
        return kind, (*arguments, 0)[:2] if arguments else ()
    return kind, ()


def _affinity(piece: bytes) -> str:
    """SQLite's rules, from the declared type: int, text, any (no type or blob), float, numeric."""
    match = re.match(
        rb"(?is)\s*(?:" + NAME + rb"|'[^']*')\s*(.*?)(?:\s(?:CONSTRAINT|PRIMARY|NOT|NULL|UNIQUE|"
        rb"CHECK|DEFAULT|COLLATE|REFERENCES|GENERATED|AS)\b|$)",
        piece,
    )  # fmt: skip
    declared = match[1].upper() if match else b""
    if b"INT" in declared:
        return "sqlite_int"
    if any(word in declared for word in (b"CHAR", b"CLOB", b"TEXT")):
        return "sqlite_text"
    if b"BLOB" in declared or not declared.strip():
        return "any"
    if any(word in declared for word in (b"REAL", b"FLOA", b"DOUB")):
        return "sqlite_real"
    return "sqlite_numeric"
