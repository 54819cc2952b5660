"""The sql stage: records of rows and of queries, their places, and the mistakes it names."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.readers import tables
from stages import SqlExtract
from stages.errors import UsageError
from stages.extract.packed.archives import read_at
from stages.place import Place

DUMP = (
    "-- MariaDB dump 10.19\n/*!40101 SET NAMES utf8mb4 */;\n"
    "CREATE TABLE `threads` (`id` int NOT NULL, `title` varchar(99), `made` datetime);\n"
    "INSERT INTO `threads` VALUES (1,'Peas','2015-03-14 08:12:08'),(2,'Beans',NULL),"
    "(3,'Leeks',NULL);\n"
    "CREATE TABLE `posts` (`id` int, `thread_id` int, `reply_to` int, `score` decimal(5,2),\n"
    "  `accepted` tinyint(1), `body` text, `raw` blob);\n"
    "INSERT INTO `posts` VALUES\n(10,1,NULL,4,0,'When do I\\nsow?',0xFF00),\n"
    "(11,1,10,7.5,1,'In \\'March\\'.',NULL),\n(12,2,NULL,1,0,'And beans?',NULL),\n"
    "(13,2,12,-1,1,NULL,NULL),\n(14,3,NULL,0,0,'Leeks?',NULL),\n(15,3,14,2,0,'No.',NULL),\n"
    "(16,3,14,NOW(),1,'Yes.',NULL);\n-- Dump completed\n"
)
JOIN = (
    "SELECT t.id AS thread, t.title AS title, q.body AS prompt, a.body AS completion, "
    "a.score AS score, a._place AS place FROM threads t "
    "JOIN posts q ON q.thread_id = t.id AND q.reply_to IS NULL "
    "JOIN posts a ON a.thread_id = t.id AND CAST(a.accepted AS BOOLEAN)"
)


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    path = tmp_path / "forum.sql"
    path.write_text(DUMP)
    return path


def run(stage: SqlExtract, path: Path | str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rejects: list[dict[str, Any]] = []
    return list(stage(str(path), rejects)), rejects


def test_a_row_is_found_again_by_its_place(dump: Path) -> None:
    kept, rejects = run(SqlExtract(table="posts"), dump)
    assert [row["text"] for row in kept] == [
        "When do I\nsow?", "In 'March'.", "And beans?", "Leeks?", "No.",
    ]  # fmt: skip
    place = Place.parse(kept[1]["place"])
    assert (place.table, place.line) == ("posts", 9)
    assert read_at(dump.parent, place) == b"(11,1,10,7.5,1,'In \\'March\\'.',NULL)"
    assert json.loads(kept[0]["meta"]) == {
        "table": "posts", "id": 10, "thread_id": 1, "score": "4", "accepted": 0,
    }  # fmt: skip
    assert [(r["reason"], r["failed"], Place.parse(r["place"]).line) for r in rejects] == [
        ("empty", False, 11),
        ("expression", True, 14),
    ]
    assert rejects[1]["text"] == "(16,3,14,NOW(),1,'Yes.',NULL)"


def test_columns_and_templates(dump: Path) -> None:
    stage = SqlExtract(table="threads", prompt="{title} since {made}", completion="id")
    kept, rejects = run(stage, dump)
    assert [(row["prompt"], row["completion"]) for row in kept] == [
        ("Peas since 2015-03-14 08:12:08", "1"), ("Beans since ", "2"), ("Leeks since ", "3"),
    ]  # fmt: skip
    assert rejects == []
    kept, _ = run(SqlExtract(table="threads"), dump)
    assert kept[0]["text"] == "id: 1\ntitle: Peas\nmade: 2015-03-14 08:12:08"


def test_a_query_joins_the_tables(dump: Path) -> None:
    kept, rejects = run(SqlExtract(query=JOIN), dump)
    assert [(row["prompt"], row["completion"]) for row in kept] == [
        ("When do I\nsow?", "In 'March'.")
    ]
    assert json.loads(kept[0]["meta"]) == {"thread": 1, "title": "Peas", "score": "7.50"}
    assert read_at(dump.parent, Place.parse(kept[0]["place"])).startswith(b"(11,1,10,")
    assert {r["reason"]: r["failed"] for r in rejects} == {"expression": True, "empty": False}


def test_a_query_without_a_place_is_named_by_its_key(dump: Path) -> None:
    query = "SELECT thread_id, count(*) AS n, max(body) AS text FROM posts GROUP BY thread_id"
    kept, _ = run(SqlExtract(query=query, key=("thread_id",)), dump)
    assert [row["place"] for row in kept] == [f"forum.sql!query[thread_id={n}]" for n in (1, 2, 3)]
    kept, _ = run(SqlExtract(query=query), dump)
    assert [row["place"] for row in kept] == [f"forum.sql!query[row={n}]" for n in (1, 2, 3)]


def test_a_query_sees_only_the_tables_that_it_names(dump: Path) -> None:
    kept, rejects = run(SqlExtract(query="SELECT title AS text FROM threads"), dump)
    assert [row["text"] for row in kept] == ["Beans", "Leeks", "Peas"] and rejects == []


def test_ids_outlive_a_line_put_on_top(dump: Path) -> None:
    for stage in (SqlExtract(), SqlExtract(query=JOIN)):
        before = [row["id"] for row in run(stage, dump)[0]]
        dump.write_text("-- one line more\n" + DUMP)
        after = [row["id"] for row in run(stage, dump)[0]]
        dump.write_text(DUMP)
        assert before == after and len(set(before)) == len(before) > 0


def test_types_in_a_query(tmp_path: Path) -> None:
    path = tmp_path / "types.sql"
    path.write_text(
        "CREATE TABLE t (a bigint unsigned, b decimal(10,3), c double, d blob, e text, A2 int);\n"
        "INSERT INTO t VALUES (1,2.5,1e3,x'00ff','x',1);\n"
        "INSERT INTO t VALUES (18446744073709551615,NULL,NULL,NULL,NULL,NULL);\n"
        "CREATE TABLE empty (x int);\n"
    )
    query = (
        "SELECT typeof(b) || typeof(c) || typeof(d) || a AS text FROM t LEFT JOIN empty "
        "ON empty.x = t.A2"
    )
    kept, _ = run(SqlExtract(query=query, dialect="mysql"), path)
    assert [row["text"] for row in kept] == [
        "DECIMAL(10,3)DOUBLEBLOB1", "DECIMAL(10,3)DOUBLEBLOB18446744073709551615",
    ]  # fmt: skip


def test_tables_of_several_schemas(tmp_path: Path) -> None:
    path = tmp_path / "two.sql"
    path.write_text(
        "USE `a`;\nCREATE TABLE `t` (`text` text);\nINSERT INTO `t` VALUES ('one');\n"
        "USE `b`;\nCREATE TABLE `t` (`text` text);\nINSERT INTO `t` VALUES ('two');\n"
    )
    assert [row["text"] for row in run(SqlExtract(table="b.t"), path)[0]] == ["two"]
    kept, _ = run(SqlExtract(query="SELECT a.t.text || b.t.text AS text FROM a.t, b.t"), path)
    assert [row["text"] for row in kept] == ["onetwo"]


def test_a_folder_of_dumps_is_a_part_a_file(dump: Path) -> None:
    (dump.parent / "more.sql.gz").write_bytes(gzip.compress(DUMP.encode()))
    stage = SqlExtract(query=JOIN)
    assert [part.files for part in stage.parts(str(dump.parent), 1)] == [
        ("forum.sql",), ("more.sql.gz",),
    ]  # fmt: skip
    kept, _ = run(stage, dump.parent)
    assert [row["place"].partition("@")[0] for row in kept] == ["forum.sql", "more.sql.gz"]


@pytest.mark.parametrize(
    ("stage", "sentence"),
    [
        (SqlExtract(query="SELECT nothing FROM posts"), r"nothing.*; the tables are posts \(id, "),
        (SqlExtract(query="SELECT * FROM nowhere, posts"), "nowhere"),
        (SqlExtract(query="SELECT id FROM posts", key=("no",)), "no column 'no' in the result"),
        (SqlExtract(query="SELECT id FROM posts", text="body"), "no column 'body'"),
        (SqlExtract(query="SELECT * FROM read_csv('/etc/passwd')"), "query: "),
        (SqlExtract(table="posts", text="bodi"), "no column 'bodi' in posts; did you mean 'body'"),
    ],
)
def test_mistakes_are_one_sentence(dump: Path, stage: SqlExtract, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        run(stage, dump)


@pytest.mark.parametrize(
    ("stage", "sentence"),
    [
        (SqlExtract(query="DROP TABLE posts"), "one SELECT"),
        (SqlExtract(query="SELECT 1; SELECT 2"), "one SELECT"),
        (SqlExtract(query="SELEC 1"), "cannot be read"),
        (SqlExtract(query="SELECT 1", table="t"), "give one"),
        (SqlExtract(prompt="a", completion="b"), "give table or query"),
        (SqlExtract(key=("a",)), "give query"),
        (SqlExtract(table="t", prompt="a"), "completion"),
    ],
)
def test_contradictions_are_found_before_anything_runs(stage: SqlExtract, sentence: str) -> None:
    assert any(sentence in problem for problem in stage.contradictions())


def test_a_dump_that_does_not_say_its_character_set(tmp_path: Path) -> None:
    path = tmp_path / "old.sql"
    path.write_bytes(b"INSERT INTO `t` (`text`) VALUES ('caf\xe9 \x80');\n")
    kept, _ = run(SqlExtract(charset="latin1"), path)
    assert [row["text"] for row in kept] == ["café €"]
    assert "none that" in SqlExtract(charset="latin-seven").contradictions()[0]


def test_the_public_function_gives_tables_in_order(dump: Path) -> None:
    rejects: list[dict[str, Any]] = []
    found = [(name, columns, list(rows)) for name, columns, rows in tables(dump, rejects)]
    assert [(name, len(rows)) for name, _, rows in found] == [("threads", 3), ("posts", 6)]
    assert found[0][1] == ("id", "title", "made")
    assert found[1][2][0] == (10, 1, None, "4", 0, "When do I\nsow?", b"\xff\x00")
    assert [(r["why"], r["line"], r["table"]) for r in rejects] == [("expression", 14, "posts")]
