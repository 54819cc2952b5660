"""Sides without leaks: what is connected stays together, whatever the cut of the corpus."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import records
from stages.base import State, VisibleState
from stages.errors import UsageError
from stages.extract.csv import CsvExtract
from stages.extract.jsonl import JsonlExtract
from stages.select.sides import sizes
from stages.select.sides.connected import normalised, object_at, opening
from stages.select.sides.dates import seconds
from stages.select.split import Split
from stages.verdicts import Batch


def _asked(number: int, **more: Any) -> dict[str, Any]:
    return {"prompt": f"question {number}", "completion": f"answer {number}", **more}


def _talk(*turns: str, **more: Any) -> dict[str, Any]:
    """User and assistant in turn."""
    sides = ("user", "assistant")
    said = [{"role": sides[n % 2], "content": turn} for n, turn in enumerate(turns)]
    return {"messages": said, **more}


def _sides(found: list[dict[str, Any]]) -> list[str]:
    return [record["split"] for record in found]


def _parted(found: Sequence[dict[str, Any]], names: Sequence[object]) -> int:
    """How many names have records on both sides; there must be some on each."""
    sides: dict[object, set[str]] = defaultdict(set)
    for record, name in zip(found, names, strict=True):
        sides[name].add(record["split"])
    assert set().union(*sides.values()) == {"train", "val"}
    return sum(len(each) > 1 for each in sides.values())


# --- sizes --------------------------------------------------------------------------------------


def test_a_share_is_kept_and_depends_on_the_seed() -> None:
    corpus = [_asked(number) for number in range(4000)]
    one = _sides(Split(val=0.2)(corpus))
    assert 760 <= one.count("val") <= 840
    assert set(one) == {"train", "val"}
    assert _sides(Split(val=0.2)(corpus)) == one
    assert _sides(Split(val=0.2, seed=1)(corpus)) != one
    assert set(_sides(Split(val=0.0)(corpus))) == {"train"}
    assert set(_sides(Split(val=1.0)(corpus))) == {"val"}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("count", "val"), [(10, 0.1), (40, 0.05), (100, 0.3), (700, 0.07)])
def test_a_small_corpus_has_the_share_too(count: int, val: float, seed: int) -> None:
    found = _sides(Split(val=val, seed=seed)([_asked(number) for number in range(count)]))
    target = round(count * val)
    assert abs(found.count("val") - target) <= 0.05 * target


def test_a_corpus_that_grows_keeps_its_sides() -> None:
    small = [_asked(number) for number in range(3000)]
    large = [_asked(number) for number in range(9000)]
    assert _sides(Split(val=0.3)(large))[:3000] == _sides(Split(val=0.3)(small))


def test_a_number_of_records_is_met_by_whole_components() -> None:
    corpus = [_asked(number, group=f"g{number // 7}") for number in range(700)]
    found = Split(val=40)(corpus)
    assert _parted(found, [record["group"] for record in found]) == 0
    assert _sides(found).count("val") == 35  # five groups of seven: a sixth does not fit
    exact = [_asked(number) for number in range(500)]
    assert _sides(Split(val=123)(exact)).count("val") == 123
    assert _sides(Split(val=123)(exact)) != _sides(Split(val=123, seed=1)(exact))
    assert _sides(Split(val=0)(exact)).count("val") == 0
    assert _sides(Split(val=499)(exact)).count("val") == 499
    for none_left in (500, 501):
        with pytest.raises(UsageError, match="of 500 records leave none to train on"):
            Split(val=none_left)(exact)


def test_components_of_many_sizes_are_filled_to_the_number() -> None:
    corpus = [_asked(n, group=f"g{n % 97 if n % 3 else n}") for n in range(900)]
    assert _sides(Split(val=90)(corpus)).count("val") == 90


def test_a_component_larger_than_val_stays_in_train() -> None:
    corpus = [_asked(n, group="one" if n < 300 else None) for n in range(1000)]
    for seed in range(8):
        found = Split(val=0.1, seed=seed)(corpus)
        assert set(_sides(found)[:300]) == {"train"}
        assert 95 <= _sides(found).count("val") <= 105
    dated = [{**row, "date": f"20{n % 25:02}"} for n, row in enumerate(corpus)]
    dated[:300] = [{**row, "date": "2040"} for row in dated[:300]]
    assert _sides(Split(val=0.1, by=("date",))(dated)).count("val") == 100


@pytest.mark.parametrize(
    ("val", "wanted"),
    [
        (0.25, sizes.Asked(0.25)),
        (25, sizes.Asked(rows=25)),
        ("0.25", sizes.Asked(0.25)),
        ("25", sizes.Asked(rows=25)),
        ("0.75,0.25", sizes.Asked(0.25)),
        ("75, 25", sizes.Asked(0.25)),
        ((0.75, 0.25), sizes.Asked(0.25)),
        ((3, 1), sizes.Asked(0.25)),
        (1.0, sizes.Asked(1.0)),
        (1, sizes.Asked(rows=1)),
    ],
)
def test_the_forms_of_val(val: Any, wanted: sizes.Asked) -> None:
    assert sizes.asked(val) == wanted


@pytest.mark.parametrize("val", [-1, -0.1, 1.5, "a", "", "1,2,3", "0,0", (0.0, 0.0), (1.0, -1.0)])
def test_another_form_of_val_is_refused(val: Any) -> None:
    with pytest.raises(UsageError, match=r"split: val must be a share between 0.0 and 1.0, a num"):
        Split(val=val)([_asked(1)])


# --- what is connected --------------------------------------------------------------------------


def test_equal_prompts_stay_together_without_regard_to_case_and_space() -> None:
    corpus = []
    for number in range(200):
        corpus.append(_asked(number))
        corpus.append({"prompt": f"  QUESTION\n{number} ", "completion": "another answer"})
        corpus.append(_talk(f"Question {number}", "a third"))
    assert _parted(Split(val=0.4)(corpus), [at // 3 for at in range(600)]) == 0


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
            {**_asked(number, group=f"b{number}"), "completion": "another"},
            _asked(5000 + number, group=f"b{number}"),
            {**_asked(5000 + number), "completion": "another"},
        ]
    names = [at // 5 for at in range(500)]
    assert _parted(Split(val=0.5)(corpus), names) == 0
    assert _parted(Split(val=0.5, connect=("group",))(corpus), names) > 10


def test_a_dialogue_and_its_continuations_stay_together() -> None:
    corpus, names = [], []
    for number in range(120):
        turns = [f"Which bed is number {number}?", f"The {number}th."]
        for more in range(3):
            corpus.append(_talk(*turns, f"And its turn {more}?", f"Then {number}, {more}."))
            corpus.append(_talk(*turns, f"And its turn {more}?", f"Or rather {more}."))
            turns += [f"And its turn {more}?", f"Then {number}, {more}."]
            names += [number, number]
    assert _parted(Split(val=0.3)(corpus), names) == 0
    assert _parted(Split(val=0.3, connect=("prompt",))(corpus), names) > 20


def test_a_plain_pair_and_a_conversation_that_goes_on_from_it_stay_together() -> None:
    corpus, names = [], []
    for number in range(100):
        first = f"When is bed {number} dug over?"
        corpus += [
            {"prompt": first, "completion": "In March."},
            _talk(first, "In March.", "And then?", "Sown."),
        ]
        names += [number, number]
    assert _parted(Split(val=0.3)(corpus), names) == 0


def test_greetings_system_messages_and_form_letters_connect_nothing() -> None:
    system = {"role": "system", "content": "You are a patient gardener of the island."}
    letter = "You will be given a label. Say which bed it belongs to."
    corpus = []
    for number in range(60):
        corpus += [
            _talk("Hello", "Hi! How can I help?", f"Which bed is {number}?", "That one."),
            {"messages": [system, *_talk(f"Is bed {number} dry?", "No.")["messages"]]},
            _talk(letter, "Fine.", f"Label {number} of the shed", "The north bed."),
            _talk("你好", "你好！", f"第{number}块地在哪里？", "在那里。"),
        ]
    found = _sides(Split(val=0.25)(corpus))
    assert 57 <= found.count("val") <= 63
    for kind in range(4):
        assert set(found[kind::4]) == {"train", "val"}


def test_a_few_greetings_connect_nothing() -> None:
    corpus = [
        _talk("Hello", "Hi! How can I help?", f"Which bed is {number}?", "That one.")
        for number in range(20)
    ]
    assert _sides(Split(val=0.25)(corpus)).count("val") == 5


def test_an_opening_has_three_words_at_least() -> None:
    assert opening(["Hello", "Where is it?", "And now?"]) == (
        "hello\nwhere is it?",
        "hello\nwhere is it?\nand now?",
    )
    assert opening(["Where is it?"]) == ("where is it?", None)
    assert opening(["Good morning"]) == opening([]) == (None, None)
    assert opening(["你好"]) == (None, None)
    assert opening(["番茄什么时候播种"])[0] is not None


def test_the_branches_of_a_tree_and_the_records_of_one_line_stay_together(tmp_path: Path) -> None:
    def tree(number: int) -> dict[str, Any]:
        def said(role: str, text: str, *replies: dict[str, Any]) -> dict[str, Any]:
            return {"role": role, "text": text, "replies": list(replies)}

        more = said("prompter", "Why so?", said("assistant", f"The frost, {number}."))
        return {
            "message_tree_id": f"t{number}",
            # A greeting alone would not connect the branches: the line that they come from does.
            "prompt": said(
                "prompter",
                f"Hello {number}",
                said("assistant", f"Hello to you, {number}.", more),
                said("assistant", "Good day."),
            ),
        }

    path = tmp_path / "trees.jsonl"
    path.write_text("".join(json.dumps(tree(n)) + "\n" for n in range(80)))
    rows = list(JsonlExtract()(str(path)))
    assert len(rows) == 160
    found = Split(val=0.3)(rows)
    assert _parted(found, [row["place"] for row in found]) == 0
    found = Split(val=0.3, connect=("prompt", "prefix"))(rows)
    assert _parted(found, [row["place"] for row in found]) > 10


def test_the_rows_of_a_table_are_not_one_object(tmp_path: Path) -> None:
    path = tmp_path / "faq.csv"
    path.write_text("question,answer\n" + "".join(f"Where is {n}?,At {n}.\n" for n in range(200)))
    assert set(_sides(Split(val=0.3)(list(CsvExtract()(str(path)))))) == {
        "train",
        "val",
    }
    for place in ("a.html", "a.zip#b.html", "a.csv@0+9:1", "!users[id=5]", "a.sql@3+4:2!users"):
        assert object_at(place) == place
    assert object_at("!users") is None and object_at("dump.sql!users") is None
    # Sections and pages are parts of one text.
    assert object_at("a.md@9+9:3") == object_at("a.md@0+9:1") == "a.md"
    assert object_at("b.zip#a.PDF![page=3]") == "b.zip#a.PDF"


def test_records_of_one_page_stay_together() -> None:
    corpus = [_asked(n, source="site", place=f"thread-{n // 4}.html") for n in range(400)]
    assert _parted(Split(val=0.3)(corpus), [n // 4 for n in range(400)]) == 0


@pytest.mark.parametrize("name", ["url", "thread_id", "conversation_id", "message_tree_id"])
def test_keys_of_meta_that_name_an_object_connect(name: str) -> None:
    corpus = [_asked(n, meta={name: f"o{n // 4}"}) for n in range(400)]
    names = [n // 4 for n in range(400)]
    assert _parted(Split(val=0.3)(corpus), names) == 0
    assert _parted(Split(val=0.3, connect=("prompt",))(corpus), names) > 20
    same = [_asked(n, meta={name: "the same of all"}) for n in range(400)]
    assert set(_sides(Split(val=0.3)(same))) == {"train", "val"}


def test_parts_of_one_page_stay_together() -> None:
    corpus = [_asked(n, meta={"url": f"https://a.example/{n // 3}#p{n}"}) for n in range(300)]
    assert _parted(Split(val=0.3)(corpus), [n // 3 for n in range(300)]) == 0


@pytest.mark.parametrize("by", [("bed",), ("bed", "month")])
def test_named_columns_and_keys_of_meta_connect(by: Any) -> None:
    in_meta = [_asked(n, meta={"bed": n // 5, "month": n // 10}) for n in range(500)]
    as_column = [_asked(n, bed=n // 5, month=n // 10) for n in range(500)]
    for corpus in (in_meta, as_column):
        width = 10 if "month" in by else 5
        assert _parted(Split(val=0.3, by=by)(corpus), [n // width for n in range(500)]) == 0


def test_whole_sources_can_be_held_out() -> None:
    corpus = [_asked(n, source=f"site {n % 20}") for n in range(400)]
    assert _parted(Split(val=0.3, by=("source",))(corpus), [n % 20 for n in range(400)]) == 0


def test_a_column_that_no_record_has_is_said() -> None:
    with pytest.raises(UsageError, match=r"split\.by: no record has a column 'topik'"):
        Split(by=("topik",))([_asked(1, meta={"topic": 1})])


# --- by time ------------------------------------------------------------------------------------


def test_the_newest_are_for_validation() -> None:
    corpus = [_asked(n, meta={"date": f"20{n % 25:02}-03-0{n % 9 + 1}"}) for n in range(500)]
    found = Split(val=0.2, by=("date",))(corpus)
    assert _sides(found).count("val") == 100
    dates: dict[str, list[str]] = defaultdict(list)
    for record in found:
        dates[record["split"]].append(json.loads(record["meta"])["date"])
    assert max(dates["train"]) <= min(dates["val"])
    assert _sides(Split(val=100, by=("date",))(corpus)).count("val") == 100


def test_what_is_connected_begins_with_its_oldest_record_and_no_date_is_for_training() -> None:
    corpus = [_asked(n, date=f"2020-01-{n % 28 + 1:02}") for n in range(200)]
    corpus += [_asked(7, date="2024-05-05"), _asked(900, date=None), _asked(901, date="soon")]
    found = _sides(Split(val=0.2, by=("date",))(corpus))
    assert found[-3:] == ["train"] * 3 and found.count("val") == 41


def test_a_time_has_other_names_and_none_at_all_is_said() -> None:
    corpus = [_asked(n, meta={"created_at": 1_600_000_000 + n}) for n in range(100)]
    assert _sides(Split(val=10, by=("date",))(corpus)) == ["train"] * 90 + ["val"] * 10
    with pytest.raises(UsageError, match=r"split\.by: date: no record has a date"):
        Split(by=("date",))([_asked(1), _asked(2, date="soon")])


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("1970-01-02", 86400),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:01:00Z", 60),
        ("1971", 365 * 86400),
        ("1970/02", 31 * 86400),
        ("1970.1.2 at noon", 86400),
        ("Thu, 01 Jan 1970 00:00:05 GMT", 5),
        (1_700_000_000, 1_700_000_000),
        (1_700_000_000_000, 1_700_000_000),
        ("1700000000", 1_700_000_000),
        (1971, 365 * 86400),
        ("", None),
        ("soon", None),
        ("1970-13-45", None),
        (None, None),
        (True, None),
        (float("nan"), None),
        ([], None),
    ],
)
def test_dates_as_people_write_them(value: Any, wanted: int | None) -> None:
    assert seconds(value) == wanted


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.integers(), st.floats(), st.dates(), st.datetimes()))
def test_no_value_is_too_odd_for_a_date(value: Any) -> None:
    found = seconds(value)
    assert found is None or isinstance(found, int)


# --- whatever the cut ---------------------------------------------------------------------------


def run(stage: Split, tables: list[pa.Table]) -> tuple[list[str], State]:
    """The sides of the rows of pieces, and the last state."""
    state = State()
    seen = [VisibleState(0, {}, {}, None) for _ in tables]
    while not state.done:
        observed = [
            stage.observe(Batch(table), one) for table, one in zip(tables, seen, strict=True)
        ]
        assert len({table.schema for table in observed}) == 1
        state = stage.merge(observed, state)
        assert state.local is not None
        seen = [VisibleState(state.round, state.values, state.tables, own) for own in state.local]
    sides: list[str] = []
    for table, one in zip(tables, seen, strict=True):
        sides += stage.split(table, one).kept.column("split").to_pylist()
    return sides, state


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.one_of(st.none(), st.integers(0, 8)), st.integers(0, 3)),
        min_size=3,
        max_size=60,
    ),
    st.integers(1, 20),
    st.sampled_from(
        [
            Split(val=0.4),
            Split(val=2),
            Split(val=0.3, by=("bed",), seed=3),
            Split(val=2, by=("date",)),
        ]
    ),
)
def test_the_cut_into_pieces_changes_no_side(
    triples: list[tuple[int, int | None, int]], size: int, stage: Split
) -> None:
    rows = [
        {
            **_asked(prompt, group=None if group is None else f"g{group}"),
            "id": str(number),
            "source": "",
            "place": "",
            "meta": {"bed": bed, "date": f"202{bed}"},
        }
        for number, (prompt, group, bed) in enumerate(triples)
    ]
    table = records.to_table(rows, records.schema_with({"group": pa.string()}))
    whole, state = run(stage, [table])
    cut = [table.slice(at, size) for at in range(0, len(rows), size)]
    assert run(stage, cut) == (whole, _with_locals(state, cut, stage))
    by_prompt: dict[int, set[str]] = defaultdict(set)
    by_group: dict[int, set[str]] = defaultdict(set)
    for (prompt, group, _), side in zip(triples, whole, strict=True):
        by_prompt[prompt].add(side)
        if group is not None:
            by_group[group].add(side)
    assert all(len(sides) == 1 for sides in (*by_prompt.values(), *by_group.values()))


def _with_locals(state: State, cut: list[pa.Table], stage: Split) -> State:
    """The state as it is over the pieces of a cut: all but what each sees alone."""
    return State(
        state.round, True, state.values, state.tables, run(stage, cut)[1].local, state.told
    )
