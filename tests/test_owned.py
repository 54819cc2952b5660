"""What is not seedbed's is never replaced or removed: folders, marks, calls of the library."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import stages
from stages import call, owned
from stages.corpus import Corpus, write_corpus
from stages.errors import UsageError
from stages.owned import Foreign
from stages.records import REJECTS, SCHEMA, to_table
from tests.pipeline import world


def corpus(folder: Path) -> Path:
    """A small corpus of the library's."""
    rows = [{"id": f"{n:032x}", "source": "s", "text": world.prose(n)} for n in range(3)]
    write_corpus(folder, "records", [(to_table(rows, SCHEMA), to_table([], REJECTS))], {})
    return folder


def everything(folder: Path) -> dict[str, Any]:
    """Each path below a folder: a file's bytes, where a link leads, None for a folder."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = os.readlink(path)
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


# --- folders with a manifest --------------------------------------------------------------------


def test_a_corpus_of_ours_is_ours_and_nothing_more(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "c")
    names = owned.names_in(folder)
    assert names == {"manifest.json", "data/00000.arrow", "rejects/00000.arrow"}
    (folder / "rejects/00000.arrow").unlink()
    assert owned.names_in(folder) == names, "a file less is still ours"
    owned.remove(folder, names)
    assert not folder.exists()
    assert owned.names_in(folder) == set()
    folder.mkdir()
    assert owned.names_in(folder) == set()


def test_what_a_kill_leaves_of_a_removal_is_still_known_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = corpus(tmp_path / "c")
    names, unlink, gone = owned.names_in(folder), Path.unlink, []

    def killed(self: Path, missing_ok: bool = False) -> None:
        if gone:
            raise KeyboardInterrupt
        gone.append(self)
        unlink(self)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            owned.remove(folder, names)
    assert len(gone) == 1 and not gone[0].exists()
    owned.remove(folder, owned.names_in(folder))
    assert not folder.exists()


NOTES = ["notes.txt", "data/notes.txt", ".hidden", "deep/er/note", "data/00001.arrow", "DATA"]


@pytest.mark.parametrize("note", NOTES)
def test_a_note_anywhere_keeps_the_folder(note: str, tmp_path: Path) -> None:
    folder = corpus(tmp_path / "c")
    (folder / note).parent.mkdir(parents=True, exist_ok=True)
    (folder / note).write_text("mine")
    before = everything(folder)
    with pytest.raises(Foreign, match=f"did not put there.*{note}.*left as it is; move"):
        owned.names_in(folder)
    assert everything(folder) == before
    owned.remove(folder, {"manifest.json", "data/00000.arrow", "rejects/00000.arrow"})
    assert {name for name, what in everything(folder).items() if what} == {note}


def test_an_empty_folder_and_links_of_others_keep_the_folder(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").write_text("mine")
    for number, lay in enumerate(
        (
            lambda folder: (folder / "empty").mkdir(),
            lambda folder: (folder / "link").symlink_to(other),
            lambda folder: (folder / "link").symlink_to("nowhere"),
            lambda folder: (folder / "data").rename(tmp_path / "moved"),
        )
    ):
        folder = corpus(tmp_path / f"c{number}")
        lay(folder)
        if number == 3:
            (folder / "data").symlink_to(tmp_path / "moved")
        with pytest.raises(Foreign, match="did not put there"):
            owned.names_in(folder)
        owned.remove(folder, {"link/precious", "data/00000.arrow"})
    assert (other / "precious").read_text() == "mine"
    assert (tmp_path / "moved/00000.arrow").exists(), "no link is followed"


def test_what_a_manifest_lists_outside_its_folder_is_out_of_reach(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    folder = tmp_path / "c"
    folder.mkdir()
    pieces = [{"data": "../precious", "rejects": str(tmp_path / "precious")}, 7, {"data": ["x"]}]
    manifest = {"made_by": "seedbed", "format": 1, "pieces": pieces, "files": {"../precious": 1}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    owned.remove(folder, owned.names_in(folder))
    assert not folder.exists() and (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize(
    "content",
    [
        b'{"name": "my web app"}',
        b'["made_by", "seedbed"]',
        b"7",
        b"",
        b'{"made_by": "seedbed"',
        b'{"made_by": "seedbed"}',
        b'{"made_by": "seedbed", "format": 0}',
        b'{"made_by": "seedling", "format": 1}',
        b'{"made_by": "seedbed", "format": 1, "x": "\xff"}',
        b'{"made_by": ' + b"[" * 100_000,
    ],
    ids=lambda content: content[:40].decode(errors="replace"),
)
def test_a_manifest_of_others_makes_no_folder_ours(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(Foreign, match=r"holds manifest\.json and no manifest of seedbed's"):
        owned.names_in(tmp_path)


def test_a_manifest_that_is_no_file_is_not_opened(tmp_path: Path) -> None:
    real = corpus(tmp_path / "real")
    for name, make in (
        ("fifo", os.mkfifo),
        ("folder", os.mkdir),
        ("link", lambda path: path.symlink_to(real / "manifest.json")),
    ):
        (tmp_path / name).mkdir()
        make(tmp_path / name / "manifest.json")
        with pytest.raises(Foreign, match="no manifest of seedbed's"):
            owned.names_in(tmp_path / name)
    (tmp_path / "huge").mkdir()
    with open(tmp_path / "huge/manifest.json", "wb") as file:
        file.truncate(1 << 40)  # a hole of a terabyte is not read
    with pytest.raises(Foreign):
        owned.names_in(tmp_path / "huge")
    (tmp_path / "file").touch()
    with pytest.raises(Foreign, match="is no folder"):
        owned.names_in(tmp_path / "file")


def test_pieces_without_a_manifest_are_ours_in_a_runs_folder_alone(tmp_path: Path) -> None:
    owned.claim(tmp_path / "run", owned.RUN)
    for place in ("free/steps/01-html", "free/corpus", "run/sub/steps/corpus"):
        folder = corpus(tmp_path / place)
        (folder / "manifest.json").unlink()
        with pytest.raises(Foreign, match=r"holds data/00000\.arrow, rejects/00000\.arrow and no"):
            owned.names_in(folder)
    for place in ("run/steps/01-html", "run/corpus"):
        folder = corpus(tmp_path / place)
        (folder / "manifest.json").unlink()
        assert owned.names_in(folder) == {"data/00000.arrow", "rejects/00000.arrow"}
        (folder / "data/notes.txt").touch()
        with pytest.raises(Foreign, match=r"data/notes\.txt"):
            owned.names_in(folder)


def test_a_single_file_is_replaced_when_it_has_the_mark_and_never_else(tmp_path: Path) -> None:
    owned.check_file(tmp_path / "new.json")
    (tmp_path / "ours.json").write_text('{"made_by": "seedbed", "loss": 1}')
    owned.check_file(tmp_path / "ours.json")
    for number, content in enumerate((b"", b"{}", b"notes", b"\xff", b"[" * 99_999, b"[7]")):
        (tmp_path / f"{number}").write_bytes(content)
        with pytest.raises(owned.Foreign, match="is no file of seedbed's"):
            owned.check_file(tmp_path / f"{number}")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("0")
    for name in ("pipe", "link", "."):
        with pytest.raises(owned.Foreign, match="is no file of seedbed's"):
            owned.check_file(tmp_path / name)
    with pytest.raises(owned.Foreign, match="there is no folder"):
        owned.check_file(tmp_path / "nowhere/a.json")


def test_names_are_told_on_one_line_and_few_of_them(tmp_path: Path) -> None:
    for name in ("a\nb", "b\x1b[31m", os.fsdecode(b"c\xff"), "d", "e"):
        (tmp_path / name).touch()
    with pytest.raises(Foreign) as caught:
        owned.names_in(tmp_path)
    assert r"holds 'a\nb', 'b\x1b[31m', 'c\udcff' and more and no" in str(caught.value)


# --- marks --------------------------------------------------------------------------------------


def test_a_folder_is_marked_when_it_is_made_and_never_later(tmp_path: Path) -> None:
    owned.claim(tmp_path / "new/store", owned.STORE)
    owned.claim(tmp_path / "new/store", owned.STORE)
    assert everything(tmp_path / "new/store") == {".seedbed-store": b"seedbed store\n"}
    (tmp_path / "new/store/objects").mkdir()
    owned.claim(tmp_path / "new/store", owned.STORE)
    with pytest.raises(Foreign, match="is no run of seedbed's"):
        owned.claim(tmp_path / "new/store", owned.RUN)
    (tmp_path / "repository/objects").mkdir(parents=True)
    (tmp_path / "repository/HEAD").touch()
    before = everything(tmp_path)
    with pytest.raises(Foreign, match=r"no store of seedbed's .* holds HEAD, objects: it is left"):
        owned.claim(tmp_path / "repository", owned.STORE)
    with pytest.raises(Foreign, match="HEAD is no folder"):
        owned.claim(tmp_path / "repository/HEAD/store", owned.STORE)
    assert everything(tmp_path) == before


def test_a_mark_of_other_content_or_kind_is_none(tmp_path: Path) -> None:
    mark = tmp_path / ".seedbed-store"
    mark.write_bytes(b"")  # the disk was full, or another is just writing it
    owned.claim(tmp_path, owned.STORE)
    assert owned.is_marked(tmp_path, owned.STORE)
    mark.write_bytes(b"something else\n")
    assert not owned.is_marked(tmp_path, owned.STORE)
    with pytest.raises(Foreign, match="no store of seedbed's"):
        owned.claim(tmp_path, owned.STORE)
    mark.unlink()
    (tmp_path / "real").write_bytes(b"seedbed store\n")
    mark.symlink_to("real")
    assert not owned.is_marked(tmp_path, owned.STORE)
    mark.unlink()
    mark.mkdir()
    assert not owned.is_marked(tmp_path, owned.STORE)


# --- paths --------------------------------------------------------------------------------------


def test_how_paths_lie_to_each_other(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    a, b = tmp_path / "a", tmp_path / "a/b"
    assert owned.relation(a, a) == "is" and owned.relation(tmp_path / "link", a) == "is"
    assert owned.relation(b, a) == owned.relation(tmp_path / "link/b/c", a) == "lies in"
    assert owned.relation(a, b) == owned.relation(tmp_path / "link", b) == "lies above"
    assert owned.relation(tmp_path / "ab", a) is None and owned.relation(b, tmp_path / "c") is None
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    for name, words in (
        ("one", "leads in a circle"),
        ("x" * 300, "File name too long; name another"),
        ("a\0b", "can be no name of a file"),
        ("a\ud800b", "can be no name of a file"),
    ):
        with pytest.raises(UsageError, match=words):
            owned.resolved(tmp_path / name)
    assert owned.resolved(tmp_path / "link/new") == tmp_path / "a/new"


# --- the library's calls ------------------------------------------------------------------------


def test_an_end_stage_called_leaves_a_folder_called_work_alone(tmp_path: Path) -> None:
    source = corpus(tmp_path / "c")
    (tmp_path / "out.work").mkdir()
    (tmp_path / "out.work/thesis.txt").write_text("mine")
    summary = stages.stage("export")()(source, tmp_path / "out")
    assert summary["rows"] == {"train": 3}
    assert {path.name for path in tmp_path.iterdir()} == {"c", "out", "out.work"}
    assert (tmp_path / "out.work/thesis.txt").read_text() == "mine"
    files = {name for name, what in everything(tmp_path / "out").items() if what is not None}
    wanted = {"manifest.json", "README.md", "train.jsonl", "train.parquet"}
    assert owned.names_in(tmp_path / "out") == files == wanted


def test_an_end_stage_called_keeps_to_its_place(tmp_path: Path) -> None:
    source = corpus(tmp_path / "c")
    export = stages.stage("export")()
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/note").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    before = everything(tmp_path)
    for out, words in (
        ("c", "exists and is not empty"),
        ("c/sub", "lies in the input"),
        ("full", "exists and is not empty"),
        ("file", "is no folder"),
        ("file/below", "is no folder"),
    ):
        with pytest.raises(UsageError, match=words):
            export(source, tmp_path / out)
    assert everything(tmp_path) == before
    export(source, tmp_path / "link")
    assert os.readlink(tmp_path / "link") == "empty" and Corpus.at(tmp_path / "empty")
    made = call.hashlib.blake2b(b"next", digest_size=8).hexdigest()
    (tmp_path / f".seedbed-work-{made}").mkdir()
    (tmp_path / f".seedbed-work-{made}/note").write_text("mine")
    with pytest.raises(Foreign, match="is no work of seedbed's"):
        export(source, tmp_path / "next")
    assert (tmp_path / f".seedbed-work-{made}/note").read_text() == "mine"


def test_a_corpus_is_written_into_no_folder_that_holds_anything(tmp_path: Path) -> None:
    (tmp_path / "app/data").mkdir(parents=True)
    (tmp_path / "app/data/00000.arrow").write_text("mine")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="app exists and is not empty; name another"):
        corpus(tmp_path / "app")
    with pytest.raises(UsageError, match="file is a file"):
        corpus(tmp_path / "file")
    assert (tmp_path / "app/data/00000.arrow").read_text() == "mine"


def test_a_working_folder_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(UsageError, match="working folder is gone"):
        owned.resolved("out")
