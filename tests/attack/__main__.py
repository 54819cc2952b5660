"""`make attack`: all attacks on the real command, tried and held by field.

    python -m tests.attack [--field NAME] [--only WORDS] [--seed N] [--fast] [--keep] …

Exits with 1 when something did not hold, and tells each with the call that repeats it.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.attack import FIELDS, chosen
from tests.attack.trial import Result, Trial, plain, run
from tests.pipeline.world import HOME


def main() -> int:
    """Attack, and print what held."""
    parser = argparse.ArgumentParser(prog="make attack")
    parser.add_argument(
        "--field", choices=[*FIELDS], action="append", help="one field; again: more"
    )
    parser.add_argument("--only", default="", help="words in the name of the attacks to make")
    parser.add_argument("--seed", type=int, default=1, help="of the damage that is drawn")
    parser.add_argument("--fast", action="store_true", help="the few that are in the suite")
    parser.add_argument("--keep", action="store_true", help="keep the folders of attacks")
    parser.add_argument("--jobs", type=int, default=2, help="attacks at once")
    parser.add_argument("--code", type=Path, default=HOME, help="the folder of another seedbed")
    given = parser.parse_args()
    begun = time.monotonic()
    tried = lost = 0
    folder = Path(tempfile.mkdtemp(prefix="attack-"))
    lock = threading.Lock()
    try:
        for name in given.field or FIELDS:
            trials = [one for one in chosen(name, given.seed, given.fast) if given.only in one.name]
            field_begun, cpu = time.monotonic(), _cpu()

            def work(trial: Trial, name: str = name) -> Result:
                result = run(trial, folder / name, given.code, given.seed, given.keep)
                with lock:
                    _tell(name, given.seed, trial, result)
                return result

            with ThreadPoolExecutor(given.jobs) as pool:
                results = list(pool.map(work, trials))
            count = sum(result.tried for result in results)
            wrong = sum(len(result.lost) for result in results)
            tried, lost = tried + count, lost + wrong
            seconds = time.monotonic() - field_begun
            costs = f"{seconds:5.0f} s {_cpu() - cpu:5.0f} CPU-s"
            print(f"{name:<12}tried {count:>5}   held {count - wrong:>5}   {costs}", flush=True)
    finally:
        if given.keep:
            print(f"folders: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(
        f"{'all':<12}tried {tried:>5}   held {tried - lost:>5}   {time.monotonic() - begun:5.0f} s"
    )
    return 1 if lost else 0


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tell(field: str, seed: int, trial: Trial, result: Result) -> None:
    if result.skipped:
        print(f"  skipped: {field}: {trial.name}: {result.skipped}", flush=True)
    for name, problem in result.lost:
        print(plain(f"  {field}: {name}\n      {problem}"))
        call = f"--field {field} --seed {seed} --only {trial.name!r} --keep"
        print(plain(f"      again: make attack ARGS={call!r}"), flush=True)


if __name__ == "__main__":
    sys.exit(main())
