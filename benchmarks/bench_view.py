"""What `seedbed view` costs on a run of a million short records, in a real browser.

    python -m benchmarks.bench_view [--records 1000000] [--folder FOLDER]

Two sources of a question, an answer of twelve words and an address go through normalize and
quality, which refuses one record in twenty. The server is a process of its own, the browser
headless Chromium. A time is within the page, from the change of a control to the rows drawn: the
median of seven, with CPU seconds of the server and of the page's main thread, which hold on a busy
machine as well. The peer is DuckDB over the same Arrow files, asked for the first 50 rows and for
the count, in this process. `--folder` keeps the run, so that it is made once.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measure import header, table
from benchmarks.texts import Chain
from stages.corpus import Corpus

ROUNDS = 7
RARE, COMMON = "question 777777", "the"
TICK = os.sysconf("SC_CLK_TCK")


def made(folder: Path, records: int) -> Path:
    """The run, made once."""
    run = folder / "runs/looked-at"
    if (run / "run.json").exists():
        return run
    folder.mkdir(parents=True, exist_ok=True)
    chain, random_ = Chain(1), random.Random(2)
    for name in ("forum", "faq"):
        with open(folder / f"{name}.jsonl", "w", encoding="utf-8") as file:
            for number in range(records // 2):
                row = {
                    "prompt": f"Question {2 * number + (name == 'faq')}?",
                    "completion": chain.text(random_.randint(9, 15)) if number % 20 else "Yes",
                    "url": f"https://{name}.example/t/{number}",
                }
                file.write(json.dumps(row) + "\n")
    (folder / "r.yaml").write_text(
        "version: 1\nname: looked-at\nsources:\n"
        "  - jsonl: {name: forum, path: forum.jsonl}\n"
        "  - jsonl: {name: faq, path: faq.jsonl}\nsteps: [normalize, {quality: {min_words: 3}}]\n"
    )
    subprocess.run([sys.executable, "-m", "seedbed", "run", "r.yaml"], cwd=folder, check=True)
    return run


@contextmanager
def server(run: Path) -> Any:
    """(process, address) of the page's server."""
    command = [sys.executable, "-m", "seedbed", "view", str(run)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    try:
        yield started, started.stdout.readline().split()[-1]
    finally:
        started.send_signal(signal.SIGINT)
        started.wait(20)


def spent(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid: int) -> tuple[float, float]:
    """MB that a process holds: all, and what is its own alone (files that are mapped are not)."""
    told = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    )
    kb = {name: int(value.split()[0]) for name, value in told.items()}
    return kb["Rss"] / 1024, (kb["Private_Dirty"]) / 1024


CHANGE = """(async () => {
  const root = document.documentElement;
  const begin = performance.now();
  await seedbed.shown.rows.change(%s, %s);
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  return performance.now() - begin;
})()"""
FIRST = """(async () => {
  const begin = performance.now();
  document.getElementById("list").replaceChildren();
  seedbed.shown.rows.change(%s);
  while (document.getElementById("list").childElementCount < %d)
    await new Promise((done) => requestAnimationFrame(done));
  return performance.now() - begin;
})()"""


def timed(tab: Any, pid: int, scripts: Callable[[int], str]) -> tuple[float, float, float]:
    """(median of milliseconds, CPU ms of the server, CPU ms of the page) of a round."""
    begun, drawn = spent(pid), tab.seconds()
    times = [tab.run(scripts(number)) for number in range(ROUNDS)]
    each = 1000 / ROUNDS
    return statistics.median(times), (spent(pid) - begun) * each, (tab.seconds() - drawn) * each


def peer(run: Path, where: str) -> tuple[float, float]:
    """(CPU seconds, seconds) in which DuckDB gives the first 50 rows and the count."""
    import duckdb
    import pyarrow.dataset as datasets

    files = [str(path) for path in Corpus(run / "corpus").files]
    begun, clock = time.process_time(), time.monotonic()
    rows = duckdb.connect().from_arrow(datasets.dataset(files, format="ipc")).filter(where)
    rows.limit(50).fetchall()
    rows.aggregate("count(*)").fetchall()
    return time.process_time() - begun, time.monotonic() - clock


def main() -> None:
    """Print a row for each thing that people do."""
    from tests.browser import browser

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.folder or Path(temporary)).resolve()
        run = made(folder, given.records)
        header("view", "pyarrow", "duckdb")
        print(
            f"{len(Corpus(run / 'corpus')):,} records; load of the machine {os.getloadavg()[0]:.1f}"
        )
        rows: list[list[str]] = []
        with browser(Path(temporary) / "profile") as tab:
            for words in ("nothing made before", "again"):
                with server(run) as (process, address):
                    begin, begun = time.monotonic(), spent(process.pid)
                    tab.open(address)
                    told = [f"{1000 * (time.monotonic() - begin):.0f}"]
                    told += [
                        f"{1000 * (spent(process.pid) - begun):.0f}",
                        f"{1000 * tab.seconds():.0f}",
                    ]
                    rows.append([f"first screen, {words}", *told])
                    tab.run("seedbed.shown.source.facets('kept', null)")
                    if words == "again":
                        rows += measured(tab, process.pid)
                        whole, own = memory(process.pid)
        table(["what", "ms", "server, CPU ms", "page, CPU ms"], rows)
        print(f"memory of the server: {whole:.0f} MB, of which its own {own:.0f} MB\n")
        rows = []
        for name, where in (
            ("source = 'faq'", "source = 'faq'"),
            (
                f"'{RARE}'",
                f"contains(lower(concat_ws(' ', text, prompt, completion, meta)), '{RARE}')",
            ),
        ):
            cpu_, clock = peer(run, where)
            rows.append([name, f"{1000 * clock:.0f}", f"{1000 * cpu_:.0f}"])
        table(["DuckDB: first rows and count", "ms", "CPU ms"], rows)


def measured(tab: Any, pid: int) -> list[list[str]]:
    """The rows of the table for what is done on the page."""
    tab.run("(async () => { location.hash = '#kept'; })()")
    tab.until("document.documentElement.dataset.part === 'kept'")
    tab.until("document.documentElement.dataset.busy === 'no'")
    tab.run(CHANGE % ("{facets: {source: 'forum'}}", "false"))  # what is loaded once

    def filtered(number: int) -> str:
        return CHANGE % (f"{{facets: {{source: {json.dumps(('faq', 'forum')[number % 2])}}}, "
                         f"low: {number}}}", "false")  # fmt: skip

    def paged(number: int) -> str:
        return CHANGE % (f"{{facets: {{}}, low: null, from: {50 * (number * 2000 + 1)}}}", "true")

    def common(number: int) -> str:
        return FIRST % (f"{{facets: {{}}, low: {number}, words: '{COMMON}'}}", 50)

    def rare(number: int) -> str:
        return CHANGE % (f"{{facets: {{}}, low: {number}, words: {json.dumps(RARE)}}}", "false")

    found = [
        ("filter by source and length", timed(tab, pid, filtered)),
        ("another page, far away", timed(tab, pid, paged)),
        (f"first 50 rows with {COMMON!r}", timed(tab, pid, common)),
        (f"all rows with {RARE!r}, counted", timed(tab, pid, rare)),
    ]
    tab.run("(async () => { location.hash = '#left'; })()")
    tab.until("document.documentElement.dataset.part === 'left'")
    tab.until("document.documentElement.dataset.busy === 'no'")

    def by_reason(number: int) -> str:
        return CHANGE % (f"{{facets: {{reason: 'too_short'}}, low: {number}}}", "false")

    found.append(("filter what left by reason", timed(tab, pid, by_reason)))
    return [[name, *(f"{one:.0f}" for one in told)] for name, told in found]


if __name__ == "__main__":
    main()
