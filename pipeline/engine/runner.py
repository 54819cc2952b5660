"""The steps of a run: sources to pieces, pieces through chains of steps, folders through ends.

Whatever is in the store under the right key is taken from it; the rest is made by the executor.
Consecutive steps that judge records row by row are one chain: a job takes a piece through all of
them, and the records are written once, after the last. A fit looks at all pieces first, so it
begins a chain; a step that makes another kind of thing does too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.engine import flow as flows
from pipeline.engine import states
from pipeline.engine.account import StepReport
from pipeline.engine.content import (
    FileHashes,
    Hashed,
    stage_files,
    stage_unchanged,
)
from pipeline.engine.flow import Flow, Made, Outcome, Piece
from pipeline.engine.gc import RunRecord
from pipeline.engine.jobs import EXECUTE, encode_schema, step_of, summary_of, travelling
from pipeline.engine.keys import base_key, hash_of
from pipeline.engine.nothing import NothingKept
from pipeline.engine.ranged import LOOK, CutFile, cut
from pipeline.engine.reading import Reading
from pipeline.engine.sampling import Taken, sampled
from pipeline.engine.store import Entry, Store
from pipeline.engine.work import Job, Summary
from pipeline.executors.tasks import Executor, Part, Resources
from pipeline.progress import Progress
from pipeline.recipe.recipe import SourceStep
from stages import check
from stages.base import Fit, Source, Stage, Transform
from stages.counts import Counts, form_lines
from stages.errors import Changed, StageFailed
from stages.extract.files import unread
from stages.extract.packed.labels import packed
from stages.manifest import SourceEntry
from stages.records import SCHEMA
from stages.registry import word_of
from stages.words import duration, number


@dataclass
class _Way:
    """One piece on its way through a chain, of which some steps are done."""

    piece: Piece
    number: int
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def done(self) -> int:
        return len(self.outcomes)

    def take(self, store: Store, summary: Summary) -> None:
        self.piece = flows.piece_of(store, summary)
        self.outcomes += Outcome.all_of(store, summary)


class Run:
    """The state of one run. folder: where steps are shown; None for a single stage. sample: source
    → items that are read of it, where that is not all."""

    def __init__(
        self,
        store: Store,
        executor: Executor,
        progress: Progress,
        record: RunRecord,
        folder: Path | None,
        part_bytes: int,
        keep_all: bool = False,
        sample: Mapping[str, int] | None = None,
    ) -> None:
        self.store, self.executor, self.progress, self.record = store, executor, progress, record
        self.folder, self.part_bytes, self.keep_all = folder, part_bytes, keep_all
        self.hashes = FileHashes(store.root / "hashes.json")
        self._sample = sample or {}  # source → items that are read of it
        self.sampled: dict[str, Taken] = {}
        self.empty: NothingKept | None = None  # of a sample, the last source without a record
        self.reports: list[StepReport] = []
        self.shown: set[Path] = set()  # folders of kinds, as they are now
        self._bases: dict[Stage, tuple[str, list[Hashed]]] = {}
        self.began = 0.0

    def again(self) -> None:
        """Begin anew: what is finished comes from the store, everything else is looked at again."""
        self.executor.close()
        self.reports.clear()
        self.shown.clear()
        self._bases.clear()
        self.hashes.begin_anew()

    # --- sources ---

    def source(self, step: SourceStep) -> Flow:
        """Read a source into pieces."""
        stage = step.stage
        assert isinstance(stage, Source)
        (report,) = self.begin([stage], step.name)
        if note := unread(step.path, packed(stage.suffixes), step.masked()[0]):
            self.progress.say(f"{report.label}: {note}")
        summaries = Reading(self, step.name, stage, report).summaries(self._parts(step))
        made = Made(stage, [o for s in summaries for o in Outcome.all_of(self.store, s)], step.name)
        about: SourceEntry = {
            "name": step.name,
            "license": step.license,
            "stage": stage.name,
            "path": step.masked()[0],
        }
        pieces = [flows.piece_of(self.store, summary) for summary in summaries]
        flow = Flow(pieces, stage.schema(SCHEMA), stage.kind, [about], [made])
        return self._finished(flow, [made], [report])

    def _parts(self, step: SourceStep) -> list[CutFile]:
        """The parts of a source, large files cut; Changed when a file vanishes meanwhile."""
        stage = step.stage
        assert isinstance(stage, Source)
        try:
            if step.name not in self._sample:
                parts = stage.parts(step.path, self.part_bytes)
                return [cut(stage, part, self.part_bytes) for part in parts]
            parts, self.sampled[step.name] = sampled(step, self._sample[step.name])
            return [CutFile.of(part) for part in parts]
        except FileNotFoundError as error:
            raise Changed(f"{error.filename} vanished while it was read") from None

    # --- chains ---

    def steps(
        self, stages: Sequence[Stage], flow: Flow, source: str | None = None
    ) -> Iterator[Flow]:
        """Take the pieces of a flow through maps and fits; what each chain of them made. source:
        the only one that the records are of."""
        for chain in chains(stages, self.keep_all):
            flow = self._chain(chain, flow, source)
            yield flow

    def _chain(self, chain: Sequence[Transform], flow: Flow, source: str | None) -> Flow:
        reports = self.begin(chain, source)
        schemas = [flow.schema]
        for stage in chain:
            schemas.append(stage.schema(schemas[-1]))
        texts = [encode_schema(schema) for schema in schemas]
        first, state = chain[0], None
        if isinstance(first, Fit):
            state = self._fitted(first, flow.pieces, texts[0], reports[0])
        ways = [_Way(piece, count) for count, piece in enumerate(flow.pieces)]
        todo: list[tuple[_Way, Job, Sequence[StepReport]]] = []
        for way in ways:
            while way.done < len(chain):
                entry = self._longest(chain, way, texts, state)
                if entry is None:
                    job = self._job(chain[way.done :], way, texts[way.done], state)
                    todo.append((way, job, reports[way.done :]))
                    break
                covered = reports[way.done :][: len(entry.manifest["counts"])]
                self._note(covered, entry.key, computed=False)
                way.take(self.store, summary_of(entry))
        exact = all(stage.exact for stage in chain)
        summaries = self.make([job for _, job, _ in todo], [covered for *_, covered in todo], exact)
        for (way, _, _), summary in zip(todo, summaries, strict=True):
            way.take(self.store, summary)
        for stage in chain:
            stage_unchanged(stage, self.known(stage)[1])  # a schema may come from a model's file
        made = [
            Made(stage, [way.outcomes[step] for way in ways], source)
            for step, stage in enumerate(chain)
        ]
        pieces = [way.piece for way in ways]
        new = Flow(pieces, schemas[-1], chain[-1].kind, flow.sources, [made[-1]])
        before = sum(piece.rows for piece in flow.pieces)
        for one in made:
            if one.counts.seen != before:
                raise AssertionError(f"{one.stage.name} saw {one.counts.seen} records of {before}")
            before = one.counts.made
        return self._finished(new, made, reports)

    def _longest(
        self, chain: Sequence[Transform], way: _Way, schemas: Sequence[str], state: Entry | None
    ) -> Entry | None:
        """The entry of the most steps that a piece was once taken through from where it is."""
        for end in range(len(chain), way.done, -1):
            key = self._key(chain[way.done : end], way, schemas[way.done], state)
            if (entry := self.store.get(key)) is not None:
                return entry
        return None

    def _key(self, steps: Sequence[Transform], way: _Way, schema: str, state: Entry | None) -> str:
        seen = states.seen_by(state, way.number) if state is not None and not way.done else None
        bases = [self.known(stage)[0] for stage in steps]
        return hash_of([bases, "chain", schema, seen, way.piece.sha256])

    def _job(self, steps: Sequence[Transform], way: _Way, schema: str, state: Entry | None) -> Job:
        """The job that takes a piece through steps, from where it is."""
        told = [step_of(stage) for stage in steps]
        if state is not None and not way.done:
            told[0] = step_of(steps[0], state.key, way.number)
        return {
            "do": "chain",
            "key": self._key(steps, way, schema, state),
            "files": [],
            "own": [self.known(stage)[1] for stage in steps],
            "steps": told,
            "input": str(way.piece.data),
            "sha256": way.piece.sha256,
            "schema": schema,
        }

    def _fitted(
        self, stage: Stage, pieces: Sequence[Piece], schema: str, report: StepReport
    ) -> Entry:
        """Run the rounds of a fit; returns its final state."""
        base, files = self.known(stage)
        state: Entry | None = None
        turn = 0
        while state is None or not state.manifest["done"]:
            jobs: list[Job] = []
            for count, piece in enumerate(pieces):
                seen = None if state is None else states.seen_by(state, count)
                step = step_of(stage, state.key if state else None, count)
                jobs.append(
                    {
                        "do": "observe",
                        "key": hash_of([base, "observe", schema, seen, piece.sha256]),
                        "files": [],
                        "own": [files],
                        "steps": [step],
                        "input": str(piece.data),
                        "sha256": piece.sha256,
                        "schema": schema,
                    }
                )
            observed = self.make(jobs, [[report]] * len(jobs), stage.exact)
            before = state.manifest["sha256"] if state else None
            key = hash_of([base, "fold", turn, [one["sha256"] for one in observed], before])
            merge: Job = {
                "do": "fold",
                "key": key,
                "files": [],
                "own": [files],
                "steps": [step_of(stage, state.key if state else None)],
                "observed": [one["key"] for one in observed],
            }
            self.make([merge], [[report]], stage.exact)
            state = self.store.get(key)
            if state is None:
                raise StageFailed(f"{stage.name}: its state disappeared from {self.store.root}")
            turn += 1
        report.learned = states.learned(state)
        return state

    # --- what all steps share ---

    def known(self, stage: Stage) -> tuple[str, list[Hashed]]:
        """The base of a stage's keys, and the files (models, modules) that it was made of."""
        if stage not in self._bases:
            files = [self.hashes.hashed(path) for path in stage_files(stage)]
            self._bases[stage] = base_key(stage, self.hashes), files
        return self._bases[stage]

    def begin(self, stages: Sequence[Stage], source: str | None) -> list[StepReport]:
        """Reports of steps that begin together."""
        reports: list[StepReport] = []
        for stage in stages:
            label = StepReport.label_of(len(self.reports) + len(reports) + 1, stage.name, source)
            folder = f"steps/{label}" if self.folder else ""
            parameters = check.as_json(stage)
            word, kind = word_of(type(stage)), stage.kind.name
            reports.append(StepReport(label, word, kind, parameters, folder, source))
            self.progress.event("begin", label=label, stage=stage.name)
            for note in stage.notes():
                self.progress.say(f"{label}: {note}")
        names = ", ".join(stage.name for stage in stages)
        self.progress.begin(names + (f" {source}" if source else ""))
        self.began = time.monotonic()
        return reports

    def make(
        self, jobs: Sequence[Job], covered: Sequence[Sequence[StepReport]], exact: bool
    ) -> list[Summary]:
        """The summaries of the jobs, from the store where it has them. covered: the reports of
        the steps of each job. exact: whether they give the same bytes on every kind of CPU."""
        summaries: dict[str, Summary] = {}
        missing: dict[str, tuple[Job, Sequence[StepReport]]] = {}
        for job, reports in zip(jobs, covered, strict=True):
            key = job["key"]
            if key in summaries or key in missing:
                continue
            entry = self.store.get(key)
            if entry is not None:
                summaries[key] = summary_of(entry)
                self._note(reports, key, computed=False)
            else:
                missing[key] = {**job, "store": str(self.store.root)}, reports
        self.record.add(missing)
        todo = [travelling(self.store, self._named(job)) for job, _ in missing.values()]
        done = self.executor.map(EXECUTE, todo, Resources(alike=not exact))
        made = zip(missing.values(), done, strict=True)
        for count, ((job, reports), given) in enumerate(made, 1):
            summary = self._whole(given)
            summaries[job["key"]] = summary
            self._note(reports, summary["key"], computed=True)
            for report, share in zip(reports, summary["shares"], strict=True):
                report.cpu += summary["cpu"] * share
            label = reports[-1].label if reports else ""
            self.progress.event("piece", label=label, key=summary["key"])
            self.progress.step(count, len(todo))
        return [summaries[job["key"]] for job in jobs]

    def look(self, looks: Sequence[Part]) -> list[Summary]:
        """What is to be known of ranges of files before they are read."""
        return list(self.executor.map(LOOK, looks))

    def across(self, jobs: list[Job]) -> list[Summary]:
        """Work on rows of many pieces, which is of no step."""
        return self.make(jobs, [[]] * len(jobs), exact=True)

    @staticmethod
    def _named(job: Job) -> Job:
        if "about" in job:
            return job
        return {**job, "about": ", ".join(step["stage"] for step in job["steps"])}

    def _whole(self, summary: Summary) -> Summary:
        """A summary with the counts, which the manifest has where they did not travel."""
        if "counts" not in summary:
            summary["counts"] = self.store.needed(summary["key"]).manifest.get("counts", [])
        return summary

    def _note(self, reports: Sequence[StepReport], key: str, computed: bool) -> None:
        """Steps use an entry, made now or found."""
        self.record.add([key])
        for report in reports:
            report.keys.append(key)
            report.computed += computed
            report.reused += not computed

    def _finished(self, flow: Flow, made: Sequence[Made], reports: Sequence[StepReport]) -> Flow:
        """Account for steps that are done, show them, and stop where nothing is left."""
        spent = time.monotonic() - self.began
        whole = sum(report.cpu for report in reports)
        for one, report in zip(made, reports, strict=True):
            counts = one.counts
            counts.check(one.stage.name)
            report.counts, report.pieces = counts.as_json(), len(one.outcomes)
            report.seconds = spent * (report.cpu / whole if whole else 1 / len(reports))
            if self.folder and one is made[-1]:
                flow.folder = self.folder / report.folder
                flows.show_corpus(self.store, flow, report.label, flow.folder)
            elif self.folder:
                folder = self.folder / report.folder
                flows.show_rejects(self.store, one, flow.kind, flow.sources, report.label, folder)
            self.tell(report, _told(counts))
            if not counts.made:
                shown = self.folder / report.folder if self.folder else None
                nothing = NothingKept(one, counts, report.label, flow, shown)
                if one.source not in self._sample:
                    raise nothing
                self.empty = nothing  # what a sample has of one source may be its first lines
        return flow

    def tell(self, report: StepReport, told: str) -> None:
        report.ended = time.time()
        self.reports.append(report)
        self.progress.event(
            "end",
            label=report.label,
            seconds=round(report.seconds, 3),
            cpu=round(report.cpu, 3),
            computed=report.computed,
            reused=report.reused,
            counts=report.counts,
        )
        made = "" if report.computed else "  (from the store)"
        self.progress.say(f"{report.label:<24} {told}  {duration(report.seconds)}{made}")
        understood = form_lines(report.counts["forms"]) if report.counts else []
        for line in [*understood, *(report.learned["lines"] if report.learned else ())]:
            self.progress.say(f"{'':<24} {line}")


def chains(steps: Sequence[Stage], single: bool) -> Iterator[list[Transform]]:
    """Steps in rows that are done together. single: each by itself."""
    row: list[Transform] = []
    for step in steps:
        assert isinstance(step, Transform)
        if row and (single or isinstance(step, Fit) or step.kind != row[-1].kind):
            yield row
            row = []
        row.append(step)
    if row:
        yield row


def _told(counts: Counts) -> str:
    text = f"in {number(counts.seen):>7}  kept {number(counts.kept):>7}"
    text += f"  dropped {number(counts.dropped):>5}  failed {number(counts.failed):>4}"
    return text + (f"  made {number(counts.made)}" if counts.made != counts.kept else "")
