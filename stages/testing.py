"""The checks that every stage must pass, ours and those of other people, by shape.

    from seedbed import Case, check_stage

    def test_shout(tmp_path):
        case = Case(Shout(limit=4), records=[{"text": "LOUD"}], reasons={"loud": 1})
        check_stage(case, folder=tmp_path)

A check is a function of cases and an empty folder, and fails with AssertionError; `checks_of` lists
those of a class, for tests that run them one by one.
"""

from __future__ import annotations

import copy
import hashlib
import math
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from stages import check, ranges, records
from stages.base import (
    ISOLATION_REASONS,
    Border,
    End,
    Fault,
    Fit,
    Item,
    Map,
    Part,
    Rows,
    Source,
    Stage,
    State,
    Transform,
    VisibleState,
)
from stages.call import as_table
from stages.corpus import Digest
from stages.counts import Counts, TextCount, characters
from stages.errors import UsageError
from stages.gather import one_by_one
from stages.place import Place
from stages.verdicts import Batch, Judged


@dataclass
class Case:
    """One stage with parameters on one small input, and the reasons that it must give.

    stage: the instance. For sources `path` is a file, folder, pattern or URL; for Map and Fit
    `records` are dicts; for End `path` is a corpus folder or a file. reasons: reason → number of
    rejects that the case must give, exactly. isolate: read in the killable child.
    """

    stage: Stage
    records: Sequence[Mapping[str, Any]] = ()
    path: str = ""
    reasons: Mapping[str, int] = field(default_factory=dict)
    isolate: bool = False
    # What the stage once made of it: reading in a child until a deadline takes its time.
    _made: list[Judged] = field(default_factory=list, init=False, repr=False, compare=False)


Check = Callable[[Sequence[Case], Path], None]


def check_stage(*cases: Case, folder: Path) -> None:
    """All checks of one stage's shape; AssertionError with the first thing that is wrong. The cases
    must reach every reason. folder: an empty one, for what the checks write."""
    assert cases and len({type(case.stage) for case in cases}) == 1, "cases of one stage"
    for one in checks_of(type(cases[0].stage)):
        own = folder / one.__name__
        own.mkdir()
        one(cases, own)


def checks_of(cls: type[Stage]) -> tuple[Check, ...]:
    """The checks of a stage's shape."""
    shape = next(shape for shape in _CHECKS if issubclass(cls, shape))
    return _EVERY + (_FLOWING if shape is not End else ()) + _CHECKS[shape]


def plain_data(cases: Sequence[Case], folder: Path) -> None:
    """The stage is plain data: it can be copied, compared and built from its parameters."""
    name = cases[0].stage.name
    stage = type(cases[0].stage)()
    assert stage.name == name
    assert pickle.loads(pickle.dumps(stage)) == stage == copy.copy(stage)
    assert hash(stage) == hash(type(cases[0].stage)())
    assert type(stage).__name__ in repr(stage)
    assert check.build(type(stage), check.as_json(stage)) == stage
    assert not check.problems_of(type(stage), check.as_json(stage))


def documented(cases: Sequence[Case], folder: Path) -> None:
    """Summary, parameters and reasons have words."""
    cls = type(cases[0].stage)
    assert check.summary(cls).endswith(".") or len(check.summary(cls)) > 15
    lines = check.help_lines(cls)
    missing = [field for field in check.parameters(cls) if not lines.get(field)]
    assert not missing, f"no `name: meaning` entry for {missing}"
    for reason, meaning in cls.reasons.items():
        assert reason.replace("_", "").isalpha() and len(meaning) > 10


def reaches_every_reason(cases: Sequence[Case], folder: Path) -> None:
    """The cases give the reasons that they say, and all of the class together."""
    reached: set[str] = set()
    cut: set[str] = set()
    for case in cases:
        counts = Counts()
        for split in _splits_of(case):
            counts.add(split.counts)
        assert counts.reasons == dict(case.reasons), case.stage
        reached |= set(case.reasons)
        cut |= counts.text.removed.keys() - counts.reasons.keys()
    cls = type(cases[0].stage)
    # What becomes of an item whose reader dies is the child's work, the same for all sources.
    common = set(ISOLATION_REASONS) if issubclass(cls, Source) else set()
    assert reached | common == set(cls.reasons)
    assert cut == set(cls.cuts)


def counts_add_up(cases: Sequence[Case], folder: Path) -> None:
    """Counts are those of the rows, and each reject is whole."""
    name = cases[0].stage.name
    for case in cases:
        for split in _splits_of(case):
            split.counts.check(name)
            assert split.counts.made == split.kept.num_rows
            assert split.counts.dropped + split.counts.failed == split.rejects.num_rows
            for reject in split.rejects.to_pylist():
                assert reject["stage"] == name and reject["id"] and reject["reason"]
                Place.parse(reject["place"])


def same_bytes(cases: Sequence[Case], folder: Path) -> None:
    """Twice gives the same bytes."""
    for case in cases:
        assert _digest(_splits_of(case)) == _digest(_split(case, PART))


def part_sizes(cases: Sequence[Case], folder: Path) -> None:
    """Other part sizes give the same records."""
    for case in cases:
        if not case.isolate:
            assert _digest(_split(case, 1)) == _digest(_split(case, 1 << 30))
            stage = case.stage
            assert isinstance(stage, Source)
            for part in stage.parts(case.path, 1):
                if len(part.files) == 1 and not (part.detail or part.beside):
                    whole = plain(stage.guarded(part))
                    (length,) = (path.stat().st_size for _, path in part.paths())
                    for size in (20 + length // 3, 20 + length // 11):
                        assert one_after_another(in_ranges(stage, part, size)) == whole


def ids_and_places(cases: Sequence[Case], folder: Path) -> None:
    """Ids are unique and places can be read back."""
    seen = 0
    for case in cases:
        kept = pa.concat_tables([split.kept for split in _splits_of(case)])
        ids = kept.column("id").to_pylist()
        assert len(set(ids)) == len(ids)
        for row in kept.to_pylist():
            assert str(Place.parse(row["place"])) == row["place"]
            assert records.form_of(row) is not None
            seen += 1
    assert seen


def hostile_files(cases: Sequence[Case], folder: Path) -> None:
    """Hostile files are faults, or a clear sentence."""
    name = cases[0].stage.name
    stage = type(cases[0].stage)()
    assert isinstance(stage, Source)
    hostile = {
        "empty": b"",
        "nul": b"\0" * 1000,
        "high": bytes(range(256)) * 40,
        "cut": "\N{SNOWMAN}".encode()[:2] + b"\n",
        "megabyte": b"x" * (1 << 20),
        "surrogate": b'{"text": "\\ud800"}\n',
    }
    for kind, data in hostile.items():
        home = folder / kind
        home.mkdir()
        (home / f"file{next(iter(stage.suffixes), '')}").write_bytes(data)
        try:
            for part in stage.parts(str(home), 1 << 20):
                for split in stage.splits(part, name):
                    split.counts.check(name)
        except UsageError as error:
            assert str(error)
    _refused(lambda: stage.parts(str(folder / "nowhere"), 1 << 20))


def batches(cases: Sequence[Case], folder: Path) -> None:
    """One batch or many is the same."""
    for case in cases:
        table, _ = as_table(case.records)
        assert isinstance(case.stage, Transform)
        whole = _transform(case.stage, [table])
        single = _transform(case.stage, [table.slice(row, 1) for row in range(len(table))])
        _assert_equal(
            pa.concat_tables([split.kept for split in whole]),
            pa.concat_tables([split.kept for split in single]),
            exact=case.stage.exact,
        )
        _assert_equal(
            pa.concat_tables([split.rejects for split in whole]),
            pa.concat_tables([split.rejects for split in single]),
            exact=case.stage.exact,
        )


def input_unchanged(cases: Sequence[Case], folder: Path) -> None:
    """What is judged is not changed."""
    for case in cases:
        table, _ = as_table(case.records)
        before = _digest_of_table(table)
        _transform(case.stage, [table])
        assert _digest_of_table(table) == before


def hostile_records(cases: Sequence[Case], folder: Path) -> None:
    """Hostile records pass or are rejected."""
    name = cases[0].stage.name
    like = next(record for record in cases[0].records)
    extra = {key: value for key, value in like.items() if key not in records.CORE}
    hostile: list[dict[str, Any]] = [
        {},
        {"text": ""},
        {"text": "\ud800 lone"},
        {"prompt": "", "completion": ""},
        {"prompt": "a", "completion": None},
        {"prompt": "\0\x01", "completion": "\u202e\ufeff"},
        {"text": "x" * (1 << 20)},
        {"text": "word " * 200_000},
        {"prompt": "q", "completion": "a\n" * 300_000},
        {"messages": []},
        {"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": None}]},
        {"messages": [{"role": "\ud83d", "content": "\udc00"}], "meta": None},
    ]
    table, _ = as_table([{**extra, **record} for record in hostile])
    for split in _transform(cases[0].stage, [table]):
        split.counts.check(name)
        assert split.counts.seen == len(hostile)
    for split in _transform(cases[0].stage, [table.slice(0, 0)]):
        assert split.counts == Counts()


def same_files(cases: Sequence[Case], folder: Path) -> None:
    """An end gives the same files twice."""
    for number, case in enumerate(cases):
        assert isinstance(case.stage, End)
        one, two = folder / f"one{number}", folder / f"two{number}"
        assert case.stage(case.path, out=one) == case.stage(case.path, out=two)
        assert _files_of(one) == _files_of(two)
        assert "manifest.json" in _files_of(one) and len(_files_of(one)) > 1


def names_what_is_missing(cases: Sequence[Case], folder: Path) -> None:
    """An end names an input that is missing, and makes nothing."""
    stage = type(cases[0].stage)()
    assert isinstance(stage, End)
    said = _refused(lambda: stage(folder / "nowhere", out=folder / "out"))
    assert "nowhere" in str(said), said
    assert not (folder / "out").exists()


_EVERY: tuple[Check, ...] = (plain_data, documented)
_FLOWING: tuple[Check, ...] = (reaches_every_reason, counts_add_up, same_bytes)
_CHECKS: dict[type[Stage], tuple[Check, ...]] = {
    Source: (part_sizes, ids_and_places, hostile_files),
    Transform: (batches, input_unchanged, hostile_records),
    End: (same_files, names_what_is_missing),
}


# --- how ----------------------------------------------------------------------------------------


PART = 1 << 20  # bytes


def _splits_of(case: Case) -> list[Judged]:
    """What the stage makes of a case; computed once."""
    case._made = case._made or _split(case, PART)
    return case._made


def _split(case: Case, size: int) -> list[Judged]:
    stage = case.stage
    if isinstance(stage, Source):
        return [
            split
            for part in stage.parts(case.path, size)
            for split in stage.splits(part, stage.name, case.isolate)
        ]
    assert isinstance(stage, Transform)
    return _transform(stage, [as_table(case.records)[0]])


def plain(items: Iterable[Item | Fault | Rows | Border]) -> list[tuple[Any, ...]]:
    """Items in a form in which it does not show whether they came at once."""
    found: list[tuple[Any, ...]] = []
    for one in one_by_one(items):
        if isinstance(one, Fault):
            found.append((*one,))
            continue
        made = records.to_table(one.records)
        held = int(characters(made).sum())
        count = one.text or TextCount(held, held)
        found.append((one.place, one.raw, made.to_pylist(), one.form, count))
    return found


def one_after_another(ranged: Sequence[Sequence[Item | Fault]]) -> list[tuple[Any, ...]]:
    """The items of ranges in the form of `plain`."""
    return [one for made in ranged for one in plain(made)]


def in_ranges(stage: Source, part: Part, size: int) -> list[list[Item | Fault]]:
    """The items of a part as a run reads it with parts of such a size: a list a range. Ids come
    later, and are not looked at."""
    parts = stage.cut(part, size)
    sizes = [1] * len(parts)
    if len(parts) > 1:
        (data,) = (path.read_bytes() for _, path in part.paths())
        parts = ranges.numbered(parts, [data[one.start : one.stop].count(b"\n") for one in parts])
    while len(parts) > 1:
        found = [list(stage.guarded(one)) for one in parts]
        over = [isinstance(made[-1], Border) and made[-1].over for made in found]
        counts = ranges.merged(parts, sizes, over)
        if len(counts) == len(parts):
            return [list(one_by_one(made)) for made in found]
        parts, sizes = ranges.joined(parts, sizes, counts)
    return [list(one_by_one(stage.guarded(part)))]


def _transform(stage: Stage, pieces: Sequence[pa.Table]) -> list[Judged]:
    """Judge pieces as a run does: a fit's rounds see one table a piece."""
    if isinstance(stage, Map):
        return [stage.split(piece) for piece in pieces]
    assert isinstance(stage, Fit)
    state = State()
    seen = [VisibleState(0, {}, {}, None) for _ in pieces]
    while not state.done:
        observed = [
            stage.observe(Batch(piece), one) for piece, one in zip(pieces, seen, strict=True)
        ]
        number = state.round
        state = stage.merge(observed, state)
        state.round = number + 1
        seen = list(_seen_of(state, len(pieces)))
    return [stage.split(piece, one) for piece, one in zip(pieces, seen, strict=True)]


def _seen_of(state: State, pieces: int) -> Iterator[VisibleState]:
    for number in range(pieces):
        local = state.local[number] if state.local is not None else None
        yield VisibleState(state.round, state.values, state.tables, local)


def _digest_of_table(table: pa.Table) -> str:
    whole = Digest(table.schema)
    whole.update(table)
    return whole.hexdigest()


def _digest(splits: Sequence[Judged]) -> tuple[str, str]:
    kept = pa.concat_tables([split.kept for split in splits])
    rejects = pa.concat_tables([split.rejects for split in splits])
    return _digest_of_table(kept), _digest_of_table(rejects)


def _assert_equal(one: pa.Table, two: pa.Table, *, exact: bool) -> None:
    if exact:
        assert one.to_pylist() == two.to_pylist()
        return
    assert one.schema == two.schema
    for left, right in zip(one.to_pylist(), two.to_pylist(), strict=True):
        one_row, other = _rounded(left), _rounded(right)
        assert one_row.keys() == other.keys()
        assert all(_alike(value, other[name]) for name, value in one_row.items()), (left, right)


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        both = math.isnan(one) and math.isnan(other)
        return both or math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-3)
    return bool(one == other)


def _refused(call: Callable[[], object]) -> UsageError:
    """The sentence with which a call is refused."""
    try:
        call()
    except UsageError as error:
        return error
    raise AssertionError("a missing input is no mistake for it")


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    """The row with lists of numbers spread, so that approx compares them one by one."""
    out: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, list) and value and isinstance(value[0], float):
            out |= {f"{key}{number}": item for number, item in enumerate(value)}
        elif isinstance(value, list | dict):
            out[key] = str(value)
        else:
            out[key] = value
    return out


def _files_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
