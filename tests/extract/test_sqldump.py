"""The dump reader: what a server would hold after loading the dump, and nothing else."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.readers import tables
from stages.base import Fault
from stages.extract.sqldump.dialect import detect
from stages.extract.sqldump.reader import Reader
from stages.extract.sqldump.rows import Row
from stages.extract.sqldump.window import Window


def read(
    text: str | bytes, dialect: str | None = None
) -> tuple[list[tuple[Any, ...]], list[Fault]]:
    data = text.encode() if isinstance(text, str) else text
    events = list(Reader(io.BytesIO(data), dialect))
    for event in events:
        if isinstance(event, Row) and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
            assert data[event.offset : event.offset + len(event.raw)] == event.raw
            assert event.line == data.count(b"\n", 0, event.offset) + 1
    rows = [event.values for event in events if isinstance(event, Row)]
    return rows, [event for event in events if isinstance(event, Fault)]


def only(text: str | bytes, dialect: str | None = None) -> list[tuple[Any, ...]]:
    rows, refused = read(text, dialect)
    assert refused == []
    return rows


# --- MySQL and MariaDB --------------------------------------------------------------------------

MY = "CREATE TABLE t (id int, a text, b blob, c bit(9), d decimal(5,2), e double);\n"


def test_mysql_escapes() -> None:
    told = r"""('a\0\b\n\r\t\Z\\\'\"\%\_\q''z'),('a' 'b')"""
    rows = only(MY + f'INSERT INTO t (a) VALUES {told},("it\'s ""x""");', "mysql")
    assert rows == [("a\0\b\n\r\t\x1a\\'\"\\%\\_q'z",), ("ab",), ('it\'s "x"',)]


def test_a_zero_escape_before_digits_is_no_octal() -> None:
    for text, value in ((r"\012\x41", "\x0012x41"), (r"\012", "\x0012"), (r"a\n\07", "a\n\x007")):
        assert only(MY + f"INSERT INTO t (a) VALUES ('{text}');", "mysql") == [(value,)]


def test_mysql_literals_by_the_type_of_the_column() -> None:
    rows = only(
        MY + "INSERT INTO t VALUES (0x0A,_utf8mb4 0xC3A9,0xFF00,b'101',1.50,-1e3),"
        "(-7,X'41',_binary '\\0\\'',0x1ff,+5,.5),(7,n'n',x'','\\0\\1',0,NULL);",
        "mysql",
    )
    assert rows == [
        (10, "é", b"\xff\x00", b"\x00\x05", "1.50", -1000.0),
        (-7, "A", b"\0'", b"\x01\xff", "5", 0.5),
        (7, "n", b"", b"\x001", "0", None),
    ]


def test_no_backslash_escapes_and_ansi_quotes() -> None:
    text = (
        "SET @OLD=@@SQL_MODE, SQL_MODE='NO_BACKSLASH_ESCAPES,ANSI';\n"
        "CREATE TABLE \"t\" (\"a\" text);\nINSERT INTO \"t\" VALUES ('c:\\'),('it''s');\n"
        "SET sql_mode=@OLD;\nINSERT INTO t VALUES ('c:\\\\'),(\"x\");"
    )
    assert only(text, "mysql") == [("c:\\",), ("it's",), ("c:\\",), ("x",)]


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [("gbk", "gbk", "縗運"), ("sjis", "shift_jis", "表能ソ"), ("big5", "cp950", "功許蓋")],
)
def test_a_backslash_byte_that_ends_a_character_is_no_escape(
    charset: str, codec: str, text: str
) -> None:
    coded = text.encode(codec)
    assert b"\\" in coded
    data = (
        f"SET NAMES {charset};\nCREATE TABLE t (a text, b blob);\n".encode()
        + b"INSERT INTO t VALUES ('" + coded + b"','" + coded + b"\\''),('\\'x','');"
    )  # fmt: skip
    assert only(data, "mysql") == [(text, coded + b"'"), ("'x", b"")]


def test_mysql_latin1_is_windows_1252_without_holes() -> None:
    data = b"SET NAMES latin1;\nCREATE TABLE t (a text);\nINSERT INTO t VALUES ('\x80\x81\xe9');"
    assert only(data, "mysql") == [("€\x81é",)]


def test_versioned_comments_run_as_the_server_would() -> None:
    text = (
        "CREATE TABLE t (a int, /*!50705 g int, */ b int);\n"
        "INSERT INTO t (a, /*!50705 g, */ b) VALUES (1,/*!50705 9,*/ 2);\n"
        "/*!40000 ALTER TABLE t DISABLE KEYS */;\n/*!40101 INSERT INTO t VALUES (3,4) */;\n"
        "/*!99999 INSERT INTO t VALUES (5,6) */;\n"
    )
    assert only(text, "mysql") == [(1, 2), (3, 4)]


def test_bodies_hold_no_rows() -> None:
    text = (
        "CREATE TABLE t (a int);\nDELIMITER $$\nCREATE PROCEDURE p() BEGIN\n"
        "INSERT INTO t VALUES (99); END$$\nDELIMITER ;\nINSERT INTO t VALUES (1);\n"
        "-- INSERT INTO t VALUES (98);\n# INSERT INTO t VALUES (97);\n"
        "/* INSERT INTO t VALUES (96); */\n-----\nINSERT INTO t VALUES (2) -- it's\n, (3);\n"
    )
    assert only(text, "mysql") == [(1,), (2,), (3,)]


def test_other_ways_to_insert() -> None:
    text = (
        "CREATE TABLE t (a int NOT NULL AUTO_INCREMENT, b text DEFAULT 'x', c text);\n"
        "INSERT INTO t SET b='it''s', a=4;\nREPLACE INTO t VALUES (NULL,DEFAULT,DEFAULT);\n"
        "INSERT IGNORE INTO `t` VALUE (0,'z','y') ON DUPLICATE KEY UPDATE a=1;\n"
    )
    rows, refused = read(text, "mysql")
    assert rows == [("it's", 4), (5, "x", None), (6, "z", "y")] and not refused


def test_what_needs_a_server_is_refused_row_by_row() -> None:
    text = (
        "CREATE TABLE t (a int, b text);\n"
        "INSERT INTO t VALUES (1,NOW()),(2,'kept'),(3,(SELECT 'x')),(4,CONCAT('a','b'));\n"
        "INSERT INTO t SELECT 1, 'x' FROM u;\nINSERT INTO t VALUES (5,'after',1);\n"
    )
    rows, refused = read(text, "mysql")
    assert rows == [(2, "kept"), (4, "ab")]
    assert [(r.reason, r.place.table, r.place.line) for r in refused] == [
        ("expression", "t", 2), ("expression", "t", 2), ("expression", "t", 3),
        ("wrong_width", "t", 4),
    ]  # fmt: skip
    assert refused[0].evidence == {"value": "now(…)"}
    assert refused[0].raw == b"(1,NOW())"
    assert refused[3].evidence == {"columns": 2, "values": 3}


def test_garbage_within_rows_is_told_and_the_next_statement_is_read() -> None:
    text = "CREATE TABLE t (a int);\nINSERT INTO t VALUES (1), oops;\nINSERT INTO t VALUES (2);\n"
    rows, refused = read(text, "mysql")
    assert rows == [(1,), (2,)]
    assert [(r.reason, r.place.offset) for r in refused] == [("unparsed", text.index("oops"))]


# --- PostgreSQL ---------------------------------------------------------------------------------

PG = "-- PostgreSQL database dump\nSET standard_conforming_strings = on;\n"
PG_END = "-- PostgreSQL database dump complete\n"


def test_copy_text() -> None:
    text = (
        PG + "CREATE TABLE public.t (id bigint, a text, b bytea, ok boolean, f real);\n"
        "COPY public.t (id, a, b, ok, f) FROM stdin;\n"
        "1\ta\\tb\\nc\\\\d\\b\\f\\r\\v\t\\\\x00FF\tt\t1e-5\n2\t\\\\N\t\\N\tf\tNaN\n"
        "-3\t\\101\\x41z\t\\\\001a\\\\\\\\\tt\t\\N\n\\.\n" + PG_END
    )
    rows = only(text)
    assert rows[0] == (1, "a\tb\nc\\d\b\f\r\v", b"\x00\xff", True, 1e-5)
    assert rows[1][:4] == (2, "\\N", None, False) and rows[1][4] != rows[1][4]
    assert rows[2] == (-3, "AAz", b"\x01a\\", True, None)


def test_copy_options_and_odd_tables() -> None:
    text = (
        PG + "CREATE TABLE zero (\n);\nCREATE TABLE one (a text);\n"
        "COPY zero  FROM stdin;\n\n\n\\.\nCOPY one (a) FROM stdin;\n\nx\n\\.\n"
        "COPY one (a, b) FROM stdin WITH DELIMITER '|' NULL '';\n1|\na\\|b|c\n\\.\n" + PG_END
    )
    assert only(text) == [(), (), ("",), ("x",), ("1", None), ("a|b", "c")]


def test_copy_keeps_the_rows_before_a_cut() -> None:
    rows, refused = read(PG + "COPY t (a, b) FROM stdin;\n1\t2\n3\t", "postgres")
    assert rows == [("1", "2")]
    assert [(r.reason, r.place.line, r.raw) for r in refused] == [("truncated", 5, b"3\t")]


def test_postgres_strings() -> None:
    text = (
        PG + "CREATE TABLE t (a text, b bytea, c bit(3), d char(4));\n"
        "INSERT INTO t VALUES ('c:\\', '\\x4142', B'101', N'x ');\n"
        "INSERT INTO t VALUES (E'\\x41\\101\\u00e9\\'\\n', E'\\\\000a', X'05', $$it's$$);\n"
        "INSERT INTO t VALUES ($q$a$$b$q$, NULL, NULL, 'a'::character varying(9) || 'b');\n"
        "SET standard_conforming_strings = off;\n"
        "INSERT INTO t VALUES ('\\\\\\'', NULL, NULL, '');\n" + PG_END
    )
    assert only(text) == [
        ("c:\\", b"AB", "101", "x"),
        ("AAé'\n", b"\0a", "00000101", "it's"),
        ("a$$b", None, None, "ab"),
        ("\\'", None, None, ""),
    ]


def test_function_bodies_and_meta_commands_hold_no_rows() -> None:
    text = (
        PG + "\\restrict abc\nCREATE FUNCTION f() RETURNS void AS $_$\nCOPY t FROM stdin;\n1\n\\.\n"
        "INSERT INTO t VALUES ('ghost'); $_$ LANGUAGE sql;\nCREATE TABLE t (a text);\n"
        "INSERT INTO t VALUES ('real');\n\\unrestrict abc\n" + PG_END
    )
    assert only(text) == [("real",)]


def test_generated_columns_and_inheritance() -> None:
    text = (
        PG + "CREATE TABLE base (a int, b text);\nCREATE TABLE child (c int)\nINHERITS (base);\n"
        "CREATE TABLE g (a int, b int GENERATED ALWAYS AS ((a + 1)) STORED, c text);\n"
        "INSERT INTO child VALUES (1, 'x', 2);\nINSERT INTO g VALUES (1, DEFAULT, 'y');\n" + PG_END
    )
    events = [event for event in Reader(io.BytesIO(text.encode())) if isinstance(event, Row)]
    assert [(e.shape.columns, e.values) for e in events] == [
        (("a", "b", "c"), (1, "x", 2)),
        (("a", "c"), (1, "y")),
    ]


def test_client_encodings() -> None:
    data = (
        b"-- PostgreSQL database dump\nSET client_encoding = 'SJIS';\nCREATE TABLE t (a text);\n"
        b"COPY t (a) FROM stdin;\n" + "表\\\\n".encode("cp932") + b"\n\\.\n"
        b"INSERT INTO t VALUES ('" + "能".encode("cp932") + b"');\n"
        b"-- PostgreSQL database dump complete\n"
    )  # fmt: skip
    assert only(data) == [("表\\n",), ("能",)]


# --- SQLite and others --------------------------------------------------------------------------


def test_sqlite_dump_gives_what_sqlite_loads(tmp_path: Path) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(
        'CREATE TABLE "odd t" (id INTEGER PRIMARY KEY, [a b] TEXT, r REAL, x, n NUMERIC)'
    )
    values = [
        (1, "it's\n\r\\n \u2028é", 1.5, b"\x00\xff", 2**62),
        (2, None, float("inf"), 0.1, "text"),
        (-9, "", -0.0, "1e5", None),
    ]
    connection.executemany('INSERT INTO "odd t" VALUES (?,?,?,?,?)', values)
    dump = "\n".join(connection.iterdump())
    assert sorted(only("PRAGMA foreign_keys=OFF;\n" + dump), key=lambda row: row[0]) == sorted(
        values
    )


def test_sqlite_functions_of_the_shell() -> None:
    text = (
        "PRAGMA foreign_keys=OFF;\nCREATE TABLE t (id INTEGER PRIMARY KEY, a);\n"
        "INSERT INTO t VALUES(7,replace(replace('a\\nb\\r','\\r',char(13)),'\\n',char(10)));\n"
        "INSERT INTO t VALUES(NULL,unistr('\\u000a\\\\x\\u00e9'));\n"
        "INSERT INTO t VALUES(9,-1e999);\n"
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO t VALUES(0,0); END;\n"
    )
    assert only(text) == [(7, "a\nb\r"), (8, "\n\\xé"), (9, float("-inf"))]


def test_sql_server_in_utf_16() -> None:
    text = (
        "CREATE TABLE [dbo].[p]]q] ([a] int, [b] nvarchar(max), [c] varbinary(9), [d] datetime)\r\n"
        "GO\r\n"
        "CREATE PROCEDURE x AS INSERT [dbo].[p]]q] VALUES (9,N'ghost',0x0,NULL)\r\nGO\r\n"
        "INSERT [dbo].[p]]q] ([a], [b], [c], [d]) VALUES (1, N'é😀''\nGO\n', 0xA2, "
        "CAST(N'2013-03-17T10:20:35' AS DateTime))\r\n"
        "INSERT [dbo].[p]]q] ([a], [b], [c], [d]) VALUES (2, NULL, NULL, NULL)\r\nGO\r\n"
    )
    for codec, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
        data = mark + text.encode(codec)
        events = [e for e in Reader(io.BytesIO(data)) if isinstance(e, Row)]
        assert [e.values for e in events] == [
            (1, "é😀'\nGO\n", b"\xa2", "2013-03-17T10:20:35"),
            (2, None, None, None),
        ]
        assert [e.shape.table for e in events] == ["p]q", "p]q"]
        if mark == b"\xff\xfe":
            for event in events:
                assert data[event.offset : event.offset + len(event.raw)] == event.raw
                assert event.raw.decode(codec).startswith("(")


def test_oracle() -> None:
    text = (
        "SET DEFINE OFF;\nREM it's a remark\n"
        "CREATE TABLE t (a NUMBER(9), b VARCHAR2(20), c DATE);\n"
        "CREATE OR REPLACE PROCEDURE p AS BEGIN INSERT INTO t VALUES (9,'ghost',NULL); END;\n/\n"
        "Insert into T (A,B,C) values (1,q'[it's]',to_date('2013-03-17','YYYY-MM-DD'));\n"
        "INSERT ALL INTO t VALUES (2,'a'||chr(10)||'b',NULL) INTO t VALUES (3,'',NULL) "
        "SELECT * FROM dual;\nBEGIN\nINSERT INTO t VALUES (4,N'x',NULL);\nEND;\n/\n"
    )
    assert only(text) == [
        (1, "it's", "2013-03-17"), (2, "a\nb", None), (3, None, None), (4, "x", None),
    ]  # fmt: skip


def test_db2_terminators() -> None:
    text = (
        "CONNECT TO SAMPLE@\nCREATE TABLE T (A INTEGER, B BLOB(9))@\n"
        "INSERT INTO T VALUES (1, BLOB(X'FF'))@\n"
        "--#SET TERMINATOR ;\nINSERT INTO T VALUES (2, NULL);\n"
    )
    assert only(text) == [(1, b"\xff"), (2, None)]


@pytest.mark.parametrize(
    ("head", "dialect"),
    [
        ("/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19", "mysql"),
        ("--\n-- PostgreSQL database dump\n--\n", "postgres"),
        ("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", "sqlite"),
        ("INSERT INTO t VALUES(1,'it''s');\n", "sqlite"),
        ("USE [master]\nGO\nCREATE TABLE [dbo].[t] ([a] int)\nGO\n", "mssql"),
        ("SET DEFINE OFF;\nInsert into T values (1);\n", "oracle"),
        ("INSERT INTO `t` VALUES (1,'it\\'s');\n", "mysql"),
    ],
)
def test_the_dialect_is_found_by_evidence(head: str, dialect: str) -> None:
    assert detect(head.encode()) == dialect


# --- streams ------------------------------------------------------------------------------------


class Dribble(io.RawIOBase):
    """A stream that gives few bytes at a time, so that every cut is met."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = io.BytesIO(data), size

    def read(self, size: int = -1) -> bytes:
        return self._data.read(self._size)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("dialect", ["mysql", "postgres", "sqlite"])
def test_a_cut_anywhere_in_the_stream_changes_nothing(
    size: int, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = "COPY t (a, b) FROM stdin;\n1\ta\\nb\n2\t\\N\n\\.\n" if dialect == "postgres" else ""
    text = (
        "CREATE TABLE t (a int, b text);\n" + copied
        + "INSERT INTO t VALUES (1,'x''y -- ; (2,3)'),\n(22, /* c */ NULL) ,(NOW(),'z');\n"
        "DROP TABLE u; -- it's\nINSERT INTO t (b, a) VALUES ('\N{SNOWMAN}',-5);\n"
    ).encode()  # fmt: skip
    whole = list(Reader(io.BytesIO(text), dialect))
    ensure = Window.ensure
    monkeypatch.setattr(Window, "ensure", lambda self, size: ensure(self, min(size, 60)))
    reader = Reader(Dribble(text, size), dialect)  # type: ignore[arg-type]
    assert list(reader) == whole
    assert len(whole) == 4 + 2 * (dialect == "postgres")


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "big.sql"
    row = "(1,'" + "x" * 1000 + "')"
    with open(path, "w") as file:
        file.write("CREATE TABLE `t` (`a` int, `b` text);\n")
        for _ in range(20):
            file.write("INSERT INTO `t` VALUES " + ",".join([row] * 1000) + ";\n")
    tracemalloc.start()
    number = 0
    for _, _, rows in tables(path, []):
        number += sum(1 for _ in rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert number == 20_000 and peak < 8 << 20


# --- properties ---------------------------------------------------------------------------------

_cells = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=30),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_cells, st.text(max_size=20).filter(lambda t: t.isascii())), max_size=8))
def test_sqlite_round_trip(rows: list[tuple[Any, str]]) -> None:
    rows = [(value, text.replace("\0", "")) for value, text in rows]
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a, b TEXT)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
    dump = "\n".join(connection.iterdump()) + "\n"
    assert only(dump, "sqlite") == rows


def _mysql(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    for letter, code in (("\\", "\\\\"), ("'", "\\'"), ('"', '\\"'), ("\n", "\\n"), ("\0", "\\0")):
        value = value.replace(letter, code)
    return f"'{value}'"


def _copied(value: Any) -> str:
    if value is None:
        return "\\N"
    text = str(value)
    for letter, code in (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        text = text.replace(letter, code)
    return text


_words = st.one_of(
    st.none(),
    st.text(st.sampled_from("a'\"\\\n\r\t\0;,()-#/*`$ é日😀nNt0%_"), max_size=12),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 2**40), _words, _words), min_size=1, max_size=6))
def test_mysql_and_copy_round_trips(rows: list[tuple[Any, ...]]) -> None:
    told = ",".join("(" + ",".join(map(_mysql, row)) + ")" for row in rows)
    text = f"CREATE TABLE t (a bigint, b text, c text);\nINSERT INTO t VALUES {told};\n"
    assert only(text, "mysql") == rows
    rows = [tuple(v.replace("\0", "") if isinstance(v, str) else v for v in row) for row in rows]
    lines = "".join("\t".join(map(_copied, row)) + "\n" for row in rows)
    text = f"CREATE TABLE t (a bigint, b text, c text);\nCOPY t (a, b, c) FROM stdin;\n{lines}\\.\n"
    assert only(text, "postgres") == rows


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["mysql", "postgres", "sqlite", "mssql", "oracle"]))
def test_any_bytes_are_rows_or_refusals(data: bytes, dialect: str) -> None:
    head = b"CREATE TABLE t (a int, b text);\nINSERT INTO t VALUES (1,'"
    for event in Reader(io.BytesIO(head + data), dialect):
        assert isinstance(event, Row | Fault)


def test_a_table_is_that_of_the_database_in_use_and_as_it_was_created_last() -> None:
    text = b"""USE a;
INSERT INTO t VALUES (1);
USE b;
INSERT INTO t VALUES (2);
CREATE TABLE t (x int);
INSERT INTO t VALUES (3);
CREATE TABLE other (y int);
INSERT INTO t VALUES (4);
"""
    rows = [row for row in Reader(io.BytesIO(text), "mysql") if isinstance(row, Row)]
    assert [(row.shape.table, row.shape.columns, row.values) for row in rows] == [
        ("a.t", None, (1,)),
        ("b.t", None, (2,)),
        ("b.t", ("x",), (3,)),
        ("b.t", ("x",), (4,)),
    ]
