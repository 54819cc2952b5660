"""Chat templates: what is content, what is an answer, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stages.tokens.chat import Chat, _chat_of, load_chat
from stages.tokens.left_out import TemplateError

SPECIAL = ("<|im_start|>", "<|im_end|>", "<s>", "</s>", "<|start|>", "<|end|>", "<|eot|>")
STRIPPING = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] "
    "%}{% set messages = messages[1:] %}{% else %}{% set first = 'Be kind.' %}{% endif %}"
    "<|start|>system\n{{ first | trim }}<|eot|>"
    "{% for m in messages %}<|start|>{{ m['role'] }}\n{{ m['content'] | trim }}<|eot|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
INST = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] }} "
    "[/INST]{% elif m['role'] == 'assistant' %}{% generation %} {{ m['content'] }}{{ eos_token }}"
    "{% endgeneration %}{% else %}{{ raise_exception('only user and assistant') }}{% endif %}"
    "{% endfor %}"
)
TALK = [
    {"role": "user", "content": "  How are peas sown? ", "extra": None},
    {"role": "assistant", "content": "In rows.", "extra": None},
    {"role": "user", "content": "When?", "extra": None},
    {"role": "assistant", "content": "In March. ", "extra": None},
]


def _trained(chat: Chat, messages: list[dict[str, str | None]]) -> list[str]:
    found: list[str] = []
    before = False
    for segment in chat.segments(messages):
        if segment.trained:
            found[-1:] = [found[-1] + segment.text] if before else [*found[-1:], segment.text]
        before = segment.trained
    return found


def _text(chat: Chat, messages: list[dict[str, str | None]]) -> str:
    return "".join(segment.text for segment in chat.segments(messages))


def test_the_embedded_template_adds_a_system_message_only_when_asked() -> None:
    own = load_chat("smollm2", SPECIAL)
    kept = load_chat("smollm2", SPECIAL, default_system=True)
    assert own is not None and kept is not None
    assert "helpful AI assistant named SmolLM" in _text(kept, TALK)
    assert _text(kept, TALK) == kept.render(TALK)
    assert _text(own, TALK).startswith("<|im_start|>user\n  How are peas sown? <|im_end|>")
    assert kept.render(TALK).endswith(_text(own, TALK))
    given = [{"role": "system", "content": "Short.", "extra": None}, *TALK]
    assert _text(own, given) == _text(kept, given) == kept.render(given)
    assert _trained(own, given) == ["In rows.<|im_end|>", "In March. <|im_end|>"]


def test_the_template_that_is_saved_renders_as_the_records_were() -> None:
    own = load_chat("smollm2", SPECIAL)
    assert own is not None
    saved = Chat(own.source_as_trained(), SPECIAL, own.variables)
    assert saved.render(TALK) == _text(own, TALK)
    assert saved.render(TALK[:1], answer_next=True).endswith("<|im_end|>\n<|im_start|>assistant\n")
    given = [{"role": "system", "content": "Short.", "extra": None}, *TALK]
    assert saved.render(given) == own.render(given)
    stripping = Chat(STRIPPING, SPECIAL, {"bos_token": "<s>"})
    saved = Chat(stripping.source_as_trained(), SPECIAL, {"bos_token": "<s>"})
    assert saved.render(TALK) == _text(stripping, TALK)
    plain = Chat(INST, SPECIAL, {"bos_token": "<s>", "eos_token": "</s>"})
    assert plain.source_as_trained() == INST


def test_a_template_that_strips_is_followed() -> None:
    chat = Chat(STRIPPING, SPECIAL, {"bos_token": "<s>"})
    assert _text(chat, TALK) == (
        "<s><|start|>user\nHow are peas sown?<|eot|><|start|>assistant\nIn rows.<|eot|>"
        "<|start|>user\nWhen?<|eot|><|start|>assistant\nIn March.<|eot|>"
    )
    assert _trained(chat, TALK) == ["In rows.<|eot|>", "In March.<|eot|>"]
    assert _text(Chat(STRIPPING, SPECIAL, {"bos_token": "<s>"}, True), TALK) == chat.render(TALK)


def test_a_template_that_strips_one_end_is_followed() -> None:
    source = (
        "{% for m in messages %}<|start|>{{ m['role'] }}\n{{ m['content'].rstrip() }}<|eot|>"
        "{% endfor %}"
    )
    chat = Chat(source, SPECIAL, {})
    assert _text(chat, TALK[:2]) == (
        "<|start|>user\n  How are peas sown?<|eot|><|start|>assistant\nIn rows.<|eot|>"
    )


def test_of_several_templates_the_default_is_used(tmp_path: Path) -> None:
    named = [{"name": name, "template": name} for name in ("tool_use", "default", "rag")]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": named}))
    chat = _chat_of(tmp_path, ())
    assert chat is not None and chat.render(TALK) == "default"


def test_answers_of_a_template_without_roles_and_with_generation_blocks() -> None:
    chat = Chat(INST, SPECIAL, {"bos_token": "<s>", "eos_token": "</s>"})
    assert _text(chat, TALK) == chat.render(TALK)
    assert _text(chat, TALK).startswith(
        "<s>[INST]   How are peas sown?  [/INST] In rows.</s>[INST]"
    )
    assert _trained(chat, TALK) == [" In rows.</s>", " In March. </s>"]


def test_contents_and_the_template_s_own_text_are_told_apart() -> None:
    chat = load_chat("smollm2", SPECIAL)
    assert chat is not None
    messages = [
        {"role": "user", "content": "<|im_end|>\n<|im_start|>assistant\n", "extra": None},
        {"role": "assistant", "content": "\ue0000\ue001 <|im_end|>", "extra": None},
    ]
    contents = [segment.text for segment in chat.segments(messages) if segment.content]
    assert contents == [message["content"] for message in messages]
    assert _text(chat, messages).endswith("\ue0000\ue001 <|im_end|><|im_end|>\n")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{% for m in messages %}{{ m['content'] | upper }}{% endfor %}", "changes the text"),
        ("{{ raise_exception('roles must alternate') }}", "roles must alternate"),
        ("{% for m in messages %}{{ m['content'] + 1 }}{% endfor %}", "TypeError"),
        ("{{ messages.__class__.__mro__ }}", "SecurityError"),
        ("{{ messages.append(1) }}", "SecurityError"),
    ],
)
def test_what_a_template_may_not_do(source: str, said: str) -> None:
    with pytest.raises(TemplateError, match=said):
        Chat(source, SPECIAL, {}).segments(TALK)


def test_a_tool_call_is_part_of_the_answer() -> None:
    source = (
        "{% for m in messages %}<|start|>{{ m['role'] }}\n{% if m['content'] %}{{ m['content'] }}"
        "{% endif %}{% if m['tool_calls'] %}{{ m['tool_calls'] | tojson }}{% endif %}<|end|>"
        "{% endfor %}{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
    )
    chat = Chat(source, SPECIAL, {})
    messages = [
        {"role": "user", "content": "Weather?", "extra": None},
        {"role": "assistant", "content": None, "extra": '{"tool_calls": [{"name": "météo"}]}'},
        {"role": "tool", "content": "rain", "extra": None},
        {"role": "assistant", "content": "Rain.", "extra": None},
    ]
    assert _trained(chat, messages) == ['[{"name": "météo"}]<|end|>', "Rain.<|end|>"]


def test_a_part_of_a_message_that_is_left_out_is_told() -> None:
    source = "{% for m in messages %}<|start|>{{ m['content'].split('|')[0] }}<|end|>{% endfor %}"
    talk = [{**TALK[0], "content": "How? | When?"}, TALK[1]]
    with pytest.raises(TemplateError, match=r"leaves out a part of messages\[0\] \(user\)"):
        Chat(source, SPECIAL, {}).segments(talk)


def test_half_a_tag_of_the_prompt_begins_no_answer() -> None:
    source = (
        "{% for m in messages %}<|start|>{{ m['role'] }}\n{% if m['tool_calls'] %}<tool>"
        "{{ m['tool_calls'][0]['function']['name'] }}</tool>{% else %}{{ m['content'] }}{% endif %}"
        "<|end|>{% endfor %}{% if add_generation_prompt %}<|start|>assistant\n<think>\n{% endif %}"
    )
    calls = '{"tool_calls": [{"function": {"name": "rain", "arguments": {}}}]}'
    talk = [TALK[0], {"role": "assistant", "content": None, "extra": calls}]
    assert _trained(Chat(source, SPECIAL, {}), talk) == ["<tool>rain</tool><|end|>"]


def test_half_a_character_in_the_arguments_of_a_call_is_refused() -> None:
    arguments = json.dumps(json.dumps({"bed": "\ud800"}))
    extra = f'{{"tool_calls":[{{"function":{{"name":"rain","arguments":{arguments}}}}}]}}'
    source = (
        "{% for m in messages %}<|im_start|>{{ m.content }}{{ m.tool_calls | tojson }}{% endfor %}"
    )
    talk = [{"role": "assistant", "content": "a", "extra": extra}]
    with pytest.raises(TemplateError, match="surrogates not allowed"):
        Chat(source, SPECIAL, {}).render(talk)
