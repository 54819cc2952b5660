"""Rows of live servers, against the plainest loop that fetches them: CPU seconds of the client.

    python -m benchmarks.bench_database [--rows 100000] [--rounds 3]

A private MariaDB and a private PostgreSQL (Debian's packages), a table of questions and answers
with a key, a decimal and a time. Batches are what `stages.extract.databases` gives, records what
the stage gives of them, with ids, places and meta. The peers: PyMySQL's unbuffered cursor, pg8000's
cursor of its own, and ADBC's PostgreSQL driver (Arrow, which makes no row). The server's own CPU is
left out.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any

from benchmarks.measure import header, in_turn, peer, table
from stages import DatabaseExtract
from stages.extract.databases import mysql, postgres
from tests.extract.conftest import SECRET, MariaDB, Postgres, started_mariadb, started_postgres

COLUMNS = "id int PRIMARY KEY, question text, answer text, price decimal(12,4), made timestamp"
VALUES = (
    "n, CONCAT('How deep is the harbour at pier ', n, '?'), "
    "CONCAT(REPEAT('The pilot wrote it into the book of soundings. ', 5), n), n * 1.25, "
    "'2024-05-01 12:00:00'"
)


def _batches(found: Any) -> int:
    return sum(len(batch.rows) for batch in found)


def _of_mariadb(server: MariaDB, rows: int, rounds: int) -> None:
    import pymysql

    server.run(
        f"CREATE DATABASE b; USE b; CREATE TABLE t ({COLUMNS}); "
        f"INSERT INTO t SELECT {VALUES} FROM (SELECT seq AS n FROM seq_1_to_{rows}) AS s;"
    )
    url = server.url("b")

    def plain() -> int:
        session = pymysql.connect(
            user="root", unix_socket=str(server.socket), database="b",
            cursorclass=pymysql.cursors.SSCursor,
        )  # fmt: skip
        with session, session.cursor() as cursor:
            cursor.execute("SELECT * FROM t ORDER BY id")
            return sum(1 for _ in cursor)

    works = {
        "unbuffered cursor": plain,
        "batches": lambda: _batches(mysql.read(url, "t", None, ())),
        "records": lambda: sum(1 for _ in DatabaseExtract(table="t")(url)),
    }
    _print("MariaDB", works, rows, rounds)


def _of_postgres(server: Postgres, rows: int, rounds: int) -> None:
    import pg8000.native

    os.environ["PGPASSWORD"] = SECRET
    server.run("postgres", "CREATE DATABASE b")
    server.run("b", f"CREATE TABLE t ({COLUMNS})")
    server.run(
        "b",
        f"INSERT INTO t SELECT {VALUES.replace(chr(39) + '2024-05-01 12:00:00' + chr(39), 'now()')}"
        f" FROM generate_series(1, {rows}) AS s(n)",
    )
    url = f"postgresql://gardener@127.0.0.1:{server.port}/b"

    def plain() -> int:
        session = pg8000.native.Connection(
            "gardener", password=SECRET, host="127.0.0.1", port=server.port, database="b"
        )
        return len(session.run("SELECT * FROM t ORDER BY id"))

    works = {
        "pg8000": plain,
        "batches": lambda: _batches(postgres.read(url, "t", None, ())),
        "records": lambda: sum(1 for _ in DatabaseExtract(table="t")(url)),
    }
    if (adbc := peer("adbc_driver_postgresql.dbapi")) is not None:
        address = url.replace("gardener@", f"gardener:{SECRET.replace(':', '%3A')}@")

        def arrow() -> int:
            with adbc.connect(address) as session, session.cursor() as cursor:
                cursor.execute("SELECT * FROM t ORDER BY id")
                return int(cursor.fetch_arrow_table().num_rows)

        works = {"ADBC": arrow, **works}
    _print("PostgreSQL", works, rows, rounds)


def _print(name: str, works: dict[str, Callable[[], int]], rows: int, rounds: int) -> None:
    found = in_turn(works, rounds)
    assert {one.result for one in found.values()} == {rows}
    first = next(iter(works))
    print(f"{name}, {rows:,} rows")
    lines = [[way, rows / timed.seconds, timed.times(found[first])] for way, timed in found.items()]
    table(["", "rows/CPU-s", f"times {first}"], lines)
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    header("database", "pymysql", "pg8000", "adbc-driver-postgresql")
    with started_mariadb() as mariadb:
        _of_mariadb(mariadb, given.rows, given.rounds)
    with started_postgres() as server:
        _of_postgres(server, given.rows, given.rounds)


if __name__ == "__main__":
    main()
