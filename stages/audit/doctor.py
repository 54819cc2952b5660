"""`seedbed doctor`: what of this machine stands in the way, and what to do about it."""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from stages.words import size

ABOUT = "look at this machine: disk, memory, GPU, extras, models, tools; and what to do about them"
FOUND = 3  # the exit code where something stands in the way
Level = Literal["good", "note", "problem"]
_DISK, _TEMPORARY = 2 << 30, 1 << 30  # bytes that should be free
_MEMORY, _TRAINING = 1 << 30, 3 << 30  # and in memory: for a reader and a worker; to train smollm2
_OPEN_FILES = 256
_SECONDS = 10  # for a program that is asked


@dataclass(frozen=True)
class Sign:
    """What was looked at, how it is, what to do where it is not good."""

    what: str
    level: Level
    words: str
    remedy: str = ""


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    about = "where a run would write; default: the working folder"
    parser.add_argument("folder", nargs="?", type=Path, default=Path("."), help=about)
    parser.add_argument("--json", action="store_true", help="a JSON list, for programs")


def act(given: argparse.Namespace) -> int:
    """Look, and tell."""
    from stages.json_lines import for_programs

    found = signs(given.folder)
    if given.json:
        print(for_programs([asdict(one) for one in found]))
    else:
        marks = {"good": " ", "note": "-", "problem": "!"}
        for one in found:
            print(f"{marks[one.level]} {one.what:<12} {one.words}")
            if one.remedy:
                print(f"  {'':<12} {one.remedy}")
        bad = sum(one.level == "problem" for one in found)
        print(f"\n{bad or 'nothing'} stands in the way" if bad != 1 else "\n1 stands in the way")
    return FOUND if any(one.level == "problem" for one in found) else 0


def signs(folder: Path) -> list[Sign]:
    """All that is looked at; a look that fails is a problem itself."""
    looks: dict[str, Callable[[], Iterator[Sign]]] = {
        "Python": python,
        "folder": lambda: disk("folder", folder, _DISK),
        "temporary": lambda: disk("temporary", Path(tempfile.gettempdir()), _TEMPORARY),
        "memory": lambda: memory(available_memory()),
        "files": open_files,
        "GPU": gpu,
        "extras": extras,
        "models": models,
        "tools": tools,
    }
    found: list[Sign] = []
    for what, look in looks.items():
        try:
            found += look()
        except Exception as error:  # of a machine that nobody thought of
            found.append(Sign(what, "problem", f"cannot be looked at: {error}"))
    return found


def python() -> Iterator[Sign]:
    """The interpreter, and how it reads names and text."""
    version = ".".join(map(str, sys.version_info[:3]))
    if not (3, 11) <= sys.version_info < (3, 14):
        yield Sign("Python", "problem", f"{version} is not one that seedbed is tested with",
            "use Python 3.11 to 3.13")  # fmt: skip
    else:
        yield Sign("Python", "good", f"{version}, {os.cpu_count()} processors")
    if sys.getfilesystemencoding().lower() != "utf-8":
        yield Sign("text", "problem", f"names of files are {sys.getfilesystemencoding()}",
            "set LC_ALL=C.UTF-8")  # fmt: skip


def disk(what: str, folder: Path, wanted: int) -> Iterator[Sign]:
    """Whether a folder can be written, has room, and has locks."""
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".seedbed-doctor-") as file:
            locks = _locks(file.fileno())
    except OSError as error:
        remedy = "name another with TMPDIR" if what == "temporary" else "go to a folder of yours"
        yield Sign(what, "problem", f"{there} cannot be written ({error.strerror})", remedy)
        return
    free = shutil.disk_usage(there).free
    if free < wanted:
        yield Sign(what, "problem", f"{there} has {size(free)} free, of {size(wanted)} that a run "
            "may need", "make room: `seedbed gc` removes what no run names")  # fmt: skip
    else:
        yield Sign(what, "good", f"{there}: {size(free)} free")
    if not locks:
        yield Sign(what, "note", f"{there} is on a file system without locks",
            "run no two commands on one store at the same time")  # fmt: skip


def _locks(descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def available_memory() -> int | None:
    """Bytes that programs can still have, by the kernel and by the container; None: not known."""
    found = []
    if (about := _text("/proc/meminfo")) and (match := re.search(r"MemAvailable:\s+(\d+)", about)):
        found.append(int(match[1]) << 10)
    limit = _text("/sys/fs/cgroup/memory.max") or ""
    used = _text("/sys/fs/cgroup/memory.current") or ""
    if limit.strip().isdigit() and used.strip().isdigit():
        found.append(max(0, int(limit) - int(used)))
    return min(found, default=None)


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except OSError:
        return None


def memory(free: int | None) -> Iterator[Sign]:
    """Whether there is memory for a reader, and for training."""
    if free is None:
        yield Sign("memory", "note", "not known on this system")
    elif free < _MEMORY:
        yield Sign("memory", "problem", f"{size(free)} free, of {size(_MEMORY)} that a run needs",
            "end other programs, or give the container more")  # fmt: skip
    elif free < _TRAINING:
        yield Sign("memory", "note", f"{size(free)} free: enough for a corpus, not for training",
            "`seedbed estimate` says what a training takes")  # fmt: skip
    else:
        yield Sign("memory", "good", f"{size(free)} free")


def open_files() -> Iterator[Sign]:
    """Whether a process may have as many files open as a run has."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if 0 <= most < _OPEN_FILES:
        words = f"a process may have {most} files open"
        yield Sign("files", "problem", words, "ulimit -n 1024")


def gpu() -> Iterator[Sign]:
    """The GPUs, and whether torch can use them."""
    cards = _asked("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    torch = _version("torch")
    if not cards:
        yield Sign("GPU", "note", "none that nvidia-smi shows: training runs on the processor",
            "`seedbed bundle` packs a step for a machine that has one")  # fmt: skip
        return
    told = "; ".join(line.strip() for line in cards.splitlines())
    if torch is not None and torch.endswith("+cpu"):
        yield Sign("GPU", "problem", f"{told}, which torch {torch} cannot use",
            "install a torch with CUDA: https://pytorch.org/get-started")  # fmt: skip
    else:
        yield Sign("GPU", "good", told)


def _asked(*command: str) -> str:
    """What a program says; empty where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def extras() -> Iterator[Sign]:
    """Which extras are whole, and what the others lack."""
    try:
        wanted = metadata.requires("seedbed") or []
    except metadata.PackageNotFoundError:
        yield Sign("extras", "note", "seedbed is not installed here as a package",
            "pip install -c constraints.txt -e .")  # fmt: skip
        return
    lacks: dict[str, list[str]] = {}
    for line in wanted:
        name = re.match(r"[\w.-]+", line)
        marker = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", line)
        if name is None or (marker is not None and marker[1] == "dev"):
            continue
        missing = lacks.setdefault(marker[1] if marker else "", [])
        if _version(name[0]) is None:
            missing.append(name[0])
    if core := lacks.pop("", []):
        yield Sign("packages", "problem", f"missing: {', '.join(core)}",
            "pip install -c constraints.txt seedbed")  # fmt: skip
    whole = [extra for extra, missing in lacks.items() if not missing]
    yield Sign("extras", "good", f"installed: {', '.join(whole) or 'none'}")
    for extra, missing in lacks.items():
        if missing:
            yield Sign("extras", "note", f"{extra} lacks {', '.join(missing)}",
                f"pip install -c constraints.txt 'seedbed[{extra}]'")  # fmt: skip


def models() -> Iterator[Sign]:
    """The cache of models, and the embedded one."""
    from stages.cached import cache_folder
    from stages.tokens import model

    yield from disk("models", cache_folder(), _TEMPORARY)
    if (problem := model.problem_with(model.EMBEDDED)) is not None:
        yield Sign("models", "note", f"the embedded model is not there: {problem}")
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        yield Sign("models", "note", "HF_HUB_OFFLINE is set: no model comes from the hub",
            "name models by their folder")  # fmt: skip


def tools() -> Iterator[Sign]:
    """Programs that some files need."""
    from stages.extract.packed import pg_archives

    if (found := pg_archives.restorer()) is None:
        yield Sign("pg_restore", "note", "not installed: pg_dump's custom, tar and folder formats "
            "cannot be read", "apt install postgresql-client")  # fmt: skip
    else:
        yield Sign("pg_restore", "good", f"{found[1]}, {found[0]}")
