"""SQL: the worst-case table of the tests, damaged dumps and databases, queries that want out."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from tests.attack.texts import changed
from tests.attack.trial import Trial, World, batches
from tests.extract import damage
from tests.extract.worst_sql import CASES, MYSQL, ORACLE, POSTGRES
from tests.pipeline.world import prose

TEXT = "good words of a neighbour"
GOOD = (".sql", MYSQL + f"INSERT INTO t VALUES (1,'{TEXT}');\n".encode(), TEXT)
_INTO = b"INSERT INTO t VALUES "
WHOLE = {
    "mysql": MYSQL
    + b"LOCK TABLES `t` WRITE;\n/*!40000 ALTER TABLE `t` DISABLE KEYS */;\n"
    + b"".join(
        _INTO + b"(%d,'%s\\n''x'),(2,NULL);\n" % (n, prose(n, 9).encode()) for n in range(9)
    ),
    "postgres": POSTGRES
    + b"COPY t (id, body) FROM stdin;\n"
    + b"".join(b"%d\t%s\\n\\N\n" % (n, prose(n, 9).encode()) for n in range(9))
    + b"\\.\nINSERT INTO t VALUES (1, E'a\\'b'), (2, $x$ it's $x$);\n",
    "oracle": ORACLE + b"".join(_INTO + b"(%d,q'[it's]');\n" % n for n in range(9)),
}
ODD: dict[str, Callable[[], bytes]] = {
    "nested values": lambda: MYSQL + _INTO + b"(" * 4000 + b"1" + b")" * 4000 + b";\n",
    "functions": lambda: MYSQL + _INTO + b"(1," + b"lower(" * 3000 + b"'a'" + b")" * 3000 + b");",
    "long row": lambda: MYSQL + _INTO + b"(1,'" + b"x" * (20 << 20) + b"');\n",
    "long copy": lambda: POSTGRES + b"COPY t FROM stdin;\n1\t" + b"x" * (20 << 20) + b"\n\\.\n",
    "hex": lambda: MYSQL + _INTO + b"(1,0x" + b"41" * (2 << 20) + b");\n",
    "escapes": lambda: MYSQL + _INTO + "(1,'\x1b[2J\r\u202e\x9b1m words');\n".encode(),
    "names": lambda: b"CREATE TABLE `a\x1b[2J.b[c]#d:1` (`x\n\r` int);\n" + b"INSERT INTO "
    b"`a\x1b[2J.b[c]#d:1` VALUES (1);\n",
    "commands": lambda: POSTGRES + b"\\! touch owned\n\\i /etc/passwd\n"
    b"\\copy t from '/etc/passwd'\nCOPY t FROM PROGRAM 'id';\nCOPY t FROM '/etc/passwd';\n",
    "attach": lambda: b"ATTACH '/etc/x.db' AS x;\n.shell touch owned\n.read /etc/x\n" + GOOD[1],
    "server files": lambda: MYSQL + _INTO + b"(1,LOAD_FILE('/etc/passwd'));\nSOURCE /etc/passwd;\n"
    b"LOAD DATA INFILE '/etc/passwd' INTO TABLE t;\nSELECT 1 INTO OUTFILE '/tmp/x';\n",
    "nul": lambda: MYSQL + _INTO + b"(1,'a\0b');\n" + b"\0" * 5000,
    "utf-16": lambda: b"\xff\xfe" + GOOD[1].decode().encode("utf-16-le"),
    "charset": lambda: b"SET NAMES '../../etc';\nSET NAMES hz;\n" + GOOD[1],
    "surrogates": lambda: MYSQL + _INTO + b"(1,'\xed\xa0\x80\xff');\n",
    "picture": lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40,
    "number": lambda: MYSQL + _INTO + b"(" + b"9" * 1_000_000 + b",'x');\n",
    "exponent": lambda: MYSQL + _INTO + b"(1e999999999,'x'),(-1e-999999999,'y');\n",
}  # fmt: skip
QUERIES = {
    "repeat": "SELECT repeat('a', 2000000000) AS text FROM t",
    "repeats": "SELECT string_agg(repeat('a', 100000000), 'b') AS text FROM t, range(99)",
    "ranges": "SELECT count(*)::text AS text FROM (SELECT list(range) FROM range(900000000))",
    "file": "SELECT content AS text FROM read_text('/etc/passwd')",
    "csv": "SELECT * FROM read_csv('/etc/passwd')",
    "glob": "SELECT file AS text FROM glob('/etc/*')",
    "named file": "SELECT * FROM '/etc/passwd'",
    "copy": "COPY (SELECT 1) TO 'owned'",
    "two": "SELECT body AS text FROM t; COPY t TO 'owned'",
    "attach": "ATTACH 'owned.db' AS x",
    "install": "INSTALL httpfs",
    "load": "LOAD '/tmp/x.duckdb_extension'",
    "setting": "SET enable_external_access = true",
    "environment": "SELECT getenv('HOME') AS text",
    "secret": "CREATE SECRET x (TYPE S3)",
    "lpad": "SELECT lpad('a', 2000000000, 'b') AS text FROM t",
    "nested": "SELECT " + "(" * 5000 + "1" + ")" * 5000 + " AS text",
    "escapes": "SELECT '\x1b[2J' AS \"\x1b[2J\" FROM nothing\x1b[2J",
    "width": "SELECT " + ",".join(f"1 AS c{n}" for n in range(8_000)),
    "comment": "SELECT body AS text FROM t -- the end",
}


def _without_rows(data: bytes) -> bool:
    """A dump that only makes tables holds no rows to be lost."""
    text = data.replace(b"\0", b"").upper()
    return not any(word in text for word in (b"INSERT INTO", b"COPY ", b"VALUES"))


def _query(name: str, text: str) -> Trial:
    def attack(world: World) -> None:
        world.write("d.sql", GOOD[1])
        world.write("note", "mine")
        said = world.call("sql", "d.sql", "-o", "out", f"--query={text}", "--query-memory", "256")
        world.hold("root:x:" not in said, "a file of others was read")
        if (world.folder / "out").exists():
            texts = world.texts()
            world.hold(not any("root:x:" in one or "/etc/" in one for one in texts), "a way out")
            world.hold(name != "comment" or TEXT in texts, "a good query is refused")

    return Trial(f"query {name}", attack)


def database() -> bytes:
    """A small SQLite file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "d.db"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
            rows = [(n, prose(n, 30)) for n in range(1, 60)]
            connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
            connection.execute("CREATE INDEX i ON t (text)")
        return path.read_bytes()


def _damaged(seed: int, each: int) -> dict[str, bytes]:
    draw = random.Random(f"dumps {seed}")
    kinds = [kind for kind in WHOLE for _ in range(each)]
    return {f"{n:03}-{kind}.sql": changed(WHOLE[kind], draw) for n, kind in enumerate(kinds)}


def _databases(seed: int, count: int) -> Iterator[Trial]:
    whole, draw = database(), random.Random(f"databases {seed}")

    def attack(data: bytes, world: World) -> None:
        world.write("d.db", data)
        world.call("database", "d.db", "-o", "out")

    for number in range(count):
        cut = number % 5 == 4
        data = whole[: draw.randrange(len(whole))] if cut else damage.changed(whole, draw)
        yield Trial(f"database {number}", partial(attack, data))


def trials(field: str, seed: int, fast: bool) -> Iterator[Trial]:
    """Dumps, databases, queries."""
    worst = {f"{name}.sql": partial(make, 20_000 if fast else 100_000)
             for name, make in CASES.items()}  # fmt: skip
    odd = {f"odd {name}.sql": make for name, make in ODD.items()}
    if fast:
        worst = dict(list(worst.items())[::8])
        few = ("commands", "escapes", "names", "nested values", "server files", "surrogates")
        odd = {f"odd {name}.sql": ODD[name] for name in few}
        files = {**worst, **odd, **_damaged(seed, 5)}
        yield from batches("all", "sql", files, GOOD, at_once=200, silent=_without_rows)
        yield _query("named file", QUERIES["named file"])
        yield from _databases(seed, 1)
        return
    yield from batches("worst", "sql", worst, GOOD, at_once=30, silent=_without_rows)
    yield from batches("odd", "sql", odd, GOOD, silent=_without_rows)
    yield from batches("damaged", "sql", _damaged(seed, 60), GOOD, at_once=60, silent=_without_rows)
    for name, text in QUERIES.items():
        yield _query(name, text)
    yield from _databases(seed, 25)
