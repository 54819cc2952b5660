"""Code that lies beside the data is never run: not by a verb, a worker, or a child of one."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline import world
from tests.pipeline.world import HOME, environment

# Modules that libraries look for, and modules of Python's own library.
LOOKED_FOR = [
    "pytz", "numexpr", "torch", "numpy", "bottleneck", "pandas", "pg8000", "lxml", "orjson",
    "dateutil", "tzdata", "fsspec", "cffi", "simplejson", "html5lib", "chardet", "cchardet",
    "brotli", "zstandard", "cython", "psutil", "hypothesis", "transformers", "tokenizers",
    "jinja2", "duckdb", "pyarrow", "ruamel", "bs4", "selectolax", "safetensors",
]  # fmt: skip
PYTHONS = [
    "usercustomize", "sitecustomize", "__future__", "json", "re", "random", "typing",
    "tempfile", "argparse", "traceback", "pathlib", "urllib", "dataclasses", "zoneinfo",
]  # fmt: skip
EVIL = "import os\nopen(os.environ['MARKER'], 'a').write(__name__ + '\\n')\n"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder of data with recipes, and code that marks that it was run."""
    for n, name in enumerate([*LOOKED_FOR, *PYTHONS]):
        if n % 5 == 4:
            (tmp_path / name).mkdir()
            (tmp_path / name / "__init__.py").write_text(EVIL)
        else:
            (tmp_path / f"{name}.py").write_text(EVIL)
    info = tmp_path / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[torch.backends]\nevil = numexpr:f\n")
    (tmp_path / "evil.pth").write_text("import numexpr\n")
    (tmp_path / "own.py").write_text(
        "import json, numpy\nimport helper\n"
        "def f(record):\n    return {**record, 'text': helper.TEXT + str(numpy.int8(1))}\n"
    )
    (tmp_path / "helper.py").write_text("TEXT = 'words that a helper made '\n")
    world.pages(tmp_path / "in", range(2))
    (tmp_path / "rows.csv").write_text("text,when\nsome words of a row,2020-01-01\n")
    (tmp_path / "rows.jsonl").write_text('{"text": "some words of a line"}\n')
    database = sqlite3.connect(tmp_path / "d.sqlite")
    database.execute("create table t (id integer, body text)")
    database.execute("insert into t values (1, 'some words of a table')")
    database.commit()
    database.close()
    steps = "[normalize, dedup, apply: {function: 'own:f'}, split]"
    world.recipe(tmp_path, "html: {path: in}", steps)
    return tmp_path


def _seedbed(
    words: list[str], cwd: Path, start: list[str], path: str = str(HOME)
) -> subprocess.CompletedProcess[str]:
    marker = cwd.parent / f"{cwd.name}.marker"
    done = subprocess.run(
        [*start, *words],
        cwd=cwd,
        env=environment(PYTHONPATH=path, MARKER=str(marker)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert not marker.exists(), (words, marker.read_text())
    return done


MODULE = [sys.executable, "-m", "seedbed"]
SCRIPT = [str(Path(sys.executable).parent / "seedbed")]
DASH_C = [sys.executable, "-c", "import seedbed, sys; sys.argv[0] = 'seedbed'; seedbed.main()"]


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (["run", "t.yaml"], MODULE),
        (["plan", "t.yaml"], SCRIPT),
        (["csv", "rows.csv", "-o", "c", "--text", "text"], MODULE),
        (["database", "d.sqlite", "-o", "d", "--table", "t", "--text", "body"], MODULE),
        (["apply", "rows.jsonl", "-o", "a", "--function", "own:f"], SCRIPT),
    ],
)
def test_no_verb_and_no_stage_runs_it(hostile: Path, words: list[str], start: list[str]) -> None:
    if not Path(start[0]).exists():
        pytest.skip("the console script is not installed")
    done = _seedbed(words, hostile, start)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", [f"{HOME}:", f".:{HOME}", f"in/..:{HOME}:{{cwd}}"])
def test_no_way_of_naming_the_working_folder_leads_there(hostile: Path, path: str) -> None:
    words = ["apply", "rows.jsonl", "-o", "a", "--function", "own:f"]
    for name in PYTHONS:  # from PYTHONPATH Python imports these before any of our code
        shutil.rmtree(hostile / name, ignore_errors=True)
        (hostile / f"{name}.py").unlink(missing_ok=True)
    start = SCRIPT if Path(SCRIPT[0]).exists() else [sys.executable, "-P", *MODULE[1:]]
    done = _seedbed(words, hostile, start, path.format(cwd=hostile))
    assert done.returncode == 0, done.stderr


def test_a_recipe_elsewhere_and_another_way_to_start(hostile: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    words = ["run", str(hostile / "t.yaml")]
    done = _seedbed(words, hostile, DASH_C, str(HOME))
    assert done.returncode == 0, done.stderr
    done = _seedbed(["plan", str(hostile / "t.yaml")], other, MODULE)
    assert done.returncode == 0, done.stderr


def test_a_relative_entry_of_the_path_holds_no_code(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    (tmp_path / "email.py").write_text(EVIL)
    (tmp_path / "numexpr.py").write_text(EVIL)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "rows.csv").write_text("text,when\nsome words of a row,2020-01-01\n")
    done = subprocess.run(
        [sys.executable, "-m", "seedbed", "csv", "rows.csv", "-o", "out"],
        cwd=tmp_path / "sub",
        env={**environment(MARKER=str(marker)), "PYTHONPATH": f"{HOME}:.."},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert not marker.exists(), marker.read_text()
