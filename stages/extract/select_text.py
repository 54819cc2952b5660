"""The text of a user's SELECT: without what may not stand in parentheses, and what in it is no
function of the data."""

from __future__ import annotations

import re

_PIECES = re.compile(
    r"(?P<skipped>\s++|--[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/|;)"
    r"|'(?:[^']|'')*+'|\"(?:[^\"]|\"\")*+\"|(?P<tag>\$(?:[A-Za-z_]\w{0,255}+)?+\$)"
    r"|(?P<word>[^\W\d][\w$]*+)|\d[\w.]*+|.",
    re.DOTALL,
)
# DuckDB's, PostgreSQL's, MySQL's and SQLite's; those without parentheses stand in the second set
_CALLED = (
    "random rand setseed gen_random_uuid uuid uuidv4 uuidv7 uuid_generate_v4 randomblob "
    "random_normal now today clock_timestamp statement_timestamp transaction_timestamp timeofday "
    "get_current_timestamp get_current_time current_localtime current_localtimestamp nextval "
    "sysdate curdate curtime utc_date utc_time utc_timestamp uuid_short connection_id "
    "currval lastval changes total_changes last_insert_rowid txid_current pg_backend_pid"
)
_NAMED = "current_timestamp current_date current_time localtime localtimestamp tablesample"
_CALLS, _WORDS = frozenset(_CALLED.split()), frozenset(_NAMED.split())


def _words(query: str) -> tuple[str, list[tuple[str, str]]]:
    """(the query up to its last word or mark, each word in lower case with what stands behind)."""
    end = pos = 0
    words: list[tuple[str, int]] = []
    while pos < len(query):
        match = _PIECES.match(query, pos)
        assert match is not None
        pos = match.end()
        if match["tag"] is not None:
            close = query.find(match["tag"], pos)
            pos = close + len(match["tag"]) if close >= 0 else pos
        elif match["word"] is not None:
            words.append((match["word"].lower(), pos))
        elif match[0].startswith('"') and query[pos : pos + 20].lstrip()[:1] == "(":
            words.append((match[0][1:-1].lower(), pos))  # a function's name in quotes
        if match["skipped"] is None:
            end = pos
    return query[:end], [(word, query[at : at + 20].lstrip()[:1]) for word, at in words]


def bare(query: str) -> str:
    """The query without the semicolons and comments behind it. Set it between lines of their own:
    it may yet end in a comment that a server knows and this does not."""
    return _words(query)[0].strip()


def volatile(query: str) -> tuple[str, ...]:
    """What gives another value at each call, in the order of the text."""
    words = _words(query)[1]
    found = [
        f"{word}()" if after == "(" else word
        for (word, after), before in zip(words, [("", ""), *words], strict=False)
        if word in _WORDS
        or (word in _CALLS and after == "(")
        or (word == "sample" and before in (("using", "s"), ("using", "S")))
    ]
    return tuple(dict.fromkeys(found))


def frozen(query: str | None, how: str) -> tuple[str, ...]:
    """A sentence on what is volatile in a query whose result `how` says is kept; none: nothing."""
    found = volatile(query) if query is not None else ()
    if not found:
        return ()
    told = ", ".join(found)
    return (f"the query has {told}, which is no function of the data: its result is frozen, {how}",)
