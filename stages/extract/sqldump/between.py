"""What stands between the statements of data: lines for a client, settings, text that is no SQL.

A message of the dumping tool, a warning, a statement of a kind that is not known: refused as they
stand, to the end of their statement or to the next line that begins one, whatever quotes they hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from stages.base import Fault
from stages.extract.sqldump.lexer import NAMES, split_names
from stages.extract.sqldump.rows import refusal
from stages.extract.sqldump.statements import pass_to

if TYPE_CHECKING:
    from stages.extract.sqldump.reader import Reader

_BEGINS = (
    rb"insert replace copy create set use delimiter go begin declare drop alter lock unlock "
    rb"pragma commit select start end grant revoke analyze comment connect rollback delete update "
    rb"call if exec execute print truncate vacuum reindex do with prompt rem quit exit spool "
    rb"define whenever source flush savepoint release show explain merge attach detach security "
    rb"reset import refresh cluster discard listen notify prepare deallocate values table "
    rb"optimize repair rename check checksum handler xa purge install uninstall kill change stop "
    rb"abort checkpoint close fetch move reassign analyse backup restore waitfor raiserror return "
    rb"while throw dbcc deny enable disable describe desc undefine accept column col ttitle btitle "
    rb"host clear variable var pause timing remark signal resignal lock reorg runstats terminate "
    rb"load bulk audit noaudit purge flashback"
)
KNOWN = frozenset(_BEGINS.split())
# A known word at the begin of a message: `Import: done`, `Table 'x' is read only`.
MESSAGE = re.compile(rb"(?i)[A-Za-z_]++(?::(?!=)|(?<=table)\s++')")
LOAD = re.compile(
    rb"(?is)LOAD\s++DATA\s++(?:(?:LOW_PRIORITY|CONCURRENT|LOCAL|INFILE|REPLACE|IGNORE|'[^']{0,999}+'"
    rb"|\"[^\"]{0,999}+\")\s++){0,9}+INTO\s++TABLE\s++(" + NAMES + rb")"
)
_GO = re.compile(rb"(?i)GO[ \t]*\r?(?:\n|\Z)")
# Commands of a client, which end with their line: without a terminator, too.
_LINES = {
    "mysql": frozenset(b"use source tee notee pager nopager warnings charset".split()),
    "mssql": frozenset((b"use",)),
    "oracle": frozenset(
        b"set spool define undefine connect whenever accept column col ttitle btitle host exit "
        b"quit clear variable var pause show describe desc timing start".split()
    ),
}
_MARKS = {"oracle": b"/@", "postgres": b"\\", "sqlite": b".", "mssql": b":", "mysql": b"\\"}
# The next line that begins a statement, where a line was none.
_BEGIN = re.compile(
    rb"(?i)[ \t]*+(?:(?:INSERT|REPLACE|CREATE|COPY|DROP|ALTER|LOCK|UNLOCK|SET|USE|PRAGMA|START"
    rb"|COMMIT|DELIMITER)\s|--|/\*)"
)
_ROWS = re.compile(rb"\)\s*+,\s*+\(\s*+(?:[-'\"0-9]|NULL)")
_STDIN = re.compile(rb"(?i)\bFROM\s+'?STDIN\b")
_HELD = 1 << 16  # bytes of what is refused that are shown and kept


def rows_in(text: bytes) -> int:
    """About how many rows stand in a text: one more than there are borders between two."""
    return len(_ROWS.findall(text)) + 1 if b"(" in text else 0


def counted(fault: Fault, rows: int) -> Fault:
    """A refusal that stands for several rows says how many."""
    return fault._replace(evidence={**fault.evidence, "rows": rows}) if rows > 1 else fault


def _take_line(reader: Reader) -> bytes:
    """Go behind the line at the position; its first bytes."""
    window = reader.window
    end = window.data.find(b"\n", window.pos, window.pos + 4096) + 1
    line = window.data[window.pos : end or window.pos + 4096]
    pass_to(window, b"\n")
    return line


def _alone(reader: Reader) -> bool:
    """Whether the line at the position has no terminator: then a client takes it as it is."""
    data, pos = reader.window.data, reader.window.pos
    end = data.find(b"\n", pos, pos + 4096)
    return reader.session.terminator not in data[pos : end if end >= 0 else pos + 4096]


def session_line(reader: Reader, word: bytes) -> bool:
    """Statements and lines that change the session; False for any other statement."""
    session, window = reader.session, reader.window
    first = window.data[window.pos : window.pos + 1]
    if word == b"delimiter" and session.dialect == "mysql":
        line = _take_line(reader).split(None, 1)
        found = line[1].strip()[:15] if len(line) > 1 else b";"  # as the client cuts it
        if found[:1] not in (b"'", b'"', b"`", b"\\"):
            session.terminator = found
    elif word == b"go" and _GO.match(window.data, window.pos):
        _take_line(reader)
    elif first and first in _MARKS.get(session.dialect, b""):
        reader.known = True
        _take_line(reader)
    elif word == b"use":
        alone = word in _LINES.get(session.dialect, ()) and _alone(reader)
        text: bytes | None = _take_line(reader) if alone else reader.statement_text()
        match = re.match(rb"(?is)USE\s+(" + NAMES + rb")", text or b"")
        if match is not None and session.dialect == "mysql":
            session.database = split_names(match[1])[0].decode("utf-8", "replace")
    elif word in _LINES.get(session.dialect, ()) and (
        session.dialect == "oracle" or _alone(reader)
    ):
        _take_line(reader)
    elif session.dialect == "oracle" and word in (b"begin", b"declare"):
        window.pos += len(word)
    elif window.data.startswith(b"--#SET TERMINATOR", window.pos):
        session.terminator = _take_line(reader).split()[-1][:15]
    elif word == b"set":
        text = reader.statement_text()
        session.set(text or b"")
        return text is not None or not reader.by_tool
    else:
        return False
    return True


def data_lines(reader: Reader) -> int:
    """Go behind the data of a COPY that could not be read, to its end or to a line that begins a
    statement; how many lines."""
    window, number = reader.window, 0
    while True:
        window.ensure(4096)
        if window.pos >= len(window.data) or _BEGIN.match(window.data, window.pos):
            return number
        if _take_line(reader).rstrip() == rb"\.":
            return number
        number += 1


def unknown(reader: Reader) -> Iterator[Fault]:
    """Refuse what begins with no word that is known: to the line that ends with the terminator, or
    that stands before one that begins a statement."""
    window, ends = reader.window, reader.session.terminator
    offset, line = window.offset(window.pos), window.line(window.pos)
    held, rows = bytearray(), 0
    while True:
        begun = window.pos
        end = window.data.find(b"\n", begun) + 1
        if not end and not window.eof and len(window.data) - begun < _HELD:
            window.more()
            continue
        whole = bool(end) or window.eof
        end = end or len(window.data)
        text = window.data[begun:end]
        window.pos = end
        rows += rows_in(text)
        held += text[: max(0, _HELD - len(held))]
        if whole and text.rstrip().endswith(ends):
            break
        window.ensure(64)
        if window.pos >= len(window.data) or (whole and _BEGIN.match(window.data, window.pos)):
            break
    raw = bytes(held).rstrip()
    if _STDIN.search(raw):
        rows += data_lines(reader)
    evidence = {"statement": raw[:200].decode("utf-8", "replace")}
    yield counted(refusal(None, "unparsed", evidence, offset, line, window.raw(raw)), rows)
