"""Streams one after the other: complete wherever their borders fall in the buffer, or told."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import shutil
import struct
import subprocess
import time
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest

from stages.base import Fault
from stages.extract.packed import compressed, streams
from stages.extract.packed.archives import Limits, members
from stages.extract.packed.compressed import Packed, ToTheDamage

REAL = compressed.CHUNK


def read(root: Path, name: str, **options: object) -> tuple[bytes, list[Fault]]:
    """(all bytes, faults) of a file."""
    data, faults = b"", []
    for item in members(root, name, **options):  # type: ignore[arg-type]
        if isinstance(item, Fault):
            faults.append(item)
        else:
            data += item[1].read()
    return data, faults


def told(faults: list[Fault]) -> list[tuple[str, object]]:
    return [(fault.reason, fault.evidence.get("error")) for fault in faults]


def gz(data: bytes, head: bytes = b"", flags: int = 0) -> bytes:
    """A gzip stream whose header has these flags and fields."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = packer.compress(data) + packer.flush()
    begin = b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + head
    if flags & 2:
        begin += struct.pack("<H", zlib.crc32(begin) & 0xFFFF)
    return begin + body + struct.pack("<II", zlib.crc32(data), len(data))


def bgzf(data: bytes) -> bytes:
    """A block as bgzip writes it: its size stands in an extra field."""
    extra = b"\x06\x00BC\x02\x00"
    size = len(gz(data, extra + b"\0\0", 4)) - 1
    return gz(data, extra + struct.pack("<H", size), 4)


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


SKIPPABLE = b"\x5a\x2a\x4d\x18" + struct.pack("<I", 7) + b"\x28\xb5\x2f\xfd..."

# Streams of each kind, with what is in them: empty ones, ones of a byte, fields in the header.
STREAMS: dict[str, list[tuple[bytes, bytes]]] = {
    "gzip": [
        (gz(b"first\n" * 9), b"first\n" * 9),
        (gz(b""), b""),
        (gz(b"x"), b"x"),
        (gz(b"named", b"a name.txt\0", 8), b"named"),
        (gz(b"noted", b"name\0a note\0", 8 | 16), b"noted"),
        (gz(b"summed", b"\x05\0extra" + b"name\0note\0", 2 | 4 | 8 | 16), b"summed"),
        (bgzf(b"block of bgzip"), b"block of bgzip"),
        (bgzf(b""), b""),
    ],
    "bzip2": [(bz2.compress(data), data) for data in (b"first\n" * 9, b"", b"x", b"last", b"")],
    "xz": [
        (lzma.compress(b"first\n" * 9), b"first\n" * 9),
        (lzma.compress(b"", check=lzma.CHECK_CRC32) + bytes(4), b""),
        (lzma.compress(b"x", check=lzma.CHECK_NONE) + bytes(8), b"x"),
        (lzma.compress(b"last", preset=0), b"last"),
    ],
    "zstd": [
        (zstd(b"first\n" * 9), b"first\n" * 9),
        (SKIPPABLE, b""),
        (zstd(b""), b""),
        (zstd(b"x"), b"x"),
        (SKIPPABLE + zstd(b"last"), b"last"),
    ],
}


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
@pytest.mark.parametrize("padding", [0, 4, 64])
def test_streams_are_complete_at_every_border_of_the_buffer(kind: str, padding: int) -> None:
    packed = bytes(padding).join(one for one, _ in STREAMS[kind]) + bytes(padding)
    whole = b"".join(data for _, data in STREAMS[kind])
    for chunk in range(1, len(packed) + 1):
        file = io.BytesIO(packed)
        reader = Packed(kind, lambda size, file=file, chunk=chunk: file.read(min(size, chunk)))
        found = b""
        while data := reader.read(100):
            found += data
        assert found == whole, chunk


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("begin", [0, 1])
def test_streams_are_complete_across_the_border_of_the_real_buffer(
    kind: str, begin: int, tmp_path: Path
) -> None:
    """The first stream is of a size that puts the second's header at each place of the border."""
    pairs = STREAMS[kind][begin:]
    rest = b"".join(one for one, _ in pairs)
    for short in range(-3, 24):
        first, data = _of_size(kind, REAL - short)
        assert len(first) == REAL - short
        (tmp_path / "a").write_bytes(first + rest)
        found, faults = read(tmp_path, "a")
        assert not faults and found == data + b"".join(more for _, more in pairs), short


def _of_size(kind: str, size: int) -> tuple[bytes, bytes]:
    """(streams of exactly so many bytes, what is in them)."""
    noise = random.Random(5).randbytes(size)
    if kind == "zstd":
        return SKIPPABLE[:4] + struct.pack("<I", size - 8) + bytes(size - 8), b""
    if kind == "gzip":  # the extra field of an empty stream fills up
        data = noise[: size - 40_000]
        one = gz(data)
        extra = size - len(one) - len(gz(b"", b"\0\0", 4))
        return one + gz(b"", struct.pack("<H", extra) + bytes(extra), 4), data
    one, data = _near(kind)
    return one + bytes(size - len(one)), data


@cache
def _near(kind: str) -> tuple[bytes, bytes]:
    data = random.Random(5).randbytes(REAL - 8000)
    return (bz2.compress(data) if kind == "bzip2" else lzma.compress(data)), data


PROGRAMS = {"gzip": "gzip", "bzip2": "bzip2", "xz": "xz", "zstd": "zstd"}
MODULES: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "bzip2": bz2.decompress,  # lzma's reads no padding
}


@pytest.mark.parametrize("kind", STREAMS)
def test_programs_and_modules_read_the_same(kind: str, tmp_path: Path) -> None:
    packed = b"".join(one for one, _ in STREAMS[kind])
    (tmp_path / "a").write_bytes(packed)
    found, faults = read(tmp_path, "a")
    assert not faults
    if kind in MODULES:
        assert MODULES[kind](packed) == found
    if shutil.which(PROGRAMS[kind]):
        done = subprocess.run([PROGRAMS[kind], "-dc"], input=packed, capture_output=True)
        assert done.returncode == 0 and done.stdout == found


def test_the_header_of_a_second_stream_one_byte_before_the_border(tmp_path: Path) -> None:
    lines = [b'{"text":"line %d"}\n' % n for n in range(5000)]
    body = b"".join(lines[:4000])
    extra = REAL - 1 - len(gz(body, b"\0\0", 4))
    while extra > 65_535:
        body += b"\n" + random.Random(7).randbytes(extra - 40_000).hex().encode()
        extra = REAL - 1 - len(gz(body, b"\0\0", 4))
    first = gz(body, struct.pack("<H", extra) + bytes(extra), 4)
    assert len(first) == REAL - 1
    (tmp_path / "two.gz").write_bytes(first + gz(b"".join(lines[4000:])))
    found, faults = read(tmp_path, "two.gz")
    assert not faults and found == body + b"".join(lines[4000:])


def test_what_follows_that_is_no_stream_is_told_and_costs_nothing_before(tmp_path: Path) -> None:
    first = gz(b"good\n")
    cases = {
        b"garbage": ("corrupt", "bytes follow that are not compressed"),
        bytes(600) + b"garbage": ("corrupt", "bytes follow that are not compressed"),
        bz2.compress(b"other"): ("corrupt", "bzip2 data follow"),
        zstd(b"other"): ("corrupt", "zstd data follow"),
        b"\x1f": ("truncated", "the compressed data end within the head of a further stream"),
        b"\x1f\x8b": ("truncated", "the compressed data end within the head of a further stream"),
        gz(b"more")[:9]: ("truncated", "the compressed data end before their end"),
        bytes(700): None,
    }
    for rest, wanted in cases.items():
        (tmp_path / "a").write_bytes(first + rest)
        found, faults = read(tmp_path, "a")
        assert found == b"good\n" and told(faults) == ([wanted] if wanted else []), rest


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd"])
def test_all_that_stands_before_damage_is_read(kind: str, tmp_path: Path) -> None:
    lines = b"".join(b"line %d of the good begin\n" % n for n in range(3000))
    pack = {"gzip": gz, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": zstd}[kind]
    last = bytearray(pack(b"the last stream"))
    if kind == "gzip":
        last[-6] ^= 1  # the checksum: all of it was unpacked before
    elif kind == "zstd":
        last[6] |= 6  # a block of no type
    else:
        last[len(last) // 2] ^= 255
    (tmp_path / "a").write_bytes(pack(lines) + last)
    found, faults = read(tmp_path, "a")
    assert found.startswith(lines) and [f.reason for f in faults] == ["corrupt"]
    if kind == "gzip":
        assert found == lines + b"the last stream"
    assert faults[0].place.offset == len(found)


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd"])
def test_changed_bytes_never_raise_and_never_end_in_silence(kind: str, tmp_path: Path) -> None:
    """With a checksum, data that differ from what was packed come with a fault."""
    data = b"".join(b"%d a line of words and words\n" % n for n in range(400))
    pack = {"gzip": gz, "bzip2": bz2.compress, "xz": lzma.compress}.get(kind)
    if pack is None:
        if not shutil.which("zstd"):
            pytest.skip("there is no zstd")
        packed = subprocess.run(
            ["zstd", "-qc", "--check"], input=data, capture_output=True, check=True
        ).stdout
    else:
        packed = pack(data)
    draw = random.Random(20)
    for _ in range(100):
        changed = bytearray(packed)
        at = draw.randrange(10, len(changed))
        changed[at] = draw.randrange(256)
        if draw.random() < 0.3:
            del changed[at : at + draw.randrange(9)]
        (tmp_path / "a").write_bytes(changed)
        found, faults = read(tmp_path, "a")
        assert found == data or [f.reason for f in faults][:1] in (["corrupt"], ["truncated"]), at


def test_a_million_tiny_streams_cost_what_their_bytes_cost() -> None:
    """Each costs its own bytes, not a copy of the buffer behind it."""
    one = gz(b"a\n")

    def seconds(number: int) -> float:
        file = io.BytesIO(one * number)
        begin = time.process_time()
        reader = Packed("gzip", file.read)
        found = 0
        while data := reader.read(REAL):
            found += len(data)
        assert found == 2 * number
        return time.process_time() - begin

    small, large = min(seconds(5_000) for _ in range(3)), seconds(40_000)
    assert large < 20 * small and large < 4


def test_reading_again_at_damage_happens_once() -> None:
    opened: list[int | None] = []

    class Bad:
        last = taken = 7

        def read(self, size: int) -> bytes:
            raise compressed.Damage("corrupt", error="bad")

    def open_(slow: int | None) -> Bad:
        opened.append(slow)
        return Bad()

    with pytest.raises(compressed.Damage):
        ToTheDamage(open_).read(9)
    assert opened == [None, 7]


def test_a_tar_within_any_of_them_is_read_whatever_the_streams_are(tmp_path: Path) -> None:
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for n in range(5):
            info = tarfile.TarInfo(f"{n}.txt")
            info.size = 700
            archive.addfile(info, io.BytesIO(b"%d" % n * 700))
    whole = out.getvalue()
    for kind, pack in {"gz": gz, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd}.items():
        # the first stream holds less than a header of the archive
        packed = b"".join(pack(whole[at : at + 300]) for at in range(0, len(whole), 300))
        (tmp_path / f"a.tar.{kind}").write_bytes(packed)
        got = []
        for item in members(tmp_path, f"a.tar.{kind}"):
            assert not isinstance(item, Fault), (kind, item)
            got.append((item[0].member, item[1].read()))
        assert got == [(f"{n}.txt", b"%d" % n * 700) for n in range(5)]


def test_one_file_is_bounded_by_what_comes_out_in_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "RATIO_FLOOR", 100_000)
    (tmp_path / "a.gz").write_bytes(b"".join(gz(b"0" * 2_000_000) for _ in range(3)))
    found, faults = read(tmp_path, "a.gz")
    assert 100_000 < len(found) < 2_000_000
    assert faults[0].reason == "oversize" and faults[0].evidence["limit"] == 300
    assert faults[0].evidence["of"] == "ratio of the file"
    words = os.urandom(50_000).hex().encode()
    (tmp_path / "b.gz").write_bytes(gz(words) + gz(words))
    assert read(tmp_path, "b.gz") == (words * 2, [])
    found, faults = read(tmp_path, "b.gz", limits=Limits(total=150_000))
    assert len(found) <= 150_000
    assert faults[0].evidence == {"limit": 150_000, "of": "bytes of the file"}


def test_memory_to_unpack_is_bounded_and_told(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    packed = bytearray(lzma.compress(b"a" * 100, filters=filters))
    at = packed.index(b"\x21\x01") + 2  # the size of the dictionary: 1.5 GB
    packed[at] = 37
    header = (packed[12] + 1) * 4
    packed[12 + header - 4 : 12 + header] = struct.pack(
        "<I", zlib.crc32(packed[12 : 12 + header - 4])
    )
    (tmp_path / "a.xz").write_bytes(packed)
    found, faults = read(tmp_path, "a.xz")
    assert not found and faults[0].reason == "oversize"
    assert faults[0].evidence == {"limit": 256 << 20, "of": "bytes of memory to unpack it"}


def test_a_dictionary_of_zstd_is_told_with_what_to_do(tmp_path: Path) -> None:
    """Alone, and as web archives have it: in a frame of other data before all others."""
    frame = bytes.fromhex("28b52ffd278e1e2052235d000000023c5d1202a8c8ab0101d99a2d57")
    (tmp_path / "a.csv.zst").write_bytes(frame)
    (tmp_path / "a.warc.zst").write_bytes(b"\x5d\x2a\x4d\x18\x05\0\0\0words" + frame)
    for name in ("a.csv.zst", "a.warc.zst"):
        data, (fault,) = read(tmp_path, name)
        assert (data, fault.reason) == (b"", "unreadable")
        assert "zstd -d -D DICTIONARY" in str(fault.evidence["remedy"])
