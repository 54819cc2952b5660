"""Rows of a CSV file with line breaks in its fields: ours, csv.reader, pandas; all compared.

    python -m benchmarks.bench_csv [--megabytes 20]

The file is written here by seed: texts of sample_data with quotes, delimiters and line breaks, the
words NA and null, numbers with leading zeros, empty fields. Ours is told nothing and finds dialect,
header and charset out; the others are told the right ones. It also knows each row's byte offset
and line and reports rows of another width, which they do not.
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
from pathlib import Path

from benchmarks.measure import header, in_turn, peer, table
from benchmarks.texts import Chain

ODD = ('a "quote"', "one, two", "line\nbreak", "NA", "null", "007", "1.10", "größe", "日本", "")
NAMES = ["id", "question", "answer", "score", "tags"]
Rows = list[list[str]]


def written(path: Path, size: int) -> Rows:
    """Write the file; returns its rows."""
    chain, source, rows = Chain(21), random.Random(22), []
    words = chain.text(400_000).split()
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(NAMES)
        while file.tell() < size:
            for _ in range(200):
                begin = source.randrange(len(words) - 400)
                answer = words[begin : begin + source.randint(10, 300)]
                for _ in range(len(answer) // 15):
                    answer[source.randrange(len(answer))] = source.choice(ODD)
                question = " ".join(words[begin - 12 : begin])
                cells = [f"{len(rows):06}", question, " ".join(answer),
                         str(source.randint(0, 99)), source.choice(ODD)]  # fmt: skip
                writer.writerow(cells)
                rows.append(cells)
    return rows


def ours(path: Path) -> Rows:
    """Our rows; a refused one would be missing."""
    from benchmarks.readers import rows

    return [["" if cell is None else cell for cell in row] for row in rows(path, [])[1]]


def read(path: Path) -> Rows:
    """csv.reader, told that the first row is a header."""
    with open(path, encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        next(lines)
        return list(lines)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=float, default=20.0)
    given = parser.parse_args()
    header("csv", "pandas", "numpy")
    pandas = peer("pandas")
    csv.field_size_limit(1 << 30)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        rows = written(path, int(given.megabytes * 1e6))
        size = path.stat().st_size / 1e6
        works = {"seedbed": lambda: ours(path), "csv.reader": lambda: read(path)}
        if pandas:
            works["pandas, text kept"] = lambda: pandas.read_csv(
                path, dtype=str, keep_default_na=False
            ).values.tolist()
            works["pandas, defaults"] = lambda: pandas.read_csv(path).values.tolist()
        timed = in_turn(works, 3)
    shown = []
    for name, one in timed.items():
        equal = sum(a == b for a, b in zip(one.result, rows, strict=False))
        said = f"{equal:,} of {len(rows):,}"
        shown.append((name, said, size / one.seconds, timed["seedbed"].times(one)))
    table((f"{size:.1f} MB", "rows equal", "MB/CPU-s", "seedbed is x"), shown)


if __name__ == "__main__":
    main()
