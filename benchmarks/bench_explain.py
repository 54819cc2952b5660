"""What `seedbed explain` costs on a run of a million short records, by each way to name one.

    python -m benchmarks.bench_explain [--records 1000000] [--folder FOLDER]

Records of a question, an answer of twelve words and an address go through normalize, quality and
split. CPU and clock seconds of the whole command, the median of five; the first by id also makes
the index. Beside it: grep for the address in the source file, which finds the line and no more.
`--folder` keeps the run, so that it is made once.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import cpu, header, table
from benchmarks.texts import Chain
from stages.corpus import Corpus, iterate_arrow
from stages.place import Place

ROUNDS = 5


def made(folder: Path, records: int) -> None:
    """The source file, and the run; both once."""
    if (folder / "runs/million/run.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    chain, source = Chain(1), random.Random(2)
    with open(folder / "in.jsonl", "w", encoding="utf-8") as file:
        for number in range(records):
            row = {
                "prompt": f"Question {number}?",
                "completion": chain.text(source.randint(9, 15)),
                "url": f"https://forum.example/t/{number}",
            }
            file.write(json.dumps(row) + "\n")
    (folder / "r.yaml").write_text(
        "version: 1\nname: million\nsources:\n  - jsonl: {path: in.jsonl}\n"
        "steps: [normalize, quality, {split: {val: 100}}]\n"
    )
    subprocess.run([sys.executable, "-m", "seedbed", "run", "r.yaml"], cwd=folder, check=True)


def cost(command: Sequence[str], folder: Path, rounds: int = ROUNDS) -> tuple[float, float]:
    """(CPU seconds, clock seconds) of a command, the median."""
    spent, waited = [], []
    for _ in range(rounds):
        begun, clock = cpu(), time.monotonic()
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        spent.append(cpu() - begun)
        waited.append(time.monotonic() - clock)
    return statistics.median(spent), statistics.median(waited)


def main() -> None:
    """Print a row for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.folder or Path(temporary)).resolve()
        made(folder, given.records)
        corpus = Corpus(folder / "runs/million/corpus")
        path = corpus.files[len(corpus.files) * 3 // 4]
        row = next(iter(iterate_arrow(path))).slice(7, 1).to_pylist()[0]
        address = json.loads(row["meta"])["url"]
        explain = [sys.executable, "-m", "seedbed", "explain"]
        ways = {
            "id, the first time": row["id"],
            "id": row["id"],
            "place": row["place"],
            "line": f"in.jsonl:{Place.parse(row['place']).line}",
            "address": address,
            "piece of text": row["prompt"],
        }
        rows = [
            (name, *cost([*explain, what], folder, 1 if "first" in name else ROUNDS))
            for name, what in ways.items()
        ]
        grep = ["grep", "-c", f'{address}"', "in.jsonl"]
        rows.append(("grep for the address", *cost(grep, folder)))
        header("explain", "pyarrow")
        print(f"{len(corpus):,} records")
        table(["named by", "CPU-s", "s on the clock"], rows)


if __name__ == "__main__":
    main()
