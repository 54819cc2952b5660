"""One large file in ranges, read by one worker and by two: wall and CPU seconds of the command.

    python -m benchmarks.bench_ranges [--megabytes 200] [--rounds 3]

A CSV file whose texts have line ends and quotes, and JSON lines; both written here by seed. Runs of
a recipe with the source alone, from the start of the command to its end, each into a store of its
own: as one part, in ranges with one worker, in ranges with two. Of the rounds the least of each,
since what else the machine does only adds. All must give one digest.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.bench_csv import written
from benchmarks.measure import header, of_command, table
from stages.corpus import Corpus

WAYS = {"one part": (1, 1 << 40), "ranges, 1 worker": (1, 16 << 20), "ranges, 2": (2, 16 << 20)}


def _large(path: Path, size: int) -> None:
    """The file of `written`, again and again, in which its rows are numbered anew."""
    small = path.with_name("small")
    written(small, min(size, 8 << 20))
    head, _, body = small.read_bytes().partition(b"\n")
    small.unlink()
    with open(path, "wb") as file:
        file.write(head + b"\n")
        number = 0
        while file.tell() < size:
            file.write(b"%d" % number + body.replace(b"\n0", b"\n%d0" % number))
            number += 1


def _as_lines(table_: Path, path: Path) -> None:
    import csv

    with open(table_, encoding="utf-8", newline="") as rows, open(path, "w") as file:
        for row in csv.DictReader(rows):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _run(folder: Path, name: str, way: str) -> tuple[float, float, str]:
    """Wall and CPU seconds of a run, and the digest of its corpus."""
    workers, size = WAYS[way]
    for old in ("runs", ".seedbed"):
        shutil.rmtree(folder / old, ignore_errors=True)
    kind = "csv" if name.endswith("csv") else "jsonl"
    recipe: dict[str, Any] = {
        "version": 1,
        "name": "r",
        "sources": [{kind: {"path": name, "name": "s", "prompt": "question"}}],
        "steps": [],
        "run": {"workers": workers, "part_bytes": size},
    }
    recipe["sources"][0][kind]["completion"] = "answer"
    (folder / "r.yaml").write_text(json.dumps(recipe))
    begin = time.monotonic()
    spent = of_command(["run", "r.yaml"], folder)
    wall = time.monotonic() - begin
    return wall, spent, Corpus(folder / "runs/r/corpus").manifest["digest"]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--megabytes", type=int, default=200)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    header("ranges", "pyarrow", "numpy")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _large(folder / "a.csv", given.megabytes << 20)
        _as_lines(folder / "a.csv", folder / "a.jsonl")
        rows = []
        for name in ("a.csv", "a.jsonl"):
            found: dict[str, list[tuple[float, float, str]]] = {way: [] for way in WAYS}
            for _ in range(given.rounds):
                for way in WAYS:
                    found[way].append(_run(folder, name, way))
            digests = {one[2] for times in found.values() for one in times}
            assert len(digests) == 1, digests
            size = (folder / name).stat().st_size / 1e6
            least = {
                way: (min(t[0] for t in ts), min(t[1] for t in ts)) for way, ts in found.items()
            }
            first = least["ranges, 1 worker"][0]
            rows += [
                [f"{name}, {size:.0f} MB, {way}", wall, spent, size / spent, first / wall]
                for way, (wall, spent) in least.items()
            ]
    table(["", "wall s", "CPU s", "MB/CPU s", "times one worker"], rows)


if __name__ == "__main__":
    main()
