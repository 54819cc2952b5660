"""Choices for dumps and databases: which tables are read, and by which query."""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from stages.errors import SeedbedError
from stages.sketch import forums, texts_of_programs
from stages.sketch import tables as look
from stages.sketch.choice import Choice
from stages.sketch.dumps import Dump, look_into
from stages.sketch.folder import File
from stages.sketch.forums import Board, Dialect
from stages.sketch.rows import listed
from stages.sketch.tables import ROWS, Table
from stages.sketch.tried import Tried, tried

# Tables of programs that hold no text that people wrote for others.
_NOT_READ = re.compile(
    r"(?i)log(?:s|in)?(?:_|$)|session|cache|option|config|setting|migration|queue|event|search|priv"
    r"|(?:^|_)pms?(?:_|$)|password|token|style|template|meta(?:$|_)|bbcode|smil|permission|schema"
    r"|draft|revision|history|audit|address|customer|order|payment|users?$|members?$|mail"
)
_SOURCES = 4  # of one dump
_STEPS = 2_000_000  # of SQLite's machine, for one look
Tries = Callable[[dict[str, Any]], Tried]


def of_dump(choice: Choice, file: File, folder: bool = False) -> list[Choice]:
    """The choices for a dump. folder: whether it is a folder of pg_dump's."""
    try:
        dump = look_into(file.path.parent, file.path.name, file.size)
    except (OSError, SeedbedError) as error:
        choice.idle_for(str(error))
        return [choice]
    if not dump.tables:
        choice.tried = tried("sql", {}, choice.path)
        return [choice]
    choice.evidence += [f"dump of {tables_in_words(dump.tables)}"]
    choice.evidence += [dump.seen] if dump.seen else []
    with tempfile.TemporaryDirectory(prefix="seedbed-look-") as place:
        path = Path(place) / "excerpt.sql"
        if dump.whole and not folder:
            shutil.copyfile(file.path, path.with_suffix("".join(file.path.suffixes[-2:])))
        else:
            path.write_bytes(dump.excerpt)
        name = str(next(Path(place).iterdir()))
        return _chosen(choice, dump.tables, lambda given: tried("sql", given, name), "duckdb")


def of_file(choice: Choice, file: File) -> list[Choice]:
    """The choices for a SQLite file."""
    try:
        found = _sqlite_tables(file.path)
    except (sqlite3.Error, OSError) as error:
        choice.idle_for(str(error))
        return [choice]
    if not found:
        choice.idle_for("it has no tables with rows")
        return [choice]
    choice.evidence.append(f"SQLite database of {tables_in_words(found)}")
    return _chosen(choice, found, lambda given: tried("database", given, choice.path), "sqlite")


def _sqlite_tables(path: Path) -> list[Table]:
    """The tables of a SQLite file with their first rows; the file is not written."""
    address = f"{path.resolve().as_uri()}?mode=ro"
    found: list[Table] = []
    with closing(sqlite3.connect(address, uri=True)) as base:
        base.text_factory = lambda data: data.decode("utf-8", "replace")
        left = [_STEPS // 1000]

        def count() -> int:
            left[0] -= 1
            return left[0] < 0

        base.set_progress_handler(count, 1000)
        names = base.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        for (name,) in names[:500]:
            quoted = '"' + name.replace('"', '""') + '"'
            rows = base.execute(f"SELECT * FROM {quoted} LIMIT {ROWS}")
            columns = tuple(column[0] for column in rows.description)
            table = Table(name, columns, rows.fetchall())
            table.size = len(table.rows)
            if table.size == ROWS:
                try:
                    table.size = base.execute(f"SELECT max(rowid) FROM {quoted}").fetchone()[0]
                except sqlite3.Error:  # a table without row numbers
                    table.size = None
            found.append(table)
    return [table for table in found if table.rows]


# --- what of the tables -------------------------------------------------------------------------


def _chosen(
    choice: Choice, tables: Sequence[Table], tries: Tries, dialect: Dialect
) -> list[Choice]:
    """A choice for each table, or query over tables, that has texts."""
    found = texts_of_programs.choices(choice, tables, tries)
    if not found:
        known = forums.boards(tables)
        found = [one for board in known if (one := _of_board(choice, board, tries, dialect))]
        used = {name for board in known for name in (board.posts, board.topics)}
        if not any(board.name for board in known):
            rest = [table for table in tables if table.name not in used]
            found += _of_tables(choice, rest, tries)
    if not found:
        choice.tried = tries({})
        choice.questions.append(
            "no table holds prose or a known pair of columns, so each row is one text of lines "
            '"column: value". Which is the text? Give `table` and `text`, or a `query`'
        )
        return [choice]
    for one in found:
        one.share = min(1.0, _share(one, tables))
    return found


def _of_board(choice: Choice, board: Board, tries: Tries, dialect: Dialect) -> Choice | None:
    """Threads as conversations, and pairs as the other way; the other way round where no thread
    has more than a question and its answer."""
    thread = forums.thread_column(board).strip('"')
    key = {"key": (thread,)} if dialect == "sqlite" else {}
    ways = {
        "threads": {"query": forums.threads(board, dialect), **key},
        "pairs": {"query": forums.pairs(board, dialect), **key},
    }
    seen = {name: tries(way) for name, way in ways.items()}
    if not seen["threads"].records:
        if wrong := seen["threads"].mistake:
            choice.questions.append(f"no threads could be made of {board.posts}: {wrong}")
        return _posts_alone(choice, board, tries)
    made = derived(choice, board.posts, several=False)
    made.evidence += _told(board)
    made.parameters, made.tried, made.by = ways["threads"], seen["threads"], thread
    best = "answer with the most votes" if board.score else "first answer"
    best = "accepted answer" if board.accepted else best
    if seen["pairs"].records:
        why = f"pairs: each first post with the {best} of another author"
        made.other = (why, ways["pairs"])
    return made


def _posts_alone(choice: Choice, board: Board, tries: Tries) -> Choice | None:
    """Posts of a board as texts, where no thread has an answer."""
    if not board.name:
        return None  # it may be no board at all
    made = derived(choice, board.posts, several=False)
    made.parameters = {"table": board.posts, "text": board.body}
    made.tried = tries({**made.parameters})
    made.evidence.append(f"the tables of {board.name}, in which no thread has an answer: its posts")
    return made if made.tried.records else None


def _told(board: Board) -> list[str]:
    """What a board was known by, and what its threads become."""
    program = f"the tables of {board.name}" if board.name else "tables of a board"
    has = f"{board.posts} has posts ({board.body}) in threads ({board.thread})"
    titles = f", {board.topics} their titles" if board.topics else ""
    who = "who began a thread is the user, all others the assistant"
    who = f"{board.role} says the roles" if board.role else who
    return [
        f"{program}: {has}{titles}",
        f"threads as conversations: {who}; threads that nobody answered are left out, posts of one "
        "side in a row are one turn",
    ]


def _of_tables(choice: Choice, tables: Sequence[Table], tries: Tries) -> list[Choice]:
    """A choice for each table that has a pair of columns or prose; the largest first."""
    found: list[tuple[int, Choice]] = []
    for table in tables:
        parameters = _columns(table)
        if parameters is None or _NOT_READ.search(table.name.rpartition(".")[2]):
            continue
        seen = tries({"table": table.name, **parameters})
        if not seen.records:
            continue
        made = derived(choice, table.name, several=True)
        made.parameters, made.tried = {"table": table.name, **parameters}, seen
        made.evidence.append(f"{table.name} has {' and '.join(parameters)} in "
            f"{listed([*parameters.values()])!r}; it has {listed(table.columns)}")  # fmt: skip
        found.append((_volume(table), made))
    found.sort(key=lambda pair: -pair[0])
    return [made for _, made in found[:_SOURCES]]


def _columns(table: Table) -> dict[str, str] | None:
    """The parameters that name the text of a table's rows; None where it has none."""
    pair = look.pair_of(table.columns)
    if pair is not None and all(map(table.texts, pair)):
        return {"prompt": pair[0], "completion": pair[1]}
    body = look.body_of(table)
    if body is None:
        return None
    title = look.title_of(table) or ("name" if "name" in table.columns else None)
    return {"text": f"{{{title}}}\n\n{{{body}}}" if title and title != body else body}


def derived(choice: Choice, table: str, several: bool) -> Choice:
    """A choice for a table of a file, with what is known of the file."""
    bare = re.sub(r"\W+", "_", table.rpartition(".")[2]).strip("_")
    name = f"{choice.name}_{bare}" if several and bare else choice.name
    return Choice(
        choice.stage, choice.path, name, evidence=[*choice.evidence],
        questions=[*choice.questions], size=choice.size, packed=choice.packed,
    )  # fmt: skip


def _share(choice: Choice, tables: Sequence[Table]) -> float:
    """Which part of the file the tables are that a choice reads."""
    named = str(choice.parameters.get("table") or choice.parameters.get("query") or "").lower()
    volumes = {table.name: _volume(table) for table in tables}
    mine = sum(
        volume for name, volume in volumes.items() if name.rpartition(".")[2].lower() in named
    )
    return mine / max(1, sum(volumes.values()))


def _volume(table: Table) -> int:
    """About how many characters the rows of a table have."""
    if not table.rows:
        return 0
    each = sum(len(str(value)) for row in table.rows for value in row) / len(table.rows)
    return int(each * (table.size or len(table.rows)))


def tables_in_words(tables: Sequence[Table]) -> str:
    """The tables with about how many rows they have, the largest first."""
    by_size = sorted(tables, key=lambda table: -(table.size or 0))
    told = [
        f"{table.name} ({table.size:,} rows)" if table.size is not None else table.name
        for table in by_size[:10]
    ]
    more = len(tables) - len(told)
    number = f"{len(tables)} table{'s' if len(tables) != 1 else ''}"
    return f"{number}: {', '.join(told)}" + (f" and {more} more" if more > 0 else "")


def same_tables(dumps: Sequence[Dump]) -> bool:
    """Whether dumps have the same tables with the same columns."""
    shapes = [{table.name: table.columns for table in dump.tables} for dump in dumps]
    return all(shape == shapes[0] for shape in shapes)
