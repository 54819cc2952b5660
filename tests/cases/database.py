"""SQLite files that reach every reason of the database stage; PostgreSQL is in its own tests."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from stages import DatabaseExtract
from stages.testing import Case


def _made(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            "CREATE TABLE posts (id INTEGER PRIMARY KEY, q TEXT, a TEXT, score REAL, blob BLOB);"
            "CREATE TABLE tags (post INTEGER, tag TEXT);"
            "INSERT INTO posts VALUES (2, 'second?', 'yes', 1.5, x'00ff');"
            "INSERT INTO posts VALUES (1, 'first?', 'no', 2, '');"
            "INSERT INTO posts VALUES (3, 'third?', NULL, NULL, NULL);"
            "INSERT INTO posts VALUES (4, CAST(x'ff' AS TEXT), 'x', NULL, NULL);"
            "INSERT INTO tags VALUES (1, 'peas'), (1, 'beans'), (NULL, NULL);"
            "CREATE TABLE talks (id INTEGER PRIMARY KEY, talk TEXT);"
            "CREATE TABLE tasks (instruction TEXT, input TEXT, chosen TEXT, rejected TEXT);"
            """INSERT INTO talks VALUES (1, '[{"role":"user","content":"Peas?","votes":2}]'),"""
            """(2, '[{"content":"Peas?","x":1}]'), (3, 'peas');"""
            "INSERT INTO tasks VALUES ('Do.', '  ', 'Done.', 'No.');"
            "CREATE VIEW large AS SELECT 1 AS id, hex(zeroblob(4500000)) AS t;"
        )
    connection.close()
    return str(path)


def cases(folder: Path) -> list[Case]:
    folder.mkdir(parents=True, exist_ok=True)
    path = _made(folder / "forum.db")
    broken = folder / "broken.sqlite"
    broken.write_bytes(b"SQLite format 3\0" + b"x" * 4000)
    (folder / "linked").mkdir()
    (folder / "linked" / "away.db").symlink_to(path)
    several = folder / "several"
    several.mkdir()
    _made(several / "forum.db")
    with closing(sqlite3.connect(several / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE other (id INTEGER)")
    select = (
        "SELECT p.id AS id, p.q AS prompt, t.tag AS completion "
        "FROM posts p JOIN tags t ON t.post = p.id"
    )
    return [
        Case(
            DatabaseExtract(table="posts", prompt="q", completion="a"),
            path=path,
            reasons={"empty": 1, "encoding": 1},
        ),
        Case(DatabaseExtract(), path=f"sqlite:///{path}", reasons={"empty": 1, "encoding": 1}),
        Case(DatabaseExtract(query=select, key=("id",), snapshot="first"), path=path),
        Case(DatabaseExtract(table="large", text="{t}{t}"), path=path, reasons={"oversize": 1}),
        Case(
            DatabaseExtract(table="talks", messages="talk"),
            path=path,
            reasons={"no_form": 1, "bad_type": 1},
        ),
        Case(DatabaseExtract(), path=str(broken), reasons={"unreadable": 1}),
        Case(DatabaseExtract(), path=str(folder / "linked"), reasons={"link": 1}),
        Case(DatabaseExtract(table="tags"), path=str(several), reasons={"unsuited": 1, "empty": 1}),
    ]
