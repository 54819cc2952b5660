"""Dumps of programs whose articles, pages or questions are known by their tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from stages.sketch.choice import Choice
from stages.sketch.forums import table_name
from stages.sketch.tables import Table
from stages.sketch.tried import Tried


class Program(NamedTuple):
    """name; the tables with columns that must be there, without a prefix; the query, in which
    `{table}` is the table's whole name; what is told of it; the key of meta for a split."""

    name: str
    tables: dict[str, tuple[str, ...]]
    query: str
    told: str
    by: str | None = None


_PROGRAMS = (
    Program(
        "Stack Exchange",
        {"posts": ("Id", "PostTypeId", "ParentId", "AcceptedAnswerId", "Body", "Title", "Score")},
        """\
WITH best AS (
  SELECT a.ParentId AS question, a.Body AS body, a._place AS place,
    row_number() OVER (PARTITION BY a.ParentId
      ORDER BY a.Id = q.AcceptedAnswerId DESC, a.Score DESC, a.Id) AS nth
  FROM {posts} AS a JOIN {posts} AS q ON q.Id = a.ParentId
  WHERE a.PostTypeId = 2
)
SELECT q.Id AS question_id, q.Title AS title, q.Tags AS tags,
  coalesce(q.Title || chr(10) || chr(10), '') || q.Body AS prompt, b.body AS completion,
  b.place AS place
FROM {posts} AS q JOIN best AS b ON b.question = q.Id AND b.nth = 1
WHERE q.PostTypeId = 1""",
        "each question with the answer that was accepted, else the one of most votes",
    ),
    Program(
        "WordPress",
        {"posts": ("ID", "post_title", "post_content", "post_status", "post_type", "post_date")},
        """\
SELECT p.ID AS id, p.post_title AS title, p.post_date AS date, p.post_type AS type,
  coalesce(nullif(p.post_title, '') || chr(10) || chr(10), '') || p.post_content AS text,
  p._place AS place
FROM {posts} AS p
WHERE p.post_status = 'publish' AND p.post_type IN ('post', 'page')
  AND trim(p.post_content) <> ''""",
        "posts and pages that are public; drafts, revisions, menus and comments are not read",
    ),
    Program(
        "MediaWiki",
        {
            "page": ("page_id", "page_namespace", "page_title", "page_latest"),
            "revision": ("rev_id", "rev_text_id"),
            "text": ("old_id", "old_text", "old_flags"),
        },
        """\
SELECT g.page_id AS page_id, g.page_title AS title, t.old_text AS text, t._place AS place
FROM {page} AS g
JOIN {revision} AS r ON r.rev_id = g.page_latest
JOIN {text} AS t ON t.old_id = r.rev_text_id
WHERE g.page_namespace = 0 AND CAST(t.old_flags AS VARCHAR) NOT LIKE '%gzip%'""",
        "the last revision of each article, as wikitext: an XML dump (dumpBackup.php --current) is "
        "read without templates, notes and marks, and better",
    ),
    Program(
        "MediaWiki",
        {
            "page": ("page_id", "page_namespace", "page_title", "page_latest"),
            "slots": ("slot_revision_id", "slot_content_id"),
            "content": ("content_id", "content_address"),
            "text": ("old_id", "old_text", "old_flags"),
        },
        """\
SELECT g.page_id AS page_id, g.page_title AS title, t.old_text AS text, t._place AS place
FROM {page} AS g
JOIN {slots} AS s ON s.slot_revision_id = g.page_latest
JOIN {content} AS c ON c.content_id = s.slot_content_id
JOIN {text} AS t ON CAST(c.content_address AS VARCHAR) = 'tt:' || CAST(t.old_id AS VARCHAR)
WHERE g.page_namespace = 0 AND CAST(t.old_flags AS VARCHAR) NOT LIKE '%gzip%'""",
        "the last revision of each article, as wikitext: an XML dump (dumpBackup.php --current) is "
        "read without templates, notes and marks, and better",
    ),
)


def choices(
    choice: Choice, tables: Sequence[Table], tries: Callable[[dict[str, Any]], Tried]
) -> list[Choice]:
    """The choice for a program's tables, where these are one's; else none."""
    if choice.stage != "sql":
        return []
    for program in _PROGRAMS:
        names = _names(program, tables)
        if names is None:
            continue
        query = program.query
        for word, name in names.items():
            query = query.replace(f"{{{word}}}", table_name(name))
        seen = tries({"query": query})
        if not seen.records:
            continue
        choice.parameters, choice.tried, choice.by = {"query": query}, seen, program.by
        choice.evidence.append(f"the tables of {program.name}: {program.told}")
        return [choice]
    return []


def _names(program: Program, tables: Sequence[Table]) -> dict[str, str] | None:
    """word → the table, with whatever prefix all have; None where one is not there."""
    first = next(iter(program.tables))
    for table in tables:
        if not table.name.lower().endswith(first):
            continue
        prefix = table.name[: len(table.name) - len(first)]
        found: dict[str, str] = {}
        for word, columns in program.tables.items():
            for other in tables:
                there = {column.lower() for column in other.columns}
                if (
                    other.name.lower() == (prefix + word).lower()
                    and {column.lower() for column in columns} <= there
                ):
                    found[word] = other.name
        if len(found) == len(program.tables):
            return found
    return None
