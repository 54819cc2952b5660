"""`make mutants`: each mutation in a copy of the tree, against the tests that should notice.

    python -m tests.mutants [--field NAME] [--only WORDS] [--jobs N]

Prints what survives, and exits with 1 where fewer than 95 % are noticed.
"""

from __future__ import annotations

import argparse
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants import FIELDS, Mutant, mutants
from tests.mutants.mutant import HOME

WALL = 240.0  # seconds; tests that a mutation keeps longer than that have noticed it
SHARE = 0.95
# Exit codes of pytest: tests failed; interrupted (a module cannot be imported), internal error and
# wrong call are faults of the list, not verdicts.
PASSED, FAILED = 0, 1


def main() -> int:
    """Mutate, test, print."""
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument("--field", choices=FIELDS, action="append", help="one list; again: more")
    parser.add_argument("--only", default="", help="words in a mutation's file or effect")
    parser.add_argument("--jobs", type=int, default=2, help="mutations at once")
    given = parser.parse_args()
    chosen = [
        (field, mutant)
        for field in given.field or FIELDS
        for mutant in mutants(field)
        if given.only in mutant.file or given.only in mutant.what
    ]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        trees: queue.Queue[Path] = queue.Queue()
        for number in range(given.jobs):
            trees.put(_copy(Path(folder) / f"tree-{number}"))
        lock = threading.Lock()
        survived: list[Mutant] = []
        broken: list[str] = []

        def work(one: tuple[str, Mutant]) -> None:
            field, mutant = one
            tree = trees.get()
            since = time.monotonic()
            try:
                verdict, output = _try(mutant, tree)
            finally:
                trees.put(tree)
            with lock:
                seconds = time.monotonic() - since
                print(f"{verdict:<9}{seconds:4.0f} s  {field}: {mutant.what}", flush=True)
                if verdict == "survived":
                    survived.append(mutant)
                elif verdict == "broken":
                    broken.append(mutant.what)
                    print(output[-2000:])

        names = sorted({test for _, mutant in chosen for test in mutant.tests})
        if _pytest(trees.queue[0], names)[0] != PASSED:
            print("the tests that the mutations name do not pass on the code as it is")
            return 2
        with ThreadPoolExecutor(given.jobs) as pool:
            list(pool.map(work, chosen))
    killed = len(chosen) - len(survived) - len(broken)
    counts = f"{len(chosen)} mutations, {killed} noticed, {len(survived)} survived"
    print(f"\n{counts}, {len(broken)} broken, {time.monotonic() - begun:.0f} s")
    for mutant in survived:
        print(f"  {mutant.file}: {mutant.what}: {mutant.argued or 'not argued'}")
    held = not broken and killed >= SHARE * len(chosen) and all(m.argued for m in survived)
    return 0 if held else 1


def _copy(tree: Path) -> Path:
    """A copy of what git knows of the tree, new files among it."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=HOME, check=True, capture_output=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, names):
        if (HOME / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(HOME / name, tree / name)
    return tree


def _try(mutant: Mutant, tree: Path) -> tuple[str, str]:
    """(killed, survived or broken; what pytest wrote) of one mutation in a tree of its own."""
    path = tree / mutant.file
    before = path.read_text(encoding="utf-8")
    path.write_text(mutant.changed(tree), encoding="utf-8")
    try:
        code, output = _pytest(tree, mutant.tests)
    finally:
        path.write_text(before, encoding="utf-8")
    if code == PASSED:
        return "survived", output
    return ("killed" if code in (FAILED, None) else "broken"), output


def _pytest(tree: Path, tests: Sequence[str]) -> tuple[int | None, str]:
    """(pytest's exit code, None past the wall; its output), on the code of `tree`."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",  # two texts of one size within one second share a stamp
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    process = subprocess.Popen(
        command, cwd=tree, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        output, _ = process.communicate(timeout=WALL + 60 * len(tests))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        return None, process.communicate()[0]
    return process.returncode, output


if __name__ == "__main__":
    sys.exit(main())
