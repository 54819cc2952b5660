"""Bad luck: kills, full and read-only disks, files that change, damaged and copied stores.

After each, a run gives the same bytes as one that nothing disturbed.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.attack.trial import Skip, Trial, World, waited
from tests.pipeline import world as small
from tests.pipeline.world import all_gone, corpora, new_token

_STEPS = "[normalize, dedup, split]"
RUN = ("run", "t.yaml", "--part-bytes", "2500")
OLD = 1_600_000_000  # a time long ago


def _lay(folder: Path, count: int = 16) -> None:
    small.pages(folder / "in", range(count), words=24)
    small.recipe(folder, "html: {path: in}", _STEPS)
    for path in (folder / "in").iterdir():
        os.utime(path, (OLD, OLD))


class Calm(NamedTuple):
    """What a run that nothing disturbs makes of an input, and its seconds."""

    bytes: dict[str, str]
    seconds: float


_CALM: dict[tuple[str, str], Calm] = {}
_LOCK = threading.Lock()


def _undisturbed(world: World) -> Calm:
    """The bytes that come of the world's input when nothing happens."""
    known = (str(world.code), repr(sorted(small.snapshot(world.folder / "in").items())))
    with _LOCK:
        if known in _CALM:
            return _CALM[known]
        calm = World(world.folder / "tmp/calm", world.code)
        calm.folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(world.folder / "in", calm.folder / "in")
        shutil.copy(world.folder / "t.yaml", calm.folder)
        begun = time.monotonic()
        calm.call(*RUN, codes={0})
        found = Calm(corpora(calm.folder), time.monotonic() - begun)
        world.problems += calm.problems
        shutil.rmtree(calm.folder)
        _CALM[known] = found
        return found


def _same(world: World, calm: Calm, words: str) -> None:
    wanted = calm.bytes
    found = corpora(world.folder)
    differ = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
    world.hold(not differ, f"{words}: other bytes in {differ[:3]}")


def _kill(number: int, world: World) -> None:
    """SIGKILL to the whole group, or the driver alone, at a random moment; then again."""
    _lay(world.folder)
    wanted = _undisturbed(world)
    draw = random.Random(f"luck {world.seed} {number}")
    token = new_token()
    process = world.start(*RUN, token=token)
    time.sleep(draw.uniform(0.1, 1.0) * wanted.seconds)
    end = os.killpg if number % 3 else os.kill
    end(process.pid, signal.SIGKILL)
    waited(process)
    world.hold(all_gone(token), "processes left after a kill")
    world.call(*RUN, codes={0})
    _same(world, wanted, "after a kill")


@contextmanager
def _disk(world: World, name: str, options: str) -> Iterator[Callable[[str], None]]:
    """A tmpfs at a folder of the world; what it gives mounts it anew with other options."""
    place = world.folder / name
    place.mkdir()

    def mount(how: str) -> None:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", how, "tmpfs", str(place)], capture_output=True
        )
        if done.returncode:
            raise Skip(f"no tmpfs can be mounted: {done.stderr.decode().strip()[:80]}")

    if os.geteuid() or not shutil.which("mount"):
        raise Skip("only root can mount a tmpfs")
    mount(options)
    try:
        yield lambda how: mount(f"remount,{how}")
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _full(options: str, world: World) -> None:
    """A disk that is full ends the run with a sentence; with room it goes on."""
    _lay(world.folder)
    wanted = _undisturbed(world)
    with _disk(world, "store", options) as again:
        said = world.call(*RUN, "--store", "store/s", "--out", "store/runs", codes={3})
        world.hold("disk is full" in said, "a full disk is not told")
        again("size=64m,nr_inodes=100000")
        world.call(*RUN, "--store", "store/s", "--out", "store/runs", codes={0})
        shutil.copytree(world.folder / "store/runs", world.folder / "runs")
    _same(world, wanted, "after a full disk")


def _read_only(world: World) -> None:
    """A store, and later a cache, that nobody may write to."""
    _lay(world.folder)
    with _disk(world, "store", "size=64m") as again:
        world.call(*RUN, "--store", "store/s", codes={0})
        again("ro")
        small.pages(world.folder / "in", range(900, 903))
        said = world.call(*RUN, "--store", "store/s", codes={2, 3}, changes=("in",))
        world.hold("ead-only" in said, "a read-only store is not told")


def _cache(world: World) -> None:
    """A cache that is no folder, and one below a file."""
    _lay(world.folder, 4)
    wanted = _undisturbed(world)
    world.write("file", "x")
    world.call(*RUN, SEEDBED_CACHE=str(world.folder / "file/below"))
    if (world.folder / "runs/t/corpus").exists():
        _same(world, wanted, "without a cache")


def _meddled(meddle: Callable[[Path, random.Random], None], world: World) -> None:
    """Files change or vanish while they are read; when they rest, all is as it should be."""
    _lay(world.folder)
    draw = random.Random(f"luck {world.seed} {meddle.__name__}")
    token = new_token()
    process = world.start(*RUN, token=token)
    files = sorted((world.folder / "in").iterdir())
    end = time.monotonic() + 120
    while not (world.folder / "runs/t/events.jsonl").exists() and time.monotonic() < end:
        time.sleep(0.01)
    for path in draw.sample(files, 15):
        if process.poll() is None:
            meddle(path, draw)
            time.sleep(draw.uniform(0.0, 0.08))
    code, _, _ = waited(process) if process.returncode is None else (process.returncode, 0, 0)
    world.hold(code in (0, 2, 3), f"exit {code} while files change")
    world.hold("Traceback" not in "".join(world.said(world.calls)), "a traceback")
    world.hold(all_gone(token), "processes left")
    world.call(*RUN, codes={0})
    _same(world, _undisturbed(world), "after files had changed")


def _edited(path: Path, draw: random.Random) -> None:
    """In place, as long as before, with the time of before."""
    before = path.stat()
    data = path.read_bytes()
    path.write_bytes(data.replace(b"a", b"o") if draw.random() < 0.5 else data.replace(b"e", b"u"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _vanished(path: Path, draw: random.Random) -> None:
    path.unlink()


def _replaced(path: Path, draw: random.Random) -> None:
    new = path.parent.parent / "new"
    new.write_text(small.page(small.prose(draw.random(), 30)))
    new.replace(path)


def _cut(path: Path, draw: random.Random) -> None:
    os.truncate(path, draw.randrange(path.stat().st_size))


def _two(world: World) -> None:
    """Two recipes at once on one store, and the same recipe twice."""
    _lay(world.folder)
    wanted = _undisturbed(world)
    token = new_token()
    small.recipe(world.folder, "html: {path: in}", _STEPS, name="u")
    calls = [(*RUN,), ("run", "u.yaml", *RUN[2:]), (*RUN,)]
    begun = [world.start(*words, token=token) for words in calls]
    codes = [waited(process)[0] for process in begun]
    world.hold(codes[1] == 0 and 0 in (codes[0], codes[2]), f"exit codes {codes}")
    world.hold({*codes} <= {0, 2, 3, 75}, f"exit codes {codes}")
    world.hold(all_gone(token), "processes left")
    world.call(*RUN, codes={0})
    _same(world, wanted, "two runs at once")
    found = corpora(world.folder, "u")
    world.hold(found["corpus/data/00000.arrow"] == wanted.bytes["corpus/data/00000.arrow"], "run u")


def _stored(change: Callable[[World], None], world: World) -> None:
    """A store to which something happened; a further page lets its pieces flow on."""
    _lay(world.folder)
    world.call(*RUN, codes={0})
    small.pages(world.folder / "in", range(900, 902), words=24)
    wanted = _undisturbed(world)
    change(world)
    shutil.rmtree(world.folder / "runs")
    world.call(*RUN, codes={0, 3})
    world.call(*RUN, codes={0})
    _same(world, wanted, "after what happened to the store")


def _entries(world: World) -> list[Path]:
    return sorted(path for path in (world.folder / ".seedbed/objects").rglob("*") if path.is_file())


def _copied(world: World) -> None:
    """A copy by plain `cp -r`, later in the alphabet first: links, times and rights are lost."""
    old = world.folder / ".seedbed"
    new = world.folder / "tmp/copy"
    for path in sorted(old.rglob("*"), reverse=True):
        if path.is_file():
            (new / path.relative_to(old)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, new / path.relative_to(old))
    shutil.rmtree(old)
    new.rename(old)


def _future(world: World) -> None:
    for path in _entries(world):
        os.utime(path, (OLD + 10**9, OLD + 10**9))


def _past(world: World) -> None:
    for number, path in enumerate(_entries(world)):
        os.utime(path, (OLD - number, OLD - number))


def _flipped(suffix: str, times: str, world: World) -> None:
    draw = random.Random(f"luck {world.seed} {suffix} {times}")
    files = [path for path in _entries(world) if path.name.endswith(suffix)]
    for path in draw.sample(files, min(4, len(files))):
        before = path.stat()
        data = bytearray(path.read_bytes())
        data[draw.randrange(len(data) // 4, len(data))] ^= 1 << draw.randrange(8)
        path.chmod(0o644)
        path.write_bytes(data)
        path.chmod(0o444)
        if times == "kept":
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _emptied(world: World) -> None:
    for number, path in enumerate(_entries(world)):
        if number % 3 == 0:
            path.chmod(0o644)
            path.write_bytes(b"")


def _lost(world: World) -> None:
    for number, path in enumerate(_entries(world)):
        if number % 3 == 0:
            path.unlink()


def _temporary(world: World) -> None:
    _lay(world.folder, 4)
    wanted = _undisturbed(world)
    world.call(*RUN, codes={0, 2, 3}, TMPDIR=str(world.folder / "nowhere"))
    world.call(*RUN, codes={0})
    _same(world, wanted, "without TMPDIR")


def _interrupted(number: int, world: World) -> None:
    """Ctrl-C, SIGTERM or a closed terminal: an exit code that says so, and the run goes on."""
    _lay(world.folder)
    wanted = _undisturbed(world)
    token = new_token()
    process = world.start(*RUN, token=token)
    time.sleep(1.0 + number / 5)
    sent = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[number % 3]
    if process.poll() is None:
        os.killpg(process.pid, sent)
        code, _, _ = waited(process)
        stopped = 130 if sent == signal.SIGINT else 75
        world.hold(code in (0, stopped), f"exit {code} after {sent.name}")
    world.hold(all_gone(token), "processes left")
    world.call(*RUN, codes={0})
    _same(world, wanted, f"after {sent.name}")


def trials(field: str, seed: int, fast: bool) -> Iterator[Trial]:
    """All of it; a kill and a flipped byte when fast."""
    for number in range(20 if not fast else 1):
        yield Trial(f"kill {number}", partial(_kill, number + 1))
    damage: dict[str, Callable[[World], None]] = {
        "flipped data": partial(_flipped, ".arrow", "kept"),
        "flipped data, new times": partial(_flipped, ".arrow", "new"),
        "flipped manifests": partial(_flipped, "manifest.json", "kept"),
        "copied": _copied,
        "from the future": _future,
        "from the past": _past,
        "emptied files": _emptied,
        "lost files": _lost,
    }
    for name, change in damage.items():
        if not fast or name == "flipped data":
            yield Trial(f"store {name}", partial(_stored, change))
    if fast:
        return
    yield Trial("full disk", partial(_full, "size=120k"))
    yield Trial("no inodes", partial(_full, "size=64m,nr_inodes=40"))
    yield Trial("read-only store", _read_only)
    yield Trial("no cache", _cache)
    for meddle in (_edited, _vanished, _replaced, _cut):
        yield Trial(f"while reading: {meddle.__name__[1:]}", partial(_meddled, meddle))
    yield Trial("two runs", _two)
    yield Trial("no TMPDIR", _temporary)
    for number in range(3):
        yield Trial(f"interrupted {number}", partial(_interrupted, number))
