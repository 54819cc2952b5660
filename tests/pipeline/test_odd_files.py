"""A run over files that are no files, links that lead away, and names of any bytes."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

from pipeline.engine.account import load_run
from pipeline.views.explain import explain
from pipeline.views.lives import life_of
from pipeline.views.named import ids_at
from stages.corpus import Corpus
from tests.pipeline.world import account, recipe, seedbed

NAMES = [b"\xff\xfe.jsonl", b"a\nb%#@!.jsonl", b"\x1b[31m.jsonl", b"n" * 249 + b".jsonl"]
MEMBERS = ["../up.jsonl", "/etc/abs.jsonl", "a\\b.jsonl", "m" * 400 + ".jsonl"]
MEMBERS += ["again.jsonl", "again.jsonl", "\udcff.jsonl", "n\nl.jsonl"]


def write(folder: Path) -> None:
    folder.mkdir()
    for number, name in enumerate(NAMES):
        path = folder / os.fsdecode(name)
        path.write_text(f'{{"text":"first of {number}"}}\n{{"text":"second of {number}"}}\n')
    with tarfile.open(folder / "all.tar", "w") as archive:
        for number, member in enumerate(MEMBERS):
            data = json.dumps({"text": f"member {number}"}).encode() + b"\n"
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def test_what_is_no_regular_file_is_booked_and_the_run_goes_on(tmp_path: Path) -> None:
    write(tmp_path / "in")
    os.mkfifo(tmp_path / "in" / "pipe.jsonl")
    (tmp_path / "in" / "away.jsonl").symlink_to("/etc/passwd")
    (tmp_path / "in" / "circle").symlink_to(".")
    recipe(tmp_path, "jsonl: {path: in}")
    seedbed("run", "t.yaml", cwd=tmp_path)
    (step,) = account(tmp_path)["steps"]
    assert step["counts"]["reasons"] == {"link": 2, "unreadable": 1}
    assert (step["counts"]["dropped"], step["counts"]["failed"]) == (2, 1)
    assert step["counts"]["kept"] == 2 * len(NAMES) + len(MEMBERS)
    assert "from the store" in seedbed("run", "t.yaml", cwd=tmp_path).stderr


def test_records_of_any_name_are_found_again_by_line_and_id(tmp_path: Path) -> None:
    write(tmp_path / "in")
    (tmp_path / "in" / "link.jsonl").symlink_to(os.fsdecode(NAMES[0]))
    recipe(tmp_path, "jsonl: {path: in}")
    seedbed("run", "t.yaml", cwd=tmp_path)
    run = tmp_path / "runs" / "t"
    told = load_run(run)
    for name in [*NAMES, b"link.jsonl"]:
        (identity,) = ids_at(tmp_path / "in" / os.fsdecode(name), 2, run, told)
        life = life_of(identity, run, told)
        assert life.place.path == os.fsdecode(name) and life.raw is not None
        assert b"second of" in life.raw
        assert "second of" in explain(f"{tmp_path}/in/{os.fsdecode(name)}:2", run)
    rows = [row for t in Corpus(run / "corpus").batches() for row in t.to_pylist()]
    assert len({row["id"] for row in rows}) == len({row["place"] for row in rows}) == len(rows)
    for row in rows:
        life = life_of(row["id"], run, told)
        assert life.raw is not None and json.loads(life.raw)["text"] == row["text"]


def test_a_database_of_any_name_is_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / os.fsdecode(b"\xff?#%20\n.db")
    with closing(sqlite3.connect(os.fsencode(path))) as connection, connection:
        connection.executescript("CREATE TABLE t (text); INSERT INTO t VALUES ('words of it')")
    seedbed("database", "in", "-o", "out", cwd=tmp_path)
    assert [row["text"] for row in Corpus(tmp_path / "out").table().to_pylist()] == ["words of it"]
