# ruff: noqa: E501 (templates are one line each)
"""Templates of strangers: real ones are rendered exactly, hostile ones end with one sentence."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path
from typing import Any

import pytest

from stages.errors import UsageError
from stages.tokens import template as limits
from stages.tokens.chat import Chat, problem_in
from stages.tokens.left_out import TemplateError

jinja2 = pytest.importorskip("jinja2")

TALK = [
    {"role": "user", "content": "How are peas sown?", "extra": None},
    {"role": "assistant", "content": "In rows.", "extra": None},
]
# Nested lists that share their parts: 2**60 of them when written out or compared.
LAUGHS = (
    "{% set ns = namespace(x=[1],y=[1]) %}{% for a in range(60) %}{% set ns.x = [ns.x, ns.x] %}"
    "{% set ns.y = [ns.y, ns.y] %}{% endfor %}"
)
HOSTILE = [
    '{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}',
    '{% for a in range(99999) %}{% for b in range(99999) if b == -1 %}{% endfor %}{% endfor %}',
    "{% set ns = namespace(x='ab') %}{% for a in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x='ab') %}{% for a in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x|length }}",
    "{{ 'a' * 10**10 }}",
    "{% set ns = namespace(x='ab') %}{% for a in range(60) %}{% set ns.x = [ns.x,ns.x,ns.x]|join(ns.x) %}{% endfor %}{{ ns.x|length }}",
    "{% set ns = namespace(x='ab') %}{% for a in range(60) %}{% set ns.x = ns.x.join([ns.x,ns.x]) %}{% endfor %}{{ ns.x|length }}",
    "{% set ns = namespace(x='aa') %}{% for a in range(60) %}{% set ns.x = ns.x|replace('a','aaaa') %}{% endfor %}{{ ns.x|length }}",
    "{% set ns = namespace(x='aa') %}{% for a in range(60) %}{% set ns.x = ns.x.replace('a',ns.x) %}{% endfor %}{{ ns.x|length }}",
    "{{ 'a'|center(9999999999) }}",
    "{{ 'a'.center(9999999999) }}",
    "{{ 'a'.ljust(999999999) }}",
    "{{ 'a'.zfill(999999999) }}",
    "{{ ('\t'*100000).expandtabs(999999) }}",
    "{{ ('\n'*100000)|indent(99999999) }}",
    "{{ ('a\n'*10000)|indent('x'*100000) }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (1000000000, 1) }}",
    "{{ '%.*f' % (1000000000, 1.0) }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '{:{}}'.format(1, 1000000000) }}",
    "{{ '{a:1000000000}'.format_map({'a':1}) }}",
    "{{ '{:{}}'.format(1, '1000000000') }}",
    '{{ 10**(10**8) }}',
    '{% set ns = namespace(x=9) %}{% for a in range(60) %}{% set ns.x = ns.x * ns.x %}{% endfor %}{{ ns.x > 5 }}',
    "{% for x in [1,1,1] recursive %}{{ loop([1,1,1]) if loop.depth < 40 else '' }}{% endfor %}",
    '{% set ns = namespace(x=[1]) %}{% for a in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x|length }}',
    LAUGHS + '{{ ns.x }}',
    LAUGHS + '{{ (ns.x|tojson)|length }}',
    LAUGHS + '{{ ns.x == ns.y }}',
    '{% set ns = namespace(x=(1,)) %}{% for a in range(60) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}{{ {ns.x: 1}|length }}',
    '{% set ns = namespace(x=(1,)) %}{% for a in range(60) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}{{ {}[ns.x] }}',
    LAUGHS + "{{ ('%s' % ns.x)|length }}{{ '{}'.format(ns.x) }}",
    LAUGHS + '{{ ns }}',
    LAUGHS + '{% for a in [ns.x, ns.y] %}{{ loop.changed(a) }}{% endfor %}',
    "{{ range(99999)|map('center', 99999)|list|length }}",
    "{% for a in range(99999) %}{{ range(99999)|map('string')|list|length }}{% endfor %}",
    "{{ [1]|batch(10**6,'x')|list|length }}{{ [1]|batch(999999999,'x')|list|length }}",
    '{{ [1]|slice(999999999)|list|length }}',
    "{{ 5|round(10**6,'ceil') }}",
    "{{ 5.5|round(999999,'floor') }}",
    "{{ ('a b '*50000)|wordwrap(1, wrapstring='x'*100000)|length }}",
    "{{ ('<!-- -->'*400000)|striptags|length }}",
    "{{ ('http://a.b '*300000)|urlize|length }}",
    "{{ ('(' * 900000)|urlize|length }}",
    '{{ [[[[1]]]]|tojson(indent=999999999) }}',
    "{{ range(9)|list|tojson(separators=('x'*1000000,'y')) }}",
    '{{ ([[1]*1000]*1000)|pprint|length }}',
    "{{ (5).to_bytes(9999999999,'big') }}",
    "{{ 'a'|truncate(5, end='x'*10**9) }}",
    "{% set ns = namespace(x='ab') %}{% for a in range(60) %}{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}{% endfor %}",
    '{% filter center(9999999999) %}a{% endfilter %}',
    "{% autoescape true %}{% set ns = namespace(x='<<') %}{% for a in range(60) %}{% set ns.x = (ns.x ~ ns.x)|string|forceescape %}{% endfor %}{{ ns.x }}{% endautoescape %}",
    "{{ ([-1000000]*100)|map(' step')|list|length }}{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% set x = 'a'*1000000 %}{% for a in range(99999) %}{% set y = x[::-1] %}{% endfor %}",
    "{% set x = 'a'*1000000 %}{% set y = 'a'*1000000 %}{% for a in range(99999) %}{% if x == y %}{% endif %}{% endfor %}",
    "{% set x = 'a'*1000000 %}{% for a in range(99999) %}{% if 'b' in x %}{% endif %}{% endfor %}",
    "{% set x = 'a'*1000000 %}{% for a in range(99999) %}{{ x|reverse|length }}{% endfor %}",
    "{{ 'a'.join(range(99999)|map('string')|map('replace','','b'*1000)) |length }}",
    "{% for a in range(99999) %}{% set y = ('a '*400000).split() %}{% endfor %}",
    "{{ ('a'*100000).translate({97: 'b'*100000})|length }}",
    "{{ {'a': 'b'*9000000}|xmlattr|length }}",
    "{{ ('{:1000000000}'|attr('format'))(1) }}",
    "{{ ['%1000000000d']|map('format', 1)|list|length }}",
    "{{ [{'a': 'x'}]|join('', attribute='a')|center(10**10) }}",
    "{% for a in range(99999) %}{% if 1.5 in range(99999) %}{% endif %}{% endfor %}",
    "{% for a in range(99999) %}{{ range(99999).count(1.5) }}{% endfor %}",
    "{{ (('<!-- -->' * 100000)|safe).striptags()|length }}",
    "{{ ('a' * 900000).encode('punycode')|length }}",
    "{{ ('%999999999d'|safe) % 1 }}{{ ('{:999999999}'|safe).format(1) }}",
    "{% for a in range(99999) %}" + "x" * 200_000 + "{% endfor %}",
    "{% macro m(n) %}{% if n < 40 %}{{ m(n + 1) }}{{ m(n + 1) }}{% endif %}{% endmacro %}{{ m(0) }}",
    "{% macro m() %}{{ caller() }}{{ caller() }}{% endmacro %}"
    + "{% call m() %}" * 30
    + "x"
    + "{% endcall %}" * 30,
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_hostile_template_is_refused_soon(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WORK", 1_000_000)
    chat = Chat(HOSTILE[number], (), {}, origin="models/x")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of all tests in this process
    begun = time.process_time()
    with pytest.raises(UsageError, match=r"models/x: the chat template does more work .* plain"):
        chat.render(TALK)
    assert time.process_time() - begun < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss <= max(before, 3 << 20)


@pytest.mark.parametrize(
    "source",
    [
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{% if 1 %}" * 2000 + "{% endif %}" * 2000,
        "{{ 'a'" + "|upper" * 5000 + " }}",
        "{{ " + "9" * 5000 + " }}",
        "{% for",
        "{{ 'a'|no_such }}",
        "{{ 'a'|random }}",
        "x" * (limits.SOURCE + 1),
        "\ud800",
        "{% for a in [1] %}" * 500 + "{% endfor %}" * 500,
    ],
)
def test_what_is_no_template_is_one_sentence(source: str) -> None:
    with pytest.raises(UsageError, match=r"^models/x: the chat template [^\n]*$"):
        Chat(source, (), {}, origin="models/x").render(TALK)


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages.__class__.__mro__ }}",
        "{{ ''|attr('__class__') }}{{ (''|attr('__class__')).mro() }}",
        "{{ '{0.__class__.__mro__}'.format('') }}",
        "{{ '{a.__class__}'.format_map({'a': 1}) }}",
        "{{ ['{0.__class__}']|map('format', 1)|list }}{{ ('{0.__class__}'|attr('format'))(1) }}",
        "{{ messages|map(attribute='content.__class__')|list }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ joiner.__init__.__globals__.os.system('true') }}",
        "{{ namespace.__init__.__globals__['os'] }}",
        "{{ raise_exception.__globals__ }}",
        "{{ raise_exception.__closure__ }}",
        "{{ self._TemplateReference__context.environment }}",
        "{{ dict.mro() }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update({'role': 'x'}) }}",
        "{{ (messages|map('upper')).gi_frame }}",
        "{{ loop.__class__ }}",
        "{{ lipsum.__globals__ }}",
        "{% import 'os' as x %}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_the_sandbox_has_no_way_out(source: str) -> None:
    talk = [dict(message) for message in TALK]
    try:
        told = Chat(source, (), {}).render(talk)
    except TemplateError as error:
        told = str(error)
    assert not any(word in told for word in ("<class 'object'>", "root:", "<module", "<function"))
    assert talk == TALK


REAL = [
    "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "{{- bos_token }}{%- set ns = namespace(first=true, last=0, sys='') %}"
    "{%- for m in messages %}{%- if m.role == 'system' %}{%- set ns.sys = ns.sys + m.content %}"
    "{%- endif %}{%- set ns.last = loop.index0 %}{%- endfor %}{{ ns.sys ~ ns.last }}"
    "{%- for m in messages[::-1] if m.role != 'system' %}{{ m.content.split('</think>')[-1].lstrip('\n') }}"
    "{{ loop.index0 % 2 }}{{ (loop.index0 % 2 == 0) == (m.role == 'user') }}"
    "{%- if loop.last and not loop.first or m is mapping %}|{%- endif %}{%- endfor %}",
    "{% macro show(v, deep=1) %}{% if v is mapping %}{% for k, x in v|items %}{{ k }}={{ show(x, deep+1) }};"
    "{% endfor %}{% elif v is string %}{{ v|trim|upper }}{% else %}{{ v|tojson(indent=2) }}{% endif %}"
    "{% endmacro %}{{ show({'a': {'b': [1, 'é', none]}, 'c': messages[0].content}) }}"
    "{{ ['x', 'y', 3]|join(', ') }}{{ 'a-b'.replace('-', '+') }}{{ '%s/%03d' % ('q', 7) }}"
    "{{ '{:>5}|{}'.format('r', 1.5) }}{{ 3 * 2 ** 2 }}{{ 'ab' * 3 }}{{ [1] + [2] }}{{ 1 + 2 + 0.5 }}"
    "{{ messages|map(attribute='role')|unique|sort|list }}{{ messages|selectattr('role', 'eq', 'user')|list|length }}"
    "{{ messages|length }}{{ 'l1\nl2'|indent(3) }}{{ 'x'|center(9) }}{{ undefined_thing }}{{ none }}{{ true }}"
    "{% set parts %}a{{ 1 }}b{% endset %}{{ parts|length }}{% filter upper %}in{% endfilter %}"
    "{% for x in [1, [2, [3]]] recursive %}{{ loop(x) if x is not number else x }}{% endfor %}"
    "{% macro around() %}({{ caller('q') }}){% endmacro %}{% call(z) around() %}{{ z }}{% endcall %}{{ ('a', 'b')[1] }}{{ {'k': 'v'}['k'] }}{{ 'abc'[1:] }}"
    "{{ range(3)|sum }}{{ '<b>'|e }}{{ '<b>'|safe + 'c<' }}{{ (1, 2) in [(1, 2)] }}{{ 7 // 2 - 1 }}"
    "{{ ['b', 'a']|sort|first }}{{ 'a b'|wordcount }}{{ [1,2,3]|batch(2)|list }}{{ 2.345|round(1) }}"
    "{% autoescape true %}{{ '<' ~ (messages[0].content ~ '>')|safe }}{% endautoescape %}{{ dict(a=1)|dictsort }}"
    "{% for c in 'ab' %}{{ loop.cycle('o', 'e') }}{% continue %}{% endfor %}{{ 'x' if 0 else 'y' }}",
    "{% for m in messages %}\n    {% if m.role == 'user' %}\nQ: {{ m.content }}\n    {% else %}\n"
    "  A: {{ m.content }}\n    {% endif %}\n{% endfor %}\n{% if add_generation_prompt %}\nA:{% endif %}\n",
]


def _plain(source: str) -> Any:
    """Jinja as transformers sets it up, without limits."""
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    made.filters["tojson"] = lambda value, **o: json.dumps(value, **{"ensure_ascii": False, **o})
    return made.from_string(source)


@pytest.mark.parametrize("turns", [0, 1, 7])
@pytest.mark.parametrize("number", range(len(REAL)))
def test_real_templates_are_rendered_as_without_limits(number: int, turns: int) -> None:
    system = [{"role": "system", "content": " Be  kind. ", "extra": None}]
    talk = system + TALK * turns
    shown = [{"role": m["role"], "content": m["content"]} for m in talk]
    theirs = _plain(REAL[number]).render(
        messages=shown, add_generation_prompt=True, bos_token="<s>"
    )
    assert Chat(REAL[number], (), {"bos_token": "<s>"}).render(talk, answer_next=True) == theirs


def test_a_long_conversation_may_cost_more_and_one_that_costs_too_much_is_its_own_fault() -> None:
    pairs = "{% for a in messages %}{% for b in messages %}{% endfor %}{% endfor %}{{ 'ok' }}"
    assert Chat(pairs, (), {}).render(TALK * 200) == "ok"
    triples = "{% for z in messages %}" + pairs + "{% endfor %}"
    with pytest.raises(TemplateError, match="with this conversation"):
        Chat(triples, (), {}).render(TALK * 200)


def test_what_no_price_foresaw_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    chat = Chat("x", (), {}, origin="models/x")
    monkeypatch.setattr(limits, "SECONDS", 1)
    with pytest.raises(UsageError, match=r"models/x.* more than 1 CPU seconds"), chat.limited():
        while True:
            pass
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(MemoryError), chat.limited():
        bytearray(limits.MEMORY + (1 << 28))
    assert resource.getrlimit(resource.RLIMIT_AS) == before


# --- files --------------------------------------------------------------------------------------

GARBLED = {
    "empty": b"",
    "binary": bytes(range(192, 256)) + b"\xff\xfe",
    "cut": b'{"chat_template": "x", "bos_',
    "list": b"[1, 2]",
    "nesting": b"[" * 100_000,
    "deep": b'{"a":' * 100_000,
    "number": b'{"a": ' + b"9" * 10_000 + b"}",
    "surrogate": b'{"bos_token": "\\ud800", "chat_template": "\\udc00"}',
    "type": b'{"chat_template": 5}',
    "names": b'{"chat_template": [{"name": [], "template": 5}, 7]}',
    "loops": json.dumps({"chat_template": HOSTILE[0]}).encode(),
}


@pytest.mark.parametrize("name", GARBLED)
def test_a_garbled_configuration_is_one_sentence_with_its_file(name: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_bytes(GARBLED[name])
    said = problem_in(tmp_path)
    assert said is not None and str(tmp_path / "tokenizer_config.json") in said
    assert "\n" not in said and ("get the model's files anew" in said or "mend" in said)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"{% for", HOSTILE[0].encode()])
def test_a_garbled_template_file_is_one_sentence(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_bytes(data)
    said = problem_in(tmp_path)
    assert said is not None and str(tmp_path / "chat_template.jinja") in said
