"""Where a statement or a row ends: within the window, and, for what is longer than the limit, by
reading on without holding it."""

from __future__ import annotations

import re
from functools import cache

from stages.extract.sqldump.charset import pairs
from stages.extract.sqldump.dialect import Session
from stages.extract.sqldump.lexer import DOLLAR, ENDS, QQUOTE, Syntax, closed_by, statement
from stages.extract.sqldump.window import CHUNK, Window

_DOLLAR = re.compile(DOLLAR)
_QQUOTE = re.compile(QQUOTE)
_LINE_COMMENT = re.compile(rb"--|#")
# What is looked at before it is known to be whole: the longest terminator, the word INSERT.
_MARGIN = 64
_ESCAPED = re.compile(rb"(?s)(?:[^\\\n]++|\\.)*+")


def end_of_statement(window: Window, session: Session, done: int) -> tuple[int, bool]:
    """(bytes known to be whole from the position on, whether the statement ends there).

    done: what an earlier call said. The terminator is part of the statement.
    """
    data, pos, terminator = window.data, window.pos, session.terminator
    pattern = statement(session.syntax, terminator[:1])
    first, at = terminator[0], pos + done
    while True:
        match = pattern.match(data, at)
        assert match is not None
        at = match.end()
        if at >= len(data) and not window.eof:
            return max(match.start(1), pos + done) - pos, False
        if at >= len(data):
            return at - pos, False
        if len(data) - at < _MARGIN and not window.eof:
            return at - pos, False
        if data.startswith(terminator, at):
            return at + len(terminator) - pos, True
        done = at - pos
        if data[at] == 10 and session.dialect == "mssql":
            ends = ENDS.match(data, at)
            if ends is not None:
                return ends.end() - pos, True
            at += 1
        elif session.dialect == "postgres" and (tag := _DOLLAR.match(data, at)) is not None:
            close = data.find(tag[0], tag.end())
            if close < 0:
                return at - pos, False
            at = close + len(tag[0])
        elif data[at] == first and not data.startswith(b"/*", at):
            at += 1
        else:
            return at - pos, False
        done = at - pos


def pass_statement(window: Window, session: Session) -> bool:
    """Go behind the statement at the position, holding none of it; False: the file ends before."""
    while True:
        done, ended = end_of_statement(window, session, 0)
        window.pos += done
        if ended or (window.eof and window.pos >= len(window.data)):
            return ended
        if (window.eof or len(window.data) - window.pos > CHUNK) and not pass_token(
            window, session.syntax
        ):
            return False
        window.more()


def pass_row(window: Window, session: Session) -> bool:
    """Go behind the row that opens at the position, holding none of it; False: the file ends."""
    pattern, depth = statement(session.syntax, b"()"), 0
    while True:
        data = window.data
        match = pattern.match(data, window.pos)
        assert match is not None
        if match.end() >= len(data) or len(data) - match.end() < _MARGIN:
            if window.eof and match.end() >= len(data):
                return False
            if not window.eof:
                # the last piece may go on behind the window
                whole = match.end() < len(data) or match.start(1) < 0
                window.pos = match.end() if whole else match.start(1)
                if len(data) - window.pos > CHUNK and not pass_token(window, session.syntax):
                    return False
                window.more()
                continue
        window.pos = at = match.end()
        if data[at] in b"()":
            window.pos += 1
            depth += 1 if data[at] == 40 else -1
            if depth <= 0:
                return True
        elif data[at] == 10:
            window.pos += 1
        elif not pass_token(window, session.syntax):
            return False


def end_of_row(session: Session, data: bytes, pos: int) -> int:
    """Where the row that opens at a place of `data` ends; -1 when it is not there."""
    pattern, depth = statement(session.syntax, b"()"), 0
    while True:
        match = pattern.match(data, pos)
        assert match is not None
        pos = match.end()
        mark = data[pos : pos + 1]
        if mark in (b"(", b")"):
            pos += 1
            depth += 1 if mark == b"(" else -1
            if depth <= 0:
                return pos
        elif session.dialect == "postgres" and (tag := _DOLLAR.match(data, pos)) is not None:
            close = data.find(tag[0], tag.end())
            if close < 0:
                return -1
            pos = close + len(tag[0])
        else:
            return -1


def pass_token(window: Window, syntax: Syntax) -> bool:
    """Go behind the string or comment that opens at the position, or a run of other bytes."""
    data, pos, dialect = window.data, window.pos, syntax.dialect
    two = data[pos : pos + 2]
    if two == b"/*":
        window.pos += 2
        return pass_to(window, b"*/")
    if _LINE_COMMENT.match(data, pos):
        window.pos += 1
        return pass_to(window, b"\n")
    if dialect == "postgres" and two in (b"e'", b"E'"):
        window.pos += 2
        return _pass_string(window, b"'", True, syntax.charset)
    for known, pattern in (("postgres", _DOLLAR), ("oracle", _QQUOTE)):
        if dialect == known and (opening := pattern.match(data, pos)) is not None:
            window.pos = opening.end()
            return pass_to(window, closed_by(opening[0]))
    window.pos += 1
    quote = two[:1]
    if quote == b"'":
        return _pass_string(window, quote, syntax.backslash, syntax.charset)
    if quote == b'"':
        escapes = syntax.backslash and not syntax.quoted_names
        return _pass_string(window, quote, escapes, syntax.charset)
    if quote == b"`":
        return pass_to(window, b"`")
    if quote == b"[" and dialect == "mssql":
        return pass_to(window, b"]")
    match = statement(syntax, b";()").match(data, window.pos)
    assert match is not None
    window.pos = max(window.pos, min(match.end(), len(data) - 1))
    return True


def pass_to(window: Window, end: bytes) -> bool:
    """Go behind the next `end`, holding nothing; False when the file ends before."""
    while (at := window.data.find(end, window.pos)) < 0:
        window.pos = max(window.pos, len(window.data) - len(end) + 1)
        if not window.more():
            window.pos = len(window.data)
            return False
    window.pos = at + len(end)
    return True


def pass_copy_row(window: Window, paired: bool) -> bool:
    """Go behind the COPY row at the position, holding none of it; False: the file ends before."""
    if paired:
        return pass_to(window, b"\n")
    while True:
        match = _ESCAPED.match(window.data, window.pos)
        assert match is not None
        window.pos = match.end()
        if window.data.startswith(b"\n", window.pos):
            window.pos += 1
            return True
        if not window.more():
            window.pos = len(window.data)
            return False


@cache
def _inside(quote: bytes, backslash: bool, charset: str, ahead: bytes) -> re.Pattern[bytes]:
    """What stands within a string, as far as `ahead` bytes are there for each pair to be whole."""
    found = (pairs(charset) if backslash else None) or (b"", b"")
    lead, trail = found
    pieces = [quote * 2]
    if lead:
        pieces = [rb"[" + lead + rb"]" + trail, rb"[" + lead + rb"]", *pieces]
    if backslash:
        pieces.append(rb"\\.")
    plain = rb"[^" + quote + (rb"\\" if backslash else b"") + lead + rb"]++"
    return re.compile(
        rb"(?:" + plain + rb"|" + ahead + rb"(?:" + rb"|".join(pieces) + rb"))*+", re.DOTALL
    )


def _pass_string(window: Window, quote: bytes, backslash: bool, charset: str) -> bool:
    inside = _inside(quote, backslash, charset, rb"(?=.{8})")
    while True:
        match = inside.match(window.data, window.pos)
        assert match is not None
        window.pos = match.end()
        if len(window.data) - window.pos >= 8:
            window.pos += 1  # the closing quote
            return True
        if not window.more():
            break
    match = _inside(quote, backslash, charset, b"").match(window.data, window.pos)
    assert match is not None
    closed = window.data.startswith(quote, match.end())
    window.pos = match.end() + 1 if closed else len(window.data)
    return closed
