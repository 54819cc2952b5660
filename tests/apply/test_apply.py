"""A function of the user's: what it may return, and what becomes of it when it does not."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from stages.apply.apply import Apply
from stages.errors import UsageError

SOURCE = """
import json

def shout(record):
    assert "completion" not in record or record["completion"] is not None
    record["text"] = record["text"].upper()
    record.setdefault("meta", {})["loud"] = True
    return record

def same(record):
    return record

def score(record):
    return {**record, "score": len(record["text"]), "good": record["text"] != "b"}

def drop(record):
    return {"a": None, "b": False, "c": []}.get(record["text"], record)

def split(record):
    if record["text"] == "stay":
        return record
    return [{"text": word, "meta": record["meta"]} for word in record["text"].split()]

def fail(record):
    if record["text"] == "bad":
        raise ValueError("no \\udc80 such thing")
    return record

def wrong(record):
    return {
        "type": 5,
        "column": {**record, "colour": "red"},
        "id": {**record, "id": "other"},
        "number": {"text": 5},
        "two": {"text": "a", "prompt": "b"},
        "none": {"meta": {}},
        "messages": {"messages": ["hello"]},
        "list": [record, "x"],
    }.get(record["text"], record)

def talk(record):
    text = record.pop("text")
    return {**record, "messages": [
        {"role": "user", "content": text},
        {"role": "assistant", "content": None, "tool_calls": [1]},
    ]}

value = 5
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "users_own_functions.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "users_own_functions", raising=False)
    return "users_own_functions"


def _texts(*texts: str) -> list[dict[str, Any]]:
    return [
        {"id": f"{n:032x}", "source": "s", "place": f"p{n}", "text": text, "meta": '{"b":1, "a":2}'}
        for n, text in enumerate(texts)
    ]


def test_a_record_that_is_changed_keeps_its_identity(module: str) -> None:
    (found,) = Apply(function=f"{module}:shout")(_texts("loud"))
    assert found == {
        "id": "0" * 32,
        "source": "s",
        "place": "p0",
        "text": "LOUD",
        "meta": '{"a":2,"b":1,"loud":true}',
    }


def test_a_record_that_is_not_changed_keeps_its_bytes(module: str) -> None:
    from stages import records

    table = records.to_table(_texts("one", "two"))
    split = Apply(function=f"{module}:same").split(table)
    assert split.kept.equals(table)
    assert split.counts.changed == 0
    assert Apply(function=f"{module}:shout").split(table).counts.changed == 2


def test_columns_are_declared_with_their_types(module: str) -> None:
    stage = Apply(function=f"{module}:score", columns=("score:float", "good:bool"))
    assert not stage.contradictions()
    found = stage(_texts("a", "b"))
    assert [(record["score"], record["good"]) for record in found] == [(1.0, True), (1.0, False)]
    rejects: list[dict[str, Any]] = []
    assert Apply(function=f"{module}:score")(_texts("a"), rejects) == []
    assert rejects[0]["reason"] == "invalid" and "score" in rejects[0]["evidence"]


def test_none_false_and_an_empty_list_drop(module: str) -> None:
    rejects: list[dict[str, Any]] = []
    kept = Apply(function=f"{module}:drop")(_texts("a", "b", "c", "d"), rejects)
    assert [record["text"] for record in kept] == ["d"]
    assert [(r["reason"], r["failed"], r["text"]) for r in rejects] == [
        ("function", False, text) for text in "abc"
    ]
    assert json.loads(rejects[1]["evidence"]) == {"returned": "False"}


def test_several_in_one_s_stead_get_ids_of_their_own(module: str) -> None:
    stage = Apply(function=f"{module}:split")
    found = stage(_texts("one two", "stay", "three"))
    assert [record["text"] for record in found] == ["one", "two", "stay", "three"]
    assert len({record["id"] for record in found}) == 4
    assert found[2]["id"] == f"{1:032x}"
    assert [record["place"] for record in found] == ["p0", "p0", "p1", "p2"]
    assert stage(_texts("one two"))[1]["id"] == found[1]["id"]


def test_an_exception_is_a_failed_record_with_its_line(module: str) -> None:
    rejects: list[dict[str, Any]] = []
    kept = Apply(function=f"{module}:fail")(_texts("good", "bad"), rejects)
    assert [record["text"] for record in kept] == ["good"]
    assert (rejects[0]["reason"], rejects[0]["failed"]) == ("error", True)
    evidence = json.loads(rejects[0]["evidence"])
    assert evidence["error"].startswith("ValueError: no ")
    assert "raise ValueError" in SOURCE.split("\n")[evidence["line"] - 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("type", "expected a dict, got int"),
        ("column", "colour"),
        ("id", "id may not be changed"),
        ("number", "text must be text, not int"),
        ("two", "exactly one of"),
        ("none", "exactly one of"),
        ("messages", "AttributeError"),
        ("list", "expected a dict, got str"),
    ],
)
def test_what_is_no_record_is_refused(module: str, text: str, said: str) -> None:
    rejects: list[dict[str, Any]] = []
    kept = Apply(function=f"{module}:wrong")(_texts("fine", text), rejects)
    assert [record["text"] for record in kept] == ["fine"]
    assert (rejects[0]["reason"], rejects[0]["failed"]) == ("invalid", True)
    assert said in json.loads(rejects[0]["evidence"])["error"]


def test_the_form_may_change(module: str) -> None:
    (found,) = Apply(function=f"{module}:talk")(_texts("hello"))
    assert "text" not in found
    assert found["messages"][1] == {
        "role": "assistant",
        "content": None,
        "extra": '{"tool_calls":[1]}',
    }


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("", "must be module:function"),
        ("json", "must be module:function"),
        ("d/mine.py:f", "d/mine.py is a file: name its module, 'mine:f'"),
        ("no_such_module_here:f", "cannot be imported: no module is called so"),
        ("json:no_such", "json has no function 'no_such'"),
        ("json:__name__", "is no function"),
    ],
)
def test_a_function_that_is_not_there_is_one_sentence(function: str, said: str) -> None:
    (problem,) = Apply(function=function).contradictions()
    assert said in problem
    with pytest.raises(UsageError):
        Apply(function=function)(_texts("a"))


def test_columns_that_cannot_be_declared() -> None:
    stage = Apply(function="json:dumps", columns=("score", "text:str", "a b:int", "good:float"))
    said = " ".join(stage.contradictions())
    assert "'score'" in said and "text is a column" in said and "'a b:int'" in said
    assert "good" not in said
    assert stage.modules() == ("json",)
