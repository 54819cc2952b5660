"""Templates of the families in use: ids as transformers has them, answers that are learned."""

from __future__ import annotations

import datetime
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from stages.tokens.model import load_tokenizer
from stages.tokens.tokenize import Tokenize
from tests.tokens.families import FAMILIES, folder

pytest.importorskip("transformers")

DAY = datetime.datetime(2024, 7, 26)
CALL = [
    {
        "id": "c12345678",
        "type": "function",
        "function": {"name": "rain", "arguments": {"bed": 'north "x"\n', "day": 1, "at": None}},
    }
]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "rain",
            "description": "In rows.",
            "parameters": {"type": "object", "properties": {"bed": {"type": "string"}}},
        },
    }
]


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("families")


@pytest.fixture(autouse=True)
def _day(monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.utils import chat_template_utils

    class Fixed(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return DAY

    monkeypatch.setattr(chat_template_utils, "datetime", Fixed)


@cache
def reference(path: Path) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(str(path))


def ids_of(path: Path, messages: list[dict[str, Any]], **beside: Any) -> list[int]:
    tokenizer = reference(path)
    text = tokenizer.apply_chat_template(messages, tokenize=False, **beside)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def said(role: str, content: str | None, **extra: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **extra}


def stored(messages: list[dict[str, Any]]) -> dict[str, Any]:
    return {"messages": messages}


def shown(path: Path, row: dict[str, Any]) -> str:
    """The tokens as text, what is learned between ⟦ and ⟧."""
    tokenizer = load_tokenizer(str(path))
    told, before = "", False
    for number, learned in zip(row["input_ids"], row["loss_mask"], strict=True):
        told += "" if learned == before else "⟦" if learned else "⟧"
        told += tokenizer.id_to_token(number)
        before = learned
    told += "⟧" if before else ""
    told = re.sub("<0x([0-7].)>", lambda byte: chr(int(byte[1], 16)), told)
    return told.replace("Ġ", " ").replace("▁", " ").replace("Ċ", "\n")


def talk(system: bool = False) -> list[dict[str, Any]]:
    first = [said("system", "Be  brief.\nAlways.")] if system else []
    return [
        *first,
        said("user", "When are the peas sown?"),
        said("assistant", "In March.\n\n1. Dig"),
        said("user", "And the beans — naïve?"),
        said("assistant", "In May, when it is warm."),
    ]


ENDS = {"glm4", "glm45", "noend"}  # the end token is put behind the last answer


@pytest.mark.parametrize("name", FAMILIES)
def test_ids_are_those_of_transformers_at_once_and_turn_by_turn(name: str, root: Path) -> None:
    path, family = folder(root, name), FAMILIES[name]
    talks = [talk()[:2], talk()]
    if family.system:
        talks += [talk(True)[:3], talk(True)]
    rows = Tokenize(model=str(path), default_system=True, max_length=None)(
        [stored(one) for one in talks]
    )
    assert len(rows) == len(talks)
    for row, messages in zip(rows, talks, strict=True):
        expected = ids_of(path, messages)
        if name in ENDS:
            expected.append(load_tokenizer(str(path)).token_to_id(family.eos))
        assert row["input_ids"] == expected
        assert not row["lossy"]
        assert shown(path, row).count("⟦") == sum(m["role"] == "assistant" for m in messages)


LEARNED = {
    "chatml": ["{1}<|im_end|>", "{2}<|im_end|>"],
    "qwen25": ["{1}<|im_end|>", "{2}<|im_end|>"],
    "qwen3": ["{1}<|im_end|>", "{2}<|im_end|>"],
    "llama3": ["{1}<|eot_id|>", "{2}<|eot_id|>"],
    "llama31": ["{1}<|eot_id|>", "{2}<|eot_id|>"],
    "llama2": [" {1} </s>", " {2} </s>"],
    "mistral1": ["{1}</s>", "{2}</s>"],
    "mistral3": [" {1}</s>", " {2}</s>"],
    "mistral7": ["{1}</s>", "{2}</s>"],
    "gemma2": ["{1}<end_of_turn>", "{2}<end_of_turn>"],
    "gemma3": ["{1}<end_of_turn>", "{2}<end_of_turn>"],
    "phi3": ["{1}<|end|>", "{2}<|end|><|endoftext|>"],
    "phi4": ["{1}<|im_end|>", "{2}<|im_end|>"],
    "zephyr": ["{1}</s>", "{2}</s>"],
    "deepseek_v2": [" {1}<｜end of sentence｜>", " {2}<｜end of sentence｜>"],
    "deepseek_r1": ["{1}<｜end of sentence｜>", "{2}<｜end of sentence｜>"],
    "commandr": ["{1}<|END_OF_TURN_TOKEN|>", "{2}<|END_OF_TURN_TOKEN|>"],
    "olmo": ["{1}<|endoftext|>", "{2}<|endoftext|>"],
    "glm4": ["{1}<|user|>", "{2}<|endoftext|>"],
    "glm45": ["{1}<|user|>", "{2}<|endoftext|>"],
    "granite": ["{1}<|end_of_text|>", "{2}<|end_of_text|>"],
    "smollm3": ["{1}<|im_end|>", "{2}<|im_end|>"],
    "smollm3_gen": ["{1}<|im_end|>", "{2}<|im_end|>"],
    "gptoss": [
        "<|channel|>final<|message|>{1}<|end|>",
        "<|channel|>final<|message|>{2}<|return|>",
    ],
    "vicuna": [" {1}</s>", " {2}</s>"],
    "alpaca": ["{1}<|endoftext|>", "{2}<|endoftext|>"],
    "metharme": ["{1}<|endoftext|>", "{2}<|endoftext|>"],
    "noend": ["{1}\n", "{2}\n</s>"],
}


def learned(path: Path, row: dict[str, Any]) -> list[str]:
    return [part.partition("⟧")[0] for part in shown(path, row).split("⟦")[1:]]


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_learned_is_the_answer_and_its_end(name: str, root: Path) -> None:
    path = folder(root, name)
    simple = [
        said("user", "Peas?"),
        said("assistant", "In rows."),
        said("user", "And?"),
        said("assistant", "Two."),
    ]
    (row,) = Tokenize(model=str(path))([stored(simple)])
    spoken = [one.replace("{1}", "In rows.").replace("{2}", "Two.") for one in LEARNED[name]]
    # SentencePiece puts a blank before each piece between control tokens.
    assert [one.strip(" ") for one in learned(path, row)] == [one.strip(" ") for one in spoken]
    prompts = shown(path, row).replace("⟧", "⟦").split("⟦")[::2]
    assert not any("In rows." in one or "Two." in one for one in prompts)


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family.calls])
@pytest.mark.parametrize("content", [None, ""])
def test_calls_of_tools_are_learned(name: str, content: str | None, root: Path) -> None:
    path = folder(root, name)
    messages = [
        said("user", "Rain?"),
        said("assistant", content, tool_calls=CALL),
        said("tool", 'wet "x" naïve', tool_call_id="c12345678"),
        said("assistant", "It rains."),
    ]
    record = {**stored(messages), "meta": json.dumps({"tools": TOOLS})}
    rejects: list[dict[str, Any]] = []
    stage = Tokenize(model=str(path), default_system=True)
    expected = ids_of(path, messages, tools=TOOLS)
    (row,) = stage([record], rejects)
    if name in ENDS:
        expected.append(load_tokenizer(str(path)).token_to_id(FAMILIES[name].eos))
    assert row["input_ids"] == expected
    call, answer = learned(path, row)
    assert "rain" in call and "north" in call and "It rains." in answer
    ends = ("<|im_end|>", "<|eot_id|>", "<|observation|>", "<|call|>")
    assert call.endswith(ends) and not call.startswith("<|im_start|>")


def test_arguments_as_text_and_the_old_form_are_calls(root: Path) -> None:
    path = folder(root, "qwen25")
    call = {"name": "rain", "arguments": '{"bed": "north", "day": 1}'}
    parsed = {"name": "rain", "arguments": {"bed": "north", "day": 1}}
    question = said("user", "Rain?")
    rows = Tokenize(model=str(path), default_system=True)(
        [
            stored([question, said("assistant", None, tool_calls=[{"function": call}])]),
            stored([question, said("assistant", None, function_call=call)]),
            stored([said("human", "Rain?"), said("function_call", json.dumps(parsed))]),
        ]
    )
    whole = [question, said("assistant", "", tool_calls=[{"function": parsed}])]
    for row in rows:
        assert row["input_ids"] == ids_of(path, whole)
    assert len(rows) == 3


THOUGHT = "<think>\nI count.\n</think>\n\nTwo."


@pytest.mark.parametrize("name", ["qwen3", "glm45", "deepseek_r1", "chatml", "smollm3"])
def test_reasoning_in_the_answer_is_kept_as_the_template_has_it(name: str, root: Path) -> None:
    path = folder(root, name)
    messages = [
        said("user", "One?"),
        said("assistant", "<think>Polite.</think>Yes."),
        said("user", "How many?"),
        said("assistant", THOUGHT),
    ]
    stage = Tokenize(model=str(path), default_system=True)
    (row,) = stage([stored(messages)])
    expected = ids_of(path, messages)
    if name in ENDS:
        expected.append(load_tokenizer(str(path)).token_to_id(FAMILIES[name].eos))
    assert row["input_ids"] == expected
    first, last = learned(path, row)
    assert "I count." in last or name == "deepseek_r1"
    assert last.startswith("<think>") or name in ("deepseek_r1", "glm45")
    if name == "qwen3":
        assert first == "Yes.<|im_end|>"


def test_an_empty_think_block_and_a_new_line_are_not_learned(root: Path) -> None:
    path = folder(root, "qwen3")
    rows = Tokenize(model=str(path))(
        [
            stored([said("user", "How many?"), said("assistant", text)])
            for text in ("\nTwo.", "Two.")
        ]
    )
    for row in rows:
        assert learned(path, row) == ["Two.<|im_end|>"]
    chatml = folder(root, "chatml")
    empty = "<think>\n\n</think>\n\nTwo."
    (own,) = Tokenize(model=str(chatml))([stored([said("user", "?"), said("assistant", empty)])])
    assert learned(chatml, own) == ["Two.<|im_end|>"]


def test_reasoning_beside_the_content(root: Path) -> None:
    talk = [said("user", "How many?"), said("assistant", "Two.", reasoning="I count.")]
    for name, begins in (("qwen3", "<think>\nI count."), ("gptoss", "<|channel|>analysis")):
        path = folder(root, name)
        (row,) = Tokenize(model=str(path))([stored(talk)])
        assert row["input_ids"] == ids_of(path, talk)
        assert learned(path, row)[0].startswith(begins)
    rejects: list[dict[str, Any]] = []
    assert Tokenize(model=str(folder(root, "chatml")))([stored(talk)], rejects) == []
    assert "does not show the reasoning" in rejects[0]["evidence"]


@pytest.mark.parametrize(
    ("name", "messages", "named"),
    [
        ("olmo", [said("system", "French."), *talk()], "messages[0] (system)"),
        (
            "gptoss",
            [*talk()[:1], said("assistant", "I look.", tool_calls=CALL)],
            "beside its calls",
        ),
        ("zephyr", [*talk()[:2], said("tool", "wet"), *talk()[2:]], "messages[2] (tool)"),
        ("chatml", [*talk()[:1], said("assistant", "", tool_calls=CALL)], "calls of messages[1]"),
        ("chatml", [said("user", "See", parts=[{"type": "image_url"}]), *talk()[1:]], "image_url"),
        ("chatml", [said("critic", "Bad."), *talk()], "critic"),
    ],
)
def test_what_a_template_leaves_out_is_told(
    name: str, messages: list[dict[str, Any]], named: str, root: Path
) -> None:
    rejects: list[dict[str, Any]] = []
    assert Tokenize(model=str(folder(root, name)))([stored(messages)], rejects) == []
    assert named in rejects[0]["evidence"]


def test_a_system_text_that_belongs_to_the_last_question_is_there(root: Path) -> None:
    path = folder(root, "mistral3")
    messages = [said("system", "In French."), *talk()]
    (row,) = Tokenize(model=str(path))([stored(messages)])
    text = load_tokenizer(str(path)).decode(row["input_ids"])
    assert "In French.\n\nAnd the beans" in text
    tokenizer = reference(path)
    asked = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True, tokenize=False)
    begin = tokenizer(asked, add_special_tokens=False)["input_ids"]
    assert row["input_ids"][: len(begin)] == begin
    assert len(learned(path, row)) == 2


@pytest.mark.parametrize("name", ["glm4", "olmo", "gptoss", "llama31", "smollm3"])
def test_a_fixed_head_is_no_system_message(name: str, root: Path) -> None:
    path = folder(root, name)
    stage = Tokenize(model=str(path))
    (row,) = stage([stored(talk()[:2])])
    expected = ids_of(path, talk()[:2])
    assert row["input_ids"][: len(expected)] == expected
    from stages.tokens.chat import load_chat

    chat = load_chat(str(path), ())
    assert chat is not None and chat.source_as_trained() == chat.source


def test_a_system_message_of_the_template_s_own_goes_unless_it_is_kept(root: Path) -> None:
    path = folder(root, "qwen25")
    (row,) = Tokenize(model=str(path))([stored(talk()[:2])])
    assert "Fern" not in shown(path, row)
    record = {**stored(talk()[:2]), "meta": json.dumps({"tools": TOOLS})}
    (row,) = Tokenize(model=str(path))([record])
    assert row["input_ids"] == ids_of(path, talk()[:2], tools=TOOLS)


MARKS = [{"weight": 0}, {"weight": 0.0}, {"train": False}, {"loss": False}, {"trainable": False}]


@pytest.mark.parametrize("mark", MARKS, ids=str)
def test_turns_that_are_marked_are_not_learned(mark: dict[str, Any], root: Path) -> None:
    path = folder(root, "qwen3")
    messages = talk()
    messages[1] |= mark
    on = {key: type(value)(1) for key, value in mark.items()}
    messages[3] |= on
    (row,) = Tokenize(model=str(path))([stored(messages)])
    assert learned(path, row) == ["In May, when it is warm.<|im_end|>"]
    (whole,) = Tokenize(model=str(path), train_on="all")([stored(messages)])
    assert "In March." not in "".join(learned(path, whole))
    messages[3] |= mark
    rejects: list[dict[str, Any]] = []
    assert Tokenize(model=str(path))([stored(messages)], rejects) == []
    assert rejects[0]["reason"] == "untrained" and next(iter(mark)) in rejects[0]["evidence"]


def test_a_part_of_a_turn_can_be_marked(root: Path) -> None:
    path = folder(root, "chatml")
    detail = [{"begin_offset": 0, "end_offset": 8, "train": False}]
    messages = [said("user", "?"), said("assistant", "Ten rows. They grow.", train_detail=detail)]
    (row,) = Tokenize(model=str(path))([stored(messages)])
    assert learned(path, row) == [" They grow.<|im_end|>"]


def test_which_messages_are_learned(root: Path) -> None:
    path = folder(root, "chatml")
    (last,) = Tokenize(model=str(path), train_on="last")([stored(talk(True))])
    assert learned(path, last) == ["In May, when it is warm.<|im_end|>"]
    (source,) = Tokenize(model=str(path), train_on_source=True)([stored(talk(True))])
    assert len(learned(path, source)) == 5
    assert learned(path, source)[0] == "Be  brief.\nAlways."
    (whole,) = Tokenize(model=str(path), train_on="all")([stored(talk(True))])
    assert all(whole["loss_mask"])


@pytest.mark.parametrize(
    "name", ["phi3", "phi4", "llama2", "mistral3", "gemma3", "qwen3", "llama3"]
)
def test_control_tokens_in_a_record_change_nothing_else(name: str, root: Path) -> None:
    path = folder(root, name)
    control = FAMILIES[name].special[-1] if FAMILIES[name].special else "</s>"
    control = control if isinstance(control, str) else control[0]
    stage = Tokenize(model=str(path))
    clean, hostile = (
        stage([stored([said("user", f"\nWhat {word} is"), said("assistant", "\n It ends.")])])[0]
        for word in ("bean", control)
    )
    special = {
        n for n, t in load_tokenizer(str(path)).get_added_tokens_decoder().items() if t.special
    }
    tokens = [[n for n in row["input_ids"] if n in special] for row in (clean, hostile)]
    assert tokens[0] == tokens[1]
    for row in (clean, hostile):
        assert learned(path, row)[0].strip().startswith("It ends.") and not row["lossy"]
    begin = hostile["input_ids"].index(tokens[0][0])
    assert hostile["input_ids"][: begin + 3] == clean["input_ids"][: begin + 3]


@pytest.mark.parametrize("name", ["gemma2", "llama3", "llama2"])
def test_plain_joins_begin_as_texts_do(name: str, root: Path) -> None:
    path = folder(root, name)
    pair, text = Tokenize(model=str(path), chat="plain")(
        [{"prompt": "How many rows? ", "completion": "Two."}, {"text": "How many rows? Two."}]
    )
    bos = load_tokenizer(str(path)).token_to_id(FAMILIES[name].bos or "")
    assert pair["input_ids"][0] == bos == text["input_ids"][0]
    assert pair["input_ids"].count(bos) == 1 and not pair["loss_mask"][0]


def test_a_date_is_a_parameter(root: Path) -> None:
    path = folder(root, "granite")
    (row,) = Tokenize(model=str(path), date="2025-03-01", default_system=True)([stored(talk()[:2])])
    assert "March 01, 2025" in shown(path, row)
    assert Tokenize(model=str(path), date="tomorrow").contradictions()


def test_tools_that_a_template_leaves_out_are_told(root: Path) -> None:
    import pyarrow as pa

    record = {**stored(talk()[:2]), "meta": json.dumps({"tools": TOOLS})}
    rejects: list[dict[str, Any]] = []
    assert Tokenize(model=str(folder(root, "chatml")))([record], rejects) == []
    assert "tools" in rejects[0]["evidence"]
    stage = Tokenize(model=str(folder(root, "qwen3")))
    table = pa.table({"id": ["1"], "source": [""], "place": [""], "meta": [record["meta"]]})
    table = table.append_column("prompt", pa.array(["a"]))
    table = table.append_column("completion", pa.array(["b"]))
    counts = stage.split(table).counts
    assert counts.text.removed == {"tools": len(json.dumps(TOOLS))} and counts.text.kept == 2


def test_twice_the_turns_with_reasoning_cost_twice(root: Path) -> None:
    import time

    from stages.tokens.chat import load_chat

    chat = load_chat(str(folder(root, "qwen3")), ("<|im_start|>", "<|im_end|>"))
    assert chat is not None
    times: dict[int, list[float]] = {}
    for _ in range(2):
        for turns in (400, 800):
            messages = [
                said("assistant", f"<think>{n}</think>Yes {n}.") if n % 2 else said("user", f"{n}?")
                for n in range(turns)
            ]
            begun = time.process_time()
            found = chat.rendering(messages)
            times.setdefault(turns, []).append(time.process_time() - begun)
            assert found.thinking > 0
    assert min(times[800]) < 3.5 * min(times[400])


def test_tokens_and_model_are_compared(root: Path, tmp_path: Path) -> None:
    from stages.tokens.identity import difference, identity_of
    from stages.train.train import Train

    chatml, phi, qwen = (str(folder(root, name)) for name in ("chatml", "phi4", "smollm3_gen"))
    made = identity_of(chatml)
    assert difference(made, chatml, chatml) is None
    told = difference(made, phi, chatml)
    assert told is not None and chatml in told and phi in told and "tokenizer" in told
    # The same tokenizer with another template.
    told = difference(made, qwen, chatml)
    assert told is not None and "template" in told and difference(made, qwen, chatml, True) is None
    assert Train(model=phi).conflicts([Tokenize(model=chatml)])
    assert not Train(model=chatml).conflicts([Tokenize(model=chatml)])
    # What does not decide ids is no difference.
    copied = tmp_path / "copied"
    copied.mkdir()
    for file in Path(chatml).iterdir():
        (copied / file.name).write_text(json.dumps(json.loads(file.read_text()), indent=3))
    assert difference(made, str(copied), chatml) is None


def test_a_recipe_names_a_model_once(root: Path, tmp_path: Path) -> None:
    from pipeline.recipe.checked import read_recipe
    from pipeline.recipe.recipe import RecipeError

    (tmp_path / "a.jsonl").write_text('{"prompt": "a", "completion": "b"}\n')
    own = folder(root, "chatml")
    recipe = tmp_path / "r.yaml"
    begin = "version: 1\nsources: [jsonl: a.jsonl]\nsteps: [split, "
    recipe.write_text(f"{begin}tokenize: {{model: {own}}}, tokenize]\n")
    read = read_recipe(recipe)
    assert [getattr(step.stage, "model", None) for step in read.steps] == [None, str(own), str(own)]
    recipe.write_text(f"{begin}tokenize: {{model: {own}}}, train: {{model: smollm2}}]\n")
    with pytest.raises(RecipeError, match=f"tokenizer of '{own}'.* 'smollm2'"):
        read_recipe(recipe)


def test_variables_of_a_record_reach_the_template(root: Path) -> None:
    path = folder(root, "smollm3")
    meta = json.dumps({"chat_template_kwargs": {"enable_thinking": False}})
    record = {**stored(talk()[:2]), "meta": meta}
    (row,) = Tokenize(model=str(path), default_system=True)([record])
    assert row["input_ids"] == ids_of(path, talk()[:2], enable_thinking=False)
    assert "<think>" in shown(path, row) and "<think>" not in learned(path, row)[0]


def test_words_for_roles_mean_what_the_template_knows(root: Path) -> None:
    path = folder(root, "chatml")
    rows = Tokenize(model=str(path))(
        [
            stored([said("human", "When?"), said("gpt", "Now.")]),
            stored([said("User", "When?"), said("bing", "Now.")]),
            stored([said("user", "When?"), said("assistant", "Now.")]),
        ]
    )
    assert rows[0]["input_ids"] == rows[1]["input_ids"] == rows[2]["input_ids"]
    developer = [said("developer", "Be brief."), said("user", "When?"), said("assistant", "Now.")]
    (one,) = Tokenize(model=str(path))([stored(developer)])
    assert shown(path, one).startswith("<|im_start|>system\nBe brief.")
    own = folder(root, "gptoss")
    (kept,) = Tokenize(model=str(own))([stored(developer)])
    assert kept["input_ids"] == ids_of(own, developer)
