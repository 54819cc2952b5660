# ruff: noqa: E501 (templates are one line each)
"""Answers of long conversations: found as in short ones, in time by the number of messages."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest

from stages.tokens import answers
from stages.tokens.chat import Chat, load_chat
from stages.tokens.left_out import TemplateError
from tests import clock
from tests.tokens.test_chat import INST, SPECIAL, STRIPPING
from tests.tokens.test_template import REAL

VARIABLES = {"bos_token": "<s>", "eos_token": "</s>"}
TEMPLATES = {
    "chatml": REAL[0],
    "reversed": REAL[1],
    "stripping": STRIPPING,
    "inst": INST,
    "alternating": "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
    "{% set sys = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set sys = '' %}{% endif %}"
    "{% for m in loop_messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('must alternate') }}{% endif %}"
    "{% if m['role'] == 'user' %}[INST] {% if loop.last and sys %}{{ sys + '\n\n' }}{% endif %}{{ m['content'].strip() }} [/INST]"
    "{% else %} {{ m['content'].strip() }}{{ eos_token }}{% endif %}{% endfor %}",
    "numbered": "{% for m in messages %}<|start|>{{ m.role }} {{ loop.index }}\n{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant {{ messages|length + 1 }}\n{% endif %}",
    "thinking": "{% set ns = namespace(last=messages|length - 1, more=true) %}{% for m in messages[::-1] %}"
    "{% if ns.more and m.role == 'user' %}{% set ns.more = false %}{% set ns.last = messages|length - 1 - loop.index0 %}{% endif %}{% endfor %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' and loop.index0 > ns.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m.content or '' }}{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "joined": "{% for m in messages %}{% if m.role == 'tool' %}{% if loop.first or messages[loop.index0 - 1].role != 'tool' %}<|start|>user{% endif %}"
    "\n<r>{{ m.content }}</r>{% if loop.last or messages[loop.index0 + 1].role != 'tool' %}<|end|>{% endif %}{% else %}<|start|>{{ m.role }}\n{{ m.content or '' }}"
    "{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|start|>assistant\n{% endif %}",
}


def said(role: str, content: str | None, extra: str | None = None) -> dict[str, Any]:
    return {"role": role, "content": content, "extra": extra}


def turns(number: int) -> list[dict[str, Any]]:
    return [
        said("assistant" if n % 2 else "user", f" Sentence {n} <|im_end|> ") for n in range(number)
    ]


def calls(number: int) -> list[dict[str, Any]]:
    """One question, then calls of tools, with and without words beside them."""
    talk = [said("system", "Be kind."), said("user", "Weather?")]
    while len(talk) < number:
        n = len(talk)
        talk.append(
            said(
                "assistant", "a" if n % 3 else None, f'{{"tool_calls":[{{"n":"{"x" * (n % 7)}"}}]}}'
            )
        )
        talk += [said("tool", "rain")] * (1 + n % 2)
    return [*talk, said("assistant", "Rain.")]


def counted(number: int) -> list[dict[str, Any]]:
    """Turns that call with a number, which no mask can stand for: each is shown otherwise."""
    talk = []
    for n in range(number):
        call = f'{{"tool_calls":[{{"function":{{"name":"rain","arguments":{{"bed":{n}}}}}}}]}}'
        talk += [said("user", f"Bed {n}?"), said("assistant", "", call), said("tool", "wet")]
        talk.append(said("assistant", "It is wet."))
    return talk


TALKS = {
    "turns": turns(70),
    "numbers in calls": counted(20),
    "system": [said("system", "Be kind."), *turns(70)],
    "ends with a question": turns(71),
    "calls": calls(70),
    "calls in turns": [*calls(35), *calls(35)[1:], *turns(20)],
    "answers in a row": [said("user", "a"), *[said("assistant", "b")] * 60, said("user", "c")],
    "no question": [said("assistant", f"{n}") for n in range(64)],
    "roles of its own": [said("critic" if n % 5 == 0 else "assistant", f"{n}") for n in range(64)],
}  # fmt: skip


def test_an_answer_that_is_shown_differently_later_is_learned_with_its_end() -> None:
    """Only the last answer has a thought, so the first is not where a shorter talk has it; a
    thought that is empty is the template's, and not learned."""
    talk = [said("user", "a"), said("assistant", "b"), said("user", "c"), said("assistant", "d")]
    found = Chat(TEMPLATES["thinking"], SPECIAL, VARIABLES).segments(talk)
    runs = [
        "".join(segment.text for segment in run)
        for trained, run in groupby(found, key=lambda segment: segment.trained)
        if trained
    ]
    assert runs == ["b<|im_end|>", "d<|im_end|>"]


@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS)
@pytest.mark.parametrize("source", TEMPLATES.values(), ids=TEMPLATES)
def test_a_long_conversation_has_the_segments_of_a_short_one(
    source: str, talk: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def segments() -> Any:
        try:
            return Chat(source, SPECIAL, VARIABLES).segments(talk)
        except TemplateError as error:
            return str(error)

    monkeypatch.setattr(answers, "WHOLE", 20)
    found = segments()
    monkeypatch.setattr(answers, "WHOLE", 1 << 30)
    assert found == segments()


def test_the_embedded_template_has_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def segments() -> Any:
        chat = load_chat("smollm2", SPECIAL)
        assert chat is not None
        return [chat.segments(talk) for name, talk in TALKS.items() if "call" not in name]

    monkeypatch.setattr(answers, "WHOLE", 20)
    found = segments()
    monkeypatch.setattr(answers, "WHOLE", 1 << 30)
    assert found == segments()


def seconds(chat: Chat, messages: list[dict[str, Any]]) -> float:
    return clock.seconds(lambda: chat.segments(messages))


@pytest.mark.parametrize("name", ["chatml", "thinking", "inst"])
def test_twice_the_messages_cost_twice(name: str) -> None:
    chat = Chat(TEMPLATES[name], SPECIAL, VARIABLES)
    chat.segments(turns(4))
    once: list[float] = []
    twice: list[float] = []
    # The least of several is the cost; what else runs on the machine only adds to it.
    while len(once) < 2 or (len(once) < 8 and min(twice) >= 3 * min(once)):
        once.append(seconds(chat, turns(1000)))
        twice.append(seconds(chat, turns(2000)))
    assert min(twice) < 3 * min(once)


@pytest.mark.parametrize("name", ["thinking", "joined"])
def test_numbers_in_calls_do_not_make_it_render_all_for_each(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MESSAGES", 200_000)  # one by one it would take 8,000,000
    found = Chat(TEMPLATES[name], SPECIAL, VARIABLES).segments(counted(500))
    assert sum(segment.trained and "bed" in segment.text for segment in found) == 500


def test_a_template_that_needs_all_of_a_long_conversation_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chat = Chat(TEMPLATES["numbered"], SPECIAL, VARIABLES)
    assert any(segment.trained for segment in chat.segments(turns(200)))
    monkeypatch.setattr(answers, "MESSAGES", 5000)
    with pytest.raises(TemplateError, match="200 messages is too long for this template"):
        chat.segments(turns(200))
