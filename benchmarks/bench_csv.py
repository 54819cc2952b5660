"""Records of CSV files with line breaks in fields, and of short ones: ours, csv.reader, pandas.

    python -m benchmarks.bench_csv [--megabytes 20]

The files are written here by seed: texts of sample_data with quotes, delimiters and line breaks,
the words NA and null, numbers with leading zeros, empty fields; and rows of four short fields. Ours
are records with id, place and meta, from which the rows are made again to be compared; beside them
the reader of single rows, and the command as a whole: all processes, from the start to a corpus.
Ours is told nothing and finds dialect, header and charset out; the others are told the right ones.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import header, in_turn, of_command, peer, table
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


def short(path: Path, size: int) -> Rows:
    """Write a file of four short fields a row; returns its rows."""
    source, rows = random.Random(23), []
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "text", "score", "tags"])
        while file.tell() < size:
            for _ in range(1000):
                word = source.choice([odd for odd in ODD if odd])
                cells = [str(len(rows)), word, str(source.randint(0, 10**6)), source.choice("abc")]
                writer.writerow(cells)
                rows.append(cells)
    return rows


def records(path: Path) -> Any:
    """The records of the file as one Arrow table."""
    from stages.extract.csv import CsvExtract

    return CsvExtract()(str(path), []).to_arrow()


def rows_of(found: Any, names: Sequence[str]) -> Rows:
    """The rows that records were made of."""
    fields = {"question": "prompt", "answer": "completion", "text": "text"}
    columns = {name: found.column(fields[name]).to_pylist() for name in names if name in fields}
    metas = [json.loads(meta) for meta in found.column("meta").to_pylist()]
    for name in names:
        if name not in columns:
            columns[name] = [meta[name] for meta in metas]
    return [list(row) for row in zip(*(columns[name] for name in names), strict=True)]


def single(path: Path) -> Rows:
    """Our rows, one by one; a refused one would be missing."""
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
    shown: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, write in (("texts", written), ("short", short)):
            path = Path(folder) / "rows.csv"
            rows = write(path, int(given.megabytes * 1e6))
            size = path.stat().st_size / 1e6
            works: dict[str, Callable[[], Any]] = {
                "records": lambda path=path: records(path),
                "one by one": lambda path=path: single(path),
                "csv.reader": lambda path=path: read(path),
            }
            if pandas:
                works["pandas, text kept"] = lambda path=path: pandas.read_csv(
                    path, dtype=str, keep_default_na=False
                )
                works["pandas, defaults"] = lambda path=path: pandas.read_csv(path)
            timed = in_turn(works, 3)
            with open(path, encoding="utf-8") as file:
                names = file.readline().strip().split(",")
            for who, one in timed.items():
                found = one.result
                if who == "records":
                    found = rows_of(found, names)
                elif who.startswith("pandas"):
                    found = found.values.tolist()
                said = f"{_equal(found, rows):,} of {len(rows):,}"
                times = timed["records"].times(one)
                shown.append((f"{name}, {who}", said, size / one.seconds, times))
            spent = of_command(("csv", "rows.csv", "-o", "out"), Path(folder))
            shutil.rmtree(Path(folder) / "out")
            shutil.rmtree(Path(folder) / ".seedbed", ignore_errors=True)
            times = spent / timed["records"].seconds
            shown.append((f"{name}, command", "", size / spent, times))
    table((f"{given.megabytes:.0f} MB each", "rows equal", "MB/CPU-s", "records are x"), shown)


def _equal(found: Rows, rows: Rows) -> int:
    """Rows that are as they were written; one that is missing moves none of the others."""
    left = {row[0]: row for row in found if row}
    return sum(left.get(row[0]) == row for row in rows)


if __name__ == "__main__":
    main()
