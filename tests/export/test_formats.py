"""Each format holds what its readers want, and nothing of a record goes without being told."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from stages import JsonlExtract
from stages.corpus import Corpus
from stages.export.export import Export
from stages.export.lines import EARLY, TypedLines
from stages.tokens.model import load_tokenizer
from stages.tokens.tokenize import Tokenize
from tests.export.test_export import PAIRS, TALK, TOOLS, _corpus, _lines
from tests.tokens.families import folder

CALL = {"id": "c1", "type": "function", "function": {"name": "rain", "arguments": {"bed": "north"}}}
CALLING: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": "Is it wet?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "yes", "tool_call_id": "c1"},
        {"role": "assistant", "content": "It is."},
    ],
    "meta": {"tools": TOOLS},
    "split": "train",
}


def exported(folder: Path, rows: list[dict[str, Any]], format: Any, **more: Any) -> Any:
    """(lines of train, what was left out, the folder) of an export."""
    out = folder / "out"
    Export(format=format, **{"columns": (), **more})(_corpus(folder / "in", rows), out)
    lines, left = (out / name for name in ("train.jsonl", "left_out.jsonl"))
    return *(_lines(path) if path.exists() else [] for path in (lines, left)), out


def test_openai_messages_have_calls_and_tools(tmp_path: Path) -> None:
    lines, left, _ = exported(tmp_path, [CALLING, PAIRS[0]], "messages")
    assert lines[0] == {"messages": CALLING["messages"], "tools": TOOLS}
    assert lines[1]["tools"] is None and not left


def test_documents_and_variables_of_a_template_go_along(tmp_path: Path) -> None:
    documents = [{"title": "Peas", "text": "Sow them early."}]
    meta = {"documents": documents, "chat_template_kwargs": {"enable_thinking": False}}
    row = {**TALK, "meta": meta}
    for format in ("messages", "seedbed", "prompt_completion"):
        (line,), left, _ = exported(tmp_path / format, [row], format)
        assert line["documents"] == documents and not left
        assert line["chat_template_kwargs"] == {"enable_thinking": False}
    lines, left, _ = exported(tmp_path / "sharegpt", [row, PAIRS[0]], "sharegpt")
    assert len(lines) == 1 and left == [
        {"id": f"{0:032x}", "reason": "beside", "form": "messages", "what": "documents"}
    ]
    _, _, out = exported(tmp_path / "arrow", [row], "arrow")
    table = pa.ipc.open_stream((out / "train/data-00000-of-00001.arrow").read_bytes()).read_all()
    assert json.loads(table["documents"][0].as_py()) == documents


def test_sharegpt_has_calls_results_and_tools_as_llama_factory_reads_them(tmp_path: Path) -> None:
    twice = [CALLING["messages"][1]["tool_calls"][0]] * 2
    double = {**CALLING, "messages": [dict(m) for m in CALLING["messages"]]}
    double["messages"][1]["tool_calls"] = twice
    double["messages"].insert(3, {"role": "tool", "content": "still yes"})
    lines, left, out = exported(tmp_path, [CALLING, double], "sharegpt")
    call = {"name": "rain", "arguments": {"bed": "north"}}
    turns = lines[0]["conversations"]
    assert [turn["from"] for turn in turns] == ["human", "function_call", "observation", "gpt"]
    assert json.loads(turns[1]["value"]) == call and turns[2]["value"] == "yes"
    assert json.loads(lines[0]["tools"]) == TOOLS and not left
    turns = lines[1]["conversations"]
    assert json.loads(turns[1]["value"]) == [call, call]
    assert turns[2] == {"from": "observation", "value": "yes\nstill yes"}
    about = json.loads((out / "dataset_info.json").read_text())["train"]
    assert about["columns"] == {"messages": "conversations", "tools": "tools"}


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
        {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_content": "r"},
        {"role": "assistant", "content": None, "tool_calls": ["rain()"]},
        {"role": "assistant", "content": "yes", "reasoning_content": "r"},
        {"role": "critic", "content": "yes"},
    ],
)
def test_what_sharegpt_cannot_hold_is_told(message: dict[str, Any], tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "u"}, message], "split": "train"}
    lines, left, _ = exported(tmp_path, [row, PAIRS[0]], "sharegpt")
    assert len(lines) == 1 and left[0]["reason"] == "form" and left[0]["what"]


def test_prompt_and_completion_are_text_where_no_record_is_a_conversation(tmp_path: Path) -> None:
    lines, _, _ = exported(tmp_path / "a", PAIRS, "prompt_completion")
    assert lines[0] == {"prompt": "a?", "completion": PAIRS[0]["completion"]}
    lines, left, _ = exported(
        tmp_path / "b", [*PAIRS, TALK, {"text": "t", "split": "train"}], "prompt_completion"
    )
    assert lines[0]["prompt"] == [{"role": "user", "content": "a?"}]
    assert lines[-1] == {"prompt": TALK["messages"][:-1], "completion": [TALK["messages"][-1]]}
    assert [one["what"] for one in left] == ["text"]


def test_pairs_of_answers_are_made_of_what_holds_both(tmp_path: Path) -> None:
    def pair(rejected: Any) -> dict[str, Any]:
        return {**PAIRS[2], "completion": "good", "meta": {"rejected": rejected}}

    talk = [{"role": "user", "content": "c?"}, {"role": "assistant", "content": "bad"}]
    rows = [pair("bad"), pair(talk), pair(json.dumps(talk)), pair(talk[1]), pair("good"),
            pair(json.dumps(talk[1])), pair("  "), pair(None), pair(3)]  # fmt: skip
    lines, left, out = exported(tmp_path / "a", rows, "dpo")
    assert lines == [{"prompt": "c?", "chosen": "good", "rejected": "bad"}] * 5
    assert {one["reason"] for one in left} == {"pair"} and len(left) == 4
    assert json.loads((out / "dataset_info.json").read_text())["train"]["ranking"] is True
    lines, _, _ = exported(tmp_path / "b", [{**TALK, "meta": {"rejected": "bad"}}], "dpo")
    assert lines[0]["prompt"] == TALK["messages"][:-1]
    assert lines[0]["chosen"] == [TALK["messages"][-1]]
    assert lines[0]["rejected"] == [{"role": "assistant", "content": "bad"}]


def test_pairs_go_from_json_lines_to_json_lines(tmp_path: Path) -> None:
    from stages import JsonlExtract

    good, bad = ({"role": "assistant", "content": text} for text in ("North.", "None."))
    asked = {"role": "user", "content": "Which bed?"}
    rows = [
        {"prompt": "Which bed?", "chosen": "North.", "rejected": "None."},
        {"chosen": [asked, good], "rejected": [asked, bad]},
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Export(format="dpo", columns=())(JsonlExtract()(str(tmp_path / "in.jsonl")), tmp_path / "out")
    pair = {"prompt": [asked], "chosen": [good], "rejected": [bad]}
    assert _lines(tmp_path / "out/train.jsonl") == [pair, pair]


def test_prompt_and_generation_are_an_arrow_file_too(tmp_path: Path) -> None:
    lines, _, out = exported(tmp_path, PAIRS[:1], "pygmalion")
    assert lines == [{"prompt": "a?", "generation": PAIRS[0]["completion"]}]
    with pa.memory_map(str(out / "train.arrow")) as file:
        table = pa.ipc.open_file(file).read_all()
    assert table.to_pylist() == lines


def test_several_texts_of_a_prompt_say_who_speaks_as_metharme_has_it(tmp_path: Path) -> None:
    lines, left, out = exported(tmp_path, [PAIRS[0], TALK, CALLING], "pygmalion")
    assert lines[0] == {"prompt": "<|user|>a?<|model|>", "generation": PAIRS[0]["completion"]}
    assert lines[1]["prompt"] == "<|system|>s<|user|>u1<|model|>a1<|user|>u2<|model|>"
    assert [one["what"] for one in left] == ["a message with tool_calls"]
    # Read back, what says so is tokens, as the family's template has them, and the answer alone is
    # trained on.
    path = folder(tmp_path / "models", "chatml")
    read = list(JsonlExtract()(str(out / "train.jsonl")))
    tokenize = Tokenize(
        model=str(path), chat="plain", add_tokens=("<|system|>", "<|user|>", "<|model|>")
    )
    for line, row in zip(lines, tokenize(read), strict=True):
        told = "\n".join(one.removeprefix("| ") for one in tokenize.tell(row))
        assert told.startswith(line["prompt"] + "\u27e6" + line["generation"][:3])
        known = load_tokenizer(str(path)).get_vocab_size()
        assert sum(one >= known for one in row["input_ids"]) == line["prompt"].count("<|")


HALF = [{"type": "function", "function": {"name": "rain", "description": "\ud83d rain"}}]


@pytest.mark.parametrize("format", ["seedbed", "messages", "sharegpt", "prompt_completion"])
def test_half_a_character_in_tools_is_left_out_and_not_changed(format: Any, tmp_path: Path) -> None:
    smile = {**TALK, "meta": json.dumps({"tools": [{"type": "function", "name": "\U0001f327"}]})}
    rows = [{**TALK, "meta": {"tools": HALF}}, smile]
    lines, left, _ = exported(tmp_path, rows, format)
    tools = lines[0]["tools"]
    assert (json.loads(tools) if format == "sharegpt" else tools)[0]["name"] == "\U0001f327"
    assert [(one["reason"], one["what"]) for one in left] == [("half", "tools")] and len(lines) == 1
    _, _, out = exported(tmp_path / "arrow", rows, "arrow")
    table = pa.ipc.open_stream((out / "train/data-00000-of-00001.arrow").read_bytes()).read_all()
    assert json.loads(table["tools"][0].as_py()) == HALF


def test_tokens_have_a_mask_of_ones_and_labels(tmp_path: Path) -> None:
    from stages.corpus import write_corpus
    from stages.records import REJECTS

    rows = [{"input_ids": [5, 6, 7], "loss_mask": [False, True, True], "split": "train"},
            {"input_ids": [8], "loss_mask": [False], "split": "val"}]  # fmt: skip
    table = pa.Table.from_pylist(rows)
    write_corpus(tmp_path / "in", "tokens", [(table, REJECTS.empty_table())], {"sources": []})
    summary = Export(format="pretokenized")(tmp_path / "in", tmp_path / "out")
    assert summary["rows"] == {"train": 1, "val": 1}
    line = {"input_ids": [5, 6, 7], "attention_mask": [1, 1, 1], "labels": [-100, 6, 7]}
    assert _lines(tmp_path / "out/train.jsonl") == [line]
    assert pq.read_table(tmp_path / "out/train.parquet").to_pylist() == [line]
    config = YAML(typ="safe").load((tmp_path / "out/axolotl.yaml").read_text())
    assert config["datasets"] == [{"path": "train.jsonl", "ds_type": "json", "type": None}]


# --- readers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "format",
    ["seedbed", "messages", "alpaca", "sharegpt", "prompt_completion", "dpo", "text", "pygmalion"],
)
def test_datasets_reads_keys_that_are_filled_late(
    format: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than the 10 MB from which it takes the types, then records of every other kind."""
    from datasets import load_dataset

    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    filler = "word " * 700
    early = [{"prompt": f"{n}?", "completion": filler, "meta": {"rejected": "bad"},
              "split": "train"} for n in range(3300)]  # fmt: skip
    late = [
        {**TALK, "meta": {"rejected": "bad"}},
        {**TALK, "meta": {"tools": TOOLS, "rejected": "bad"}},
        {**CALLING, "meta": {"tools": [*TOOLS, {"type": "function", "function": {"name": "f",
                             "parameters": {"depth": 3}}}], "rejected": "bad"}},
        {"text": "only a text", "split": "train"},
        {**TALK, "split": "val"},
    ]  # fmt: skip
    out = tmp_path / "out"
    summary = Export(format=format)(_corpus(tmp_path / "in", [*early, *late]), out)
    assert (out / "train.jsonl").stat().st_size > 11 << 20
    loaded = load_dataset(
        "json", data_files=str(out / "train.jsonl"), cache_dir=str(tmp_path / "cache")
    )["train"]
    lines = _lines(out / "train.jsonl")
    assert len(loaded) == len(lines) == summary["rows"]["train"]
    typed = load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert set(typed) == {"train", *(["validation"] if summary["rows"]["val"] else [])}
    assert list(loaded.column_names) == list(typed["train"].column_names)
    for number in (0, 1, 2, 3, 1500, len(lines) - 2, len(lines) - 1):
        assert dict(loaded[number]) == dict(typed["train"][number]) == lines[number]
    # Nothing is shuffled: all but the few lines that bring a key are in the order of the corpus.
    ids = [line["id"] for line in lines]
    assert sum(one > two for one, two in pairwise(ids)) <= 1


OTHER_TOOLS = [{"type": "function", "function": {"name": "sun", "parameters": {"hours": 3}}}]
PLAIN_ROW = {"prompt": "How deep?", "completion": "A hand."}


def _filled(value: Any) -> Any:
    """A value without the keys that readers of typed data put there; tools as JSON text are the
    same to `datasets`, where they are text in some lines."""
    if isinstance(value, str) and value.startswith("[{"):
        return _filled(json.loads(value))
    if isinstance(value, dict):
        return {key: _filled(one) for key, one in value.items() if one is not None}
    return [_filled(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("format", ["seedbed", "messages", "alpaca", "sharegpt"])
@pytest.mark.parametrize(
    ("train", "val"),
    [
        (PLAIN_ROW, CALLING),
        (PLAIN_ROW, {**TALK, "meta": {"tools": TOOLS}}),
        (TALK, {"text": "Sow peas early."}),
        ({**TALK, "meta": {"tools": TOOLS}}, {**TALK, "meta": {"tools": OTHER_TOOLS}}),
        (TALK, {**TALK, "meta": {"chat_template_kwargs": {"enable_thinking": False}}}),
    ],
)
def test_both_files_load_together_whatever_one_alone_has(
    format: Any, train: Any, val: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datasets import load_dataset

    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    for sides in (("train", "val"), ("val", "train")):
        rows = [{**one, "split": side} for side, one in zip(sides, (train, val), strict=True)]
        more = [{**rows[0], "meta": None}] if format != "seedbed" else []
        _, _, out = exported(tmp_path / sides[0], [*rows, *rows, *more], format)
        files = {side: str(out / f"{side}.jsonl") for side in ("train", "val")}
        files = {side: path for side, path in files.items() if Path(path).stat().st_size}
        loaded = load_dataset("json", data_files=files, cache_dir=str(tmp_path / "cache"))
        for side, path in files.items():
            lines = _lines(Path(path))
            assert [_filled(one) for one in loaded[side]] == list(map(_filled, lines))


def test_what_opens_a_file_says_nothing(tmp_path: Path) -> None:
    rows = [{**PLAIN_ROW, "split": "train"}] * 2 + [{**CALLING, "split": "val"}]
    lines, _, out = exported(tmp_path / "calls", rows, "messages")
    assert lines[0]["messages"][1] == {"role": "assistant", "content": "A hand.", "weight": 1}
    assert lines[0]["tools"] == {} and lines[1]["tools"] is None
    assert "weight" not in lines[1]["messages"][1]
    val = _lines(out / "val.jsonl")
    assert val == [{"messages": CALLING["messages"], "tools": TOOLS}]
    assert pq.read_table(out / "train.parquet").to_pylist()[0]["tools"] is None
    same = [{**TALK, "split": side} for side in ("train", "val")]
    lines, _, _ = exported(tmp_path / "same", same, "messages")
    assert all("weight" not in message for message in lines[0]["messages"])


def test_what_comes_early_keeps_its_order(tmp_path: Path) -> None:
    with TypedLines(tmp_path / "a.jsonl") as lines:
        for number in range(20):
            lines.write({"n": number, "more": None if number < 10 else str(number)})
    assert [line["n"] for line in _lines(tmp_path / "a.jsonl")] == list(range(20))
    with TypedLines(tmp_path / "b.jsonl") as lines:
        for number in range(6):
            lines.write(
                {"n": number, "text": "x" * (EARLY // 2), "more": [] if number < 5 else [1]}
            )
    assert [line["n"] for line in _lines(tmp_path / "b.jsonl")] == [5, 0, 1, 2, 3, 4]


def test_parquet_has_the_types_of_its_rows(tmp_path: Path) -> None:
    _, _, out = exported(tmp_path / "a", [*PAIRS, TALK], "messages", columns=("id", "split"))
    schema = pq.read_schema(out / "train.parquet")
    message = pa.struct([("content", pa.string()), ("role", pa.string())])
    assert schema.field("messages").type == pa.list_(message)
    assert schema.field("split").type == pa.string()
    _, _, out = exported(tmp_path / "b", [CALLING], "messages")
    table = pq.read_table(out / "train.parquet")
    messages = [json.loads(one) for one in table["messages"][0].as_py()]
    assert messages == CALLING["messages"]


def test_the_configurations_name_files_that_are_there(tmp_path: Path) -> None:
    for format in ("messages", "alpaca", "sharegpt", "text", "prompt_completion"):
        _, _, out = exported(tmp_path / format, PAIRS, format)
        entries = json.loads((out / "dataset_info.json").read_text())
        assert set(entries) == {"train", "val"}
        for entry in entries.values():
            columns = [value for key, value in entry["columns"].items()]
            line = _lines(out / entry["file_name"])[0]
            assert set(columns) <= set(line), format
        config = YAML(typ="safe").load((out / "axolotl.yaml").read_text())
        (train,), (val,) = config["datasets"], config["test_datasets"]
        assert "split" not in train and val["split"] == "train", "all of a file is `train` there"
        assert (out / train["path"]).is_file() and (out / val["path"]).is_file()
        if "field_messages" in train:
            mapped = train["message_property_mappings"].values()
            assert set(mapped) == set(_lines(out / train["path"])[0][train["field_messages"]][0])
    _, _, out = exported(tmp_path / "own", PAIRS, "seedbed")
    assert not (out / "dataset_info.json").exists() and not (out / "axolotl.yaml").exists()


def test_readers_are_told_of_calls_in_the_form_alone_that_they_read_as_they_are(
    tmp_path: Path,
) -> None:
    for rows in ([CALLING], [TALK, {**TALK, "meta": {"tools": TOOLS}}]):
        _, _, out = exported(tmp_path / f"messages{len(rows)}", rows, "messages")
        assert not (out / "dataset_info.json").exists() and (out / "axolotl.yaml").exists()
        _, _, out = exported(tmp_path / f"sharegpt{len(rows)}", rows, "sharegpt")
        assert not (out / "axolotl.yaml").exists()
        (entry,) = json.loads((out / "dataset_info.json").read_text()).values()
        assert entry["columns"] == {"messages": "conversations", "tools": "tools"}
    _, _, out = exported(tmp_path / "plain", [TALK], "messages")
    (entry,) = json.loads((out / "dataset_info.json").read_text()).values()
    assert entry["formatting"] == "sharegpt" and entry["tags"]["role_tag"] == "role"
    _, _, out = exported(tmp_path / "talk", [TALK], "sharegpt")
    (config,) = YAML(typ="safe").load((out / "axolotl.yaml").read_text())["datasets"]
    names = {name for names in config["roles"].values() for name in names}
    assert {turn["from"] for turn in _lines(out / "train.jsonl")[0]["conversations"]} <= names


def test_the_card_has_the_front_matter_of_hubs(tmp_path: Path) -> None:
    source = _corpus(tmp_path / "in", PAIRS)
    Export(format="messages")(source, tmp_path / "out")
    text = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert text.startswith("---\n")
    front = YAML(typ="safe").load(text.split("---\n")[1])
    assert front["license"] == ["cc-by-4.0", "unknown"]
    assert front["size_categories"] == ["n<1K"] and front["task_categories"] == ["text-generation"]
    assert front["configs"][0]["data_files"] == [
        {"split": "train", "path": "train.parquet"},
        {"split": "validation", "path": "val.parquet"},
    ]
    assert "SFTConfig(" in text and Corpus(source).digest in text


def test_a_large_export_has_row_groups(tmp_path: Path) -> None:
    rows = [{"prompt": f"{n}?", "completion": str(n), "split": "train"} for n in range(9000)]
    lines, _, out = exported(tmp_path, rows, "prompt_completion")
    file = pq.ParquetFile(out / "train.parquet")
    assert file.metadata.num_row_groups == 3
    assert file.read().to_pylist() == lines


@pytest.mark.parametrize(
    ("format", "said"),
    [("messages", "assistant_only_loss=True"), ("prompt_completion", "completion_only_loss=True")],
)
def test_the_card_trains_on_answers_alone(format: str, said: str, tmp_path: Path) -> None:
    _, _, out = exported(tmp_path, PAIRS, format)
    (line,) = (one for one in (out / "README.md").read_text().splitlines() if "Config(" in one)
    assert said in line
