"""What a stage is: a frozen dataclass of parameters with one judgement, in one of five shapes.

A stage knows nothing of recipes, processes, caches or engines. Its docstring has one
`name: meaning, unit. Source.` entry a parameter, which is the help text everywhere.

    RowSource       parts, read      → records and faults
    DocumentSource  parts, items, extract   the same; `extract` can run in a killable child
    Map             judge(verdicts)         marks the rows of one batch
    Fit             observe, merge, judge   rounds over all rows first, then like Map
    End             run(input, out)         a folder in, a folder out
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa

from stages import call, records
from stages.place import Place
from stages.verdicts import Batch, Counts, Judged, Verdicts

Needs = tuple[tuple[str, ...], ...]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Stage(ABC):
    """Parameters and one judgement. Class values are data that engine, help and tests read.

    name: the word in recipes, on the command line and in make. reasons: reason → what it means,
    a closed set. libraries: distributions whose versions can change the output. extra: the pip
    extra it needs. exact: whether equal input gives equal bytes on every kind of CPU.
    kind: what it makes: records | tokens | adapter | findings | files.
    consumes: the kind that it works on.
    """

    name: ClassVar[str]
    reasons: ClassVar[Mapping[str, str]] = {}
    libraries: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str | None] = None
    exact: ClassVar[bool] = True
    kind: ClassVar[str] = "records"
    consumes: ClassVar[str] = "records"

    def needs(self) -> Needs:
        """Columns that must be there: one of each group."""
        return ()

    def makes(self) -> Mapping[str, pa.DataType]:
        """Columns that the stage adds, with their Arrow types."""
        return {}

    def drops(self) -> tuple[str, ...]:
        """Columns that are gone after the stage."""
        return ()

    def resources(self) -> tuple[Path, ...]:
        """Files other than code and input that the output depends on (models, lists)."""
        return ()

    def modules(self) -> tuple[str, ...]:
        """Modules of the user's whose code the output depends on."""
        return ()

    def contradictions(self) -> tuple[str, ...]:
        """Sentences on parameters that do not go together or name things that are missing."""
        return ()

    def notes(self) -> tuple[str, ...]:
        """Sentences that people should read before a run; `plan` and the run print them."""
        return ()

    def tell(self, row: Mapping[str, Any]) -> list[str]:
        """Lines that show a person what the stage made of one record (its row after the stage),
        where the columns alone do not."""
        return []

    def schema(self, before: pa.Schema) -> pa.Schema:
        """The schema after the stage, from the schema before it."""
        gone = set(self.drops())
        made = self.makes()
        fields = [f for f in before if f.name not in gone and f.name not in made]
        return pa.schema([*fields, *(pa.field(name, kind) for name, kind in made.items())])


# --- sources ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """An independent piece of a source's input; all values are JSON.

    root: absolute folder; never part of an identity. files: paths relative to it. start, stop:
    byte range of the single file, when it is cut. detail: what else names the part (a query).
    fingerprint: stands for the content when there are no files (a database).
    """

    root: str
    files: tuple[str, ...] = ()
    start: int = 0
    stop: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str | None = None

    def paths(self) -> Iterator[tuple[str, Path]]:
        """(relative path, path to open) of each file."""
        for name in self.files:
            yield name, Path(self.root) / name


class Item(NamedTuple):
    """One item that a source read: its place, its raw bytes (for identity), what it became."""

    place: Place
    raw: bytes
    records: Sequence[Mapping[str, Any]]


class Fault(NamedTuple):
    """One item that a source refused: failed (could not be read) or dropped (by rule)."""

    place: Place
    reason: str
    evidence: Mapping[str, Any]
    text: str = ""
    failed: bool = True
    raw: bytes = b""


@dataclass(frozen=True)
class Source(Stage):
    """Reads raw input. `suffixes` picks the files of a folder that is given without a pattern."""

    consumes: ClassVar[str] = "raw"
    suffixes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def parts(self, path: str, size: int) -> list[Part]:
        """Cut the input into independent parts, in a fixed order.

        path: a file, a folder, a pattern or a URL. size: bytes a part should not much exceed;
        it never changes records or their order. UsageError when there is nothing to read.
        """

    @abstractmethod
    def read(self, part: Part) -> Iterator[Item | Fault]:
        """The items of a part, in order."""

    def forms(self) -> tuple[str, ...]:
        """Which of text, prompt, completion, messages the records can have."""
        return records.FORMS

    def __call__(
        self,
        path: str | Path,
        rejects: list[dict[str, Any]] | None = None,
        *,
        name: str | None = None,
        isolate: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """The records of a file, folder, pattern or URL, as dicts.

        rejects: a list that the rejects are appended to; without one, a warning says how many.
        name: the source's name, part of every id; default: the stage's name. isolate: read
        hostile documents in a child process that can be killed.
        """
        return call.records_of(self, str(path), rejects, name or self.name, isolate)

    def splits(self, part: Part, name: str, isolate: bool = False) -> Iterator[Judged]:
        """Read a part: batches of records with ids, rejects and counts."""
        gathered = _Gathered(self, name, part.detail.get("seen", {}))
        items = self._items(part, isolate)
        for item in items:
            gathered.add(item)
            if gathered.full:
                yield gathered.take()
        yield gathered.take()

    def _items(self, part: Part, isolate: bool) -> Iterator[Item | Fault]:
        return self.read(part)


@dataclass(frozen=True)
class RowSource(Source):
    """A source of rows: parts and read."""


ISOLATION_REASONS = {
    "deadline": "reading took longer than the deadline; a machine of another speed may read it",
    "memory": "reading took more memory than the limit",
    "crash": "the reader died on this item, twice, in fresh processes",
}


@dataclass(frozen=True)
class DocumentSource(Source):
    """A source of documents: an item can be named and left out without being read.

    deadline: CPU seconds for one document in the killable child; ten times that in wall time.
    memory: limit of the child's address space, megabytes.
    """

    deadline: float = field(default=20.0, metadata={"range": (0.01, 86400)})
    memory: int = field(default=4096, metadata={"range": (64, 1 << 20)})

    @abstractmethod
    def items(self, part: Part) -> Iterator[tuple[Place, bytes] | Fault]:
        """The raw documents of a part; what cannot even be opened is a fault."""

    @abstractmethod
    def extract(self, place: Place, raw: bytes) -> list[dict[str, Any]]:
        """The records of one document; raises `Unreadable` with a reason. Pure."""

    def read(self, part: Part) -> Iterator[Item | Fault]:
        """Items of a part, extracted in this process."""
        return call.extracted(self, self.items(part))

    def _items(self, part: Part, isolate: bool) -> Iterator[Item | Fault]:
        if not isolate:
            return self.read(part)
        from stages.child import extracted_in_child

        return extracted_in_child(self, self.items(part))


class _Gathered:
    """Collects the items of a part into batches, giving ids; equal siblings get ordinals."""

    ROWS, BYTES = 1024, 16 << 20

    def __init__(self, stage: Source, name: str, seen: Mapping[str, int]) -> None:
        self.stage, self.name = stage, name
        self._ordinals: dict[bytes, int] = {bytes.fromhex(k): n for k, n in seen.items()}
        self._reset()

    def _reset(self) -> None:
        self._records: list[dict[str, Any]] = []
        self._rejects: list[dict[str, Any]] = []
        self._counts = Counts()
        self._bytes = 0

    @property
    def full(self) -> bool:
        return self._counts.seen >= self.ROWS or self._bytes >= self.BYTES

    def add(self, item: Item | Fault) -> None:
        unit, raw = item.place.unit, item.raw or str(item.place).encode()
        sibling = sibling_digest(unit, raw)
        ordinal = self._ordinals.get(sibling, 0)
        self._ordinals[sibling] = ordinal + 1
        self._bytes += len(raw)
        self._counts.seen += 1
        common = {"source": self.name, "place": str(item.place)}
        if isinstance(item, Item) and item.records:
            self._counts.kept += 1
            for number, record in enumerate(item.records):
                identity = records.record_id(self.name, unit, raw, ordinal, number)
                self._records.append({**record, **common, "id": identity})
            return
        if isinstance(item, Item):
            raise AssertionError(f"{self.stage.name}: an item without records must be a fault")
        if item.reason not in self.stage.reasons:
            raise AssertionError(f"{self.stage.name} has no reason {item.reason!r}")
        self._counts.failed += item.failed
        self._counts.dropped += not item.failed
        self._counts.reasons[item.reason] = self._counts.reasons.get(item.reason, 0) + 1
        self._rejects.append(
            {
                **common,
                "id": records.record_id(self.name, unit, raw, ordinal),
                "stage": self.stage.name,
                "reason": item.reason,
                "failed": item.failed,
                "evidence": records.to_json(dict(item.evidence)),
                "text": item.text[: records.REJECT_TEXT],
            }
        )

    def take(self) -> Judged:
        schema = self.stage.schema(records.SCHEMA)
        self._counts.made = len(self._records)
        self._counts.check(self.stage.name)
        split = Judged(
            records.to_table(self._records, schema),
            records.to_table(self._rejects, records.REJECTS),
            self._counts,
        )
        self._reset()
        return split


def sibling_digest(unit: str, raw: bytes) -> bytes:
    """What equal siblings share: 8 bytes of a hash over unit and raw bytes."""
    return hashlib.blake2b(
        unit.encode("utf-8", "surrogateescape") + b"\0" + raw, digest_size=8
    ).digest()


# --- stages on records --------------------------------------------------------------------------


@dataclass(frozen=True)
class Transform(Stage):
    """What Map and Fit share: records in, records out, one batch at a time."""

    def __call__(self, data: Any, rejects: list[dict[str, Any]] | None = None) -> Any:
        """Judge dicts, an Arrow table, or a corpus (or its path).

        Dicts give a list of dicts; a table or a corpus gives a table. rejects: a list that the
        rejects are appended to; without one, a warning says how many left and why.
        """
        return call.transformed(self, data, rejects)

    def reject_text(self, batch: Batch, row: int) -> str:
        """What a reject shows of the record."""
        return "\n".join(text for _, text in batch.fields(row, "all"))

    def _split(self, table: pa.Table, judge: Callable[[Verdicts], None]) -> Judged:
        verdicts = Verdicts(table, self.name, self.reasons)
        judge(verdicts)
        return verdicts.split(
            self.schema(table.schema), lambda row: self.reject_text(verdicts, row)
        )


@dataclass(frozen=True)
class Map(Transform):
    """Judges each batch by itself."""

    @abstractmethod
    def judge(self, verdicts: Verdicts) -> None:
        """Mark rows with reasons and evidence, set columns, rewrite text. A row's verdict must
        not depend on the other rows of the batch."""

    def split(self, table: pa.Table) -> Judged:
        """Kept, rejects and counts of one batch."""
        return self._split(table, self.judge)


@dataclass
class State:
    """What a fit stage has learned after a round.

    values: small JSON; tables: Arrow tables that every piece sees; local: one table a piece, in
    piece order, that only this piece sees (None: no piece has one). A piece is judged or
    observed again only when something that it sees has changed.
    """

    round: int = 0
    done: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, pa.Table] = field(default_factory=dict)
    local: list[pa.Table] | None = None


@dataclass
class Seen:
    """The part of a state that one piece sees."""

    round: int
    values: Mapping[str, Any]
    tables: Mapping[str, pa.Table]
    local: pa.Table | None


@dataclass(frozen=True)
class Fit(Transform):
    """Looks at everything in rounds, then judges each batch."""

    @abstractmethod
    def observe(self, batch: Batch, seen: Seen) -> pa.Table:
        """What the next merge needs of one batch; always the same schema within a round.
        The first round is 0."""

    @abstractmethod
    def merge(self, tables: Sequence[pa.Table], state: State) -> State:
        """The next state from one table a piece, in piece order (memory-mapped; may be large).

        Must not depend on how rows are cut into pieces: sum floats as integers, sort what has
        no order. Sets `done` after the last round.
        """

    @abstractmethod
    def judge(self, verdicts: Verdicts, seen: Seen) -> None:
        """Mark the rows of one batch, knowing the final state."""

    def split(self, table: pa.Table, seen: Seen) -> Judged:
        """Kept, rejects and counts of one batch."""
        return self._split(table, lambda verdicts: self.judge(verdicts, seen))


@dataclass(frozen=True)
class End(Stage):
    """A folder in, a folder out."""

    @abstractmethod
    def run(self, source: Path, out: Path, work: Path, progress: Progress) -> dict[str, Any]:
        """Work on a corpus folder (or a user's file), writing into the empty folder `out`.

        work: a folder that outlives a kill, for checkpoints; empty at first. progress(done,
        total): called now and then. Returns JSON that goes into the manifest under `summary`.
        Raises Preempted after saving to `work` when a signal asks for it.
        """

    def __call__(self, source: str | Path, out: str | Path) -> dict[str, Any]:
        """Run on a corpus or file, write the folder `out`; returns the summary."""
        return call.ended(self, Path(source), Path(out))
