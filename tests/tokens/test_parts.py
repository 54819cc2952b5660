"""Long records become several: nothing of a text is lost, conversations are cut between turns."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.place import Place
from stages.tokens.model import load_tokenizer
from stages.tokens.parts import ranges, turns
from stages.tokens.tokenize import Tokenize


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(["Peas grow. ", "row ", "\n", "\n\n", "# Beds\n", "雨。", "| a |\n"])),
    st.integers(1, 12),
)
def test_parts_are_the_text_and_fit(pieces: list[str], room: int) -> None:
    text = "".join(pieces)
    ends = list(range(1, len(text) + 1, 2)) or [0]
    if text:
        ends[-1] = len(text)
    parts = ranges(text, ends, room)
    assert "".join(text[begin:end] for begin, end in parts) == text
    assert all(sum(begin < end <= stop for end in ends) <= room for begin, stop in parts)


def test_a_text_is_cut_at_the_best_place() -> None:
    def cut(text: str, room: int) -> str:
        begin, end = ranges(text, list(range(1, len(text) + 1)), room)[0]
        return text[begin:end]

    body = "One two. Three four.\nFive six.\n\nSeven eight.\n"
    assert cut(body + "# Nine\nTen. " * 9, 60) == body.rstrip("\n") + "\n"
    assert cut("One two. Three four.\nFive six.\n\nSeven eight. " * 9, 40) == (
        "One two. Three four.\nFive six.\n\n"
    )
    assert cut("One two. Three four.\nFive six seven eight nine", 30) == "One two. Three four.\n"
    assert cut("One two. Three four five six", 15) == "One two. "
    assert cut("One two three four five six", 15) == "One two three "
    assert cut("x" * 40, 15) == "x" * 15
    # Not at one that leaves most of the room empty.
    assert cut("One.\n# Two\nThree four five six. Seven eight nine ten", 40) == (
        "One.\n# Two\nThree four five six. "
    )


def test_an_overlap_begins_at_a_word() -> None:
    text = "".join(f"word{n} " for n in range(60))
    parts = ranges(text, list(range(1, len(text) + 1)), 80, 20)
    for (_, end), (begin, _) in pairwise(parts):
        assert end - 20 <= begin < end and text[begin - 1] == " "


def test_a_long_text_becomes_rows_with_their_part_in_the_place() -> None:
    text = "# Peas\n\n" + "Peas are sown in rows, naïve or not. " * 60 + "\n\n## Beans\n\nLater."
    table = pa.table({"id": ["a", "b"], "source": ["s"] * 2, "place": ["a.md", "b.md"]})
    table = table.append_column("text", pa.array([text, "Short."]))
    judged = Tokenize(max_length=100).split(table)
    counts = judged.counts
    assert counts.kept == 2 and counts.made > 7 and counts.text.removed == {}
    assert counts.text.kept == len(text) + 6
    rows = judged.kept.to_pylist()
    assert rows[-1]["id"] == "b" and len({row["id"] for row in rows}) == len(rows)
    decode = load_tokenizer().decode
    assert "".join(decode(row["input_ids"]) for row in rows[:-1]) == text
    assert all(row["length"] <= 100 for row in rows)
    assert [Place.parse(row["place"]).key for row in rows[:2]] == ["part=1", "part=2"]
    # The text ends where its last part does.
    assert [row["input_ids"][-1] == 2 for row in rows] == [False] * (len(rows) - 2) + [True] * 2
    (whole,) = Tokenize(max_length=None)([{"text": text}])
    assert whole["length"] > 700


def test_a_part_of_nothing_but_white_space_is_counted() -> None:
    text = "Peas. " * 10 + " " * 20_000 + "Beans."
    table = pa.table({"id": ["a"], "source": ["s"], "place": ["a.txt"], "text": [text]})
    judged = Tokenize(max_length=32).split(table)
    decode = load_tokenizer().decode
    held = sum(len(decode(row["input_ids"])) for row in judged.kept.to_pylist())
    assert judged.counts.text.removed == {"long": len(text) - held} and held < 10_000


def _talk(answers: list[str]) -> list[dict[str, Any]]:
    talk: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}]
    for n, answer in enumerate(answers):
        talk.append({"role": "user", "content": f"Question {n}?"})
        talk.append({"role": "assistant", "content": answer})
    return talk


def test_a_long_conversation_becomes_several_of_whole_turns() -> None:
    answers = [f"Answer {n}. " * 6 for n in range(8)]
    answers[3] = "Long. " * 90
    messages = _talk(answers)
    table = pa.table({"id": ["a"], "source": ["s"], "place": ["a.jsonl@0+9:1"]})
    held = [[{**m, "extra": None} for m in messages]]
    kind = pa.list_(pa.struct({"role": pa.string(), "content": pa.string(), "extra": pa.string()}))
    table = table.append_column("messages", pa.array(held, kind))
    judged = Tokenize(max_length=100).split(table)
    assert judged.counts.text.removed == {"long": len(answers[3]) + len("Question 3?")}
    decode = load_tokenizer().decode
    texts = [decode(row["input_ids"]) for row in judged.kept.to_pylist()]
    assert len(texts) > 2 and all(text.startswith("system\nBe brief.\nuser\n") for text in texts)
    assert all(any(row["loss_mask"]) and row["length"] <= 100 for row in judged.kept.to_pylist())
    for n, answer in enumerate(answers):
        assert sum(answer.strip() in text for text in texts) == (n != 3)
    # A conversation of which no turn fits leaves.
    rejects: list[dict[str, Any]] = []
    assert Tokenize(max_length=20)([{"messages": messages}], rejects) == []
    assert rejects[0]["reason"] == "too_long"


def test_a_question_without_an_answer_is_no_part_of_its_own() -> None:
    roles = ["system", "user", "assistant", "user", "assistant", "user"]
    talk = [{"role": role, "content": f"{n}"} for n, role in enumerate(roles)]

    def cut(messages: list[dict[str, str]], room: int) -> tuple[list[str], str]:
        parts, out = turns(messages, room, len, len)
        shown = ["".join(m["content"] for m in one) for one in (*parts, out)]
        return shown[:-1], shown[-1]

    assert cut(talk, 4) == (["012", "0345"], "")
    assert cut(talk, 3) == (["012", "034"], "5")
    assert cut([talk[1], talk[2], talk[5]], 9) == (["125"], "")
    assert cut([talk[1]], 9) == (["1"], "")


@pytest.mark.parametrize("long", ["split", "drop"])
def test_a_pair_that_is_too_long_leaves(long: Any) -> None:
    rejects: list[dict[str, Any]] = []
    pair = {"prompt": "When? " * 30, "completion": "In March."}
    assert Tokenize(max_length=50, long=long)([pair], rejects) == []
    assert rejects[0]["reason"] == "too_long"


def test_an_overlap_is_a_half_of_a_part_at_most() -> None:
    text = "Peas are sown in rows, and the water runs along them. " * 60
    made = [
        len(Tokenize(max_length=64, overlap=overlap)([{"text": text}])) for overlap in (0, 32, 5000)
    ]
    assert made[0] < made[1] <= made[2] <= 2 * made[0] + 1
