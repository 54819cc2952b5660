"""Members of compressed files and archives: complete, bounded, and every trouble is told."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import random
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from stages.base import Fault, Item, Part
from stages.errors import StageFailed, UsageError
from stages.extract.packed import archives, streams
from stages.extract.packed.archives import Limits, members, read_at
from stages.place import Place

TEXT = b"".join(b"line %d %s\n" % (n, b"abc" * (n % 7)) for n in range(5000))
PACK: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


def read(root: Path, name: str, **options: object) -> tuple[dict[str, bytes], list[Fault]]:
    """(place → bytes, faults) of a file."""
    got: dict[str, bytes] = {}
    faults = []
    for item in members(root, name, **options):  # type: ignore[arg-type]
        if isinstance(item, Fault):
            faults.append(item)
        else:
            got[str(item[0])] = item[1].read()
    assert all(fault.reason in archives.REASONS for fault in faults)
    return got, faults


def tar_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize("kind", PACK)
def test_the_name_says_nothing_the_first_bytes_say_all(kind: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(PACK[kind](TEXT))
    assert read(tmp_path, "a.txt") == ({"a.txt": TEXT}, [])


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_streams_one_after_the_other_are_one_file(kind: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(PACK[kind](TEXT[:9]) + PACK[kind](TEXT[9:]))
    assert read(tmp_path, "a") == ({"a": TEXT}, [])


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.999])
def test_a_cut_file_gives_what_stands_before_the_cut_and_one_fault(
    kind: str, share: float, tmp_path: Path
) -> None:
    data = random.Random(1).randbytes(300_000)
    whole = PACK[kind](data)
    (tmp_path / "a").write_bytes(whole[: int(len(whole) * share)])
    got, faults = read(tmp_path, "a")
    assert data.startswith(got["a"]) and [f.reason for f in faults] == ["truncated"]
    assert faults[0].place.offset == len(got["a"])
    assert faults[0].place.line == 1 + got["a"].count(b"\n")
    if kind == "gz":
        assert len(got["a"]) > (share - 0.1) * len(data)


def test_damage_is_told_apart_from_a_cut(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(TEXT))
    whole[-8] ^= 1  # the checksum
    (tmp_path / "a.gz").write_bytes(whole)
    (tmp_path / "b.gz").write_bytes(gzip.compress(TEXT) + b"more text")
    for name in ("a.gz", "b.gz"):
        got, faults = read(tmp_path, name)
        assert [f.reason for f in faults] == ["corrupt"], name
        assert faults[0].evidence["error"]
    assert got["b.gz"] == TEXT


@pytest.mark.parametrize("pack", [tar_of, zip_of, lambda f: gzip.compress(tar_of(f))])
def test_members_have_their_own_places_and_no_path_leaves(
    pack: Callable[[dict[str, bytes]], bytes], tmp_path: Path
) -> None:
    files = {"a/b.txt": b"one", "../../etc/x.txt": b"two", "a/.hidden/c.txt": b"no", "d.png": b"p"}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "all").write_bytes(pack(files))
    got, faults = read(tmp_path / "in", "all", suffixes=(".txt",))
    assert got == {"all#a/b.txt": b"one", "all#../../etc/x.txt": b"two"} and not faults
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["all", "in"]
    assert read_at(tmp_path / "in", Place("all", "../../etc/x.txt", 1, 2, 1)) == b"wo"


def test_a_member_name_that_comes_twice_names_two_places(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for data in (b"first", b"second"):
            info = tarfile.TarInfo("a.txt")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    (tmp_path / "x.tar").write_bytes(out.getvalue())
    assert read(tmp_path, "x.tar")[0] == {"x.tar#a.txt": b"first", "x.tar#a.txt~2": b"second"}


def test_each_member_of_one_name_has_a_place_of_its_own(tmp_path: Path) -> None:
    out = io.BytesIO()
    names = ["a.txt", "a.txt", "a.txt~2", "a.txt", "a.txt"]
    with tarfile.open(fileobj=out, mode="w") as archive:
        for number, name in enumerate(names):
            info = tarfile.TarInfo(name)
            info.size = 1
            archive.addfile(info, io.BytesIO(b"%d" % number))
    (tmp_path / "x.tar").write_bytes(out.getvalue())
    got, faults = read(tmp_path, "x.tar")
    assert sorted(got.values()) == [b"0", b"1", b"2", b"3", b"4"] and not faults
    assert len({place.partition("#")[2] for place in got}) == len(names)
    assert got["x.tar#a.txt"] == b"0" and got["x.tar#a.txt~2"] == b"1"


def test_a_tar_cut_anywhere_is_told(tmp_path: Path) -> None:
    whole = tar_of({"a.txt": TEXT[:2000], "b.txt": TEXT[:700], "c.txt": b"c"})
    end = 2560 + 1536 + 1024  # headers and padded data; then the end mark
    for cut in [100, 600, 1500, 2560, 2700, 3072, 3500, 4096, 4608, end]:
        for pack in (bytes, gzip.compress):
            (tmp_path / "x.tar").write_bytes(pack(whole[:cut]))
            got, faults = read(tmp_path, "x.tar")
            if cut > 512:
                assert [f.reason for f in faults] == ["truncated"], (cut, pack)
    (tmp_path / "x.tar").write_bytes(gzip.compress(whole)[:-300])
    assert [f.reason for f in read(tmp_path, "x.tar")[1]] == ["truncated"]
    damaged = bytearray(whole)
    damaged[2560 + 20] ^= 255  # the second header
    (tmp_path / "x.tar").write_bytes(damaged)
    got, faults = read(tmp_path, "x.tar")
    assert got == {"x.tar#a.txt": TEXT[:2000], "x.tar#c.txt": b"c"}
    assert [f.reason for f in faults] == ["corrupt"]
    assert faults[0].evidence == {"error": "a header is damaged", "at": 2560}


def test_archives_in_archives_are_faults(tmp_path: Path) -> None:
    inner = zip_of({"a.txt": b"x"})
    (tmp_path / "a.zip").write_bytes(zip_of({"in.zip": inner, "b.txt": b"y"}))
    (tmp_path / "b.gz").write_bytes(gzip.compress(gzip.compress(b"x")))
    got, faults = read(tmp_path, "a.zip", suffixes=(".txt",))
    assert got == {"a.zip#b.txt": b"y"}
    assert [(f.reason, f.evidence) for f in faults] == [("nested", {"kind": "zip"})]
    assert read(tmp_path, "b.gz")[1][0].evidence == {"kind": "gzip"}


def test_a_bomb_is_stopped_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"0" * 3_000_000))
    (tmp_path / "a.zip").write_bytes(zip_of({"a": b"0" * 3_000_000}))
    got, faults = read(tmp_path, "a.gz", limits=Limits(total=1_000_000))
    assert 700_000 < sum(map(len, got.values())) <= 1_000_000
    assert faults[0].reason == "oversize"
    assert faults[0].evidence == {"limit": 1_000_000, "of": "bytes of the file"}
    monkeypatch.setattr(streams, "RATIO_FLOOR", 500_000)
    for name in ("a.gz", "a.zip"):
        got, faults = read(tmp_path, name)
        assert sum(map(len, got.values())) < 1_500_000
        assert str(faults[0].evidence["of"]).startswith("ratio of the")
    size, told = (tmp_path / "a.gz").stat().st_size, read(tmp_path, "a.gz")[1][0].evidence
    assert 0 <= told["unread_bytes"] == size - told["packed"]


def test_too_many_members_are_told(tmp_path: Path) -> None:
    files = {f"{n}.txt": random.Random(n).randbytes(90_000) for n in range(20)}
    tar = tar_of(files)
    tells = {
        "a.zip": (zip_of(files), {"unread": 13}),
        "a.tar": (tar, {"unread_bytes": len(tar) - 7 * (512 + 90_112)}),
        "a.tar.gz": (gzip.compress(tar, 1), {}),
    }
    for name, (data, unread) in tells.items():
        (tmp_path / name).write_bytes(data)
        got, (fault,) = read(tmp_path, name, limits=Limits(members=7))
        assert len(got) == 7 and fault.evidence.items() >= {"limit": 7, "of": "members"}.items()
        assert fault.evidence.items() >= unread.items()
    assert abs(fault.evidence["unread_bytes"] - 13 * 90_000) < 600_000  # of packed ones, about


def test_a_tar_file_that_unpacks_to_too_much_says_what_is_left_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "RATIO_FLOOR", 1 << 20)
    noise = random.Random(1).randbytes(400_000)
    tar = tar_of({"a.txt": b"x" * 4_000_000, "b.txt": noise, "c.txt": noise[::-1]})
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(tar))
    got, faults = read(tmp_path, "a.tar.gz", limits=Limits(ratio=2))
    assert not set(got) - {"a.tar.gz#a.txt"}
    size = (tmp_path / "a.tar.gz").stat().st_size
    assert size / 2 < faults[-1].evidence["unread_bytes"] < size


def test_members_that_nobody_wants_are_bounded_too(tmp_path: Path) -> None:
    files = {f"{n}.png": b"x" for n in range(20)}
    for name, data in (("a.zip", zip_of(files)), ("a.tar", tar_of(files))):
        (tmp_path / name).write_bytes(data)
        got, faults = read(tmp_path, name, limits=Limits(members=7), suffixes=(".txt",))
        assert not got and faults[0].evidence.items() >= {"limit": 7, "of": "members"}.items()


def test_an_archive_without_anything_wanted_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of({"a.png": b"x", "b.exe": b"x"}))
    (tmp_path / "b.zip").write_bytes(zip_of({}))
    fault = read(tmp_path, "a.zip", suffixes=(".txt",))[1][0]
    assert fault.reason == "no_members"
    assert fault.evidence == {"members": 2, "first": ["a.png", "b.exe"]}
    assert read(tmp_path, "b.zip")[1][0].reason == "no_members"


def test_what_cannot_be_opened_is_a_fault_without_the_machines_path(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("gone.txt", "folder", "pipe"):
        got, faults = read(tmp_path, name)
        assert not got and [f.reason for f in faults] == ["unreadable"]
        assert str(tmp_path) not in str(faults[0].evidence)


def test_a_link_or_a_locked_member_is_a_fault(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("a.txt")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    (tmp_path / "a.tar").write_bytes(out.getvalue())
    locked = bytearray(zip_of({"a.txt": b"secret"}))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1  # the flag of a password, in both headers
    (tmp_path / "a.zip").write_bytes(locked)
    for name in ("a.tar", "a.zip"):
        got, faults = read(tmp_path, name)
        assert not got and [f.reason for f in faults] == ["unreadable"], name
        assert faults[0].place.member == "a.txt"


def test_a_huge_tar_header_is_not_read_into_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 30
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + b"0" * 10_240)
    got, faults = read(tmp_path, "a.tar")
    assert not got and [f.reason for f in faults] == ["corrupt"]


def test_documents_are_whole_or_faults(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of({"a": b"x" * 10, "b": b"x" * 11}))
    (tmp_path / "c.gz").write_bytes(gzip.compress(TEXT)[:-2000])
    items: Iterator[object] = archives.documents(tmp_path, "a.zip", size=10)
    first, second = items
    assert first == (Place("a.zip", "a"), b"x" * 10)
    assert isinstance(second, Fault) and second.reason == "oversize"
    (only,) = archives.documents(tmp_path, "c.gz")
    assert isinstance(only, Fault) and only.reason == "truncated"


def test_read_at_finds_bytes_again_through_everything(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(TEXT)
    (tmp_path / "b.gz").write_bytes(gzip.compress(TEXT))
    (tmp_path / "c.tar.gz").write_bytes(gzip.compress(tar_of({"x": b"1", "y": TEXT})))
    for path, member in (("a", None), ("b.gz", None), ("c.tar.gz", "y")):
        assert read_at(tmp_path, Place(path, member, 300, 44, 9)) == TEXT[300:344]
        assert read_at(tmp_path, Place(path, member)) == TEXT
    with pytest.raises(EOFError):
        read_at(tmp_path, Place("a", None, len(TEXT) - 1, 2, 1))
    with pytest.raises(FileNotFoundError):
        read_at(tmp_path, Place("c.tar.gz", "z"))


def test_what_a_reader_raises_is_corrupt_at_its_member_and_the_others_are_read(
    tmp_path: Path,
) -> None:
    names = ["good.txt", "index.txt", "deep.txt", "machine.txt", "last.txt"]
    (tmp_path / "a.zip").write_bytes(zip_of({name: name.encode() for name in names}))
    (tmp_path / "b.txt").write_bytes(b"plain")
    part = Part(str(tmp_path), ("a.zip", "b.txt"))

    def member(place: Place, stream: archives.Member) -> Iterator[Item | Fault]:
        raw = stream.read()
        yield Item(place, raw, [{"text": "t"}])
        if raw == b"index.txt":
            raise IndexError("index out of range")
        if raw == b"deep.txt":
            raise RecursionError("maximum recursion depth exceeded")
        if raw == b"machine.txt":
            raise OSError("ZSTD said no")

    found = list(archives.read(part, (".txt",), member))
    assert [item.place.member for item in found if isinstance(item, Item)] == [*names, None]
    assert [(f.place.member, f.reason, f.evidence) for f in found if isinstance(f, Fault)] == [
        ("index.txt", "corrupt", {"error": "IndexError: index out of range"}),
        ("deep.txt", "corrupt", {"error": "RecursionError: maximum recursion depth exceeded"}),
        ("machine.txt", "corrupt", {"error": "OSError: ZSTD said no"}),
    ]


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (UsageError("a mistake"), UsageError),
        (MemoryError(), MemoryError),
        (OSError(errno.ENOSPC, "No space left on device"), StageFailed),
    ],
)
def test_what_is_not_the_members_fault_is_not_booked_on_it(
    error: BaseException, raised: type[BaseException], tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")

    def member(place: Place, stream: archives.Member) -> Iterator[Item | Fault]:
        raise error
        yield

    with pytest.raises(raised):
        list(archives.read(Part(str(tmp_path), ("a.txt",)), (), member))
