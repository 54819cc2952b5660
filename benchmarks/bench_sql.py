"""Records of SQL dumps: ours of whole dumps against sqlparse on a slice; every row is compared.

    python -m benchmarks.bench_sql [--megabytes 20]

Dumps in the form of mysqldump (INSERT with many rows, backslash escapes) and pg_dump (COPY, and
--inserts), written here by seed from texts of sample_data with quotes, newlines, backslashes, tabs
and NULL; and one of short values. Ours are records with id, place and meta, from which the rows are
made again to be compared; beside them the reader of single rows, which unusual rows go to, and the
command as a whole: all processes, from the start to a corpus on the disk. sqlparse only cuts
statements into tokens: values and COPY rows are left to its user. Splitting the lines of COPY at
tabs, without undoing escapes, is the least that any reader does.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import header, in_turn, of_command, peer, table
from benchmarks.texts import Chain

Row = tuple[Any, ...]
SLICE = 150_000  # bytes for sqlparse, which would take minutes for a whole dump
ODD = (
    "it's",
    'a "quote"',
    "back\\slash",
    "tab\there",
    "line\nbreak",
    "größe",
    "日本",
    "a;b",
    "--",
    "\\N",
)
MYSQL = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\0": "\\0"}
COPY = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def posts(size: int) -> list[Row]:
    """(id, title, body or None, score) with about so many bytes of text."""
    chain, source, found = Chain(11), random.Random(12), []
    long = chain.text(400_000).split()
    while size > 0:
        begin = source.randrange(len(long) - 400)
        words = long[begin : begin + source.randint(20, 400)]
        for _ in range(len(words) // 15):
            words[source.randrange(len(words))] = source.choice(ODD)
        body = None if source.random() < 0.05 else " ".join(words)
        found.append((len(found) + 1, " ".join(words[:6]), body, source.randint(-9, 99)))
        size -= len((body or "").encode()) + 60
    return found


def short(size: int) -> list[Row]:
    """Rows of numbers and a word, with about so many bytes in a dump."""
    source = random.Random(13)
    return [(n, source.choice(ODD), None, source.randint(0, 10**6)) for n in range(1, size // 26)]


def mysqldump(path: Path, rows: list[Row]) -> None:
    """As mysqldump --skip-comments writes it, 200 rows a statement."""
    escapes = str.maketrans(MYSQL)

    def literal(value: Any) -> str:
        if value is None:
            return "NULL"
        return str(value) if isinstance(value, int) else "'" + value.translate(escapes) + "'"

    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write("/*!40101 SET NAMES utf8mb4 */;\nDROP TABLE IF EXISTS `posts`;\n")
        file.write("CREATE TABLE `posts` (\n  `id` int NOT NULL AUTO_INCREMENT,\n  `title` text,\n"
                   "  `body` longtext,\n  `score` int DEFAULT NULL,\n  PRIMARY KEY (`id`)\n"
                   ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n")  # fmt: skip
        for begin in range(0, len(rows), 200):
            values = (",".join(map(literal, row)) for row in rows[begin : begin + 200])
            file.write("INSERT INTO `posts` VALUES (" + "),(".join(values) + ");\n")


_HEAD = (
    "--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n"
    "SET standard_conforming_strings = on;\n\nCREATE TABLE public.posts (\n"
    "    id integer NOT NULL,\n    title text,\n    body text,\n    score integer\n);\n\n"
)
_END = "\n\n--\n-- PostgreSQL database dump complete\n--\n\n"


def pg_dump(path: Path, rows: list[Row]) -> None:
    """As pg_dump writes it."""
    escapes = str.maketrans(COPY)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(_HEAD + "COPY public.posts (id, title, body, score) FROM stdin;\n")
        for row in rows:
            cells = ("\\N" if cell is None else str(cell).translate(escapes) for cell in row)
            file.write("\t".join(cells) + "\n")
        file.write("\\.\n" + _END)


def pg_inserts(path: Path, rows: list[Row]) -> None:
    """As pg_dump --inserts writes it."""

    def literal(value: Any) -> str:
        if value is None:
            return "NULL"
        return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"

    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(_HEAD)
        for row in rows:
            file.write(f"INSERT INTO public.posts VALUES ({', '.join(map(literal, row))});\n")
        file.write(_END)


def records(path: Path) -> Any:
    """The records of the dump as one Arrow table: the title is the text, the rest is in meta."""
    from stages.extract.sql import SqlExtract

    return SqlExtract(table="posts", text="title")(str(path), []).to_arrow()


def rows_of(found: Any) -> list[Row]:
    """The rows that records were made of."""
    texts, metas = (
        found.column("text").to_pylist(),
        map(json.loads, found.column("meta").to_pylist()),
    )
    return [
        (m["id"], text, m.get("body"), m["score"]) for text, m in zip(texts, metas, strict=True)
    ]


def single(path: Path) -> list[Row]:
    """All rows of the dump, read one by one."""
    from benchmarks.readers import tables

    return [tuple(row) for _, _, run in tables(path, []) for row in run]


def parsed(text: str) -> int:
    """Statements by sqlparse, without its limits against hostile input, which a dump exceeds."""
    import sqlparse
    from sqlparse.engine import grouping

    limits = grouping.MAX_GROUPING_TOKENS, grouping.MAX_GROUPING_DEPTH
    grouping.MAX_GROUPING_TOKENS = grouping.MAX_GROUPING_DEPTH = None
    try:
        return len(sqlparse.parse(text))
    finally:
        grouping.MAX_GROUPING_TOKENS, grouping.MAX_GROUPING_DEPTH = limits


def split_only(path: Path) -> int:
    """Lines cut at tabs."""
    with open(path, encoding="utf-8", newline="\n") as file:
        return sum(len(line.split("\t")) for line in file)


def _exact(read: list[Row], rows: list[Row]) -> str:
    found = f"{sum(a == b for a, b in zip(read, rows, strict=False)):,} of {len(rows):,}"
    return found if len(read) == len(rows) else f"{found}, {len(read):,} read"


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=float, default=20.0)
    given = parser.parse_args()
    header("sql", "sqlparse")
    sqlparse = peer("sqlparse")
    size = int(given.megabytes * 1e6)
    shown = []
    with tempfile.TemporaryDirectory() as folder:
        for name, write, rows in (
            ("mysqldump", mysqldump, posts(size)),
            ("mysqldump, short", mysqldump, short(size // 5)),
            ("pg_dump", pg_dump, posts(size)),
            ("pg_dump --inserts", pg_inserts, posts(size)),
        ):
            whole = Path(folder) / "whole.sql"
            write(whole, rows)
            works: dict[str, Any] = {
                "records": lambda whole=whole: records(whole),
                "one by one": lambda whole=whole: single(whole),
            }
            if write is pg_dump:
                works["lines split at tabs"] = lambda whole=whole: split_only(whole)
            megabytes = whole.stat().st_size / 1e6
            timed = in_turn(works, 3)
            made = {
                "records": rows_of(timed["records"].result),
                "one by one": timed["one by one"].result,
            }
            base = megabytes / timed["records"].seconds
            for who, one in timed.items():
                said = _exact(made[who], rows) if who in made else "not compared"
                rate = megabytes / one.seconds
                shown.append((f"{name}, {who}", f"{megabytes:.2f}", said, rate, base / rate))
            command = ("sql", "whole.sql", "-o", "out", "--table", "posts", "--text", "title")
            rate = megabytes / of_command(command, Path(folder))
            shutil.rmtree(Path(folder) / "out")
            shutil.rmtree(Path(folder) / ".seedbed", ignore_errors=True)
            shown.append((f"{name}, command", f"{megabytes:.2f}", "", rate, base / rate))
            if sqlparse and write is not pg_dump:  # COPY rows are no SQL: it cannot read them
                cut = Path(folder) / "cut.sql"
                write(cut, rows[: max(1, len(rows) * SLICE // whole.stat().st_size)])
                text = cut.read_text(encoding="utf-8")
                alone = in_turn({"": lambda text=text: parsed(text)}, 3)[""]
                rate = len(text.encode()) / 1e6 / alone.seconds
                slice_ = f"{len(text.encode()) / 1e6:.2f}"
                shown.append((f"{name}, sqlparse", slice_, "not compared", rate, base / rate))
    table(("", "MB", "rows exact", "MB/CPU-s", "records are x"), shown)


if __name__ == "__main__":
    main()
