"""Recipes: aliases, NUL, secrets in every spelling, odd YAML, outputs over sources."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import partial

from tests.attack.texts import changed
from tests.attack.trial import Trial, World
from tests.test_secrets import HUSH, WITH

_GOOD = "version: 1\nname: t\nsources:\n  - jsonl: {path: in}\nsteps: [normalize, dedup]\n"


def _source(text: str) -> str:
    return f"version: 1\nname: t\nsources:\n  - {text}\nsteps: []\n"


def _aliases(depth: int) -> bytes:
    lines = ["version: 1", "name: t", "a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, depth)]
    return "\n".join([*lines, f"sources: *a{depth - 1}", "steps: []\n"]).encode()


# What each is: the recipe's bytes. All are mistakes, with one sentence and exit code 2.
WRONG: dict[str, bytes | Callable[[], bytes]] = {
    "aliases": lambda: _aliases(40),
    "aliases as keys": b"a: &a {b: c}\n? *a\n: 1\n? [*a, *a]\n: 2\n",
    "alias of itself": b"version: 1\nname: t\nsources: &a [*a]\nsteps: []\n",
    "nul": _GOOD.encode().replace(b"in}", b"i\0n}"),
    "nul in quotes": _source('jsonl: {path: "i\\0n"}').encode(),
    "surrogate": _source('jsonl: {path: "\\ud800"}').encode(),
    "not text": b"\xff\xfe\xfd" * 99,
    "nothing": b"",
    "spaces": b" \n" * 99,
    "a list": b"- version: 1\n",
    "depth": b"[" * 100_000,
    "depth of keys": lambda: b"".join(b" " * n + b"a:\n" for n in range(500)),
    "large": lambda: b"# words\n" * 300_000,
    "tag": _source("jsonl: !!python/object/apply:os.system [touch owned]").encode(),
    "tags": b"!!python/object/new:os.system {args: [touch owned]}\n",
    "two documents": _GOOD.encode() + b"---\n" + _GOOD.encode(),
    "name upwards": _GOOD.replace("name: t", "name: ../../up").encode(),
    "name absolute": _GOOD.replace("name: t", "name: /tmp/up").encode(),
    "name of escapes": _GOOD.replace("name: t", 'name: "\\e[2J\\r\\u202e"').encode(),
    "long name": _GOOD.replace("name: t", f"name: {'n' * 300}").encode(),
    "key of escapes": (_GOOD + '"\\e[2J\\r": 1\n').encode(),
    "long key": (_GOOD + f"{'k' * 900_000}: 1\n").encode(),
    "long value": _source(f"jsonl: {{path: in, form: {'v' * 900_000}}}").encode(),
    "key twice": (_GOOD + "name: u\n").encode(),
    "merge": (_GOOD + "<<: {a: 1}\n").encode(),
    "number": _source("jsonl: {path: in, deadline: 1e999}").encode(),
    "digits": _source(f"jsonl: {{path: in, memory: {'9' * 5000}}}").encode(),
    "float": _source("jsonl: {path: in, memory: .nan}").encode(),
    "long path": _source(f"jsonl: {{path: {'d/' * 3000}}}").encode(),
    "file as folder": _source("jsonl: {path: in/a.jsonl/b.jsonl}").encode(),
    "device": _source("jsonl: {path: /dev/zero}").encode(),
    "out on all": (_GOOD.replace("name: t", "name: in") + "run: {out: .}\n").encode(),
    "out on the source": (_GOOD + "run: {out: in}\n").encode(),
    "out in the source": (_GOOD + "run: {out: in/runs}\n").encode(),
    "out below a file": (_GOOD + "run: {out: in/a.jsonl}\n").encode(),
    "out on the recipe": (_GOOD + "run: {out: t.yaml}\n").encode(),
    "out of nul": (_GOOD + 'run: {out: "a\\0b"}\n').encode(),
    "store on the source": (_GOOD + "run: {store: in}\n").encode(),
    "store on all": (_GOOD + "run: {store: .}\n").encode(),
    "function of others": _GOOD.replace("[normalize", "[apply: {function: 'os:system'}").encode(),
    "function by path": _GOOD.replace("[normalize", "[apply: {function: '/etc/x:f'}").encode(),
    "model of nul": _GOOD.replace("[normalize", '[tokenize: {model: "a\\0b"}').encode(),
    "regex": _GOOD.replace("[normalize", "[quality: {min_words: [1]}").encode(),
    "query": _source("sql: {path: in, query: 7}").encode(),
    "many sources": lambda: ("version: 1\nname: t\nsources:\n" + "  - jsonl: {path: in}\n" * 20_000
                             + "steps: []\n").encode(),
    "many steps": lambda: _GOOD.replace("[normalize", "[normalize" + ", nothing" * 50_000).encode(),
}  # fmt: skip
# Found when the input is looked at or the stage begins, after the recipe's check.
LATE = ("device", "function of others", "function by path")
FAST = ("aliases", "nul in quotes", "out on the source", "key of escapes")


def _world(world: World) -> None:
    world.write("in/a.jsonl", json.dumps({"text": "words of a file"}) + "\n")
    world.write("note", "mine")


def _wrong(name: str, data: bytes | Callable[[], bytes]) -> Trial:
    def attack(world: World) -> None:
        _world(world)
        world.write("t.yaml", data if isinstance(data, bytes) else data())
        said = world.call("run", "t.yaml", codes={2}, cpu=20)
        made = [one for one in ("runs", ".seedbed", "out") if (world.folder / one).exists()]
        world.hold(not made or name in LATE, f"made before the mistake was told: {made}")
        world.hold(len(said) < 40_000, f"{len(said)} characters are said")

    return Trial(name, attack)


def _secret(number: int, text: str, verb: str) -> Trial:
    def attack(world: World) -> None:
        world.secrets = (HUSH,)
        _world(world)
        stage = ("database", "jsonl", "html")[number % 3]
        world.write("t.yaml", _source(f"{stage}: {{path: {json.dumps(text)}}}"))
        if verb == "stage":
            world.call(stage, text, "-o", "out", codes={2})
        else:
            world.call(verb, "t.yaml", codes={2})
        world.hold(not (world.folder / "runs").exists(), "a folder was made")

    return Trial(f"secret {number} {verb}", attack)


def _damaged(data: bytes, world: World) -> None:
    _world(world)
    world.write("t.yaml", data)
    world.call("plan", "t.yaml")


def trials(field: str, seed: int, fast: bool) -> Iterator[Trial]:
    """Mistakes, secrets, damage."""
    for name, data in WRONG.items():
        if not fast or name in FAST:
            yield _wrong(name, data)
    for number, text in enumerate(WITH):
        if not fast or number == 8:
            yield _secret(number, text, ("run", "plan", "stage")[number // 3 % 3])
    if not fast:
        yield Trial(
            "workers", partial(_damaged, (_GOOD + "run: {workers: 99999999999}\n").encode())
        )
    draw = random.Random(f"recipes {seed}")
    for number in range(0 if fast else 15):
        yield Trial(f"damaged {number}", partial(_damaged, changed(_GOOD.encode(), draw)))
