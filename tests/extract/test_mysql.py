"""Live MySQL and MariaDB, on a private MariaDB."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from stages import DatabaseExtract
from stages.errors import StageFailed, UsageError
from stages.extract.databases import mysql
from stages.extract.databases.mysql import _client
from stages.extract.databases.rows import Batch
from tests.extract.conftest import SECRET, MariaDB
from tests.extract.test_database import read
from tests.pipeline import world

pymysql = pytest.importorskip("pymysql")

FORUM = """
    CREATE DATABASE forum CHARACTER SET utf8mb4;
    USE forum;
    CREATE TABLE posts (id int unsigned PRIMARY KEY, question text, answer text,
        price decimal(30,10), made timestamp NULL, day date, t time, y year, data blob, f double,
        r float, e enum('a','b'), ok tinyint(1), big bigint unsigned, bits bit(10), j json,
        old varchar(20) CHARACTER SET latin1, fixed binary(3));
    SET time_zone = '+02:00';
    INSERT INTO posts SELECT seq, CONCAT('why ', seq, '\\n\\\\N "x" é 𝄞'),
        IF(seq % 5 = 0, NULL, CONCAT('because ', seq)), seq * 1.10, '2020-01-01 10:00',
        '0000-00-00', '-838:59:59', 1999, x'00ff5c', 0.1, 0.1, 'b', seq % 2, 18446744073709551615,
        b'1000000001', '{"a": "é"}', 'café', x'ff0001' FROM seq_1_to_2500;
    CREATE TABLE bare (word varchar(20), n int);
    INSERT INTO bare VALUES ('b', 1), ('B', 1), ('a', 1), (NULL, 1), ('é', 1), ('e', 2), ('b', 0);
    CREATE TABLE two (a int, b varchar(9), text text, PRIMARY KEY (b, a));
    INSERT INTO two VALUES (2, 'x', 'x2'), (1, 'x', 'x1'), (3, 'a', 'a3');
    CREATE TABLE `odd ``name "q"` (`the %s id` int, `text` text);
    INSERT INTO `odd ``name "q"` VALUES (1, 'kept');
    CREATE TABLE lengthy (text mediumtext);
    INSERT INTO lengthy VALUES (CONCAT(REPEAT('x', 3000), 'b')), (CONCAT(REPEAT('x', 3000), 'a'));
    CREATE VIEW seen AS SELECT a AS id, text FROM two;
    CREATE USER 'reader'@'localhost' IDENTIFIED BY '{secret}';
    GRANT SELECT ON forum.* TO 'reader'@'localhost';
"""


@pytest.fixture(scope="module")
def server(mariadb: MariaDB) -> str:
    """The URL of a database with the tables above."""
    mariadb.run("SET sql_mode='';" + FORUM.replace("{secret}", SECRET))
    return mariadb.url("forum")


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MYSQL_PWD", raising=False)


def test_values_are_what_the_server_prints(server: str) -> None:
    kept, rejects = read(DatabaseExtract(table="posts"), server)
    assert len(kept) == 2000 and len(rejects) == 500
    assert [row["place"] for row in kept[:2]] == ["!posts[id=1]", "!posts[id=2]"]
    assert kept[0]["prompt"] == 'why 1\n\\N "x" é 𝄞' and kept[0]["completion"] == "because 1"
    assert json.loads(kept[0]["meta"]) == {
        "id": 1, "price": "1.1000000000", "made": "2020-01-01 08:00:00", "day": "0000-00-00",
        "t": "-838:59:59", "y": 1999, "f": 0.1, "r": 0.1, "e": "b", "ok": 1,
        "big": 18446744073709551615, "bits": 513, "j": '{"a": "é"}', "old": "café",
        "table": "posts",
    }  # fmt: skip
    assert {(r["reason"], r["failed"]) for r in rejects} == {("empty", False)}
    assert rejects[0]["place"] == "!posts[id=5]"


def test_bytes_are_bytes_and_texts_are_texts(server: str) -> None:
    (batch,) = mysql.read(server, "posts", None, (), 1)
    assert isinstance(batch, Batch)
    (row,) = batch.rows
    assert isinstance(row, tuple)
    assert row[8] == b"\x00\xff\x5c" and row[17] == b"\xff\x00\x01"
    assert [type(value) for value in row[:4]] == [int, str, str, str]


def test_a_key_of_several_columns_is_in_its_own_order(server: str) -> None:
    kept, _ = read(DatabaseExtract(table="two"), server)
    assert [row["place"] for row in kept] == [
        "!two[b=a,a=3]", "!two[b=x,a=1]", "!two[b=x,a=2]",
    ]  # fmt: skip


def test_a_table_without_a_key_is_ordered_by_the_bytes_of_all_columns(server: str) -> None:
    kept, _ = read(DatabaseExtract(table="bare", text="{word} {n}"), server)
    assert [row["text"] for row in kept] == [" 1", "B 1", "a 1", "b 0", "b 1", "e 2", "é 1"]


def test_texts_that_begin_alike_have_an_order_too(server: str) -> None:
    kept, _ = read(DatabaseExtract(table="lengthy"), server)
    assert len(kept) == 2 and kept[0]["text"] != kept[1]["text"]
    assert kept == read(DatabaseExtract(table="lengthy"), server)[0]


def test_all_tables_and_no_view_unless_it_is_named(server: str) -> None:
    kept, _ = read(DatabaseExtract(), server)
    tables = [json.loads(row["meta"])["table"] for row in kept]
    assert list(dict.fromkeys(tables)) == ["bare", "lengthy", 'odd `name "q"', "posts", "two"]
    assert [row["text"] for row in read(DatabaseExtract(table="seen"), server)[0]] == [
        "x1", "x2", "a3",
    ]  # fmt: skip


def test_a_query_with_a_comment_behind_it_and_a_sign_of_formats(server: str) -> None:
    stage = DatabaseExtract(
        query="SELECT a, text FROM two WHERE b LIKE 'x%' -- that is all", key=("a",)
    )
    kept, _ = read(stage, server)
    assert [(row["place"], row["text"]) for row in kept] == [
        ("!query[a=1]", "x1"),
        ("!query[a=2]", "x2"),
    ]


def test_one_snapshot_in_which_nothing_can_be_changed(server: str, mariadb: MariaDB) -> None:
    batches = mysql.read(server, None, None, ())
    found = [next(batches)]
    mariadb.run("DELETE FROM forum.two WHERE a = 3")
    try:
        found += batches
    finally:
        mariadb.run("INSERT INTO forum.two VALUES (3, 'a', 'a3')")
    of_two = [batch for batch in found if isinstance(batch, Batch) and batch.table == "two"]
    assert [row[2] for batch in of_two for row in batch.rows] == ["a3", "x1", "x2"]
    session = mysql._Server(server)
    for statement in mysql._SETTINGS:
        session.run(statement)
    with pytest.raises(UsageError, match="READ ONLY transaction"):
        session.run("DELETE FROM forum.two")


@pytest.mark.parametrize(
    ("stage", "sentence"),
    [
        (DatabaseExtract(table="post"), "there is no table 'post'; did you mean 'posts'"),
        (DatabaseExtract(query="SELECT nothing FROM two"), "query: Unknown column 'nothing'"),
        (DatabaseExtract(query="SELECT 1 AS a, 2 AS a"), "query: Duplicate column name 'a'"),
        (DatabaseExtract(table="two", key=("c",)), "key: there is no column 'c'"),
    ],
)
def test_a_mistake_is_one_sentence(server: str, stage: DatabaseExtract, sentence: str) -> None:
    with pytest.raises(UsageError) as told:
        list(stage(server))
    assert sentence in str(told.value)


def test_passwords_come_from_the_environment_or_the_clients_file(
    server: str, mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = mariadb.url("forum", "reader")
    with pytest.raises(UsageError, match="Access denied") as told:
        list(DatabaseExtract(table="two")(url))
    assert SECRET not in str(told.value)
    monkeypatch.setenv("MYSQL_PWD", SECRET)
    assert len(list(DatabaseExtract(table="two")(url))) == 3
    monkeypatch.delenv("MYSQL_PWD")
    (tmp_path / ".my.cnf").write_text(
        f'!includedir /etc/x\n[mysqld]\npassword=no\n[client]\nno-beep\npassword = "{SECRET}"\n'
    )
    assert len(list(DatabaseExtract(table="two")(url))) == 3
    (tmp_path / ".my.cnf").write_text(f"[client]\nuser=reader\npassword={SECRET}\n")
    (tmp_path / ".my.cnf").write_text(f'[client]\nuser=reader # him\npassword="{SECRET}" # his\n')
    assert _client() == {"user": "reader", "password": SECRET}
    nobody = url.replace("reader@", "")
    assert len(list(DatabaseExtract(table="two")(nobody))) == 3


def test_a_server_that_does_not_answer_is_one_sentence(mariadb: MariaDB) -> None:
    with pytest.raises(UsageError, match="Can't connect"):
        list(DatabaseExtract(table="t")("mysql://u@127.0.0.1:1/x"))
    with pytest.raises(UsageError, match="Unknown database 'nowhere'"):
        list(DatabaseExtract(table="t")(mariadb.url("nowhere")))
    with pytest.raises(UsageError, match="sslmode must be one of"):
        list(DatabaseExtract(table="t")(mariadb.url("x") + "&sslmode=sure"))


GREETINGS = (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"N", b"\x05\0\0\0\x0a5.7\0")


@pytest.mark.parametrize("greeting", GREETINGS)
def test_what_is_no_mysql_is_one_sentence(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with listening.accept()[0] as one:
                one.sendall(greeting)

        threading.Thread(target=serve, daemon=True).start()
        port = listening.getsockname()[1]
        with pytest.raises((UsageError, StageFailed), match=f"mysql://u@127.0.0.1:{port}/x: "):
            next(mysql.read(f"mysql://u@127.0.0.1:{port}/x", "t", None, ()))


def test_a_session_that_is_killed_fails_the_stage_and_a_run_goes_on(
    server: str, mariadb: MariaDB, tmp_path: Path
) -> None:
    batches = mysql.read(server, "posts", None, ())
    next(batches)
    _kill(mariadb)
    with pytest.raises(StageFailed, match="the same command reads this database again"):
        list(batches)
    world.recipe(tmp_path, f'database: {{path: "{server}", table: posts}}', "[normalize]")
    stop = threading.Event()

    def kill() -> None:
        while not stop.is_set():
            with suppress(Exception):
                _kill(mariadb)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        done = world.seedbed("run", "t.yaml", cwd=tmp_path, code=3)
    finally:
        stop.set()
        killer.join()
    assert "the server ended the reading" in done.stderr or "mysql://root@localhost" in done.stderr
    world.seedbed("run", "t.yaml", cwd=tmp_path)


def _kill(mariadb: MariaDB) -> None:
    found = mariadb.run(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = 'forum' AND COMMAND <> 'Daemon';",
        "-N",
    )
    for number in found.split():
        with suppress(Exception):
            mariadb.run(f"KILL {int(number)};")
    time.sleep(0.02)


def test_rows_are_not_all_held(server: str, mariadb: MariaDB) -> None:
    """The first batch comes while the server still sends: it waits for the reader."""
    mariadb.run(
        "USE forum; CREATE TABLE large (id int PRIMARY KEY, text text);"
        "INSERT INTO large SELECT seq, REPEAT('row of text ', 400) FROM seq_1_to_20000;"
    )
    batches = mysql.read(server, "large", None, ())
    next(batches)
    state = mariadb.run(
        "SELECT STATE FROM information_schema.PROCESSLIST WHERE DB = 'forum';", "-N"
    ).decode()
    assert "Writing to net" in state or "Sending data" in state
    batches.close()  # type: ignore[attr-defined]
    mariadb.run("DROP TABLE forum.large")
