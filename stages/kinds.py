"""What stages make: a kind has a name, a folder in a run, and a module that shows it to people.

A stage brings its kind along, so nothing else needs to know it: `kind = Kind("vectors", "vectors",
__name__)`. The module may hold any of these functions, which read the folder and nothing else:

    lines(folder)     → list[str]     for the end of a run in the terminal
    warnings(folder)  → list[str]     what people should look at before they trust the result
    tiles(folder)     → list[Tile]    figures at the top of the report
    amounts(folder)   → list[tuple[str, int]]   how much text it is, for the end of the flow
    panels(folder)    → list[Panel]   parts of the report
    card(folder)      → list[str]     the README for a hub, of a folder that has none
    record(folder, what) → list[str]  one record, by its id or its place; nothing: it has none such
    life(folder, what) → list[str]    what became of the record with an id, in a few lines
    marked(folder, what) → list[Marked]   the text of the record with an id, with marks in it

It is named, not imported: how a result is shown is no part of what the result is, nor of its key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages import user_code
from stages.manifest import MANIFEST


@dataclass(frozen=True)
class Tile:
    """A figure at the top of the report: what it is called, its value, a few words on it."""

    name: str
    value: str
    about: str


@dataclass(frozen=True)
class Panel:
    """A part of the report. body: `markupsafe.Markup` as `stages.pages.rendered` makes it; plain
    text is escaped. Of two panels of one title, that of the kind made later is shown."""

    title: str
    body: str


@dataclass(frozen=True)
class Marked:
    """A text of a record in stretches. title: what it is, with what its marks mean; stretches:
    (whether it is marked, text)."""

    title: str
    stretches: list[tuple[bool, str]]


@dataclass(frozen=True)
class Kind:
    """name: what manifests and messages call it, and what a later stage consumes. folder: where a
    run shows the latest of it, a plain name; empty for what no run shows. shown_by: the module
    that shows it, installed or beside the recipe; None: nothing but its folder is shown. own:
    folders in it that are for the user alone, such as text of the corpus beside a model: `push`
    leaves them at home."""

    name: str
    folder: str
    shown_by: str | None = None
    own: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name

    def lines(self, folder: Path) -> list[str]:
        """Lines for the end of a run."""
        return self._shown("lines", folder)

    def warnings(self, folder: Path) -> list[str]:
        """Sentences on what is odd about what was made."""
        return self._shown("warnings", folder)

    def tiles(self, folder: Path) -> list[Tile]:
        """Figures for the top of the report."""
        return self._shown("tiles", folder)

    def amounts(self, folder: Path) -> list[tuple[str, int]]:
        """What the text has become: (name, count) pairs such as tokens."""
        return self._shown("amounts", folder)

    def panels(self, folder: Path) -> list[Panel]:
        """Parts of the report."""
        return self._shown("panels", folder)

    def card(self, folder: Path) -> str | None:
        """The README of a folder that has none, for those who get it; None for none."""
        return next(iter(self._shown("card", folder)), None)

    def record(self, folder: Path, what: str) -> list[str]:
        """One record, line by line, by its id or its place."""
        return self._shown("record", folder, what)

    def life(self, folder: Path, what: str) -> list[str]:
        """What became of the record with an id, in a few lines for `explain`."""
        return self._shown("life", folder, what)

    def marked(self, folder: Path, what: str) -> list[Marked]:
        """The text of the record with an id as what was made of it has it, with marks."""
        return self._shown("marked", folder, what)

    def _shown(self, name: str, *given: Any) -> list[Any]:
        if self.shown_by is None:
            return []
        show = getattr(user_code.imported(self.shown_by), name, None)
        return [] if show is None else list(show(*given))


RAW = Kind("raw", "")  # what sources read
RECORDS = Kind("records", "corpus", "stages.charts.records")


def summary_of(folder: Path) -> dict[str, Any]:
    """What the end stage that made a folder said of it."""
    return dict(json.loads((folder / MANIFEST).read_bytes())["summary"])
