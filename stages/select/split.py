"""Training and validation: a side for each record, by a hash or by time, without leaks.

Does not shuffle. A side depends only on the seed and on what the record is connected to, so a
corpus that grows keeps the sides of what it had (but for a number of rows, and a cut by time).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.base import Fit, Needs, State, VisibleState
from stages.errors import UsageError
from stages.records import FORMS
from stages.select.sides import benchmarks, connected, leaks, overlap, sizes, strata
from stages.select.sides.connected import KINDS, Evidence, Hashes
from stages.select.sides.dates import seconds
from stages.verdicts import Batch, Verdicts
from stages.words import number, percent

Flags = npt.NDArray[np.bool_]

DATE = "date"  # the word in `by` that cuts by time
DATES = (DATE, "created_at", "created", "timestamp", "time", "published", "posted_at")
_FILE = pa.field("file", pa.uint16())  # of a benchmark, from 1; 0: none
_STRATUM = pa.field("stratum", pa.uint64())  # 0: none
_OBSERVED = connected.KEYS.append(_FILE).append(_STRATUM)
_EXCEPTIONS = pa.schema([("node", pa.uint64())])


@dataclass(frozen=True)
class Split(Fit):
    """Put each record on a side: the column `split` is train or val.

    Records that are connected stay together, also through others. What connects by default is
    what would show a record of the val side to training in other words: the same prompt (a text
    is its own), the opening of a conversation (the user's first turns, of 3 words or more: a
    dialogue with its continuations, the branches of a tree), the object that they come from (one
    page or document, one line or row of which several records were made; `url`, `thread_id`,
    `conversation_id`, `tree_id`, `document_id` and the like in `meta`), and the `group` of near
    duplicates that dedup gives. What many have in common that have nothing to do with each other
    connects nothing: a file of many rows, a system message, a greeting, an opening that more than
    32 different turns follow, a key that says the same of all. A component larger than all that
    is asked for val stays in train.

    The end tells how much went where, and a leak check: how many val records train has as exact
    copies, with the same prompt or opening, with 13 words in a row in common, or as near
    duplicates.

    val: how much is for validation: a share (a twentieth is usual for fine-tuning corpora), a
        number of records (an integer), or the parts of train and val, as 0.99,0.01. A share is met
        to a twentieth where components allow it.
    seed: another seed, another choice.
    by: columns, or keys of `meta`, whose equal values connect too, as topic_id; with `date` the
        newest records are for validation, by the date in that column or key, or in created_at,
        timestamp and the like where there is none. What is connected begins with its oldest
        record; what has no date is for training.
    connect: what connects without being named: prompt, prefix (the opening), object, group.
    stratify: a column, or a key of `meta`, of whose values val has like parts: cluster, language …
        What is connected counts as what most of it is.
    benchmarks: files whose items must not be in the corpus (JSON lines, JSON, Parquet, CSV): a
        record that holds an item's prompt, 13 words in a row of one, all words of one of 5 to
        12, or is a near duplicate of one.
    contaminated: drop what holds an item of a benchmark, or tag it: the column `benchmark` then
        has the item's file and place.
    """

    name: ClassVar[str] = "split"
    reasons: ClassVar[Mapping[str, str]] = {
        "benchmark": "the record holds an item of a benchmark that was named",
    }
    stays: ClassVar[Mapping[str, str]] = {"benchmark": "contaminated: tag"}
    usual: ClassVar[tuple[str, ...]] = ("benchmark",)
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "pyarrow")

    val: sizes.Val = 0.05
    seed: int = 0
    by: tuple[str, ...] = ()
    connect: tuple[Evidence, ...] = get_args(Evidence)
    stratify: str | None = None
    benchmarks: tuple[str, ...] = ()
    contaminated: Literal["drop", "tag"] = "drop"

    @property
    def named(self) -> tuple[str, ...]:
        """The columns of `by`, without the word for time."""
        return tuple(word for word in self.by if word != DATE)

    @property
    def by_time(self) -> bool:
        """Whether the newest are for validation."""
        return DATE in self.by

    def contradictions(self) -> tuple[str, ...]:
        """A `val` of another form; a benchmark that is not there."""
        found = []
        try:
            sizes.asked(self.val)
        except ValueError as error:
            found.append(f"val {error}, not {self.val!r}")
        if self.stratify is not None and self.by_time:
            found.append("by: date takes the newest, whatever they are: it leaves no stratify")
        try:
            benchmarks.files(self.benchmarks)
        except UsageError as error:
            found.append(str(error))
        return tuple(found)

    def resources(self) -> tuple[Path, ...]:
        """The files of benchmarks."""
        return benchmarks.files(self.benchmarks)

    def needs(self) -> Needs:
        """A form to look at, and the clusters that are asked for."""
        return (FORMS, ("cluster",)) if self.stratify == "cluster" else (FORMS,)

    def makes(self) -> Mapping[str, pa.DataType]:
        """split: train or val; benchmark: the file and place of an item, with `tag`."""
        made = {"split": pa.string()}
        return made | {"benchmark": pa.string()} if self._tags else made

    @property
    def _tags(self) -> bool:
        return bool(self.benchmarks) and self.contaminated == "tag"

    # --- rounds: what is connected; the texts of the val side; where train has them ---

    def observe(self, batch: Batch, seen: VisibleState) -> pa.Table:
        """Round 0: the keys of all rows. 1: sketches of the val side's texts. 2: what train has
        of them."""
        file = self._files_of(batch)
        kept = np.ones(len(batch), dtype=bool) if self._tags else file == 0
        if seen.round == 0:
            table = connected.keys_of(batch, self.connect, self.named, self._times(batch))
            table = table.append_column(_FILE, pa.array(file))
            stratum = pa.array(strata.of_rows(batch, self.stratify), pa.uint64())
            return table.append_column(_STRATUM, stratum).cast(_OBSERVED)
        nodes = self._nodes(batch)
        val = self._is_val(nodes, seen)
        if seen.round == 1:
            rows = np.flatnonzero(kept & val & leaks.is_looked_at(nodes, seen.values["every"]))
            return overlap.sketched(overlap.said(batch, rows.tolist()))
        texts = overlap.said(batch, np.flatnonzero(kept & ~val).tolist())
        return leaks.search(seen).hits(texts)

    def merge(self, tables: Sequence[pa.Table], state: State) -> State:
        """Choose sides; then gather what the leak check finds."""
        if state.round == 0:
            return self._chosen(tables)
        whole = pa.concat_tables(tables)
        kept = State(state.round + 1, values=state.values, local=state.local, told=state.told)
        if state.round == 1:
            kept.tables = overlap.tables(whole)
            return kept
        told = leaks.Leaks(**state.told["leaks"], **leaks.found(whole, state.tables))
        lines, warnings = state.told["lines"], state.told["warnings"]
        kept.told = {"lines": [*lines, told.line()], "warnings": [*warnings, *told.warnings()]}
        kept.done = True
        return kept

    def _chosen(self, tables: Sequence[pa.Table]) -> State:
        """After round 0: the sides of all records. UsageError where none is left to train on."""
        every = pa.concat_tables(tables)
        files = every.column("file").to_numpy()
        told = _Told()
        if self.benchmarks:
            told.contaminated(self.benchmarks, files, self._tags)
        table = every if self._tags else every.filter(pc.equal(every.column("file"), 0))
        found = connected.connected(table, self.connect, self.named)
        self._check(table, found)
        roots, component = np.unique(found.root, return_inverse=True)
        rows = np.bincount(component, found.rows, len(roots)).astype(np.int64)
        wanted = sizes.asked(self.val)
        whole = int(rows.sum())
        if wanted.rows is not None and 0 < whole <= wanted.rows:
            raise UsageError(
                f"split.val: {number(wanted.rows)} asked of {number(whole)} records leave none to "
                "train on; ask for fewer, or for a share like 0.1"
            )
        own = component[np.searchsorted(found.nodes, table.column("node").to_numpy())]
        stratum = strata.of_components(table.column("stratum").to_numpy(), own, len(roots))
        taken = self._taken(table, found, roots, own, rows, wanted, stratum)
        # Of a share a hash says the side; pieces see only the records of which it does not.
        share = 0.0 if self.by_time or wanted.rows is not None else wanted.share
        val = taken[component]
        usual = _usual(found.nodes, self.seed, share)
        exceptions = found.nodes[val != usual]
        local = [_own_exceptions(one, exceptions) for one in tables]
        on_val = taken[own]
        told.sizes(rows, taken, wanted.of(whole), found.common)
        if self.stratify is not None and len(rows):
            told.strata(*strata.told(self.stratify, stratum, rows, taken))
        if self.by_time:
            told.undated(table.column("time").null_count, table.num_rows)
        characters = int(table.column("characters").to_numpy()[on_val].sum())
        values = {"share": share, "every": leaks.every(characters)}
        said: dict[str, Any] = {"lines": told.lines, "warnings": told.warnings}
        if on_val.all() or not on_val.any():
            return State(round=1, done=True, values=values, local=local, told=said)
        said["leaks"] = leaks.counted(table, on_val)
        return State(round=1, values=values, local=local, told=said)

    def _check(self, table: pa.Table, found: connected.Components) -> None:
        """UsageError where no record has what `by` names."""
        for count, name in enumerate(self.named, len(KINDS)):
            if count not in found.kinds and table.num_rows:
                raise UsageError(
                    f"split.by: no record has a column {name!r}, nor that key in its meta"
                )
        if (
            self.stratify is not None
            and table.num_rows
            and not table.column("stratum").to_numpy().any()
        ):
            raise UsageError(
                f"split.stratify: no record has a column {self.stratify!r}, nor that key in its "
                "meta"
            )
        if self.by_time and table.num_rows and table.column("time").null_count == table.num_rows:
            raise UsageError(
                f"split.by: date: no record has a date that can be read ({', '.join(DATES)}; a "
                "column or a key of its meta)"
            )

    def _taken(
        self,
        table: pa.Table,
        found: connected.Components,
        roots: connected.Ints,
        own: connected.Ints,
        rows: connected.Ints,
        wanted: sizes.Asked,
        stratum: connected.Ints,
    ) -> Flags:
        """Which components are for validation. own: the component of each row."""
        place = sizes.places(found.nodes[roots], self.seed)
        if self.stratify is not None:
            return strata.chosen(place, rows, stratum, wanted)
        if not self.by_time:
            return sizes.chosen(place, rows, wanted)
        time = np.full(len(roots), sizes.NO_TIME)
        np.minimum.at(time, own, pc.fill_null(table.column("time"), sizes.NO_TIME).to_numpy())
        return sizes.newest(time, place, rows, wanted.of(int(rows.sum())))

    # --- rows ---

    def _times(self, batch: Batch) -> list[int | None]:
        if not self.by_time:
            return [None] * len(batch)
        for name in DATES:
            if name in batch.table.column_names:
                return [seconds(value) for value in batch.column(name)]
        metas = (connected.opened(meta, DATES) for meta in batch.column("meta"))
        return [
            seconds(next((meta[name] for name in DATES if name in meta), None)) for meta in metas
        ]

    def _nodes(self, batch: Batch) -> Hashes:
        return connected.nodes_of(batch, self.connect)

    def _is_val(self, nodes: Hashes, seen: VisibleState) -> Flags:
        assert seen.local is not None
        usual = _usual(nodes, self.seed, seen.values["share"])
        return usual ^ np.isin(nodes, seen.local.column("node").to_numpy())

    def _files_of(self, batch: Batch) -> npt.NDArray[np.uint16]:
        """The number of the benchmark, from 1, that each row holds an item of; 0: none."""
        file = np.zeros(len(batch), dtype=np.uint16)
        if self.benchmarks:
            for row, item, _ in benchmarks.known(self.benchmarks).found(batch):
                file[row] = item.file + 1
        return file

    def judge(self, verdicts: Verdicts, seen: VisibleState) -> None:
        """Set the columns, and drop what holds an item of a benchmark."""
        val = self._is_val(self._nodes(verdicts), seen)
        verdicts.set("split", np.where(val, "val", "train").tolist())
        if not self.benchmarks:
            return
        tags: list[str | None] = [None] * len(verdicts)
        for row, item, evidence in benchmarks.known(self.benchmarks).found(verdicts):
            tags[row] = f"{self.benchmarks[item.file]} {item.place}"
            if not self._tags:
                name = self.benchmarks[item.file]
                verdicts.drop(row, "benchmark", benchmark=name, place=item.place, **evidence)
        if self._tags:
            verdicts.set("benchmark", tags)


def _usual(nodes: Hashes, seed: int, share: float) -> Flags:
    """The sides that a hash gives."""
    return sizes.places(nodes, seed) < share


def _own_exceptions(table: pa.Table, exceptions: Hashes) -> pa.Table:
    own = np.intersect1d(table.column("node").to_numpy(), exceptions)
    return pa.table([own], schema=_EXCEPTIONS)


class _Told:
    """What people are told of the sides: lines, and what is odd about them."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def contaminated(
        self, names: Sequence[str], files: npt.NDArray[np.uint16], tagged: bool
    ) -> None:
        counts = np.bincount(files, minlength=len(names) + 1)[1:].tolist()
        each = ", ".join(f"{name} {number(n)}" for name, n in zip(names, counts, strict=True))
        what = "tagged" if tagged else "dropped"
        self.lines.append(f"benchmarks: records that hold an item, {what}: {each}")

    def sizes(self, rows: connected.Ints, taken: Flags, target: int, common: str) -> None:
        whole, val = int(rows.sum()), int(rows[taken].sum())
        largest = int(rows.max()) if len(rows) else 0
        self.lines.append(
            f"sides: train {number(whole - val)}, val {number(val)} of {number(target)} asked, in "
            f"{number(len(rows))} components of connected records; the largest has "
            f"{number(largest)}"
        )
        if not target:
            return
        if largest > target:
            large = number(int((rows > target).sum()))
            self.warnings.append(
                f"{large} of {number(len(rows))} components have more than the {number(target)} "
                f"records asked for val and stay in train; the largest has {number(largest)} of "
                f"{number(whole)} records ({percent(largest, whole)}), connected most by {common}: "
                "ask for more, or leave that out of `connect` or `by`"
            )
        if abs(val - target) > sizes.TOLERANCE * target and abs(val - target) > 1:
            self.warnings.append(
                f"val has {number(val)} records, {number(target)} were asked for: components of "
                "connected records are not cut"
            )
        elif not val:
            self.warnings.append(
                f"val is empty, {number(target)} were asked for: no component is that small"
            )

    def strata(self, line: str, warnings: Sequence[str]) -> None:
        self.lines.append(line)
        self.warnings += warnings

    def undated(self, missing: int, whole: int) -> None:
        if missing:
            self.warnings.append(
                f"{number(missing)} of {number(whole)} records have no date that can be read, and "
                "stay in train"
            )
