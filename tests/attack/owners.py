"""Outputs, runs and stores laid over what is somebody else's: nothing of it is touched."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial

from tests.attack.trial import Trial, World

TEXT = "good words of a neighbour"
_LINE = json.dumps({"text": TEXT}) + "\n"
_RECIPE = "version: 1\nname: t\nsources:\n  - jsonl: {path: in}\nsteps: [normalize]\n"
_OURS = {"made_by": "seedbed", "format": 1, "pieces": [], "files": {}}
# A folder of others' at `theirs`, by what makes it look like ours.
FOLDERS: dict[str, dict[str, bytes | str]] = {
    "web app": {"manifest.json": '{"name": "my app"}', "index.html": "x", "src/a.js": "x"},
    "garbled manifest": {"manifest.json": b"\xff\xfe", "a": "x"},
    "deep manifest": {"manifest.json": b"[" * 100_000, "a": "x"},
    "forged manifest": {"manifest.json": json.dumps(_OURS), "notes.txt": "x"},
    "forged list": {
        "manifest.json": json.dumps({**_OURS, "pieces": [
            {"data": "../note", "rejects": "/etc/hostname", "sha256": "0", "rows": 1}]}),
        "a": "x",
    },
    "other version": {"manifest.json": json.dumps({**_OURS, "format": 99}), "a": "x"},
    "data folder": {"data/00000.arrow": "x", "rejects/00000.arrow": "x"},
    "model": {"config.json": "{}", "model.safetensors": "x", "tokenizer.json": "{}"},
    "repository": {".git/HEAD": "x", "README.md": "x"},
    "hidden": {".profile": "x"},
    "a folder only": {"empty/.keep": "x"},
    "store-like": {"objects/ab/cd/manifest.json": "{}", "runs/x.jsonl": "x", "gc/a": "x"},
    "run-like": {"run.json": "{}", "report.html": "x", "corpus/manifest.json": "{}"},
}  # fmt: skip


def _lay(world: World, kind: str) -> None:
    world.write("in/a.jsonl", _LINE)
    world.write("note", "mine")
    for name, data in FOLDERS[kind].items():
        world.write(f"theirs/{name}", data)


def _out(kind: str, world: World) -> None:
    _lay(world, kind)
    world.call("jsonl", "in", "-o", "theirs", codes={2})


def _run(kind: str, world: World) -> None:
    _lay(world, kind)
    world.write("t.yaml", _RECIPE)
    for name, data in FOLDERS[kind].items():
        world.write(f"theirs/t/{name}", data)
    world.call("run", "t.yaml", "--out", "theirs", codes={2})


def _store(kind: str, world: World) -> None:
    _lay(world, kind)
    world.write("t.yaml", _RECIPE)
    world.call("run", "t.yaml", "--store", "theirs", codes={2})
    world.call("gc", "--store", "theirs", "--keep", "0", codes={2})


def _places(words: tuple[str, ...], world: World) -> None:
    """A call whose output would lie on, in or above what it reads."""
    world.write("in/a.jsonl", _LINE)
    world.write("in/deep/b.jsonl", _LINE)
    world.write("note", "mine")
    world.call(*words, codes={2})


CALLS = [
    ("jsonl", "in", "-o", "in"),
    ("jsonl", "in", "-o", "in/out"),
    ("jsonl", "in", "-o", "."),
    ("jsonl", "in", "-o", "in/../in/deep"),
    ("jsonl", "in/a.jsonl", "-o", "in/a.jsonl"),
    ("jsonl", "in/a.jsonl", "-o", "in"),
    ("jsonl", "in/*.jsonl", "-o", "in"),
    ("jsonl", "in", "-o", "note"),
    ("jsonl", "in", "-o", "note/below"),
    ("jsonl", "in", "-o", "/"),
    ("jsonl", "in", "-o", ""),
    ("jsonl", "in", "-o", "a\udcffb/\udcfe" * 300),
    ("gc", "--store", "."),
    ("gc", "--store", "in"),
    ("gc", "--store", "note"),
]


def _again(lay: Callable[[World], object], world: World) -> None:
    """A corpus of ours into which somebody laid a thing of theirs."""
    world.write("in/a.jsonl", _LINE)
    world.call("jsonl", "in", "-o", "out", codes={0})
    (world.folder / "out").rename(world.folder / "mine")
    lay(world)
    world.call("jsonl", "in", "-o", "mine", codes={2})


LAID: dict[str, Callable[[World], object]] = {
    "note": lambda world: world.write("mine/note", "x"),
    "data": lambda world: world.write("mine/data/00001.arrow", "x"),
    "folder": lambda world: (world.folder / "mine/empty").mkdir(),
    "link": lambda world: (world.folder / "mine/link").symlink_to("/etc"),
    "hidden": lambda world: world.write("mine/.x", "x"),
}


def _noted(world: World) -> None:
    """Notes in a run's folder and in its corpus are there after the next run."""
    world.write("in/a.jsonl", _LINE)
    world.write("t.yaml", _RECIPE)
    world.call("run", "t.yaml", codes={0})
    notes = [world.write("runs/t/note", "x"), world.write("runs/t/corpus/note", "x")]
    world.write("in/b.jsonl", _LINE.replace("good", "more good"))
    world.call("run", "t.yaml", codes={0, 2})
    world.hold(all(note.exists() for note in notes), "a note is gone")


def _linked(world: World) -> None:
    """An output that is a link stays one."""
    world.write("in/a.jsonl", _LINE)
    world.write("note", "mine")
    (world.folder / "elsewhere").mkdir()
    (world.folder / "link").symlink_to("elsewhere")
    world.call("jsonl", "in", "-o", "link", codes={0, 2}, changes=("elsewhere",))
    world.hold((world.folder / "link").is_symlink(), "the link is replaced")


def trials(field: str, seed: int, fast: bool) -> Iterator[Trial]:
    """Outputs, runs, stores, calls, notes, links."""
    for kind in FOLDERS:
        if not fast or kind == "web app":
            yield Trial(f"output over {kind}", partial(_out, kind))
        if not fast or kind == "run-like":
            yield Trial(f"run over {kind}", partial(_run, kind))
        if not fast or kind == "store-like":
            yield Trial(f"store over {kind}", partial(_store, kind))
    for words in CALLS if not fast else CALLS[:1]:
        yield Trial(ascii(" ".join(words))[:50], partial(_places, words))
    for name, lay in LAID.items() if not fast else [("note", LAID["note"])]:
        yield Trial(f"laid into ours: {name}", partial(_again, lay))
    if not fast:
        yield Trial("notes in a run", _noted)
        yield Trial("an output that is a link", _linked)
