"""No process of a run loads pandas unless somebody's code asks for it; then it is whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stages.corpus import Corpus
from tests.pipeline import world
from tests.pipeline.world import seedbed

pytest.importorskip("pandas")

LOOKS = """
import sys

def f(record):
    record["completion"] = str("pandas" in sys.modules)
    return record
"""
USES = """
import pyarrow as pa

def f(record):
    import pandas as pd
    values = pa.array(pd.Series([1.0, float("nan")]))
    frame = pa.table({"a": [1]}).to_pandas()
    record["completion"] = f"{values.null_count} {type(frame).__name__}"
    return record
"""


@pytest.mark.parametrize(
    ("code", "found"), [(LOOKS, "False"), (USES, "1 DataFrame")], ids=["looks", "uses"]
)
def test_a_worker_loads_it_where_the_users_code_does(code: str, found: str, tmp_path: Path) -> None:
    world.lines(tmp_path / "in.jsonl", range(3))
    (tmp_path / "mine.py").write_text(code)
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[normalize, apply: {function: 'mine:f'}]")
    seedbed("run", "t.yaml", cwd=tmp_path)
    assert set(Corpus(tmp_path / "runs/t/corpus").table()["completion"].to_pylist()) == {found}


def test_the_command_itself_does_not() -> None:
    code = """
import sys
from stages.pandas_later import load_pandas_later
load_pandas_later()
import pyarrow as pa
pa.array(["a"]), pa.table({"a": [{"b": 1}]}).to_pylist()
assert "pandas" not in sys.modules
assert type(pa.table({"a": [1]}).to_pandas()).__name__ == "DataFrame"
import pandas
assert pa.array(pandas.Series([1, 2])).to_pylist() == [1, 2]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
