"""A source read: jobs for its parts, and for the ranges of large files (`ranged`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, cast

from pipeline.engine.account import StepReport
from pipeline.engine.alike import renames_of
from pipeline.engine.content import FileHashes, Hashed, files_of, part_identity
from pipeline.engine.jobs import step_of
from pipeline.engine.keys import hash_of
from pipeline.engine.ranged import CutFile
from pipeline.engine.store import Store
from pipeline.engine.work import Job, PartEntry, Summary
from stages.base import Part, Source
from stages.ranges import numbered
from stages.records import FORMAT


class Maker(Protocol):
    """What a run does for its sources."""

    store: Store
    hashes: FileHashes

    def known(self, stage: Source) -> tuple[str, list[Hashed]]: ...
    def make(
        self, jobs: Sequence[Job], covered: Sequence[Sequence[StepReport]], exact: bool
    ) -> list[Summary]: ...
    def look(self, looks: Sequence[Mapping[str, Any]]) -> list[Summary]: ...


class Reading:
    """Reads one source. name: the source's; report: of its step."""

    def __init__(self, run: Maker, name: str, stage: Source, report: StepReport) -> None:
        self._run, self._name, self._stage, self._report = run, name, stage, report
        self._base, self._files = run.known(stage)

    def summaries(self, files: Sequence[CutFile]) -> list[Summary]:
        """One for each part or range, in order."""
        cut = [file for file in files if file.is_cut]
        if cut:
            self._look_at(cut)
        while True:
            made = iter(self._make([self._read(part) for file in files for part in file.parts]))
            found = [[next(made) for _ in file.parts] for file in files]
            over = [
                file.join([summary["over"] for summary in summaries])
                for file, summaries in zip(files, found, strict=True)
            ]
            if not any(over):
                break
        with_ids = self._with_ids(files, found)
        return [summary for summaries in with_ids for summary in summaries]

    def _make(self, jobs: Sequence[Job]) -> list[Summary]:
        return self._run.make(jobs, [[self._report]] * len(jobs), self._stage.exact)

    def _across(self, jobs: Sequence[Job]) -> list[Summary]:
        """Of jobs that are no pieces: they count as work of the step, and not as pieces."""
        summaries = self._run.make(jobs, [[]] * len(jobs), True)
        self._report.cpu += sum(summary.get("cpu", 0.0) for summary in summaries)
        return summaries

    def _read(self, part: Part) -> Job:
        own = files_of(part, self._run.hashes)
        return {
            "do": "read",
            "key": hash_of([self._base, "read", self._name, part_identity(part, own)]),
            "files": own,
            "own": [self._files],
            "steps": [step_of(self._stage)],
            "part": cast(PartEntry, asdict(part)),
            "source": self._name,
        }

    def _look_at(self, files: Sequence[CutFile]) -> None:
        """Give ranges the lines that they begin on; what no run has looked at is looked at."""
        hashes = self._run.hashes
        looks = [look for file in files for look in file.looks()]
        new = [look for look in looks if hashes.lines_in(*_range_of(look)) is None]
        for look, found in zip(new, self._run.look(new), strict=True):
            self._report.cpu += found["cpu"]
            hashes.learn(*_range_of(look), look["stamp"], found["sha256"], found["lines"])
        for file in files:
            lines = [hashes.lines_in(*_range_of(look)) for look in file.looks()]
            file.parts = numbered(file.parts, [number or 0 for number in lines])

    def _with_ids(
        self, files: Sequence[CutFile], found: Sequence[list[Summary]]
    ) -> list[list[Summary]]:
        """The summaries, where rows that are equal to some of earlier ranges have their ids."""
        cut = [number for number, file in enumerate(files) if file.is_cut]
        looks = self._across([self._alike(files[number], found[number]) for number in cut])
        jobs: list[Job] = []
        at: list[tuple[int, int]] = []
        for number, summary in zip(cut, looks, strict=True):
            entry = self._run.store.needed(summary["key"])
            for piece, read in enumerate(found[number]):
                renames = entry.manifest["hashes"].get(renames_of(piece))
                if renames is not None:
                    keys = [read["key"], summary["key"]]
                    name = [read["key"], read["sha256"], renames]
                    jobs.append(self._job("renamed", name, keys=keys, range=[piece]))
                    at.append((number, piece))
        given = [list(summaries) for summaries in found]
        for (number, piece), summary in zip(at, self._across(jobs), strict=True):
            given[number][piece] = summary
        return given

    def _alike(self, file: CutFile, found: Sequence[Summary]) -> Job:
        (path,) = (path for _, path in file.whole.paths())
        name = [self._name, *([one["key"], one["sha256"]] for one in found)]
        keys = [one["key"] for one in found]
        files = [look for part in file.parts for look in files_of(part, self._run.hashes)]
        job = self._job("alike", name, keys=keys, source=self._name, input=str(path))
        return cast(Job, {**job, "files": files})

    def _job(self, do: str, name: Sequence[object], **values: Any) -> Job:
        key = hash_of([do, FORMAT, *name])
        job = {"do": do, "about": self._stage.name, "key": key, "files": [], "own": [], "steps": []}
        return cast(Job, {**job, **values})


def _range_of(look: Mapping[str, Any]) -> tuple[Path, int, int]:
    return Path(look["path"]), look["start"], look["stop"]
