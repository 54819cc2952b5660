"""Code that lies beside the data is never run, by no verb and from no folder."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial

from tests.attack.trial import Trial, World
from tests.pipeline.test_foreign_code import LOOKED_FOR, PYTHONS
from tests.pipeline.world import page, prose

CALLS = {
    "html": ("html", "in", "-o", "out"),
    "csv": ("csv", "rows.csv", "-o", "out"),
    "jsonl": ("jsonl", "rows.jsonl", "-o", "out"),
    "database": ("database", "d.sqlite", "-o", "out"),
    "sql query": ("sql", "d.sql", "-o", "out", "--query", "SELECT body AS text FROM t"),
    "run": ("run", "t.yaml"),
    "plan": ("plan", "t.yaml"),
    "gc": ("gc", "--store", "store"),
    "diagnose": ("diagnose", "log.csv", "-o", "out"),
    "estimate": ("estimate", "config.json", "--records", "9"),
    "modules": ("modules", "config.json"),
    "bundle": ("bundle", "t.yaml", "-o", "out/b.tar.gz", "--step", "export"),
    "export": ("export", "rows.jsonl", "-o", "out"),
}


MODEL = {"model_type": "llama", "hidden_size": 8, "num_hidden_layers": 1, "vocab_size": 9,
         "num_attention_heads": 1, "intermediate_size": 9}  # fmt: skip


def _attack(words: tuple[str, ...], world: World) -> None:
    evil = f"open({str(world.folder / 'owned')!r}, 'a').write(__name__)\n"
    # Python itself, not seedbed, looks for these in the working folder when called with -m.
    own = {"json", "re", "random", "typing", "tempfile", "argparse", "traceback", "pathlib",
           "urllib", "dataclasses", "zoneinfo", "__future__"}  # fmt: skip
    for number, name in enumerate([*LOOKED_FOR, *PYTHONS]):
        if name not in own or number % 2:
            place = f"{name}/__init__.py" if number % 5 == 4 else f"{name}.py"
            world.write(place, evil)
    world.write("evil.pth", "import numexpr\n")
    world.write("conftest.py", evil)
    world.write("setup.cfg", "[metadata]\n")
    world.write("in/a.html", page(prose(1)))
    world.write("rows.csv", f"id,text,n\n1,{prose(2)},2\n")
    world.write("rows.jsonl", json.dumps({"text": prose(3)}) + "\n")
    world.write("d.sql", "CREATE TABLE t (id int, body text);\nINSERT INTO t VALUES (1,'words');\n")
    world.write("log.csv", "step,loss\n" + "".join(f"{n},{3 / n}\n" for n in range(1, 30)))
    with closing(sqlite3.connect(world.folder / "d.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
        connection.execute("INSERT INTO t VALUES (1, 'some words of a table')")
    world.write(
        "t.yaml",
        "version: 1\nname: t\nsources:\n  - html: {path: in}\n"
        "steps: [normalize, dedup, split, export]\n",
    )
    world.write("config.json", json.dumps(MODEL))
    world.call(*words)
    world.hold(not (world.folder / "owned").exists(), "code beside the data was run")


def trials(field: str, seed: int, fast: bool) -> Iterator[Trial]:
    """Every verb in a folder full of code."""
    for name, words in CALLS.items():
        if not fast or name == "run":
            yield Trial(name, partial(_attack, words))
