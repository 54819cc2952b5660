"""Which charset a table is in: its mark, UTF-8, or a guess that is said, and refused when close."""

from __future__ import annotations

from typing import NamedTuple

from stages.errors import Unreadable
from stages.extract import charset_guess, charsets

SAMPLE_BYTES = 64 << 10
# Bits by which a guess must beat what reads the bytes otherwise: see benchmarks/NOTES.md.
_SURE, _USUAL_SURE = 4.0, 1.5
_MIXED = 20  # so many lines that are no UTF-8 for one that is, and that one is chance
_TOLD = 60  # characters of the first such line in evidence
_LEARNT = 1 << 15  # bytes of lines from which a guess is made


class Charset(NamedTuple):
    """name; mark: length of the byte order mark; guessed: whether nothing says so but the bytes;
    mixed: whether lines of UTF-8 and of windows-1252 stand side by side."""

    name: str
    mark: int = 0
    guessed: bool = False
    mixed: bool = False


def charset_of(head: bytes, declared: str | None, all_of_it: bool = False) -> Charset:
    """The charset of a table from its first bytes; Unreadable encoding when nothing decides.

    all_of_it: whether nothing follows them, so that their last line is no piece of one."""
    name, mark = charsets.sniff(head, declared)
    if name != "utf-8" or mark or declared:
        return Charset(name, mark)
    whole = head if all_of_it or len(head) < SAMPLE_BYTES else head[: head.rfind(b"\n") + 1]
    if charsets.is_utf8(whole):
        return Charset(name, mixed=not whole.isascii())
    odd, wide = [], 0
    for line in whole.split(b"\n"):
        try:
            wide += not line.decode().isascii()
        except UnicodeDecodeError:
            odd.append(line)
    if _MIXED * wide > len(odd):
        return Charset(name, mixed=True)
    found = charset_guess.guessed(b"\n".join(odd))
    if wide and not _sure(found):
        return Charset(name, mixed=True)
    if not _sure(found):
        raise Unreadable("encoding", **_evidence(found, odd[0]))
    return Charset(found.charset, guessed=True)


class Odd:
    """Reads the lines that are no UTF-8 in a file that seemed to be ASCII or UTF-8.

    mixed: whether other lines are UTF-8: then these are windows-1252, as spreadsheets paste them.
    """

    def __init__(self, mixed: bool) -> None:
        self._mixed, self._seen, self._judged = mixed, b"", 0
        self._found: charset_guess.Guess | None = None

    @property
    def learns(self) -> bool:
        """Whether what was read decides on later lines."""
        return bool(self._seen)

    def read(self, raw: bytes) -> tuple[str, int, str]:
        """(text, characters that were lost, charset) of a line."""
        if not self._mixed and len(self._seen) < _LEARNT:
            self._seen += raw[:_LEARNT]
            if len(self._seen) >= min(2 * self._judged, _LEARNT):  # a guess costs milliseconds
                self._found = charset_guess.guessed(self._seen)
                self._judged = len(self._seen)
        name = "cp1252" if self._found is None else self._found.charset
        if name == "cp1252":
            return *charsets.cp1252(raw), name
        assert self._found is not None
        text = raw.decode(name, "replace")
        lost = text.count("\ufffd")
        return text, lost if _sure(self._found) else max(1, lost), name


def _sure(found: charset_guess.Guess) -> bool:
    return found.margin >= (_USUAL_SURE if found.charset == "cp1252" else _SURE)


def _evidence(found: charset_guess.Guess, line: bytes) -> dict[str, str]:
    return {
        "guess": found.charset,
        "reads": line[: 4 * _TOLD].decode(found.charset, "replace")[:_TOLD],
        "remedy": "too close to call: give encoding=",
    }
