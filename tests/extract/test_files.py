"""Which files a source reads, under which names, and how they are bundled."""

from __future__ import annotations

import errno
import glob
import json
import os
import socket
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base import Fault
from stages.errors import UsageError
from stages.extract.csv import CsvExtract
from stages.extract.files import bundles, find
from stages.extract.jsonl import JsonlExtract
from stages.extract.packed.archives import read_at
from stages.place import Place


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("b.html", "a/c.html", "a/d.HTML", "a/.hidden.html", ".git/x.html", "a/pic.png"):
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_folder_dot_and_pattern_give_equal_names(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(site)
    (site / "site" / "a" / "d.HTML").rename(site / "site" / "a" / "d.html")
    wanted = (site / "site", ["a/c.html", "a/d.html", "b.html"], [])
    for path in ("site", "./site/", "site/**/*.html", str(site / "site"), str(site / "site") + "/"):
        assert find(path, (".html",)) == wanted, path


def test_endings_are_read_in_any_case_and_hidden_files_are_left_out(site: Path) -> None:
    assert find(str(site / "site"), (".html",))[1] == ["a/c.html", "a/d.HTML", "b.html"]
    assert find(str(site / "site" / "a" / ".hidden.html"), (".html",))[1] == [".hidden.html"]
    assert find(str(site / "site/a/*.png"), (".html",))[1] == ["pic.png"]


def test_a_name_with_signs_of_a_pattern_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "a[1].csv").write_text("x")
    (tmp_path / "a1.csv").write_text("x")
    assert find(str(tmp_path / "a[1].csv"), ())[1] == ["a[1].csv"]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("gone", "not found"),
        ("site/a/*.csv", "there are no files matching it"),
        ("empty", "there are no files ending in .html"),
    ],
)
def test_nothing_there_is_said_in_one_sentence(path: str, sentence: str, site: Path) -> None:
    (site / "empty").mkdir()
    with pytest.raises(UsageError, match=sentence):
        find(str(site / path), (".html",))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 50), max_size=40), st.integers(1, 200))
def test_bundles_hold_every_file_once_in_order(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], size: int
) -> None:
    root = tmp_path_factory.mktemp("bundles")
    names = [f"{number:03d}" for number in range(len(sizes))]
    for name, length in zip(names, sizes, strict=True):
        (root / name).write_bytes(b"x" * length)
    parts = bundles(root, names, size)
    assert [name for part in parts for name in part.files] == names
    for part in parts:
        held = [sizes[int(name)] for name in part.files]
        assert len(held) == 1 or sum(held) <= size


def test_one_file_more_moves_no_far_border(tmp_path: Path) -> None:
    names = [f"{number:05d}.html" for number in range(0, 4000, 2)]
    for name in names:
        (tmp_path / name).touch()
    before = {part.files for part in bundles(tmp_path, names, 1 << 20)}
    after = {part.files for part in bundles(tmp_path, sorted([*names, "00101.html"]), 1 << 20)}
    assert len(before) > 10 and len(before - after) == 1


def test_a_file_that_vanishes_is_no_error_before_it_is_read(tmp_path: Path) -> None:
    os.symlink(tmp_path / "gone", tmp_path / "link")
    assert bundles(tmp_path, ["link"], 10)[0].files == ("link",)


# --- what is left out ---------------------------------------------------------------------------


def test_only_regular_files_are_read_and_the_others_told_without_being_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.html").write_text("x")
    (tmp_path / "folder.html").mkdir()
    os.mkfifo(tmp_path / "pipe.html")
    os.mkfifo(tmp_path / "pipe.other")
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # the name of a socket has at most 107 bytes
        server.bind("socket.html")
    for path in (tmp_path, f"{tmp_path}/*.html", f"{tmp_path}/**"):
        found = find(str(path), (".html",))
        assert found.names == ["a.html"]
        told = [(one.name, one.reason, one.evidence) for one in found.left if "o" not in one.name]
        assert told == [("pipe.html", "unreadable", {"error": "a named pipe"})]
        told = [(one.name, one.evidence) for one in found.left if one.name == "socket.html"]
        assert told == [("socket.html", {"error": "a socket"})]


@pytest.mark.skipif(not hasattr(os, "mknod") or os.getuid() != 0, reason="needs root")
def test_a_device_is_told(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "zero.html", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except OSError:
        pytest.skip("no devices here")
    assert find(str(tmp_path), (".html",)).left[0].evidence == {"error": "a device"}


def test_links_are_read_within_the_folder_and_told_where_they_lead_away(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "deep").mkdir(parents=True)
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "x.html").write_text("x")
    (tmp_path / "site-2").mkdir()  # begins like the folder, and is not in it
    (tmp_path / "site-2" / "y.html").write_text("y")
    (site / "deep" / "a.html").write_text("a")
    links = {
        "again.html": "deep/a.html",
        "absolute.html": str(site / "deep" / "a.html"),
        "out.html": "../away/x.html",
        "near.html": "../site-2/y.html",
        "outfolder": "../away",
        "circle": ".",
        "inner": "deep",
        "gone.html": "nowhere.html",
        "loop.html": "loop.html",
        "passwd.html": "/etc/passwd",
        "loop": "loop",
    }
    for name, target in links.items():
        (site / name).symlink_to(target)
    chain = site / "chain.html"  # out and back in
    chain.symlink_to(tmp_path / "away" / "back.html")
    (tmp_path / "away" / "back.html").symlink_to(site / "deep" / "a.html")
    wanted = ["absolute.html", "again.html", "chain.html", "deep/a.html"]
    for path in (site, f"{site}/**/*.html"):
        found = find(str(path), (".html",))
        assert found.names == wanted, path
        told = {one.name: (one.reason, one.evidence) for one in found.left}
        assert told == {
            "circle": ("link", {"target": ".", "error": "it leads to a folder"}),
            "inner": ("link", {"target": "deep", "error": "it leads to a folder"}),
            "gone.html": ("unreadable", {"error": "No such file or directory"}),
            "loop.html": ("unreadable", {"error": "Too many levels of symbolic links"}),
            "near.html": ("link", {"target": "../site-2/y.html", "error": "it leads away"}),
            "out.html": ("link", {"target": "../away/x.html", "error": "it leads away"}),
            "outfolder": ("link", {"target": "../away", "error": "it leads away"}),
            "passwd.html": ("link", {"target": "/etc/passwd", "error": "it leads away"}),
        }


def test_what_the_user_names_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.html").write_text("a")
    (tmp_path / "folder").symlink_to("data")
    (tmp_path / "file.html").symlink_to("data/a.html")
    assert find(str(tmp_path / "folder"), (".html",)) == (tmp_path / "data", ["a.html"], [])
    assert find(f"{tmp_path}/folder/*.html", ()) == (tmp_path / "data", ["a.html"], [])
    assert find(str(tmp_path / "file.html"), ()) == (tmp_path, ["file.html"], [])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("pipe", "is a named pipe"),
        ("to-pipe", "is a named pipe"),
        ("gone", "No such file or directory"),
        ("loop", "Too many levels of symbolic links"),
    ],
)
def test_a_named_path_that_is_no_file_is_one_sentence(
    name: str, sentence: str, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to-pipe").symlink_to("pipe")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match=sentence):
        find(str(tmp_path / name), ())


@pytest.mark.parametrize("path", ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
def test_a_stream_is_to_be_saved_to_a_file(path: str) -> None:
    if not os.path.lexists(path):
        pytest.skip(f"{path} is not here")
    with pytest.raises(UsageError, match="save it to a file"):
        find(path, ())


def test_a_folder_that_cannot_be_listed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "a.html").write_text("a")
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == "locked":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = find(str(tmp_path), (".html",))
    assert found.names == ["a.html"]
    assert found.left == [("locked", "unreadable", {"error": "Permission denied"})]


def test_a_file_that_becomes_a_pipe_is_told_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text":"a"}\n')
    part = JsonlExtract().parts(str(tmp_path), 1 << 20)[0]
    (tmp_path / "a.jsonl").unlink()
    os.mkfifo(tmp_path / "a.jsonl")
    (fault,) = JsonlExtract().read(part)
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.evidence) == (
        "unreadable",
        {"error": "a named pipe", "errno": 22},
    )


def test_what_is_left_out_becomes_rejects_of_every_source(tmp_path: Path) -> None:
    """No file of the part is hashed or opened: it has none."""
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "out.csv").symlink_to("/etc/passwd")
    (tmp_path / "a.csv").write_text("text\nwords\n")
    parts = CsvExtract().parts(str(tmp_path), 1 << 20)
    assert [part.files for part in parts] == [("a.csv",), ()]
    rejects: list[dict[str, object]] = []
    assert [row["text"] for row in CsvExtract()(tmp_path, rejects)] == ["words"]
    assert [(r["place"], r["reason"], r["failed"]) for r in rejects] == [
        ("out.csv", "link", False),
        ("pipe.csv", "unreadable", True),
    ]
    assert rejects[0]["evidence"] == '{"error":"it leads away","target":"/etc/passwd"}'


def test_patterns_find_what_glob_finds(tmp_path: Path) -> None:
    for name in ("a/b/c.txt", "a/d.txt", "e.txt", "a/.h/i.txt", "a/.j.txt", "[k]/l.txt", "a/b/m"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    for pattern in (
        "**/*.txt",
        "*.txt",
        "*/*.txt",
        "**",
        "a/**/*.txt",
        "**/b/**",
        "a/.*/*.txt",
        "a/.*.txt",
        "[[]k]/*",
        "?/[bd]*",
        "**/**/*.txt",
        "a/*/c.txt",
        "*/b/*",
    ):
        wanted = [
            Path(name).as_posix()
            for name in glob.glob(pattern, root_dir=tmp_path, recursive=True)
            if (tmp_path / name).is_file()
        ]
        root, names, left = find(f"{tmp_path}/{pattern}", ())
        below = root.relative_to(tmp_path).as_posix()
        names = [name if below == "." else f"{below}/{name}" for name in names]
        assert names == sorted(set(wanted)) and not left, pattern


def test_many_files_are_listed_fast(tmp_path: Path) -> None:
    for folder in range(10):
        (tmp_path / str(folder)).mkdir()
        for number in range(500):
            (tmp_path / str(folder) / f"{number}.html").touch()
    begin = time.process_time()
    assert len(find(str(tmp_path), (".html",)).names) == 5000
    assert len(find(f"{tmp_path}/**/*.html", ()).names) == 5000
    assert time.process_time() - begin < 0.5


@pytest.mark.parametrize(
    "name",
    [b"\xff\xfe.jsonl", b"a\nb.jsonl", b"\x1b[31mred\x07.jsonl", b"%#@!.jsonl", b"a%FF.jsonl",
     b"n" * 249 + b".jsonl", b" .jsonl", b"-o.jsonl", "é\u2028\u0085.jsonl".encode(),
     b"\xed\xa0\x80.jsonl"],
)  # fmt: skip
def test_a_file_of_any_name_is_read_and_its_records_found_again(
    name: bytes, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / os.fsdecode(name)).write_bytes(b'{"text":"first words"}\n{"text":"more words"}\n')
    records = list(JsonlExtract()(folder, []))
    assert [row["text"] for row in records] == ["first words", "more words"]
    place = Place.parse(records[1]["place"])
    assert place.path == os.fsdecode(name) and records[1]["place"].isprintable()
    assert read_at(folder, place) == b'{"text":"more words"}'
    json.dumps(records[1]).encode()


def test_names_that_differ_in_bytes_that_are_no_text_have_ids_of_their_own(tmp_path: Path) -> None:
    for byte in range(128, 140):
        (tmp_path / os.fsdecode(bytes([byte]) + b".jsonl")).write_bytes(b'{"text":"same words"}\n')
    records = list(JsonlExtract()(tmp_path, []))
    assert len({row["id"] for row in records}) == len({row["place"] for row in records}) == 12
