"""Where a record came from, as one line of text that can be read back.

    site/guides/peas.html                  a whole file
    faq.csv@1204+310:17                    310 bytes from byte 1,204, beginning on line 17
    dump.tar.gz#posts.sql@88+95:4!posts    a member of an archive, a row of table posts
    !users[id=5]                           a row of a live table, named by its key

Offsets count bytes of the member after decompression. In paths, members and tables the characters
% # @ ! are percent-encoded, so the parts can always be told apart, and so are control characters
and, byte by byte, what is no UTF-8 in a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_RESERVED = re.compile("[%#@!\x00-\x1f\x7f-\x9f\u2028\u2029]")
_BYTES = re.compile("[\udc80-\udcff]")  # bytes of a name that are no UTF-8, as Python has them
_LONE = re.compile("[\ud800-\udfff]")
_ENCODED = re.compile(r"%u([0-9A-F]{4})|((?:%[0-9A-F]{2})+)")
_FORM = re.compile(
    r"(?P<path>[^#@!]*)(?:#(?P<member>[^#@!]*))?"
    r"(?:@(?P<offset>\d+)\+(?P<length>\d+):(?P<line>\d+))?"
    r"(?:!(?P<table>[^\[]*)(?:\[(?P<key>.*)\])?)?",
    re.DOTALL,
)


@lru_cache(maxsize=256)  # a file has many places
def _encode(text: str) -> str:
    encoded = _RESERVED.sub(lambda found: _percent(found[0].encode()), text)
    if encoded.isascii() or not _LONE.search(encoded):
        return encoded
    by_byte = _BYTES.sub(lambda found: _percent(bytes([ord(found[0]) & 0xFF])), encoded)
    if not _LONE.search(by_byte) and _decode(by_byte) == text:
        return by_byte
    return _LONE.sub(lambda found: f"%u{ord(found[0]):04X}", encoded)


def _percent(raw: bytes) -> str:
    return "".join(f"%{byte:02X}" for byte in raw)


def _decode(text: str) -> str:
    return _ENCODED.sub(_decoded, text)


def _decoded(found: re.Match[str]) -> str:
    if found[1] is not None:
        return chr(int(found[1], 16))
    return bytes.fromhex(found[2].replace("%", "")).decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Place:
    """Where an item came from.

    path: relative to the source's root, with forward slashes. member: path inside an archive.
    offset, length: bytes of the file or member; line: its first line, from 1; None: all of it.
    table, key: for rows of tables; key is `column=value` pairs as text.
    """

    path: str = ""
    member: str | None = None
    offset: int | None = None
    length: int | None = None
    line: int | None = None
    table: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        text = _encode(self.path)
        if self.member is not None:
            text += "#" + _encode(self.member)
        if self.offset is not None:
            text += f"@{self.offset}+{self.length}:{self.line}"
        if self.table is not None:
            text += "!" + _encode(self.table).replace("[", "%5B")
            if self.key is not None:
                text += f"[{self.key}]"
        return text

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read back what `str` wrote; ValueError for text of another form."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(f"not a place: {text!r}")
        path, member, offset, length, line, table, key = match.groups()
        return cls(
            _decode(path),
            None if member is None else _decode(member),
            None if offset is None else int(offset),
            None if length is None else int(length),
            None if line is None else int(line),
            None if table is None else _decode(table),
            key,
        )

    @property
    def unit(self) -> str:
        """What the item's siblings share: the file (and member) and the table, no position."""
        return _unit(self.path, self.member, self.table)


@lru_cache(maxsize=64)
def _unit(path: str, member: str | None, table: str | None) -> str:
    return str(Place(path, member, table=table))
