"""One value of a row: literals, and the few functions of constants that dumps are written with.

A value that needs a server (NOW(), a sub-select, a sequence) is refused, never guessed.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from stages.errors import Unreadable
from stages.extract.sqldump.charset import decoder, pairs
from stages.extract.sqldump.dialect import Session
from stages.extract.sqldump.escapes import substituted
from stages.extract.sqldump.lexer import next_token, token

# Dumps nest two or three functions; each level costs frames of Python's own stack.
DEPTH = 50
# A value that functions make longer than it stands in the file: by so much in one row, no more.
_GROWTH = 1 << 16


class Short(Exception):
    """The bytes end within a value; more may follow."""


class Literal(NamedTuple):
    """kind: null, string, number, hex, bits, word; data: its bytes, unescaped; charset: what an
    introducer said (for strings and hex), else None."""

    kind: str
    data: bytes = b""
    charset: str | None = None


NULL = Literal("null")
_LETTERS = {
    b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a",
    b"%": b"\\%", b"_": b"\\_",
}  # fmt: skip
_MYSQL_ESCAPE = re.compile(rb"\\(.)|(['\"])\2", re.DOTALL)
_POSTGRES_ESCAPE = re.compile(
    rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|''", re.DOTALL
)
_POSTGRES_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_UNISTR = re.compile(
    r"\\(?:(\\)|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|\+([0-9a-fA-F]{6})|([0-9a-fA-F]{4}))"
)
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


def unistr(data: bytes, oracle: bool) -> bytes:
    """SQLite's and Oracle's unistr(): \\uXXXX, \\UXXXXXXXX, \\+XXXXXX, \\XXXX, \\\\."""
    text = _UNISTR.sub(
        lambda m: "\\" if m[1] else chr(int(m[2] or m[3] or m[4] or m[5], 16)), data.decode()
    )
    return text.encode("utf-16", "surrogatepass").decode("utf-16").encode()


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
            return Literal("number", text)
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
        while not self.is_mark(b")"):
            arguments.append(self.value()[0])
            if name in ("cast", "convert") and self.kind == "word" and self.text.upper() == b"AS":
                self.next()
                self._type()
            if self.is_mark(b","):
                self.next()
            elif not self.is_mark(b")"):
                raise self._refusal(self.text)
        self._depth -= 1
        self.next()
        given = sum([len(argument.data) for argument in arguments])
        left = _GROWTH + self.at - self._begun - self._grown
        found = _called(name, arguments, self.session, given + left)
        if found is None:
            raise Unreadable("expression", value=f"{name[:100]}(…)")
        self._grown += max(0, len(found.data) - given)
        return found

    def _type(self) -> None:
        depth = 0
        while depth or not self.is_mark(b")"):
            if not self.kind:
                raise Short
            depth += self.is_mark(b"(") - self.is_mark(b")")
            self.next()


def _negated(digits: bytes) -> bytes:
    return digits[1:] if digits[:1] == b"-" else b"-" + digits


def _hex(text: bytes) -> bytes:
    digits = text[2:].rstrip(b"'")
    try:
        return bytes.fromhex((b"0" * (len(digits) % 2) + digits).decode("latin-1"))
    except ValueError:
        raise Unreadable("unparsed", value=_shown(text)) from None


_CONVERSIONS = frozenset(
    (
        *("cast", "convert", "blob", "clob", "dbclob", "json", "timestamp", "date", "time"),
        *("to_date", "to_timestamp", "to_clob", "to_nclob", "to_blob", "to_number"),
    )
)


def _called(name: str, given: list[Literal], session: Session, limit: int) -> Literal | None:
    """The value of a function of constants; None for one that is not known to be one, and for a
    value of more than `limit` bytes."""
    kinds = [value.kind for value in given]
    if name in _CONVERSIONS:
        return given[0] if given else None
    if name in ("char", "chr", "nchar") and kinds == ["number"] and len(given[0].data) < 9:
        return Literal("string", chr(int(given[0].data)).encode())
    if name == "replace" and kinds == ["string"] * 3 and given[1].data:
        text, old, new = (value.data for value in given)
        if len(new) > len(old) and len(text) + text.count(old) * (len(new) - len(old)) > limit:
            return None
        return Literal("string", text.replace(old, new))
    if name == "unistr" and kinds == ["string"]:
        return Literal("string", unistr(given[0].data, session.dialect == "oracle"))
    if name in ("hextoraw", "unhex") and kinds == ["string"]:
        return Literal("hex", _hex(b"0x" + given[0].data))
    if name in ("empty_clob", "empty_blob") and not given:
        return Literal("string" if name == "empty_clob" else "hex")
    if name == "concat" and given and "null" not in kinds:
        return Literal("string", b"".join(value.data for value in given))
    return None
