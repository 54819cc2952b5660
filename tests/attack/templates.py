"""Chat templates and tokenizers of strangers: work without end, ways out, garbled files."""

from __future__ import annotations

import importlib.util
import json
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.attack.texts import changed
from tests.attack.trial import Trial, World
from tests.cases.tokenize import hostile_tokenizer

TALK = {
    "messages": [
        {"role": "user", "content": "How are peas sown?"},
        {"role": "assistant", "content": "In rows, sassa."},
    ]
}
_DOUBLE = "{% set ns = namespace(x='ab') %}{% for a in range(60) %}"
TEMPLATES = {
    "loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "doubling": _DOUBLE + "{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    "joining": _DOUBLE + "{% set ns.x = ns.x.join([ns.x, ns.x]) %}{% endfor %}{{ ns.x }}",
    "lists": "{% set ns = namespace(x=[1]) %}{% for a in range(60) %}{% set ns.x = [ns.x, ns.x] %}"
    "{% endfor %}{{ ns.x }}",
    "times": "{{ 'a' * 10**10 }}",
    "power": "{{ 10**(10**8) }}",
    "width": "{{ '%1000000000d' % 1 }}{{ '{:1000000000}'.format(1) }}",
    "center": "{{ 'a'.center(9999999999) }}",
    "indent": "{{ ('\n'*100000)|indent(99999999) }}",
    "recursion": "{% macro m(n) %}{{ m(n + 1) }}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
    "search": "{% set x = 'a'*1000000 %}{% for a in range(99999) %}{% if 'b' in x %}{% endif %}"
    "{% endfor %}",
    "tags": "{{ ('<!-- -->'*400000)|striptags|length }}",
    "brackets": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "blocks": "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
    "large": "x" * (1 << 19),
    "cut": "{% for",
    "class": "{{ messages.__class__.__mro__[1].__subclasses__() }}",
    "globals": "{{ cycler.__init__.__globals__.os.system('touch owned') }}",
    "attribute": "{{ (''|attr('__class__')).mro() }}",
    "format": "{{ '{0.__class__.__mro__}'.format(messages) }}",
    "include": "{% include '/etc/passwd' %}{% import 'os' as os %}",
    "escapes": "{{ raise_exception('\x1b[2J\r\u202e') }}",
    "changing": "{{ messages.append(1) }}{{ messages[0].update({'role': 'x'}) }}",
    "control": "{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}",
}


def _replace(pattern: str, content: str) -> dict[str, object]:
    return {"type": "Replace", "pattern": {"String": pattern}, "content": content}


CHANGES: dict[str, dict[str, object]] = {
    "grows": {"normalizer": _replace("a", "a" * 100_000)},
    "doubles": {"normalizer": {"type": "Sequence", "normalizers": [_replace("a", "aa")] * 40}},
    "far id": {"model": {"type": "BPE", "vocab": {"a": 0, "s": 4_000_000_000}, "merges": []}},
    "far added": {"added_tokens": [{"id": 1 << 40, "content": "s"}]},
    "long token": {"model": {"type": "BPE", "vocab": {"a": 0, "x" * 100_000: 1}, "merges": []}},
    "merges": {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "q"], 5]}},
    "types": {"model": [1], "added_tokens": "x", "normalizer": 7},
    "version": {"version": "\ud800"},
}
GARBLED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "empty": ("tokenizer.json", lambda: b""),
    "binary": ("tokenizer.json", lambda: bytes(range(256)) * 9),
    "depth": ("tokenizer.json", lambda: b'{"a":' * 100_000),
    "number": ("tokenizer_config.json", lambda: b'{"a":' + b"9" * 10_000 + b"}"),
    "configuration": ("tokenizer_config.json", lambda: b"[" * 100_000),
    "surrogate": ("tokenizer_config.json", lambda: b'{"bos_token": "\\ud800"}'),
    "code": ("tokenizer_config.json", lambda: json.dumps(
        {"tokenizer_class": "T", "auto_map": {"AutoTokenizer": ["evil.T", None]}}).encode()),
    "template": ("chat_template.jinja", lambda: b"\xff\xfe\0" * 9),
}  # fmt: skip


def _model(world: World) -> Path:
    """A small model's folder, with code of its own that must not run."""
    world.write("in.jsonl", json.dumps(TALK) + "\n")
    folder = hostile_tokenizer(world.folder, "s")
    world.write("hostile/evil.py", f"open({str(world.folder / 'owned')!r}, 'w')\nT = 1\n")
    return folder


def _attack(change: Callable[[Path], object], chat: str, world: World) -> None:
    change(_model(world))
    limit = 6 << 30  # 2 GB more than the process has are a template's, and torch may be loaded
    said = world.call(
        "tokenize", "in.jsonl", "-o", "out", "--model", "hostile", "--chat", chat, memory=limit
    )
    world.hold(not (world.folder / "owned").exists(), "code beside the model was run")
    world.hold("root:x:" not in said and "<class 'object'>" not in said, "a way out")


def _template(text: str, folder: Path) -> None:
    (folder / "chat_template.jinja").write_text(text)


def _changed(change: dict[str, object], folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))


def _garbled(file: str, make: Callable[[], bytes], folder: Path) -> None:
    (folder / file).write_bytes(make())


def _drawn(seed: int, folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_bytes(changed(path.read_bytes(), random.Random(seed)))


def _lacks(world: World) -> None:
    from tests.attack.trial import Skip

    raise Skip("needs the extra train (jinja2, transformers)")


def trials(field: str, seed: int, fast: bool) -> Iterator[Trial]:
    """Templates, tokenizers, garbled files."""
    if any(importlib.util.find_spec(name) is None for name in ("jinja2", "transformers")):
        yield Trial("all", _lacks)
        return
    for name, text in TEMPLATES.items():
        if not fast or name == "globals":
            yield Trial(f"template {name}", partial(_attack, partial(_template, text), "template"))
    for name, change in CHANGES.items():
        if not fast or name == "grows":
            yield Trial(f"tokenizer {name}", partial(_attack, partial(_changed, change), "plain"))
    if fast:
        return
    for name, (file, make) in GARBLED.items():
        yield Trial(f"garbled {name}", partial(_attack, partial(_garbled, file, make), "template"))
    for number in range(8):
        yield Trial(
            f"damaged {number}", partial(_attack, partial(_drawn, seed * 1000 + number), "plain")
        )
