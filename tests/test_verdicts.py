"""Whatever a stage marks: in = kept + dropped + failed, rejects whole, kept rows in order."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.base import Map
from stages.counts import Counts, TextCount, characters
from stages.records import REJECT_TEXT, encodable, to_table
from stages.verdicts import Batch, Verdicts

REASONS = {"short": "it is short", "broken": "it cannot be read"}


@dataclass(frozen=True)
class Marking(Map):
    """A stage that is told what to mark. makes: the columns that it declares."""

    name: ClassVar[str] = "test"
    reasons: ClassVar[dict[str, str]] = REASONS
    cuts: ClassVar[dict[str, str]] = {"changed": "rewritten", "masked": "hidden"}
    columns: tuple[str, ...] = ()

    def makes(self) -> dict[str, pa.DataType]:
        return dict.fromkeys(self.columns, pa.float32())

    def judge(self, verdicts: Verdicts) -> None:
        raise NotImplementedError


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
    verdicts = Verdicts(_table(rows), Marking())
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
    made = verdicts.split()
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
        assert (reject["stage"], reject["source"], reject["text"]) == ("test", "s", f"text {row}")
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
    verdicts = Verdicts(_table(2), Marking(("score",)))
    with pytest.raises(AssertionError, match="no reason 'long'"):
        verdicts.drop(0, "long")
    with pytest.raises(IndexError):
        verdicts.drop(2, "short")
    with pytest.raises(ValueError, match="1 values for 2 rows"):
        verdicts.set("score", [1.0])


def test_columns_and_texts_reach_the_kept_rows() -> None:
    verdicts = Verdicts(_table(3), Marking(("score",)))
    verdicts.drop(1, "short", text="y" * (REJECT_TEXT + 5))
    verdicts.set("score", [1, 2, 3])
    for record in verdicts.records():
        for field in record.fields:
            field.text = field.text.upper() if record.row != 2 else field.text
    made = verdicts.split()
    assert made.kept.column("score").to_pylist() == [1.0, 3.0]
    assert made.kept.column("text").to_pylist() == ["TEXT 0", "text 2"]
    assert made.counts.changed == 1, "a row that left is not among the changed"
    assert made.rejects.column("text").to_pylist() == ["y" * REJECT_TEXT]


def test_columns_are_those_that_the_stage_declares() -> None:
    verdicts = Verdicts(_table(2), Marking(("score",)))
    with pytest.raises(AssertionError, match="does not declare the column 'score2'"):
        verdicts.set("score2", [1.0, 2.0])
    with pytest.raises(AssertionError, match=r"did not set \['score'\]"):
        verdicts.split()
    verdicts.set("score", [1, 2])
    assert verdicts.split().kept.column("score").type == pa.float32()


def test_a_second_change_sees_the_text_of_the_first() -> None:
    verdicts = Verdicts(_table(2), Marking())
    for mark in "12":
        for record in verdicts.records():
            for field in record.fields:
                field.text += mark
    assert verdicts.fields(0) == [("text", "text 012")]
    assert verdicts.split().kept.column("text").to_pylist() == ["text 012", "text 112"]


def test_a_field_that_was_held_sees_what_another_one_wrote() -> None:
    verdicts = Verdicts(_table(1), Marking())
    (record,) = verdicts.records()
    first, held = record.fields[0], record.fields[0]
    first.cut_to("text", "masked")
    assert held.text == "text" and held.place(0, 9)["match"] == "text"
    held.substitute("masked", [(0, 2, "")])
    made = verdicts.split()
    assert made.kept.column("text").to_pylist() == ["xt"]
    assert made.counts.text.removed == {"masked": 4}


def test_spans_and_cuts_that_the_text_has_not_are_bugs_that_are_seen() -> None:
    (record,) = Verdicts(_table(1), Marking()).records()
    (field,) = record.fields
    for spans in ([(0, 3, ""), (2, 4, "")], [(3, 4, ""), (0, 1, "")], [(2, 99, "")], [(-1, 2, "")]):
        with pytest.raises(AssertionError, match="text: span"):
            field.substitute("masked", spans)
    with pytest.raises(AssertionError, match="2 characters more"):
        field.cut_to("text 0 +", "masked")


@pytest.mark.parametrize("score", [float("nan"), float("inf"), {1}])
def test_evidence_is_json_that_every_reader_takes(score: object) -> None:
    verdicts = Verdicts(_table(1), Marking())
    verdicts.drop(0, "short", score=score)
    with pytest.raises(AssertionError, match="evidence of 'short' is no JSON"):
        verdicts.split()


def test_a_column_of_whole_numbers_takes_no_fractions() -> None:
    @dataclass(frozen=True)
    class Counting(Marking):
        def makes(self) -> dict[str, pa.DataType]:
            return {"n": pa.int32()}

    for wrong in ([1.5, 2.0], [1.0, "2"], [2**40, 1]):
        with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
            Verdicts(_table(2), Counting()).set("n", wrong)
    verdicts = Verdicts(_table(2), Counting())
    verdicts.set("n", [None, 2.0])
    assert verdicts.split().kept.column("n").to_pylist() == [None, 2]


def test_one_field_of_a_conversation_changes_alone() -> None:
    messages = [
        {"role": "user", "content": "Hi", "tool": 1},
        {"role": "assistant", "content": "Yo"},
    ]
    table = to_table([{"id": "1", "source": "s", "place": "p", "messages": messages}])
    verdicts = Verdicts(table, Marking())
    (record,) = verdicts.records("output")
    (answer,) = record.fields
    assert answer.place(0, 1) == {"field": "messages[1]", "span": [0, 1], "match": "Y"}
    answer.text = "Hello"
    kept = verdicts.split().kept.column("messages").to_pylist()[0]
    assert [m["content"] for m in kept] == ["Hi", "Hello"] and kept[0]["extra"] == '{"tool":1}'


def test_text_is_counted_like_records() -> None:
    verdicts = Verdicts(_table(4), Marking())  # "text 0" … of six characters
    verdicts.drop(0, "short")
    fields = [field for record in verdicts.records() for field in record.fields]
    fields[0].text = "gone with its row"
    fields[1].substitute("masked", [(0, 4, "[T]")])
    fields[2].text = "text two"
    fields[3].cut_to("text", "changed")
    counts = verdicts.split().counts
    assert counts.text == TextCount(
        seen=24, kept=12, added=3 + 2, removed={"short": 6, "masked": 4, "changed": 2}
    )
    assert counts.text.made == len("[T] 1") + len("text two") + len("text")
    with pytest.raises(AssertionError, match="has no cut 'sold'"):
        verdicts.cut(1, "sold", 1)


def test_text_that_vanishes_unsaid_is_a_bug_that_is_seen() -> None:
    verdicts = Verdicts(_table(1), Marking())
    verdicts.cut(0, "masked", 2)
    with pytest.raises(AssertionError, match="hold 6 characters, 4 counted"):
        verdicts.split()


@given(st.lists(st.text(max_size=8), max_size=4), st.text(max_size=8))
def test_characters_are_those_that_python_counts(contents: list[str], text: str) -> None:
    common = {"id": "1", "source": "s", "place": "p"}
    said = [{"role": "user", "content": content} for content in contents]
    table = to_table(
        [
            {**common, "messages": [*said, {"role": "assistant", "content": None}]},
            {**common, "prompt": text, "completion": "né"},
            {**common, "text": text},
            common,
        ]
    )
    whole = sum(len(encodable(content)) for content in contents)
    own = len(encodable(text))
    assert characters(table).tolist() == [whole, own + 2, own, 0]
    assert characters(table.slice(1, 2)).tolist() == [own + 2, own]


def test_counts_that_do_not_add_up_are_refused() -> None:
    good = Counts(seen=3, kept=1, dropped=1, failed=1, reasons={"a": 2})
    good.check("test")
    gone = TextCount(seen=3, kept=1, removed={"a": 1})
    for change in ({"kept": 2}, {"seen": 2}, {"reasons": {"a": 1}}, {"text": gone}):
        values: dict[str, Any] = {**vars(good), **change}
        with pytest.raises(AssertionError, match="test: "):
            Counts(**values).check("test")
    total = Counts()
    total.add(good)
    total.add(good)
    assert total.seen == 6 and total.reasons == {"a": 4}
    total.check("test")


def test_counts_as_json_hold_every_field_and_come_back() -> None:
    text = TextCount(seen=9, kept=7, added=2, removed={"a": 2})
    counts = Counts(5, 2, 1, 2, 4, 1, 1, {"a": 1, "b": 2}, {"text ← a": 2}, text)
    told = counts.as_json()
    assert told == asdict(counts) and list(told) == list(asdict(counts))
    assert Counts.of(told) == counts
    counts.add(counts)
    assert told["reasons"] == {"a": 1, "b": 2} and told["text"]["removed"] == {"a": 2}


def test_a_batch_reads_missing_core_columns_as_null() -> None:
    batch = Batch(pa.table({"id": ["1"], "text": ["a"], "score": [1.0]}))
    assert batch.column("prompt") == [None] and batch.column("score") == [1.0]
    assert batch.texts() == ["a"] and batch.texts("output") == [None]
    with pytest.raises(KeyError):
        batch.column("cluster")


def test_a_row_in_its_own_stead_is_changed_when_its_text_is() -> None:
    verdicts = Verdicts(_table(4), Marking())
    same = {"source": "s", "place": "p"}
    verdicts.replace(0, [{**same, "id": "a", "text": "one"}, {**same, "id": "b", "text": "two"}])
    verdicts.replace(1, [{**same, "id": f"{1:032x}", "text": "text 1"}])
    verdicts.replace(2, [{**same, "id": f"{2:032x}", "text": "text two"}])
    made = verdicts.split()
    assert made.kept.column("text").to_pylist() == ["one", "two", "text 1", "text two", "text 3"]
    assert (made.counts.changed, made.counts.kept, made.counts.made) == (1, 4, 5)


def test_a_reject_shows_the_text_that_came_in() -> None:
    verdicts = Verdicts(_table(2), Marking())
    for record in verdicts.records():
        for field in record.fields:
            field.text = "rewritten"
    verdicts.drop(0, "short")
    made = verdicts.split()
    assert made.rejects.column("text").to_pylist() == ["text 0"]
    assert made.kept.column("text").to_pylist() == ["rewritten"]


def test_two_parts_of_a_batch_are_one() -> None:
    first, second = (Verdicts(_table(rows), Marking()) for rows in (3, 2))
    first.drop(1, "short")
    one, other = first.split(), second.split()
    one.passing, one.bytes, other.bytes = True, 30, 20
    for whole in (one.followed_by(other), other.followed_by(one)):
        assert whole.passing and whole.bytes == 50
        assert (whole.counts.seen, whole.counts.kept, whole.counts.dropped) == (5, 4, 1)
        assert (whole.kept.num_rows, whole.rejects.num_rows) == (4, 1)
    assert one.followed_by(other).kept.column("text").to_pylist()[-1] == "text 1"


def test_counts_of_pieces_are_added_up() -> None:
    numbers = dict(seen=5, kept=3, dropped=1, failed=1, made=4, inapplicable=2, changed=1)
    text = TextCount(seen=9, kept=6, added=2, removed={"a": 3})
    one = Counts(**numbers, reasons={"a": 1, "b": 1}, forms={"f": 3}, text=text)  # type: ignore[arg-type]
    total = Counts()
    for _ in range(3):
        total.add(one)
    assert {name: getattr(total, name) for name in numbers} == {
        n: 3 * v for n, v in numbers.items()
    }
    assert (total.reasons, total.forms) == ({"a": 3, "b": 3}, {"f": 9})
    assert total.text == TextCount(seen=27, kept=18, added=6, removed={"a": 9})
    assert total.text.made == 24
