"""What a part costs on each executor, and whether anything grows with their number.

    python -m benchmarks.bench_scale [--parts 10000] [--megabytes 4] [--quick]

Empty parts through `map` on local workers, on a Ray cluster of two nodes of this machine and on
Dask's, in one run: the time until the first summary, wall and driver's CPU a part, what the driver
grew by, and what the cluster takes while it waits. Then runs of the engine over many small pieces
(CPU of the driver a piece) and over more and more data (peak memory of driver and workers).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import header, peer, table

HOME = Path(__file__).resolve().parent.parent
FIRST = 1000  # parts before memory is looked at, so that what grows once is not counted


def empty(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part without work."""
    return {"number": part["number"]}


def _parts(begin: int, end: int) -> list[dict[str, Any]]:
    """Parts as long as a job of a chain is, about 1 KB."""
    return [
        {"number": number, "about": "empty", "rest": "x" * 1000} for number in range(begin, end)
    ]


def _local(map_: Any) -> Callable[[int], int]:
    def work(count: int) -> int:
        parts = _parts(0, count)
        found = map_.map("benchmarks.bench_scale:empty", parts)
        return sum(one["number"] == number for number, one in enumerate(found))

    return work


def _resident() -> float:
    """Megabytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def _below(pid: int) -> Iterator[int]:
    """The processes that a process has started, at any depth."""
    done = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True)
    parents = {int(a): int(b) for a, b in map(str.split, done.stdout.splitlines())}
    found = {pid}
    while more := {one for one, its in parents.items() if its in found} - found:
        found |= more
    yield from found - {pid}


def _own(pid: int) -> float:
    """Megabytes that a process shares with none: what it has written, not what it has mapped."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    return 0.0


def measured(
    name: str, begin: Callable[[], Any], count: int, also: Sequence[int] = ()
) -> list[Any]:
    """A row of the table. begin: starts the executor and gives (work, close). also: processes
    that run without it."""
    before = set(_below(os.getpid())) - set(also)
    started = time.monotonic()
    work, close = begin()
    assert work(1) == 1
    start = time.monotonic() - started
    waiting = sum(_own(pid) for pid in {*_below(os.getpid()), *also} - before)
    work(FIRST)
    memory, cpu, wall = _resident(), time.process_time(), time.monotonic()
    assert work(count) == count, name
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    row = [name, start, wall / count * 1e3, cpu / count * 1e3, _resident() - memory, waiting]
    close()
    return row


def _ray() -> tuple[Any, Any]:
    from pipeline.executors.ray import RayExecutor

    executor = RayExecutor([])
    return _local(executor), executor.close


def _here() -> tuple[Any, Any]:
    from pipeline.executors.local import LocalExecutor

    executor = LocalExecutor(2)
    return _local(executor), executor.close


def _dask() -> tuple[Any, Any]:
    from distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    client = Client(cluster)

    def work(count: int) -> int:
        right = 0
        for begin in range(0, count, 256):  # as many under way as with Ray
            parts = _parts(begin, min(begin + 256, count))
            found = client.gather(client.map(empty, parts, pure=False))
            right += sum(
                one["number"] == part["number"] for one, part in zip(found, parts, strict=True)
            )
        return right

    def close() -> None:
        client.close()
        cluster.close()

    return work, close


# --- runs of the engine -------------------------------------------------------------------------

_RUN = """
import json, resource, sys, time
import seedbed
begin = time.process_time()
wall = time.monotonic()
seedbed.run("t.yaml", part_bytes=int(sys.argv[1]))
own, all_ = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
account = json.load(open("runs/t/run.json"))
print(json.dumps({
    "driver": time.process_time() - begin, "wall": time.monotonic() - wall,
    "workers": all_.ru_utime + all_.ru_stime,
    "pieces": sum(step["computed"] for step in account["steps"]),
}))
"""


def ran(folder: Path, steps: str, part_bytes: int) -> dict[str, float]:
    """A run in a process of its own: its CPU seconds, and peaks of what processes had written."""
    (folder / "t.yaml").write_text(
        "version: 1\nname: t\nsources:\n  - jsonl: {path: in}\n"
        f"steps: {steps}\nrun: {{workers: 2}}\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _RUN, str(part_bytes)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    peaks = {"driver_mb": 0.0, "worker_mb": 0.0}

    def look() -> None:
        while process.poll() is None:
            peaks["driver_mb"] = max(peaks["driver_mb"], _own(process.pid))
            below = [_own(pid) for pid in _below(process.pid)]
            peaks["worker_mb"] = max([peaks["worker_mb"], *below])
            time.sleep(0.1)

    watcher = threading.Thread(target=look)
    watcher.start()
    told = process.communicate()[0]
    watcher.join()
    if process.returncode:
        raise SystemExit(f"the run ended with {process.returncode}")
    return {**json.loads(told.splitlines()[-1]), **peaks}


def written(folder: Path, files: int, rows: int, words: int = 60) -> None:
    """Files of questions and answers, of which no two are alike."""
    from tests.pipeline import world

    for number in range(files):
        begin = number * rows
        world.lines(folder / f"in/{number:05}.jsonl", range(begin, begin + rows), words=words)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", type=int, default=10_000)
    parser.add_argument("--megabytes", type=float, default=4)
    parser.add_argument("--quick", action="store_true", help="the first table alone")
    options = parser.parse_args()
    header("scale", "pyarrow", "ray", "distributed")
    rows = [measured("local, 2 processes", _here, options.parts)]
    if peer("ray"):
        from tests.pipeline.cluster import cluster, driver

        with cluster() as nodes:
            os.environ.update(driver(nodes))
            rows.append(measured("Ray, 2 nodes", _ray, options.parts, nodes.all()))
    if peer("distributed"):
        rows.append(measured("Dask, 2 processes", _dask, options.parts))
    head = ["map", "start s", "ms a part", "driver CPU ms", "grew MB", "waiting MB"]
    table(head, rows)
    if options.quick:
        return
    rows = []
    for files in (250, 1000):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            written(folder, files, 4)
            found = ran(folder, "[normalize]", 1)
            count = found["pieces"]
            rows.append(
                [f"{int(count):,} pieces", found["driver"] / count * 1e3,
                 found["workers"] / count * 1e3, found["wall"] / count * 1e3, found["driver_mb"]]
            )  # fmt: skip
    table(["a run", "driver CPU ms a piece", "workers ms", "wall ms", "driver MB"], rows)
    rows = []
    for steps in ("[normalize]", "[normalize, dedup]"):
        for times in (1, 4, 16):
            with tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary)
                written(folder, times, int(options.megabytes * 1e6 / 560))
                found = ran(folder, steps, 2 << 20)
                rows.append([f"{steps} {times}×", found["driver_mb"], found["worker_mb"],
                             found["driver"], found["workers"]])  # fmt: skip
    table(["data", "driver MB", "largest worker MB", "driver CPU s", "workers CPU s"], rows)


if __name__ == "__main__":
    main()
