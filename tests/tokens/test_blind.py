"""Templates that do not look at contents: one rendering tells those of all conversations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.tokens.blind import is_blind
from stages.tokens.chat import Chat
from tests.tokens.families import TEMPLATES

BLIND = [
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}",
    "{% for m in messages %}{{ '<' + m.role + '>' + m.content | trim + eos }}{% endfor %}",
    "{% for m in messages %}{% if m.content %}{{ m.content.strip() }}{% endif %}{% endfor %}",
    "{% for m in messages %}{% if m.content is string and m['content'] != '' %}"
    "{{ m.content }}{% endif %}{% endfor %}",
    "{% set rest = messages[1:] %}{% set text = messages[0]['content'] %}"
    "{% for m in rest %}{{ text if loop.first else '' }}{{ m.content }}{% endfor %}",
    "{% set ns = namespace(first='') %}{% for m in messages %}{% set ns.first = m.content %}"
    "{% endfor %}{{ ns.first }}",
    "{% for m in messages %}{% if 'tool_calls' in m %}x{% endif %}{{ m.get('content') }}"
    "{% if loop.nextitem is defined and loop.nextitem.role == 'user' %}-{% endif %}{% endfor %}",
    "{% macro mark(role) %}[{{ role }}]{% endmacro %}"
    "{% for m in messages %}{{ mark(m.role) }}{{ m.content }}{% endfor %}",
]
LOOKING = [
    "{% for m in messages %}{{ m.content.split('</think>')[-1] }}{% endfor %}",
    "{% for m in messages %}{{ m.content | length }}{% endfor %}",
    "{% for m in messages %}{{ m.content | upper }}{% endfor %}",
    "{% for m in messages %}{% if 'a' in m.content %}b{% endif %}{% endfor %}",
    "{% for m in messages %}{% if m.content == 'a' %}b{% endif %}{% endfor %}",
    "{% for m in messages %}{% if m.content.startswith('a') %}b{% endif %}{% endfor %}",
    "{{ messages | tojson }}",
    "{% for m in messages %}{{ m }}{% endfor %}",
    "{% for m in messages %}{% for k, v in m.items() %}{{ v }}{% endfor %}{% endfor %}",
    "{% for m in messages %}{{ m['con' + 'tent'][0] }}{% endfor %}",
    "{% for m in messages %}{{ m.content[:3] }}{% endfor %}",
    "{% for m in messages %}{% for c in m.content %}{{ c }}-{% endfor %}{% endfor %}",
    "{% set text = messages[0].content %}{% set t = text %}{% if t > 'b' %}c{% endif %}",
    "{% set ns = namespace(c='') %}{% for m in messages %}{% if ns.c == 'a' %}b{% endif %}"
    "{% set ns.c = m.content %}{% endfor %}",
    "{% set ns = namespace(c='') %}{% set ns.c = messages[0].content %}{% set other = ns %}"
    "{% if other.c == 'a' %}b{% endif %}",
    "{% macro first() %}{{ messages[0].content }}{% endmacro %}{% if first() == 'a' %}b{% endif %}",
    "{% macro show(text) %}{% if text == 'a' %}b{% endif %}{% endmacro %}"
    "{{ show(messages[0].content) }}",
    "{% set t %}{{ messages[0].content }}{% endset %}{% if t == 'a' %}b{% endif %}",
    "{% for m in messages %}{% if loop.changed(m.content) %}b{% endif %}{% endfor %}",
    "{% for m in messages | selectattr('content', 'equalto', 'a') %}b{% endfor %}",
    "{{ [messages[0].content] | join('-') }}",
    "{{ '%s' % messages[0].content }}",
    "{{ {'a': 1}.get(messages[0].content) }}",
    "{% filter upper %}{{ messages[0].content }}{% endfilter %}",
    "{% for m in messages %}{{ m.content.strip('a') }}{% endfor %}",
    "{{ (messages[0].content or messages[0]) }}",
]


@pytest.mark.parametrize("source", BLIND)
def test_templates_that_only_put_contents_out_are_blind(source: str) -> None:
    assert is_blind(source)


@pytest.mark.parametrize("source", LOOKING)
def test_templates_that_look_at_contents_are_found_out(source: str) -> None:
    assert not is_blind(source)


def test_most_families_are_blind() -> None:
    looking = {name for name, source in TEMPLATES.items() if not is_blind(source)}
    assert {"qwen3", "deepseek_r1"} <= looking and len(looking) < len(TEMPLATES) / 3


SPACES = st.sampled_from(["", " ", "\n", "\u2003", "a", "b ", "<|x|>", "{{ m }}", "é"])
TEXT = st.lists(SPACES, min_size=1, max_size=5).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([*BLIND, *TEMPLATES.values()]), st.lists(TEXT, min_size=2, max_size=4))
def test_a_form_filled_is_the_rendering(source: str, texts: list[str]) -> None:
    chat = Chat(source, ["<|x|>"], {"bos_token": "<s>", "eos_token": "</s>"}, default_system=True)
    roles = ("user", "assistant")
    talk = [{"role": roles[n % 2], "content": text, "extra": None} for n, text in enumerate(texts)]
    if len(talk) % 2:
        talk.append({"role": "assistant", "content": "c", "extra": None})
    try:
        expected = chat.render(talk)
        found = chat.rendering(talk)
    except Exception:
        return  # a template that refuses is told elsewhere
    assert "".join(segment.text for segment in found.segments) == expected
