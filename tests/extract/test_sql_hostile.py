"""Dumps and queries made to hang, to crash or to eat memory: refused alone, in linear time."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import zipfile
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from stages import DatabaseExtract, SqlExtract
from stages.base import Fault
from stages.errors import UsageError
from stages.extract.query import Tables
from stages.extract.select_text import bare, volatile
from stages.extract.sqldump.reader import Reader
from stages.extract.sqldump.rows import Row
from tests import clock
from tests.extract.worst_sql import CASES, MYSQL, POSTGRES, SQLITE


def read(data: bytes, limit: int = 1 << 24) -> tuple[list[Any], list[Fault]]:
    events = list(Reader(io.BytesIO(data), limit=limit))
    rows = [event.values for event in events if isinstance(event, Row)]
    return rows, [event for event in events if isinstance(event, Fault)]


# --- time ---------------------------------------------------------------------------------------


def seconds(data: bytes) -> float:
    return clock.seconds(lambda: deque(Reader(io.BytesIO(data)), maxlen=0))


@pytest.mark.parametrize("name", CASES)
def test_time_grows_with_the_size_and_not_with_its_square(name: str) -> None:
    write, size = CASES[name], 10_000
    seconds(write(size // 4))
    once, twice = seconds(write(size)), seconds(write(2 * size))
    if twice > 0.03 and twice > 3 * once:  # another look, for a busy machine
        once, twice = seconds(write(size)), seconds(write(2 * size))
    assert twice < 0.3
    assert twice < 0.03 or twice < 3 * once


# --- one row ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "(" * 2000 + "1" + ")" * 2000,
        "- " * 2000 + "1",
        "+-" * 2000 + "1",
        "concat(" * 2000 + "'a'" + ")" * 2000,
        "CAST(" * 2000 + "1" + " AS char)" * 2000,
        "concat('a', (" * 1000 + "- 1" + "))" * 1000,
    ],
    ids=range(6),
)
def test_deep_values_cost_their_row_alone(value: str) -> None:
    text = f"INSERT INTO t VALUES (1,'before'),(2,{value}),(3,'after');\n"
    rows, refused = read(MYSQL + text.encode() + b"-- Dump completed\n")
    assert rows == [(1, "before"), (3, "after")]
    assert [(r.reason, r.place.table, r.evidence["depth"]) for r in refused] == [
        ("expression", "t", 50)
    ]
    assert refused[0].raw == f"(2,{value})".encode()


def test_what_functions_make_in_a_row_is_bounded_together() -> None:
    grown = "replace('" + "a" * 200 + "','a','" + "b" * 200 + "')"
    text = "CREATE TABLE t (id, a, b);\n"
    for number, (a, b) in enumerate(((grown, "'x'"), (grown, grown), ("'x'", grown))):
        text += f"INSERT INTO t VALUES({number},{a},{b});\n"
    rows, refused = read(SQLITE + text.encode())
    assert [row[0] for row in rows] == [0, 2] and len(rows[0][1]) == 40_000
    assert [(fault.reason, fault.evidence) for fault in refused] == [
        ("expression", {"value": "replace(…)"})
    ]


def test_nesting_as_people_write_it_is_read() -> None:
    value = "(" * 20 + "'x'" + ")" * 20
    rows, refused = read(MYSQL + f"INSERT INTO t VALUES (1,{value});\n-- Dump completed".encode())
    assert rows == [(1, "x")] and refused == []


@pytest.mark.parametrize(
    ("head", "values", "reason"),
    [
        (SQLITE, "(2,char(99999999))", "value"),
        (SQLITE, "(2,char(-1))", "value"),
        (SQLITE, "(2,char(55296))", "value"),
        (SQLITE, "(2,unistr('\\ud800'))", "value"),
        (SQLITE, "(2,replace('" + "a" * 999 + "','a','" + "b" * 999 + "'))", "expression"),
        (POSTGRES, "(2,E'\\UFFFFFFFF')", "value"),
        (POSTGRES, "(2,E'\\ud800')", "value"),
        (MYSQL, "(" + "9" * 5000 + ",'a')", "value"),
        (MYSQL, "(0x" + "f" * 3000 + ",'a')", "value"),
        (MYSQL, "(2,'a'," + "1," * 40_000 + "1)", "wrong_width"),
    ],
    ids=range(10),
)
def test_values_that_no_type_holds_are_refused(head: bytes, values: str, reason: str) -> None:
    text = f"INSERT INTO t VALUES (1,'before');\nINSERT INTO t VALUES {values};\n"
    text += "INSERT INTO t VALUES (3,'after');\n"
    rows, refused = read(head + text.encode())
    assert rows == [(1, "before"), (3, "after")]
    assert [r.reason for r in refused if r.reason != "truncated"] == [reason]


def test_numbers_too_large_for_their_column() -> None:
    text = (
        b"CREATE TABLE b (a bit(99999999999), c double, d bit(1));\n"
        b"INSERT INTO b VALUES (b'1',1,1);\nINSERT INTO b VALUES (b'1',1,256);\n"
        b"INSERT INTO b VALUES (-1,1,1);\nINSERT INTO b VALUES (b'1',0x" + b"f" * 600 + b",1);\n"
    )
    rows, refused = read(text + b"CREATE TABLE `x` ('\xff' int, z bit(" + b"9" * 5000 + b"));\n")
    assert rows == [(b"\0" * 7 + b"\1", 1.0, b"\1")]
    assert [r.reason for r in refused] == ["value"] * 3
    rows, refused = read(SQLITE + b"INSERT INTO t VALUES (1," + b"9" * 400 + b");\n")
    assert rows == [(1, "9" * 400)] and refused == []


def test_a_number_of_copy_that_python_does_not_read_is_refused() -> None:
    text = b"COPY t (id, body) FROM stdin;\n1\ta\n" + b"9" * 5000 + b"\tb\n3\tc\n\\.\n"
    rows, refused = read(POSTGRES + text)
    assert rows == [(1, "a"), (3, "c")]
    assert refused[0].reason == "value"


def test_a_wide_dump_that_ends_within_a_character() -> None:
    data = b"\xff\xfe" + "INSERT INTO `t` VALUES (1,'a');\n".encode("utf-16-le")
    assert read(data + b"\0")[0] == [(1, "a")]
    assert read(data + b"\0\xd8\0")[0] == [(1, "a")]


# --- the limit ----------------------------------------------------------------------------------

LONG = b"word ( it''s \\n " * 200_000  # 3 MB, in a string
ROWS = {
    "insert": (MYSQL, b"INSERT INTO t VALUES (1,'a'),(2,'%b'),(3,'c');\n", "row"),
    "comment_in_row": (MYSQL, b"INSERT INTO t VALUES (1,'a'),(2,/* %b ' */'b'),(3,'c');\n", "row"),
    "escaped": (POSTGRES, b"INSERT INTO t VALUES (1,'a'),(2,E'\\'%b'),(3,'c');\n", "row"),
    "dollar": (POSTGRES, b"INSERT INTO t VALUES (1,'a'),(2,$q$'%b$q$),(3,'c');\n", "row"),
    "plain": (POSTGRES, b"INSERT INTO t VALUES (1,'a'),(2,'%b'),(3,'c');\n", "row"),
    "copy": (POSTGRES, b"COPY t (id, body) FROM stdin;\n1\ta\n2\t%b\\\n\\\\\n3\tc\n\\.\n", "row"),
    "set": (MYSQL, b"INSERT INTO t VALUES (1,'a');SET a='%b';INSERT INTO t VALUES (3,'c');\n",
            "statement"),
    "create": (MYSQL, b"INSERT INTO t VALUES (1,'a');CREATE TABLE u (x text default '%b');"
               b"INSERT INTO t VALUES (3,'c');\n", "statement"),
    "select": (POSTGRES, b"INSERT INTO t VALUES (1,'a');INSERT INTO t SELECT '%b';"
               b"INSERT INTO t VALUES (3,'c');\n", "statement"),
    "settings": (MYSQL, b"INSERT INTO t VALUES (1,'a');INSERT INTO t SET body='%b';"
                 b"INSERT INTO t VALUES (3,'c');\n", "statement"),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_what_is_too_long_is_never_held(name: str) -> None:
    head, text, _ = ROWS[name]
    data, held = io.BytesIO(head + text % (b"x" * (12 << 20))), []

    class Stream(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            held.extend(len(reader.window.data) for reader in begun)
            return data.read(size)

    begun: list[Reader] = []
    begun.append(Reader(Stream(), limit=1 << 20))  # type: ignore[arg-type]
    rows = [event.values for event in begun[0] if isinstance(event, Row)]
    assert rows == [(1, "a"), (3, "c")]
    assert len(held) > 3 and max(held) < 6 << 20


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("name", ROWS)
def test_what_is_too_long_is_passed_over_alone(name: str, wide: bool) -> None:
    head, text, what = ROWS[name]
    data = head + text % LONG
    begun = data.index(LONG)
    if wide:
        data = b"\xff\xfe" + data.decode().encode("utf-16-le")
    rows, refused = read(data, limit=1 << 20)
    assert rows == [(1, "a"), (3, "c")]
    found = refused[0]
    assert (found.reason, found.evidence["limit"], found.evidence["of"]) == (
        "too_long", 1 << 20, what,
    )  # fmt: skip
    assert len(LONG) < found.evidence["bytes"] < len(LONG) + 99
    assert begun - 99 < (found.place.offset - 2) / 2 if wide else found.place.offset <= begun
    assert all(refusal.reason == "truncated" for refusal in refused[1:])


def test_long_comments_cost_nothing() -> None:
    for comment in (b"-- %b\n", b"/* %b */", b"# %b\n", b"/*!999999 %b */"):
        text = b"INSERT INTO t VALUES (1,'a');\n" + comment % LONG
        text += b"INSERT INTO t VALUES (2,'b')" + comment % LONG + b",(3,'c');\n-- Dump completed\n"
        rows, refused = read(MYSQL + text, limit=1 << 20)
        assert rows == [(1, "a"), (2, "b"), (3, "c")] and refused == []


def test_a_comment_longer_than_the_window_between_rows_of_postgres() -> None:
    text = b"INSERT INTO t VALUES (1,'a') /* " + LONG + b" */,(2,'b');\n"
    rows, refused = read(POSTGRES + text + b"-- PostgreSQL database dump complete\n")
    assert rows == [(1, "a"), (2, "b")] and refused == []


def test_a_cut_within_what_is_too_long() -> None:
    rows, refused = read(MYSQL + b"INSERT INTO t VALUES (1,'a'),(2,'" + LONG, limit=1 << 20)
    assert rows == [(1, "a")]
    assert [r.reason for r in refused] == ["too_long", "truncated"]
    assert refused[0].evidence["ended"] is False


_PEAK = """
import resource, sys
from stages import SqlExtract
import duckdb
stage = SqlExtract()
(part,) = stage.parts(sys.argv[1], 1 << 24)
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for item in stage.read(part):
    del item
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) * 1024)
"""


def _peak(path: Path) -> int:
    command = [sys.executable, "-c", _PEAK, str(path)]
    return int(subprocess.run(command, capture_output=True, check=True).stdout)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> int:
    """What reading takes that is no cost of the row."""
    path = tmp_path_factory.mktemp("small") / "small.sql"
    path.write_bytes(MYSQL + b"INSERT INTO t VALUES (2,'a');\n")
    return _peak(path)


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
@pytest.mark.parametrize(
    ("head", "before", "piece", "after"),
    [
        (POSTGRES, b"COPY t (id, body) FROM stdin;\n3\t", b"x\\t", b"\n4\tb\n\\.\n"),
        (POSTGRES, b"COPY t (id, body) FROM stdin;\n3\t", b"x\t", b"\n4\tb\n\\.\n"),
        (POSTGRES, b"INSERT INTO t VALUES (2,E'", b"a\\n", b"');\n"),
        (MYSQL, b"INSERT INTO t VALUES (2,'", b"a\\q", b"');\n"),
        (MYSQL, b"INSERT INTO t VALUES (2,'", b"word ", b"');\n"),
        (MYSQL, b"INSERT INTO t VALUES (2,0x", b"41", b");\n"),
        (MYSQL, b"INSERT INTO t VALUES (2", b",1", b");\n"),
        (MYSQL, b"CREATE TABLE u (a text default '", b"x", b"');\n"),
        (MYSQL, b"SET a='", b"x", b"';\n"),
    ],
    ids=range(9),
)
def test_a_row_costs_at_most_six_times_its_size(
    tmp_path: Path, small: int, head: bytes, before: bytes, piece: bytes, after: bytes
) -> None:
    size = 3_000_000
    path = tmp_path / "long.sql"
    path.write_bytes(head + before + piece * (size // len(piece)) + after)
    assert _peak(path) - small < 6 * size


# --- queries ------------------------------------------------------------------------------------


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    path = tmp_path / "d.sql"
    path.write_bytes(MYSQL + b"INSERT INTO t VALUES (1,'a'),(2,'b');\n-- Dump completed\n")
    return path


@pytest.mark.parametrize(
    "end", ["-- note", "/* note */", ";", "; -- note", ";\n/* a */ ;; -- b\n", " -- it's\n;"]
)
def test_a_query_may_end_in_a_comment(dump: Path, end: str) -> None:
    stage = SqlExtract(query=f"SELECT body AS text FROM t {end}")
    assert stage.contradictions() == ()
    assert [row["text"] for row in stage(dump, [])] == ["a", "b"]


@pytest.mark.parametrize("end", ["-- note", "/* note */", "; -- note", ";\n/* a */ ;; -- b\n"])
def test_a_query_to_sqlite_may_end_in_a_comment(tmp_path: Path, end: str) -> None:
    import sqlite3

    connection = sqlite3.connect(tmp_path / "d.db")
    connection.executescript("CREATE TABLE t (text); INSERT INTO t VALUES ('a;--b')")
    connection.close()
    stage = DatabaseExtract(query=f"SELECT text FROM t WHERE text = 'a;--b' {end}")
    assert [row["text"] for row in stage(tmp_path / "d.db", [])] == ["a;--b"]


def test_the_end_of_a_query_is_found_by_its_pieces() -> None:
    assert bare("SELECT ';--' ; -- x\n ; /* ; */ ") == "SELECT ';--'"
    assert bare("SELECT $a$;--$a$ -- $a$") == "SELECT $a$;--$a$"
    assert bare('SELECT 1 AS ";" ;') == 'SELECT 1 AS ";"'
    assert bare("SELECT /* a */ 1 -- b\n+ 1; -- c") == "SELECT /* a */ 1 -- b\n+ 1"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT repeat('a', 2000000000) AS text FROM t",
        "SELECT list(range) AS text FROM range(100000000)",
        "SELECT string_agg(range::varchar, '') AS text FROM range(100000000)",
        "WITH RECURSIVE r AS (SELECT 'a' AS text UNION ALL SELECT text || text FROM r) "
        "SELECT text FROM r",
    ],
)
def test_a_query_that_grows_is_one_sentence(dump: Path, query: str) -> None:
    with pytest.raises(UsageError, match="more than query_memory, 64 MB") as found:
        list(SqlExtract(query=query, query_memory=64)(dump, []))
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    "source",
    ["read_csv('/etc/passwd')", "'/etc/passwd'", "read_text('/etc/passwd')", "glob('/*')",
     "secret_table", "read_blob('https://example.org/')"],
)  # fmt: skip
def test_a_query_reaches_nothing_but_the_dump(dump: Path, source: str) -> None:
    import pyarrow as pa

    secret_table = pa.table({"text": ["secret"]})
    with pytest.raises(UsageError, match=r"^query: "):
        list(SqlExtract(query=f"SELECT * FROM {source}")(dump, []))
    assert secret_table.num_rows == 1


def test_a_query_makes_only_the_tables_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "many.sql"
    many = "".join(f"CREATE TABLE `x{n}` (`a` int);\n" for n in range(4_000))
    path.write_text(many + "CREATE TABLE `t` (`text` text);\nINSERT INTO `t` VALUES ('a');\n")
    start = time.process_time()
    assert [row["text"] for row in SqlExtract(query="SELECT text FROM t")(path, [])] == ["a"]
    assert time.process_time() - start < 2
    with pytest.raises(UsageError, match=r"the tables are t \(text, _place\), x0, x1"):
        list(SqlExtract(query="SELECT nothing FROM t")(path, []))


def test_a_zero_byte_in_a_value_makes_no_dump_binary(tmp_path: Path) -> None:
    path = tmp_path / "a.sql"
    path.write_bytes(b"INSERT INTO t (text) VALUES ('a\0b');\nINSERT INTO t (text) VALUES ('c');\n")
    rejects: list[dict[str, object]] = []
    assert [row["text"] for row in SqlExtract()(path, rejects)] == ["a\0b", "c"] and not rejects
    path.write_bytes(b"\x7fELF" + bytes(range(32)) * 40)
    assert not list(SqlExtract()(path, rejects)) and rejects[0]["reason"] == "binary"


def test_what_is_frozen_in_a_query_is_told() -> None:
    query = "SELECT random() AS a, now(), current_timestamp, nextval('s'), 'uuid()' -- rand()"
    told = ("random()", "now()", "current_timestamp", "nextval()")
    assert volatile(query) == told
    assert volatile('SELECT "random"(), "now" FROM t USING SAMPLE 5') == ("random()", "sample")
    assert not volatile('SELECT sample, "now" FROM a JOIN b USING (sample)')
    for stage in (SqlExtract(query=query), DatabaseExtract(query=query, snapshot="a")):
        (note,) = stage.notes()
        assert ", ".join(told) in note and "frozen" in note
    assert SqlExtract(query='SELECT "now" AS random FROM uuid').notes() == ()
    assert SqlExtract(table="t").notes() == () == DatabaseExtract().notes()


def test_plan_and_run_print_the_note(
    tmp_path: Path, dump: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.cli import command

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "cache"))
    recipe = "version: 1\nsources:\n  - sql:\n      path: d.sql\n"
    recipe += "      query: SELECT body AS text, random() AS r FROM t\n"
    (tmp_path / "r.yaml").write_text(recipe)
    for verb in ("plan", "run"):
        assert command([verb, "r.yaml"]) == 0
        shown = capfd.readouterr()
        assert "random()" in shown.out + shown.err and "frozen" in shown.out + shown.err


SWALLOWED = {
    "a quote in CREATE TABLE": "CREATE TABLE a (\n  x text DEFAULT 'y,\n  z text\n);\n",
    "no statement at all": "COPM a (x) FROM 'stdin;\n1\n\\.\n",
}


@pytest.mark.parametrize("head", SWALLOWED.values(), ids=list(SWALLOWED))
def test_a_lost_quote_costs_its_statement_alone(tmp_path: Path, head: str) -> None:
    """Rows were taken into the statement before them, and nothing was told."""
    path = tmp_path / "dump.sql"
    rows = "CREATE TABLE b (x text);\nINSERT INTO b VALUES (E'it\\'s 10\" kept');\n"
    path.write_text("--\n" + head + rows)
    rejects: list[dict[str, Any]] = []
    found = list(SqlExtract(dialect="postgres")(path, rejects))
    assert [row["text"] for row in found] == ["x: it's 10\" kept"]
    assert [(one["reason"], one["place"].split(":")[1]) for one in rejects] == [("unparsed", "2")]


def test_a_copy_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "dump.sql"
    path.write_text("CREATE TABLE a (x text);\nCOPY a ($x) FROM stdin;\n1\n\\.\n")
    rejects: list[dict[str, Any]] = []
    assert list(SqlExtract(dialect="postgres")(path, rejects)) == []
    (only,) = rejects
    assert only["reason"] == "unparsed" and "COPY a ($x)" in only["evidence"]


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_a_dump_that_the_query_does_not_suit_costs_no_other(tmp_path: Path, packed: bool) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    dumps = {
        "a.sql": "CREATE TABLE t (x text);\nINSERT INTO t VALUES ('kept');\n",
        "b.sql": "CREATE TABLE other (x text);\nINSERT INTO other VALUES ('no');\n",
        "c.sql": "CREATE TABLE t (y int);\nINSERT INTO t VALUES (1);\n",
    }
    for name, text in {} if packed else dumps.items():
        (folder / name).write_text(text)
    if packed:
        with zipfile.ZipFile(folder / "all.zip", "w") as archive:
            for name, text in dumps.items():
                archive.writestr(name, text)
    rejects: list[dict[str, Any]] = []
    found = list(SqlExtract(query="SELECT x FROM t")(folder, rejects))
    assert [row["text"] for row in found] == ["x: kept"]
    assert [(one["reason"], one["place"][-5:]) for one in rejects] == [
        ("unsuited", "b.sql"),
        ("unsuited", "c.sql"),
    ]
    assert "the tables are other" in rejects[0]["evidence"]


def test_a_long_query_draws_no_bar_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    with Tables(64) as tables:
        ((_, (shown,)),) = tables.select("SELECT current_setting('enable_progress_bar') AS x", ())
    assert shown is False


# --- a query over rows of changing columns ------------------------------------------------------


def test_rows_that_name_other_columns_meet_in_one_table(tmp_path: Path) -> None:
    path = tmp_path / "dump.sql"
    rows = "".join(
        f"INSERT INTO t (id, {name}) VALUES ({n}, '{n}é');\n"
        for n, name in enumerate(["a", "b", "A", "c"] * 300)
    )
    path.write_text("-- MySQL dump\n" + rows)
    query = "SELECT id, coalesce(a, b, c) AS text, a IS NULL AS other FROM t"
    found = list(SqlExtract(query=query, key=("id",))(path, []))
    assert [row["text"] for row in found] == [f"{n}é" for n in range(1200)]
    others = [json.loads(row["meta"])["other"] for row in found]
    assert others == [n % 2 == 1 for n in range(1200)]


def test_columns_that_come_later_are_null_before(tmp_path: Path) -> None:
    path = tmp_path / "dump.sql"
    rows = [f"INSERT INTO t (id, c{n // 2}) VALUES ({n}, 'x{n}');\n" for n in range(900)]
    path.write_text("-- MySQL dump\n" + "".join(rows))
    query = "SELECT c449 AS text, c0 FROM t WHERE c449 IS NOT NULL OR c0 IS NOT NULL"
    found = list(SqlExtract(query=query, text="{text}{c0}")(path, []))
    assert sorted(row["text"] for row in found) == ["x0", "x1", "x898", "x899"]


def test_a_table_wider_than_a_query_can_read_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "dump.sql"
    rows = [f"INSERT INTO t (c{n}) VALUES ({n});\n" for n in range(4200)]
    path.write_text("-- MySQL dump\n" + "".join(rows))
    with pytest.raises(UsageError, match="table t has more than 4,096 columns"):
        list(SqlExtract(query="SELECT c1 AS text FROM t")(path, []))
