"""What is committed has reached the disk, in the right order; and disks that have no room."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.executors.tasks import refusal
from pipeline.trouble import told
from stages.corpus import Corpus
from stages.disk import write_whole
from stages.errors import StageFailed
from tests.pipeline import world
from tests.pipeline.world import COMMAND, environment, seedbed
from tests.train.talking import talking_model

# --- the order of flushes -----------------------------------------------------------------------

_FLUSH = re.compile(r"f(?:data)?sync\(\d+<(.*)>\)\s+= 0")
_ALL = re.compile(r"syncfs\(\d+<(.*)>\)\s+= 0")
_TWO = re.compile(r'rename(?:at2?)?\((?:\w+(?:<[^>]*>)?, )?"(.*?)", (?:\w+(?:<[^>]*>)?, )?"(.*?)"')
_MADE = re.compile(r'mkdir\("(.*?)", \w+\)\s+= 0')


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, ...]]]:
    """A run of one source and one map, and its ("flush", path), ("made", folder) and ("moved",
    from, to), in order."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    folder = tmp_path_factory.mktemp("traced")
    world.lines(folder / "in.jsonl", range(3))
    world.recipe(folder, "jsonl: {path: in.jsonl}", "[normalize]", workers=1)
    names = "fsync,fdatasync,syncfs,rename,renameat,renameat2,mkdir"
    command = ["strace", "-f", "-qq", "-y", "-s", "4096", "-o", "trace", "-e", f"trace={names}"]
    done = subprocess.run(
        [*command, *COMMAND, "run", "t.yaml"],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    if "ptrace" in done.stderr and done.returncode:
        pytest.skip(f"strace may not trace here: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    return folder, list(_events((folder / "trace").read_text().splitlines(), folder))


def _events(lines: list[str], folder: Path) -> Iterator[tuple[str, ...]]:
    begun: dict[str, str] = {}
    for line in lines:
        process, _, call = line.partition(" ")
        call = call.strip()
        if call.endswith("<unfinished ...>"):
            begun[process] = call.removesuffix("<unfinished ...>")
            continue
        if call.startswith("<..."):
            call = begun.pop(process, "") + call.partition("resumed>")[2]
        for kind, form in (("flush", _FLUSH), ("all", _ALL), ("moved", _TWO), ("made", _MADE)):
            if match := form.match(call):
                yield (kind, *(os.path.normpath(folder / path) for path in match.groups()))


def _first(events: list[tuple[str, ...]], *event: str, after: int = -1) -> int:
    """Where an event comes, after another; fails when it does not."""
    found = [at for at, one in enumerate(events) if one == event and at > after]
    assert found, f"{event} does not come after {events[after] if after >= 0 else 'the begin'}"
    return found[0]


def test_an_entry_is_on_the_disk_before_it_has_its_name_and_the_name_after(
    calls: tuple[Path, list[tuple[str, ...]]],
) -> None:
    folder, events = calls
    objects = folder / ".seedbed/objects"
    entries = [path.parent for path in objects.glob("*/*/manifest.json")]
    assert len(entries) == 5 and sum((path / "data.arrow").exists() for path in entries) == 2
    for entry in entries:
        moved = next(at for at, (kind, *more) in enumerate(events) if more[1:] == [str(entry)])
        temporary = events[moved][1]
        flushed = [one for one in events[:moved] if temporary in one[1]]
        made_ = [("made", temporary), ("all", temporary)]
        assert flushed == made_, "all of it, at once"
        made = _first(events, "made", str(entry.parent))
        assert made < _first(events, "flush", str(objects), after=made) < moved
        _first(events, "flush", str(entry.parent), after=moved)
        following = [at for at, one in enumerate(events) if at > moved and one[0] == "moved"]
        assert not following or _first(events, "flush", str(entry.parent), after=moved) < min(
            following
        )
    made = _first(events, "made", str(objects))
    _first(events, "flush", str(objects.parent), after=made)


def _all(events: list[tuple[str, ...]], *event: str) -> list[int]:
    found = [at for at, one in enumerate(events) if one == event]
    assert found, f"{event} does not come"
    return found


@pytest.mark.parametrize("name", ["corpus", "steps/01-jsonl", "steps/02-normalize"])
def test_a_shown_corpus_is_on_the_disk_before_it_has_its_name_and_the_name_after(
    name: str, calls: tuple[Path, list[tuple[str, ...]]]
) -> None:
    folder, events = calls
    shown = folder / "runs/t" / name
    moved = next(at for at, (kind, *more) in enumerate(events) if more[1:] == [str(shown)])
    new = events[moved][1]
    for path in (f"{new}/manifest.json", new, f"{new}/data", f"{new}/rejects"):
        assert _first(events, "flush", path) < moved
    _first(events, "flush", str(shown.parent), after=moved)
    for made in (folder / "runs", folder / "runs/t", folder / "runs/t/steps"):
        at = _first(events, "made", str(made))
        assert _first(events, "flush", str(made.parent), after=at) < moved


# --- no room ------------------------------------------------------------------------------------


@contextmanager
def _mounted(place: Path, *how: str) -> Iterator[None]:
    """Something mounted at a folder; skips where that is not allowed."""
    place.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *how, str(place)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _goes_on(folder: Path, store: Path, room: Callable[[], object], words: str) -> None:
    """A run that finds no room says so, keeps what it has, and goes on when there is room."""
    for n in range(6):
        world.lines(folder / f"in/{n}.jsonl", range(n * 400, n * 400 + 400), words=120)
    world.recipe(folder, "jsonl: {path: in}", "[normalize]")
    call = ("run", "t.yaml", "--store", store / "s", "--out", store / "runs")
    done = seedbed(*call, "--part-bytes", "100000", cwd=folder, code=3)
    assert words in done.stderr and "make room" in done.stderr and "bug" not in done.stderr
    finished = {path.parent.name for path in (store / "s/objects").glob("*/*/manifest.json")}
    assert finished, "there is room for the first pieces"
    room()
    seedbed(*call, "--part-bytes", "100000", cwd=folder)
    shutil.copytree(store / "runs", folder / "runs")
    assert sum(again for _, again in world.work(folder).values()) >= len(
        finished & world.named(folder)
    )
    seedbed("run", "t.yaml", "--out", "other", cwd=folder)
    assert Corpus(folder / "other/t/corpus").digest == Corpus(folder / "runs/t/corpus").digest


def test_a_used_up_quota_is_told_like_a_full_disk(tmp_path: Path) -> None:
    """A real one: of the file systems that tests can make, btrfs has quotas that bind root too."""
    if os.geteuid() or not shutil.which("mkfs.btrfs"):
        pytest.skip("only root can mount, and mkfs.btrfs is needed")
    image, disk = tmp_path / "image", tmp_path / "disk"
    image.touch()
    os.truncate(image, 160 << 20)
    subprocess.run(["mkfs.btrfs", "-q", str(image)], check=True, capture_output=True)
    with _mounted(disk, "-t", "btrfs", "-o", "loop", str(image)):

        def limit(size: str) -> None:
            _btrfs("qgroup", "limit", size, str(disk / "mine"))

        _btrfs("subvolume", "create", str(disk / "mine"))
        _btrfs("quota", "enable", str(disk))
        limit("2M")
        _goes_on(tmp_path / "run", disk / "mine", lambda: limit("100M"), "the quota is used up")


def _btrfs(*words: str) -> None:
    done = subprocess.run(["btrfs", *words], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"btrfs has no quotas here: {done.stderr.strip()}")


def test_a_disk_without_inodes_is_told_like_a_full_one(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can mount")
    disk = tmp_path / "disk"
    with _mounted(disk, "-t", "tmpfs", "-o", "size=200m,nr_inodes=60", "tmpfs"):

        def more() -> None:
            options = "remount,nr_inodes=100000"
            subprocess.run(["mount", "-o", options, str(disk)], check=True)

        _goes_on(tmp_path / "run", disk, more, "no inodes are left")


def test_a_quota_is_told_wherever_it_is_met(tmp_path: Path) -> None:
    """By the driver, a worker, a library in C, and where the file system gives no name."""
    import errno

    text = os.strerror(errno.EDQUOT)
    for error in (
        OSError(errno.EDQUOT, text, str(tmp_path / "file")),
        OSError(errno.EDQUOT, text),
        RuntimeError(f"IOError: {text}"),
        RuntimeError(f"write failed (os error {errno.EDQUOT})"),
    ):
        found = told(error)
        assert isinstance(found, StageFailed) and "quota is used up" in str(found)
        answer = refusal(error, "normalize")
        assert answer["error"] == "user" and answer["exit_code"] == 3
        assert "quota is used up" in answer["message"] and "make room" in answer["message"]


# --- single files -------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 kB with a page of an earlier call on it."""
    with _mounted(tmp_path / "small", "-t", "tmpfs", "-o", "size=8k,nr_inodes=9", "tmpfs"):
        yield tmp_path / "small"


@pytest.mark.parametrize("name", ["page.html", "told.json", "plot.pdf", "plot.png"])
def test_a_page_that_finds_no_room_leaves_the_one_before(small: Path, name: str) -> None:
    lines = [{"step": n, "loss": 3 - n / 1000} for n in range(2000)]
    (small.parent / "log.jsonl").write_text("\n".join(map(json.dumps, lines)))
    marks = {
        "page.html": '<meta name="generator" content="seedbed curves">',
        "told.json": '[{"checkpoints":',
    }
    before = marks.get(name, "before")
    (small / name).write_text(before)
    options = {".html": "-o", ".json": "--json"}
    words = [options.get(Path(name).suffix, "--plot"), f"small/{name}"]
    done = seedbed("curves", "log.jsonl", *words, cwd=small.parent, code=3)
    assert "the disk is full" in done.stderr and "inodes" not in done.stderr
    assert [path.name for path in small.iterdir()] == [name]
    assert (small / name).read_text() == before


def test_a_recipe_that_finds_no_room_is_not_left_half(small: Path) -> None:
    world.lines(small.parent / "in/a.jsonl", range(9))
    (small / "fill").write_bytes(b"x" * 4096)
    (small / "more").write_bytes(b"x" * 4096)
    done = seedbed("init", "in", "-o", "small/recipe.yaml", cwd=small.parent, code=3)
    assert "the disk is full" in done.stderr and not (small / "recipe.yaml").exists()


def test_a_page_is_written_through_a_link_and_into_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("old")
    (tmp_path / "link").symlink_to("there")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "there").read_text() == "new"
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE)
    write_whole(tmp_path / "pipe", b"through")
    assert reader.communicate(timeout=20)[0] == b"through" and (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("room", ["8k", "600k", "8m,nr_inodes=3"])
def test_a_query_without_room_for_its_tables_is_no_fault_of_the_dump(
    tmp_path: Path, room: str
) -> None:
    rows = (f"INSERT INTO t VALUES ({n}, '{'words of it ' * 60}');\n" for n in range(4000))
    (tmp_path / "d.sql").write_text("CREATE TABLE t (k int, a text);\n" + "".join(rows))
    world.lines(tmp_path / "in.jsonl", range(3))
    query = "SELECT a AS text FROM t ORDER BY k"
    (tmp_path / "t.yaml").write_text(
        "version: 1\nname: t\nsources:\n  - jsonl: {path: in.jsonl}\n"
        f"  - sql: {{path: d.sql, query: {query}}}\nsteps: [normalize]\n"
    )
    with _mounted(tmp_path / "tmp", "-t", "tmpfs", "-o", f"size={room}", "tmpfs"):
        done = seedbed("run", "t.yaml", cwd=tmp_path, code=3, TMPDIR=str(tmp_path / "tmp"))
    assert "the disk is full" in done.stderr and "TMPDIR" in done.stderr
    assert "corrupt" not in done.stderr
    seedbed("run", "t.yaml", cwd=tmp_path)
    assert len(Corpus(tmp_path / "runs/t/corpus")) == 4003


def test_a_cache_that_is_full_is_no_fault_of_the_model(tmp_path: Path, small: Path) -> None:
    model = talking_model(tmp_path / "model")
    world.lines(tmp_path / "in.jsonl", range(3))
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", f"[tokenize: {{model: {model}}}]", workers=1)
    with contextlib.suppress(OSError), open(small / "filler", "wb") as file:
        while True:
            file.write(b"0" * 4096)
            file.flush()
    done = seedbed("plan", "t.yaml", cwd=tmp_path, XDG_CACHE_HOME=str(small), code=3)
    assert "the disk is full" in done.stderr and "encoders" in done.stderr
    assert "anew" not in done.stderr
    assert [one.name for one in small.rglob("*") if one.is_file()] == ["filler"]
