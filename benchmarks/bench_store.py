"""What a run of six steps over JSONL keeps, and what it costs: chains of steps, and each by itself.

    python -m benchmarks.bench_store [FILE.jsonl] [--megabytes 20]

Prompts and answers by a seeded chain over sample_data, or a file of your own, through normalize,
quality, pii, refusals, dedup and split. Bytes of the store over bytes of the file; CPU seconds of
all processes, also of those that were killed; then what one changed parameter costs.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import header, of_command, table
from benchmarks.texts import Chain
from stages import json_lines

STEPS = "[normalize, quality, {pii}, refusals, dedup, split]"


def written(path: Path, megabytes: float) -> None:
    """Instructions of 20 to 60 words with answers of 40 to 200."""
    chain, source = Chain(1), random.Random(2)

    def rows() -> Iterator[dict[str, str]]:
        size = 0
        while size < megabytes * 1e6:
            row = {
                "prompt": chain.text(source.randint(20, 60)),
                "completion": chain.text(source.randint(40, 200)),
            }
            size += sum(map(len, row.values())) + 33
            yield row

    json_lines.write(path, rows())


def recipe(folder: Path, keep: str, pii: str = "pii") -> None:
    """The recipe of the run."""
    (folder / "store.yaml").write_text(
        f"version: 1\nname: store\nsources:\n  - jsonl: {{path: in.jsonl}}\n"
        f"steps: {STEPS.format(pii=pii)}\nrun: {{workers: 1, keep: {keep}}}\n"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--megabytes", type=float, default=20)
    options = parser.parse_args()
    header("store", "pyarrow", "duckdb", "tokenizers")
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        given = Path(temporary) / "in.jsonl"
        if options.file:
            shutil.copy(options.file, given)
        else:
            written(given, options.megabytes)
        size = given.stat().st_size
        for keep in ("last", "all"):
            folder = Path(temporary) / keep
            folder.mkdir()
            os.link(given, folder / "in.jsonl")
            recipe(folder, keep)
            first = of_command(("run", "store.yaml"), folder)
            objects = (folder / ".seedbed/objects").rglob("*")
            kept = sum(path.stat().st_size for path in objects if path.is_file())
            recipe(folder, keep, "pii: {action: drop}")
            rows.append(
                [
                    keep,
                    f"{kept / size:.2f}",
                    f"{first:.1f}",
                    f"{of_command(('run', 'store.yaml'), folder):.1f}",
                ]
            )
    print(f"{size / 1e6:.1f} MB of JSONL")
    table(["keep", "store / file", "CPU-s, all steps", "CPU-s, pii changed"], rows)


if __name__ == "__main__":
    main()
