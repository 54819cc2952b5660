"""Files that other trainers read: each is loaded with their reader and says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stages import records
from stages.corpus import Corpus, write_corpus
from stages.errors import UsageError
from stages.export.export import Export

NASTY = 'quote " tab\t line\nline \u2028 \u0085 é 日本 👩‍👧 null \\u0000'


def _corpus(folder: Path, rows: list[dict[str, Any]], sides: bool = True) -> Path:
    import pyarrow as pa

    filled = [
        {"id": f"{n:032x}", "source": "faq", "place": "a.csv", **r} for n, r in enumerate(rows)
    ]
    schema = records.schema_with({"split": pa.string()}) if sides else records.SCHEMA
    table = records.to_table(filled, schema)
    half = len(rows) // 2
    empty = records.REJECTS.empty_table()
    write_corpus(
        folder,
        "records",
        [(table.slice(0, half), empty), (table.slice(half), empty)],
        {"sources": [{"name": "faq", "license": "CC-BY-4.0", "stage": "csv"}, {"name": "w|b"}]},
    )
    return folder


PAIRS: list[dict[str, Any]] = [
    {"prompt": "a?", "completion": NASTY, "split": "train"},
    {"prompt": NASTY, "completion": "b", "split": "val"},
    {"prompt": "c?", "completion": "c", "split": "train"},
]
TALK: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u1"},
        {"role": "assistant", "content": "a1"},
        {"role": "user", "content": "u2"},
        {"role": "assistant", "content": NASTY},
    ],
    "split": "train",
}
TOOL: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": None, "tool_calls": [{"name": "w"}]},
        {"role": "tool", "content": "rain"},
        {"role": "assistant", "content": "Rain."},
    ],
    "split": "val",
}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


@pytest.mark.parametrize("format", ["seedbed", "messages", "alpaca", "sharegpt", "text"])
def test_datasets_and_pandas_read_every_format(
    format: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas
    from datasets import load_dataset

    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    out = tmp_path / "out"
    summary = Export(format=format)(_corpus(tmp_path / "in", [*PAIRS, TALK]), out)
    assert summary == {"format": format, "rows": {"train": 3, "val": 1}, "seen": 4, "reasons": {}}
    files = {side: str(out / f"{side}.jsonl") for side in ("train", "val")}
    loaded = load_dataset("json", data_files=files, cache_dir=str(tmp_path / "cache"))
    for side in files:
        lines = _lines(out / f"{side}.jsonl")
        assert [dict(row) for row in loaded[side]] == lines
        assert len(pandas.read_json(files[side], lines=True)) == len(lines)
        assert len((out / f"{side}.jsonl").read_text().splitlines()) == len(lines)
    assert not (out / "left_out.jsonl").exists()


def test_each_format_holds_the_same_words(tmp_path: Path) -> None:
    source = _corpus(tmp_path / "in", [*PAIRS, TALK])

    def lines(format: Any) -> list[dict[str, Any]]:
        Export(format=format, columns=())(source, tmp_path / format)
        return _lines(tmp_path / format / "train.jsonl")

    own = lines("seedbed")
    assert own[0] == {"prompt": "a?", "completion": NASTY, "messages": None}
    assert own[2]["messages"] == TALK["messages"]
    messages = lines("messages")
    assert messages[0]["messages"] == [
        {"role": "user", "content": "a?"},
        {"role": "assistant", "content": NASTY},
    ]
    assert messages[2] == {"messages": TALK["messages"]}
    alpaca = lines("alpaca")
    assert alpaca[0]["instruction"] == "a?" and alpaca[0]["output"] == NASTY
    assert alpaca[2] == {
        "instruction": "u2",
        "input": "",
        "output": NASTY,
        "system": "s",
        "history": [["u1", "a1"]],
    }
    turns = lines("sharegpt")[2]["conversations"]
    assert [turn["from"] for turn in turns] == ["system", "human", "gpt", "human", "gpt"]
    assert turns[-1]["value"] == NASTY
    assert lines("text")[0] == {"text": "a?\n\n" + NASTY}


def test_datasets_opens_the_arrow_folder(tmp_path: Path) -> None:
    from datasets import load_from_disk

    rows = [*PAIRS, TALK, {"text": "t", "split": "val"}]
    summary = Export(format="arrow")(_corpus(tmp_path / "in", rows), tmp_path / "out")
    assert summary["rows"] == {"train": 3, "val": 2}
    loaded = load_from_disk(str(tmp_path / "out"))
    assert loaded["train"][0]["completion"] == NASTY
    assert loaded["train"][2]["messages"][1] == {"role": "user", "content": "u1", "extra": None}
    assert loaded["val"]["text"] == [None, "t"]
    assert loaded["val"]["id"] == [f"{1:032x}", f"{4:032x}"]


def test_what_a_format_cannot_hold_is_listed(tmp_path: Path) -> None:
    rows = [*PAIRS, {"text": "only text", "split": "train"}, TOOL]
    source = _corpus(tmp_path / "in", rows)
    summary = Export(format="alpaca")(source, tmp_path / "out")
    assert summary["rows"] == {"train": 2, "val": 1}
    assert summary["reasons"] == {"form": 2}
    what = "turns that are not question and answer"
    assert _lines(tmp_path / "out" / "left_out.jsonl") == [
        {"id": f"{3:032x}", "reason": "form", "form": "text", "what": "text"},
        {"id": f"{4:032x}", "reason": "form", "form": "messages", "what": what},
    ]
    Export(format="messages", columns=())(source, tmp_path / "openai")
    assert _lines(tmp_path / "openai" / "val.jsonl")[1] == {"messages": TOOL["messages"]}


def test_without_sides_everything_is_for_training(tmp_path: Path) -> None:
    rows = [{key: value for key, value in pair.items() if key != "split"} for pair in PAIRS]
    summary = Export()(_corpus(tmp_path / "in", rows, sides=False), tmp_path / "out")
    assert summary["rows"] == {"train": 3}
    assert not (tmp_path / "out" / "val.jsonl").exists()


def test_the_card_names_sources_licences_and_numbers(tmp_path: Path) -> None:
    source = _corpus(tmp_path / "in", PAIRS)
    Export()(source, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "| faq | CC-BY-4.0 | csv |" in card
    assert "| w\\|b | unknown |" in card
    assert "ask before passing" in card
    assert "| train.jsonl | 2 |" in card and "| val.jsonl | 1 |" in card
    assert Corpus(source).digest in card
    assert str(tmp_path) not in card


def test_tokens_cannot_be_exported(tmp_path: Path) -> None:
    source = _corpus(tmp_path / "in", PAIRS)
    manifest = json.loads((source / "manifest.json").read_text())
    (source / "manifest.json").write_text(json.dumps({**manifest, "kind": "tokens"}))
    with pytest.raises(UsageError, match="takes a corpus of records"):
        Export()(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_readers_of_json_lines_read_what_is_written(tmp_path: Path) -> None:
    import jsonlines
    import pyarrow as pa

    table = records.to_table(
        [{"id": "1" * 32, "text": "one\u2028two \U0001f331", "split": "train"}],
        records.schema_with({"split": pa.string()}),
    )
    pieces = [(table, records.REJECTS.empty_table())]
    corpus = write_corpus(tmp_path / "corpus", "records", pieces, {"sources": []})
    Export()(corpus.path, out=tmp_path / "out")
    with jsonlines.open(tmp_path / "out" / "train.jsonl") as reader:
        assert [row["text"] for row in reader] == ["one\u2028two \U0001f331"]


TOOLS = [{"type": "function", "function": {"name": "rain", "parameters": {"bed": "north"}}}]


def _with_tools(folder: Path) -> Path:
    """Three records: the first has tools, the second a call, the third neither."""
    asked = {"messages": TALK["messages"], "meta": {"tools": TOOLS}, "split": "train"}
    return _corpus(folder, [asked, {**TOOL, "split": "train"}, PAIRS[0]])


def test_the_arrow_folder_carries_tools(tmp_path: Path) -> None:
    from datasets import load_from_disk

    source = _with_tools(tmp_path / "in")
    summary = Export(format="arrow")(source, tmp_path / "out")
    assert summary["rows"] == {"train": 3, "val": 0} and not summary["reasons"]
    told = load_from_disk(str(tmp_path / "out"))["train"]["tools"]
    assert [one and json.loads(one) for one in told] == [TOOLS, None, None]


@pytest.mark.parametrize("format", ["alpaca", "text"])
def test_a_format_without_tools_lists_the_records_that_have_some(
    format: Any, tmp_path: Path
) -> None:
    summary = Export(format=format)(_with_tools(tmp_path / "in"), tmp_path / "out")
    assert summary["rows"] == {"train": 1, "val": 0}
    assert summary["reasons"] == {"beside": 1, "form": 1}
    assert [one["id"] for one in _lines(tmp_path / "out" / "left_out.jsonl")] == [
        f"{n:032x}" for n in (0, 1)
    ]


@pytest.mark.parametrize("extra", ["no JSON", "[1]", "[" * 100_000, '{"a": "\\ud800"}'])
def test_what_stands_beside_a_message_may_be_anything(extra: str, tmp_path: Path) -> None:
    messages = [
        {"role": "user", "content": "u", "extra": extra},
        {"role": "assistant", "content": "a"},
    ]
    rows = [{"messages": messages, "meta": {"tools": [{"name": "t"}]}, "split": "train"}]
    for format in ("messages", "arrow", "sharegpt", "text"):
        assert Export(format=format)(_corpus(tmp_path / format, rows), tmp_path / f"{format}.out")
    lines = _lines(tmp_path / "messages.out" / "train.jsonl")
    if "ud800" in extra:
        (left,) = _lines(tmp_path / "messages.out" / "left_out.jsonl")
        assert (left["reason"], left["what"], lines) == ("half", "messages", [])
        return
    (line,) = lines
    held = {
        key: value for key, value in line["messages"][0].items() if key not in ("role", "content")
    }
    assert held == {"extra": extra} and line["tools"] == [{"name": "t"}]
