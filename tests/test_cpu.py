"""The CPU seconds of a job hold those of the process that reads for it, waiting or ended."""

from __future__ import annotations

import subprocess
import sys

from tests.pipeline.world import HOME, environment

CODE = '''
import sys, time
from dataclasses import dataclass
from typing import ClassVar

import stages
from stages import child
from stages.base import Item, Part, RowSource
from stages.place import Place
from pipeline.executors.tasks import cpu_seconds


@dataclass(frozen=True)
class Burn(RowSource):
    """Use CPU where it reads."""

    name: ClassVar[str] = "burn"

    def parts(self, path, size):
        return [Part(path, ("a",))]

    def read(self, part):
        begin = time.process_time()
        while time.process_time() - begin < 0.5:
            pass
        yield Item(Place("a"), b"x", [{"text": "x"}])


sys.modules["burning"] = sys.modules["__main__"]
Burn.__module__ = "burning"
stages.TABLE["burn"] = ("burning", "Burn")
child.fork_from_here()
stage = Burn()
before = cpu_seconds()
assert sum(split.kept.num_rows for split in stage.splits(stage.parts("/", 1)[0], "b", True)) == 1
waiting = cpu_seconds() - before
child.end_waiting()
ended = cpu_seconds() - before
print(waiting, ended)
'''


def test_cpu_of_the_reading_child_is_counted_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        capture_output=True, text=True, timeout=60, cwd=HOME, env=environment(), check=True,
    )  # fmt: skip
    waiting, ended = map(float, done.stdout.split())
    # counted twice it would be 0.5 more after the child has ended; /proc counts in ticks
    assert waiting >= 0.45 and 0.5 <= ended < waiting + 0.4
