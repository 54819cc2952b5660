"""Live databases: SQLite always; PostgreSQL on a private server, or one that answers locally."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from stages import DatabaseExtract
from stages.errors import StageFailed, UsageError
from stages.extract.databases import urls
from stages.extract.databases.postgres import password_of
from tests.extract.conftest import SECRET, Postgres, free_port
from tests.pipeline import world

POSTS = """
    CREATE TABLE posts (id int PRIMARY KEY, question text, answer text, price numeric(30,10),
        made timestamptz, data bytea, f float8, r real, tags text[], ok boolean, big bigint);
    INSERT INTO posts SELECT i, 'why ' || i || E'\\n\\\\N "x" \\u00e9',
        CASE WHEN i % 5 = 0 THEN NULL ELSE 'because ' || i END, i * 1.10,
        '2020-01-01 10:00+02', '\\x00ff5c', 0.1, 0.1, '{a,"b c",NULL}', i % 2 = 0,
        9223372036854775807 FROM generate_series(1, 2500) AS i;
    CREATE TABLE bare (word text);
    INSERT INTO bare VALUES ('b'), ('B'), ('a'), (NULL), ('é');
    CREATE SEQUENCE s;
    CREATE SCHEMA other;
    CREATE TABLE other.posts (id int, text text, PRIMARY KEY (id));
    INSERT INTO other.posts VALUES (2, 'two'), (1, 'one');
"""


@pytest.fixture(scope="module")
def server(postgres: Postgres) -> str:
    """The URL of a database with the tables above."""
    postgres.run("postgres", "CREATE DATABASE forum")
    postgres.run("forum", POSTS)
    return f"postgresql://gardener@127.0.0.1:{postgres.port}/forum"


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", SECRET)


def read(stage: DatabaseExtract, path: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rejects: list[dict[str, Any]] = []
    return list(stage(path, rejects)), rejects


# --- PostgreSQL ---------------------------------------------------------------------------------


def test_rows_are_exact_and_in_order_of_the_primary_key(server: str) -> None:
    kept, rejects = read(DatabaseExtract(table="other.posts"), server)
    assert [(row["text"], row["place"]) for row in kept] == [
        ("one", "!other.posts[id=1]"),
        ("two", "!other.posts[id=2]"),
    ]
    assert rejects == []


def test_values_are_what_the_server_prints(server: str) -> None:
    stage = DatabaseExtract(query="SELECT * FROM public.posts", key=("id",))
    kept, rejects = read(stage, server)
    assert len(kept) == 2000 and len(rejects) == 500
    assert [row["place"] for row in kept[:2]] == ["!query[id=1]", "!query[id=2]"]
    assert kept[0]["prompt"] == 'why 1\n\\N "x" é' and kept[0]["completion"] == "because 1"
    assert json.loads(kept[0]["meta"]) == {
        "id": 1, "price": "1.1000000000", "made": "2020-01-01 08:00:00+00",
        "f": 0.1, "r": 0.1, "tags": '{a,"b c",NULL}', "ok": False, "big": 9223372036854775807,
    }  # fmt: skip
    assert {(r["reason"], r["failed"]) for r in rejects} == {("empty", False)}
    assert rejects[0]["place"] == "!query[id=5]"
    assert json.loads(rejects[0]["evidence"]) == {"field": "completion"}


def test_a_table_without_a_key_is_ordered_by_all_its_columns(server: str) -> None:
    kept, rejects = read(DatabaseExtract(table="bare"), server)
    assert [row["text"] for row in kept] == ["word: B", "word: a", "word: b", "word: é"]
    assert [row["place"] for row in kept[:1]] == ["!bare[row=1]"] and len(rejects) == 1


def test_reading_twice_gives_the_same_records(server: str) -> None:
    assert read(DatabaseExtract(), server) == read(DatabaseExtract(), server)


def test_the_session_can_change_nothing(server: str) -> None:
    with pytest.raises(UsageError, match="read-only transaction"):
        read(DatabaseExtract(query="SELECT nextval('s')"), server)
    with pytest.raises(UsageError):
        read(DatabaseExtract(query="SELECT 1) AS q; DELETE FROM posts; SELECT (1"), server)
    kept, rejects = read(DatabaseExtract(query="SELECT count(*)::int AS n FROM posts"), server)
    assert [row["text"] for row in kept] == ["n: 2500"] and not rejects


def test_one_snapshot(server: str, postgres: Postgres) -> None:
    stage = DatabaseExtract(query="SELECT id, question AS text FROM public.posts", key=("id",))
    items = stage.read(stage.parts(server, 1)[0])
    first = next(items)
    postgres.run("forum", "UPDATE posts SET question = 'changed' WHERE id = 2400")
    texts = [item.records[0]["text"] for item in (first, *items)]  # type: ignore[union-attr]
    postgres.run("forum", "UPDATE posts SET question = 'why 2400' WHERE id = 2400")
    assert len(texts) == 2500 and "changed" not in texts


@pytest.mark.parametrize(
    ("stage", "sentence"),
    [
        (DatabaseExtract(table="post"), "did you mean 'posts'"),
        (DatabaseExtract(table="bare", key=("wort",)), "no column 'wort'; did you mean 'word'"),
        (DatabaseExtract(query="SELECT nothing FROM posts"), 'column "nothing" does not exist'),
        (DatabaseExtract(query="SELECT 1 AS a, 2 AS a"), "two columns have one name"),
        (DatabaseExtract(table="bare", text="words"), "no column 'words' in bare"),
    ],
)
def test_mistakes_are_one_sentence(server: str, stage: DatabaseExtract, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read(stage, server)


def test_a_wrong_password_is_not_shown(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "wrong-secret")
    with pytest.raises(UsageError) as caught:
        read(DatabaseExtract(), server)
    assert "password authentication failed" in str(caught.value)
    assert "wrong-secret" not in str(caught.value)


def test_the_password_file(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PGPASSWORD")
    escaped = SECRET.replace(":", "\\:")
    (tmp_path / "pass").write_text(
        f"# mine\nelsewhere:*:*:*:no\n127.0.0.1:*:*:gardener:{escaped}\n"
    )
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pass"))
    kept, _ = read(DatabaseExtract(table="bare"), server)
    assert len(kept) == 4
    assert password_of("elsewhere", 1, "a", "b") == "no"
    assert password_of("nowhere", 1, "a", "b") is None


# --- URLs and parts -----------------------------------------------------------------------------


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    for url in ("postgresql://u:hush@h/d", "postgresql://u@h/d?password=hush"):
        with pytest.raises(UsageError) as caught:
            DatabaseExtract().parts(url, 1)
        assert "PGPASSWORD" in str(caught.value) and "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("oracle://u@h/d", "not oracle://"),
        ("sqlite://relative.db", "sqlite:///relative.db"),
        ("sqlite:////nowhere/at/all.db", "not found"),
    ],
)
def test_other_urls_are_one_sentence(url: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        DatabaseExtract().parts(url, 1)


def test_a_server_that_does_not_answer_is_a_usage_error() -> None:
    pytest.importorskip("pg8000")
    told = r"postgresql://u@127\.0\.0\.1:\d+/d: .*is the server running"
    with pytest.raises(UsageError, match=told):
        read(DatabaseExtract(), f"postgresql://u@127.0.0.1:{free_port()}/d")


def test_a_label_makes_the_same_part_and_none_a_new_one() -> None:
    url = "postgresql://u@h/d"
    labelled = DatabaseExtract(snapshot="may")
    assert labelled.parts(url, 1) == labelled.parts(url, 9)
    assert labelled.parts(url, 1) != DatabaseExtract(snapshot="june").parts(url, 1)
    assert DatabaseExtract().parts(url, 1) != DatabaseExtract().parts(url, 1)


# --- SQLite -------------------------------------------------------------------------------------


@pytest.fixture
def forum(tmp_path: Path) -> Path:
    path = tmp_path / "a forum.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            "CREATE TABLE posts "
            "(b INTEGER, a TEXT, question TEXT, answer TEXT, PRIMARY KEY (a, b));"
            "INSERT INTO posts VALUES (2, 'x', 'q2', 'a2'), (1, 'x', 'q1', 'a1');"
            "INSERT INTO posts VALUES (9, 'a', 'q0', 'a0');"
            "CREATE VIEW questions AS SELECT question AS text FROM posts;"
        )
    connection.close()
    return path


def test_sqlite_rows_come_in_order_of_the_key(forum: Path) -> None:
    kept, rejects = read(DatabaseExtract(), str(forum))
    assert [(row["prompt"], row["place"]) for row in kept] == [
        ("q0", "a forum.db!posts[a=a,b=9]"),
        ("q1", "a forum.db!posts[a=x,b=1]"),
        ("q2", "a forum.db!posts[a=x,b=2]"),
    ]
    assert not rejects
    assert json.loads(kept[0]["meta"]) == {"a": "a", "b": 9, "table": "posts"}


def test_a_view_is_read_when_it_is_named(forum: Path) -> None:
    kept, _ = read(DatabaseExtract(table="questions"), f"sqlite:///{forum}")
    assert [row["text"] for row in kept] == ["q0", "q1", "q2"]


def test_the_file_is_not_written(forum: Path) -> None:
    before = forum.read_bytes(), sorted(p.name for p in forum.parent.iterdir())
    with pytest.raises(UsageError):
        read(DatabaseExtract(query="DELETE FROM posts"), str(forum))
    read(DatabaseExtract(), str(forum))
    assert before == (forum.read_bytes(), sorted(p.name for p in forum.parent.iterdir()))


def test_a_part_of_a_file_is_its_content_unless_labelled(forum: Path) -> None:
    (part,) = DatabaseExtract().parts(str(forum), 1)
    assert part.files == ("a forum.db",) and part.fingerprint is None
    (part,) = DatabaseExtract(snapshot="may").parts(str(forum), 1)
    assert part.files == () and part.fingerprint == "a forum.db snapshot may"


def test_damage_is_a_fault_after_the_rows_before_it(tmp_path: Path) -> None:
    path = tmp_path / "long.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, "x" * 500) for n in range(5000)])
    connection.close()
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200_000] = b"\xee" * 200_000
    path.write_bytes(bytes(data))
    kept, rejects = read(DatabaseExtract(), str(path))
    assert 1000 <= len(kept) < 5000
    assert [(r["reason"], r["failed"]) for r in rejects] == [("unreadable", True)]
    assert "malformed" in rejects[0]["evidence"]


def test_a_damaged_schema_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "schema.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
        connection.execute("INSERT INTO t VALUES (1, 'words')")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"CREATE TABLE t", b"CREATE TRBLE t"))
    kept, rejects = read(DatabaseExtract(), str(path))
    assert kept == [] and [r["reason"] for r in rejects] == ["unreadable"]


def test_a_locked_file_is_no_damage(forum: Path) -> None:
    with closing(sqlite3.connect(forum, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StageFailed, match="locked: nothing of it is taken for damage"):
            read(DatabaseExtract(), str(forum))
    assert len(read(DatabaseExtract(), str(forum))[0]) == 3


# --- servers that go away -----------------------------------------------------------------------


def _forward(server: str, most: int) -> int:
    """The port of a proxy that hangs up after the server has sent `most` bytes."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    port = int(server.rpartition(":")[2].partition("/")[0])

    def pump(source: socket.socket, target: socket.socket, left: float) -> None:
        try:
            while left > 0 and (data := source.recv(65536)):
                target.sendall(data)
                left -= len(data)
        except OSError:
            pass
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def serve() -> None:
        client, _ = listening.accept()
        upstream = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=pump, args=(client, upstream, 1e9), daemon=True).start()
        pump(upstream, client, most)
        listening.close()

    threading.Thread(target=serve, daemon=True).start()
    return int(listening.getsockname()[1])


def test_a_session_that_is_ended_fails_the_stage(server: str, postgres: Postgres) -> None:
    stage = DatabaseExtract(query="SELECT id, question AS text FROM public.posts", key=("id",))
    items = stage.read(stage.parts(server, 1)[0])
    next(items)
    postgres.run(
        "forum",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'seedbed'",
    )
    with pytest.raises(StageFailed, match=r"the server ended the reading .* reads this database"):
        list(items)


def test_a_connection_that_breaks_off_fails_the_stage(server: str) -> None:
    url = server.replace(server.rpartition(":")[2].partition("/")[0], str(_forward(server, 90_000)))
    with pytest.raises(StageFailed, match="connection broke off"):
        read(DatabaseExtract(table="posts"), url)


def test_a_run_goes_on_after_the_server_has_come_back(server: str, tmp_path: Path) -> None:
    broken = server.replace(
        server.rpartition(":")[2].partition("/")[0], str(_forward(server, 90_000))
    )
    world.lines(tmp_path / "in.jsonl", range(3))
    source = "jsonl: {path: in.jsonl}\n  - database: {path: '%s', table: posts}"
    world.recipe(tmp_path, source % broken)
    done = world.seedbed("run", "t.yaml", cwd=tmp_path, code=3, PGPASSWORD=SECRET)
    assert "the same command reads this database again" in done.stderr
    world.recipe(tmp_path, source % server)
    done = world.seedbed("run", "t.yaml", cwd=tmp_path, PGPASSWORD=SECRET)
    assert world.work(tmp_path) == {"jsonl": (0, 1), "database": (1, 0)}


def test_values_out_of_the_character_set_are_faults(server: str, postgres: Postgres) -> None:
    postgres.run(
        "forum",
        "CREATE DATABASE plain ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
    )
    postgres.run(
        "plain",
        r"CREATE TABLE t (id int PRIMARY KEY, text text); INSERT INTO t VALUES "
        r"(1, 'good'), (2, E'caf\xe9'), (3, E'gr\xc3\xbcn')",
    )
    kept, rejects = read(DatabaseExtract(table="t"), server.replace("/forum", "/plain"))
    assert [row["text"] for row in kept] == ["good", "grün"]
    assert [(r["reason"], r["place"]) for r in rejects] == [("encoding", "!t[row=2]")]
    assert json.loads(rejects[0]["evidence"]) == {"column": "text", "bytes": b"caf\xe9".hex()}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://u@127.0.0.1:99999/d", "is no URL"),
        ("postgresql://u@127.0.0.1:x/d", "is no URL"),
        ("postgresql://[::1/d", "is no URL"),
        ("postgresql://u\uff1ahush@h/d", "is no URL"),
        ("postgresql://u:hush\uff20h/d", "is no URL"),
        ("postgresql://u&colon;hush&commat;h/d", "names no host"),
        ("postgresql://u@h/d -W hush", "white space"),
        ("postgresql://u@h/d?hush", "settings that are not understood"),
        ("postgresql://u@h/d?options=--word%3Dhush", "settings that are not understood"),
        ("postgresql://u@h/d?sslmode=require&word=hush", "only host and sslmode"),
        ("postgresql://u@h/d#hush", "settings that are not understood"),
        ("sqlite:///x.db?word=hush", "a sqlite URL has no settings"),
        ("sqlite:///x.db#hush", "a sqlite URL has no settings"),
        ("pq://u/hush@h", "not pq://"),
        ("https://h/hush?word=hush", "not https://"),
        ("h u s h://hush", "not this"),
    ],
)
def test_a_url_that_is_none_is_one_sentence_that_shows_no_part_of_it(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as told:
        DatabaseExtract().parts(url, 1)
    assert "hush" not in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///d?host=/tmp&sslmode=disable",
        "postgresql://u%20v@h-1.example.org:5433/d%20e",
        "postgres://u@[::1]:5432/d",
        "postgresql://%2Ftmp/d",
    ],
)
def test_a_url_that_is_one_makes_a_part(url: str) -> None:
    (part,) = DatabaseExtract().parts(url, 1)
    assert part.detail["url"] == url


HOSTILE = {
    "no tables": "DELETE FROM sqlite_master",
    "an unknown function": "UPDATE sqlite_master SET sql = replace(sql, 'abs(id)', 'nosuch(id)')",
    "a number too large": "UPDATE sqlite_master SET sql = "
    "replace(sql, 'abs(id)', 'abs(-9223372036854775807 - id)')",
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=list(HOSTILE))
def test_a_database_with_a_hostile_schema_costs_no_other(tmp_path: Path, change: str) -> None:
    """One of them ended the whole run as if the call were a mistake."""
    for name in ("a.db", "b.db"):
        connection = sqlite3.connect(tmp_path / name)
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, g AS (abs(id)))")
        connection.execute("INSERT INTO t (id, x) VALUES (1, 'kept')")
        if name == "a.db":
            connection.execute("PRAGMA writable_schema = 1")
            connection.execute(change)
        connection.commit()
        connection.close()
    rejects: list[dict[str, Any]] = []
    found = list(DatabaseExtract()(tmp_path, rejects))
    assert [row["place"] for row in found] == ["b.db!t[id=1]"]
    (only,) = rejects
    assert only["reason"] in ("unreadable", "unsuited") and only["place"].startswith("a.db")
    assert "error" in only["evidence"]


def test_one_database_of_several_without_the_table_costs_no_other(tmp_path: Path) -> None:
    for name, table in (("a.db", "other"), ("b.db", "t")):
        connection = sqlite3.connect(tmp_path / name)
        connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, x TEXT)")
        connection.execute(f"INSERT INTO {table} VALUES (1, 'kept')")
        connection.commit()
        connection.close()
    for asked in ({"table": "t"}, {"query": "SELECT * FROM t"}):
        rejects: list[dict[str, Any]] = []
        found = list(DatabaseExtract(**asked)(tmp_path, rejects))  # type: ignore[arg-type]
        assert len(found) == 1 and found[0]["place"].startswith("b.db!")
        assert [(one["reason"], one["place"]) for one in rejects] == [("unsuited", "a.db")]


def test_a_port_may_be_left_empty() -> None:
    assert urls.problem_with("postgresql://u@h:/d") is None
    assert urls.problem_with("postgresql://u@[::1]:/d") is None
