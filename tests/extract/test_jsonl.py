"""JSONL and its relatives: known forms, exact places, and a reason for every line refused."""

from __future__ import annotations

import contextlib
import gzip
import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base import Fault, Item
from stages.errors import UsageError
from stages.extract.jsonl import JsonlExtract
from stages.extract.jsontext import json_values
from stages.extract.packed.archives import read_at
from stages.gather import one_by_one
from stages.place import Place
from stages.testing import in_ranges, one_after_another, plain


def one(value: Any, tmp_path: Path, **parameters: Any) -> dict[str, Any]:
    """The one record of a value, without id, source and place; or reason and evidence."""
    path = tmp_path / "one.jsonl"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    rejects: list[dict[str, Any]] = []
    records: list[dict[str, Any]] = []
    with contextlib.suppress(UsageError):  # a key that was named: the reject says which
        records += JsonlExtract(**parameters)(path, rejects)
    assert len(records) + len(rejects) == 1, (records, rejects)
    if rejects:
        return {"reason": rejects[0]["reason"], **json.loads(rejects[0]["evidence"])}
    return {k: v for k, v in records[0].items() if k not in ("id", "source", "place")}


def talk(*turns: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"role": role, "content": text, "extra": None} for role, text in turns]


PAIR = talk(("user", "q"), ("assistant", "a"))


@pytest.mark.parametrize(
    ("value", "record"),
    [
        ({"text": "t"}, {"text": "t"}),
        (
            {"prompt": "q", "completion": "a", "n": 1},
            {"prompt": "q", "completion": "a", "meta": '{"n":1}'},
        ),
        ({"prompt": "q", "response": "a"}, {"prompt": "q", "completion": "a"}),
        ({"prompt": "q", "answer": "a"}, {"prompt": "q", "completion": "a"}),
        ({"question": "q", "answer": "a"}, {"prompt": "q", "completion": "a"}),
        ({"input": "q", "output": "a"}, {"prompt": "q", "completion": "a"}),
        (
            {"instruction": "i", "input": "x", "output": "a"},
            {"prompt": "i\n\nx", "completion": "a"},
        ),
        ({"instruction": "i", "input": "", "output": "a"}, {"prompt": "i", "completion": "a"}),
        (
            {"instruction": "i", "output": "a", "text": "i a"},
            {"prompt": "i", "completion": "a", "meta": '{"text":"i a"}'},
        ),
        (
            {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
            {"messages": PAIR},
        ),
        (
            {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
            {"messages": PAIR},
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "q"}]},
                    *PAIR[1:],
                ],
                "id": 7,
            },
            {"messages": PAIR, "meta": '{"id":7}'},
        ),
        (
            {
                "prompt": [{"role": "user", "content": "q"}],
                "completion": [{"role": "assistant", "content": "a"}],
            },
            {"messages": PAIR},
        ),
        (
            {"system_prompt": "s", "question": "q", "response": "a"},
            {"messages": talk(("system", "s"), *[("user", "q"), ("assistant", "a")])},
        ),
        (
            {"instruction": "q2", "output": "a2", "history": [["q", "a"]]},
            {"messages": PAIR + talk(("user", "q2"), ("assistant", "a2"))},
        ),
        ({"text": "t", "system": "s"}, {"text": "t", "meta": '{"system":"s"}'}),
        (
            {"text": "t", "n": 123456789012345678901234567890},
            {"text": "t", "meta": '{"n":123456789012345678901234567890}'},
        ),
        ('{"text": "t", "n": NaN, "m": 1e999}', {"text": "t", "meta": '{"m":"1e999","n":"NaN"}'}),
    ],
)
def test_a_form_is_known_by_its_keys(value: Any, record: dict[str, Any], tmp_path: Path) -> None:
    assert one(value, tmp_path) == record


def test_tool_calls_are_kept_beside_the_message(tmp_path: Path) -> None:
    call = [{"id": "c1", "function": {"name": "f"}}]
    messages = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": None, "tool_calls": call},
        {"role": "tool", "content": "42", "tool_call_id": "c1"},
    ]
    made = one({"messages": messages}, tmp_path)["messages"]
    assert [m["content"] for m in made] == ["q", None, "42"]
    assert json.loads(made[1]["extra"]) == {"tool_calls": call}
    assert json.loads(made[2]["extra"]) == {"tool_call_id": "c1"}


def test_a_tree_of_messages_gives_one_record_a_leaf(tmp_path: Path) -> None:
    def said(role: str, text: str, *replies: Any) -> dict[str, Any]:
        return {"role": role, "text": text, "replies": list(replies), "message_id": text}

    tree = said(
        "prompter",
        "q",
        said("assistant", "a"),
        said("assistant", "b", said("prompter", "q2", said("assistant", "c"))),
    )
    path = tmp_path / "tree.jsonl"
    path.write_text(json.dumps({"message_tree_id": "t", "prompt": tree}))
    records = list(JsonlExtract()(path, []))
    turns = [[(m["role"], m["content"]) for m in r["messages"]] for r in records]
    user, bot = "user", "assistant"
    assert turns == [
        [(user, "q"), (bot, "a")],
        [(user, "q"), (bot, "b"), (user, "q2"), (bot, "c")],
    ]
    assert len({r["id"] for r in records}) == 2


@pytest.mark.parametrize(
    ("parameters", "record"),
    [
        (
            {"prompt": "b", "completion": "a"},
            {"prompt": "2", "completion": "1", "meta": '{"c":"3"}'},
        ),
        ({"text": "{a}: {b}\n{c}"}, {"text": "1: 2\n3"}),
        (
            {"prompt": "a", "completion": "b", "system": "c"},
            {"messages": talk(("system", "3"), ("user", "1"), ("assistant", "2"))},
        ),
        ({"text": "d"}, {"reason": "no_form", "missing": "d", "keys": ["a", "b", "c"]}),
        ({"messages": "d"}, {"reason": "no_form", "missing": "d", "keys": ["a", "b", "c"]}),
        (
            {"messages": "a"},
            {"reason": "bad_type", "field": "a", "type": "string", "wanted": "a list of messages"},
        ),
    ],
)
def test_the_user_can_name_the_keys(
    parameters: dict[str, Any], record: dict[str, Any], tmp_path: Path
) -> None:
    assert one({"a": "1", "b": "2", "c": "3"}, tmp_path, **parameters) == record


def test_form_picks_among_what_is_there(tmp_path: Path) -> None:
    both = {"text": "t", "prompt": "q", "completion": "a"}
    assert one(both, tmp_path)["prompt"] == "q"
    assert one(both, tmp_path, form="text")["text"] == "t"
    assert one(both, tmp_path, form="messages")["reason"] == "no_form"
    assert JsonlExtract(prompt="a").contradictions()[0].startswith("prompt is given without")
    assert JsonlExtract(text="a", messages="b").contradictions()
    assert JsonlExtract(text="a", form="prompt").contradictions()
    assert not JsonlExtract(text="a", form="text").contradictions()


@pytest.mark.parametrize(
    ("line", "reason", "evidence"),
    [
        ('{"text": oops}\n', "malformed", {"error": "Expecting value", "column": 10}),
        ('{"text": "a"} x\n', "malformed", {"error": "Extra data", "column": 15}),
        (
            '{"text": ' + "[" * 100_000 + "\n",
            "malformed",
            {"error": "nested too deeply", "column": 1},
        ),
        ('{"n": ' + "9" * 5000 + "}\n", "malformed", {"column": 1}),
        ('{"text": "a", "b": {"k": 1, "k": 2}}\n', "duplicate_key", {"key": "k"}),
        ("17\n", "not_an_object", {"type": "number"}),
        ("null\n", "not_an_object", {"type": "null"}),
        ('{"a": 1}\n', "no_form", {"keys": ["a"]}),
        ("{}\n", "no_form", {"keys": []}),
        ('{"text": 7}\n', "bad_type", {"field": "text", "type": "number", "wanted": "a string"}),
        ('{"text": NaN}\n', "bad_type", {"type": "NaN"}),
        ('{"messages": ["a"]}\n', "bad_type", {"field": "messages[0]", "type": "string"}),
        (
            '{"messages": [{"role": "user", "content": 3}]}\n',
            "bad_type",
            {"field": "messages[0].content"},
        ),
        (
            '{"messages": [{"content": "a"}]}\n',
            "no_form",
            {"field": "messages[0]", "keys": ["content"]},
        ),
        ('{"messages": []}\n', "empty", {"field": "messages"}),
        ('{"text": " \\n"}\n', "empty", {"field": "text"}),
        ('{"prompt": "a", "completion": null}\n', "empty", {"field": "completion"}),
        ('{"text": "a\\ud83d"}\n', "encoding", {"field": "text", "at": 1, "character": "U+D83D"}),
        ('{"text": "cut he', "truncated", {"error": "Unterminated string starting at"}),
        ('{"text": "cut"', "truncated", {"column": 15}),
    ],
)
def test_a_line_is_refused_with_its_reason(
    line: str, reason: str, evidence: dict[str, Any], tmp_path: Path
) -> None:
    found = one(line, tmp_path)
    assert found["reason"] == reason
    assert {key: found[key] for key in evidence} == evidence


def items(path: Path, size: int = 1 << 24, **parameters: Any) -> list[Item | Fault]:
    stage = JsonlExtract(**parameters)
    parts = stage.parts(str(path), size)
    return [item for part in parts for item in one_by_one(stage.read(part))]


def test_a_number_beyond_a_double_stays_as_it_was_written(tmp_path: Path) -> None:
    found = one('{"text": "a", "n": [1e999, -1e400, 1e3], "m": 123456789012345678901}', tmp_path)
    meta = json.loads(found["meta"], parse_constant=pytest.fail)
    assert meta == {"n": ["1e999", "-1e400", 1000.0], "m": 123456789012345678901}


def test_a_refused_line_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [b'{"text":"one"}', b'{"text":"\xe9t\xe9"}', b"", b"{oops", b'{"text":"two"}']
    path.write_bytes(b"\r\n".join(lines))
    found = items(path)
    assert [getattr(item, "reason", "kept") for item in found] == [
        "kept",
        "encoding",
        "malformed",
        "kept",
    ]
    assert isinstance(found[1], Fault)
    assert found[1].evidence == {"charset": "utf-8", "at": 9, "bytes": "e974e922"}
    for item in found:
        assert read_at(tmp_path, Place.parse(str(item.place))) == item.raw
    assert [item.place.line for item in found] == [1, 2, 4, 5]


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_offsets_hold_in_every_charset(charset: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    # U+010A has a byte 0A, and U+0A05 beside U+0100 the two of a line end
    text = '{"text":"grün ĊĀਅĀ"}\r\n{"text":"日本"}\n\n{"text":"x"}'
    mark = b"\xfe\xff" if charset == "utf-16-be" else b""
    path.write_bytes(mark + text.encode(charset))
    found = items(path)
    assert [item.records[0]["text"] for item in found if isinstance(item, Item)] == [
        "grün ĊĀਅĀ",
        "日本",
        "x",
    ]
    assert [item.place.line for item in found] == [1, 2, 4]
    for item in found:
        assert read_at(tmp_path, item.place) == item.raw


VALUES = [{"text": f'a "{n}" ]}}{{[ \\', "n": [n, {"x": []}]} for n in range(50)]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(VALUES),
        json.dumps(VALUES, indent=2),
        "\n".join(json.dumps(value, indent=1) for value in VALUES),
        "[\n" + ",\n".join(json.dumps(value) for value in VALUES) + "\n]\n",
    ],
    ids=["array", "indented array", "indented values", "array of lines"],
)
def test_arrays_and_values_have_exact_places(body: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(body)
    found = items(path)
    assert all(isinstance(item, Item) for item in found) and len(found) == 50
    for item, value in zip(found, VALUES, strict=True):
        assert json.loads(read_at(tmp_path, item.place)) == value
        assert item.place.line == 1 + body.encode()[: item.place.offset].count(b"\n")


def test_a_malformed_element_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"text": "a"}, {"text": oops}, 3, {"text": "b"}, {"text": "c"')
    assert [getattr(item, "reason", "kept") for item in items(path)] == [
        "kept",
        "malformed",
        "not_an_object",
        "kept",
        "truncated",
    ]
    path.write_text('[{"text": "a"}')
    assert [getattr(item, "reason", "kept") for item in items(path)] == ["kept", "truncated"]
    path.write_text('[{"text": "a"}] more')
    assert [getattr(item, "reason", "kept") for item in items(path)] == ["kept", "malformed"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=8,
        ),
        max_size=6,
    ),
    st.sampled_from([None, 1]),
)
def test_the_elements_of_any_array_are_found(values: list[Any], indent: int | None) -> None:
    import io

    body = json.dumps(values, indent=indent, ensure_ascii=False).encode("utf-8", "surrogatepass")
    found = list(json_values.values(io.BytesIO(body), True, 1 << 20))
    parsed = [json.loads(value.raw.decode("utf-8", "surrogatepass")) for value in found]
    assert parsed == values
    for value in found:
        assert value.closed and body[value.offset :].startswith(value.raw)


def test_a_list_in_an_object_is_read_when_it_is_all_there_is(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for indent in (None, 1):
        path.write_text(json.dumps({"version": 1, "data": VALUES}, indent=indent))
        found = items(path)
        assert [str(item.place) for item in found[:2]] == ["a.json!data[0]", "a.json!data[1]"]
        assert len(found) == 50 and all(isinstance(item, Item) for item in found)


LINES = st.lists(
    st.sampled_from(
        [b'{"text":"a"}', b'{"text":"b"}', b"", b" ", b"{oops", b'{"text":"a"} ', b"\xff", b"[]"]
    )
    | st.text(max_size=30).map(lambda text: json.dumps({"text": text}).encode()),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(LINES, st.sampled_from([b"\n", b"\r\n"]), st.integers(1, 200))
def test_the_size_of_parts_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], end: bytes, size: int
) -> None:
    path = tmp_path_factory.mktemp("size") / "a.jsonl"
    path.write_bytes(b'{"text":"a"}' + end + end.join(lines))
    stage = JsonlExtract()
    (part,) = stage.parts(str(path), size)
    assert one_after_another(in_ranges(stage, part, size)) == plain(stage.read(part))


def test_large_files_are_cut_and_small_ones_bundled(tmp_path: Path) -> None:
    for name, count in (("a", 1), ("b", 100), ("c", 1)):
        (tmp_path / f"{name}.jsonl").write_text('{"text":"same"}\n' * count)
    stage = JsonlExtract()
    parts = stage.parts(str(tmp_path), 400)
    assert [part.files for part in parts] == [("a.jsonl",), ("b.jsonl",), ("c.jsonl",)]
    assert [(one.start, one.stop) for one in stage.cut(parts[1], 400)] == [
        (0, 400),
        (400, 800),
        (800, 1200),
        (1200, 1600),
    ]
    ids = [record["id"] for record in JsonlExtract()(tmp_path, [])]
    assert len(set(ids)) == 102


def test_parquet_and_arrow_rows_come_out_as_json_values(tmp_path: Path) -> None:
    import datetime

    day = datetime.date(2020, 1, 2)
    rows = [{"text": f"t{n}", "n": n, "day": day, "b": b"\0"} for n in range(3000)]
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, tmp_path / "a.parquet")
    (tmp_path / "b.parquet.gz").write_bytes(gzip.compress((tmp_path / "a.parquet").read_bytes()))
    with (
        pa.OSFile(str(tmp_path / "c.arrow"), "wb") as file,
        pa.ipc.new_file(file, table.schema) as w,
    ):
        w.write_table(table)
    with (
        pa.OSFile(str(tmp_path / "d.arrow"), "wb") as file,
        pa.ipc.new_stream(file, table.schema) as w,
    ):
        w.write_table(table)
    for name in ("a.parquet", "b.parquet.gz", "c.arrow", "d.arrow"):
        rejects: list[Any] = []
        records = list(JsonlExtract()(tmp_path / name, rejects))
        assert not rejects and [r["text"] for r in records] == [row["text"] for row in rows]
        assert records[7]["place"] == f"{name}![row=7]"
        assert json.loads(records[7]["meta"]) == {"n": 7, "day": "2020-01-02"}
        assert str(Place.parse(records[7]["place"])) == records[7]["place"]
    (tmp_path / "e.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:5000])
    rejects = []
    assert not list(JsonlExtract()(tmp_path / "e.parquet", rejects))
    assert [r["reason"] for r in rejects] == ["corrupt"]


def test_a_saved_dataset_is_its_data_files(tmp_path: Path) -> None:
    split = tmp_path / "train"
    split.mkdir()
    table = pa.table({"question": ["q"], "answer": ["a"]})
    for name in ("data-00000-of-00001.arrow", "cache-1.arrow"):
        with pa.OSFile(str(split / name), "wb") as file, pa.ipc.new_stream(file, table.schema) as w:
            w.write_table(table)
    state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_indices_files": None}
    (split / "state.json").write_text(json.dumps(state))
    (split / "dataset_info.json").write_text("{}")
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train"]}')
    rejects: list[Any] = []
    records = list(JsonlExtract()(tmp_path, rejects))
    assert not rejects and [r["prompt"] for r in records] == ["q"]
    state["_indices_files"] = [{"filename": "indices.arrow"}]  # type: ignore[assignment]
    (split / "state.json").write_text(json.dumps(state))
    with pytest.raises(UsageError, match="flatten_indices"):
        list(JsonlExtract()(tmp_path, rejects))


def test_files_that_are_no_text_are_faults(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (tmp_path / "b.jsonl").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "c.jsonl").write_bytes(b"")
    (tmp_path / "d.jsonl").write_bytes(b"\n\n  \n")
    found = items(tmp_path)
    assert [getattr(item, "reason", None) for item in found] == ["binary"] * 2 + ["empty"] * 2
    assert isinstance(found[0], Fault) and found[0].evidence["kind"] == "PNG image"


def test_a_cut_archive_gives_the_whole_lines_and_one_fault(tmp_path: Path) -> None:
    body = b"".join(b'{"text":"line %d"}\n' % n for n in range(2000))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(body)[:-900])
    found = items(tmp_path)
    kept = [item for item in found if isinstance(item, Item)]
    assert len(kept) == len(found) - 1 and len(kept) > 500
    assert isinstance(found[-1], Fault) and found[-1].reason == "truncated"
    assert found[-1].place.line in (len(kept) + 1, len(kept) + 2)


def test_members_of_archives_have_their_own_ids(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"text":"same"}\n')
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "x.jsonl", "1/x.jsonl")
        archive.add(tmp_path / "x.jsonl", "2/x.jsonl")
        archive.add(tmp_path / "x.jsonl", "readme.txt")
    records = list(JsonlExtract()(tmp_path / "a.tar.gz", []))
    assert [r["place"] for r in records] == [
        "a.tar.gz#1/x.jsonl@0+15:1",
        "a.tar.gz#2/x.jsonl@0+15:1",
    ]
    assert len({r["id"] for r in records}) == 2


def test_a_line_too_long_is_told_and_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stages.extract import jsonl

    monkeypatch.setattr(jsonl, "LINE_BYTES", 100)
    path = tmp_path / "a.jsonl"
    long = json.dumps({"text": "x" * 300_000})
    path.write_text(f'{{"text":"a"}}\n{long}\n{{"text":"b"}}\n')
    found = items(path)
    assert [getattr(item, "reason", "kept") for item in found] == ["kept", "oversize", "kept"]
    assert found[1].place.length == len(long) + 1 and found[2].place.line == 3


def test_mistakes_of_the_user_are_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.jsonl", tmp_path / "*.jsonl"):
        with pytest.raises(UsageError, match=str(tmp_path)):
            JsonlExtract().parts(str(path), 1)


def test_a_value_too_long_is_told_and_what_follows_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stages.extract import jsonl

    monkeypatch.setattr(jsonl, "LINE_BYTES", 1000)
    long = json.dumps({"text": 'x\\"[{ ' * 50_000, "n": [[{}]] * 10})
    for body in (
        f'[{{"text":"a"}},\n{long},\n{{"text":"b"}}]',
        f'{{\n"text":"a"}}{long}{{"text":"b"}}',
    ):
        path = tmp_path / "a.json"
        path.write_text(body)
        found = items(path)
        assert [getattr(item, "reason", "kept") for item in found] == ["kept", "oversize", "kept"]
        assert isinstance(found[1], Fault)
        assert found[1].evidence == {"limit": 1000, "of": "bytes of a value"}
        assert (found[1].place.length, found[1].place.offset) == (len(long), body.index(long))
        assert json.loads(read_at(tmp_path, found[2].place)) == {"text": "b"}


def test_what_one_row_makes_is_bounded(tmp_path: Path) -> None:
    from stages.extract.forms import talks, texts
    from stages.extract.jsontext import json_values

    leaf = {"role": "assistant", "text": "a"}
    stem = {"role": "prompter", "text": "x" * 100_000, "replies": [leaf] * 1000}
    found = one({"prompt": stem}, tmp_path)
    assert found == {
        "reason": "oversize",
        "limit": talks.TREE_CHARS,
        "of": "characters made of a tree",
    }
    stem = {"role": "prompter", "text": "x", "replies": [leaf] * 60_000}
    assert one({"prompt": stem}, tmp_path)["of"] == "messages made of a tree"
    filled = one({"a": "x" * 100_000, "b": "y"}, tmp_path, prompt="{a}" * 1000, completion="b")
    assert filled["reason"] == "oversize" and filled["limit"] == texts.FILLED_CHARS
    many = one('{"text":"a","n":[' + "[]," * json_values.VALUES + "[]]}", tmp_path)
    assert many == {
        "reason": "oversize",
        "limit": json_values.VALUES,
        "of": "values in a value",
    }
    text = {"text": "a, [b], {c}, " * 300_000}  # within a string they are no values
    assert one(text, tmp_path)["text"] == text["text"]


@pytest.mark.parametrize("depth", [499, 501, 900])
def test_depth_is_refused_before_it_cannot_be_written(depth: int, tmp_path: Path) -> None:
    found = one('{"text":"a","n":' + "[" * (depth - 1) + "]" * (depth - 1) + "}", tmp_path)
    if depth < 500:
        assert found["text"] == "a"
    else:
        assert found == {"reason": "malformed", "error": "nested too deeply", "column": 1}
