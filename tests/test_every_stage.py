"""The checks that every stage must pass, by shape; no stage is exempted by name.

The cases come from `tests/cases/NAME.py`, one module a stage; a stage without one fails.
"""

from __future__ import annotations

import copy
import hashlib
import importlib
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import stages
from pipeline.engine import keys
from stages import check, records
from stages.base import (
    ISOLATION_REASONS,
    End,
    Fit,
    Map,
    Source,
    Stage,
    State,
    Transform,
    VisibleState,
)
from stages.call import as_table
from stages.corpus import Digest
from stages.counts import Counts
from stages.errors import UsageError
from stages.place import Place
from stages.verdicts import Batch, Judged
from tests.case import Case

NAMES = sorted(stages.TABLE)
SOURCES = [name for name in NAMES if issubclass(stages.stage(name), Source)]
TRANSFORMS = [name for name in NAMES if issubclass(stages.stage(name), Transform)]
ENDS = [name for name in NAMES if issubclass(stages.stage(name), End)]
MATRIX: dict[str, set[str]] = {name: set() for name in NAMES}


def ran(name: str, what: str) -> None:
    MATRIX[name].add(what)


@pytest.fixture
def cases(request: pytest.FixtureRequest, tmp_path: Path) -> list[Case]:
    """The cases of the stage that the test is parametrized with."""
    name = request.node.callspec.params["name"]
    found = importlib.import_module(f"tests.cases.{name}").cases(tmp_path)
    assert found and all(type(case.stage) is stages.stage(name) for case in found)
    return list(found)


# --- every stage --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_is_plain_data(name: str) -> None:
    stage = stages.stage(name)()
    assert stage.name == name
    assert pickle.loads(pickle.dumps(stage)) == stage == copy.copy(stage)
    assert hash(stage) == hash(stages.stage(name)())
    assert type(stage).__name__ in repr(stage)
    assert check.build(type(stage), check.as_json(stage)) == stage
    assert not check.problems_of(type(stage), check.as_json(stage))
    ran(name, "plain data")


@pytest.mark.parametrize("name", NAMES)
def test_is_documented(name: str) -> None:
    cls = stages.stage(name)
    assert check.summary(cls).endswith(".") or len(check.summary(cls)) > 15
    lines = check.help_lines(cls)
    missing = [field for field in check.parameters(cls) if not lines.get(field)]
    assert not missing, f"no `name: meaning` entry for {missing}"
    for reason, meaning in cls.reasons.items():
        assert reason.replace("_", "").isalpha() and len(meaning) > 10
    ran(name, "documented")


@pytest.mark.parametrize("name", NAMES)
def test_its_code_can_be_hashed(name: str) -> None:
    module = stages.TABLE[name][0]
    assert {module, "stages.base", "stages.records"} <= keys.closure(module)
    assert len(keys.fingerprint(module)) == 64
    ran(name, "code hash")


@pytest.mark.parametrize("name", SOURCES + TRANSFORMS)
def test_reaches_every_reason(name: str, cases: list[Case]) -> None:
    reached: set[str] = set()
    cut: set[str] = set()
    for case in cases:
        counts = Counts()
        for split in splits_of(case):
            counts.add(split.counts)
        assert counts.reasons == dict(case.reasons), case.stage
        reached |= set(case.reasons)
        cut |= counts.text.removed.keys() - counts.reasons.keys()
    cls = stages.stage(name)
    # What becomes of an item whose reader dies is the child's work, the same for all sources.
    common = set(ISOLATION_REASONS) if issubclass(cls, Source) else set()
    assert reached | common == set(cls.reasons)
    assert cut == set(cls.cuts)
    ran(name, "reasons")


@pytest.mark.parametrize("name", SOURCES + TRANSFORMS)
def test_counts_add_up_and_rejects_are_whole(name: str, cases: list[Case]) -> None:
    for case in cases:
        for split in splits_of(case):
            split.counts.check(name)
            assert split.counts.made == split.kept.num_rows
            assert split.counts.dropped + split.counts.failed == split.rejects.num_rows
            for reject in split.rejects.to_pylist():
                assert reject["stage"] == name and reject["id"] and reject["reason"]
                Place.parse(reject["place"])
    ran(name, "identity")


@pytest.mark.parametrize("name", SOURCES + TRANSFORMS)
def test_twice_gives_the_same_bytes(name: str, cases: list[Case]) -> None:
    for case in cases:
        assert digest(splits_of(case)) == digest(splits_of(case))
    ran(name, "same bytes")


# --- sources ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOURCES)
def test_other_part_sizes_give_the_same_records(name: str, cases: list[Case]) -> None:
    for case in cases:
        if not case.isolate:
            assert digest(splits_of(case, size=1)) == digest(splits_of(case, size=1 << 30))
    ran(name, "part sizes")


@pytest.mark.parametrize("name", SOURCES)
def test_ids_are_unique_and_places_can_be_read(name: str, cases: list[Case]) -> None:
    seen = 0
    for case in cases:
        kept = pa.concat_tables([split.kept for split in splits_of(case)])
        ids = kept.column("id").to_pylist()
        assert len(set(ids)) == len(ids)
        for row in kept.to_pylist():
            assert str(Place.parse(row["place"])) == row["place"]
            assert records.form_of(row) is not None
            seen += 1
    assert seen
    ran(name, "ids")


@pytest.mark.parametrize("name", SOURCES)
def test_hostile_files_are_faults_or_a_clear_sentence(name: str, tmp_path: Path) -> None:
    stage = stages.stage(name)()
    hostile = {
        "empty": b"",
        "nul": b"\0" * 1000,
        "high": bytes(range(256)) * 40,
        "cut": "\N{SNOWMAN}".encode()[:2] + b"\n",
        "megabyte": b"x" * (1 << 20),
        "surrogate": b'{"text": "\\ud800"}\n',
    }
    for kind, data in hostile.items():
        folder = tmp_path / kind
        folder.mkdir()
        (folder / f"file{stage.suffixes[0]}").write_bytes(data)
        try:
            for part in stage.parts(str(folder), 1 << 20):
                for split in stage.splits(part, name):
                    split.counts.check(name)
        except UsageError as error:
            assert str(error)
    with pytest.raises(UsageError):
        stage.parts(str(tmp_path / "nowhere"), 1 << 20)
    ran(name, "hostile")


# --- maps and fits ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRANSFORMS)
def test_one_batch_or_many_is_the_same(name: str, cases: list[Case]) -> None:
    for case in cases:
        table, _ = as_table(case.records)
        assert isinstance(case.stage, Transform)
        whole = transform(case.stage, [table])
        single = transform(case.stage, [table.slice(row, 1) for row in range(len(table))])
        assert_equal(
            pa.concat_tables([split.kept for split in whole]),
            pa.concat_tables([split.kept for split in single]),
            exact=case.stage.exact,
        )
        assert_equal(
            pa.concat_tables([split.rejects for split in whole]),
            pa.concat_tables([split.rejects for split in single]),
            exact=case.stage.exact,
        )
    ran(name, "batches")


@pytest.mark.parametrize("name", TRANSFORMS)
def test_the_input_is_unchanged(name: str, cases: list[Case]) -> None:
    for case in cases:
        table, _ = as_table(case.records)
        before = digest_of_table(table)
        transform(case.stage, [table])
        assert digest_of_table(table) == before
    ran(name, "input")


@pytest.mark.parametrize("name", TRANSFORMS)
def test_hostile_records_pass_or_are_rejected(name: str, cases: list[Case]) -> None:
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
    for split in transform(cases[0].stage, [table]):
        split.counts.check(name)
        assert split.counts.seen == len(hostile)
    for split in transform(cases[0].stage, [table.slice(0, 0)]):
        assert split.counts == Counts()
    ran(name, "hostile")


# --- ends ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ENDS)
def test_an_end_gives_the_same_files_twice(name: str, cases: list[Case], tmp_path: Path) -> None:
    for number, case in enumerate(cases):
        assert isinstance(case.stage, End)
        one, two = tmp_path / f"one{number}", tmp_path / f"two{number}"
        assert case.stage(case.path, out=one) == case.stage(case.path, out=two)
        assert files_of(one) == files_of(two)
        assert "manifest.json" in files_of(one) and len(files_of(one)) > 1
    ran(name, "same files")


@pytest.mark.parametrize("name", ENDS)
def test_an_end_names_what_is_missing(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        stages.stage(name)()(tmp_path / "nowhere", out=tmp_path / "out")
    assert "nowhere" in str(caught.value)
    assert not (tmp_path / "out").exists()
    ran(name, "missing")


# --- the matrix ---------------------------------------------------------------------------------


def test_the_matrix_is_complete(request: pytest.FixtureRequest) -> None:
    """Every shape has all its checks, and each ran for every stage of the shape."""
    mine = [item for item in request.session.items if item.path == request.node.path]
    if len(mine) < len(NAMES) or any(item.get_closest_marker("skip") for item in mine):
        pytest.skip("only a part of the checks was asked for, or an extra is missing")
    common = {"plain data", "documented", "code hash"}
    flowing = common | {"reasons", "identity", "same bytes"}
    wanted = {
        **{name: flowing | {"part sizes", "ids", "hostile"} for name in SOURCES},
        **{name: flowing | {"batches", "input", "hostile"} for name in TRANSFORMS},
        **{name: common | {"same files", "missing"} for name in ENDS},
    }
    for name in NAMES:
        print(f"{name:<10} {' '.join(sorted(MATRIX[name]))}")
    assert set(wanted) == set(stages.TABLE) and len(wanted) == 18
    assert wanted == MATRIX
    assert (len(SOURCES), len(TRANSFORMS), len(ENDS)) == (5, 10, 3)
    assert sum(map(len, MATRIX.values())) == 5 * 9 + 10 * 9 + 3 * 5


# --- how ----------------------------------------------------------------------------------------


def splits_of(case: Case, size: int = 1 << 20) -> list[Judged]:
    stage = case.stage
    if isinstance(stage, Source):
        return [
            split
            for part in stage.parts(case.path, size)
            for split in stage.splits(part, stage.name, case.isolate)
        ]
    assert isinstance(stage, Transform)
    return transform(stage, [as_table(case.records)[0]])


def transform(stage: Stage, pieces: Sequence[pa.Table]) -> list[Judged]:
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
        seen = list(seen_of(state, len(pieces)))
    return [stage.split(piece, one) for piece, one in zip(pieces, seen, strict=True)]


def seen_of(state: State, pieces: int) -> Iterator[VisibleState]:
    for number in range(pieces):
        local = state.local[number] if state.local is not None else None
        yield VisibleState(state.round, state.values, state.tables, local)


def digest_of_table(table: pa.Table) -> str:
    whole = Digest(table.schema)
    whole.update(table)
    return whole.hexdigest()


def digest(splits: Sequence[Judged]) -> tuple[str, str]:
    kept = pa.concat_tables([split.kept for split in splits])
    rejects = pa.concat_tables([split.rejects for split in splits])
    return digest_of_table(kept), digest_of_table(rejects)


def assert_equal(one: pa.Table, two: pa.Table, *, exact: bool) -> None:
    if exact:
        assert one.to_pylist() == two.to_pylist()
        return
    assert one.schema == two.schema
    for left, right in zip(one.to_pylist(), two.to_pylist(), strict=True):
        assert rounded(left) == pytest.approx(rounded(right), abs=1e-3, nan_ok=True)


def rounded(row: dict[str, Any]) -> dict[str, Any]:
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


def files_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
