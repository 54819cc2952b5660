"""Sides without leaks: what is connected stays together, whatever the cut of the corpus."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import records
from stages.base import State, VisibleState
from stages.errors import UsageError
from stages.select.split import Split, normalised
from stages.verdicts import Batch


def _asked(number: int, **more: Any) -> dict[str, Any]:
    return {"prompt": f"question {number}", "completion": f"answer {number}", **more}


def _sides(found: list[dict[str, Any]]) -> list[str]:
    return [record["split"] for record in found]


def test_a_share_is_kept_and_depends_on_the_seed() -> None:
    corpus = [_asked(number) for number in range(4000)]
    one = _sides(Split(val=0.2)(corpus))
    assert 700 < one.count("val") < 900
    assert set(one) == {"train", "val"}
    assert _sides(Split(val=0.2)(corpus)) == one
    assert _sides(Split(val=0.2, seed=1)(corpus)) != one
    assert set(_sides(Split(val=0.0)(corpus))) == {"train"}
    assert set(_sides(Split(val=1.0)(corpus))) == {"val"}


def test_a_corpus_that_grows_keeps_its_sides() -> None:
    small = [_asked(number) for number in range(300)]
    large = [_asked(number) for number in range(900)]
    assert _sides(Split(val=0.3)(large))[:300] == _sides(Split(val=0.3)(small))
    assert "val" in _sides(Split(val=0.3)(small))


def test_equal_prompts_stay_together_without_regard_to_case_and_space() -> None:
    corpus = []
    for number in range(200):
        corpus.append(_asked(number))
        corpus.append({"prompt": f"  QUESTION\n{number} ", "completion": "another answer"})
        corpus.append(
            {
                "messages": [
                    {"role": "user", "content": f"Question {number}"},
                    {"role": "assistant", "content": "a third"},
                ]
            }
        )
    sides = _sides(Split(val=0.4)(corpus))
    for at in range(0, len(sides), 3):
        assert len(set(sides[at : at + 3])) == 1, corpus[at]
    assert 0 < sides.count("val") < len(sides)


def test_prompts_are_compared_by_what_they_say() -> None:
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in "Peas")
    assert normalised(f" {wide}\u00a0\ufb01ne\n") == normalised("peas fine") == "peas fine"
    assert normalised("peas, fine") != "peas fine"


def test_groups_that_share_a_prompt_become_one() -> None:
    # group a — prompt 1 — group b — prompt 2 — a record without a group
    corpus = []
    for number in range(100):
        corpus += [
            _asked(1000 + number, group=f"a{number}"),
            _asked(number, group=f"a{number}"),
            _asked(number, group=f"b{number}"),
            _asked(5000 + number, group=f"b{number}"),
            _asked(5000 + number),
        ]
    sides = _sides(Split(val=0.5)(corpus))
    for at in range(0, len(sides), 5):
        assert len(set(sides[at : at + 5])) == 1
    assert 30 < sides.count("val") / 5 < 70
    alone = _sides(Split(val=0.5, by="group")(corpus))
    assert any(alone[at] != alone[at + 2] for at in range(0, len(alone), 5))


def test_val_rows_takes_whole_groups_that_fit() -> None:
    corpus = [_asked(number, group=f"g{number // 7}") for number in range(700)]
    found = Split(val_rows=40)(corpus)
    sizes: dict[str, set[str]] = defaultdict(set)
    for record in found:
        sizes[record["group"]].add(record["split"])
    assert all(len(sides) == 1 for sides in sizes.values())
    assert _sides(found).count("val") == 35  # five groups of seven: a sixth does not fit
    exact = [_asked(number) for number in range(500)]
    assert _sides(Split(val_rows=123)(exact)).count("val") == 123
    assert _sides(Split(val_rows=123)(exact)) != _sides(Split(val_rows=123, seed=1)(exact))
    assert _sides(Split(val_rows=0)(exact)).count("val") == 0


def test_whole_sources_can_be_held_out() -> None:
    corpus = [_asked(n, source=f"site {n % 20}") for n in range(400)]
    found = Split(val=0.3, by="source")(corpus)
    sides: dict[str, set[str]] = defaultdict(set)
    for record in found:
        sides[record["source"]].add(record["split"])
    assert all(len(each) == 1 for each in sides.values())
    assert {"val", "train"} == set().union(*sides.values())


def test_by_group_needs_the_column() -> None:
    with pytest.raises(UsageError, match="needs a column group"):
        Split(by="group")([_asked(1)])


def _run(stage: Split, tables: list[pa.Table]) -> list[str]:
    seen = VisibleState(0, {}, {}, None)
    observed = [stage.observe(Batch(table), seen) for table in tables]
    assert len({table.schema for table in observed}) == 1
    state = stage.merge(observed, State())
    assert state.done
    final = VisibleState(state.round, state.values, state.tables, None)
    sides: list[str] = []
    for table in tables:
        sides += stage.split(table, final).kept.column("split").to_pylist()
    return sides


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.one_of(st.none(), st.integers(0, 8))),
        min_size=1,
        max_size=60,
    ),
    st.integers(1, 20),
    st.sampled_from([Split(val=0.4), Split(val_rows=9), Split(val=0.3, by="text", seed=3)]),
)
def test_the_cut_into_pieces_changes_no_side(
    pairs: list[tuple[int, int | None]], size: int, stage: Split
) -> None:
    rows = [
        {
            **_asked(prompt, group=None if group is None else f"g{group}"),
            "id": str(number),
            "source": "",
            "place": "",
        }
        for number, (prompt, group) in enumerate(pairs)
    ]
    table = records.to_table(rows, records.schema_with({"group": pa.string()}))
    whole = _run(stage, [table])
    cut = [table.slice(at, size) for at in range(0, len(rows), size)]
    assert _run(stage, cut) == whole
    by_prompt: dict[int, set[str]] = defaultdict(set)
    by_group: dict[int, set[str]] = defaultdict(set)
    for (prompt, group), side in zip(pairs, whole, strict=True):
        by_prompt[prompt].add(side)
        if group is not None and stage.by == "auto":
            by_group[group].add(side)
    assert all(len(sides) == 1 for sides in (*by_prompt.values(), *by_group.values()))
