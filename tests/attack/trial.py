"""One attack on the real command: a folder of its own, calls, and what must hold after each.

Of every call: an exit code that is told, no trace, nothing on the terminal that moves its cursor,
CPU and memory within a budget, no process left, no file of others touched, no secret written.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from stages.corpus import Corpus
from stages.place import Place
from tests.pipeline.world import HOME, TOKEN, all_gone, new_token, processes

CODES = frozenset({0, 2, 3, 75, 130})
CPU, MEMORY = 60.0, 2 << 30  # seconds and bytes of one call, all its processes together and each
WALL = 240.0  # seconds after which a call hangs
ADDRESSES = 16 << 30  # bytes: what eats memory must not take the machine with it
OURS = ("out", "runs", ".seedbed", "store", "cache", "tmp", "home")
# C0 but for the line's end, DEL, C1, and what turns the direction of writing.
_RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Skip(Exception):
    """This attack cannot be made here; the words say why."""


@dataclass
class World:
    """The folder of one attack. code: the folder of seedbed's code that is attacked."""

    folder: Path
    code: Path = HOME
    seed: int = 1
    secrets: tuple[str, ...] = ()
    problems: list[str] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)  # one of many inputs → what does not hold
    calls: int = 0

    def path(self, name: str) -> Path:
        """A path in the folder, whose own folder is there."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, name: str, data: bytes | str) -> Path:
        """A file in the folder."""
        path = self.path(name)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def hold(self, true: object, words: str) -> None:
        """Note what does not hold."""
        if not true:
            self.problems.append(words)

    def environment(self, token: str = "", **more: str) -> dict[str, str]:
        """Of a call: our code, caches and temporary files in the folder."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV"))}
        for name in ("tmp", "home", "cache"):
            (self.folder / name).mkdir(exist_ok=True)
        places = {"TMPDIR": "tmp", "HOME": "home", "SEEDBED_CACHE": "cache"}
        mine = {name: str(self.folder / place) for name, place in places.items()}
        mine |= {"PYTHONPATH": str(self.code), "OMP_NUM_THREADS": "1", TOKEN: token}
        return {**kept, **mine, "PYTHONDONTWRITEBYTECODE": "1", **more}

    def start(self, *words: str | Path, token: str = "", **more: str) -> subprocess.Popen[bytes]:
        """Start the command in a group of its own, its output in files beside the folder."""
        self.calls += 1
        beside = self.folder.parent / f"{self.folder.name}.{self.calls}"
        with open(f"{beside}.out", "wb") as out, open(f"{beside}.err", "wb") as err:
            return subprocess.Popen(
                [sys.executable, "-m", "seedbed", *map(os.fsencode, words)],
                cwd=self.folder,
                env=self.environment(token, **more),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                preexec_fn=_limited,
            )

    def said(self, number: int) -> tuple[str, str]:
        """stdout and stderr of a call."""
        beside = self.folder.parent / f"{self.folder.name}.{number}"
        out, err = (Path(f"{beside}.{one}").read_bytes() for one in ("out", "err"))
        return out.decode("utf-8", "surrogateescape"), err.decode("utf-8", "surrogateescape")

    def call(
        self,
        *words: str | Path,
        codes: frozenset[int] | set[int] = CODES,
        cpu: float = CPU,
        memory: int = MEMORY,
        changes: Sequence[str] = (),
        **more: str,
    ) -> str:
        """Run the command and judge it; what it said. changes: names besides ours that may."""
        token = new_token()
        before = snapshot(self.folder, (*OURS, *changes))
        number = self.calls + 1
        process = self.start(*words, token=token, **more)
        code, used, peak = waited(process)
        out, err = self.said(number)
        told = " ".join(str(word) for word in words)[:80]
        last = (err.strip().splitlines() or [""])[-1][:200]
        if code is None:
            self.problems.append(f"{told}: still running after {WALL:.0f} s")
            code = 0
        self.hold(code in codes, f"{told}: exit {code}, {sorted(codes)} allowed: {last}")
        self.hold("Traceback" not in out + err, f"{told}: a traceback: {last}")
        self.hold(not _RAW.search(out + err), f"{told}: control characters on the terminal")
        self.hold(used <= cpu, f"{told}: {used:.0f} CPU-s, {cpu:.0f} allowed")
        self.hold(peak <= memory, f"{told}: {peak >> 20} MB, {memory >> 20} allowed")
        self.hold(all_gone(token), f"{told}: processes left")
        for left in processes(token):
            with contextlib.suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)
        after = snapshot(self.folder, (*OURS, *changes))
        touched = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        self.hold(not touched, f"{told}: files of others changed: {touched[:3]}")
        self.no_secrets(out + err)
        return out + err

    def no_secrets(self, said: str) -> None:
        """No secret stands in what was said or in a file of ours."""
        for secret in self.secrets:
            self.hold(secret not in said, "a secret is printed")
            for top in OURS:
                for path in sorted((self.folder / top).rglob("*")):
                    if path.is_file() and secret.encode() in path.read_bytes():
                        self.problems.append(f"a secret is in {path.relative_to(self.folder)}")

    def texts(self, corpus: str = "out") -> list[str]:
        """All texts of a corpus; its counts must agree."""
        found = self.corpus(corpus)
        if found is None:
            return []
        texts: list[str] = []
        for batch in found.batches():
            for row in batch.select(["text", "prompt", "completion"]).to_pylist():
                texts += [text for text in row.values() if text is not None]
        return texts

    def corpus(self, name: str = "out") -> Corpus | None:
        """A corpus whose counts agree: in = kept + dropped + failed, and the rows are there."""
        try:
            found = Corpus(self.folder / name)
            counts: Mapping[str, Any] = found.manifest["counts"]
            left = counts["dropped"] + counts["failed"]
            self.hold(counts["seen"] == counts["kept"] + left, f"{name}: counts {counts}")
            self.hold(len(found) == counts["made"], f"{name}: {len(found)} rows, {counts}")
            self.hold(found.rejects().num_rows == left, f"{name}: rejects, {counts}")
        except Exception as error:
            self.problems.append(f"{name}: no corpus ({type(error).__name__}: {error})"[:300])
            return None
        return found

    def kept(self, text: str, corpus: str = "out") -> None:
        """The good neighbour is in the corpus."""
        self.hold(any(text in one for one in self.texts(corpus)), f"{corpus} lacks {text[:60]!r}")


@dataclass(frozen=True)
class Trial:
    """name; the attack; the number of hostile inputs in it; the same in halves, for blame."""

    name: str
    attack: Callable[[World], None]
    size: int = 1
    apart: tuple[Callable[[], Trial], ...] = ()


@dataclass(frozen=True)
class Result:
    """What came of a trial: how many inputs were tried, and (name, problem) of those that won."""

    tried: int
    lost: tuple[tuple[str, str], ...]
    skipped: str = ""


def plain(text: str) -> str:
    """Text that can be printed, whatever is in it."""
    return _RAW.sub(lambda found: ascii(found[0])[1:-1], text).encode("ascii", "replace").decode()


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def waited(process: subprocess.Popen[bytes]) -> tuple[int | None, float, int]:
    """Exit code (None: hung), CPU seconds and the most memory of a call and its processes."""
    hung = threading.Event()

    def kill() -> None:
        hung.set()
        os.killpg(process.pid, signal.SIGKILL)

    # What a process leaves unwaited for becomes a child of ours: its time and memory count too.
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
    timer = threading.Timer(WALL, kill)
    timer.start()
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss
    end = time.monotonic() + 5
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < end:
            found, _, usage = os.wait4(-process.pid, os.WNOHANG)
            cpu, peak = cpu + usage.ru_utime + usage.ru_stime, max(peak, usage.ru_maxrss)
            if not found:
                time.sleep(0.01)
    return None if hung.is_set() else process.returncode, cpu, peak << 10


def snapshot(folder: Path, without: Sequence[str] = ()) -> dict[str, tuple[object, ...]]:
    """path → what lies there, of all but some folders; nothing is followed or opened in vain."""
    found: dict[str, tuple[object, ...]] = {}

    def look(path: str, name: str) -> None:
        for entry in sorted(os.scandir(path), key=lambda one: one.name):
            below = f"{name}{entry.name}"
            if not name and entry.name in without:
                continue
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                found[below] = ("link", os.readlink(entry.path))
            elif stat.S_ISREG(mode):
                found[below] = ("file", hashlib.sha256(Path(entry.path).read_bytes()).hexdigest())
            else:
                found[below] = (stat.S_IFMT(mode),)
            if stat.S_ISDIR(mode):
                look(entry.path, f"{below}/")

    look(str(folder), "")
    return found


def run(trial: Trial, folder: Path, code: Path = HOME, seed: int = 1, keep: bool = False) -> Result:
    """Make an attack; one of many inputs that does not hold is made again with each apart."""
    world = World(folder / re.sub(r"\W+", "-", trial.name)[:60].strip("-"), code, seed)
    place = world.folder
    for number in range(2, 1000):
        if not world.folder.exists():
            break
        world.folder = place.with_name(f"{place.name}-{number}")
    world.folder.mkdir(parents=True)
    try:
        trial.attack(world)
    except Skip as reason:
        return Result(0, (), str(reason))
    except Exception as error:
        world.problems.append(f"{type(error).__name__}: {error}"[:300])
    finally:
        if not keep and not (world.problems and not trial.apart):
            _remove(world.folder)
    lost = list(world.lost.items())
    if not world.problems:
        return Result(trial.size, tuple(lost))
    if trial.apart:
        parts = [part() for part in trial.apart]
        lost = [one for part in parts for one in run(part, folder, code, seed, keep).lost]
        if not lost:
            lost = [(trial.name, f"only together: {world.problems[0]}")]
        return Result(trial.size, tuple(lost))
    if not keep:
        _remove(world.folder)
    return Result(trial.size, ((trial.name, "; ".join(dict.fromkeys(world.problems))),))


def _remove(folder: Path) -> None:
    for path in folder.parent.glob(f"{folder.name}.*"):
        path.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def batch(
    name: str,
    stage: str,
    files: Mapping[str, bytes | Callable[[], bytes]],
    good: tuple[str, bytes, str],
    *options: str,
    silent: Callable[[bytes], bool] = lambda data: not data,
) -> Trial:
    """Hostile files beside two good ones in one call of a stage. good: suffix, bytes, a text.

    silent: whether a file's bytes rightly give neither a record nor a reject."""

    def attack(world: World) -> None:
        suffix, data, text = good
        for first in ("0good", "zgood"):
            world.write(f"in/{first}{suffix}", data)
        for file, made in files.items():
            world.write(f"in/{file}", made if isinstance(made, bytes) else made())
        world.call(stage, "in", "-o", "out", *options, codes={0}, cpu=CPU + 2 * len(files))
        found = world.corpus()
        if found is None:
            return
        texts = world.texts()
        world.hold(sum(text in one for one in texts) >= 2, "the good neighbour is not kept")
        places = [p for t in found.batches() for p in t.column("place").to_pylist()]
        places += found.rejects().column("place").to_pylist()
        named = {Place.parse(place).path for place in places if place}
        for file in sorted({*files} - named):
            if not silent((world.folder / "in" / file).read_bytes()):
                world.lost[file] = "neither a record nor a reject"

    names = list(files)
    halves = [names[: len(names) // 2], names[len(names) // 2 :]] if len(names) > 1 else []

    def part(number: int) -> Trial:
        half = {file: files[file] for file in halves[number]}
        return batch(f"{name}/{number}", stage, half, good, *options, silent=silent)

    apart = tuple(partial(part, number) for number in range(len(halves)))
    return Trial(name if len(names) > 1 else f"{name}: {names[0]}", attack, len(files), apart)


def batches(
    name: str,
    stage: str,
    files: Mapping[str, bytes | Callable[[], bytes]],
    good: tuple[str, bytes, str],
    *options: str,
    at_once: int = 40,
    silent: Callable[[bytes], bool] = lambda data: not data,
) -> Iterator[Trial]:
    """Batches of so many files."""
    names = list(files)
    for begin in range(0, len(names), at_once):
        some = {file: files[file] for file in names[begin : begin + at_once]}
        yield batch(f"{name} {begin + 1}-{begin + len(some)}", stage, some, good, *options,
                    silent=silent)  # fmt: skip
