"""The statements of a dump or script as they are written: SQL text itself, not the rows in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from stages.base import Fault
from stages.extract.sqldump.between import KNOWN, MESSAGE, session_line, unknown
from stages.extract.sqldump.copy import HEAD, copy
from stages.extract.sqldump.reader import ROUTINE, SLASH, VERSION, Reader
from stages.extract.sqldump.rows import Row, refusal
from stages.extract.sqldump.window import TooLong

_WORD = re.compile(rb"[\s(]*+([A-Za-z_]+)")


class Statement(NamedTuple):
    """One statement with its `;` (a terminator of another kind is left off): its first word in
    capitals, its text, and its bytes with offset and line of the first."""

    word: str
    text: str
    offset: int
    line: int
    raw: bytes


class Script(Reader):
    """Iterate it for the statements and refusals in order; memory holds one statement.

    Comments between statements, empty statements and the lines of a client (DELIMITER, GO, a
    backslash command) are passed over; data that follow a COPY statement are one refusal.
    """

    def __iter__(self) -> Iterator[Statement | Fault]:  # type: ignore[override]
        if (fault := self.no_text()) is not None:
            yield fault
            return
        window = self.window
        while True:
            window.ensure(1 << 16)
            if self.skip_comments() or self._skip_terminator():
                continue
            if window.pos >= len(window.data):
                break
            offset, line = window.offset(window.pos), window.line(window.pos)
            try:
                yield from self._one(offset, line)
            except TooLong:
                yield self.too_long(None, "statement")
        if self._unclosed is not None:
            yield self._unclosed
        elif not self._told_cut and self.by_tool and not self._watched.closed:
            yield self.cut(None)

    def _skip_terminator(self) -> bool:
        window = self.window
        found = window.data.startswith(self.session.terminator, window.pos)
        window.pos += len(self.session.terminator) * found
        return found

    def _one(self, offset: int, line: int) -> Iterator[Statement | Fault]:
        window, session = self.window, self.session
        data, pos = window.data, window.pos
        version = VERSION.match(data, pos)
        match = _WORD.match(data, version.end() if version else pos)
        word = match[1].lower() if match is not None else b""
        block = session.dialect == "oracle" and word in (b"begin", b"declare")
        setting = word in (b"set", b"use") and session.dialect != "oracle"
        if not block and not setting and session_line(self, word):
            return
        if word == b"copy" and (head := HEAD.match(data, pos)) is not None:
            yield from self._copied(head[0], offset, line)
            return
        if (word not in KNOWN or MESSAGE.match(data, pos)) and version is None:
            yield from unknown(self)
            return
        end = SLASH if block else None
        if word in (b"create", b"alter") and (routine := ROUTINE.match(data, pos)) is not None:
            end = self.body_end(routine["what"].upper())
        raw = self.statement_text() if end is None else self._to(end)
        if raw is None:
            yield self.cut(None)
        elif word not in KNOWN:
            text = raw[:200].decode("utf-8", "replace")
            yield refusal(None, "unparsed", {"statement": text}, offset, line, window.raw(raw))
        else:
            if setting:
                session.set(raw)
            yield self._told(word, raw, offset, line)

    def _told(self, word: bytes, raw: bytes, offset: int, line: int) -> Statement | Fault:
        ends = self.session.terminator
        raw = raw.rstrip()
        if ends != b";":
            raw = raw.removesuffix(ends).rstrip()
        bytes_ = self.window.raw(raw)
        if b"\0" in raw:
            return refusal(None, "binary", {"at": raw.index(b"\0")}, offset, line, bytes_)
        # of a statement that says nothing the text is UTF-8 or refused: it may hold bytes
        decode = self.session.decode if self.session.declared else None
        try:
            text = raw.decode() if decode is None else decode(raw)
        except UnicodeDecodeError as error:
            evidence = {"charset": self.session.charset, "at": error.start}
            return refusal(None, "encoding", evidence, offset, line, bytes_)
        return Statement(word.decode().upper(), text, offset, line, bytes_)

    def _to(self, end: re.Pattern[bytes]) -> bytes:
        """A body that holds statements of its own, to the line or word that ends it."""
        window, scanned = self.window, 0
        while True:
            match = end.search(window.data, window.pos + scanned)
            if match is not None and (match.end() < len(window.data) or window.eof):
                stop = match.end() if match[0].endswith(b";") else match.start()
                text = window.data[window.pos : stop]
                window.pos = match.end()
                return text
            if window.eof:
                text = window.data[window.pos :]
                window.pos = len(window.data)
                return text
            scanned = max(0, len(window.data) - window.pos - 4096)
            window.more()

    def _copied(self, raw: bytes, offset: int, line: int) -> Iterator[Statement | Fault]:
        """A COPY statement, and one refusal for the data behind it."""
        window = self.window
        rows = copy(self)
        assert rows is not None
        yield self._told(b"copy", raw.rstrip(), offset, line)
        number, cut = 0, None
        for event in rows:
            number += isinstance(event, Row)
            if isinstance(event, Fault) and event.reason == "truncated":
                cut = event
        at, at_line = offset + len(window.raw(raw)), line + raw.count(b"\n")
        yield refusal(None, "data", {"rows": number}, at, at_line)
        if cut is not None:
            yield cut
