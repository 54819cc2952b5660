"""What goes from step to step: pieces in order, what each step made of them, and their corpus."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from pipeline.engine import across
from pipeline.engine.content import Damaged, verified
from pipeline.engine.jobs import DATA, encode_schema, rejects_of
from pipeline.engine.keys import hash_of, libraries_of
from pipeline.engine.shown import show
from pipeline.engine.store import Store
from pipeline.engine.work import Job, Stretch, Summary
from stages import check
from stages.base import Stage
from stages.corpus import Digest, iterate_arrow
from stages.counts import Counts
from stages.errors import StageFailed
from stages.kinds import Kind
from stages.manifest import MADE_BY, Contents, Manifest, PieceEntry, SourceEntry, StepEntry
from stages.records import FORMAT
from stages.secrets import masked_values


@dataclass(frozen=True)
class Piece:
    """The records of one piece: where they lie, and the hash of that file."""

    key: str
    sha256: str
    rows: int
    data: Path

    @property
    def checked(self) -> Path:
        """The data, once they have been compared with their hash; raises Damaged."""
        return verified(self.data, self.sha256)


@dataclass(frozen=True)
class Outcome:
    """What one step made of one piece: its counts, and the file of its rejects in an entry.
    computed_on: the kind of CPU, where the bytes depend on it."""

    key: str
    counts: Counts
    rejects: Path
    computed_on: str = ""

    @staticmethod
    def all_of(store: Store, summary: Summary) -> list[Outcome]:
        """The outcomes of the steps of an entry."""
        path = store.path(summary["key"])
        return [
            Outcome(
                summary["key"],
                Counts.of(counts),
                path / rejects_of(step),
                summary.get("computed_on", ""),
            )
            for step, counts in enumerate(summary["counts"])
        ]


def piece_of(store: Store, summary: Summary) -> Piece:
    """The piece of a job's summary."""
    key = summary["key"]
    return Piece(key, summary["sha256"], summary["rows"], store.path(key) / DATA)


@dataclass(frozen=True)
class Made:
    """A step that is done: its stage, what it made of each piece, and of which source alone."""

    stage: Stage
    outcomes: Sequence[Outcome]
    source: str | None = None

    @property
    def counts(self) -> Counts:
        """The counts of all pieces."""
        counts = Counts()
        for outcome in self.outcomes:
            counts.add(outcome.counts)
        return counts

    def told(self) -> StepEntry:
        """What a manifest says of the step."""
        entry: StepEntry = {
            "source": self.source,
            "stage": self.stage.name,
            "parameters": masked_values(check.as_json(self.stage)),
            "facts": dict(self.stage.facts()),
            "exact": self.stage.exact,
            "counts": self.counts.as_json(),
            "reasons": dict(self.stage.reasons),
            "cuts": dict(self.stage.cuts),
            "libraries": libraries_of(self.stage),
        }
        if not self.stage.exact:
            entry["computed_on"] = sorted({one.computed_on for one in self.outcomes})
        return entry


@dataclass
class Flow:
    """Pieces in order. sources: name, license, stage and path of what the records came from.
    last: the step that made them, one of each source where no step was common to all."""

    pieces: list[Piece]
    schema: pa.Schema
    kind: Kind
    sources: list[SourceEntry]
    last: list[Made] = field(default_factory=list)
    folder: Path | None = None

    @property
    def identity(self) -> str:
        """What a whole-corpus stage's key is made of."""
        return hash_of([[piece.sha256 for piece in self.pieces], str(self.schema), self.sources])


def joined(parts: Sequence[Flow]) -> Flow:
    """The flows of all sources as one: the columns of all, null where a source lacks one."""
    fields: dict[str, pa.Field] = {}
    for part in parts:
        for column in part.schema:
            known = fields.setdefault(column.name, column)
            if known.type != column.type:
                raise StageFailed(
                    f"two sources have a column {column.name!r}, of type {known.type} and "
                    f"{column.type}"
                )
    return Flow(
        [piece for part in parts for piece in part.pieces],
        pa.schema(list(fields.values())),
        parts[0].kind,
        [about for part in parts for about in part.sources],
        [made for part in parts for made in part.last],
    )


Make = Callable[[list[Job]], list[Summary]]  # entries of jobs, made or found


def _stretches(flow: Flow) -> list[Stretch]:
    return [(str(piece.data), piece.sha256, 0, piece.rows) for piece in flow.pieces if piece.rows]


def _across(do: str, key: list[Any], **values: Any) -> Job:
    """A job on rows of many pieces."""
    job = {"do": do, "about": do, "key": hash_of([do, FORMAT, *key]), "files": [], "own": []}
    return cast(Job, {**job, "steps": [], **values})


def _contents(group: Sequence[Stretch]) -> list[list[Any]]:
    return [list(stretch[1:]) for stretch in group]


def digest_of(make: Make, flow: Flow) -> str:
    """The hash over all rows, independent of the cut."""
    schema = encode_schema(flow.schema)
    jobs = [
        _across("blocks", [str(flow.schema), _contents(group)], stretches=group, schema=schema)
        for group in across.groups(_stretches(flow), exact=True)
    ]
    blocks = [block for summary in make(jobs) for block in summary["value"].split()]
    return Digest.whole(flow.schema, blocks)


def check_ids(make: Make, flow: Flow) -> None:
    """StageFailed when two records have one id; names their places."""
    jobs = [
        _across("ids", [_contents(group)], stretches=group)
        for group in across.groups(_stretches(flow), exact=False)
    ]
    made = make(jobs)
    keys, shas = [one["key"] for one in made], [one["sha256"] for one in made]
    count = across.ranges(sum(piece.rows for piece in flow.pieces))
    looks = [
        _across("twice", [shas, number, count], keys=keys, range=[number, count])
        for number in range(count)
    ]
    twice = next((one["value"] for one in make(looks) if one["value"]), "")
    if twice:
        names = ("id", "source", "place")
        places = [
            f"{source}:{place}"
            for piece in flow.pieces
            for table in iterate_arrow(piece.data, names)
            for one, source, place in zip(
                *(table.column(name).to_pylist() for name in names), strict=True
            )
            if one == twice
        ]
        raise StageFailed(f"two records have the id {twice}: {' and '.join(places[:3])}")


# --- folders ------------------------------------------------------------------------------------


def show_corpus(
    store: Store, flow: Flow, label: str, folder: Path, digest: str | None = None
) -> None:
    """Make `folder` the corpus of a flow: its records, and the rejects of the steps that made it.
    The manifest is a function of code, parameters, input and seed alone. digest: of what is a
    run's last word on its records; for others nobody has asked, and it costs a reading of all."""
    outcomes = [outcome for made in flow.last for outcome in made.outcomes]
    links: dict[str, tuple[str, Path]] = {}
    pieces: list[PieceEntry] = []
    for number, (piece, outcome) in enumerate(zip(flow.pieces, outcomes, strict=True)):
        data, rejects = f"data/{number:05d}.arrow", f"rejects/{number:05d}.arrow"
        links[data], links[rejects] = (piece.key, piece.data), (outcome.key, outcome.rejects)
        pieces.append(
            {
                "data": data,
                "rejects": rejects,
                "rows": piece.rows,
                "bytes": piece.data.stat().st_size,
                "sha256": piece.sha256,
            }
        )
    about: Contents = {
        "label": label,
        "sources": flow.sources,
        "schema": {f.name: str(f.type) for f in flow.schema},
        "pieces": pieces,
    }
    if digest is not None:
        about["digest"] = digest
    _show(store, flow.last, flow.kind, about, folder, links)


def show_rejects(
    store: Store, made: Made, kind: Kind, sources: list[SourceEntry], label: str, folder: Path
) -> None:
    """Make `folder` show what a step counted and left out, without the records after it."""
    links: dict[str, tuple[str, Path]] = {}
    pieces: list[PieceEntry] = []
    for number, outcome in enumerate(made.outcomes):
        name = f"rejects/{number:05d}.arrow"
        links[name] = (outcome.key, outcome.rejects)
        pieces.append({"rejects": name, "rows": outcome.counts.made})
    about: Contents = {"label": label, "sources": sources, "pieces": pieces}
    _show(store, [made], kind, about, folder, links)


def _show(
    store: Store,
    steps: Sequence[Made],
    kind: Kind,
    about: Contents,
    folder: Path,
    links: Mapping[str, tuple[str, Path]],
) -> None:
    counts = Counts()
    for made in steps:
        counts.add(made.counts)
    manifest: Manifest = {
        **MADE_BY,
        "format": FORMAT,
        "kind": kind.name,
        "steps": [made.told() for made in steps],
        "counts": counts.as_json(),
        **about,
    }

    def intact() -> None:
        for key, path in links.values():
            found = store.get(key)
            if found is None:
                raise Damaged(path)
            found.file(path.name)

    show(folder, manifest, {name: path for name, (_, path) in links.items()}, intact)
