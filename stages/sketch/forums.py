"""Queries over posts of a board: its threads as conversations, or questions with their answers.

A thread is its posts in order; what one author says without a break is one turn. Who began it is
the user, all others the assistant, unless a column says the roles.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from stages.extract.query import quoted
from stages.roles import words_for
from stages.sketch import tables as look
from stages.sketch.tables import Table

Dialect = Literal["duckdb", "sqlite"]
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_STEM = 4  # letters of a thread's column that the table of threads has in its name
# Words that are no names without quotes.
_RESERVED = (
    " group order user table select from where by end desc asc key index check case when then else "
    "primary references default to on in is not null and or all any as limit offset union "
)


@dataclass(frozen=True)
class Board:
    """Posts of a board in a table. where: conditions on a post `p`. thread, key, author, body,
    order, role, parent, accepted, score: columns. topics: a table of threads with their titles, its
    key, the title; conditions on a topic `t` in `topics_where`. xml: whether a text is stored as
    phpBB and Flarum do. name: of the program, where it is known."""

    name: str
    posts: str
    key: str
    thread: str
    body: str
    author: str | None = None
    order: str = ""
    where: tuple[str, ...] = ()
    title: str | None = None
    topics: str | None = None
    topics_key: str = ""
    topics_title: str = ""
    topics_where: tuple[str, ...] = ()
    role: str | None = None
    parent: str | None = None
    accepted: str | None = None
    score: str | None = None
    xml: bool = False


# Boards by their tables, without a prefix. A column that a table lacks takes its condition along.
KNOWN = (
    Board(
        "phpBB", "posts", "post_id", "topic_id", "post_text", "poster_id",
        where=("p.post_visibility = 1", "p.post_approved = 1"),
        topics="topics", topics_key="topic_id", topics_title="topic_title",
        topics_where=("t.topic_moved_id = 0",),
    ),
    Board(
        "Discourse", "posts", "id", "topic_id", "raw", "user_id", order="post_number",
        where=("p.deleted_at IS NULL", "p.post_type = 1", "p.hidden IS NOT true"),
        topics="topics", topics_key="id", topics_title="title",
        topics_where=("t.archetype = 'regular'", "t.deleted_at IS NULL"), score="like_count",
    ),
    Board(
        "vBulletin", "post", "postid", "threadid", "pagetext", "userid", where=("p.visible = 1",),
        topics="thread", topics_key="threadid", topics_title="title",
    ),
    Board(
        "MyBB", "posts", "pid", "tid", "message", "uid", where=("p.visible = 1",),
        topics="threads", topics_key="tid", topics_title="subject",
    ),
    Board(
        "SMF", "messages", "id_msg", "id_topic", "body", "id_member", where=("p.approved = 1",),
        title="subject",
    ),
    Board(
        "XenForo", "post", "post_id", "thread_id", "message", "user_id",
        where=("p.message_state = 'visible'",), order="post_date",
        topics="thread", topics_key="thread_id", topics_title="title",
        topics_where=("t.discussion_state = 'visible'",),
    ),
    Board(
        "Flarum", "posts", "id", "discussion_id", "content", "user_id", order="number",
        where=("p.type = 'comment'", "p.hidden_at IS NULL", "p.is_private IS NOT true"),
        topics="discussions", topics_key="id", topics_title="title",
        topics_where=("t.hidden_at IS NULL",), xml=True,
    ),
    Board(
        "Invision Community", "forums_posts", "pid", "topic_id", "post", "author_id",
        where=("p.queued = 0",), topics="forums_topics", topics_key="tid", topics_title="title",
    ),
    Board(
        "FluxBB", "posts", "id", "topic_id", "message", "poster_id",
        topics="topics", topics_key="id", topics_title="subject",
    ),
)  # fmt: skip


def boards(tables: Sequence[Table]) -> list[Board]:
    """The boards that tables are: known programs first, else any table of posts in threads."""
    found = [board for one in KNOWN if (board := _known(one, tables)) is not None][:1]
    if not found:
        found = [board for table in tables if (board := _inferred(table, tables)) is not None]
    return found


def _known(board: Board, tables: Sequence[Table]) -> Board | None:
    """A known program's board, where the tables have its columns; with any prefix."""
    for table in tables:
        prefix = _prefix(table.name, board.posts)
        wanted = {board.key, board.thread, board.body, board.author or board.key}
        if prefix is None or not wanted <= {*table.columns}:
            continue
        topics = None
        if board.topics is not None:
            name = (prefix + board.topics).lower()
            topics = next((one for one in tables if one.name.lower() == name), None)
            if topics is not None and board.topics_title not in topics.columns:
                continue
        xml = board.xml or any(text.startswith(("<t>", "<r>")) for text in table.texts(board.body))
        return replace(
            board,
            posts=table.name,
            topics=topics.name if topics else None,
            where=_there(board.where, table.columns),
            topics_where=_there(board.topics_where, topics.columns if topics else ()),
            score=board.score if board.score in table.columns else None,
            xml=xml,
        )
    return None


def _prefix(name: str, wanted: str) -> str | None:
    """What stands before a table's known name: `phpbb_`, `public.`; None for another table."""
    lower = name.lower()
    before = lower[: -len(wanted)]
    return name[: len(before)] if lower.endswith(wanted) and before[-1:] in ("", "_", ".") else None


def _there(where: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(one for one in where if one.split()[0].partition(".")[2] in columns)


def _inferred(table: Table, tables: Sequence[Table]) -> Board | None:
    """Posts of a program that is not known: a table of texts with a thread that several share."""
    thread, body, key = look.group_of(table), look.body_of(table), look.order_of(table)
    if thread is None or body is None or key is None:
        return None
    title = look.title_of(table)
    board = Board("", table.name, key, thread, body, look.author_of(table), title=title)
    topics = _topics(table, thread, tables)
    if topics is not None:
        at, title = look.key_of(topics), look.title_of(topics)
        assert at is not None and title is not None
        board = replace(board, title=None, topics=topics.name, topics_key=at, topics_title=title)
    role = look.role_of(table)
    if role is None and board.author is None:
        return None
    return replace(
        board,
        role=role,
        parent=look.parent_of(table),
        accepted=look.accepted_of(table),
        score=look.score_of(table),
    )


def _topics(posts: Table, thread: str, tables: Sequence[Table]) -> Table | None:
    """The table whose key the threads of posts are, and that has a title."""
    stem = re.sub(r"(?i)^id_?|_?(?:id|no|nr|key|uuid)$", "", thread).lower().rstrip("s")
    mine = {*map(str, posts.values(thread))}
    for table in tables:
        name = table.name.rpartition(".")[2].lower()
        named = stem[:_STEM] in name  # thema_id, themen
        if table is posts or not named or look.title_of(table) is None:
            continue
        key = look.key_of(table)
        if key is not None and mine & {*map(str, table.values(key))}:
            return table
    return None


# --- queries ------------------------------------------------------------------------------------


def threads(board: Board, dialect: Dialect = "duckdb") -> str:
    """The query of conversations: a row a thread that has an answer, in `messages`."""
    topic = thread_column(board)
    first = f"first_value(who) OVER (PARTITION BY {topic} ORDER BY n)"
    asks = "role = 'user'" if board.role else f"who IS NOT DISTINCT FROM {first}"
    within = f"PARTITION BY {topic}, asks ORDER BY n"
    return "\n".join(
        [
            *_said(board, dialect),
            "), asked AS (",
            f"  SELECT *, {_numbered(topic)} AS nth,",
            f"    CASE WHEN {asks} THEN 1 ELSE 0 END AS asks",
            "  FROM said",
            "), runs AS (",
            f"  SELECT *, nth - row_number() OVER ({within}) AS run FROM asked",
            "), turns AS (",
            *_turns(board, dialect, topic),
            ")",
            *_messages(board, dialect, topic),
        ]
    )


def _turns(board: Board, dialect: Dialect, topic: str) -> list[str]:
    """What one author says without a break, as one text."""
    between, group = _between(board, dialect), f"{topic}, asks, run"
    if dialect == "duckdb":
        made, by = f"string_agg(body, {between} ORDER BY n)", f" GROUP BY {group}"
        columns = "min(n) AS n, min(nth) AS nth, max(title) AS title, arg_min(place, n) AS place"
    else:  # the order within an aggregate is SQLite's of 2023: a window has one in all
        made = f"group_concat(body, {between}) OVER (PARTITION BY {group} ORDER BY n{_WHOLE})"
        columns, by = "n, nth, title", ""
        group += f", row_number() OVER (PARTITION BY {group} ORDER BY n) AS first"
    return [f"  SELECT {group}, {columns},", f"    {made} AS body", f"  FROM runs{by}"]


def _messages(board: Board, dialect: Dialect, topic: str) -> list[str]:
    role = "CASE WHEN asks = 1 THEN 'user' ELSE 'assistant' END"
    text = f"CASE WHEN nth = 1 THEN {_headed(board, dialect)} ELSE body END"
    text = _wrapped(board, text)
    if dialect == "duckdb":
        made = f"list({{'role': {role}, 'content': {text}}} ORDER BY n)"
        return [
            f"SELECT {topic}, max(title) AS title,",
            f"  {made} AS messages,",
            "  arg_min(place, n) AS place",
            f"FROM turns GROUP BY {topic} HAVING count(*) > 1",
        ]
    window = f"OVER (PARTITION BY {topic} ORDER BY n{_WHOLE})"
    made = f"json_group_array(json_object('role', {role}, 'content', {text})) {window}"
    return [
        f"SELECT {topic}, title, messages FROM (",
        f"  SELECT {topic}, title, nth, count(*) OVER (PARTITION BY {topic}) AS turns,",
        f"    {made} AS messages",
        "  FROM turns WHERE first = 1",
        ") AS t WHERE nth = 1 AND turns > 1",
    ]


def pairs(board: Board, dialect: Dialect = "duckdb") -> str:
    """The query of pairs: the first post of each thread, and the answer by another author that was
    accepted, or has the most votes, or came first."""
    topic = thread_column(board)
    best = ["accepted DESC"] * bool(board.accepted) + ["score DESC"] * bool(board.score) + ["n"]
    order = ", ".join(f"s.{one}" for one in best)
    other = "s.role = 'assistant'" if board.role else "s.who IS DISTINCT FROM q.who"
    place = ", place" if dialect == "duckdb" else ""
    return "\n".join(
        [
            *_said(board, dialect, ranked=True),
            "), numbered AS (",
            f"  SELECT *, {_numbered(topic)} AS nth FROM said",
            "), answers AS (",
            f"  SELECT q.{topic} AS {topic}, q.title AS title, q.body AS body, s.body AS answer,",
            f"    row_number() OVER (PARTITION BY q.{topic} ORDER BY {order}) AS best"
            f"{', s.place AS place' if place else ''}",
            f"  FROM numbered AS q JOIN numbered AS s ON s.{topic} = q.{topic} AND {other}",
            "  WHERE q.nth = 1 AND s.nth > 1",
            ")",
            f"SELECT {topic}, title, {_wrapped(board, _headed(board, dialect))} AS prompt,",
            f"  {_wrapped(board, 'answer')} AS completion{place}",
            "FROM answers WHERE best = 1",
        ]
    )


_WHOLE = " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
_OWN = ("nth", "n", "run", "who", "asks", "title", "body", "role", "first", "best", "place")


def thread_column(board: Board) -> str:
    """What the column of the thread is called in the result: as in the table, where the name is
    none of the query's own."""
    return "thread_id" if board.thread.lower() in _OWN else _q(board.thread)


def _said(board: Board, dialect: Dialect, ranked: bool = False) -> list[str]:
    """The posts that count: with a text, and shown to everybody. ranked: with what tells the best
    answer."""
    columns = [f"p.{_q(board.thread)} AS {thread_column(board)}"]
    columns += [f"p.{_q(board.order or board.key)} AS n"]
    columns += [f"p.{_q(board.author)} AS who" if board.author else "NULL AS who"]
    columns += [f"p.{_q(board.body)} AS body", f"{_title(board)} AS title"]
    wanted = [f"trim(p.{_q(board.body)}) <> ''", *board.where]
    if board.role:
        word = _lower(f"p.{_q(board.role)}")
        answers = ", ".join(f"'{one}'" for one in ("assistant", *words_for("assistant")))
        columns.append(f"CASE WHEN {word} IN ({answers}) THEN 'assistant' ELSE 'user' END AS role")
        wanted.append(f"{word} NOT IN ('system', 'developer', 'tool', 'function')")
    if board.accepted and ranked:
        true = _lower(f"p.{_q(board.accepted)}")
        columns.append(f"CASE WHEN {true} IN {_TRUE} THEN 1 ELSE 0 END AS accepted")
    if board.score and ranked:
        columns.append(f"CAST(p.{_q(board.score)} AS BIGINT) AS score")
    if dialect == "duckdb":
        columns.append("p._place AS place")
    return [
        "WITH said AS (",
        "  SELECT " + ",\n    ".join(columns),
        f"  FROM {table_name(board.posts)} AS p{_topics_join(board)}",
        "  WHERE " + "\n    AND ".join(map(_condition, wanted)),
    ]


_TRUE, _FALSE = "('1', 't', 'true', 'y', 'yes')", "('0', 'f', 'false', 'n', 'no')"
_IS = re.compile(r"([pt])\.(\w+) (= 1|= 0|IS NOT true)")


def _condition(text: str) -> str:
    """A condition that holds for the numbers and for the words of truth alike."""
    if (match := _IS.fullmatch(text)) is None:
        return text
    word = _lower(f"{match[1]}.{_q(match[2])}")
    if match[3] == "= 1":
        return f"{word} IN {_TRUE}"
    if match[3] == "= 0":
        return f"coalesce({word}, '0') IN {_FALSE}"
    return f"coalesce({word}, '') NOT IN {_TRUE}"


def _lower(column: str) -> str:
    return f"lower(CAST({column} AS VARCHAR))"


def _numbered(topic: str) -> str:
    return f"row_number() OVER (PARTITION BY {topic} ORDER BY n)"


def _title(board: Board) -> str:
    if board.topics is not None:
        return f"t.{_q(board.topics_title)}"
    return f"p.{_q(board.title)}" if board.title else "NULL"


def _headed(board: Board, dialect: Dialect) -> str:
    """The text of a thread's first post, with its title before it."""
    if _title(board) == "NULL":
        return "body"
    return f"coalesce(title || {_between(board, dialect)}, '') || body"


def _topics_join(board: Board) -> str:
    if board.topics is None:
        return ""
    on = f"t.{_q(board.topics_key)} = p.{_q(board.thread)}"
    where = "".join(f"\n    AND {_condition(one)}" for one in board.topics_where)
    return f"\n  {'JOIN' if where else 'LEFT JOIN'} {table_name(board.topics)} AS t ON {on}{where}"


def _between(board: Board, dialect: Dialect) -> str:
    """What stands between two posts of one turn."""
    if board.xml:
        return "'<br/><br/>'"
    line = "chr(10)" if dialect == "duckdb" else "char(10)"
    return f"{line} || {line}"


def _wrapped(board: Board, text: str) -> str:
    """Posts that are stored as XML stay one text of it."""
    return f"'<r>' || {text} || '</r>'" if board.xml else text


def _q(name: str | None) -> str:
    """A column's name, quoted where it must be."""
    assert name is not None
    plain = _PLAIN.fullmatch(name) is not None and f" {name} " not in _RESERVED
    return name if plain else quoted(name)


def table_name(name: str) -> str:
    """A table as a query names it, with its schema."""
    return ".".join(map(_q, name.split(".")))
