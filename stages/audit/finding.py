"""What a check found: its kind, how often, the first places, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from stages.audit.kinds import GRADES, KINDS, Grade
from stages.place import Place

_PLACES = 20  # that are held, of each kind
_SHOWN = 8  # that are told
_BRACKET = 4  # bytes before the first item of a list: a mark and a bracket


@dataclass
class Finding:
    """kind: one word. words: what it means. remedy: what helps. places: the first ones, as
    `file:line` or a place as corpora have it; details: what was seen there, where it is short."""

    kind: str
    grade: Grade
    words: str
    remedy: str = ""
    count: int = 0
    places: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    def add(self, place: str, detail: str = "") -> None:
        """One more."""
        self.count += 1
        if len(self.places) < _PLACES:
            self.places.append(place)
            self.details.append(detail)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "kind": self.kind,
            "grade": self.grade,
            "count": self.count,
            "words": self.words,
            "remedy": self.remedy,
            "places": self.places,
            "details": self.details,
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"  {self.grade:<8} {self.count:>7,}  {self.kind}: {self.words}"
        if any(self.places):
            more = " …" if self.count > _SHOWN else ""
            yield f"{'':20}at {', '.join(dict.fromkeys(self.places[:_SHOWN]))}{more}"
        if shown := [detail for detail in dict.fromkeys(self.details) if detail][:3]:
            yield f"{'':20}{'; '.join(shown)}"
        if self.remedy:
            yield f"{'':20}{self.remedy}"


class Findings:
    """The findings of a check, each kind once."""

    def __init__(self) -> None:
        self._found: dict[str, Finding] = {}

    def add(self, kind: str, place: str, detail: str = "") -> None:
        """One more of a kind."""
        self._one(kind, *KINDS[kind], place, detail)

    def refused(self, reason: str, words: str, usual: bool, place: str, detail: str) -> None:
        """One more that a stage refuses. usual: whether that is its purpose, and no loss."""
        grade: Grade = "note" if usual else "lost"
        self._one(reason, grade, words, "", place, detail)

    def _one(
        self, kind: str, grade: Grade, words: str, remedy: str, place: str, detail: str
    ) -> None:
        finding = self._found.setdefault(kind, Finding(kind, grade, words, remedy))
        finding.add(place, detail)

    def all(self) -> list[Finding]:
        """The gravest first."""
        return sorted(
            self._found.values(), key=lambda one: (GRADES.index(one.grade), -one.count, one.kind)
        )


def where(place: str) -> str:
    """A place for people: file and line, where the place has one."""
    try:
        found = Place.parse(place)
    except ValueError:
        return place
    file = found.path if found.member is None else f"{found.path}#{found.member}"
    if found.line is not None:
        return at_line(file, found.line, found.offset or 0)
    if found.table:
        return f"{file} {found.table} {found.key or ''}".strip()
    return f"{file} {found.key}" if found.key else file


def at_line(file: str, line: int, offset: int) -> str:
    """`file:line`, with the byte where many items stand in a first line, as in a list that was
    written without line ends."""
    return f"{file}:{line}" + (f" (byte {offset:,})" if line == 1 and offset > _BRACKET else "")


def short(value: object) -> str:
    """A value in a few characters."""
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:59]}…"
