"""A file read by the stage that knows its kind: its records, and what it refuses as findings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from stages import records, registry
from stages.audit.finding import Findings, short, where
from stages.base import Source
from stages.counts import Counts, form_lines
from stages.errors import UsageError
from stages.extract.forms import ALL_COLUMNS
from stages.sketch import folder, groups
from stages.sketch.folder import File

_WHOLE = 1 << 62  # no file is cut


@dataclass
class Read:
    """What was read. stages: of which stages; files: which; counts: of all."""

    records: pa.Table
    counts: Counts = field(default_factory=Counts)
    stages: list[str] = field(default_factory=list)
    files: list[tuple[str, File]] = field(default_factory=list)

    def about(self) -> list[str]:
        """How the records were understood, a line each."""
        return form_lines(self.counts.forms)


def read(path: Path, findings: Findings) -> Read:
    """All records of a file or a folder. UsageError where there is nothing that a stage reads."""
    if not path.exists():
        raise UsageError(f"{path}: not found")
    listed = folder.listed([path.resolve()])
    found, left = groups.grouped(listed.files)
    if not found:
        kinds = ", ".join(f"{kind} ({why})" if why else kind for kind, (_, _, why) in left.items())
        told = kinds or ", ".join(listed.left) or "no files"
        raise UsageError(f"{path}: nothing that a stage reads: {told}")
    tables, made = [], Read(records.SCHEMA.empty_table())
    for group in found:
        reader = str(group.kind.reader)
        made.stages.append(reader)
        made.files += [(reader, file) for file in group.files]
        stage = registry.find(reader)()
        assert isinstance(stage, Source)
        for part in stage.parts(group.path, _WHOLE):
            for judged in stage.splits(part, reader, isolate=True):
                tables.append(judged.kept.select(records.SCHEMA.names))
                made.counts.add(judged.counts)
                _refused(stage, judged.rejects.to_pylist(), findings)
    _unread(listed, left, findings)
    made.records = pa.concat_tables([made.records, *tables])
    _not_understood(made, findings)
    return made


def _unread(listed: folder.Folder, left: groups.Left, findings: Findings) -> None:
    for kind, (number, names, why) in left.items():
        _add_unread(number, names, f"{kind} ({why})" if why else kind, findings)
    for why, (number, names) in listed.left.items():
        _add_unread(number, names, why, findings)
    if listed.more:
        findings.add("unread", "", "and all that the folder has beside these: it is too large")


def _add_unread(number: int, names: Sequence[str], why: str, findings: Findings) -> None:
    for name in [*names, *[""] * (number - len(names))]:
        findings.add("unread", name, why)


def _refused(stage: Source, rejects: Sequence[dict[str, Any]], findings: Findings) -> None:
    for reject in rejects:
        reason = reject["reason"]
        evidence = json.loads(reject["evidence"] or "{}")
        detail = ", ".join(f"{key} {short(value)}" for key, value in [*evidence.items()][:3])
        place, usual = where(reject["place"]), reason in stage.usual
        findings.refused(reason, stage.reasons[reason], usual, place, detail)


def _not_understood(made: Read, findings: Findings) -> None:
    for form, number in made.counts.forms.items():
        if form.startswith(ALL_COLUMNS):
            for _ in range(number):
                findings.add("no_known_column", "")
