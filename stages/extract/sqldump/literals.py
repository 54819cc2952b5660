"""One value of a row: literals, and what functions make of them.

A value that needs a server (NOW(), a sub-select, a sequence) is refused, never guessed.
"""

from __future__ import annotations

import codecs
import re

from stages.errors import Unreadable
from stages.extract.sqldump.charset import decoder, pairs
from stages.extract.sqldump.dialect import Session
from stages.extract.sqldump.escapes import substituted
from stages.extract.sqldump.functions import NULL, Literal, called, of_hex
from stages.extract.sqldump.lexer import MONEY, next_token, token

_CASTS, _CONVERTS = ("cast", "convert", "try_cast", "try_convert"), ("convert", "try_convert")
_TYPE_WORDS = ("word", "quoted")
# Dumps nest two or three functions; each level costs frames of Python's own stack.
DEPTH = 50
# A value that functions make longer than it stands in the file: by so much in one row, no more.
_GROWTH = 1 << 16


class Short(Exception):
    """The bytes end within a value; more may follow."""


_MONEY = re.compile(rb"\A" + MONEY)
_LETTERS = {
    b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a",
    b"%": b"\\%", b"_": b"\\_",
}  # fmt: skip
_MYSQL_ESCAPE = re.compile(rb"\\(.)|(['\"])\2", re.DOTALL)
_POSTGRES_ESCAPE = re.compile(
    rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|''", re.DOTALL
)
_POSTGRES_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
# escape_decode knows \b \n \r \t \\ \' and \" as MySQL does; everything else takes the slow way
_SAFE_ESCAPES = re.compile(rb"(?:[^\\]++|\\[bnrt\\'\"])*+")


def unescape_mysql(data: bytes, quote: bytes, charset: str) -> bytes:
    """The bytes of a MySQL string with backslash escapes, from between its quotes."""
    found = pairs(charset)
    if found is None:
        if quote * 2 not in data and _SAFE_ESCAPES.fullmatch(data):
            return codecs.escape_decode(data)[0]
        pattern = _MYSQL_ESCAPE
    else:
        lead, trail = found
        pattern = re.compile(rb"([%b]%b)|\\(.)|(['\"])\3" % (lead, trail), re.DOTALL)
        return substituted(
            pattern,
            lambda m: (
                m[1] or (_LETTERS.get(m[2], m[2]) if m[2] else m[3] * (1 if m[3] == quote else 2))
            ),
            data,
        )
    return substituted(
        pattern,
        lambda m: _LETTERS.get(m[1], m[1]) if m[1] else m[2] * (1 if m[2] == quote else 2),
        data,
    )


def unescape_postgres(data: bytes, encode: str = "utf-8") -> bytes:
    """The bytes of an E'' string of PostgreSQL, from between its quotes."""

    def one(match: re.Match[bytes]) -> bytes:
        octal, hex_, short, long, letter = match.groups()
        if octal:
            return bytes([int(octal, 8) & 255])
        if hex_:
            return bytes([int(hex_, 16)])
        if short or long:
            return chr(int(short or long, 16)).encode(encode, "surrogatepass")
        return _POSTGRES_LETTERS.get(letter, letter) if letter else b"'"

    data = substituted(_POSTGRES_ESCAPE, one, data)
    # pairs of surrogates, as \ud83d\ude00 writes them
    if b"\xed" in data and encode == "utf-8":
        data = data.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode(
            "utf-16", "strict"
        ).encode()  # fmt: skip
    return data


def literal(session: Session, data: bytes) -> Literal:
    """The literal that a token's bytes say; Unreadable when they are no single value."""
    found, end = Values(session, data, 0).value()
    if end != len(data):
        raise Unreadable("expression", value=_shown(data))
    return found


def _shown(data: bytes) -> str:
    return data[:120].decode("utf-8", "replace")


class Values:
    """Reads values one after the other from `data`, beginning at `pos`."""

    def __init__(self, session: Session, data: bytes, pos: int) -> None:
        self.session, self.data, self.pos = session, data, pos
        self._begun, self._grown, self._depth = pos, 0, 0
        self._token = token(session.syntax)
        self._m: re.Match[bytes]
        self._stop = pos
        self.kind = ""
        self.next()

    def next(self) -> None:
        """Go to the next token that is no blank; kind "" at the end."""
        while True:
            found = next_token(self._token, self.data, self.pos)
            if found is None:
                if self.pos < len(self.data):
                    raise Short  # an open string or comment
                self.kind, self.at = "", self.pos
                return
            match, self._stop, self.pos = found
            self._m, self.kind, self.at = match, match.lastgroup or "", match.start()
            if self.kind != "blank":
                return

    @property
    def text(self) -> bytes:
        """The bytes of the current token."""
        return self._m[0] if self.kind else b""

    def is_mark(self, mark: bytes) -> bool:
        """Whether the current token is this mark."""
        return self.kind == "mark" and self._m[0] == mark

    def value(self) -> tuple[Literal, int]:
        """The value at the current token, and where it ends; stops before , or )."""
        found = self._term()
        joined: list[Literal] = []
        while True:
            if self.is_mark(b"||") or (self.kind == "mark" and self.text == b"|"):
                self.next()
                joined = joined or [found]
                joined.append(self._term())
            elif self.is_mark(b"::"):
                self._cast_type()
            elif self.session.dialect == "mysql" and self.kind in ("string", "quoted") and (
                joined or found.kind == "string"
            ):  # fmt: skip
                joined = joined or [found]
                joined.append(self._term())
            else:
                return self._joined(joined) if joined else found, self.at

    def _cast_type(self) -> None:
        self.next()
        while self.kind in ("word", "quoted") or self.is_mark(b"[") or self.is_mark(b"]"):
            self.next()
            if self.is_mark(b"("):
                while not self.is_mark(b")"):
                    if not self.kind:
                        raise Short
                    self.next()
                self.next()

    def _joined(self, parts: list[Literal]) -> Literal:
        # NULL || x is x in Oracle and NULL elsewhere
        known = [part for part in parts if part.kind != "null"]
        if not known or (len(known) < len(parts) and self.session.dialect != "oracle"):
            return NULL
        if len(known) == 1:
            return known[0]
        charset = next((part.charset for part in known if part.charset), None)
        return Literal("string", b"".join([part.data for part in known]), charset)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEPTH:
            raise Unreadable(
                "expression", value=_shown(self.data[self.at : self.at + 120]), depth=DEPTH
            )

    def _term(self) -> Literal:
        kind, match, session = self.kind, self._m if self.kind else None, self.session
        if match is None:
            raise Short
        text = match[0]
        if kind == "string":
            self.next()
            return Literal("string", self._plain(text[1:-1]))
        if kind == "number":
            self.next()
            return Literal("number", _MONEY.sub(b"", text))
        if kind == "hex":
            self.next()
            return Literal("hex", _hex(text))
        if kind == "bits":
            self.next()
            return Literal("bits", text[2:].rstrip(b"'"))
        if kind == "national":
            self.next()
            data = self._plain(text[2:-1])
            # N'x ' is of type char in PostgreSQL, which drops the blanks on the way to text
            return Literal("string", data.rstrip(b" ") if session.dialect == "postgres" else data)
        if kind == "escaped":
            self.next()
            return Literal("string", unescape_postgres(text[2:-1]))
        if kind in ("dollar", "qquote"):
            data = self.data[match.end() : self._stop]
            self.next()
            return Literal("string", data)
        if kind == "quoted" and not session.quoted_names and text[:1] == b'"':
            self.next()
            if session.backslash:
                return Literal("string", unescape_mysql(text[1:-1], b'"', session.charset))
            return Literal("string", text[1:-1].replace(b'""', b'"'))
        if kind == "introduced":
            return self._introduced(match)
        if kind == "mark" and text in (b"-", b"+"):
            self._deeper()
            self.next()
            found = self._term()
            self._depth -= 1
            if found.kind == "word" and found.data.upper() in (b"INF", b"INFINITY", b"NAN"):
                return Literal("number", text + found.data)
            if found.kind != "number":
                raise Unreadable("expression", value=_shown(text + found.data))
            return found if text == b"+" else Literal("number", _negated(found.data))
        if kind == "mark" and text == b"{":  # {ts '…'} and {d '…'} of ODBC
            self._deeper()
            self.next()
            word, found = self.text.lower(), self._after_word()
            self._depth -= 1
            if word not in (b"ts", b"d", b"t") or not self.is_mark(b"}"):
                raise self._refusal(text)
            self.next()
            return found
        if kind == "mark" and text == b"(":
            self._deeper()
            self.next()
            found, _ = self.value()
            self._depth -= 1
            if not self.is_mark(b")"):
                raise self._refusal(text)
            self.next()
            return found
        if kind == "word":
            return self._word(text)
        raise self._refusal(text)

    def _after_word(self) -> Literal:
        self.next()
        return self._term()

    def _refusal(self, text: bytes) -> Exception:
        return Unreadable("expression", value=_shown(text)) if self.kind else Short()

    def _plain(self, inner: bytes) -> bytes:
        if self.session.backslash and b"\\" in inner:
            if self.session.dialect == "postgres":
                return unescape_postgres(inner)
            return unescape_mysql(inner, b"'", self.session.charset)
        return inner.replace(b"''", b"'") if b"''" in inner else inner

    def _introduced(self, match: re.Match[bytes]) -> Literal:
        charset = match["charset"].decode().lower()
        self.next()
        if decoder(charset) is None and charset != "binary":
            raise Unreadable("encoding", charset=charset)
        if match["itext"] is not None:
            return Literal("string", self._plain(match["itext"][1:-1]), charset)
        if match["ihex"] is not None:
            return Literal("hex", _hex(match["ihex"]), charset)
        return Literal("bits", match["ibits"][2:-1], charset)

    def _word(self, text: bytes) -> Literal:
        name = text.lower().decode("latin-1")
        self.next()
        if self.is_mark(b"("):
            return self._function(name)
        if name == "null":
            return NULL
        if name in ("true", "false", "default", "inf", "nan", "infinity"):
            return Literal("word", text)
        if name in ("timestamp", "date", "time", "interval", "bytea") and self.kind in (
            "string", "escaped",
        ):  # fmt: skip
            return self._term()
        raise Unreadable("expression", value=_shown(text))

    def _function(self, name: str) -> Literal:
        self._deeper()
        self.next()
        arguments: list[Literal] = []
        kind = ""
        if name in _CONVERTS and self.session.dialect == "mssql" and self.kind in _TYPE_WORDS:
            kind = self._type()
            if self.is_mark(b","):
                self.next()
        while not self.is_mark(b")"):
            arguments.append(self.value()[0])
            if name in _CASTS and self.kind == "word" and self.text.upper() == b"AS":
                self.next()
                kind = self._type()
            if self.is_mark(b","):
                self.next()
            elif not self.is_mark(b")"):
                raise self._refusal(self.text)
        self._depth -= 1
        self.next()
        given = sum([len(argument.data) for argument in arguments])
        left = _GROWTH + self.at - self._begun - self._grown
        found = called(name, arguments, self.session, given + left, kind)
        if found is None:
            raise Unreadable("expression", value=f"{name[:100]}(…)")
        self._grown += max(0, len(found.data) - given)
        return found

    def _type(self) -> str:
        """Go behind a type, to the comma or parenthesis that follows; its first word."""
        depth, word = 0, self.text.strip(b'[]"').lower().decode("latin-1")
        while depth or not (self.is_mark(b")") or self.is_mark(b",")):
            if not self.kind:
                raise Short
            depth += self.is_mark(b"(") - self.is_mark(b")")
            self.next()
        return word


def _negated(digits: bytes) -> bytes:
    return digits[1:] if digits[:1] == b"-" else b"-" + digits


def _hex(text: bytes) -> bytes:
    return of_hex(text[2:].rstrip(b"'"))
