"""A bundle holds one step with all it needs; unpacked, every byte of it is compared."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import cli
from pipeline.engine import bundle, unbundle
from stages import Diagnose, Export
from stages.corpus import Corpus
from stages.errors import SeedbedError, StageFailed, UsageError
from tests.pipeline.world import recipe, seedbed

ROWS = [{"prompt": f"How deep is bed {n}?", "completion": f"{n} cm."} for n in range(12)]


def rows(path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A bundle of an export of twelve records."""
    rows(tmp_path / "a.jsonl")
    recipe(tmp_path, "jsonl: {path: a.jsonl}", "[split, export: {format: alpaca}]")
    out = seedbed("bundle", "t.yaml", "-o", "b.tar.gz", "--step", "export", cwd=tmp_path).stdout
    assert "b.tar.gz: export with" in out
    assert "there: seedbed unbundle b.tar.gz -o export --run" in out
    return tmp_path / "b.tar.gz"


def index_of(path: Path) -> dict[str, Any]:
    with tarfile.open(path) as archive:
        file = archive.extractfile(bundle.INDEX)
        assert file is not None
        return dict(json.loads(file.read()))


def test_the_step_is_done_there_as_it_would_be_here(made: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    shutil.move(made, there / "b.tar.gz")
    seedbed("unbundle", "b.tar.gz", "-o", "e", "--run", cwd=there)
    (made_here,) = [p for p in (there / "e").iterdir() if Corpus.at(p) and p.name != "input"]
    seedbed(
        "export", tmp_path / "runs/t-bundle/corpus", "-o", "x", "--format", "alpaca", cwd=tmp_path
    )
    ours = {p.name: p.read_bytes() for p in (tmp_path / "x").iterdir() if p.is_file()}
    theirs = {p.name: p.read_bytes() for p in made_here.iterdir() if p.is_file()}
    assert set(ours) == set(theirs) and len(ours) > 2
    for name in set(ours) - {"manifest.json"}:
        assert ours[name] == theirs[name], name
    again = seedbed("unbundle", "b.tar.gz", "-o", "e", cwd=there).stdout
    assert "each as it was packed" in again


def test_equal_content_gives_equal_bytes(made: Path, tmp_path: Path) -> None:
    seedbed("bundle", "t.yaml", "-o", "c.tar.gz", "--step", "export", cwd=tmp_path)
    assert made.read_bytes()[10:] == (tmp_path / "c.tar.gz").read_bytes()[10:]
    seedbed("bundle", "t.yaml", "-o", "c.tar.zst", "--step", "export", cwd=tmp_path)
    found = unbundle.unpack(tmp_path / "c.tar.zst", tmp_path / "z")
    assert found.stage == Export(format="alpaca") and Corpus(found.input).table().num_rows == 12


def test_the_recipes_own_run_stays_as_it_is(tmp_path: Path) -> None:
    rows(tmp_path / "a.jsonl")
    recipe(tmp_path, "jsonl: {path: a.jsonl}", "[split, export]")
    seedbed("run", "t.yaml", cwd=tmp_path)
    before = sorted(p.relative_to(tmp_path) for p in (tmp_path / "runs/t").rglob("*"))
    out = seedbed("bundle", "runs/t", "-o", "b.tar.gz", "--step", "export", cwd=tmp_path).stdout
    assert "b.tar.gz" in out
    assert before == sorted(p.relative_to(tmp_path) for p in (tmp_path / "runs/t").rglob("*"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "b.zip"), "b.zip: a bundle is called .tar.gz or .tgz or .tar.zst"),
        (("-o", "b.tar.gz"), "has no end stage that needs files beside its input"),
        (("-o", "b.tar.gz", "--step", "exprt"), "no end stage 'exprt'; did you mean 'export'?"),
        (("-o", "a.tar.gz"), "a.tar.gz is there already"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(
    words: tuple[str, ...], told: str, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    rows(tmp_path / "a.jsonl")
    (tmp_path / "a.tar.gz").write_text("mine")
    recipe(tmp_path, "jsonl: {path: a.jsonl}", "[split, export]")
    assert cli.command(["bundle", "t.yaml", *words]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "runs").exists() and (tmp_path / "a.tar.gz").read_text() == "mine"


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("in/b.tar.gz", "lies in the source in"),
        ("in/deep/../b.tar.gz", "lies in the source in"),
        ("link/b.tar.gz", "lies in the source in"),
        (".seedbed/b.tar.gz", "lies in the store"),
        ("runs/t/b.tar.gz", "lies in the run's folder"),
    ],
)
def test_a_bundle_is_not_made_in_what_is_read_or_kept(
    out: str, told: str, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to("in")
    rows(tmp_path / "in/a.jsonl")
    recipe(tmp_path, "jsonl: {path: in}", "[split, export]")
    assert cli.command(["bundle", "t.yaml", "-o", out, "--step", "export"]) == 2
    assert told in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"in", "link", "t.yaml"}


def test_a_class_of_the_users_own_is_refused(tmp_path: Path) -> None:
    class Mine(Diagnose):
        name = "mine"

    Mine.__module__, Mine.__qualname__ = "mine", "Mine"
    with pytest.raises(UsageError, match="whose code a bundle does not hold"):
        bundle.pack(Mine(), tmp_path, tmp_path / "b.tar.gz")


# --- hostile and damaged bundles ----------------------------------------------------------------


def written(path: Path, members: list[tuple[str, bytes | None]]) -> Path:
    """A tar.gz of members; None: a link to /etc/passwd."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            if data is None:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
                archive.addfile(member)
            else:
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return path


def indexed(files: dict[str, Any], **more: Any) -> bytes:
    entry = {"made_by": "seedbed", "format": 1, "stage": "diagnose", "parameters": {}, **more}
    return json.dumps({**entry, "files": files}).encode()


SHA = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"  # of b"foo"


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ([], "is no bundle of seedbed's"),
        ([("x", b"foo")], "is no bundle of seedbed's"),
        ([(bundle.INDEX, b"[")], "is no bundle of seedbed's"),
        ([(bundle.INDEX, b"{}")], "is no bundle of seedbed's"),
        ([(bundle.INDEX, indexed({"../x": [3, SHA]})), ("../x", b"foo")], "is no bundle"),
        ([(bundle.INDEX, indexed({"/x": [3, SHA]}))], "is no bundle"),
        ([(bundle.INDEX, indexed({"input/../../x": [3, SHA]}))], "is no bundle"),
        ([(bundle.INDEX, indexed({"input/x": [True, SHA]}))], "is no bundle"),
        ([(bundle.INDEX, indexed({"input/x": [3, SHA]})), ("input/x", None)], "is no plain file"),
        ([(bundle.INDEX, indexed({})), ("input/x", b"foo")], "does not list so"),
        ([(bundle.INDEX, indexed({"input/x": [3, SHA]})), ("input/x", b"fool")], "list so"),
        ([(bundle.INDEX, indexed({"input/x": [3, SHA]})), ("input/x", b"fop")],
         "input/x is not what was packed"),
        ([(bundle.INDEX, indexed({"input/x": [3, SHA]}))], "ends before input/x"),
        ([(bundle.INDEX, indexed({}, format=9))], "bundle format 9 is not 1"),
        ([(bundle.INDEX, indexed({}, stage="evil:Stage"))], "names no stage that can be run"),
        ([(bundle.INDEX, indexed({}, stage="normalize"))], "is no stage that ends a recipe"),
        ([(bundle.INDEX, indexed({}, stage="exprt"))], "there is no stage 'exprt'"),
        ([(bundle.INDEX, indexed({}, parameters={"width": 1}))], "diagnose.width"),
        ([(bundle.INDEX, indexed({}, parameters={"width": {"files": "../../etc"}}))], "no bundle"),
    ],
)  # fmt: skip
def test_what_is_no_bundle_writes_nothing_outside(
    members: list[tuple[str, bytes | None]], told: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "b.tar.gz", members)
    with pytest.raises(SeedbedError, match=told):
        unbundle.unpack(path, tmp_path / "in" / "here")
    assert {p.name for p in tmp_path.iterdir()} <= {"b.tar.gz", "in"}
    left = [p for p in tmp_path.rglob("*") if p.is_file() and p.name != "b.tar.gz"]
    assert all(p.name == bundle.INDEX for p in left)
    assert not [*tmp_path.rglob(".unpacking-*")]


def test_what_is_no_file_is_told_as_that(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for words in (("unbundle", "pipe", "-o", "o"), ("import", "pipe")):
        said = seedbed(*words, cwd=tmp_path, code=2, seconds=30).stderr
        assert "no ordinary file" in said and "not found" not in said


def test_a_folder_with_something_else_is_left_alone(made: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "poem.txt").write_text("x")
    with pytest.raises(UsageError, match="is not empty and holds no bundle"):
        unbundle.unpack(made, tmp_path / "mine")
    unbundle.unpack(made, tmp_path / "one")
    other = written(tmp_path / "o.tar.gz", [(bundle.INDEX, indexed({}))])
    with pytest.raises(UsageError, match="holds another bundle"):
        unbundle.unpack(other, tmp_path / "one")
    with pytest.raises(UsageError, match="not found"):
        unbundle.unpack(tmp_path / "gone.tar.gz", tmp_path / "two")


def test_what_is_missing_is_unpacked_again(made: Path, tmp_path: Path) -> None:
    found = unbundle.unpack(made, tmp_path / "one")
    (data,) = [p for p in found.input.rglob("*.arrow") if p.parent.name == "data"]
    whole = data.read_bytes()
    data.unlink()
    (found.input / "note").write_text("mine")
    unbundle.unpack(made, tmp_path / "one")
    assert data.read_bytes() == whole and (found.input / "note").read_text() == "mine"


def test_what_differs_is_told_and_stays(made: Path, tmp_path: Path) -> None:
    """Cut, changed at equal length, a folder in its place: nothing of it is used or removed."""
    found = unbundle.unpack(made, tmp_path / "one")
    data = found.input / "manifest.json"
    whole = data.read_bytes()
    for changed in (whole[:-1], whole.replace(b"a", b"o"), b""):
        data.write_bytes(changed)
        with pytest.raises(UsageError, match=r"manifest.json is not what was packed, and is left"):
            unbundle.unpack(made, tmp_path / "one")
        assert data.read_bytes() == changed
    data.unlink()
    data.mkdir()
    with pytest.raises(UsageError, match=r"manifest.json is not what was packed"):
        unbundle.unpack(made, tmp_path / "one")


@pytest.mark.parametrize("at", range(1, 7))
def test_a_killed_unpacking_goes_on(
    at: int, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended before the so many'th name that is made, with all that lies beside left there."""
    calls = 0

    def make(folder: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise KeyboardInterrupt
        folder.mkdir(parents=True, exist_ok=True)

    with monkeypatch.context() as patched:
        patched.setattr(unbundle.owned, "make", make)
        patched.setattr(unbundle.shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            unbundle.unpack(made, tmp_path / "one")
    found = unbundle.unpack(made, tmp_path / "one")
    assert Corpus(found.input).table().num_rows == 12
    assert not [*(tmp_path / "one").glob(".unpacking*")]


def test_a_bundle_that_another_call_unpacks_stays_with_it(made: Path, tmp_path: Path) -> None:
    with unbundle._aside(tmp_path) as theirs:
        unbundle.unpack(made, tmp_path / "one")
        with unbundle._aside(tmp_path):
            assert theirs.is_dir()
    assert not theirs.exists()


def test_what_the_disk_cannot_hold_is_told_before_it_is_written(tmp_path: Path) -> None:
    files = {"input/x": [1 << 60, SHA], "input/y": [3, SHA]}
    path = written(tmp_path / "b.tar.gz", [(bundle.INDEX, indexed(files)), ("input/y", b"foo")])
    with pytest.raises(StageFailed, match=r"holds 1152921504.6 GB, and the disk of .* has room"):
        unbundle.unpack(path, tmp_path / "one")


def header(kind: bytes, size: int, name: bytes = b"x") -> bytes:
    """A block of a tar archive."""
    block = bytearray(512)
    block[: len(name)] = name
    block[124:136] = b"%011o\0" % size
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _sparse() -> bytes:
    """A header of holes that says that it goes on."""
    block = bytearray(header(b"S", 0, b"input/x"))
    block[482] = 1
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize(
    "behind",
    [
        _sparse(),
        (header(b"x", 20) + b"20 path=input/xxxxx\n".ljust(512, b"\0")) * 3000,
        (header(b"L", 8) + b"input/x\0".ljust(512, b"\0")) * 3000,
        header(b"x", 1 << 33) + bytes(1 << 20),
        header(b"L", 1 << 33) + bytes(1 << 20),
        header(b"x", 20) + b"20 size=-5000000000\n".ljust(512, b"\0"),
        header(b"0", 1 << 40, b"input/x"),
    ],
    ids=("sparse", "pax", "gnu", "long pax", "long name", "negative", "cut"),
)
def test_an_archive_of_a_strangers_is_damaged_and_no_bug(behind: bytes, tmp_path: Path) -> None:
    first = written(tmp_path / "a", [(bundle.INDEX, indexed({"input/x": [3, SHA]}))]).read_bytes()
    members = gzip.decompress(first)
    whole = members[: 512 + -(-len(indexed({"input/x": [3, SHA]})) // 512) * 512] + behind
    (tmp_path / "b.tar.gz").write_bytes(gzip.compress(whole))
    with pytest.raises(StageFailed, match=r"is damaged|does not list so"):
        unbundle.unpack(tmp_path / "b.tar.gz", tmp_path / "one")


@pytest.mark.parametrize(
    "name", ["input", "files/1", "input/./x", "input//x", "input/\ud800", "input/x/..", "INPUT/x"]
)
def test_a_name_that_is_no_plain_one_is_no_bundle(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / "b.tar.gz", [(bundle.INDEX, indexed({name: [3, SHA]}))])
    with pytest.raises(UsageError, match="is no bundle"):
        unbundle.unpack(path, tmp_path / "one")


@settings(max_examples=60)
@given(st.data())
def test_any_damage_is_noticed(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    """A byte changed or an end cut off, in the archive before it is compressed, or after."""
    folder = tmp_path_factory.mktemp("damage")
    index = indexed({"input/x": [3, SHA], "input/y": [25600, "0" * 64]})
    good = {"input/x": b"foo", "input/y": bytes(range(256)) * 100}
    index = index.replace(b"0" * 64, hashlib.sha256(good["input/y"]).hexdigest().encode())
    path = written(folder / "b.tar.gz", [(bundle.INDEX, index), *good.items()])
    raw = path.read_bytes()
    inner = data.draw(st.booleans())
    changed = bytearray(gzip.decompress(raw) if inner else raw)
    at = data.draw(st.integers(0, len(changed) - 1))
    if data.draw(st.booleans()):
        del changed[at:]
    else:
        changed[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(gzip.compress(bytes(changed)) if inner else bytes(changed))
    try:
        found = unbundle.unpack(path, folder / "out")
    except (UsageError, StageFailed):
        return
    # a time or a number of padding was hit: what is there is what was packed
    for name, content in good.items():
        assert (found.folder / name).read_bytes() == content
