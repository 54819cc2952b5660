"""A stage tried on some files, in the killable child: what it makes of them, and what it refuses.

Bounded in files, records, bytes and seconds: it is a look, and what is found is said of what was
looked at alone.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stages import call, check, registry
from stages.base import Part, Source, files_of
from stages.child import cpu_of_waiting
from stages.counts import Counts
from stages.errors import SeedbedError
from stages.records import fields
from stages.sample import BYTES, parts_of

RECORDS, FILES = 200, 8
CPU, SECONDS = 3.0, 20.0  # of one look, and on the clock
_DEADLINE = 2.0  # CPU seconds for one item


def spent() -> float:
    """CPU seconds of this process and of those that read for it."""
    return sum(os.times()[:4]) + cpu_of_waiting()


@dataclass
class Tried:
    """records: the first ones, as dicts. counts: of what was read, with forms and reasons.
    rejects: the first ones. raw: bytes of what was read. mistake: why nothing could be."""

    records: list[dict[str, Any]] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    raw: int = 0
    mistake: str = ""

    @property
    def form(self) -> str:
        """How most records were understood."""
        forms = self.counts.forms
        return max(forms, key=lambda line: forms[line]) if forms else ""

    @property
    def whole(self) -> int:
        """How many records have messages or a prompt."""
        return sum("text" not in record for record in self.records)

    def texts(self) -> list[str]:
        """All texts of the records."""
        return [text for record in self.records for _, text in fields(record, "all")]

    def metas(self) -> list[dict[str, Any]]:
        """What beside the texts was kept, of each record."""
        return [json.loads(record["meta"]) if record.get("meta") else {} for record in self.records]


def stage_of(name: str, parameters: Mapping[str, Any]) -> Source:
    """A source stage with parameters and a deadline for a look. UsageError for wrong ones."""
    stage: Source = check.made(registry.find(name), {**parameters, "deadline": _DEADLINE})
    return stage


def tried(name: str, parameters: Mapping[str, Any], path: str, records: int = RECORDS) -> Tried:
    """Read the first records of some of a path's files."""
    found = Tried()
    end, most = time.monotonic() + SECONDS, spent() + CPU
    try:
        stage = stage_of(name, parameters)
        for part in _few(parts_of(stage, path)):
            for judged in stage.splits(part, "look", isolate=True):
                found.counts.add(judged.counts)
                found.raw += judged.bytes
                room = records - len(found.records)
                found.records += list(call.filled(judged.kept.slice(0, max(0, room))))
                found.rejects += judged.rejects.slice(0, max(0, 5 - len(found.rejects))).to_pylist()
                if len(found.records) >= records or time.monotonic() > end or spent() > most:
                    return found
    except SeedbedError as error:
        found.mistake = str(error).splitlines()[0]
    return found


def _few(parts: list[Part]) -> Iterator[Part]:
    """Single files of the parts, spread over them, marked as a sample."""
    single = [one for part in parts if "left" not in part.detail for one in files_of(part)]
    step = max(1, len(single) // FILES)
    for part in single[::step][:FILES]:
        yield replace(part, detail={**part.detail, "sample": BYTES})
