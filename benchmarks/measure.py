"""What the benchmarks share: CPU seconds with those of children, rounds in turn, tables.

Times are CPU seconds, user and system, of this process and its ended children. All that is compared
runs in one process, in turn, round after round; a ratio is the median of the rounds' ratios, so
that what else the machine does weighs on both sides. A peer that is not installed is left out.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch, NumPy and scikit-learn read it when loaded
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("RAYON_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import ctypes
import datetime
import importlib
import importlib.metadata
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SUBREAPER = 36  # prctl: orphans become this process's children, so that their time is counted


def cpu() -> float:
    """CPU seconds so far, with those of children that have ended."""
    children = os.times()  # in hundredths; this process is known more finely
    return time.process_time() + children.children_user + children.children_system


@dataclass(frozen=True)
class Timed:
    """CPU seconds of each round, and what the last one returned."""

    rounds: tuple[float, ...]
    result: Any

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(self.rounds)

    def times(self, other: Timed) -> float:
        """How many times as fast as the other: the median over the rounds."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(theirs / max(ours, 1e-6) for ours, theirs in pairs)


def in_turn(works: Mapping[str, Callable[[], Any]], rounds: int = 5) -> dict[str, Timed]:
    """Each of the works once a round, the order turned round after each."""
    spent: dict[str, list[float]] = {name: [] for name in works}
    results: dict[str, Any] = {}
    names = list(works)
    for _ in range(rounds):
        for name in names:
            begin = cpu()
            results[name] = works[name]()
            spent[name].append(cpu() - begin)
        names.reverse()
    return {name: Timed(tuple(spent[name]), results[name]) for name in works}


def of_command(arguments: Sequence[str], folder: Path) -> float:
    """CPU seconds of `seedbed` with these arguments in a folder, and of everything that it started,
    those that were killed and those that others left, too."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    subprocess.run(
        [sys.executable, "-m", "seedbed", *arguments],
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def peer(module: str, install: str = "") -> Any:
    """A peer's module, or None after a line that says how to have it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        print(f"{module}: not installed, left out (pip install {install or module})")
        return None


def header(name: str, *distributions: str) -> None:
    """One line each: what ran when, on what, with which versions."""
    print(f"bench-{name}, {datetime.date.today().isoformat()}")
    kind = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        kind = f"{found[0]}, {kind}" if found else kind
    print(f"{os.cpu_count()} cores ({kind}), one thread; Python {platform.python_version()}")
    versions = []
    for distribution in distributions:
        try:
            versions.append(f"{distribution} {importlib.metadata.version(distribution)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    if versions:
        print(", ".join(versions))
    print()


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns as wide as they must be, the first to the left and numbers to the right."""
    shown = [list(head), *([_shown(cell) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in shown) for at in range(len(head))]
    for row in shown:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join(cells).rstrip())
    print()


def _shown(cell: object) -> str:
    if not isinstance(cell, float):
        return f"{cell:,}" if isinstance(cell, int) else str(cell)
    if abs(cell) >= 100:
        return f"{cell:,.0f}"
    return f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.3f}"


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half the width of its 95 % interval (Student's t)."""
    from scipy.stats import t

    count = len(values)
    spread = statistics.stdev(values) / count**0.5
    return statistics.fmean(values), float(t.ppf(0.975, count - 1)) * spread
