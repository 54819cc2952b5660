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

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pyarrow as pa

from stages import call, check, records
from stages.errors import SeedbedError
from stages.gather import Border as Border
from stages.gather import Fault as Fault
from stages.gather import Gathered
from stages.gather import Item as Item
from stages.gather import Rows as Rows
from stages.kinds import RAW, RECORDS, Kind
from stages.place import Place
from stages.verdicts import Batch, Judged, Verdicts

Needs = tuple[tuple[str, ...], ...]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Stage(ABC):
    """Parameters and one judgement. Class values are data that engine, help and tests read.

    name: the word in recipes, on the command line and in make. reasons: reason → what it means,
    a closed set; cuts: the same for text that leaves a record that stays; usual: those of both
    that are the stage's purpose and no loss. libraries: distributions whose versions can change
    the output. extra: the pip extra it needs. exact: whether equal input gives equal bytes on every
    kind of CPU. stays: reason → what keeps a record that left for it: `parameter: value`, as a
    recipe has it, or a parameter and the sign (<, <=, >, >=) that it must then bear to the
    evidence's `score`, with ` ?` behind it where another hit may then take the record. kind: what
    it makes, and how that is shown. consumes: the kind that it works on. other_names: what
    parameters are called elsewhere → here; who uses such a name is told.
    """

    name: ClassVar[str]
    reasons: ClassVar[Mapping[str, str]] = {}
    cuts: ClassVar[Mapping[str, str]] = {}
    usual: ClassVar[tuple[str, ...]] = ()
    libraries: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str | None] = None
    exact: ClassVar[bool] = True
    kind: ClassVar[Kind] = RECORDS
    consumes: ClassVar[Kind] = RECORDS
    other_names: ClassVar[Mapping[str, str]] = {}
    stays: ClassVar[Mapping[str, str]] = {}

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

    def conflicts(self, before: Sequence[Stage]) -> tuple[str, ...]:
        """Sentences on what does not go together with the steps before it in a recipe."""
        return ()

    def control(self) -> Stage | None:
        """The stage that keeps as many records as this one, by chance; None where this one chooses
        none. A run's control is the recipe with it."""
        return None

    def facts(self) -> Mapping[str, Any]:
        """What manifests hold of the stage beside its parameters, as JSON: what its resources
        are known by."""
        return {}

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
    byte range of the single file, when it is cut: `line` in its detail is the one that it begins
    on, from 1. detail: what else names the part (a query), or what its reader has to know.
    fingerprint: stands for the content when there are no files (a database). stamps: file → size,
    times and inode that it had when it was cut; no part of an identity. beside: files that are
    read with `files` where they are there (a log); an empty one is as none.
    """

    root: str
    files: tuple[str, ...] = ()
    start: int = 0
    stop: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str | None = None
    stamps: Mapping[str, Sequence[int]] = field(default_factory=dict)
    beside: Sequence[str] = ()

    def paths(self) -> Iterator[tuple[str, Path]]:
        """(relative path, path to open) of each file."""
        for name in self.files:
            yield name, Path(self.root) / name


FIRST = "first"  # in a part's detail: so many items of each of its files are read, of a sample

ISOLATION_REASONS = {
    "deadline": "reading took longer than the deadline; a machine of another speed may read it",
    "memory": "reading took more memory than the limit",
    "crash": "the reader died on this item, twice, in fresh processes",
}


@dataclass(frozen=True)
class Source(Stage):
    """Reads raw input. `suffixes` picks the files of a folder that is given without a pattern.

    deadline: CPU seconds in the killable child until the next row comes or the next 256 KB are
        read; default 20. A query of your own has no deadline.
    memory: megabytes that the killable child may take for what it reads; default 2048.
    """

    consumes: ClassVar[Kind] = RAW
    usual: ClassVar[tuple[str, ...]] = ("meta",)
    suffixes: ClassVar[tuple[str, ...]] = ()

    deadline: float = field(default=20.0, metadata={"range": (0.01, 86400)})
    memory: int = field(default=2048, metadata={"range": (64, 1 << 20)})

    @abstractmethod
    def parts(self, path: str, size: int) -> list[Part]:
        """Cut the input into independent parts, in a fixed order; no file is cut here.

        path: a file, a folder, a pattern or a URL. size: bytes a part of several files should not
        much exceed; it never changes records or their order. UsageError when there is nothing to
        read.
        """

    def cut(self, part: Part, size: int) -> list[Part]:
        """The part of one large file as ranges of it (`stages.ranges.cut`), each about `size`
        bytes long, that begin where a row probably does; as it is where that cannot be told.
        Little of the file is read for it."""
        return [part]

    @abstractmethod
    def read(self, part: Part) -> Iterator[Item | Fault | Rows | Border]:
        """The items of a part, in order; behind those of a range its Border."""

    @classmethod
    def problem_with(cls, address: str) -> str | None:
        """Why a text with `://`, which is the name of no file, cannot name what the stage reads;
        asked before anything runs. A source that reads addresses answers None for its own. What it
        says shows no part of the address that may be secret."""
        return f"{cls.name} reads files, and this is an address: fetch it, then name the file"

    def passages(self, place: Place, raw: bytes) -> list[tuple[str, str]]:
        """(reason, text) of all that an item's text was, in its order: what the stage left out
        with one of its `cuts`, what it kept with an empty reason. Empty where that is not told."""
        return []

    def named(self) -> Mapping[str, str]:
        """Columns that the parameters name, each with the parameter; a run checks them first."""
        return {}

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
    ) -> call.Records:
        """The records of a file, folder, pattern or URL: iterate them for dicts, read as they are
        asked for, or take all by to_pandas, to_polars, to_dataset, to_arrow.

        rejects: a list that the rejects are appended to; without one, a warning says how many.
        name: the source's name, part of every id; default: the stage's name. isolate: read
        hostile input in a child process that can be killed.
        """
        return call.Records(check.checked(self), str(path), rejects, name or self.name, isolate)

    def splits(self, part: Part, name: str, isolate: bool = False) -> Iterator[Judged]:
        """Read a part: batches of records with ids, rejects and counts."""
        if isolate and "left" not in part.detail:
            from stages.reading import splits_in_child

            yield from splits_in_child(self, part, name)
            return
        gathered = Gathered(self, name)
        for one in files_of(part):
            items = left_out(one) if "left" in part.detail else self.guarded(one)
            for item in _first(items, part.detail.get(FIRST)):
                gathered.add(item)
                if gathered.full:
                    yield gathered.take()
        yield gathered.take()

    @abstractmethod
    def guarded(
        self, part: Part, passed: int = 0, left: Mapping[int, Left] | None = None
    ) -> Iterator[Item | Fault | Rows | Border]:
        """The items of a part, where what the reader raises on bad input is its own fault.

        passed: so many items are known already and need not be worked on again. left: numbers of
        items, from 1, that are to be left out, where that can be, and why.
        """


class Left(Protocol):
    """Why an item is left out."""

    @property
    def reason(self) -> str: ...
    @property
    def evidence(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class RowSource(Source):
    """A source of rows: parts and read."""

    def guarded(
        self, part: Part, passed: int = 0, left: Mapping[int, Left] | None = None
    ) -> Iterator[Item | Fault | Rows | Border]:
        last: Place | None = None
        try:
            for item in self.read(part):
                yield item
                if not isinstance(item, Border):
                    last = item.place_of(-1) if isinstance(item, Rows) else item.place
        except (SeedbedError, MemoryError, OSError, ImportError):
            raise
        except Exception as error:  # the border around a stage's own call
            evidence = {"error": f"{type(error).__name__}: {error}"[:300], "after": str(last or "")}
            yield Fault(Place(part.files[0] if part.files else ""), "crash", evidence)


def left_out(part: Part) -> Iterator[Fault]:
    """The faults of a part that stands for what the listing of a source's files left out."""
    for name, reason, evidence in part.detail["left"]:
        yield Fault(Place(name), reason, evidence, failed=reason == "unreadable")


def _first(
    items: Iterator[Item | Fault | Rows | Border], most: int | None
) -> Iterator[Item | Fault | Rows | Border]:
    """At most so many items."""
    left = most
    for item in items:
        size = len(item) if isinstance(item, Rows) else 1
        if left is not None and size > left:
            assert isinstance(item, Rows)
            item, size = item.slice(0, left), left
        yield item
        left = None if left is None else left - size
        if left == 0:
            return


def files_of(part: Part) -> list[Part]:
    """A part a file, where a part is a bundle of files that are read one by one."""
    if set(part.detail) - {FIRST} or len(part.files) < 2:
        return [part]
    return [replace(part, files=(name,)) for name in part.files]


@dataclass(frozen=True)
class DocumentSource(Source):
    """A source of documents: an item can be named and left out without being read.

    deadline: CPU seconds for one document in the killable child.
    memory: megabytes that the killable child may take for what it reads.
    """

    @abstractmethod
    def items(self, part: Part) -> Iterator[tuple[Place, bytes] | Fault]:
        """The raw documents of a part; what cannot even be opened is a fault."""

    @abstractmethod
    def extract(self, place: Place, raw: bytes) -> Item | Fault:
        """The records of one document with the account of its text, or why there are none. Pure."""

    def read(self, part: Part) -> Iterator[Item | Fault]:
        """Items of a part, extracted one after the other."""
        return self.guarded(part)

    def guarded(
        self, part: Part, passed: int = 0, left: Mapping[int, Left] | None = None
    ) -> Iterator[Item | Fault]:
        for number, item in enumerate(self.items(part), 1):
            why = left.get(number) if left else None
            if isinstance(item, Fault):
                yield item
            elif why is not None:
                place, raw = item
                yield Fault(place, why.reason, why.evidence, raw=raw)
            else:
                place, raw = item
                yield self._item(place, raw) if number > passed else Item(place, raw, ())

    def _item(self, place: Place, raw: bytes) -> Item | Fault:
        try:
            return self.extract(place, raw)
        except (SeedbedError, MemoryError, OSError, ImportError):
            raise
        except Exception as error:  # the border around a stage's own call
            evidence = {"error": f"{type(error).__name__}: {error}"[:300]}
            return Fault(place, "crash", evidence, raw=raw)


# --- stages on records --------------------------------------------------------------------------


@dataclass(frozen=True)
class Transform(Stage):
    """What Map and Fit share: records in, records out, one batch at a time."""

    def __call__(self, data: Any, rejects: list[dict[str, Any]] | None = None) -> Any:
        """Judge records: dicts, what a source reads, a pandas or polars frame, a `Dataset` of
        datasets, an Arrow table, or a corpus (or its path).

        What comes back is of the same kind: dicts give a list of dicts, a frame a frame of the
        columns that it had, `id` and what the stage adds (pandas keeps its index); a corpus gives
        a table. A frame needs no id, source and place; NaN, None and NA are null. rejects: a list
        that the rejects are appended to; without one, a warning says how many left and why.
        """
        return call.transformed(check.checked(self), data, rejects)


@dataclass(frozen=True)
class Map(Transform):
    """Judges each batch by itself."""

    @abstractmethod
    def judge(self, verdicts: Verdicts) -> None:
        """Mark rows with reasons and evidence, set columns, rewrite text. A row's verdict must
        not depend on the other rows of the batch."""

    def split(self, table: pa.Table) -> Judged:
        """Kept, rejects and counts of one batch."""
        verdicts = Verdicts(table, self)
        self.judge(verdicts)
        return verdicts.split()


@dataclass
class State:
    """What a fit stage has learned after a round.

    values: small JSON; tables: Arrow tables that every piece sees; local: one table a piece, in
    piece order, that only this piece sees (None: no piece has one). A piece is judged or
    observed again only when something that it sees has changed. told: JSON that no piece sees:
    `lines` and `warnings` for people, and what later merges are to know.
    """

    round: int = 0
    done: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, pa.Table] = field(default_factory=dict)
    local: list[pa.Table] | None = None
    told: dict[str, Any] = field(default_factory=dict)


@dataclass
class VisibleState:
    """The part of a state that one piece sees."""

    round: int
    values: Mapping[str, Any]
    tables: Mapping[str, pa.Table]
    local: pa.Table | None


@dataclass(frozen=True)
class Fit(Transform):
    """Looks at everything in rounds, then judges each batch."""

    @abstractmethod
    def observe(self, batch: Batch, seen: VisibleState) -> pa.Table:
        """What the next merge needs of one batch; always the same schema within a round.
        The first round is 0."""

    @abstractmethod
    def merge(self, tables: Sequence[pa.Table], state: State) -> State:
        """The next state from one table a piece, in piece order (memory-mapped; may be large).

        Must not depend on how rows are cut into pieces: sum floats as integers, sort what has
        no order. Sets `done` after the last round.
        """

    @abstractmethod
    def judge(self, verdicts: Verdicts, seen: VisibleState) -> None:
        """Mark the rows of one batch, knowing the final state."""

    def split(self, table: pa.Table, seen: VisibleState) -> Judged:
        """Kept, rejects and counts of one batch."""
        verdicts = Verdicts(table, self)
        self.judge(verdicts, seen)
        return verdicts.split()


@dataclass(frozen=True)
class End(Stage):
    """A folder in, a folder out.

    means: parameters that say how to work and not what is made: unfinished work goes on under other
    values of them.
    """

    means: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def run(self, source: Path, out: Path, work: Path, progress: Progress) -> dict[str, Any]:
        """Work on a corpus folder (or a user's file), writing into the empty folder `out`.

        work: a folder that outlives a kill, for checkpoints; empty at first. progress(done,
        total): called now and then. Returns JSON that goes into the manifest under `summary`.
        Raises Preempted after saving to `work` when a signal asks for it.
        """

    def left_behind(self, source: Path, work: Path) -> str | None:
        """Why this stage should not begin anew on `source` while the same step of a run has left
        something unfinished in `work`: a sentence with what differs and what to do. None when
        nothing is lost with it."""
        return None

    def forecast(self, made: Path | None, raw: int) -> list[str]:
        """Lines on what a run of the stage would take, for `plan`; none where that is little.

        made: the folder of what it works on, as the last run of the recipe shows it; None without
        one. raw: bytes of all sources.
        """
        return []

    def __call__(self, source: Any, out: str | Path) -> dict[str, Any]:
        """Run on a corpus or file, write the folder `out`; returns the summary.

        A stage that works on records takes dicts and frames as well, as a transform does.
        """
        return call.ended(check.checked(self), source, Path(out))
