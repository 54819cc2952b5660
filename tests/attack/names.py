"""Names and kinds of files: no UTF-8, line ends, 255 bytes, pipes, sockets, devices, links out."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial

from tests.attack.texts import GOOD as TEXTS
from tests.attack.trial import Skip, Trial, World

TEXT = "good words of a neighbour"
NAMES = {
    "not UTF-8": b"\xff\xfe",
    "line ends": b"a\nb\r\n",
    "escapes": b"\x1b[2J\x1b]0;x\x07\r",
    "direction": "\u202egpj.x\u2066".encode(),
    "C1": b"\xc2\x9b2J",
    "place": b"a#b@1+2:3[4]!x=y",
    "pattern": b"*[a-z]?{1,2}",
    "percent": b"%2e%2e%2f%00",
    "option": b"--out=owned",
    "dash": b"-",
    "home": b"~root",
    "spaces": b"  a  b  ",
    "quotes": b"'\";`$(touch owned)`",
    "dots": b"...",
    "hidden": b".hidden",
    "255 bytes": b"n" * 255,
    "letters of 3 bytes": "\u6f6e".encode() * 80,
    "composed": "e\u0301".encode(),
    "backslash": b"..\\..\\a",
    "stdin": b"con",
}
STAGES = {"jsonl": "json", "csv": "tables", "html": "pages"}


def _named(stage: str, world: World) -> None:
    """All names at once beside a good file: each is read."""
    suffix, data, text = TEXTS[STAGES[stage]]
    ending = suffix.encode()
    for name in NAMES.values():
        whole = name[: 255 - len(ending)] + ending
        world.write("in/" + os.fsdecode(whole), data)
    world.write(f"in/0good{suffix}", data)
    world.call(stage, "in", "-o", "out", codes={0})
    count = sum(text in one for one in world.texts())
    hidden = sum(name.startswith(b".") for name in NAMES.values())  # which a folder does not offer
    world.hold(len(NAMES) + 1 - hidden <= count, f"{count} of {len(NAMES) + 1} files are read")
    world.hold(not (world.folder / "owned").exists(), "a name was done")


def _alone(name: bytes, world: World) -> None:
    """One name as the input, as the output and in a recipe's folder."""
    suffix, data, text = TEXTS["json"]
    whole = os.fsdecode(name[: 255 - len(suffix)] + suffix.encode())
    world.write(f"in/{whole}", data)
    said = world.call("jsonl", f"in/{whole}", "-o", "out")
    if "exit" not in said and (world.folder / "out").exists():
        world.kept(text)
    output = os.fsdecode(name[:255])
    world.call("jsonl", "in", "-o", f"./{output}", changes=(output, output.strip(), ".seedbed"))


def _kinds(stage: str, world: World) -> None:
    """What is no file is booked without being opened, links that lead out are not followed."""
    suffix, data, text = TEXTS[STAGES[stage]]
    world.write(f"outside/secret{suffix}", data.replace(text.encode(), b"private words of others"))
    world.write(f"in/good{suffix}", data)
    folder = world.folder / "in"
    os.mkfifo(folder / f"pipe{suffix}")
    with closing(socket.socket(socket.AF_UNIX)) as listening, suppress(OSError):
        listening.bind(os.path.relpath(folder / f"socket{suffix}"))
    (folder / f"away{suffix}").symlink_to(f"../outside/secret{suffix}")
    (folder / f"zero{suffix}").symlink_to("/dev/zero")
    (folder / f"lost{suffix}").symlink_to("nowhere")
    (folder / f"circle{suffix}").symlink_to(f"circle{suffix}")
    (folder / "up").symlink_to("..")
    (folder / f"folder{suffix}").mkdir()
    with suppress(OSError):
        os.mknod(folder / f"device{suffix}", 0o20666, os.makedev(1, 5))
    world.call(stage, "in", "-o", "out", codes={0})
    world.kept(text)
    world.hold(not any("private" in one for one in world.texts()), "a link out was followed")


def _pipe(world: World) -> None:
    os.mkfifo(world.folder / "pipe.jsonl")
    world.call("jsonl", "pipe.jsonl", "-o", "out", codes={2, 3})


def _deep(world: World) -> None:
    """A folder within a folder, 400 times, and a good file above."""
    world.write("in/good.jsonl", TEXTS["json"][1])
    here, begun = os.getcwd(), world.folder / "in"
    descriptor = os.open(begun, os.O_RDONLY)
    for _ in range(400):
        os.mkdir("d" * 20, dir_fd=descriptor)
        below = os.open("d" * 20, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    assert os.getcwd() == here
    code = {0, 2}
    # The harness cannot walk so deep either: it looks at what stands beside.
    world.call("jsonl", "in", "-o", "out", codes=code, changes=("in",))


def _unreadable(world: World) -> None:
    if os.geteuid() == 0:
        raise Skip("root may read everything")
    world.write("in/good.jsonl", TEXTS["json"][1])
    world.write("in/shut.jsonl", TEXTS["json"][1]).chmod(0)
    world.call("jsonl", "in", "-o", "out", codes={0}, changes=("in",))
    world.kept(TEXT)


def _shown(world: World) -> None:
    """Every verb that shows names, texts and messages, all full of escapes."""
    odd = "\x1b[2J\x1b]0;x\x07\r\u202e\x9b1m"
    name = f"in/{odd}.jsonl"
    world.write(name, json.dumps({"text": f"{odd} {TEXT}", odd: odd}) + "\n{" + odd + "\n")
    world.write(f"{odd}/t.yaml", f"version: 1\nname: t\n{json.dumps(odd)}: {json.dumps(odd)}\n")
    world.write(
        "t.yaml", "version: 1\nname: t\nsources:\n  - jsonl: {path: in}\nsteps: [normalize]\n"
    )
    world.call("run", "t.yaml", codes={0})
    world.kept(TEXT, "runs/t/corpus")
    world.call("explain", f"{name}:1", "--run", "runs/t", codes={0})
    world.call("explain", f"{name}:2", "--run", "runs/t", codes={0, 2})
    world.call("explain", odd, "--run", "runs/t", codes={0})  # a piece of a text
    world.call("show", odd, "--run", "runs/t", codes={2})
    world.call("plan", f"{odd}/t.yaml", codes={2})
    world.call("jsonl", f"in/no{odd}.jsonl", "-o", "out", codes={2})
    world.call(odd, f"--{odd}", codes={2})


def _many(world: World) -> None:
    for n in range(3000):
        world.write(f"in/{n % 50}/{n}.jsonl", json.dumps({"text": f"{TEXT} {n}"}) + "\n")
    world.call("jsonl", "in", "-o", "out", codes={0})
    world.hold(len(world.texts()) == 3000, "files are missing")


def trials(field: str, seed: int, fast: bool) -> Iterator[Trial]:
    """Names together and alone, kinds of files."""
    for stage in STAGES if not fast else ("jsonl",):
        yield Trial(f"names {stage}", partial(_named, stage), len(NAMES))
        yield Trial(f"kinds {stage}", partial(_kinds, stage), 9)
    yield Trial("a pipe", _pipe)
    yield Trial("escapes in every verb", _shown, 7)
    if fast:
        return
    for name, letters in NAMES.items():
        if name != "option":
            yield Trial(f"alone: {name}", partial(_alone, letters))
    yield Trial("deep folders", _deep)
    yield Trial("unreadable", _unreadable)
    yield Trial("many files", _many)
