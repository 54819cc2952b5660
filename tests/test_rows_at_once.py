"""Items that come many at once have the ids, places, counts and texts of items that come alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import records
from stages.arrays import Cells, Refused, json_objects
from stages.base import Fault, Item, Part, Rows, RowSource
from stages.gather import Gathered, one_by_one
from stages.place import Place
from stages.reading import _judged, _numbered, answer_part
from stages.siblings import Siblings
from stages.watch import Board, show_on

_TEXTS = st.text('ab"\\\n\t\r\x00\x1f\x7f\u2028/é{,}\U0001f600', max_size=6)


@dataclass(frozen=True)
class Lines(RowSource):
    """Lines of a file. once: how many come at once; 1: each alone."""

    name: ClassVar[str] = "lines"
    suffixes: ClassVar[tuple[str, ...]] = (".txt",)
    reasons: ClassVar[Mapping[str, str]] = {"empty": "nothing", "crash": "it died"}
    cuts: ClassVar[Mapping[str, str]] = {"meta": "beside"}

    once: int = 1
    lines: str = ""

    def parts(self, path: str, size: int) -> list[Part]:
        return [Part(path, ("a#b.txt",))]

    def read(self, part: Part) -> Iterator[Item | Fault | Rows]:
        rows = rows_of([line.encode() for line in self.lines.split("|") if line])
        for begin in range(0, len(rows), self.once):
            block = rows.slice(begin, begin + self.once)
            if self.once == 1:
                yield from one_by_one([block])
            else:
                yield block
            if b"fault" in bytes(rows.data)[rows.begins[begin] : rows.ends[begin]]:
                yield Fault(Place("a#b.txt", offset=0, length=1, line=1), "empty", {}, raw=b"-")


def rows_of(lines: list[bytes], table: str | None = None) -> Rows:
    """Rows of a text each, and its length in meta."""
    sizes = np.array([len(line) for line in lines], np.int64)
    ends = np.cumsum(sizes + 1) - 1
    texts = pa.array([line.decode() for line in lines], pa.string())
    beside = Cells(pa.array([str(size) for size in sizes], pa.string()), True)
    return Rows(
        Place("a#b.txt", table=table),
        b"\n".join(lines),
        ends - sizes,
        ends,
        {"text": texts, "meta": json_objects({"size": beside, "of": "lines"}, len(lines))},
        "text ← line",
        offsets=ends - sizes + 100,
        lines=np.arange(len(lines)) + 7,
        removed={"meta": np.array([len(str(size)) for size in sizes], np.int64)},
        added=np.minimum(sizes, 1),
    )


def _taken(stage: Lines, part: Part) -> tuple[pa.Table, pa.Table, Any]:
    gathered = Gathered(stage, "s")
    for item in stage.read(part):
        gathered.add(item)
    split = gathered.take()
    return split.kept.combine_chunks(), split.rejects, split.counts


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text("abé\U0001f600", min_size=1, max_size=2) | st.just("fault"), max_size=40),
    st.integers(2, 9),
)
def test_at_once_or_alone_is_the_same(lines: list[str], once: int) -> None:
    part = Part("/", ("a#b.txt",))
    alone = _taken(Lines(once=1, lines="|".join(lines)), part)
    at_once = _taken(Lines(once=once, lines="|".join(lines)), part)
    assert alone[0].equals(at_once[0])
    assert len(set(at_once[0].column("id").to_pylist())) == len(lines)
    if "fault" not in lines:
        assert alone[2] == at_once[2]
        assert alone[1].equals(at_once[1])


def test_equal_rows_have_the_ordinals_of_their_order() -> None:
    stage, part = Lines(once=2, lines="x|y|x|x|y|z"), Part("/", ("a#b.txt",))
    kept = _taken(stage, part)[0]
    wanted = [
        records.record_id("s", "a%23b.txt", line.encode(), ordinal)
        for line, ordinal in (("x", 0), ("y", 0), ("x", 1), ("x", 2), ("y", 1), ("z", 0))
    ]
    assert kept.column("id").to_pylist() == wanted
    assert kept.column("place")[1].as_py() == str(Place("a#b.txt", offset=102, length=1, line=8))


def test_places_of_rows_of_a_table() -> None:
    rows = rows_of([b"a", b"b"], "t[1]")
    keyed = Rows(
        Place("a.db", "m", table="t[1]"), b"ab", np.array([0, 1]), np.array([1, 2]),
        {"text": pa.array(["a", "b"])}, keys=pa.array(["id=1", "id=2"]),
    )  # fmt: skip
    for block in (rows, keyed):
        gathered = Gathered(Lines(), "s")
        gathered.add(block)
        kept = gathered.take().kept
        assert kept.column("place").to_pylist() == [str(block.place_of(n)) for n in (0, 1)]
        assert [str(item.place) for item in one_by_one([block])] == kept.column("place").to_pylist()


def test_refused_at_once_or_alone_is_the_same() -> None:
    rows, sizes = rows_of([b"a", b"bb", b"a"]), np.array([1, 2, 3000])
    told = pa.array(['{"of":1}', '{"of":2}', "{}"])
    texts = pa.array(["a", "", "é" * 3000])
    refused = Refused("empty", False, told, sizes, texts)
    block = replace(rows, columns={}, removed={}, added=None, refused=refused)
    splits = []
    for items in ([block], one_by_one([block]), [block.slice(0, 2), block.slice(2)]):
        gathered = Gathered(Lines(), "s")
        for item in (rows.slice(1, 2), *items):
            gathered.add(item)
        splits.append(gathered.take())
    for split in splits:
        assert split.rejects.combine_chunks().equals(splits[0].rejects.combine_chunks())
        assert split.counts == splits[0].counts
    assert splits[0].rejects.column("text").to_pylist() == ["a", "", "é" * 2000]
    assert splits[0].counts.text.removed == {"meta": 1, "empty": 3003}
    with pytest.raises(AssertionError, match="other"):
        gathered.add(replace(block, refused=replace(refused, reason="other")))


def test_what_a_stage_does_not_declare_is_an_error() -> None:
    rows = rows_of([b"a"])
    gathered = Gathered(Lines(), "s")
    for wrong in (
        replace(rows, removed={"other": rows.added}),
        replace(rows, ends=rows.begins),
    ):
        with pytest.raises(AssertionError):
            gathered.add(wrong)
    with pytest.raises(ValueError, match="other"):
        gathered.add(replace(rows, columns={"other": pa.array(["a"])}))


# --- JSON ---------------------------------------------------------------------------------------

_VALUES = st.none() | _TEXTS | st.integers(-(10**20), 10**20) | st.booleans()


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(_TEXTS, st.lists(_VALUES, min_size=3, max_size=3), max_size=4))
def test_objects_are_written_as_one_by_one(columns: dict[str, list[Any]]) -> None:
    cells: dict[str, Cells | str] = {}
    for name, values in columns.items():
        texts = [v if isinstance(v, str) or v is None else json.dumps(v) for v in values]
        bare = [not isinstance(value, str) for value in values]
        same: Any = bare[0] if len(set(bare)) == 1 else pa.array(bare)
        cells[name] = Cells(pa.array(texts, pa.string()), same)
    made = json_objects(cells, 3).to_pylist()
    for row in range(3):
        there = {name: values[row] for name, values in columns.items() if values[row] is not None}
        assert made[row] == (records.object_json(there) if there else None)


# --- ordinals -----------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=6), max_size=20))
def test_siblings_are_counted_however_they_come(steps: list[int | list[int]]) -> None:
    siblings, wanted = Siblings(), dict[int, int]()
    for step in steps:
        keys = [step] if isinstance(step, int) else step
        ordinals = []
        for key in keys:
            ordinals.append(wanted.get(key, 0))
            wanted[key] = wanted.get(key, 0) + 1
        if isinstance(step, int):
            assert siblings.one(step.to_bytes(8, "little")) == ordinals[0]
        else:
            found = dict(siblings.many(np.array(keys, "<u8")))
            assert [found.get(n, 0) for n in range(len(keys))] == ordinals


# --- in the killable child ------------------------------------------------------------------------


def test_reading_goes_on_within_a_block() -> None:
    stage = Lines(once=7, lines="|".join(f"line {n % 30}" for n in range(50)))
    part = Part("/", ("a#b.txt",))
    whole, _, _ = _taken(stage, part)
    answers: list[Any] = []

    def answer(message: object, raw: bytes) -> None:
        answers.append((message, raw))

    last = {"number": 46, "reason": "crash", "evidence": {}, "last": True}
    request = {"part": asdict(part), "name": "s", "from": [0, 10], "held": [0, 0]}
    show_on(Board())
    try:
        answer_part(stage, {**request, "culprits": {"0": [list(last.values())]}}, answer)
    finally:
        show_on(None)
    (message, raw), (end, _) = answers
    found = _judged(message, raw)
    assert end == {"end": True}
    assert message["at"] == [0, 46]
    assert found.kept.combine_chunks().equals(whole.slice(10, 35).combine_chunks())
    assert found.rejects.column("reason").to_pylist() == ["crash"]


def test_a_block_is_cut_where_reading_goes_on() -> None:
    rows = rows_of([b"a", b"b", b"c", b"d"])
    item = Item(Place("a"), b"x", [{"text": "x"}])
    found = [
        (n, len(i) if isinstance(i, Rows) else 0)
        for n, i in _numbered(iter([item, rows, item]), 3, None)
    ]
    assert found == [(1, 0), (3, 2), (5, 2), (6, 0)]
    found = [
        (n, len(i) if isinstance(i, Rows) else 0)
        for n, i in _numbered(iter([item, rows, item]), 0, 4)
    ]
    assert found == [(1, 0), (4, 3)]
