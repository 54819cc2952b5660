"""Pairs: what a prompt is about becomes part of it, and of a preference pair the better answer."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from stages import CsvExtract, JsonlExtract, SqlExtract
from stages.errors import Unreadable
from stages.extract import forms
from stages.extract.forms import Layout, Names

ASK, SAY = {"role": "user", "content": "how deep"}, {"role": "assistant", "content": "two metres"}
WORSE = {"role": "assistant", "content": "no idea"}


def made(values: dict[str, Any], rows: bool = False, **names: Any) -> forms.Made:
    return Layout(tuple(values), Names(**names), rows=rows).read(values)


def refused(values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    with pytest.raises(Unreadable) as told:
        made(values)
    return told.value.reason, dict(told.value.evidence)


@pytest.mark.parametrize("asks", ["question", "query", "prompt", "instruction", "Question"])
@pytest.mark.parametrize(
    ("about", "value"),
    [
        ("context", "The lock gate is oak."),
        ("input", "oak"),
        ("passage", "The lock gate is oak."),
        ("document", "The lock gate is oak."),
        ("table", "gate | wood\nlock | oak"),
        ("schema", "CREATE TABLE gates (wood text)"),
        ("history", "Before that we spoke of gates."),
    ],
)
def test_what_is_asked_about_stands_in_the_prompt(asks: str, about: str, value: str) -> None:
    found = made({asks: "Which wood?", about: value, "answer": "Oak.", "n": 1})
    pieces = [value, "Which wood?"] if about == "history" else ["Which wood?", value]
    assert found.records == [
        {"prompt": "\n\n".join(pieces), "completion": "Oak.", "meta": {"n": 1}}
    ]
    columns = f"{about}, {asks}" if about == "history" else f"{asks}, {about}"
    assert found.form == f"prompt ← {columns}; completion ← answer; meta ← n"


def test_several_texts_that_are_asked_about_all_stand_in_the_prompt() -> None:
    found = made({"question": "q", "input": "x", "context": ["one", "two"], "answer": "a"})
    assert found.records == [{"prompt": "q\n\nx\n\none\n\ntwo", "completion": "a"}]
    empty = made({"question": "q", "input": " ", "context": None, "answer": "a"})
    assert empty.records == [{"prompt": "q", "completion": "a"}]


def test_a_name_of_one_word_is_nothing_that_is_asked_about() -> None:
    values = {"question": "q", "answer": "a", "table": "gates", "document": 17, "schema": {"a": 1}}
    found = made(values)
    assert found.records[0]["prompt"] == "q"
    assert found.records[0]["meta"] == {"table": "gates", "document": 17, "schema": {"a": 1}}
    assert found.form.endswith("meta ← document, schema, table")


def test_what_is_asked_about_and_is_no_text_is_refused_with_the_remedy() -> None:
    for beside in ({"context": {"title": ["a"]}}, {"history": [1]}, {"context": [1]}):
        reason, told = refused({"question": "q", "answer": "a", **beside})
        assert (reason, told["field"]) == ("bad_type", next(iter(beside)))
        assert told["remedy"].startswith("name prompt and completion")
        named = made({"question": "q", "answer": "a", **beside}, prompt="question",
                     completion="answer")  # fmt: skip
        assert named.records[0]["prompt"] == "q" and named.records[0]["meta"] == beside


@pytest.mark.parametrize(
    "history",
    [
        [["how deep", "two metres"]],
        [ASK, SAY],
        [{"question": "how deep", "answer": "two metres"}],
        [{"from": "human", "value": "how deep"}, {"from": "gpt", "value": "two metres"}],
    ],
)
def test_earlier_turns_stand_before_the_question(history: list[Any]) -> None:
    found = made({"question": "and wide", "history": history, "context": "A lock.", "answer": "6"})
    asked, said = {"role": "user", "content": "and wide\n\nA lock."}, {**SAY, "content": "6"}
    assert found.records == [{"messages": [ASK, SAY, asked, said]}]


# --- preference pairs -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "record", "line"),
    [
        (
            {"prompt": "how deep", "chosen": "two metres", "rejected": "no idea"},
            {"prompt": "how deep", "completion": "two metres"},
            "prompt ← prompt; completion ← chosen",
        ),
        (
            {"rejected": [ASK, WORSE], "chosen": [ASK, SAY]},
            {"messages": [ASK, SAY]},
            "messages ← chosen",
        ),
        (
            {"prompt": [ASK], "chosen": [SAY], "rejected": [WORSE]},
            {"messages": [ASK, SAY]},
            "messages ← prompt, chosen",
        ),
        (
            {"prompt": [ASK], "chosen": "two metres", "rejected": "no idea"},
            {"messages": [ASK, SAY]},
            "messages ← prompt, chosen",
        ),
        (
            {"question": "how deep", "chosen": [SAY], "rejected": [WORSE]},
            {"messages": [ASK, SAY]},
            "messages ← question, chosen",
        ),
        (
            {
                "conversations": [ASK],
                "chosen": {"from": "gpt", "value": "two metres"},
                "rejected": {"from": "gpt", "value": "no idea"},
            },
            {"messages": [ASK, SAY]},
            "messages ← conversations, chosen",
        ),
        (
            {"messages": [ASK], "chosen": "two metres", "rejected": "no idea"},
            {"messages": [ASK, SAY]},
            "messages ← messages, chosen",
        ),
        (
            {"question": "q", "chosen_response": "a", "rejected_response": "b"},
            {"prompt": "q", "completion": "a"},
            "prompt ← question; completion ← chosen_response",
        ),
        (
            {"Chosen": "a talk of two", "Rejected": "a worse talk"},
            {"text": "a talk of two"},
            "text ← Chosen",
        ),
    ],
)
def test_of_a_preference_pair_the_better_answer_is_taken(
    values: dict[str, Any], record: dict[str, Any], line: str
) -> None:
    found = made({**values, "score": 3})
    worse = next(name for name in values if "rejected" in name.lower())
    assert found.records == [{**record, "meta": {"score": 3, "rejected": values[worse]}}]
    assert found.form == f"{line}; preference pairs: meta.rejected ← {worse}; meta ← score"
    assert found.text.removed["rejected"] == forms.size(values[worse])


def test_a_prompt_that_stands_in_the_chosen_talk_is_said_once() -> None:
    found = made({"prompt": "how deep", "chosen": [ASK, SAY], "rejected": [ASK, WORSE]})
    (record,) = found.records
    assert record["messages"] == [ASK, SAY]
    assert record["meta"] == {"prompt": "how deep", "rejected": [ASK, WORSE]}


def test_a_preference_pair_without_its_better_answer_is_empty() -> None:
    for beside in ({"prompt": "how deep"}, {"messages": [ASK]}, {"prompt": [ASK]}, {}):
        reason, _ = refused({**beside, "chosen": " ", "rejected": "no idea"})
        assert reason == "empty"


def test_names_that_are_given_know_no_preference() -> None:
    values = {"prompt": "q", "chosen": "a", "rejected": "b"}
    found = made(values, prompt="prompt", completion="rejected")
    assert found.records == [{"prompt": "q", "completion": "b", "meta": {"chosen": "a"}}]
    assert made(values, text="chosen").records[0]["meta"] == {"prompt": "q", "rejected": "b"}


def test_a_run_says_what_it_did_with_preference_pairs(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": "q", "chosen": "good", "rejected": "bad"}\n')
    source = JsonlExtract()
    (part,) = source.parts(str(tmp_path / "a.jsonl"), 1 << 20)
    (judged,) = source.splits(part, "a")
    assert list(judged.counts.forms) == [
        "prompt ← prompt; completion ← chosen; preference pairs: meta.rejected ← rejected"
    ]
    assert judged.counts.text.removed == {"rejected": 3} and "rejected" not in source.usual


# --- the case of names ----------------------------------------------------------------------------

TALK = [{"Role": "user", "Content": "how deep"}, {"ROLE": "assistant", "content": "two metres"}]


@pytest.mark.parametrize(
    ("values", "record"),
    [
        (
            {"PROMPT": "how deep", "Completion": "two metres"},
            {"prompt": "how deep", "completion": "two metres"},
        ),
        ({"Question": "a", "ANSWER": "b"}, {"prompt": "a", "completion": "b"}),
        (
            {"QUESTION": "how deep", "Context": "A lock.", "Answer": "2"},
            {"prompt": "how deep\n\nA lock.", "completion": "2"},
        ),
        ({"BODY": "a text"}, {"text": "a text"}),
        ({"Messages": TALK}, {"messages": [ASK, SAY]}),
    ],
)
def test_the_case_of_names_says_nothing_in_any_kind_of_file(
    values: dict[str, Any], record: dict[str, Any], tmp_path: Path
) -> None:
    cells = [v if isinstance(v, str) else json.dumps(v) for v in values.values()]
    (tmp_path / "a.jsonl").write_text(json.dumps(values))
    with open(tmp_path / "a.csv", "w", newline="") as file:
        csv.writer(file).writerows([[*values], cells, cells])
    names = ", ".join(f'"{name}" text' for name in values)
    row = ", ".join("'" + cell + "'" for cell in cells)
    (tmp_path / "a.sql").write_text(f"CREATE TABLE t ({names});\nINSERT INTO t VALUES ({row});\n")
    for stage, name in (
        (JsonlExtract(), "a.jsonl"),
        (CsvExtract(), "a.csv"),
        (SqlExtract(), "a.sql"),
    ):
        found = next(iter(stage(tmp_path / name, [])))  # type: ignore[operator]
        own = {key: found[key] for key in ("text", "prompt", "completion") if key in found}
        if "messages" in found:
            own["messages"] = [{k: m[k] for k in ("role", "content")} for m in found["messages"]]
        assert own == record, name
