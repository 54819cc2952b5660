"""A dump is read by one pattern a row, or token by token: both ways give the same rows."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base import Fault
from stages.extract.sqldump import insert
from stages.extract.sqldump.reader import Reader
from stages.extract.sqldump.rows import Row
from tests.extract.test_sqldump import Dribble

Found = list[tuple[Any, ...]]


def _read(data: bytes, dialect: str, rows_first: int) -> Found:
    """What is read when a pattern is made after so many rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(insert, "_ROWS_FIRST", rows_first)
        events = list(Reader(io.BytesIO(data), dialect))
    return [
        (event.shape, event.values, event.offset, event.line, event.raw)
        if isinstance(event, Row)
        else (event.place, event.reason, event.raw)
        for event in events
    ]


def both(data: bytes, dialect: str) -> Found:
    """What both ways read."""
    fast, careful = _read(data, dialect, 1), _read(data, dialect, 1 << 30)
    assert fast == careful
    return fast


MYSQL = (
    "CREATE TABLE t (id int NOT NULL AUTO_INCREMENT, a text, d decimal(9,2), f double, b blob);\n"
)
DUMPS: dict[str, tuple[str, str, list[tuple[Any, ...]]]] = {
    "escapes": (
        "mysql",
        MYSQL + r"INSERT INTO t VALUES (1,'a\0\012\n\'\%''z',1.5,1,'x'),(2,'\\',+5,-2e3,''),"
        r"(NULL,N'n',.5,NULL,_binary '\0'),(0,'',NULL,.5,NULL);",
        [
            (1, "a\0\x0012\n'\\%'z", "1.5", 1.0, b"x"),
            (2, "\\", "5", -2000.0, b""),
            (3, "n", ".5", None, b"\0"),
            (4, "", None, 0.5, None),
        ],
    ),
    "no backslashes": (
        "mysql",
        "SET sql_mode='NO_BACKSLASH_ESCAPES';\n" + MYSQL
        + r"INSERT INTO t VALUES (1,'c:\n''x',1,1,''),(2,'\',2,2,'');",
        [(1, "c:\\n'x", "1", 1.0, b""), (2, "\\", "2", 2.0, b"")],
    ),
    "nothing in Oracle": (
        "oracle",
        "CREATE TABLE t (a NUMBER(9), b VARCHAR2(9));\nINSERT INTO t VALUES (1,'');\n"
        "INSERT INTO t VALUES (2,N'it''s');\nINSERT INTO t VALUES (NULL,NULL);\n",
        [(1, None), (2, "it's"), (None, None)],
    ),
    "PostgreSQL": (
        "postgres",
        "CREATE TABLE t (a bigint, b text, c bytea, d boolean);\n"
        "INSERT INTO t VALUES (-1, 'it''s \\n', '\\x4142', true), (2, E'\\n\\'', '', 'f'),"
        "\n(3, N'x ', NULL, false);\n",
        [(-1, "it's \\n", b"AB", True), (2, "\n'", b"", False), (3, "x", None, False)],
    ),
    "SQLite": (
        "sqlite",
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c);\n"
        "INSERT INTO t VALUES(1,'it''s',X'00ff');\nINSERT INTO t VALUES(2,5,1.0);\n"
        "INSERT INTO t VALUES(9223372036854775807,NULL,9223372036854775808);\n",
        [(1, "it's", b"\0\xff"), (2, "5", 1.0), (2**63 - 1, None, 2.0**63)],
    ),
    "generated columns": (
        "mysql",
        "CREATE TABLE t (a int, g int GENERATED ALWAYS AS (a + 1) VIRTUAL, b text);\n"
        "INSERT INTO t VALUES (1,2,'x'),(3,4,'y');\nINSERT INTO t (a, b) VALUES (5,'z');\n",
        [(1, "x"), (3, "y"), (5, "z")],
    ),
    "rows of another width": (
        "mysql",
        "CREATE TABLE t (a int, b text);\nINSERT INTO t VALUES (1,'x'),(2),(3,'y','z'),(4,'w');\n",
        [(1, "x"), (4, "w")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DUMPS)
def test_the_ways_of_reading_agree(name: str) -> None:
    dialect, text, rows = DUMPS[name]
    found = both(text.encode(), dialect)
    assert [event[1] for event in found if len(event) == 5] == rows


@pytest.mark.parametrize("row", ["(1)", "(1,'x',3)", "()"])
def test_a_row_of_another_width_says_so(row: str) -> None:
    text = f"CREATE TABLE t (a int, b text);\nINSERT INTO t VALUES (1,'x'),{row},(2,'y');\n"
    found = both(text.encode(), "mysql")
    assert [event[1] for event in found] == [(1, "x"), "wrong_width", (2, "y")]


VALUE = st.one_of(
    st.sampled_from(["NULL", "0", "-7", "+5", "1.50", ".5", "1e3", "-0", "00", "TRUE", "0x41"]),
    st.text(st.sampled_from("ab\\0n%'\" é"), max_size=6).map(lambda text: f"'{text}'"),
)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["mysql", "postgres", "sqlite", "oracle", "mssql"]),
    st.lists(st.lists(VALUE, min_size=3, max_size=3), min_size=1, max_size=6),
)
def test_the_ways_agree_on_any_values(dialect: str, rows: list[list[str]]) -> None:
    told = ",".join(f"({','.join(row)})" for row in rows)
    text = f"CREATE TABLE t (a int, b text, c numeric(9,2));\nINSERT INTO t VALUES {told};\n"
    both(text.encode(), dialect)


@pytest.mark.parametrize("size", [1, 7, 30])
def test_the_closing_line_of_a_tool_is_seen_wherever_it_is_cut(size: int) -> None:
    """A dump is told as cut off when the tool that wrote it did not write its last line."""
    rows = "CREATE TABLE t (a int);\n" + "INSERT INTO t VALUES (1);\n" * (1 << 14)
    for head, end in (
        ("-- MySQL dump 10.13\n", "-- Dump completed\n"),
        ("-- PostgreSQL database dump\n", "-- PostgreSQL database dump complete\n"),
    ):
        for last in (end, ""):
            data = (head + rows + last).encode()
            cut = len(data) - len(end) // 2 if last else len(data)
            events = list(Reader(Parts(data, cut, size)))  # type: ignore[arg-type]
            faults = [event.reason for event in events if isinstance(event, Fault)]
            assert faults == ([] if last else ["truncated"])


class Parts(Dribble):
    """A stream that is given to a place at once, and from there a few bytes at a time."""

    def __init__(self, data: bytes, cut: int, size: int) -> None:
        super().__init__(data, size)
        self._cut = cut

    def read(self, size: int = -1) -> bytes:
        left = self._cut - self._data.tell()
        return self._data.read(min(size, left)) if left > 0 else self._data.read(self._size)
