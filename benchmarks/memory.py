"""Peak memory of each stage on an input and on one sixteen times as large.

`python -m benchmarks.memory [NAME …]` prints a table; tests/pipeline/test_memory.py holds the
limits. Each measurement is a process of its own, whose peak the kernel tells (VmHWM).
"""

from __future__ import annotations

import datetime
import gzip
import json
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

HOME = Path(__file__).resolve().parent.parent
FACTOR = 16

_SOURCE = """
import sys, stages
stage = stages.stage(sys.argv[1])()
rows = 0
for part in stage.parts(sys.argv[2], 16 << 20):
    for judged in stage.splits(part, "memory"):
        rows += judged.kept.num_rows
"""
_TRANSFORM = """
import sys
from pathlib import Path
from pipeline.executors.local import LocalExecutor
from pipeline.engine.gc import RunRecord
from pipeline.executors.tasks import answer_to, summary_of
from pipeline.progress import Progress
from pipeline.recipe.recipe import SourceStep
from pipeline.engine.runner import Run
from pipeline.engine.store import Store
import stages

class Here:
    def map(self, function, jobs, *_):
        return (summary_of(answer_to(function, job)) for job in jobs)
    def close(self):
        pass

store = Store(Path(sys.argv[3]))
run = Run(store, Here(), Progress(None), RunRecord(store, "memory"), None, 4 << 20)
step = SourceStep(stages.stage("jsonl")(), path=sys.argv[2], name="memory")
flow = run.source(step)
if sys.argv[1] != "jsonl":
    (flow,) = run.steps([stages.stage(sys.argv[1])()], flow)
rows = sum(piece.rows for piece in flow.pieces)
"""
_PEAK = """
import re
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
print(peak << 10, rows)
"""


def peak(code: str, *arguments: str) -> tuple[int, int]:
    """(peak bytes of resident memory, rows made) of a program that sets `rows`."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code + _PEAK, *arguments],
        env={**os.environ, "PYTHONPATH": str(HOME), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    memory, rows = done.stdout.split()[-2:]
    return int(memory), int(rows)


def source(name: str, path: Path) -> tuple[int, int]:
    """The peak of a source that reads a path."""
    return peak(_SOURCE, name, str(path))


def transform(name: str, path: Path, store: Path) -> tuple[int, int]:
    """The peak of one process that runs a map or fit stage over JSONL, through the engine."""
    return peak(_TRANSFORM, name, str(path), str(store))


# --- input --------------------------------------------------------------------------------------


def texts(count: int, words: int) -> Iterator[str]:
    """Texts of invented words, none like another."""
    random_ = random.Random(count)
    known = ["".join(random_.choices("aeioulnrst", k=random_.randint(2, 9))) for _ in range(5000)]
    return (" ".join(random_.choices(known, k=words)) for _ in range(count))


def _jsonl(file: IO[str], count: int) -> None:
    for number, text in enumerate(texts(count, 150)):
        file.write(json.dumps({"prompt": f"Question {number}?", "completion": text}) + "\n")


def _csv(file: IO[str], count: int) -> None:
    file.write("title,body,author\n")
    for number, text in enumerate(texts(count, 150)):
        file.write(f'Title {number},"{text}, ""quoted""\nand a second line",anna\n')


def _sql(file: IO[str], count: int) -> None:
    file.write("CREATE TABLE posts (id integer PRIMARY KEY, title text, body text);\n")
    for number, text in enumerate(texts(count, 150)):
        file.write(f"INSERT INTO posts VALUES ({number}, 'Title {number}', 'It''s {text}');\n")


def _database(folder: Path, count: int) -> Path:
    path = folder / "in.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT, body TEXT)")
    rows = ((n, f"Title {n}", text) for n, text in enumerate(texts(count, 150)))
    connection.executemany("INSERT INTO posts VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return path


def _pages(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number, text in enumerate(texts(count, 150)):
        page = f"<html><body><h1>Page {number}</h1><p>{text}</p></body></html>"
        (folder / f"{number:06}.html").write_text(page)
    return folder


def _notes(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number, text in enumerate(texts(count, 150)):
        (folder / f"{number:06}.md").write_text(f"# Note {number}\n\n{text}\n")
    return folder


def _talk(file: IO[str], count: int) -> None:
    """A conversation a day, as WhatsApp writes it."""
    for number, text in enumerate(texts(count, 150)):
        day = datetime.date(2001, 1, 1) + datetime.timedelta(days=number)
        file.write(f"{day:%d/%m/%Y}, 09:00 - Ann: Question {number}?\n")
        file.write(f"{day:%d/%m/%Y}, 09:01 - Ben: {text}\n")


def _wiki(file: IO[str], count: int) -> None:
    file.write('<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/">\n')
    for number, text in enumerate(texts(count, 150)):
        file.write(
            f"<page><title>Page {number}</title><ns>0</ns><id>{number + 1}</id><revision><id>1</id>"
            "<timestamp>2020-01-01T00:00:00Z</timestamp><model>wikitext</model>"
            f"<format>text/x-wiki</format><text>{text}</text></revision></page>\n"
        )
    file.write("</mediawiki>\n")


def _file(write: Callable[[IO[str], int], None], name: str) -> Callable[[Path, int], Path]:
    """One file; packed, so that it is a single part and has to be streamed."""

    def make(folder: Path, count: int) -> Path:
        with gzip.open(folder / name, "wt", compresslevel=1, encoding="utf-8") as file:
            write(file, count)
        return folder / name

    return make


# source → (what makes its input, records at 1x)
INPUTS: dict[str, tuple[Callable[[Path, int], Path], int]] = {
    "jsonl": (_file(_jsonl, "in.jsonl.gz"), 2500),
    "csv": (_file(_csv, "in.csv.gz"), 2000),
    "sql": (_file(_sql, "in.sql.gz"), 2000),
    "database": (_database, 2000),
    "html": (lambda folder, count: _pages(folder / "in", count), 60),
    "documents": (lambda folder, count: _notes(folder / "in", count), 100),
    "chatlog": (_file(_talk, "in.txt.gz"), 1000),
    "xml": (_file(_wiki, "in.xml.gz"), 1000),
}


def grown(name: str, folder: Path) -> tuple[int, int]:
    """(peak at 1x, peak at 16x) of a source on its generated input."""
    make, count = INPUTS[name]
    peaks = []
    for factor in (1, FACTOR):
        here = folder / f"{name}-{factor}"
        here.mkdir(parents=True)
        memory, rows = source(name, make(here, count * factor))
        if rows != count * factor:
            raise RuntimeError(f"{name} read {rows} of {count * factor} records")
        peaks.append(memory)
    return peaks[0], peaks[1]


def main() -> None:
    """Print a table."""
    import tempfile

    print(f"{'source':<10} {'1x MB':>8} {FACTOR:>5}x MB {'growth':>8}")
    for name in sys.argv[1:] or INPUTS:
        with tempfile.TemporaryDirectory() as folder:
            small, large = grown(name, Path(folder))
        print(f"{name:<10} {small / 1e6:>8.0f} {large / 1e6:>8.0f} {large / small - 1:>+8.1%}")


if __name__ == "__main__":
    main()
