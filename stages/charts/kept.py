"""Some records of a corpus for people: of each source those with the smallest ids, which are
hashes, so that they are any records and the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.corpus import Corpus, iterate_arrow, read_batch
from stages.kinds import Panel
from stages.pages import rendered
from stages.records import fields

TITLE = "Some of the kept records"  # the panel of a later kind is shown in the place of this one
EACH, ALL = 2, 12  # records of a source, and of all
LONG = 1500  # characters of a text


def panels(folder: Path) -> list[Panel]:
    """Records with their texts; nothing where there are none."""
    rows = [(row, [(name, short(text)) for name, text in _fields(row)]) for row in some(folder)]
    return [Panel(TITLE, rendered("stages.charts:kept.html", rows=rows))] if rows else []


def some(folder: Path) -> list[dict[str, Any]]:
    """The records that are shown, source by source."""
    files = Corpus(folder).files
    found: list[tuple[str, str, int, int]] = []  # source, id, file, batch
    for at, path in enumerate(files):
        for number, table in enumerate(iterate_arrow(path, ("id", "source"))):
            for source in pc.unique(table.column("source")).to_pylist():
                ids = table.filter(pc.equal(table.column("source"), source)).column("id")
                smallest = np.sort(np.asarray(ids.to_pylist(), dtype=str))[:EACH].tolist()
                found += [(source, one, at, number) for one in smallest]
    sources = list(dict.fromkeys(one[0] for one in found))
    chosen: list[tuple[str, str, int, int]] = []
    for name in sources[:ALL]:
        chosen += sorted(one for one in found if one[0] == name)[:EACH]
    return [_row(files, one) for one in chosen[:ALL]]


def _row(files: Sequence[Path], found: tuple[str, str, int, int]) -> dict[str, Any]:
    _, identity, at, number = found
    table = read_batch(files[at], number)
    return dict(
        table.slice(pc.index(table.column("id"), pa.scalar(identity)).as_py(), 1).to_pylist()[0]
    )


def _fields(row: dict[str, Any]) -> list[tuple[str, str]]:
    """The texts of a record, those of messages under their roles."""
    messages = row.get("messages") or ()
    roles = {f"messages[{number}]": message["role"] for number, message in enumerate(messages)}
    return [(roles.get(name, name), text) for name, text in fields(row, "all")]


def short(text: str) -> str:
    """A text cut where it is long."""
    return text if len(text) <= LONG else f"{text[:LONG]} … ({len(text):,} characters)"
