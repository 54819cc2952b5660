"""A small world for tests of the engine: pages, recipes, the command, what a run says it did."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent.parent
COMMAND = [sys.executable, "-P", "-m", "seedbed"]
TOKEN = "SEEDBED_TEST_TOKEN"
WORDS = [
    "".join(random.Random(n).choices("bcdfglmnprstv", k=2)) + "aeiou"[n % 5] + f"{n % 97:02d}"
    for n in range(4000)
]


def done_here(function: str, job: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of a job, done in this process."""
    module, _, name = function.partition(":")
    summary = getattr(importlib.import_module(module), name)(json.loads(json.dumps(job)))
    return {**summary, "seconds": 0.0, "cpu": 0.0}


def environment(**more: str) -> dict[str, str]:
    """The environment of a command: our code first, one thread, nothing of pytest's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV"))}
    return {**kept, "PYTHONPATH": str(HOME), "OMP_NUM_THREADS": "1", **more}


def seedbed(
    *arguments: str | Path, cwd: Path, code: int = 0, seconds: float = 120, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the command and assert its exit code."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done


def start(*arguments: str | Path, cwd: Path, token: str = "") -> subprocess.Popen[str]:
    """Start the command in a process group of its own."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(**({TOKEN: token} if token else {})),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_signals,
    )


def heed_signals() -> None:
    """A shell that runs the tests in the background lets them inherit an ignored Ctrl-C, and
    nohup an ignored SIGHUP."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def new_token() -> str:
    """A word that marks the processes of one test in their environment."""
    return secrets.token_hex(8)


def processes(token: str) -> dict[int, str]:
    """pid → command line of the living processes that carry a token."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if f"{TOKEN}={token}".encode() not in (folder / "environ").read_bytes():
                continue
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if state != "Z":
            found[int(folder.name)] = line
    return found


def wait_until(what: Any, seconds: float) -> Any:
    """The first true value of `what()`, or its last one when the time is over."""
    end = time.monotonic() + seconds
    while not (value := what()) and time.monotonic() < end:
        time.sleep(0.01)
    return value


def end(process: subprocess.Popen[str]) -> None:
    """Kill a command's whole group, if it still lives."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def begins(folder: Path, label: str, name: str = "t") -> None:
    """Wait until a run's events say that a step has begun."""
    events = folder / "runs" / name / "events.jsonl"
    assert wait_until(lambda: events.exists() and f'"{label}"' in events.read_text(), 60)


def all_gone(token: str) -> bool:
    """Whether within five seconds no process carries a token."""
    return bool(wait_until(lambda: not processes(token), 5.0))


# --- input --------------------------------------------------------------------------------------


def prose(seed: object, words: int = 40) -> str:
    """Words that no other seed gives in this order."""
    chosen = random.Random(f"prose {seed}").choices(WORDS, k=words)
    lines = [" ".join(chosen[n : n + 8]).capitalize() + "." for n in range(0, words, 8)]
    return " ".join(lines)


def page(text: str, title: str = "") -> str:
    """A web page with one paragraph."""
    head = f"<html><head><title>{title}</title></head>"
    return f"{head}<body><article><p>{text}</p></article></body></html>"


def pages(folder: Path, numbers: Iterable[int], words: int = 40) -> None:
    """One page a number, each with a text of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in numbers:
        text = page(prose(n, words), f"Page {n}")
        (folder / f"page-{n:05d}.html").write_text(text)


def lines(path: Path, numbers: Iterable[int], words: int = 40) -> None:
    """A JSONL file of questions and answers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = ({"prompt": f"Question {n}?", "completion": prose(n, words)} for n in numbers)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def recipe(
    folder: Path, sources: str, steps: str = "[]", workers: int = 2, name: str = "t"
) -> Path:
    """Write a recipe; sources is one flow mapping, as `html: {path: in}`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(
        f"version: 1\nname: {name}\nseed: 7\nsources:\n  - {sources}\nsteps: {steps}\n"
        f"run: {{workers: {workers}}}\n"
    )
    return path


def clone(world: Path, to: Path) -> Path:
    """A copy of a folder with a run; input and store are hard links: replace, do not write."""
    shutil.copytree(world, to, ignore=shutil.ignore_patterns("in", "objects"))
    for name in ("in", ".seedbed/objects"):
        shutil.copytree(world / name, to / name, copy_function=os.link)
    return to


# --- what a run did -----------------------------------------------------------------------------


def account(folder: Path, name: str = "t") -> dict[str, Any]:
    """A run's own account."""
    return dict(json.loads((folder / "runs" / name / "run.json").read_text()))


def work(folder: Path, name: str = "t") -> dict[str, tuple[int, int]]:
    """stage → (computed, reused) of a run's steps."""
    return {
        step["stage"]: (step["computed"], step["reused"]) for step in account(folder, name)["steps"]
    }


def named(folder: Path, name: str = "t") -> set[str]:
    """The keys that a run's steps name."""
    return {key for step in account(folder, name)["steps"] for key in step["keys"]}


def stored(folder: Path) -> set[str]:
    """The keys that are whole in a store."""
    return {path.parent.name for path in (folder / ".seedbed/objects").glob("*/*/manifest.json")}


def snapshot(folder: Path) -> dict[str, str]:
    """relative path → sha-256 of all files below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def corpora(folder: Path, name: str = "t") -> dict[str, str]:
    """The files of a run's corpus and of the corpus after each step."""
    run = folder / "runs" / name
    parts: Mapping[str, Path] = {"corpus": run / "corpus", "steps": run / "steps"}
    found = {f"{k}/{n}": h for k, path in parts.items() for n, h in snapshot(path).items()}
    assert found
    return found
