"""Whatever a stage marks: in = kept + dropped + failed, rejects whole, kept rows in order."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.records import REJECT_TEXT, SCHEMA, schema_with, to_table
from stages.verdicts import Batch, Counts, Verdicts

REASONS = {"short": "it is short", "broken": "it cannot be read"}


def _table(rows: int) -> pa.Table:
    return to_table(
        {"id": f"{n:032x}", "source": "s", "place": f"f@{n}+1:{n + 1}", "text": f"text {n}"}
        for n in range(rows)
    )


MARKS = st.lists(
    st.tuples(
        st.integers(0, 19),
        st.sampled_from(["drop", "fail", "inapplicable", "replace"]),
        st.sampled_from(sorted(REASONS)),
        st.integers(0, 3),
    ),
    max_size=30,
)


@given(st.integers(0, 20), MARKS)
def test_the_identity_holds_for_any_marks(
    rows: int, marks: list[tuple[int, str, str, int]]
) -> None:
    verdicts = Verdicts(_table(rows), "test", REASONS)
    wanted: dict[int, tuple[str, bool, int]] = {}
    replaced: dict[int, int] = {}
    idle: set[int] = set()
    for number, (row, mark, reason, many) in enumerate(marks):
        if row >= rows:
            continue
        if mark == "inapplicable":
            verdicts.inapplicable(row)
            idle.add(row)
        elif mark == "replace":
            verdicts.replace(row, [{"id": f"{n:02x}{row:030x}", "text": "x"} for n in range(many)])
            replaced[row] = many
        else:
            getattr(verdicts, mark)(row, reason, number=number)
            wanted.setdefault(row, (reason, mark == "fail", number))
            assert verdicts.is_marked(row)
    made = verdicts.split(SCHEMA, lambda row: f"shown {row}")
    counts = made.counts
    assert counts.seen == rows == counts.kept + counts.dropped + counts.failed
    assert counts.reasons == Counter(reason for reason, *_ in wanted.values())
    assert counts.failed == sum(failed for _, failed, _ in wanted.values())
    assert counts.inapplicable == len(idle - set(wanted))
    rejects = made.rejects.to_pylist()
    assert [r["id"] for r in rejects] == [f"{row:032x}" for row in sorted(wanted)]
    for reject, row in zip(rejects, sorted(wanted), strict=True):
        reason, failed, number = wanted[row]
        assert (reject["reason"], reject["failed"]) == (reason, failed), "the first mark stays"
        assert json.loads(reject["evidence"]) == {"number": number}
        assert (reject["stage"], reject["source"], reject["text"]) == ("test", "s", f"shown {row}")
        assert reject["place"] == f"f@{row}+1:{row + 1}"
    kept = [
        one
        for row in range(rows)
        if row not in wanted
        for one in (
            [f"{n:02x}{row:030x}" for n in range(replaced[row])]
            if row in replaced
            else [f"{row:032x}"]
        )
    ]
    assert made.kept.column("id").to_pylist() == kept
    assert counts.made == len(kept)


def test_an_unknown_reason_or_row_is_a_bug_that_is_seen() -> None:
    verdicts = Verdicts(_table(2), "test", REASONS)
    with pytest.raises(AssertionError, match="no reason 'long'"):
        verdicts.drop(0, "long")
    with pytest.raises(IndexError):
        verdicts.drop(2, "short")
    with pytest.raises(ValueError, match="1 values for 2 rows"):
        verdicts.set("score", [1.0], pa.float32())


def test_columns_and_texts_reach_the_kept_rows() -> None:
    verdicts = Verdicts(_table(3), "test", REASONS)
    verdicts.drop(1, "short", text="y" * (REJECT_TEXT + 5))
    verdicts.set("score", [1, 2, 3], pa.float32())
    verdicts.rewrite("all", lambda row, field, text: text.upper() if row != 2 else text)
    made = verdicts.split(schema_with({"score": pa.float32()}), lambda row: "")
    assert made.kept.column("score").to_pylist() == [1.0, 3.0]
    assert made.kept.column("text").to_pylist() == ["TEXT 0", "text 2"]
    assert verdicts.changed == made.counts.changed == 2
    assert made.rejects.column("text").to_pylist() == ["y" * REJECT_TEXT]


def test_counts_that_do_not_add_up_are_refused() -> None:
    good = Counts(seen=3, kept=1, dropped=1, failed=1, reasons={"a": 2})
    good.check("test")
    for change in ({"kept": 2}, {"seen": 2}, {"reasons": {"a": 1}}):
        values: dict[str, Any] = {**vars(good), **change}
        with pytest.raises(AssertionError, match="test: "):
            Counts(**values).check("test")
    total = Counts()
    total.add(good)
    total.add(good)
    assert total.seen == 6 and total.reasons == {"a": 4}
    total.check("test")


def test_a_batch_reads_missing_core_columns_as_null() -> None:
    batch = Batch(pa.table({"id": ["1"], "text": ["a"], "score": [1.0]}))
    assert batch.column("prompt") == [None] and batch.column("score") == [1.0]
    assert batch.texts() == ["a"] and batch.texts("output") == [None]
    with pytest.raises(KeyError):
        batch.column("cluster")
