"""Large files of a source, cut into ranges that are read by several workers.

Four rounds. A look at each range: its hash and its line ends, from which follow its key and the
line that it begins on; remembered with the file's stamp. A reading of each, as if nothing were
before it. Ranges whose readers were over their end are read again as parts of longer ones
(`stages.ranges`). Last, rows that are equal to rows of earlier ranges get the ids that they have
behind these (`pipeline.engine.alike`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.engine.work import Summary
from stages import ranges
from stages.base import Part, Source
from stages.errors import Changed, SeedbedError
from stages.extract.files import opened, size_of
from stages.stamps import stamp_of

LOOK = "pipeline.engine.ranged:look"
_CHUNK = 1 << 20


def look(part: Mapping[str, Any]) -> Summary:
    """The hash of a range of a file, and how many line ends are in it. Changed when the file is
    not what it was when it was cut."""
    digest, lines, left = hashlib.sha256(), 0, part["stop"] - part["start"]
    with opened(Path(part["path"])) as file:
        before = stamp_of(file.fileno())
        file.seek(part["start"])
        while left and (data := file.read(min(_CHUNK, left))):
            digest.update(data)
            lines += data.count(b"\n")
            left -= len(data)
        if left or before != part["stamp"] or stamp_of(file.fileno()) != before:
            raise Changed(f"{part['path']} changed while it was read")
    return {"sha256": digest.hexdigest(), "lines": lines}


@dataclass
class CutFile:
    """The ranges of one file. whole: it as one part. sizes: of how many ranges of the first cut
    each is made."""

    whole: Part
    parts: list[Part]
    sizes: list[int]

    @staticmethod
    def of(part: Part, parts: Sequence[Part] = ()) -> CutFile:
        """A part with the ranges of its first cut; without any, it stays whole."""
        parts = list(parts) or [part]
        return CutFile(part, parts, [1] * len(parts))

    @property
    def is_cut(self) -> bool:
        """Whether there are several."""
        return len(self.parts) > 1

    def looks(self) -> list[dict[str, Any]]:
        """What `look` is to look at."""
        return [
            {"path": str(path), "start": part.start, "stop": part.stop, "stamp": part.stamps[name]}
            for part in self.parts
            for name, path in part.paths()
        ]

    def join(self, over: Sequence[bool]) -> bool:
        """Join ranges whose readers were over their end with what follows; whether any was."""
        counts = ranges.merged(self.parts, self.sizes, over)
        if len(counts) == len(self.parts):
            return False
        parts, self.sizes = ranges.joined(self.parts, self.sizes, counts)
        self.parts = parts if len(parts) > 1 else [self.whole]
        return True


def cut(stage: Source, part: Part, size: int) -> CutFile:
    """A part as ranges, where it is one large file that its stage can cut."""
    plain = len(part.files) == 1 and not (part.detail or part.beside or part.start)
    if not plain or any(size_of(path) <= size for _, path in part.paths()):
        return CutFile.of(part)
    try:
        return CutFile.of(part, stage.cut(part, size))
    except (SeedbedError, MemoryError, ImportError):
        raise
    except Exception:  # the border around a stage's own call: reading tells what is wrong
        return CutFile.of(part)
