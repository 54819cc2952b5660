"""`seedbed init`: what is large is not read whole, what is hostile ends nothing, a recipe stays."""

from __future__ import annotations

import json
import os
import random
import resource
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipeline.recipe.checked import read_recipe
from stages import SqlExtract, check
from stages.errors import UsageError
from stages.sketch import dumps, folder, forums, groups, kinds, recipe, tables, words
from stages.sketch.folder import File
from stages.sketch.init import sketch
from stages.sketch.tables import Table
from tests.pipeline.world import HOME, seedbed
from tests.sketch import folders


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# --- size ---------------------------------------------------------------------------------------


def test_ten_gigabytes_are_looked_at_in_seconds(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folders.phpbb(data)
    folders.alpaca(data / "a")
    with open(data / "board_2024-05-01.sql", "r+b") as file:
        file.truncate(6 << 30)  # holes cost no disk
    (data / "big.jsonl").write_text('{"question": "What is it?", "answer": "A thing."}\n' * 900)
    with open(data / "big.jsonl", "r+b") as file:
        file.truncate(2 << 30)
    (data / "big.csv").write_text("question,answer\n" + "Why not?,Because.\n" * 1500)
    with open(data / "big.csv", "r+b") as file:
        file.truncate(2 << 30)
    begun = _children()
    seedbed("init", "data", cwd=tmp_path)
    assert _children() - begun < 10
    text = (tmp_path / "recipe.yaml").read_text()
    assert "the tables of phpBB" in text
    assert text.count("- jsonl:") == 2 and "- csv:" in text


def test_very_many_files_are_one_source(tmp_path: Path) -> None:
    for n in range(100):
        below = tmp_path / "data" / f"{n:02d}"
        below.mkdir(parents=True)
        first = below / "000.html"
        first.write_text(folders.page(f"Page {n}", folders.prose(n, 40)))
        for k in range(1, 300):
            os.link(first, below / f"{k:03d}.html")
    begun = time.process_time()
    listed = folder.listed([tmp_path / "data"])
    found, left = groups.grouped(listed.files)
    assert time.process_time() - begun < 2
    assert [(len(one.files), one.path) for one in found] == [(30_000, f"{tmp_path}/data/**/*.html")]
    assert not left and not listed.more


def test_a_file_that_nothing_reads_splits_no_pattern(tmp_path: Path) -> None:
    for n in range(20):
        (tmp_path / f"{n:02d}.rst").write_text(folders.prose(n, 40))
    (tmp_path / "20.rst").write_text("Moved.\n")
    found, left = groups.grouped(folder.listed([tmp_path]).files)
    assert [(len(one.files), one.path) for one in found] == [(20, f"{tmp_path}/*.rst")]
    assert found[0].others == {"a text too short to be one": 1} and not left


LARGE = {"alpha": 12000, "bravo": 3, "posts": 30000, "delta": 5, "topics": 6000}


def _large_rows(name: str, number: int) -> list[tuple[object, ...]]:
    texts = [folders.prose(n, 30) for n in range(50)]
    if name == "posts":
        return [(n, n // 5, n % 5, f"{texts[n % 50]} {n}") for n in range(number)]
    return [(n, f"{texts[n % 50]} {n}") for n in range(number)]


def _columns(name: str) -> str:
    more = "`topic_id` int, `user_id` int, " if name == "posts" else ""
    return f"`id` int NOT NULL, {more}`{'title' if name == 'topics' else 'body'}` text"


def _one_row_a_line(path: Path) -> None:
    folders.mysql(path, {name: (_columns(name), _large_rows(name, n)) for name, n in LARGE.items()})


def _long_lines(path: Path) -> None:
    """mysqldump with --max-allowed-packet: a megabyte and more without a line end."""
    with open(path, "w") as file:
        file.write("-- MySQL dump 10.13\n/*!40101 SET NAMES utf8mb4 */;\n")
        for name, number in LARGE.items():
            file.write(f"CREATE TABLE `{name}` (\n  {_columns(name)}\n);\n")
            rows = _large_rows(name, number)
            for at in range(0, number, 8000):
                values = (
                    f"({','.join(map(folders.literal, row))})" for row in rows[at : at + 8000]
                )
                file.write(f"INSERT INTO `{name}` VALUES {','.join(values)};\n")


def _copied(path: Path) -> None:
    """pg_dump: all tables first, rows without any mark behind."""
    with open(path, "w") as file:
        file.write("--\n-- PostgreSQL database dump\n--\nSET client_encoding = 'UTF8';\n")
        for name in LARGE:
            columns = _columns(name).replace("`", "").replace(", ", ",\n    ")
            file.write(
                f"CREATE TABLE public.{name} (\n    {columns.replace('int', 'integer')}\n);\n"
            )
        for name, number in LARGE.items():
            names = "id, topic_id, user_id, body" if name == "posts" else "id, body"
            names = "id, title" if name == "topics" else names
            file.write(f"COPY public.{name} ({names}) FROM stdin;\n")
            for row in _large_rows(name, number):
                file.write("\t".join(map(str, row)) + "\n")
            file.write("\\.\n\n")


@pytest.mark.parametrize("write", [_one_row_a_line, _long_lines, _copied])
def test_the_tables_of_a_large_dump_are_found_between_the_places(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    """Small tables between large ones, of which no first look could see a row; and of all the
    first rows, so that a query over them can be tried."""
    path = tmp_path / "large.sql"
    write(path)
    size = path.stat().st_size
    assert size > dumps.WHOLE
    dump = dumps.look_into(tmp_path, path.name, size)
    found = {table.name.rpartition(".")[2]: table for table in dump.tables}
    assert {*found} == {*LARGE}
    assert found["posts"].columns == ("id", "topic_id", "user_id", "body")
    for name, number in LARGE.items():
        guess = found[name].size
        assert guess is not None and abs(guess - number) < 2 + number / 5, (name, guess)
        assert len(found[name].rows) == min(number, tables.ROWS)
    assert len(dump.excerpt) < size / 2
    (tmp_path / "excerpt.sql").write_bytes(dump.excerpt)
    rejects: list[dict[str, object]] = []
    (board,) = forums.boards(dump.tables)
    stage = SqlExtract(query=forums.threads(board))
    assert len(list(stage(tmp_path / "excerpt.sql", rejects))) > 30
    assert [reject["reason"] for reject in rejects] in ([], ["truncated"]), "of the closing line"


# --- what is hostile, and what is not there -----------------------------------------------------


def test_junk_alone_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folders.junk(data)
    for path in data.glob("*.html"):
        path.unlink()
    (data / "closed.jsonl").unlink()
    (data / "README.md").unlink()
    done = seedbed("init", "data", cwd=tmp_path, code=2)
    assert "nothing that a stage reads" in done.stderr and "JPEG image (1)" in done.stderr
    assert not (tmp_path / "recipe.yaml").exists()


def test_a_recipe_that_is_there_stays(tmp_path: Path) -> None:
    folders.alpaca(tmp_path / "data")
    (tmp_path / "recipe.yaml").write_text("mine")
    done = seedbed("init", "data", cwd=tmp_path, code=2)
    assert "recipe.yaml is there already, and is not overwritten" in done.stderr
    assert (tmp_path / "recipe.yaml").read_text() == "mine"
    (tmp_path / "dangling.yaml").symlink_to("nowhere.yaml")
    seedbed("init", "data", "-o", "dangling.yaml", cwd=tmp_path, code=2)
    assert not (tmp_path / "nowhere.yaml").exists()


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere: not found"):
        sketch([tmp_path / "nowhere"], tmp_path / "recipe.yaml")


def test_the_folder_that_the_recipe_lies_in(tmp_path: Path) -> None:
    """Runs and store beside the data are no data, neither in this run nor in the next look."""
    folders.documentation(tmp_path)
    (tmp_path / "qa.jsonl").write_text('{"question": "Why is it so?", "answer": "It is."}\n' * 3)
    seedbed("init", ".", cwd=tmp_path)
    seedbed("run", "recipe.yaml", "--workers", "1", cwd=tmp_path)
    before = (tmp_path / "recipe.yaml").read_text()
    (tmp_path / "recipe.yaml").unlink()
    done = seedbed("init", ".", "-o", "-", cwd=tmp_path)
    sources = before[before.index("sources:") : before.index("# Not read")]
    assert sources in done.stdout
    assert (
        "2 folders that seedbed made" in done.stdout
        or "folders that seedbed made: runs/" in done.stdout
    )


HOSTILE = {
    "deep.json": b"[" * 30_000,
    "wide.csv": b"a" + b",a" * 200_000 + b"\n",
    "bomb.xml": b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 999 + b'">]><mediawiki>&b;',
    "cut.sql": b"CREATE TABLE a (b text);\nINSERT INTO a VALUES ('" + b"x" * 30_000,
    "quotes.sql": b"-- MySQL dump\n" + b"INSERT INTO `" * 5000,
    "odd.db": b"SQLite format 3\0" + random.Random(2).randbytes(8000),
    "half.parquet": b"PAR1" + bytes(100) + b"PAR1",
    "cut.zip": b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(100),
    "cut.gz": b"\x1f\x8b\x08\0" + bytes(20),
    "slow.txt": b"[" * 50_000 + b"\n" + b"1" * 50_000,
}  # fmt: skip


def test_hostile_files_end_nothing_and_the_good_one_is_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folders.alpaca(data)
    for name, content in HOSTILE.items():
        (data / name).write_bytes(content)
    begun = _children()
    told = seedbed("init", "data", cwd=tmp_path).stdout
    assert "of what is there: recipe.yaml says by kind" in told
    assert _children() - begun < 20
    text = (tmp_path / "recipe.yaml").read_text()
    active = [line for line in text.split("\n") if line.startswith("  - ") and line.endswith(":")]
    assert "  - jsonl:" in active
    read_recipe(tmp_path / "recipe.yaml")


@pytest.mark.parametrize("name", HOSTILE)
def test_each_hostile_file_has_a_kind(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(HOSTILE[name])
    begun = time.process_time()
    kind = kinds.kind_of(File(tmp_path, name, len(HOSTILE[name])))
    assert kind.name and time.process_time() - begun < 2


def test_text_of_the_data_ends_no_comment() -> None:
    told = "\n".join(recipe.comment("a\nb: c\u2028d\x85e \x1b[31m\ud800", "  "))
    assert told == r"  # a\nb: c\u2028d\x85e \x1b[31m\ud800"


# --- kinds, columns, words ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "reader"),
    [
        ("page", b"<!doctype html><html><body>x</body></html>", "html"),
        ("x.dat", b"-- phpMyAdmin SQL Dump\nSET x;\nCREATE TABLE `a` (b int);\n"
         b"INSERT INTO `a` VALUES (1);\n", "sql"),
        ("a.sql", b"/*M!999999\\- enable the sandbox mode */\n-- MariaDB\n" + bytes(900), "sql"),
        ("a.warc", b"WARC/1.0\r\nWARC-Type: response\r\n", "html"),
        ("a.txt", b"12:00 <ann> well\n12:01 <bob> yes\n12:02 <ann> no\n", "chatlog"),
        ("a.tsv", b"one\ttwo\n1\t2\n", "csv"),
        ("a.yaml", b"- a\n- b\n- c\n- d\n- e\n- f\n", None),
        ("a.txt", b"A text of some words that people wrote for others to read.", "documents"),
        ("a.mbox", b"From a@b.c Mon Jan  1 10:00:00 2024\nFrom: a\nSubject: b\n", None),
        ("feed.xml", b"<?xml version='1.0'?><rss><channel/></rss>", None),
        ("a.json", b'{"a": 1}', "jsonl"),
        ("a.md", b'<p align="center"><img src="x"></p>\n\nWords that people wrote for others.\n',
         "documents"),
        ("a.pdf", b"%PDF-1.7\n", "documents"),
    ],
)  # fmt: skip
def test_kinds_are_known_by_content(
    name: str, content: bytes, reader: str | None, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    assert kinds.kind_of(File(tmp_path, name, len(content))).reader == reader


def test_columns_are_known_by_names_and_values() -> None:
    rows = [(n, n % 3, n % 2, "yes" if n % 2 else "no", folders.prose(n)) for n in range(9)]
    table = Table("posts", ("id", "thread_id", "author_id", "spam", "words"), rows)
    assert tables.key_of(table) == "id"
    assert tables.group_of(table) == "thread_id"
    assert tables.author_of(table) == "author_id"
    assert tables.body_of(table) == "words"
    assert tables.role_of(table) is None
    alone = Table("a", ("thread_id",), [(1,), (2,)])  # each row a thread of its own
    assert tables.group_of(alone) is None


@pytest.mark.parametrize(
    ("columns", "pair"),
    [
        (("Nr", "Frage", "Antwort"), ("Frage", "Antwort")),
        (("question_text", "answer_text", "answered_by"), ("question_text", "answer_text")),
        (("answer_id", "question_id"), None),
        (("pregunta", "respuesta"), ("pregunta", "respuesta")),
        (("q", "a"), ("q", "a")),
        (("quantity", "amount"), None),
    ],
)
def test_questions_and_answers_by_their_names(
    columns: tuple[str, ...], pair: tuple[str, str] | None
) -> None:
    assert tables.pair_of(columns) == pair


POSTS = [  # id, thread, author, text, title, role, accepted
    (1, 1, 5, "a1", "One", "user", 0), (2, 1, 6, "b1", "One", "bot", 0),
    (3, 1, 6, "b2", "One", "bot", 1), (4, 1, 5, "a2", "One", "user", 0),
    (5, 2, 7, "alone", "Two", "user", 0),
    (6, 3, None, "guest", "Three", "user", 0), (7, 3, 8, " ", "Three", "bot", 0),
    (8, 3, 9, "c1", "Three", "bot", 0),
]  # fmt: skip
COLUMNS = '(id int, "order" int, who_id int, body text, title text, role text, accepted int)'
BOARD = forums.Board("", "posts", "id", "order", "body", "who_id", title="title")
TALKS = [
    (1, "One", [("user", "One\n\na1"), ("assistant", "b1\n\nb2"), ("user", "a2")]),
    (3, "Three", [("user", "Three\n\nguest"), ("assistant", "c1")]),
]


@pytest.mark.parametrize("by_role", [False, True])
def test_threads_are_the_same_in_both_dialects(by_role: bool) -> None:
    board = replace(BOARD, role="role", author=None) if by_role else BOARD
    expected = [
        (thread, title, [{"role": role, "content": text} for role, text in talk])
        for thread, title, talk in TALKS
    ]
    duck = duckdb.connect()
    duck.execute(f"CREATE TABLE posts {COLUMNS[:-1]}, _place text)")
    duck.executemany("INSERT INTO posts VALUES (?,?,?,?,?,?,?,?)", [(*p, "x") for p in POSTS])
    rows = duck.execute(forums.threads(board)).fetchall()
    assert sorted((a, b, c) for a, b, c, _ in rows) == expected
    lite = sqlite3.connect(":memory:")
    lite.execute(f"CREATE TABLE posts {COLUMNS}")
    lite.executemany("INSERT INTO posts VALUES (?,?,?,?,?,?,?)", POSTS)
    found = lite.execute(forums.threads(board, "sqlite")).fetchall()
    assert sorted((a, b, json.loads(c)) for a, b, c in found) == expected


def test_pairs_take_the_accepted_answer_else_the_first_of_another_author() -> None:
    lite = sqlite3.connect(":memory:")
    lite.execute(f"CREATE TABLE posts {COLUMNS}")
    lite.executemany("INSERT INTO posts VALUES (?,?,?,?,?,?,?)", POSTS)
    plain = lite.execute(forums.pairs(BOARD, "sqlite")).fetchall()
    best = lite.execute(forums.pairs(replace(BOARD, accepted="accepted"), "sqlite")).fetchall()
    assert sorted(plain) == [(1, "One", "One\n\na1", "b1"), (3, "Three", "Three\n\nguest", "c1")]
    assert sorted(best)[0] == (1, "One", "One\n\na1", "b2")


@pytest.mark.parametrize("board", forums.KNOWN, ids=lambda board: board.name)
def test_a_known_board_is_known_whatever_its_prefix(board: forums.Board) -> None:
    columns = (board.key, board.thread, board.body, board.author or "x", board.title or "y")
    named = [Table(f"my_{board.posts}", columns, [(1, 1, "text", 1, "t")])]
    if board.topics is not None:
        topics = (board.topics_key, board.topics_title)
        named.append(Table(f"my_{board.topics}", topics, [(1, "t")]))
    (found,) = forums.boards(named)
    assert found.name == board.name and found.posts == f"my_{board.posts}"
    duck = duckdb.connect()
    for query in (forums.threads(found), forums.pairs(found)):
        assert len(duck.extract_statements(query)) == 1


def test_a_board_that_nobody_knows_is_inferred() -> None:
    posts = [(n, n // 3, n % 2, folders.prose(n)) for n in range(12)]
    named = [
        Table("beitraege", ("id", "thema_id", "autor_id", "inhalt"), posts),
        Table("themen", ("id", "titel"), [(n, f"Thema {n}") for n in range(4)]),
        Table("nutzer", ("id", "name"), [(n, f"user {n}") for n in range(4)]),
    ]
    (found,) = forums.boards(named)
    assert (found.posts, found.thread) == ("beitraege", "thema_id")
    assert (found.author, found.body) == ("autor_id", "inhalt")
    assert (found.topics, found.topics_title) == ("themen", "titel")
    alone = [Table("notes", ("id", "author_id", "body"), [(n, n % 2, "a b c d") for n in range(9)])]
    assert forums.boards(alone) == []


def test_languages_and_tokens() -> None:
    assert words.language_of(["The ship and the sea are what they have for it."]) == "English"
    assert words.language_of(["Das Schiff ist nicht von der See und die See nicht"]) == "German"
    assert words.language_of(["船は海にあります。とても大きいです。"]) == "Japanese"
    assert words.language_of(["xk82 qq91"]) == ""
    assert 0.2 < words.tokens_of(["plain English text of words"]) < 0.3
    assert words.tokens_of(["漢字漢字"]) > 0.5


# --- the ready recipes --------------------------------------------------------------------------

READY = {"phpbb": 12, "discourse": 12, "wordpress": 9, "mediawiki": 10, "stackexchange": 12}


@pytest.mark.parametrize("name", READY)
def test_a_ready_recipe_reads_its_example_as_init_would(name: str, tmp_path: Path) -> None:
    (source,) = read_recipe(HOME / "recipes" / f"{name}.yaml").sources
    rejects: list[dict[str, object]] = []
    assert len(list(source.stage(source.path, rejects))) == READY[name]
    found = sketch([Path(source.path)], tmp_path / "r.yaml")
    (choice,) = found.choices
    assert choice.stage == source.stage.name
    assert choice.parameters == {
        key: value
        for key, value in check.as_json(source.stage).items()
        if value != check.parameters(type(source.stage))[key][1].default and value != []
    }
