"""The steps of a run: sources to pieces, pieces through maps and fits, folders through ends.

Whatever is in the store under the right key is taken from it; the rest is made by the executor.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.engine import flow as flows
from pipeline.engine.account import Done
from pipeline.engine.content import FileHashes, Hashed, files_of, part_identity, unchanged, verified
from pipeline.engine.flow import Flow, Piece
from pipeline.engine.gc import Mark
from pipeline.engine.jobs import encode_schema, summary_of
from pipeline.engine.keys import base_key, hash_of
from pipeline.engine.store import Entry, Store
from pipeline.executors.local import Executor
from pipeline.progress import Progress
from pipeline.recipe.checked import SourceStep
from stages import check, user_code
from stages.base import End, Fit, Map, Part, Source, Stage
from stages.counts import Counts
from stages.errors import Changed, StageFailed
from stages.records import FORMAT, SCHEMA
from stages.words import duration, number


@dataclass(frozen=True)
class Content:
    """What an end stage works on: its identity for the key, and the files that it is made of
    (pieces with their hashes; files of the user's as they were when they were hashed)."""

    identity: str
    pieces: Sequence[tuple[Path, str]] = ()
    files: Sequence[Hashed] = ()


class Run:
    """The state of one run. folder: where steps are shown; None for a single stage, whose
    corpus is shown at the end in `out`."""

    def __init__(
        self,
        store: Store,
        executor: Executor,
        progress: Progress,
        mark: Mark,
        folder: Path | None,
        part_bytes: int,
    ) -> None:
        self.store, self.executor, self.progress, self.mark = store, executor, progress, mark
        self.folder, self.part_bytes = folder, part_bytes
        self.out: Path | None = None
        self.hashes = FileHashes(store.root / "hashes.json")
        self.done: list[Done] = []
        self._bases: dict[Stage, tuple[str, list[Hashed]]] = {}
        self._current = Done("", "", "", {}, "")
        self._began = 0.0

    # --- the parts of a step ---

    def _base(self, stage: Stage) -> str:
        return self._known(stage)[0]

    def _known(self, stage: Stage) -> tuple[str, list[Hashed]]:
        """The base of a stage's keys, and the files (models, modules) that it was made of."""
        if stage not in self._bases:
            modules = [path for module in stage.modules() for path in user_code.files(module)]
            files = [self.hashes.hashed(path) for path in (*stage.resources(), *modules)]
            self._bases[stage] = base_key(stage, self.hashes), files
        return self._bases[stage]

    def again(self) -> None:
        """Begin anew: what is finished comes from the store, everything else is looked at again."""
        self.executor.close()
        self.done.clear()
        self._bases.clear()

    def _job(self, do: str, stage: Stage, key: str, files: Sequence[Hashed] = ()) -> dict[str, Any]:
        """The common part of a job. files: of the input, beside those of the stage itself."""
        return {
            "do": do,
            "stage": stage.name,
            "parameters": check.as_json(stage),
            "key": key,
            "files": [*files, *self._known(stage)[1]],
        }

    def _begin(self, stage: Stage, source: str | None) -> None:
        label = Done.label_of(len(self.done) + 1, stage.name, source)
        folder = f"steps/{label}" if self.folder else ""
        self._current = Done(
            label, stage.name, stage.kind.name, check.as_json(stage), folder, source
        )
        self._began = time.monotonic()
        self.progress.begin(stage.name + (f" {source}" if source else ""))
        self.progress.event("begin", label=label, stage=stage.name)
        for note in stage.notes():
            self.progress.say(f"{label}: {note}")

    def _make(self, jobs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The summaries of the jobs, from the store where it has them."""
        summaries: dict[str, dict[str, Any]] = {}
        missing: dict[str, dict[str, Any]] = {}
        for job in jobs:
            key = job["key"]
            if key in summaries or key in missing:
                continue
            entry = self.store.get(key)
            if entry is not None:
                summaries[key] = summary_of(entry)
            else:
                missing[key] = {**job, "store": str(self.store.root)}
        self._current.reused += len(summaries)
        self._current.computed += len(missing)
        todo = list(missing.values())
        self.mark.add([*summaries, *missing])
        made = zip(todo, self.executor.map(todo), strict=True)
        for count, (job, summary) in enumerate(made, 1):
            summaries[job["key"]] = summary
            if summary["key"] != job["key"]:
                self.mark.add([summary["key"]])
            self._current.cpu += summary["cpu"]
            self.progress.event("piece", label=self._current.label, key=summary["key"])
            self.progress.step(count, len(todo))
        self._current.keys += [summary["key"] for summary in summaries.values()]
        return [summaries[job["key"]] for job in jobs]

    def _end(self, stage: Stage, flow: Flow, before: int | None) -> Flow:
        """Account for a finished step, show its corpus, and stop when nothing is left."""
        flow.counts = flows.total(flow.pieces)
        flow.counts.check(stage.name)
        if before is not None and flow.counts.seen != before:
            raise AssertionError(
                f"{stage.name} saw {flow.counts.seen} records of the {before} made before it"
            )
        if self.folder:
            flow.folder = self.folder / self._current.folder
            flows.show_corpus(self.store, flow, stage, self._current.label, flow.folder)
        self._current.counts = asdict(flow.counts)
        self._current.pieces = len(flow.pieces)
        self._finish(_told(flow.counts))
        if not flow.counts.made:
            why = ", ".join(f"{n} {reason}" for reason, n in sorted(flow.counts.reasons.items()))
            if flow.folder is None and self.out is not None:
                flow.folder = self.out
                flows.show_corpus(self.store, flow, stage, stage.name, self.out)
            where = f"; the rejects are in {flow.folder}" if flow.folder else ""
            raise StageFailed(
                f"{self._current.label}: nothing was kept of {number(flow.counts.seen)} "
                f"({why or 'the input is empty'}){where}"
            )
        return flow

    def _finish(self, told: str) -> None:
        done = self._current
        done.seconds = time.monotonic() - self._began
        self.done.append(done)
        self.progress.event(
            "end",
            label=done.label,
            seconds=round(done.seconds, 3),
            cpu=round(done.cpu, 3),
            computed=done.computed,
            reused=done.reused,
            counts=done.counts,
        )
        made = "" if done.computed else "  (from the store)"
        self.progress.say(f"{done.label:<24} {told}  {duration(done.seconds)}{made}")

    # --- the steps ---

    def source(self, step: SourceStep) -> Flow:
        """Read a source into pieces."""
        stage = step.stage
        assert isinstance(stage, Source)
        self._begin(stage, step.name)
        base = self._base(stage)
        jobs = []
        for part in _parts(stage, step.path, self.part_bytes):
            files = files_of(part, self.hashes)
            key = hash_of([base, "source", step.name, part_identity(part, files)])
            job = self._job("source", stage, key, files)
            jobs.append({**job, "source": step.name, "part": asdict(part)})
        pieces = [flows.piece_of(self.store, summary) for summary in self._make(jobs)]
        about = {
            "name": step.name,
            "license": step.license,
            "stage": stage.name,
            "path": step.masked()[0],
        }
        flow = Flow(pieces, stage.schema(SCHEMA), stage.kind.name, [about])
        return self._end(stage, flow, None)

    def transform(self, stage: Stage, flow: Flow, source: str | None = None) -> Flow:
        """Take the pieces of a flow through a map or fit stage."""
        self._begin(stage, source)
        schema = encode_schema(flow.schema)
        if isinstance(stage, Map):
            base = self._base(stage)
            jobs = [
                {
                    **self._job("map", stage, hash_of([base, "map", schema, p.sha256])),
                    "input": str(p.data),
                    "sha256": p.sha256,
                    "schema": schema,
                }
                for p in flow.pieces
            ]
        else:
            assert isinstance(stage, Fit)
            jobs = self._fitted(stage, flow.pieces, schema)
        pieces = [flows.piece_of(self.store, summary) for summary in self._make(jobs)]
        new = Flow(pieces, stage.schema(flow.schema), stage.kind.name, flow.sources)
        return self._end(stage, new, sum(piece.rows for piece in flow.pieces))

    def _fitted(self, stage: Fit, pieces: Sequence[Piece], schema: str) -> list[dict[str, Any]]:
        """Run the rounds; returns the jobs that judge the pieces with the final state."""
        base = self._base(stage)
        state: Entry | None = None
        turn = 0
        while state is None or not state.manifest["done"]:
            jobs = [
                self._with_state("observe", stage, state, number_, piece, schema)
                for number_, piece in enumerate(pieces)
            ]
            observed = self._make(jobs)
            key = hash_of(
                [
                    base,
                    "merge",
                    turn,
                    [summary["sha256"] for summary in observed],
                    state.manifest["sha256"] if state else None,
                ]
            )
            merge = {
                **self._job("merge", stage, key),
                "observed": [summary["key"] for summary in observed],
                "state": state.key if state else None,
            }
            self._make([merge])
            state = self.store.get(key)
            if state is None:
                raise StageFailed(f"{stage.name}: its state disappeared from {self.store.root}")
            turn += 1
        return [
            self._with_state("judge", stage, state, number_, piece, schema)
            for number_, piece in enumerate(pieces)
        ]

    def _with_state(
        self, do: str, stage: Fit, state: Entry | None, count: int, piece: Piece, schema: str
    ) -> dict[str, Any]:
        """A job that sees a state; its key holds no more of the state than the piece sees."""
        seen = None
        if state is not None:
            locals_ = state.manifest["locals"]
            own = locals_[count] if locals_ else None
            seen = [state.manifest["round"], state.manifest["shared"], own]
        key = hash_of([self._base(stage), do, schema, seen, piece.sha256])
        return {
            **self._job(do, stage, key),
            "input": str(piece.data),
            "sha256": piece.sha256,
            "schema": schema,
            "state": state.key if state else None,
            "local": count,
        }

    def end(
        self,
        stage: End,
        source: Path,
        content: Content,
        sources: list[dict[str, Any]],
    ) -> Entry:
        """Run an end stage in this process; its folder is an entry of the store."""
        self._begin(stage, None)
        key = hash_of([self._base(stage), "end", content.identity])
        self.mark.add([key])
        entry = self.store.get(key) or self._ended(stage, key, source, content, sources)
        self._current.reused = 1 - self._current.computed
        self._current.keys = [key]
        self._current.summary = entry.manifest["summary"]
        if self.folder:
            flows.show_entry(entry, self.folder / self._current.folder)
        self._finish(f"→ {stage.kind}")
        return entry

    def _ended(
        self,
        stage: End,
        key: str,
        source: Path,
        content: Content,
        sources: list[dict[str, Any]],
    ) -> Entry:
        with self.store.work(key) as work:
            entry = self.store.get(key)  # another run may have made it while this one waited
            if entry is not None:
                return entry
            self._current.computed = 1
            before = os.times()
            files = [Hashed(*file) for file in self._job("end", stage, key, content.files)["files"]]

            def write(folder: Path) -> dict[str, Any]:
                for path, sha256 in content.pieces:
                    verified(path, sha256)
                summary = stage.run(source, folder, work, self.progress.step)
                unchanged(files, read=True)
                return {
                    "format": FORMAT,
                    "kind": stage.kind.name,
                    "label": self._current.label,
                    "stage": stage.name,
                    "parameters": check.as_json(stage),
                    "exact": stage.exact,
                    "sources": sources,
                    "summary": summary,
                }

            entry = self.store.put(key, write)
            after = os.times()
            self._current.cpu = after.user + after.system - before.user - before.system
            self.store.finish(key)
            return entry


def _parts(stage: Source, path: str, size: int) -> list[Part]:
    """The parts of a source; Changed when a file vanishes while they are looked for."""
    try:
        return stage.parts(path, size)
    except FileNotFoundError as error:
        raise Changed(f"{error.filename} vanished while it was read") from None


def _told(counts: Counts) -> str:
    text = f"in {number(counts.seen):>7}  kept {number(counts.kept):>7}"
    text += f"  dropped {number(counts.dropped):>5}  failed {number(counts.failed):>4}"
    return text + (f"  made {number(counts.made)}" if counts.made != counts.kept else "")
