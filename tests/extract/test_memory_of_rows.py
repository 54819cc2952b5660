"""What one long row takes in memory: up to six times its size, also where one letter is astral.

Python holds a text with such a letter in four bytes a character, so that no text of Python's may be
made of it: rows come array-wise, at their own length.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

_SIZE = 6 << 20
_ROCKET = "\N{ROCKET}"
_READ = """
import sys
from pathlib import Path
import stages
stage = stages.stage(sys.argv[1])()
for path in sys.argv[2:]:
    Path("/proc/self/clear_refs").write_text("5")
    base = peak()
    seen = [s.counts.kept for part in stage.parts(path, 1 << 24) for s in stage.splits(part, "s")]
    assert sum(seen) == 1 + (sys.argv[1] != "documents"), seen
    cost = peak() - base
print(cost)
"""
_PEAK = """
def peak():
    lines = open("/proc/self/status").read().split("\\n")
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) << 10
"""
_TABLE = "CREATE TABLE t (id integer, text text);\n"
FORMS: dict[str, tuple[str, Callable[[str], str]]] = {
    "csv quoted": ("csv", lambda body: f'id,text\n1,"a"\n2,"{body}"\n'),
    "csv lines": ("csv", lambda body: f'id,text\n1,"a"\n2,"{_lines(body)}"\n'),
    "csv bare": ("csv", lambda body: f"id\ttext\n1\ta\n2\t{body}\n"),
    "jsonl": ("jsonl", lambda body: f'{{"text":"a"}}\n{{"text":"{body}"}}\n'),
    "copy": ("sql", lambda body: f"{_TABLE}COPY t (id, text) FROM stdin;\n1\ta\n2\t{body}\n\\.\n"),
    "text": ("documents", lambda body: f"{body}\n"),
    "insert": ("sql", lambda body: f"{_TABLE}INSERT INTO t VALUES (1, 'a'), (2, '{body}');\n"),
}


def _lines(body: str) -> str:
    return "\n".join(body[at : at + 5000] for at in range(0, len(body), 5000))


linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


def written(path: Path, form: str, astral: bool, size: int) -> Path:
    body = "word " * 19 + "word end. "
    path.write_text(FORMS[form][1](body * (size // len(body)) + _ROCKET * astral))
    return path


ALONE = ("text",)  # read alone: raw bytes, the text, its record


@linux
@pytest.mark.parametrize("astral", [False, True], ids=["ascii", "astral"])
@pytest.mark.parametrize("form", FORMS)
def test_a_row_takes_few_times_its_size(form: str, astral: bool, tmp_path: Path) -> None:
    most = 11.5 if astral and form in ALONE else 5
    stage, _ = FORMS[form]
    suffix = {"csv bare": "tsv", "text": "txt"}.get(form, stage)
    small = written(tmp_path / f"small.{suffix}", form, astral, 200)
    large = written(tmp_path / f"large.{suffix}", form, astral, _SIZE)
    command = [sys.executable, "-c", _PEAK + _READ, stage, str(small), str(large)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(told.stdout) <= most * large.stat().st_size


_RUN = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "seedbed", "csv", *sys.argv[1:]], check=True)
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10)
"""


@linux
@pytest.mark.parametrize("astral", [False, True], ids=["ascii", "astral"])
def test_a_whole_run_takes_few_times_the_row(astral: bool, tmp_path: Path) -> None:
    peaks = []
    for name, size in (("small", 200), ("large", _SIZE)):
        path = written(tmp_path / f"{name}.csv", "csv quoted", astral, size)
        command = [sys.executable, "-c", _RUN, str(path), "-o", str(tmp_path / f"out-{name}")]
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(told.stdout.split("peak ")[1]))
    assert peaks[1] - peaks[0] <= 6 * _SIZE
