"""Work on rows of many pieces: any cut gives the same digest, and an id that is there twice is
found wherever its records lie."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engine import across
from pipeline.engine.store import Store
from stages import corpus
from stages.corpus import ArrowWriter, Digest, sha256_of

SCHEMA = pa.schema(
    [("id", pa.string()), ("text", pa.string()), ("tags", pa.list_(pa.int32())), ("ok", pa.bool_())]
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 8 rows, jobs of 2 blocks, ranges of 24 ids."""
    for module in (corpus, across):
        monkeypatch.setattr(module, "BLOCK", 8)
    monkeypatch.setattr(across, "ROWS", 16)
    monkeypatch.setattr(across, "_RANGE", 24)


def _rows(draw: random.Random, count: int) -> pa.Table:
    rows = [
        {
            "id": f"{draw.getrandbits(128):032x}",
            "text": draw.choice([None, "", "a", "äöü" * draw.randrange(4)]),
            "tags": draw.choice([None, [], [1], [1, None, 3]]),
            "ok": draw.choice([None, True, False]),
        }
        for _ in range(count)
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def _pieces(folder: Path, table: pa.Table, draw: random.Random) -> list[across.Stretch]:
    """The rows in pieces of many sizes, some empty."""
    folder.mkdir()
    stretches: list[across.Stretch] = []
    at = 0
    while at < table.num_rows:
        rows = min(draw.choice([0, 1, 3, 7, 16, 40]), table.num_rows - at)
        path = folder / f"{len(stretches)}.arrow"
        writer = ArrowWriter(path, SCHEMA)
        writer.write(table.slice(at, rows))
        writer.close()
        stretches.append((str(path), sha256_of(path), 0, rows))
        at += rows
    return [one for one in stretches if one[3]]


def _digest(stretches: list[across.Stretch]) -> str:
    blocks: list[str] = []
    for group in across.groups(stretches, exact=True):
        blocks += across.blocks(group, SCHEMA, lambda table: table)["value"].split()
    return Digest.whole(SCHEMA, blocks)


@pytest.mark.parametrize("seed", range(12))
def test_blocks_of_any_pieces_are_those_of_the_rows_in_one(
    seed: int, small: None, tmp_path: Path
) -> None:
    draw = random.Random(seed)
    table = _rows(draw, draw.randrange(0, 90))
    whole = Digest(SCHEMA)
    whole.update(table)
    assert _digest(_pieces(tmp_path / "a", table, draw)) == whole.hexdigest()
    one_by_one = Digest(SCHEMA)
    for row in range(table.num_rows):
        one_by_one.update(table.slice(row, 1))
    assert one_by_one.hexdigest() == whole.hexdigest()


@pytest.mark.parametrize("change", ["order", "value", "end", "null"])
def test_a_digest_sees_every_difference(change: str, small: None) -> None:
    table = _rows(random.Random(1), 40)
    rows = table.to_pylist()
    if change == "order":
        rows[3], rows[30] = rows[30], rows[3]
    elif change == "end":
        rows.pop()
    else:
        rows[20]["text"] = {"value": "another", "null": None}[change]
        rows[20]["ok"] = not rows[20]["ok"]
    digests = []
    for one in (table, pa.Table.from_pylist(rows, SCHEMA)):
        digest = Digest(SCHEMA)
        digest.update(one)
        digests.append(digest.hexdigest())
    assert digests[0] != digests[1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=12))
def test_groups_hold_every_row_once_and_in_order(sizes: list[int]) -> None:
    stretches = [(str(n), "", 0, rows) for n, rows in enumerate(sizes) if rows]
    wanted = [(name, row) for name, _, _, rows in stretches for row in range(rows)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(across, "ROWS", 16)
        for exact in (True, False):
            found = [list(group) for group in across.groups(stretches, exact)]
            rows = [
                (name, row)
                for group in found
                for name, _, begin, count in group
                for row in range(begin, begin + count)
            ]
            assert rows == wanted
            if exact:
                assert all(sum(one[3] for one in group) == 16 for group in found[:-1])


def _twice(store: Store, stretches: list[across.Stretch]) -> set[str]:
    keys = []
    for number, group in enumerate(across.groups(stretches, exact=False)):
        keys.append(store.put(f"{number:064x}", partial(across.sorted_ids, group)).key)
    count = across.ranges(sum(one[3] for one in stretches))
    assert count > 2 and len(keys) > 1
    found = {across.twice(store, keys, number, count)["value"] for number in range(count)}
    return found - {""}


@pytest.mark.parametrize("seed", range(6))
def test_an_id_that_is_there_twice_is_found(seed: int, small: None, tmp_path: Path) -> None:
    """Ids at the edges of ranges, and one that ends in null bytes, too."""
    draw = random.Random(seed)
    rows = _rows(draw, 80).to_pylist()
    edges = [((1 << 128) // 4 * n - less) % (1 << 128) for n in range(4) for less in (0, 1)]
    for at, value in zip(draw.sample(range(80), len(edges)), edges, strict=True):
        rows[at]["id"] = f"{value:032x}"
    plain = _pieces(tmp_path / "a", pa.Table.from_pylist(rows, SCHEMA), draw)
    assert _twice(Store(tmp_path / "store"), plain) == set()
    for other in {*edges, int(rows[draw.randrange(79)]["id"], 16)}:
        more = [*rows, {**rows[0], "id": f"{other:032x}"}]
        draw.shuffle(more)
        folder = tmp_path / f"{other:032x}"
        double = _pieces(folder, pa.Table.from_pylist(more, SCHEMA), draw)
        assert _twice(Store(folder / "store"), double) == {f"{other:032x}"}
