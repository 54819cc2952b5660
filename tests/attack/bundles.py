"""Bundles of strangers, and folders that a stranger asks to push: nothing outside is touched."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.attack.archives import tar_header as header
from tests.attack.trial import Trial, World
from tests.extract.damage import changed

DATA = b"words of a file"
SHA = hashlib.sha256(DATA).hexdigest()
_NAME = "input/a"


def index(files: dict[str, Any], stage: object = "export", **parameters: object) -> bytes:
    """What a bundle says that it holds."""
    told = {"made_by": "seedbed", "format": 1, "stage": stage, "parameters": parameters}
    return json.dumps({**told, "files": files}).encode()


def packed(
    *members: tuple[str, bytes], behind: bytes = b"", nulls: int = 0, links: tuple[str, ...] = ()
) -> bytes:
    """A bundle of some members. behind: in the place of the archive's end. nulls: MB of null bytes
    behind that, packed by themselves: a process begins with the memory of the one that starts it.
    """
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, "../note"
            archive.addfile(info)
        length = archive.offset
    whole = out.getvalue()
    return _with_nulls(whole[:length] + behind if behind else whole, nulls)


def _with_nulls(data: bytes, megabytes: int = 600) -> bytes:
    return gzip.compress(data, 1, mtime=0) + gzip.compress(bytes(1 << 20), mtime=0) * megabytes


def _of(files: dict[str, Any], *names: str, **more: Any) -> bytes:
    return packed(("bundle.json", index(files)), *((name, DATA) for name in names), **more)


_ONE = {_NAME: [len(DATA), SHA]}
_CHAIN = (header(kind=b"x", size=b"%011o" % 20) + b"20 path=input/aaaaa\n".ljust(512, b"\0")) * 3000
CRAFTED: dict[str, Callable[[], bytes]] = {
    **{
        f"name {name[:20]!a}": partial(_of, {name: [len(DATA), SHA]}, name)
        for name in (
            "../note", "/tmp/owned", "input/../../note", "input/./a", "input//a", "input",
            "bundle.json", "files/1/../../../note", "input/" + "n" * 300, "input/\x1b[2J\r",
            "INPUT/a",
        )
    },
    "a link": lambda: _of(_ONE, links=(_NAME,)),
    "a folder that is a link": lambda: _of(_ONE, _NAME, links=("input",)),
    "twice": lambda: _of(_ONE, _NAME, _NAME),
    "more": lambda: _of(_ONE, _NAME, "input/b"),
    "less": lambda: _of({**_ONE, "input/b": [1, SHA]}, _NAME),
    "file and folder": lambda: _of({**_ONE, "input/a/b": _ONE[_NAME]}, _NAME, "input/a/b"),
    "another hash": lambda: _of({_NAME: [len(DATA), "0" * 64]}, _NAME),
    "another size": lambda: _of({_NAME: [1 << 60, SHA]}, _NAME),
    "a size without end": lambda: _of({_NAME: [10**400, SHA]}, _NAME),
    "headers": lambda: packed(("bundle.json", index(_ONE)), behind=_CHAIN),
    "a long header": lambda: packed(
        ("bundle.json", index(_ONE)),
        behind=header(kind=b"x", size=b"%011o" % (1 << 30)),
        nulls=600,
    ),
    "a long first header": lambda: _with_nulls(
        header(kind=b"L", size=b"%011o" % (1 << 30))
    ),
    "holes": lambda: packed(
        ("bundle.json", index(_ONE)), behind=header(_NAME.encode(), b"%011o" % 512, b"S")
    ),
    "depth": lambda: packed(("bundle.json", b'{"files":' + b"[" * 100_000)),
    "digits": lambda: packed(("bundle.json", b'{"format":' + b"1" * 9_000 + b"}")),
    "code": lambda: packed(("bundle.json", index(_ONE, "evil:Stage")), (_NAME, DATA)),
    "no stage": lambda: packed(("bundle.json", index(_ONE, 7)), (_NAME, DATA)),
    "no end stage": lambda: packed(("bundle.json", index(_ONE, "html")), (_NAME, DATA)),
    "a parameter outside": lambda: packed(
        ("bundle.json", index(_ONE, "train", model={"files": "../../etc"})), (_NAME, DATA)
    ),
    "a parameter of escapes": lambda: packed(
        ("bundle.json", index(_ONE, format="\x1b[2J\u202e")), (_NAME, DATA)
    ),
    "nothing": bytes,
    "text": lambda: b"hello",
}  # fmt: skip


def _unpacked(data: Callable[[], bytes], world: World) -> None:
    world.write("note", "mine")
    world.write("evil.py", "open('owned', 'w')\n")
    world.write("b.tar.gz", data())
    world.call("unbundle", "b.tar.gz", "-o", "out/here", cpu=20)
    world.hold(not (world.folder / "owned").exists(), "a name was written or code was run")
    world.call("unbundle", "b.tar.gz", "-o", "out/here", "--run", cpu=30, memory=1 << 30)


def _laid_over(world: World) -> None:
    """Into folders of others', and one that holds the same bundle and more."""
    world.write("b.tar.gz", _of(_ONE, _NAME))
    world.write("theirs/poem", "mine")
    world.call("unbundle", "b.tar.gz", "-o", "theirs", codes={2})
    world.write("like/bundle.json", index(_ONE))
    world.write("like/input/a", "changed")
    world.write("like/input/b", "mine")
    world.call("unbundle", "b.tar.gz", "-o", "like", codes={2})


def _pushed(files: object, link: str, world: World) -> None:
    """A folder that names what is the user's; no hub is there to hear of it."""
    world.write("note", "mine")
    manifest = {"made_by": "seedbed", "format": 1, "kind": "files", "files": files}
    world.write("theirs/manifest.json", json.dumps(manifest))
    world.write("theirs/a", "x")
    if link:
        world.path(f"theirs/{link}").symlink_to(world.folder / "note")
    said = world.call(
        "push", "theirs", "me/x", codes={2}, HF_TOKEN="hf_x", HF_ENDPOINT="http://127.0.0.1:1"
    )
    world.hold("cannot be reached" not in said, "it would have been sent")


def trials(field: str, seed: int, fast: bool) -> Iterator[Trial]:
    """Crafted and damaged bundles, what lies in the way, what must not be sent."""
    few = ("name '../note'", "a link", "headers")
    for name, data in CRAFTED.items():
        if not fast or name in few:
            yield Trial(f"bundle: {name}", partial(_unpacked, data))
    yield Trial("laid over others", _laid_over, 2)
    for number, (files, link) in enumerate(
        [({"/etc/hostname": 1}, ""), ({"../note": 1}, ""), ({"b": 1}, "b"), ([7], ""), ("a", "")]
    ):
        if not fast or number == 2:
            yield Trial(f"push {number}", partial(_pushed, files, link))
    draw = random.Random(f"bundles {seed}")
    whole = _of(_ONE, _NAME)
    for number in range(0 if fast else 12):
        inner = bytearray(changed(gzip.decompress(whole), draw))
        data = gzip.compress(inner, mtime=0) if number % 2 else changed(whole, draw)
        yield Trial(f"damaged {number}", partial(_unpacked, partial(bytes, data)))
