"""Dumps that reach every reason of the sql stage."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

from stages import SqlExtract
from stages.testing import Case

HEAD = "-- MariaDB dump 10.19\n/*!40101 SET NAMES utf8mb4 */;\n"
TABLE = "CREATE TABLE `posts` (`id` int NOT NULL, `prompt` text, `completion` text);\n"
END = "-- Dump completed\n"
MYSQL = (
    HEAD
    + TABLE
    + "INSERT INTO `posts` VALUES (1,'it\\'s\\nso','yes'),(2,NULL,'no question'),"
    + "(3,NOW(),'when'),(4,'too','few','many'),(5,'last','one');\n"
    + END
)
COPY = (
    "--\n-- PostgreSQL database dump\n--\nSET client_encoding = 'UTF8';\n"
    "CREATE TABLE public.posts (\n    id integer NOT NULL,\n    body text,\n    data bytea\n);\n"
    "COPY public.posts (id, body, data) FROM stdin;\n"
    "1\ttab\\there\t\\\\x00ff\n2\t\\N\t\\N\n3\tx\t\\\\xzz\n4\tonly two\n\\.\n\n"
    "-- PostgreSQL database dump complete\n"
)
PARTS = "SET client_encoding = 'UTF8';\nCOPY public.posts (id) FROM '$$PATH$$/3392.dat';\n"
TALKS = (
    "CREATE TABLE talks (talk text);\n"
    "CREATE TABLE tasks (instruction text, input text, chosen text, rejected text);\n"
    """INSERT INTO talks VALUES ('[{"role":"user","content":"Peas?","votes":2}]'),"""
    """('[{"content":"Peas?","x":1}]'),('peas');\n"""
    "INSERT INTO tasks VALUES ('Do.','  ','Done.','No.');\n"
)
QUERY = (
    "SELECT q.id AS id, q.prompt AS prompt, a.completion AS completion, a._place AS place "
    "FROM posts AS q JOIN posts AS a ON a.id = q.id WHERE q.id <> 3"
)

COPIED = (
    "-- PostgreSQL database dump\nSELECT a, b FROM t;\nthis is prose;\n"
    "COPY t (a, b) FROM stdin;\n1\tx\n\\.\n-- PostgreSQL database dump complete\n"
)


def _write(path: Path, data: bytes | str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return str(path)


def _zip(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def _tar(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def cases(folder: Path) -> list[Case]:
    whole = MYSQL.encode()
    damaged = bytearray(gzip.compress(whole))
    damaged[len(damaged) // 2] ^= 0xFF
    (folder / "gone").mkdir(parents=True, exist_ok=True)
    (folder / "gone" / "gone.sql").symlink_to(folder / "nowhere")
    (folder / "gone" / "away.sql").symlink_to(folder / "my.sql")
    long = HEAD + TABLE + "INSERT INTO `posts` VALUES (1,'" + "x" * (4 << 20) + "','y');\n" + END
    several = folder / "several"
    good = "INSERT INTO `posts` VALUES (1,'a','b');\n"
    _write(several / "a.sql", HEAD + TABLE + good + END)
    _write(several / "b.sql", HEAD + (TABLE + good).replace("posts", "users") + END)
    mysql = {"empty": 1, "expression": 1, "wrong_width": 1}
    return [
        Case(SqlExtract(), path=_write(folder / "my.sql", MYSQL), reasons=mysql),
        Case(
            SqlExtract(query=QUERY, key=("id",)),
            path=_write(folder / "join.sql", MYSQL),
            reasons=mysql,
        ),
        Case(
            SqlExtract(table="posts", text="body"),
            path=_write(folder / "pg.sql", COPY),
            reasons={"empty": 1, "value": 1, "wrong_width": 1},
        ),
        Case(
            SqlExtract(),
            path=_write(
                folder / "latin.sql",
                (HEAD + TABLE).encode()
                + b"INSERT INTO `posts` VALUES (1,'caf\xe9','x'),(2,'caf\xc3\xa9','y');\n"
                + END.encode(),
            ),
            reasons={"encoding": 1},
        ),
        Case(
            SqlExtract(),
            path=_write(folder / "far.sql", PARTS),
            reasons={"elsewhere": 1},
        ),
        Case(
            SqlExtract(),
            path=_write(folder / "cut.sql", MYSQL[: MYSQL.index("(4,") + 8]),
            reasons={"empty": 1, "expression": 1, "truncated": 1},
        ),
        Case(
            SqlExtract(),
            path=_write(
                folder / "odd.sql",
                HEAD + TABLE + "INSERT INTO `posts` VALUES oops;\n"
                "INSERT INTO `posts` VALUES (1,'a','b');\n" + END,
            ),
            reasons={"unparsed": 1},
        ),
        Case(
            SqlExtract(row_limit=1 << 20),
            path=_write(folder / "long.sql", long),
            reasons={"too_long": 1},
        ),
        Case(
            SqlExtract(),
            path=_write(folder / "picture.sql", b"\x89PNG\r\n\x1a\n" + bytes(100)),
            reasons={"binary": 1},
        ),
        Case(
            SqlExtract(),
            path=_write(folder / "bad.sql.gz", bytes(damaged)),
            reasons={"expression": 1, "corrupt": 1},
        ),
        Case(
            SqlExtract(),
            path=_write(folder / "bomb.sql.gz", gzip.compress(b" " * (80 << 20), 9)),
            reasons={"oversize": 1},
        ),
        Case(
            SqlExtract(),
            path=_write(folder / "nested.gz", gzip.compress(_zip("a.sql", whole))),
            reasons={"nested": 1},
        ),
        Case(
            SqlExtract(),
            path=_write(folder / "none.zip", _zip("readme.txt", b"no dump")),
            reasons={"no_members": 1},
        ),
        Case(
            SqlExtract(),
            path=_write(folder / "dumps.tar", _tar("dumps/my.sql", whole)),
            reasons=mysql,
        ),
        Case(
            SqlExtract(statements=True, format=True),
            path=_write(folder / "copied.sql", COPIED),
            reasons={"data": 1, "unparsed": 1},
        ),
        Case(
            SqlExtract(table="talks", messages="talk"),
            path=_write(folder / "talks.sql", TALKS),
            reasons={"no_form": 1, "bad_type": 1},
        ),
        Case(SqlExtract(table="tasks"), path=str(folder / "talks.sql")),
        Case(
            SqlExtract(),
            path=_write(folder / "page.sql", "<html><body>404</body></html>"),
            reasons={"wrong_kind": 1},
        ),
        Case(SqlExtract(), path=str(folder / "gone"), reasons={"unreadable": 1, "link": 1}),
        Case(SqlExtract(query="SELECT id FROM posts"), path=str(several), reasons={"unsuited": 1}),
    ]
