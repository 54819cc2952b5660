"""The leak check at the end of a split: its counts are those of brute force."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.call import as_table
from stages.clean import shingles
from stages.select.sides import leaks, overlap
from stages.select.split import Split
from tests.pipeline import world
from tests.pipeline.world import seedbed
from tests.select.test_split import run

WORDS = [f"{a}{b}" for a in ("pea", "bean", "kale", "leek", "beet") for b in "abcdefghij"]


def told(stage: Split, rows: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Lines and warnings of a split of records cut into three pieces."""
    table = as_table(rows)[0]
    third = -(-len(rows) // 3)
    _, state = run(stage, [table.slice(at, third) for at in range(0, len(rows), third)])
    return state.told["lines"], state.told["warnings"]


def counts(line: str) -> dict[str, int]:
    return {name: int(value) for name, value in re.findall(r"([\w-]+) (\d+)", line)}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(WORDS[:4]), max_size=9)), st.integers(2, 6))
def test_runs_of_words_are_equal_where_the_words_are(texts: list[list[str]], length: int) -> None:
    found, sizes = shingles.runs_of(shingles.words_of([" ".join(text) for text in texts]), length)
    runs = [tuple(t[i : i + length]) for t in texts for i in range(len(t) - length + 1)]
    assert sizes.tolist() == [max(0, len(text) - length + 1) for text in texts]
    assert len(found) == len(runs)
    assert len(set(zip(runs, found.tolist(), strict=True))) == len(set(runs)) == len({*found})


def test_a_split_tells_what_train_has_of_val() -> None:
    rng = random.Random(4)
    texts = [[rng.choice(WORDS) for _ in range(40)] for _ in range(300)]
    for number in range(0, 60, 2):  # 20 words of its neighbour
        texts[number][10:30] = texts[number + 1][10:30]
    for number in range(100, 160, 3):  # all but two words, twice, in two pieces
        texts[number] = [*texts[number + 1][:-2], "other", "words"]
        texts[number + 140] = ["first", *texts[number + 1][1:]]
    for number in range(60, 100, 2):  # a band in common, and too little
        texts[number] = [w if n % 9 else f"x{number}" for n, w in enumerate(texts[number + 1])]
    rows = [{"text": " ".join(words)} for words in texts]
    sides = [row["split"] for row in Split(val=0.4)(rows)]
    runs = [{tuple(t[i : i + 13]) for i in range(28)} for t in texts]
    grams = [{tuple(t[i : i + 3]) for i in range(38)} for t in texts]
    train, val = ([n for n, side in enumerate(sides) if side == s] for s in ("train", "val"))
    in_train = set().union(*(runs[n] for n in train))
    run_, near = (
        sum(bool(runs[n] & in_train) for n in val),
        sum(
            any(len(grams[n] & grams[m]) >= 0.8 * len(grams[n] | grams[m]) for m in train)
            for n in val
        ),
    )
    assert run_ > 5 and near > 2
    lines, warnings = told(Split(val=0.4), rows)
    assert counts(lines[-1].partition("too:")[2]) == {
        "exact": 0, "prompt": 0, "prefix": 0, "13-gram": run_, "MinHash": near,
    }  # fmt: skip
    assert any("put dedup before split" in text for text in warnings)
    assert any("13 words in a row" in text for text in warnings) == (run_ > 0.25 * len(val))


def test_what_is_not_connected_is_counted_as_a_leak() -> None:
    talk = [{"role": "user", "content": ""}, {"role": "assistant", "content": "One."}]
    rows: list[dict[str, Any]] = []
    for number in range(80):
        first = {"role": "user", "content": f"Where is the bed {number}?"}
        rows += [
            {"messages": [first, talk[1]]},
            {"messages": [first, {"role": "assistant", "content": "Two."}]},
            {"messages": [first, talk[1], {"role": "user", "content": "Why?"}, talk[1]]},
        ]
    lines, warnings = told(Split(val=0.5, connect=()), rows)
    found = counts(lines[-1].partition("too:")[2])
    assert found["exact"] == 0 < found["prompt"] < found["prefix"]
    assert len(warnings) == 2
    lines, warnings = told(Split(val=0.5), rows)
    assert counts(lines[-1].partition("too:")[2]) == dict.fromkeys(found, 0) and not warnings
    # One record on one side, and many like it on the other.
    rows = [{"prompt": "Where is it?", "completion": str(n)} for n in range(50)]
    for seed in range(4):
        lines, _ = told(Split(val=1, seed=seed, connect=()), rows)
        assert counts(lines[-1].partition("too:")[2])["prompt"] == 1


def test_a_shared_system_message_is_no_leak() -> None:
    system = {"role": "system", "content": " ".join(WORDS)}
    rows = [
        {"messages": [system, {"role": "user", "content": f"{n} {n * 7} {n * n}?"}]}
        for n in range(60)
    ]
    lines, _ = told(Split(val=0.5), rows)
    assert "13-gram 0, MinHash 0" in lines[-1]


@pytest.mark.parametrize("characters", [0, 1, leaks.LOOKED_AT, 3 * leaks.LOOKED_AT, 10**12])
def test_what_is_looked_at_is_bounded(characters: int) -> None:
    part = leaks.every(characters)
    assert part & (part - 1) == 0 and characters / part <= leaks.LOOKED_AT
    assert part == 1 or 2 * characters / part > leaks.LOOKED_AT
    nodes = np.random.default_rng(1).integers(0, 1 << 63, 4096).astype(np.uint64)
    assert abs(leaks.is_looked_at(nodes, 4).sum() - 1024) < 128


def test_a_large_val_side_is_looked_at_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(1)
    texts = [" ".join(rng.choice(WORDS) for _ in range(30)) for _ in range(400)]
    monkeypatch.setattr(leaks, "LOOKED_AT", 20_000)
    lines, _ = told(Split(val=0.5), [{"text": text} for text in texts])
    assert re.search(r"\(these two of (\d+)\)$", lines[-1])


def test_a_text_is_compared_with_a_bounded_number_of_others() -> None:
    frame = " ".join(WORDS)
    texts = [f"{frame} number {n}" for n in range(2 * overlap.CANDIDATES)]
    index = overlap.Index(overlap.tables(overlap.sketched(texts)))
    (sketch,) = overlap.sketches([f"{frame} number none"])
    assert len(list(index.alike(sketch))) == overlap.CANDIDATES


def test_too_large_components_are_told() -> None:
    rows = [{"prompt": f"q {n}", "completion": "a", "meta": {"url": f"u{min(n, 60)}"}}
            for n in range(100)]  # fmt: skip
    lines, warnings = told(Split(val=20), rows)
    assert lines[0] == (
        "sides: train 80, val 20 of 20 asked, in 61 components of connected records; the largest "
        "has 40"
    )
    assert "1 of 61 components have more than the 20 records asked for val" in warnings[0]
    assert "has 40 of 100 records (40 %), connected most by url in meta" in warnings[0]
    rows = [{"prompt": "q", "completion": str(n)} for n in range(50)]
    lines, warnings = told(Split(val=0.2), rows)
    assert len(lines) == 1 and "connected most by prompt" in warnings[0]
    assert "val has 0 records, 10 were asked for" in warnings[1]


def test_a_call_warns_of_what_is_odd() -> None:
    rows = [{"prompt": f"q {n % 30}", "completion": str(n)} for n in range(60)]
    with pytest.warns(UserWarning, match=r"split: .* have a prompt that is in train too"):
        Split(val=0.5, connect=())(rows)


def test_the_end_of_a_run_and_of_a_single_stage_tells_the_check(tmp_path: Path) -> None:
    rows = [{"prompt": f"Where is bed {n}?", "completion": f"At {n}."} for n in range(40)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[split: {val: 10, connect: []}]")
    done = seedbed("run", "t.yaml", cwd=tmp_path)
    line = "leak check, 10 val records that train has too: exact 0, prompt 0, prefix 0"
    assert line in done.stdout and line in done.stderr
    assert line in (tmp_path / "runs/t/report.html").read_text()
    seedbed("jsonl", "in.jsonl", "-o", "corpus", cwd=tmp_path)
    done = seedbed("split", "corpus", "-o", "out", "--val", "10", cwd=tmp_path)
    assert line in done.stdout


def test_a_text_has_its_own_bands_whatever_stands_before_it() -> None:
    texts = [" ".join(WORDS[begin : begin + 12]) for begin in (0, 7, 20)]
    alone = [next(iter(overlap.sketches([text]))).bands.tolist() for text in texts]
    found = [one.bands.tolist() for one in overlap.sketches(["", texts[0], "", *texts[1:]])]
    assert found == [[], alone[0], [], *alone[1:]] and all(alone)
