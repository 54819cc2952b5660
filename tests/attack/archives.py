"""Compressed files and archives: damaged by seed, bombs, overlaps, members at borders."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial

import pyarrow as pa

from tests.attack.trial import Trial, World, batches
from tests.extract.damage import changed
from tests.pipeline.world import prose

TEXT = "good words of a neighbour"
GOOD = (".jsonl", json.dumps({"text": TEXT}).encode() + b"\n", TEXT)
LINES = b"".join(json.dumps({"text": prose(n)}).encode() + b"\n" for n in range(60))
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}
BORDERS = (1 << 9, 1 << 16, 1 << 18)


def tar_of(files: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """An archive of some members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of some members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


_MEMBERS = {f"part-{n}.jsonl": LINES[n * 400 : n * 400 + 900] for n in range(5)}
WHOLE: dict[str, bytes] = {
    **{kind: pack(LINES) for kind, pack in PACKED.items()},
    **{f"two.{kind}": pack(LINES) + pack(LINES) for kind, pack in PACKED.items()},
    "tar": tar_of(_MEMBERS),
    "gnu.tar": tar_of({**_MEMBERS, "n" * 200 + ".jsonl": LINES}, tarfile.GNU_FORMAT),
    "tar.gz": gzip.compress(tar_of(_MEMBERS), mtime=0),
    "zip": zip_of(_MEMBERS),
    "stored.zip": zip_of(_MEMBERS, zipfile.ZIP_STORED),
    "lzma.zip": zip_of(_MEMBERS, zipfile.ZIP_LZMA),
}


def _suffix(kind: str) -> str:
    return f".{kind}" if "tar" in kind or "zip" in kind else f".jsonl.{kind.split('.')[-1]}"


def damaged(seed: int, each: int) -> dict[str, bytes]:
    """Some changes and cuts of every form."""
    files = {}
    for kind, whole in WHOLE.items():
        draw = random.Random(f"archives {kind} {seed}")
        for number in range(each):
            cut = number % 4 == 3
            data = whole[: draw.randrange(1, len(whole))] if cut else changed(whole, draw)
            files[f"{number:03}-{kind}{_suffix(kind)}"] = data
    return files


def _zeros(pack: Callable[[bytes], bytes], size: int = 200 << 20) -> bytes:
    return pack(bytes(size))


def _overlapping(members: int = 3000, size: int = 4 << 20) -> bytes:
    """Many entries of the directory lead to one piece of data."""
    data = bytes(size)
    body = zlib.compress(data, 9)[2:-4]
    fields = (20, 0, 8, 0, 0, zlib.crc32(data), len(body), size)
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, *fields, 6, 0)
    out = local + b"a.json" + body
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, *fields, 6, 0, 0, 0, 0, 0, 0)
    directory = (entry + b"a.json") * members
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, members, members, len(directory), len(out), 0)
    return out + directory + end


def _nested(depth: int) -> bytes:
    data = LINES
    for level in range(depth):
        data = zip_of({f"level-{level}.jsonl.zip": data})
    return data


def tar_header(name: bytes = b"a.jsonl", size: bytes = b"0" * 11, kind: bytes = b"0") -> bytes:
    """A header as a writer of archives would not make it."""
    block = bytearray(512)
    block[: len(name)] = name
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _linked() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, to in (
            ("away.jsonl", tarfile.SYMTYPE, "/etc/passwd"),
            ("circle.jsonl", tarfile.SYMTYPE, "circle.jsonl"),
            ("hard.jsonl", tarfile.LNKTYPE, "../../etc/passwd"),
            ("device.jsonl", tarfile.CHRTYPE, ""),
            ("pipe.jsonl", tarfile.FIFOTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, to
            archive.addfile(info)
    return out.getvalue() + tar_of({"a.jsonl": LINES})


CRAFTED: dict[str, bytes | Callable[[], bytes]] = {
    "bomb.jsonl.gz": partial(_zeros, PACKED["gz"]),
    "bomb.jsonl.bz2": partial(_zeros, PACKED["bz2"]),
    "bomb.jsonl.xz": partial(_zeros, PACKED["xz"]),
    "bomb.jsonl.zst": partial(_zeros, PACKED["zst"]),
    "bomb.zip": lambda: zip_of({"a.jsonl": bytes(200 << 20)}),
    "bomb.tar.gz": lambda: gzip.compress(tar_of({"a.jsonl": bytes(200 << 20)}), mtime=0),
    "lines.jsonl.gz": lambda: gzip.compress(b'{"text":"%s"}\n' % (b"a " * 900) * 60_000, mtime=0),
    "twice.jsonl.gz": lambda: gzip.compress(gzip.compress(bytes(100 << 20), mtime=0), mtime=0),
    "overlap.zip": _overlapping,
    "nested.zip": partial(_nested, 30),
    "many.tar.gz": lambda: gzip.compress(tar_header(b"a.jsonl") * 60_000, mtime=0),
    "streams.jsonl.gz": lambda: gzip.compress(b"", mtime=0) * 60_000,
    "names.zip": lambda: zip_of({f"{'d/' * 300}{n}.jsonl": b"" for n in range(2000)}),
    "out.zip": lambda: zip_of({"../../../../up.jsonl": LINES, "/tmp/abs.jsonl": LINES}),
    "out.tar": lambda: tar_of({"../../../../up.jsonl": LINES, "/tmp/abs.jsonl": LINES}),
    "odd.tar": lambda: tar_of({"a\x1b[2J\r\u202e.jsonl": LINES, "a#b@1+2:3.jsonl": LINES}),
    "links.tar": _linked,
    "huge.tar": lambda: tar_header(size=b"7" * 11) + LINES,
    "binary.tar": lambda: tar_header(size=b"\x80" + b"\xff" * 11) + LINES,
    "negative.tar": lambda: tar_header(size=b"\xff" * 12) + LINES,
    "pax.tar": lambda: tar_header(kind=b"x", size=b"%011o" % (1 << 30)) + b"9" * 5000,
    "sparse.tar": lambda: tar_header(kind=b"S", size=b"%011o" % 512) + bytes(512),
    "longname.tar": lambda: tar_header(kind=b"L", size=b"%011o" % (4 << 20)) + b"n" * (5 << 20),
    "secret.zip": lambda: zip_of(_MEMBERS).replace(b"PK\x01\x02\x14\x03\x14\0\0\0",
                                                   b"PK\x01\x02\x14\x03\x14\0\x01\0"),
    "end.zip": b"PK\x05\x06" + b"\xff" * 18,
    "window.jsonl.zst": b"\x28\xb5\x2f\xfd\x00\xf8" + b"\x01" * 60,
    "dictionary.jsonl.xz": b"\xfd7zXZ\0\0\4\xe6\xd6\xb4F\x02\0!\x01(" + b"\0" * 90,
    "empty.jsonl.gz": b"\x1f\x8b",
    "name.jsonl.gz": b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"n" * (2 << 20),
}  # fmt: skip


def bordered(kind: str, border: int, offset: int) -> bytes:
    """Two streams, the second beginning at about border + offset of the packed bytes."""
    draw = random.Random(f"{kind} {border}")
    pad = draw.randbytes(border).hex()
    low, high = 0, len(pad)
    packed = PACKED[kind]
    if kind == "gz":
        packed = lambda data: gzip.compress(data, 0, mtime=0)  # noqa: E731
    if kind == "xz":
        packed = partial(lzma.compress, preset=0)
    first = b""
    for _ in range(24):  # the length grows with the pad, but for a few bytes
        middle = (low + high) // 2
        first = packed(b'{"text": "before %s"}\n' % pad[:middle].encode())
        if len(first) == border + offset or low + 1 >= high:
            break
        low, high = (middle, high) if len(first) < border + offset else (low, middle)
    text = f"behind {kind} {border} {offset}"
    return first + packed(json.dumps({"text": text}).encode() + b"\n")


def _borders(kind: str, offsets: range) -> Trial:
    def attack(world: World) -> None:
        for border in BORDERS:
            for offset in offsets:
                if border + offset > 100:
                    name = f"in/{border}-{offset + 1000}.jsonl.{kind}"
                    world.write(name, bordered(kind, border, offset))
        world.call("jsonl", "in", "-o", "out", codes={0})
        texts = set(world.texts())
        for border in BORDERS:
            for offset in offsets:
                text = f"behind {kind} {border} {offset}"
                world.hold(text in texts, f"lost: {text}")

    return Trial(f"borders {kind}", attack, len(BORDERS) * len(offsets))


def trials(field: str, seed: int, fast: bool) -> Iterator[Trial]:
    """Damage, crafted archives, borders."""
    yield from batches("damaged", "jsonl", damaged(seed, 1 if fast else 24), GOOD, at_once=60)
    crafted = dict(CRAFTED)
    if fast:
        few = ("links.tar", "pax.tar", "overlap.zip", "odd.tar", "out.zip", "window.jsonl.zst")
        crafted = {name: crafted[name] for name in few}
    yield from batches("crafted", "jsonl", crafted, GOOD, at_once=6)
    for kind in PACKED if not fast else ("gz",):
        yield _borders(
            kind, range(-20, 4, 1 if kind in ("gz", "zst") else 4) if not fast else range(-11, -1)
        )
