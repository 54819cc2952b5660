"""Where a record came from, as one line of text that can be read back.

    site/guides/peas.html                  a whole file
    faq.csv@1204+310:17                    310 bytes from byte 1,204, beginning on line 17
    dump.tar.gz#posts.sql@88+95:4!posts    a member of an archive, a row of table posts
    !users[id=5]                           a row of a live table, named by its key

Offsets count bytes of the member after decompression. In paths and members the characters % # @ !
are percent-encoded, so the parts can always be told apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_RESERVED = re.compile(r"[%#@!\n\r]")
_FORM = re.compile(
    r"(?P<path>[^#@!]*)(?:#(?P<member>[^#@!]*))?"
    r"(?:@(?P<offset>\d+)\+(?P<length>\d+):(?P<line>\d+))?"
    r"(?:!(?P<table>[^\[]*)(?:\[(?P<key>.*)\])?)?",
    re.DOTALL,
)


def _encode(text: str) -> str:
    return _RESERVED.sub(lambda match: f"%{ord(match[0]):02X}", text)


def _decode(text: str) -> str:
    return re.sub(r"%([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), text)


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
        return str(replace(self, offset=None, length=None, line=None, key=None))
