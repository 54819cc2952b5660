"""Archives with changed bytes: what was not touched is given, what was is told, nothing raises."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import shutil
import struct
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.base import Fault
from stages.extract.packed import archives, streams
from stages.extract.packed.archives import Limits, members

DATA = {f"folder/{n}.txt": b"%d of the texts\n" % n * (20 * n + 1) for n in range(7)}
LONG = "long/" + "n" * 280 + ".txt"


def read(root: Path, name: str, **options: object) -> tuple[dict[str, bytes], list[Fault]]:
    """(member → bytes, faults) of an archive."""
    got: dict[str, bytes] = {}
    faults = []
    for item in members(root, name, **options):  # type: ignore[arg-type]
        if isinstance(item, Fault):
            faults.append(item)
        else:
            assert item[0].member not in got
            got[str(item[0].member)] = item[1].read()
    assert all(fault.reason in archives.REASONS for fault in faults)
    return got, faults


def tar_of(files: dict[str, bytes], form: int = tarfile.GNU_FORMAT, **headers: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_700_000_000
            if form == tarfile.PAX_FORMAT:
                info.pax_headers = {"comment": "a comment of the member", **headers}
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(
    files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, streamed: bool = False
) -> bytes:
    out = io.BytesIO()
    target = Unseekable(out) if streamed else out
    with zipfile.ZipFile(target, "w", method) as archive:  # type: ignore[arg-type]
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


class Unseekable:
    def __init__(self, inner: io.BytesIO) -> None:
        self.write, self.flush = inner.write, inner.flush


FORMS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
TARS = [lambda files, form=form: tar_of(files, form) for form in FORMS]
ZIPS: list[Callable[[dict[str, bytes]], bytes]] = [
    lambda files, method=method: zip_of(files, method)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
]
ZIPS.append(lambda files: zip_of(files, streamed=True))


@pytest.mark.parametrize("pack", [*TARS, *ZIPS])
def test_whole_archives_of_all_forms_are_read(
    pack: Callable[[dict[str, bytes]], bytes], tmp_path: Path
) -> None:
    names = {"a/b.txt": b"x", "é/日本.txt": b"y", "empty.txt": b"", "s p a c e.txt": b"z" * 1025}
    files = {**DATA, **names, LONG: b"long"} if pack is not TARS[0] else {**DATA, **names}
    (tmp_path / "a").write_bytes(pack(files))
    assert read(tmp_path, "a") == (files, [])


@pytest.mark.skipif(not shutil.which("tar"), reason="there is no tar")
@pytest.mark.parametrize("form", ["v7", "oldgnu", "gnu", "ustar", "posix"])
def test_what_tar_writes_is_read(form: str, tmp_path: Path) -> None:
    """Holes, links, folders and long names, in the forms that GNU tar has."""
    root = tmp_path / "in"
    (root / "d").mkdir(parents=True)
    (root / "d" / "a.txt").write_bytes(b"text\n" * 300)
    (root / "empty.txt").touch()
    with open(root / "holes.txt", "wb") as file:
        for at in range(0, 60 << 16, 2 << 16):
            file.seek(at)
            file.write(b"island %d" % at)
        file.truncate(61 << 16)
    sparse = ["-S"] if form not in ("v7", "ustar") else []
    files = ["d", "empty.txt", "holes.txt"]
    if form not in ("v7", "ustar"):
        (root / ("m" * 99 + ".txt")).write_bytes(b"name")
        files.append("m" * 99 + ".txt")
    subprocess.run(
        ["tar", f"--format={form}", *sparse, "-cf", tmp_path / "x.tar", "-C", root, *files],
        check=True,
    )
    got, faults = read(tmp_path, "x.tar")
    wanted = {"d/a.txt", *files[1:]}
    assert not faults and got == {name: (root / name).read_bytes() for name in wanted}


@pytest.mark.parametrize("version", ["0.0", "0.1", "1.0"])
@pytest.mark.skipif(not shutil.which("tar"), reason="there is no tar")
def test_the_three_pax_maps_of_holes_are_read(version: str, tmp_path: Path) -> None:
    with open(tmp_path / "holes.txt", "wb") as file:
        for at in range(0, 40 << 16, 2 << 16):
            file.seek(at)
            file.write(b"island %d" % at)
    subprocess.run(
        ["tar", "--format=posix", f"--sparse-version={version}", "-S", "-cf", "x.tar", "holes.txt"],
        check=True,
        cwd=tmp_path,
    )
    assert (tmp_path / "x.tar").stat().st_size < 1 << 18
    assert read(tmp_path, "x.tar") == ({"holes.txt": (tmp_path / "holes.txt").read_bytes()}, [])


def _tar_spans(whole: bytes) -> dict[str, tuple[int, int]]:
    """The bytes of each member: its headers and data."""
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        infos = archive.getmembers()
    return {i.name: (i.offset, i.offset_data + i.size + -i.size % 512) for i in infos}


@pytest.mark.parametrize("pack", TARS)
def test_a_changed_byte_of_a_tar_costs_one_member(
    pack: Callable[[dict[str, bytes]], bytes], tmp_path: Path
) -> None:
    whole = pack(DATA)
    spans = _tar_spans(whole)
    draw = random.Random(3)
    for _ in range(120):
        changed = bytearray(whole)
        begin, _ = spans[draw.choice(list(spans))]
        at = begin + draw.choice([draw.randrange(512), draw.randrange(2048)])
        changed[at] ^= 1 << draw.randrange(8)
        (tmp_path / "a.tar").write_bytes(changed)
        got, faults = read(tmp_path, "a.tar")
        for name, (start, stop) in spans.items():
            if not start <= at < stop:
                told = [f.evidence for f in faults if f.reason in ("corrupt", "truncated")]
                assert got.get(name) == DATA[name] or told, (at, name)
        if any(at in range(start, start + 512) for start, _ in spans.values()):
            touched = next(n for n, (start, stop) in spans.items() if start <= at < stop)
            missing = set(DATA) - set(got) - {touched}
            assert not missing and (faults or got == DATA), (at, missing)


@pytest.mark.parametrize("pack", ZIPS)
def test_a_changed_byte_of_a_zip_costs_one_member(
    pack: Callable[[dict[str, bytes]], bytes], tmp_path: Path
) -> None:
    whole = pack(DATA)
    directory = whole.index(b"PK\1\2")
    end = whole.index(b"PK\5\6")
    draw = random.Random(4)
    for _ in range(120):
        changed = bytearray(whole)
        at = draw.choice([draw.randrange(4, directory), draw.randrange(directory, end)])
        changed[at] ^= 1 << draw.randrange(8)
        (tmp_path / "a.zip").write_bytes(changed)
        got, faults = read(tmp_path, "a.zip")
        right = sum(got.get(name) == data for name, data in DATA.items())
        # a changed name is given under that name; another place makes two of one
        assert right >= len(DATA) - 2, at
        assert faults or sorted(got.values()) == sorted(DATA.values()), at


@pytest.mark.parametrize("pack", [*TARS, *ZIPS])
def test_wild_changes_never_raise(
    pack: Callable[[dict[str, bytes]], bytes], tmp_path: Path
) -> None:
    whole = pack({**DATA, "z.txt": b"last"})
    draw = random.Random(5)
    for turn in range(80):
        changed = bytearray(whole)
        for _ in range(draw.randrange(1, 6)):
            at = draw.randrange(len(changed))
            size = draw.choice([1, 1, 2, 8, 40, 512])
            what = draw.randrange(4)
            if what == 0:
                changed[at : at + size] = draw.randbytes(size)
            elif what == 1:
                changed[at : at + size] = bytes([draw.choice([0, 255, 0x80])]) * size
            elif what == 2:
                del changed[at : at + size]
            else:
                changed[at:at] = changed[at // 2 : at // 2 + size]
        for wrap in (bytes, gzip.compress) if turn % 4 == 0 else (bytes,):
            (tmp_path / "a").write_bytes(wrap(bytes(changed)))
            read(tmp_path, "a")


# --- what `tarfile` raised, ran for hours over, or read in silence -------------------------------


def test_a_sparse_header_that_goes_on_into_nothing(tmp_path: Path) -> None:
    info = tarfile.TarInfo("s.html")
    info.type = b"S"
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[482] = 1
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    (tmp_path / "a.tar").write_bytes(block)
    got, faults = read(tmp_path, "a.tar")
    assert not got and faults[0].reason == "truncated"
    assert faults[0].evidence == {"error": "the archive ends within a header", "at": 0}


def pax(records: bytes, kind: bytes = b"x") -> bytes:
    info = tarfile.TarInfo("pax")
    info.type, info.size = kind, len(records)
    return info.tobuf(tarfile.USTAR_FORMAT) + records + bytes(-len(records) % 512)


def record(key: bytes, value: bytes) -> bytes:
    rest = b" " + key + b"=" + value + b"\n"
    size = len(rest)
    while size != len(b"%d" % size) + len(rest):
        size = len(b"%d" % size) + len(rest)
    return b"%d" % size + rest


@pytest.mark.parametrize(
    "records",
    [
        b"0 path=x\n",
        b"9999999 path=x\n",
        b"00000000000000000000009 path=x\n",
        b"12 path=a.txt",
        b"\xff\xfe\xfd",
        b"8 path\n\n\n",
        record(b"size", b"1e9"),
        record(b"size", b"-5"),
        record(b"size", b"9" * 40),
        record(b"size", "٣".encode()),
        record(b"GNU.sparse.map", b"1,2,x"),
        record(b"GNU.sparse.map", b"5,5,1,5") + record(b"GNU.sparse.size", b"9"),
        record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.realsize", b"9"),
        b"1" * 1_000_000,
        record(b"comment", b"1" * 1_000_000) + b"x",
    ],
)
def test_a_pax_header_that_is_wrong_costs_its_member(records: bytes, tmp_path: Path) -> None:
    first, second = tar_of({"a.txt": b"first"}), tar_of({"b.txt": b"second"})
    (tmp_path / "a.tar").write_bytes(first[:1024] + pax(records) + first[:1024] + second)
    got, faults = read(tmp_path, "a.tar")
    assert got["b.txt"] == b"second" and got["a.txt"] == b"first"
    assert {fault.reason for fault in faults} <= {"corrupt", "truncated"} and faults


def test_a_pax_path_is_the_name_and_a_pax_size_the_size(tmp_path: Path) -> None:
    blocks = bytearray(tar_of({"short.txt": b"12345678"}))
    header = pax(record(b"path", "naïve \udcff".encode("utf-8", "surrogateescape")))
    (tmp_path / "a.tar").write_bytes(header + pax(record(b"comment", b"c"), b"g") + blocks)
    assert read(tmp_path, "a.tar") == ({"naïve \udcff": b"12345678"}, [])


def test_archives_one_after_the_other_are_read_and_other_bytes_told(tmp_path: Path) -> None:
    two = tar_of({"a.txt": b"a"}) + tar_of({"b.txt": b"b"})
    (tmp_path / "a.tar").write_bytes(two)
    assert read(tmp_path, "a.tar") == ({"a.txt": b"a", "b.txt": b"b"}, [])
    (tmp_path / "a.tar").write_bytes(tar_of({"a.txt": b"a"}) + b"more")
    got, faults = read(tmp_path, "a.tar")
    assert got == {"a.txt": b"a"}
    assert [(f.reason, f.evidence["error"]) for f in faults] == [
        ("corrupt", "bytes follow the end mark")
    ]


# --- lists of zip files --------------------------------------------------------------------------


def test_a_zip_without_its_list_gives_what_can_be_found(tmp_path: Path) -> None:
    for pack in (*ZIPS[:2], ZIPS[-1]):
        whole = pack(DATA)
        (tmp_path / "a.zip").write_bytes(whole[: whole.index(b"PK\1\2") - 30])
        got, faults = read(tmp_path, "a.zip")
        assert faults[0].reason == "truncated"
        last = "folder/6.txt"
        assert {k: v for k, v in got.items() if k != last} == {
            k: v for k, v in DATA.items() if k != last
        }
        assert faults[0].evidence == {"error": "the list of members at its end is missing"}


def test_entries_over_the_same_bytes_are_refused(tmp_path: Path) -> None:
    """Many entries of one member, as in Fifield's bomb: only one is unpacked."""
    whole = bytearray(zip_of({"a.txt": b"0" * 90_000, "b.txt": b"good"}))
    begin, end = whole.index(b"PK\1\2"), whole.index(b"PK\5\6")
    entry = whole[begin : whole.index(b"PK\1\2", begin + 4)]
    again = whole[:end] + entry * 3
    end_record = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 5, 5, len(again) - begin, begin, 0)
    (tmp_path / "a.zip").write_bytes(again + end_record)
    got, faults = read(tmp_path, "a.zip")
    assert got == {"a.txt": b"0" * 90_000, "b.txt": b"good"}
    assert [(f.reason, f.place.member) for f in faults] == [
        ("corrupt", f"a.txt~{n}") for n in (2, 3, 4)
    ]
    assert faults[0].evidence == {"error": "its bytes are those of another member too", "at": 0}


def test_an_entry_that_reaches_over_the_next_is_refused(tmp_path: Path) -> None:
    """Quoted overlap: the data of the first hold the second's header."""
    inner = zip_of({"b.txt": b"good"}, zipfile.ZIP_STORED)
    whole = bytearray(zip_of({"a.txt": inner[: 30 + 5 + 4]}, zipfile.ZIP_STORED))
    at = whole.index(b"PK\3\4", 4)
    begin, end = whole.index(b"PK\1\2"), whole.index(b"PK\5\6")
    second = bytearray(inner[inner.index(b"PK\1\2") : inner.index(b"PK\5\6")])
    second[42:46] = struct.pack("<L", at)
    listed = whole[begin:end] + second
    end_record = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(listed), begin, 0)
    (tmp_path / "a.zip").write_bytes(whole[:begin] + listed + end_record)
    got, faults = read(tmp_path, "a.zip")
    assert got == {"b.txt": b"good"}
    assert [(f.reason, f.place.member) for f in faults] == [("corrupt", "a.txt")]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_is_bounded_as_a_whole(
    method: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No member is a bomb by itself; all of them together are."""
    monkeypatch.setattr(streams, "RATIO_FLOOR", 200_000)
    (tmp_path / "a.zip").write_bytes(
        zip_of({f"{n:03}.txt": bytes(190_000) for n in range(100)}, method)
    )
    size = (tmp_path / "a.zip").stat().st_size
    got, faults = read(tmp_path, "a.zip", limits=Limits(ratio=100))
    assert sum(map(len, got.values())) <= 100 * size + 190_000
    fault, rest = faults
    assert fault.reason == rest.reason == "oversize"
    assert fault.evidence["of"] == rest.evidence["of"] == "ratio of the archive"
    assert rest.evidence["unread"] == 100 - len(got) and rest.place.member is None
    assert fault.evidence["limit"] == 100 and fault.evidence["packed"] == size
    assert fault.place.member == f"{len(got) - 1:03}.txt"


@pytest.mark.parametrize("wrap", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_is_bounded_as_a_whole(wrap: Callable[[bytes], bytes], tmp_path: Path) -> None:
    draw = random.Random(6)
    whole = tar_of({f"{n}.txt": draw.randbytes(3000) for n in range(40)})
    (tmp_path / "a.tar").write_bytes(wrap(whole))
    got, faults = read(tmp_path, "a.tar", limits=Limits(total=50_000))
    assert sum(map(len, got.values())) <= 50_000
    assert {f.reason for f in faults} == {"oversize"}
    assert faults[0].evidence["limit"] == 50_000


def test_a_tar_of_holes_is_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "RATIO_FLOOR", 1 << 20)
    header = pax(record(b"GNU.sparse.map", b"0,5") + record(b"GNU.sparse.size", b"%d" % (1 << 40)))
    (tmp_path / "a.tar").write_bytes(header + tar_of({"a.txt": b"12345"}))
    got, faults = read(tmp_path, "a.tar")
    assert len(got["a.txt"]) < 4 << 20 and got["a.txt"].startswith(b"12345\0")
    assert [f.reason for f in faults] == ["oversize", "oversize"]  # the member; what is behind it
    assert faults[1].evidence["unread_bytes"] > 0


def test_zip64_and_bytes_before_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in DATA.items():
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(data)
    (tmp_path / "a.zip").write_bytes(out.getvalue())
    assert read(tmp_path, "a.zip") == (DATA, [])
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    whole = zip_of(DATA)
    assert b"PK\6\6" in whole
    for front in (b"", b"PK\3\4" + bytes(96)):
        (tmp_path / "b.zip").write_bytes(front + whole)
        assert read(tmp_path, "b.zip") == (DATA, [])
    mark = b"a comment PK\5\6 with the mark in it"
    noted = zip_of(DATA)[:-2] + struct.pack("<H", len(mark)) + mark
    (tmp_path / "d.zip").write_bytes(noted)
    assert read(tmp_path, "d.zip") == (DATA, [])
    before = b"PK\3\4" + bytes(96)
    (tmp_path / "c.zip").write_bytes(before + zip_of(DATA))
    assert read(tmp_path, "c.zip") == (DATA, [])


def test_methods_and_passwords_that_are_not_known_are_told(tmp_path: Path) -> None:
    for at, told in ((6, "a password is needed"), (8, "compression method 9 is not known")):
        changed = bytearray(zip_of({"a.txt": b"secret", "b.txt": b"open"}))
        value = 1 if at == 6 else 9
        changed[at] = value
        changed[changed.index(b"PK\1\2") + at + 2] = value
        (tmp_path / "a.zip").write_bytes(changed)
        got, faults = read(tmp_path, "a.zip")
        assert got == {"b.txt": b"open"}
        assert [(f.reason, f.evidence) for f in faults] == [("unreadable", {"error": told})]


def test_labels_are_unique_whatever_the_names_are(tmp_path: Path) -> None:
    out = io.BytesIO()
    names = ["a", "a~2", "a", "a", "a~2", "..\\..\\x", "/etc/y", "x" * 400, "a\nb", "../up"]
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for number, name in enumerate(names):
            info = tarfile.TarInfo(name)
            info.size = 1
            archive.addfile(info, io.BytesIO(b"%d" % number))
    (tmp_path / "a.tar").write_bytes(out.getvalue())
    got, faults = read(tmp_path, "a.tar")
    assert not faults and sorted(got.values()) == [b"%d" % n for n in range(10)]
    assert list(got)[:5] == ["a", "a~2", "a~3", "a~4", "a~2~2"]
    for number, label in enumerate(got):
        place = archives.Place("a.tar", label, 0, 1, 1)
        assert archives.read_at(tmp_path, archives.Place.parse(str(place))) == b"%d" % number


def test_headers_within_headers_are_not_read_over_and_over(tmp_path: Path) -> None:
    """Each block says that 1 MB after it belongs to it, and the whole is no member."""
    info = tarfile.TarInfo("x")
    info.type, info.size = b"L", 1 << 20
    block = info.tobuf(tarfile.GNU_FORMAT)[:512]
    seconds = []
    for size in (8 << 20, 16 << 20):
        (tmp_path / "a.tar").write_bytes(block * (size // 512) + tar_of({"a.txt": b"good"}))
        begin = time.process_time()
        got, faults = read(tmp_path, "a.tar", limits=Limits(members=50_000))
        seconds.append(time.process_time() - begin)
        assert len(got) <= 1 and faults
    assert seconds[1] < 4 * seconds[0] + 0.3 and seconds[1] < 3


def test_damaged_entries_are_bounded_with_the_members(tmp_path: Path) -> None:
    begin = zip_of({"a.txt": b"x"})
    at = begin.index(b"PK\1\2")
    listed = b"PK\1\2" * 5000
    end_record = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, len(listed), at, 0)
    (tmp_path / "a.zip").write_bytes(begin[:at] + listed + end_record)
    _, faults = read(tmp_path, "a.zip", limits=Limits(members=100))
    assert len(faults) == 101 and faults[-1].evidence == {"limit": 100, "of": "members"}


def test_a_cut_zip_of_many_streamed_members_is_searched_once(tmp_path: Path) -> None:
    seconds = []
    for number in (500, 2000):
        whole = zip_of({f"{n}.txt": b"%d" % n for n in range(number)}, streamed=True)
        (tmp_path / "a.zip").write_bytes(whole[: whole.index(b"PK\1\2")] + bytes(1 << 20))
        begin = time.process_time()
        got, faults = read(tmp_path, "a.zip")
        seconds.append(time.process_time() - begin)
        assert len(got) == number and faults[0].reason == "truncated"
    assert seconds[1] < 8 * seconds[0] + 0.2
