"""Records: one schema, ids that depend on content alone, views, and what text Arrow can hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.records import (
    CORE,
    SCHEMA,
    calls_of,
    encodable,
    extra_fields,
    fields,
    form_of,
    record_id,
    rewritten,
    schema_with,
    to_json,
    to_table,
)

TEXT = st.text(max_size=20) | st.sampled_from(["\ud800", "a\udfff", "\ud83d\ude00", ""])
ROLES = st.sampled_from(["system", "user", "assistant", "tool", "\ud83d"])
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": ROLES, "content": st.none() | TEXT},
        optional={"extra": st.none() | TEXT, "tool_calls": st.lists(TEXT, max_size=2)},
    ),
    max_size=4,
)
RECORDS = st.fixed_dictionaries(
    {"id": st.text(alphabet="0123456789abcdef", min_size=32, max_size=32)},
    optional={
        "source": TEXT,
        "place": TEXT,
        "text": st.none() | TEXT,
        "prompt": st.none() | TEXT,
        "completion": st.none() | TEXT,
        "messages": st.none() | MESSAGES,
        "meta": st.none() | TEXT | st.dictionaries(TEXT, TEXT, max_size=3),
    },
)


@settings(max_examples=60)
@given(st.lists(RECORDS, max_size=3))
def test_any_record_becomes_a_row_and_stays_what_it_was(rows: list[dict[str, Any]]) -> None:
    table = to_table(rows)
    assert table.schema == SCHEMA and table.num_rows == len(rows)
    table.validate(full=True)
    again = to_table(table.to_pylist())
    assert again.equals(table), "reading and writing again changes nothing"
    for row, stored in zip(rows, table.to_pylist(), strict=True):
        for name in ("text", "prompt", "completion"):
            value = row.get(name)
            assert stored[name] == (None if value is None else encodable(value))
        assert form_of(stored) == form_of(row)


def test_an_unknown_column_is_an_error_and_not_lost() -> None:
    with pytest.raises(ValueError, match=r"unknown columns \['answer'\]"):
        to_table([{"text": "a", "answer": "b"}])
    import pyarrow as pa

    schema = schema_with({"score": pa.float32()})
    assert schema.names == [*CORE, "score"]
    assert to_table([{"text": "a", "score": 0.5}], schema).column("score").to_pylist() == [0.5]


@given(TEXT)
def test_encodable_text_encodes_and_keeps_what_it_can(text: str) -> None:
    found = encodable(text)
    found.encode()
    if text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text):
        assert found == text
    assert json.loads(to_json({"a": text}))["a"] == found


@given(st.text(max_size=5), st.text(max_size=5), st.binary(max_size=5), st.integers(0, 3))
def test_ids_tell_apart_what_differs(source: str, unit: str, raw: bytes, ordinal: int) -> None:
    one = record_id(source, unit, raw, ordinal)
    assert len(one) == 32 and one == record_id(source, unit, raw, ordinal)
    others = [
        record_id(source + "x", unit, raw, ordinal),
        record_id(source, unit + "x", raw, ordinal),
        record_id(source, unit, raw + b"x", ordinal),
        record_id(source, unit, raw, ordinal + 1),
        record_id(source, unit, raw, ordinal, 1),
    ]
    assert len({one, *others}) == 6


def test_the_borders_between_the_parts_of_an_id_count() -> None:
    assert record_id("ab", "c", b"", 0) != record_id("a", "bc", b"", 0)
    assert record_id("a", "b", b"c", 0) != record_id("a", "bc", b"", 0)
    assert record_id("a", "b", b"", 1, 11) != record_id("a", "b", b"", 11, 1)


MIXED = {
    "text": {"text": "plain"},
    "pair": {"prompt": "question", "completion": "answer"},
    "chat": {
        "messages": [
            {"role": "system", "content": "rules"},
            {"role": "user", "content": "u"},
            {"role": "assistant", "content": None},
            {"role": "assistant", "content": "a"},
        ]
    },
}


def test_views() -> None:
    chat = MIXED["chat"]
    assert fields(chat, "input") == [("messages[0]", "rules"), ("messages[1]", "u")]
    assert fields(chat, "output") == [("messages[3]", "a")]
    assert fields(MIXED["text"], "output") == [] and fields(MIXED["text"], "input") == []
    assert fields(MIXED["pair"], "input") == [("prompt", "question")]
    assert fields(MIXED["pair"], "all") == [("prompt", "question"), ("completion", "answer")]
    for record in MIXED.values():
        both = fields(record, "input") + fields(record, "output")
        assert set(both) <= set(fields(record, "all"))


def test_rewriting_changes_the_named_fields_and_nothing_else() -> None:
    new = rewritten(MIXED["chat"], {"messages[3]": "A"})
    assert [m["content"] for m in new["messages"]] == ["rules", "u", None, "A"]
    assert MIXED["chat"]["messages"][3]["content"] == "a", "the record itself is unchanged"
    pair = rewritten(MIXED["pair"], {"completion": "B"})
    assert pair == {**MIXED["pair"], "completion": "B"}


def test_half_a_character_beside_a_message_becomes_one_that_arrow_stores() -> None:
    extra = '{"reasoning_content":"\\ud800 rain","note":"\\udc00 wet"}'
    assert extra_fields(extra) == [(".reasoning_content", "\ufffd rain"), (".note", "\ufffd wet")]
    record = {"messages": [{"role": "assistant", "content": "a", "extra": extra}]}
    new = rewritten(record, {"messages[0].reasoning_content": "dry"})
    assert new["messages"][0]["extra"] == '{"reasoning_content":"dry","note":"\\udc00 wet"}'


@given(st.dictionaries(TEXT, TEXT, max_size=3))
def test_half_a_character_in_meta_is_read_back(meta: dict[str, str]) -> None:
    (stored,) = to_table([{"text": "a", "meta": meta}]).to_pylist()
    wanted = {joined(name): joined(text) for name, text in meta.items()}
    assert json.loads(stored["meta"]) == wanted
    assert to_table([stored]).to_pylist() == [stored]


def joined(text: str) -> str:
    """The text with two halves of a character, where one follows the other, as the character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


@pytest.mark.parametrize("depth", [3, 49, 50, 51, 99, 400])
def test_a_text_is_seen_and_rewritten_however_deep_it_lies(depth: int) -> None:
    extra = '{"tool_calls":' + '[{"a":' * depth + '"ann@example.org"' + "}]" * depth + "}"
    ((name, text),) = extra_fields(extra, "messages[0]")
    assert "ann@example.org" in text and name.startswith("messages[0].tool_calls")
    record = {"messages": [{"role": "assistant", "content": "a", "extra": extra}]}
    masked = rewritten(record, {name: text.replace("ann@example.org", "[mail]")})
    assert json.loads(masked["messages"][0]["extra"]) == json.loads(
        extra.replace("ann@example.org", "[mail]")
    )


def test_what_is_beside_a_message_and_no_json_is_a_text() -> None:
    for extra in ("ann@example.org", '{"a":' * 5000 + "1" + "}" * 5000):
        ((name, text),) = extra_fields(extra, "messages[0]")
        assert (name, text) == ("messages[0].extra", extra)
        record = {"messages": [{"role": "user", "content": "a", "extra": extra}]}
        assert rewritten(record, {name: "x"})["messages"][0]["extra"] == "x"


def test_calls_that_are_nested_without_end_are_compared_as_they_are_written() -> None:
    def record(depth: int) -> dict[str, Any]:
        extra = '{"tool_calls":' + "[" * depth + "]" * depth + "}"
        return {"messages": [{"role": "assistant", "content": "a", "extra": extra}]}

    found = [calls_of(record(depth), "all") for depth in (700, 700, 701)]
    assert found[0] is not None and found[0] == found[1] != found[2]
