"""Rows of dumps that are read at once are those that are read one by one, in every column."""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.counts import Counts
from stages.extract import slices
from stages.extract.forms.direct import filled_in
from stages.extract.sql import SqlExtract
from stages.gather import Gathered, Rows

TEXTS = (
    "plain text of some words", "it's", "''", "", " ", "\u00a0\u2003", 'a "quote"', "back\\slash",
    "\\", "\\\\'", "line\nbreak", "tab\there", "\r\n", "größe", "日本", "\U0001f600", "a;b", ");\n",
    "),(", "NULL", "\\N", "\\.", "--", "/* no comment */", "100%", "a_b", "\x1a\b\f\v", "x" * 300,
    "INSERT INTO `t` VALUES (", "é'\\é",
)  # fmt: skip
MYSQL = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\x1a": "\\Z"}
COPY = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", "\v": "\\v"}
Make = Callable[[random.Random], str]


def _value(source: random.Random, quote: Callable[[str], str], odd: list[str]) -> str:
    if odd and source.random() < 0.01:
        return source.choice(odd)
    if source.random() < 0.1:
        return "NULL"
    return quote(source.choice(TEXTS) + source.choice(("", source.choice(TEXTS))))


def _number(source: random.Random, odd: list[str]) -> str:
    if odd and source.random() < 0.01:
        return source.choice(odd)
    return source.choice(("NULL", "0", "7", "-12", str(source.randint(0, 10**12))))


def mysqldump(source: random.Random) -> str:
    """INSERTs of many rows with backslash escapes; now and then something unusual."""
    escapes = str.maketrans(MYSQL)

    def quote(text: str) -> str:
        return (
            "'" + (text.replace("'", "''") if "\\" not in text else text.translate(escapes)) + "'"
        )

    texts = ["_binary 'x'", "0x6162", "'a' 'b'", '"double"', "NOW()", "'\\%\\_\\q'", "12", "1.5"]
    numbers = ["'5'", "007", "+3", "1e3", "99999999999999999999", "0x10", "DEFAULT", "- 1"]
    floats = ["1.5", "0.0001", "0.00001", "-0", "3", "2.50", "1e10", "NULL", "123456789.123456789"]
    wild = source.random() < 0.7
    kind = source.choice(("int NOT NULL AUTO_INCREMENT", "int"))
    out = [
        "/*!40101 SET NAMES utf8mb4 */;\n",
        f"CREATE TABLE `t` (`id` {kind}, `title` text, `body` longtext, `score` int, `table` text,"
        " `f` double, `d` decimal(9,2), PRIMARY KEY (`id`)) ENGINE=InnoDB;\n",
    ]
    head = source.choice(("INSERT INTO `t` VALUES ", "INSERT INTO `t` (`id`,`title`,`body`,`score`,"
                          "`table`,`f`,`d`) VALUES\n"))  # fmt: skip
    for _ in range(source.randint(1, 12)):
        rows = []
        for _ in range(source.randint(1, 60)):
            cells = [
                str(source.randint(1, 9)),
                *(_value(source, quote, texts * wild) for _ in "tb"),
            ]
            cells += [_number(source, numbers * wild), _value(source, quote, [])]
            cells += [
                source.choice(floats if wild else floats[:2]),
                source.choice(("1.50", "NULL")),
            ]
            rows.append("(" + ",".join(cells) + ")")
        between = source.choice((",", ",\n"))
        comment = "-- it's a comment\n" if source.random() < 0.1 * wild else ""
        other = "(1);\n" if source.random() < 0.05 * wild else ""
        out.append(comment + head + between.join(rows) + ";\n" + (other and head + other))
    return "".join(out) + "/*!40000 ALTER TABLE `t` ENABLE KEYS */;\nUNLOCK TABLES;\n"


_PG = (
    "--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n"
    "SET standard_conforming_strings = on;\n\nCREATE TABLE public.t (\n    id integer NOT NULL,\n"
    "    title text,\n    body text,\n    score bigint,\n    good boolean,\n"
    "    f double precision\n);\n\n"
)


def inserts(source: random.Random) -> str:
    """pg_dump --inserts: a statement a row, quotes doubled."""
    out, wild = [_PG.replace("    good boolean,\n", "")], source.random() < 0.7

    def quote(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    columns = source.choice(("", "(id, title, body, score, f) "))
    for _ in range(source.randint(1, 400)):
        cells = [str(source.randint(1, 9))]
        cells += [_value(source, quote, ["E'a\\nb'", "'x'::text", "N'a'"] * wild) for _ in "tb"]
        cells += [_number(source, ["1.5", "'7'"] * wild), source.choice(("1.25", "2", "NULL"))]
        out.append(f"INSERT INTO public.t {columns}VALUES ({', '.join(cells)});\n")
    return "".join(out) + "\n\n--\n-- PostgreSQL database dump complete\n--\n\n"


def copy(source: random.Random) -> str:
    """pg_dump: COPY."""
    escapes = str.maketrans(COPY)
    out, wild = (
        [_PG, "COPY public.t (id, title, body, score, good, f) FROM stdin;\n"],
        source.random() < 0.7,
    )

    def quote(text: str) -> str:
        return text.translate(escapes)

    for _ in range(source.randint(1, 400)):
        odd = ["a\\101\\x41", "a\\\tb", "two\tcells", "\\.x", "a\\Nb", "x\r", "a\\\nb"] * wild
        cells = [str(source.randint(1, 9)), *(_value(source, quote, odd) for _ in "tb")]
        cells += [_number(source, ["x", "1.5"] * wild), source.choice("tf"), source.choice("24")]
        out.append("\t".join("\\N" if cell == "NULL" else cell for cell in cells) + "\n")
    return "".join(out) + "\\.\n\n\n--\n-- PostgreSQL database dump complete\n--\n\n"


def sqlite(source: random.Random) -> str:
    """SQLite's .dump, whose values have types of their own."""
    table = "CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT, v, n NUMERIC, r REAL);\n"
    out = ["PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", table]

    def quote(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    for number in range(source.randint(1, 300)):
        cells = [str(number), _value(source, quote, [])]
        cells += [source.choice((quote("a"), "5", "NULL", "-3")), source.choice(("5", "NULL"))]
        cells += [source.choice(("1.5", "2.0", "1e300")) if number % 50 == 0 else "1.5"]
        out.append(f"INSERT INTO t VALUES({','.join(cells)});\n")
    return "".join(out) + "COMMIT;\n"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Regions so small that a dump has many."""
    monkeypatch.setattr(slices, "_LEAST", 64)
    monkeypatch.setattr(slices, "_REACH", 1024)
    yield


def read(stage: Any, path: Path, monkeypatch: pytest.MonkeyPatch | None) -> tuple[Any, ...]:
    """Records, rejects and counts of a file, and how many rows came at once."""
    at_once, add = [0], Gathered.add

    def counted(self: Gathered, item: Any) -> None:
        at_once[0] += len(item) if isinstance(item, Rows) else 0
        add(self, item)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gathered, "add", counted)
        if monkeypatch is not None:
            patch.setattr(slices.Reach, "wanted", lambda self, start: 0)
        kept, rejects, counts = [], [], Counts()
        for part in stage.parts(str(path), 1 << 40):
            for split in stage.splits(part, "s"):
                kept.append(split.kept)
                rejects.append(split.rejects)
                counts.add(split.counts)
    tables = (pa.concat_tables(kept), pa.concat_tables(rejects))
    return *(table.combine_chunks() for table in tables), counts, at_once[0]


def assert_same(stage: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Compare both ways; (rows that came at once, all rows)."""
    kept, rejects, counts, at_once = read(stage, path, None)
    alone = read(stage, path, monkeypatch)
    for column in kept.column_names:
        assert kept.column(column).to_pylist() == alone[0].column(column).to_pylist(), column
    assert rejects.to_pylist() == alone[1].to_pylist()
    assert kept.equals(alone[0])
    assert counts == alone[2]
    return at_once, counts.seen


STAGES = (
    SqlExtract(),
    SqlExtract(table="t", text="title"),
    SqlExtract(table="t", prompt="title", completion="body"),
    SqlExtract(table="other"),
)


@pytest.mark.parametrize("make", (mysqldump, inserts, copy, sqlite))
def test_both_ways_are_one(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, taken, seen = tmp_path / "a.sql", 0, 0
    for seed in range(8):
        source = random.Random(seed)
        text = make(source)
        if seed % 4 == 3:  # no column is known: lines of all
            text = text.replace("body", "b")
        path.write_text(text, encoding="utf-8", newline="")
        stage = STAGES[seed % len(STAGES)]
        if stage.table == "t" and ("title" not in text or "body" not in text):
            stage = SqlExtract()
        found = assert_same(stage, path, monkeypatch)
        taken, seen = taken + found[0], seen + found[1]
    assert taken > seen // 8, (taken, seen)


def test_a_plain_dump_is_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.sql"
    rows = ",".join(f"({n},'it\\'s {n}','a\\nb',NULL)" for n in range(1, 2000))
    path.write_text(
        "CREATE TABLE `t` (`id` int, `title` text, `body` text, `score` int) ENGINE=InnoDB;\n"
        f"INSERT INTO `t` VALUES {rows};\nINSERT INTO `t` VALUES {rows};\n"
    )
    at_once, seen = assert_same(SqlExtract(), path, monkeypatch)
    assert seen == 3998
    assert at_once > 3900


def test_bytes_that_are_no_text_are_told_of_their_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.sql"
    rows = b"".join(b"INSERT INTO `t` VALUES (%d,'text %d');\n" % (n, n) for n in range(300))
    head = b"SET NAMES utf8mb4;\nCREATE TABLE `t` (`id` int, `body` text);\n"
    path.write_bytes(head + rows.replace(b"'text 77'", b"'text \xff'"))
    _, seen = assert_same(SqlExtract(), path, monkeypatch)
    assert seen == 300


def test_white_space_is_what_python_says() -> None:
    ones = [chr(n) for n in range(0x110000) if not 0xD800 <= n < 0xE000]
    texts = [*ones, "", " a", "\u3000\u2003", "\x1c\n.", None]
    found = filled_in(pa.array(texts, pa.string())).tolist()
    assert found == [bool(text) and not text.isspace() for text in texts]


CREATE = (
    "CREATE TABLE `t` (`id` int, `body` text, `n` int, `f` double, `table` int) ENGINE=InnoDB;\n"
)
PLAIN = ["(1,'a',2,1.5,NULL)", "(1,'a',2,1.5,3)"] * 100
ODD = {
    "escapes": [r"""(1,'\%\_\q\0\b\n\r\t\Z\\\'\"''',2,1.5,4)"""] * 100,
    "zeros": [*PLAIN, "(1,'b',007,1.5,0)", *PLAIN],
    "floats": [*PLAIN, "(1,'b',7,0.00001,0)", *PLAIN[:-1], "(1,'b',7,2.50,0)", *PLAIN],
    "blanks": [*PLAIN, "(1, 'b' ,7 ,1,0)", *["( 1,'c',2,1.5,0)"] * 100],
    "words": [*PLAIN, "(1,NULLABLE,7,1,0)", *PLAIN, "(1,'b',7,1,NULLIF)", *PLAIN],
    "between": [*PLAIN, "x(1,'b',7,1,0)", *PLAIN],
    "strings": [*PLAIN, "(1,'b'x,7,1,0)", *["(1,'c''d',2,'1.5',0)"] * 100],
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_odd_is_read_alone(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.sql"
    path.write_text(CREATE + "INSERT INTO `t` VALUES " + ",".join(ODD[kind]) + ";\n")
    at_once, seen = assert_same(SqlExtract(), path, monkeypatch)
    assert at_once > 0
    assert seen >= 100


def test_a_head_of_the_same_length_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "a.sql", CREATE.replace("`t`", "`u`")
    rows = "".join(
        f"INSERT INTO `{'u' if n % 40 == 0 else 't'}` VALUES ({n},'a',2,1.5,0);\n"
        for n in range(400)
    )
    path.write_text(CREATE + other + rows)
    at_once, seen = assert_same(SqlExtract(), path, monkeypatch)
    assert (at_once > 0, seen) == (True, 400)


@pytest.mark.parametrize("zero", ("", "/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n"))
def test_a_column_that_numbers_itself(
    zero: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.sql"
    rows = [f"({n},'a',2,1.5,0)" for n in range(5, 205)]
    rows += ["(0,'b',2,1.5,0)", *["(500,'a',2,1.5,0)"] * 300]
    rows += ["(NULL,'c',2,1.5,0)", *["(500,'a',2,1.5,0)"] * 300, "(NULL,'c',2,1.5,0)"]
    head = CREATE.replace("int,", "int AUTO_INCREMENT,", 1)
    path.write_text(f"{zero}{head}INSERT INTO `t` VALUES {','.join(rows)};\n")
    at_once, seen = assert_same(SqlExtract(), path, monkeypatch)
    assert (at_once > 100, seen) == (True, 803)


def test_a_row_of_copy_ends_before_a_carriage_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.sql"
    rows = "".join(f"{n}\ttext\tbody{chr(13) if n % 40 == 0 else ''}\n" for n in range(400))
    head = "CREATE TABLE t (id integer, title text, body text);\n\nCOPY t (id, title, body)"
    path.write_text(f"-- PostgreSQL\n{head} FROM stdin;\n{rows}\\.\n", newline="")
    at_once, seen = assert_same(SqlExtract(), path, monkeypatch)
    assert (at_once > 0, seen) == (True, 400)


@pytest.mark.parametrize(("value", "refused"), [("+", 1), ("-", 1), ("- 1", 0), ("1.5--\n", 0)])
def test_signs_that_are_no_number_cost_their_row_alone(
    value: str, refused: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many rows were read one by one before, from when on they have a pattern."""
    path = tmp_path / "a.sql"
    rows = [f"INSERT INTO t VALUES ({n}, 'a', {n});\n" for n in range(600)]
    rows[100] = rows[500] = f"INSERT INTO t VALUES (7, 'b', {value});\n"
    create = "CREATE TABLE t (id integer, body text, score bigint);\n"
    path.write_text(f"-- PostgreSQL\n{create}{''.join(rows)}")
    assert_same(SqlExtract(), path, monkeypatch)
    _, rejects, counts, _ = read(SqlExtract(), path, monkeypatch)
    assert (counts.seen, counts.failed) == (600, 2 * refused)
    assert set(rejects.column("reason").to_pylist()) <= {"expression"}


@settings(max_examples=300, deadline=None)
@given(st.from_regex(r"\A[-+]?[0-9]{0,3}0{0,5}[0-9]{0,9}(\.0{0,5}[0-9]{0,12})?\Z"))
def test_numbers_are_written_as_python_writes_them(text: str) -> None:
    one = pa.array([text, None])
    with contextlib.suppress(slices.Unusual):
        assert slices.float_texts(one).to_pylist() == [repr(float(text)), None]
    with contextlib.suppress(slices.Unusual):
        assert slices.whole_numbers(one).to_pylist() == [int(text), None]
        assert str(int(text)) == text
    plain = re.fullmatch(r"-?(0|[1-9][0-9]{0,5})\.(0|[0-9]{0,4}[1-9])", text)
    if plain is not None and float(text) > 0.001:
        assert slices.float_texts(one).to_pylist() == [text, None]


LONG: dict[str, Callable[[list[str]], str]] = {
    "mysqldump": lambda texts: (
        "CREATE TABLE `t` (`id` int, `body` text) ENGINE=InnoDB;\nINSERT INTO `t` VALUES "
        + ",".join(f"({n},'{text}\\n')" for n, text in enumerate(texts))
        + ";\n"
    ),
    "inserts": lambda texts: (
        "CREATE TABLE t (id integer, body text);\n"
        + "".join(f"INSERT INTO t VALUES ({n}, '{text}''s');\n" for n, text in enumerate(texts))
    ),
    "copy": lambda texts: (
        "CREATE TABLE t (id integer, body text);\nCOPY t (id, body) FROM stdin;\n"
        + "".join(f"{n}\t{text}\\n\n" for n, text in enumerate(texts))
        + "\\.\n"
    ),
}


@pytest.mark.parametrize("form", LONG)
def test_rows_longer_than_a_region_come_at_once(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, path = random.Random(7), tmp_path / "a.sql"
    texts = ["größe (), " * (source.choice((5, 900, 3000, 20_000)) // 10) for _ in range(60)]
    path.write_text(LONG[form](texts), encoding="utf-8")
    at_once, seen = assert_same(SqlExtract(), path, monkeypatch)
    assert seen == 60
    assert at_once > 50  # the last may be shorter than what is worth a region
