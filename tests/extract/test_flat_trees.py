"""Trees of messages whose nodes stand in rows give the talks of nested ones, and lose none."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import CsvExtract, JsonlExtract
from stages.extract import flat_trees
from stages.sample import look, parts_of
from stages.testing import in_ranges, one_after_another, plain

Node = dict[str, Any]


def node(name: str, parent: str | None, **more: Any) -> Node:
    role = "prompter" if name.count(".") % 2 == 0 else "assistant"
    tree = name.partition(".")[0]
    told = {"message_id": name, "parent_id": parent, "role": role, "text": f"says {name}"}
    return {**told, "lang": "en", "message_tree_id": tree, "tree_state": "ready", **more}


def grown(shape: list[int], tree: str) -> list[Node]:
    """A tree in which node n answers node shape[n] of those before it."""
    names = [tree]
    rows = [node(tree, None)]
    for number, above in enumerate(shape):
        parent = names[above % len(names)]
        names.append(f"{parent}.{number}")
        rows.append(node(names[-1], parent))
    return rows


def nested(rows: list[Node]) -> list[Node]:
    """The same trees as they stand in an export of nested replies."""

    def below(row: Node) -> Node:
        own = {k: v for k, v in row.items() if k not in ("message_tree_id", "tree_state")}
        return {**own, "replies": [below(r) for r in rows if r["parent_id"] == row["message_id"]]}

    return [
        {"message_tree_id": r["message_tree_id"], "tree_state": "ready", "prompt": below(r)}
        for r in rows
        if r["parent_id"] is None
    ]


def lines(folder: Path, rows: list[Node], name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def talks(stage: Any, path: Path) -> tuple[list[Any], list[tuple[str, str, dict[str, Any]]]]:
    """(messages and meta of each record; place, reason, evidence of each reject)."""
    rejects: list[dict[str, Any]] = []
    found = [(r.get("messages"), r.get("meta")) for r in stage(path, rejects)]
    return found, [(r["place"], r["reason"], json.loads(r["evidence"])) for r in rejects]


SHAPES = st.lists(st.lists(st.integers(0, 20), max_size=12), min_size=1, max_size=3)


@settings(max_examples=60, deadline=None)
@given(SHAPES, st.randoms(use_true_random=False))
def test_rows_in_any_order_give_the_talks_of_nested_trees(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[list[int]], chance: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("trees")
    rows = [row for n, shape in enumerate(shapes) for row in grown(shape, f"t{n}")]
    chance.shuffle(rows)
    flat = talks(JsonlExtract(), lines(folder, rows))
    assert flat == talks(JsonlExtract(), lines(folder, nested(rows), "nested.jsonl"))
    assert not flat[1]


ROWS = [*grown([0, 0, 2, 1], "a"), *grown([0], "b")]


def as_parquet(folder: Path) -> tuple[Any, Path]:
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "rows.parquet")
    return JsonlExtract(), folder / "rows.parquet"


def as_array(folder: Path) -> tuple[Any, Path]:
    (folder / "rows.json").write_text(json.dumps(ROWS, indent=1))
    return JsonlExtract(), folder / "rows.json"


def as_wrapped(folder: Path) -> tuple[Any, Path]:
    (folder / "rows.json").write_text(json.dumps({"data": ROWS}))
    return JsonlExtract(), folder / "rows.json"


def as_csv(folder: Path) -> tuple[Any, Path]:
    with open(folder / "rows.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(ROWS[0]))
        writer.writeheader()
        writer.writerows(ROWS)
    return CsvExtract(), folder / "rows.csv"


def without_null(folder: Path) -> tuple[Any, Path]:
    rows = [{k: v for k, v in row.items() if v is not None} for row in ROWS]
    return JsonlExtract(), lines(folder, rows)


@pytest.mark.parametrize("written", [as_parquet, as_array, as_wrapped, as_csv, without_null])
def test_every_kind_of_file_gives_the_same_talks(written: Any, tmp_path: Path) -> None:
    wanted, _ = talks(JsonlExtract(), lines(tmp_path, ROWS, "plain.jsonl"))
    assert len(wanted) == 3
    assert talks(*written(tmp_path)) == (wanted, [])


def test_what_belongs_to_no_tree_is_told(tmp_path: Path) -> None:
    lost = [node("x.1", "x"), node("x.1.1", "x.1"), node("c.1", "c.1.1"), node("c.1.1", "c.1")]
    path = lines(tmp_path, [*ROWS, *lost, ROWS[0], {"text": "on its own"}])
    found, rejects = talks(JsonlExtract(), path)
    assert len(found) == 4 and found[0] == (None, None)
    assert [(reason, told) for _, reason, told in rejects] == [
        ("orphan", {"parent_id": "x", "messages": 2}),
        ("repeated", {"message_id": "a"}),
        ("orphan", {"parent_id": "c.1.1", "messages": 2}),
    ]
    for place, *_ in rejects:
        begin, _, size = place.partition("@")[2].partition(":")[0].partition("+")
        assert path.read_bytes()[int(begin) :][: int(size)].startswith(b'{"message_id"')


def test_a_tree_with_a_message_that_cannot_be_read_is_one_reject(tmp_path: Path) -> None:
    bad = [{**row, "text": 7} if row["message_id"] == "a.0" else row for row in ROWS]
    found, rejects = talks(JsonlExtract(), lines(tmp_path, bad))
    assert [meta for _, meta in found] == ['{"message_tree_id":"b","tree_state":"ready"}']
    assert rejects[0][1:] == (
        "bad_type",
        {"field": "prompt.text", "type": "number", "messages": 5},
    )


def test_the_account_says_what_the_rows_have_beside_their_text(tmp_path: Path) -> None:
    source = JsonlExtract()
    (part,) = source.parts(str(lines(tmp_path, ROWS)), 1 << 20)
    (judged,) = source.splits(part, "a")
    assert judged.counts.forms == {
        "messages ← text, by message_id and parent_id; meta ← message_tree_id, tree_state": 2
    }
    words = sum(len(row["text"]) for row in ROWS)
    assert judged.counts.text.kept == words
    assert judged.counts.text.removed == {"tree": 74, "meta": 12}


def test_rows_of_which_none_answers_another_are_read_alone(tmp_path: Path) -> None:
    rows = [{"message_id": name, "role": "user", "text": name} for name in ("a", "b")]
    found, _ = talks(JsonlExtract(), lines(tmp_path, rows))
    assert len(found) == 2 and found[0][0] is None
    found, _ = talks(JsonlExtract(text="text"), lines(tmp_path, ROWS))
    assert len(found) == len(ROWS)


def test_a_large_file_of_rows_is_not_cut(tmp_path: Path) -> None:
    path = lines(tmp_path, ROWS)
    (part,) = JsonlExtract().parts(str(path), 300)
    assert JsonlExtract().cut(part, 300) == [part]
    assert len(JsonlExtract(text="text").cut(part, 300)) > 1


def test_rows_that_wait_join_over_ranges(tmp_path: Path) -> None:
    """The head of the file does not show them, so that it is cut before they are met."""
    others = [{"text": f"a line of its own {number} " + "x" * 900} for number in range(90)]
    path = lines(tmp_path, [*others, *ROWS, *others])
    stage = JsonlExtract()
    (part,) = stage.parts(str(path), 1)
    ranged = in_ranges(stage, part, 20_000)
    assert len(ranged) > 2
    assert one_after_another(ranged) == plain(stage.read(part))


def test_rows_over_the_limit_are_read_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flat_trees, "NODES", 5)
    found, _ = talks(JsonlExtract(), lines(tmp_path, ROWS))
    assert [messages is None for messages, _ in found] == [True, True, False, False]


def test_a_tree_that_is_too_large_is_one_reject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flat_trees, "LINE_BYTES", 500)
    found, rejects = talks(JsonlExtract(), lines(tmp_path, ROWS))
    assert len(found) == 1
    assert rejects[0][1:] == (
        "oversize",
        {"limit": 500, "of": "bytes of a tree of messages", "messages": 5},
    )


def test_a_look_at_a_large_file_ends_early(tmp_path: Path) -> None:
    rows = [row for n in range(300) for row in grown([0, 1], f"t{n}")]
    for row in rows:
        row["text"] *= 1000
    source = JsonlExtract()
    sample = look(source, parts_of(source, str(lines(tmp_path, rows))))
    assert sample.items and not sample.refused and not sample.whole
    assert next(iter(sample.forms)).startswith("messages ← text, by message_id")
