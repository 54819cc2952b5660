"""Layouts: what becomes text, what goes to meta, and that every character is accounted for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import CsvExtract, DatabaseExtract, JsonlExtract, SqlExtract
from stages.base import Item
from stages.counts import Counts, bounded
from stages.errors import Unreadable, UsageError
from stages.extract import forms
from stages.extract.forms import Layout, Layouts, Names, size
from stages.records import fields, to_table

USER, BOT = {"role": "user", "content": "why"}, {"role": "assistant", "content": "so"}
NO_NAME = 'text ← all columns, as lines of "column: value", since no column is called text, '


def made(values: dict[str, Any], rows: bool = False, **names: Any) -> forms.Made:
    return Layout(tuple(values), Names(**names), rows=rows).read(values)


@pytest.mark.parametrize(
    ("values", "names", "line"),
    [
        ({"text": "t"}, {}, "text ← text"),
        ({"Text": "t", "id": 1, "at": "x"}, {}, "text ← Text; meta ← at, id"),
        (
            {"question": "q", "answer": "a", "votes": 3},
            {},
            "prompt ← question; completion ← answer; meta ← votes",
        ),
        (
            {"instruction": "i", "input": "x", "output": "o"},
            {},
            "prompt ← instruction, input; completion ← output",
        ),
        ({"a": "1", "b": "2", "c": "3"}, {"text": "{b}: {a}"}, "text ← b, a; meta ← c"),
        (
            {"a": "1", "b": "2", "c": "3"},
            {"prompt": "a", "completion": "b", "system": "c"},
            "messages ← c, a, b",
        ),
        (
            {"system": "s", "prompt": "q", "response": "a"},
            {},
            "messages ← system, prompt, response",
        ),
        ({"messages": [USER, BOT], "n": 1}, {}, "messages ← messages; meta ← n"),
        ({"turns": [USER, BOT]}, {}, "messages ← turns"),
        ({"talk": "[]", "x": [USER]}, {"messages": "x"}, "messages ← x; meta ← talk"),
        (
            {"prompt": "q", "response": "a", "history": [["q0", "a0"]]},
            {},
            "messages ← history, prompt, response",
        ),
        (
            {"id": 1, "prompt": {"role": "prompter", "text": "q", "replies": []}},
            {},
            "messages ← prompt, a tree; meta ← id",
        ),
    ],
)
def test_a_line_says_where_each_field_came_from(
    values: dict[str, Any], names: dict[str, Any], line: str
) -> None:
    assert made(values, **names).form == line


def test_rows_that_are_not_understood_say_so() -> None:
    found = made({"a": "1", "b": ""}, rows=True)
    assert found.form.startswith(NO_NAME) and found.form.startswith(forms.ALL_COLUMNS)
    assert found.records == [{"text": "a: 1"}]
    with pytest.raises(Unreadable, match="no_form"):
        made({"a": "1", "b": ""})


def test_lines_of_wide_tables_are_short_and_do_not_depend_on_order() -> None:
    columns = ["text", *(f"column_{n}" for n in range(1000))]
    line = Layout(columns, Names(), rows=True).read(dict.fromkeys(columns, "x")).form
    back = Layout(columns[::-1], Names(), rows=True).read(dict.fromkeys(columns, "x")).form
    assert line == back and line.endswith(" and 988 more") and len(line) < 200
    odd = Layout(["text", "a; meta ← b\n", "x" * 900], Names(), rows=True)
    assert odd.read(dict.fromkeys(odd.columns, "x")).form == (
        "text ← text; meta ← a, meta <- b, " + "x" * 39 + "…"
    )


# --- messages -----------------------------------------------------------------------------------

TALK = '[{"role": "user", "content": "why"}, {"role": "assistant", "content": "so"}]'


@pytest.mark.parametrize(
    ("column", "value", "names"),
    [
        ("messages", TALK, {}),
        ("Conversation", TALK, {}),
        ("talk", TALK, {"messages": "talk"}),
        ("anything", [USER, BOT], {}),
        ("anything", [{"from": "human", "value": "why"}, {"from": "gpt", "value": "so"}], {}),
    ],
)
def test_rows_hold_messages(column: str, value: Any, names: dict[str, Any]) -> None:
    found = made({"id": 1, column: value}, rows=True, **names)
    assert found.records == [{"messages": [USER, BOT], "meta": {"id": 1}}]
    assert found.form == f"messages ← {column}; meta ← id"


def test_what_is_no_list_of_messages_is_told_where_it_was_named() -> None:
    assert made({"messages": "see below"}, rows=True).records == [{"text": "messages: see below"}]
    assert made({"messages": "[1, 2]"}, rows=True).records == [{"text": "messages: [1, 2]"}]
    with pytest.raises(Unreadable) as told:
        made({"m": "[1, 2"}, rows=True, messages="m")
    assert (told.value.reason, told.value.evidence["wanted"]) == ("bad_type", "a list of messages")


def test_no_value_becomes_the_repr_of_python() -> None:
    listed = made({"a": [{"b": None}, 1.5], "c": True, "d": b"caf\xc3\xa9"}, rows=True)
    assert listed.records[0]["text"] == 'a: [{"b":null},1.5]\nc: true\nd: café'


# --- bytes that are no text -----------------------------------------------------------------------

PICTURE = b"\x89PNG\r\n\x1a\n"


def test_bytes_that_are_no_text_are_left_out_of_lines_and_told() -> None:
    found = made({"name": "Ann", "face": PICTURE, "n": [1, PICTURE]}, rows=True)
    assert found.records == [{"text": "name: Ann\nn: [1,null]"}]
    assert found.form.endswith("; left out, bytes: face, n")
    assert found.text.removed == {"binary": 16}
    with pytest.raises(Unreadable) as told:
        made({"face": PICTURE, "name": None}, rows=True)
    assert (told.value.reason, told.value.evidence["field"]) == ("bad_type", "face")


def test_a_page_break_in_bytes_makes_them_no_picture() -> None:
    text = "the first of two pages, of some words each\fthe second page"
    for body, kept in ((text, True), ("\x01\x02", False), (text + "\0", False)):
        found = made({"n": "1", "b": body.encode()}, rows=True).records[0]["text"]
        assert (body in found) == kept


def test_bytes_that_are_no_text_are_left_out_of_meta_and_told() -> None:
    values = {"text": "t", "id": b"17", "face": PICTURE, "pair": {"a": 1, "b": PICTURE}}
    found = made(values, rows=True)
    assert found.records == [{"text": "t", "meta": {"id": "17", "pair": {"a": 1}}}]
    assert found.form == "text ← text; left out, bytes: face, pair; meta ← id, pair"
    assert found.text.removed == {"meta": 2 + len('{"a":1}'), "binary": 16}
    for column in ("text", "prompt", "messages"):
        asked = {column: PICTURE, "completion": "c", "a": "b"}
        with pytest.raises(Unreadable) as told:
            made(asked, rows=True, **({"messages": "messages"} if column == "messages" else {}))
        assert told.value.reason == "bad_type"


def test_pictures_in_a_parquet_file_are_left_out_and_told(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    said = [{"role": "user", "content": "what is it", "image": {"path": "a.png", "bytes": PICTURE}}]
    rows = [{"text": "a", "image": {"path": "a.png", "bytes": PICTURE}}, {"messages": said}]
    for number, row in enumerate(rows):
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / f"{number}.parquet")
    source = JsonlExtract()
    found = []
    for part in source.parts(str(tmp_path), 1):
        for judged in source.splits(part, "a"):
            found += judged.kept.to_pylist()
            assert judged.counts.text.removed["binary"] == 8
            assert "left out, bytes: " in next(iter(judged.counts.forms))
    assert found[0]["meta"] == '{"image":{"path":"a.png"}}'
    assert found[1]["messages"][0]["extra"] == '{"image":{"path":"a.png"}}'
    pq.write_table(pa.table({"text": [PICTURE]}), tmp_path / "0.parquet")
    rejects: list[dict[str, Any]] = []
    assert not list(source(tmp_path / "0.parquet", rejects))
    assert rejects[0]["reason"] == "bad_type" and '"bytes":8' in rejects[0]["evidence"]


def test_a_query_makes_messages(tmp_path: Path) -> None:
    (tmp_path / "d.sql").write_text(
        "CREATE TABLE posts (thread int, n int, role text, body text);\n"
        "INSERT INTO posts VALUES (1,1,'user','why'),(1,2,'assistant','so'),(2,1,'user','hm');\n"
    )
    query = (
        "SELECT thread, list({'role': role, 'content': body} ORDER BY n) AS talk "
        "FROM posts GROUP BY thread"
    )
    for select in (query, query.replace("list(", "to_json(list(").replace("n) AS", "n)) AS")):
        given = {} if select == query else {"messages": "talk"}
        found = list(SqlExtract(query=select, key=("thread",), **given)(tmp_path / "d.sql", []))
        assert [[m["content"] for m in one["messages"]] for one in found] == [["why", "so"], ["hm"]]
        assert [one["meta"] for one in found] == ['{"thread":1}', '{"thread":2}']


def test_csv_and_database_take_messages(tmp_path: Path) -> None:
    import csv
    import sqlite3

    with open(tmp_path / "a.csv", "w", newline="") as file:
        csv.writer(file).writerows([["id", "talk"], ["7", TALK]])
    with sqlite3.connect(tmp_path / "a.db") as base:
        base.execute("CREATE TABLE a (id, talk)")
        base.execute("INSERT INTO a VALUES (7, ?)", (TALK,))
    base.close()
    sources = {
        "a.csv": CsvExtract(messages="talk"),
        "a.db": DatabaseExtract(table="a", messages="talk"),
    }
    for name, source in sources.items():
        (record,) = source(tmp_path / name, [])  # type: ignore[operator]
        assert [m["content"] for m in record["messages"]] == ["why", "so"]


# --- named columns ------------------------------------------------------------------------------


def test_a_named_column_that_is_not_there_is_told_with_the_nearest() -> None:
    layout = Layout(("Frage", "Antwort"), Names(prompt="frage", completion="Antwort"), rows=True)
    assert layout.missing == ["frage"]
    told = layout.mistake("faq.csv")
    assert told is not None and told.startswith("prompt: there is no column 'frage' in faq.csv")
    assert "'Frage'" in told and "it has Frage, Antwort" in told
    wide = Layout([f"c{n}" for n in range(1000)], Names(text="x"), rows=True).mistake("it")
    assert wide is not None and wide.endswith("c49 and 950 more")


def test_a_result_without_a_named_column_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "d.sql").write_text("CREATE TABLE t (a text);\nINSERT INTO t VALUES ('x');\n")
    source = SqlExtract(query="SELECT a AS Frage FROM t", text="frage")
    with pytest.raises(UsageError, match="text: there is no column 'frage' in the result"):
        list(source(tmp_path / "d.sql", []))


# --- characters ---------------------------------------------------------------------------------

WORDS = st.text(alphabet=st.sampled_from("ab é\n\t雨"), max_size=8)
VALUES = st.one_of(st.none(), WORDS, st.integers(), st.booleans(), st.floats(allow_nan=False))
KEYS = st.sampled_from(
    ["text", "prompt", "completion", "question", "answer", "instruction", "input", "output",
     "system", "messages", "Body", "id", "votes", "history", "query"]
)  # fmt: skip
TURNS = st.lists(
    st.fixed_dictionaries({"role": st.just("user"), "content": WORDS}, optional={"name": WORDS})
)
OBJECTS = st.dictionaries(KEYS, st.one_of(VALUES, TURNS), max_size=6)


def characters(record: dict[str, Any]) -> int:
    table = to_table([{k: v for k, v in record.items() if k != "meta"}])
    (stored,) = table.to_pylist()
    return sum(len(text) for _, text in fields(stored, "all"))


@settings(max_examples=300, deadline=None)
@given(OBJECTS, st.booleans(), st.sampled_from([None, "{id}: {votes}", "id"]))
def test_all_characters_of_an_object_are_accounted_for(
    values: dict[str, Any], rows: bool, text: str | None
) -> None:
    try:
        found = Layout(tuple(values), Names(text=text), rows=rows).read(values)
    except Unreadable:
        return
    count = found.text
    assert count.seen == count.kept + sum(count.removed.values())
    assert set(count.removed) <= set(forms.CUTS) and all(count.removed.values())
    assert count.kept + count.added == sum(map(characters, found.records))
    talks = [v for v in values.values() if isinstance(v, list)]
    if not talks:  # of a message neither role nor key is text
        assert count.seen == sum(size(value) for value in values.values())
    assert count.removed.get("meta", 0) == sum(
        size(value) for key, value in (found.records[0].get("meta") or {}).items()
    )


def test_what_a_message_and_a_tree_have_beside_their_text_is_counted() -> None:
    talk = made({"messages": [{**USER, "name": "Ann", "votes": 120}, BOT], "n": 12})
    assert talk.text.removed == {"extra": 3, "meta": 2} and talk.text.kept == 8
    leaf = {"role": "assistant", "text": "so", "lang": "en"}
    tree = made({"prompt": {"role": "prompter", "text": "why", "replies": [leaf, leaf]}})
    assert tree.text.removed == {"tree": 4}
    assert (tree.text.kept, tree.text.added) == (7, 3)  # the stem stands in both branches


def test_a_column_that_is_used_twice_is_seen_once() -> None:
    found = made({"a": "xyz", "b": "u"}, prompt="{a}{a}", completion="{a} {b}")
    assert (found.text.seen, found.text.kept, found.text.added) == (4, 4, 7)


def test_rejects_count_all_their_characters(tmp_path: Path) -> None:
    long = "x" * 50_000
    (tmp_path / "a.csv").write_text(f"text,n\nt,1\n{long},2,3\n ,4\n")
    source = CsvExtract()
    (part,) = source.parts(str(tmp_path / "a.csv"), 1 << 20)
    (judged,) = source.splits(part, "a")
    assert judged.counts.text.removed == {"meta": 1, "too_many_fields": 50_002, "empty": 2}


# --- lines, added up ----------------------------------------------------------------------------

LINES = st.lists(
    st.tuples(
        st.sampled_from([*"abcdefgh"]),
        st.sampled_from(["", "; meta ← x", "; meta ← y", "; table: t"]),
    ).map(lambda pair: f"text ← {pair[0]}{pair[1]}"),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(LINES, st.integers(0, 60), st.integers(1, 8))
def test_lines_are_bounded_however_they_are_added_up(lines: list[str], cut: int, most: int) -> None:
    import stages.counts

    before, stages.counts._FORMS = stages.counts._FORMS, most
    try:
        whole, parts = Counts(), Counts()
        for line in lines:
            whole.add(Counts(forms={line: 1}))
        for piece in (lines[:cut], lines[cut:]):
            parts.add(Counts(forms=bounded({line: piece.count(line) for line in piece})))
        assert whole.forms == parts.forms
        assert sum(whole.forms.values()) == len(lines)
        assert len(whole.forms) <= max(most, 2)
    finally:
        stages.counts._FORMS = before


def test_layouts_are_kept_and_bounded() -> None:
    known = Layouts(Names())
    assert known.of(("text", "a")) is known.of(("text", "a"))
    for number in range(3000):
        known.of((f"a{number}", *(f"c{n}" for n in range(100))))
    assert known._size < 1 << 18


def test_items_carry_form_and_count(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "t", "n": 10}\n')
    source = JsonlExtract()
    (part,) = source.parts(str(tmp_path / "a.jsonl"), 1 << 20)
    (item,) = source.read(part)
    assert isinstance(item, Item) and item.text is not None
    assert (item.form, item.text.removed) == ("text ← text; meta ← n", {"meta": 2})
    (judged,) = source.splits(part, "a", isolate=True)
    assert judged.counts.forms == {"text ← text; meta ← n": 1}
