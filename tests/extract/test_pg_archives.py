"""The custom, tar and directory formats of pg_dump give the rows of the plain one, and what is
wrong with them is told."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages import CsvExtract, SqlExtract
from stages.errors import UsageError
from stages.extract.packed import pg_archives, streams
from stages.extract.packed.archives import read_at
from stages.place import Place
from tests.extract.conftest import SECRET, Postgres

TABLES = """
    CREATE TABLE posts (id serial PRIMARY KEY, question text, answer text, b bytea, n numeric(9,2));
    INSERT INTO posts (question, answer, b, n) SELECT 'why ' || i || E'\\n\\t\\\\N "x" \\u00e9',
        CASE WHEN i % 5 = 0 THEN NULL ELSE 'because ' || i END, '\\x00ff', i * 1.10
        FROM generate_series(1, 200) AS i;
    CREATE FUNCTION one() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;
    SELECT lo_from_bytea(0, 'abc');
"""
Found = tuple[list[dict[str, Any]], list[tuple[str, dict[str, Any]]]]


@pytest.fixture(scope="module")
def dumps(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one database in all formats."""
    postgres.run("postgres", "CREATE DATABASE archive")
    postgres.run("archive", TABLES)
    folder = tmp_path_factory.mktemp("dumps")
    formats = {"plain.sql": "p", "custom.dump": "c", "whole.tar": "t", "folder": "d"}
    for name, form in formats.items():
        subprocess.run(
            [postgres.binaries / "pg_dump", "-h", "127.0.0.1", "-p", str(postgres.port), "-U",
             "gardener", "-F", form, "-f", folder / name, "archive"],
            env={**os.environ, "PGPASSWORD": SECRET}, check=True,
        )  # fmt: skip
    return folder


def read(path: Path, **parameters: Any) -> Found:
    rejects: list[dict[str, Any]] = []
    found = list(SqlExtract(**parameters)(path, rejects))
    own = [{k: v for k, v in one.items() if k not in ("id", "source", "place")} for one in found]
    return own, [(r["reason"], json.loads(r["evidence"])) for r in rejects]


def packed(dumps: Path, out: Path) -> dict[str, Path]:
    """The archives in the other ways in which people have them."""
    for name in ("custom.dump", "whole.tar"):
        (out / f"{name}.gz").write_bytes(gzip.compress((dumps / name).read_bytes()))
    with zipfile.ZipFile(out / "in.zip", "w") as archive:
        archive.write(dumps / "custom.dump", "custom.dump")
    odd = out / "-- odd\n name"
    odd.mkdir()
    shutil.copy(dumps / "custom.dump", odd / "; rm -rf $(x).dump")
    shutil.copytree(dumps / "folder", odd / "-x")
    return {
        "custom": dumps / "custom.dump",
        "tar": dumps / "whole.tar",
        "folder": dumps / "folder",
        "its list": dumps / "folder" / "toc.dat",
        "custom.gz": out / "custom.dump.gz",
        "tar.gz": out / "whole.tar.gz",
        "in zip": out / "in.zip",
        "odd name": odd / "; rm -rf $(x).dump",
        "odd folder": odd / "-x",
    }


def test_every_format_gives_the_rows_of_the_plain_one(dumps: Path, tmp_path: Path) -> None:
    wanted = read(dumps / "plain.sql", table="posts")
    assert len(wanted[0]) == 160 and wanted[1] == [("empty", {"field": "completion"})] * 40
    for name, path in packed(dumps, tmp_path).items():
        assert read(path, table="posts") == wanted, name
    query = "SELECT count(*) AS text FROM posts"
    assert read(dumps / "folder", query=query)[0] == [{"text": "200"}]
    with pytest.raises(UsageError, match="nothing"):
        read(dumps / "custom.dump", query="SELECT nothing FROM posts")


def test_a_folder_of_dumps_holds_each_once(dumps: Path) -> None:
    parts = SqlExtract().parts(str(dumps), 1 << 20)
    assert [part.files[0] for part in parts] == [
        "custom.dump", "folder/toc.dat", "plain.sql", "whole.tar",
    ]  # fmt: skip
    (folder,) = [part for part in parts if len(part.files) > 1]
    assert sorted(folder.files) == sorted(
        f"folder/{path.name}" for path in (dumps / "folder").iterdir()
    )
    told = [part.detail.get("pg_restore") for part in parts]
    assert told[2] is None and len({told[0], told[1], told[3]}) == 1 and told[0] is not None


def test_a_row_is_found_again_by_its_place(dumps: Path) -> None:
    for name in ("custom.dump", "folder"):
        found = list(SqlExtract(table="posts")(dumps / name, []))
        place = Place.parse(found[7]["place"])
        root = dumps / name if name == "folder" else dumps
        assert read_at(root, place).startswith(b"9\twhy 9\\n\\t\\\\N")


def test_the_child_reads_them_too(dumps: Path) -> None:
    (part,) = SqlExtract(table="posts").parts(str(dumps / "folder"), 1 << 20)
    (judged,) = SqlExtract(table="posts").splits(part, "a", isolate=True)
    assert judged.counts.made == 160


def test_another_stage_names_the_one_that_reads_them(dumps: Path, tmp_path: Path) -> None:
    shutil.copy(dumps / "custom.dump", tmp_path / "a.csv")
    rejects: list[dict[str, Any]] = []
    assert not list(CsvExtract()(tmp_path / "a.csv", rejects))
    assert [r["reason"] for r in rejects] == ["wrong_kind"]
    assert json.loads(rejects[0]["evidence"])["read_by"] == "sql"


def test_a_missing_pg_restore_is_one_line_and_is_not_kept(
    dumps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pg_archives, "restorer", lambda: None)
    for name in ("custom.dump", "whole.tar", "folder"):
        found, ((reason, told),) = read(dumps / name)
        assert not found and reason == "unreadable"
        assert told["error"].startswith("pg_restore is not installed") and told["errno"]


def test_what_breaks_off_or_is_damaged_is_told_and_the_rows_before_are_kept(
    dumps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pg_archives, "_CPU_SECONDS", 0.5)
    cuts = {"custom.dump": (11, 40, -2000, -600), "whole.tar": (1100, -10_000)}
    for name, places in cuts.items():
        data = (dumps / name).read_bytes()
        for at in places:
            (tmp_path / name).write_bytes(data[:at])
            found = read(tmp_path / name)[1][-1][0]
            assert found in ("truncated", "corrupt", "deadline"), (name, at)
    broken = bytearray((dumps / "custom.dump").read_bytes())
    broken[6] = 99
    (tmp_path / "b.dump").write_bytes(broken)
    assert read(tmp_path / "b.dump") == (
        [],
        [("corrupt", {"error": "pg_restore: unsupported version (1.99) in file header"})],
    )
    shutil.copytree(dumps / "folder", tmp_path / "folder")
    (data_,) = (tmp_path / "folder").glob("[0-9]*.dat.gz")
    data_.unlink()
    _, rejects = read(tmp_path / "folder")
    assert rejects[-1][0] == "corrupt" and str(tmp_path) not in str(rejects)


def test_changed_bytes_give_rows_or_a_fault(
    dumps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pg_archives, "_CPU_SECONDS", 0.5)
    draw = random.Random(8)
    for number in range(24):
        name = ("custom.dump", "whole.tar", "folder/toc.dat")[number % 3]
        folder = tmp_path / str(number)
        shutil.copytree(dumps, folder)
        data = bytearray((folder / name).read_bytes())
        for _ in range(4):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        (folder / name).write_bytes(data)
        found, rejects = read(folder / name, table="posts")
        assert found or rejects, number
        assert not any("Error" in str(told.get("error")) for _, told in rejects), rejects


def link(folder: Path) -> None:
    (data,) = folder.glob("[0-9]*.dat.gz")
    data.rename(folder.parent / "elsewhere.gz")
    data.symlink_to(folder.parent / "elsewhere.gz")


def name_outside(folder: Path) -> None:
    (data,) = folder.glob("[0-9]*.dat.gz")
    plain = data.name.removesuffix(".gz").encode()
    toc = (folder / "toc.dat").read_bytes()
    outside = b"../s.dat"
    (folder.parent / "s.dat").write_bytes(b"1\tsecret\tsecret\t\\N\t\\N\n\\.\n")
    assert len(outside) == len(plain) and toc.count(plain) == 1
    (folder / "toc.dat").write_bytes(toc.replace(plain, outside))


def object_outside(folder: Path) -> None:
    (folder / "blobs.toc").write_text("16394 ../s.dat\n")


def cut_list(folder: Path) -> None:
    toc = (folder / "toc.dat").read_bytes()
    (folder / "toc.dat").write_bytes(toc[:200])


def long_name(folder: Path) -> None:
    toc = bytearray((folder / "toc.dat").read_bytes())
    toc[52:56] = b"\xff\xff\xff\x7f"  # the size of the database's name
    (folder / "toc.dat").write_bytes(toc)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (link, "is no regular file"),
        (name_outside, "outside of its folder: ../s.dat"),
        (object_outside, "outside of its folder: ../s.dat"),
        (cut_list, "ends early"),
        (long_name, "ends early"),
    ],
)
def test_a_folder_that_leads_out_of_itself_is_refused(
    change: Callable[[Path], None], told: str, dumps: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(dumps / "folder", folder)
    change(folder)
    found, rejects = read(folder)
    assert not found and len(rejects) == 1 and told in rejects[0][1]["error"]


def test_a_list_of_tables_of_anybody_else_is_no_dump(tmp_path: Path) -> None:
    (tmp_path / "toc.dat").write_bytes(b"contents of a disk\n")
    (tmp_path / "a.sql").write_text("INSERT INTO t VALUES ('a good text');\n")
    assert [part.files for part in SqlExtract().parts(str(tmp_path), 1)] == [("a.sql",)]


def test_it_ends_with_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = tmp_path / "pg_restore"
    code = "while True: print('SELECT 1;')"
    endless.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$0"\n')
    endless.chmod(0o755)
    monkeypatch.setattr(pg_archives, "restorer", lambda: (str(endless), "1"))
    monkeypatch.setattr(streams, "RATIO_FLOOR", 1 << 20)
    (tmp_path / "a.dump").write_bytes(b"PGDMP\x01\x0e\x00\x04\x08\x01" + bytes(999))
    ((reason, told),) = read(tmp_path / "a.dump")[1]
    assert reason == "oversize" and told["of"] == "ratio of the archive"
    for _ in range(50):
        if not _running(str(endless)):
            return
        time.sleep(0.1)
    raise AssertionError("it runs on")


def _running(command: str) -> bool:
    found = Path("/proc").glob("[0-9]*/cmdline")
    return any(command.encode() in path.read_bytes() for path in found if path.exists())


@pytest.mark.parametrize("limit", ["_CPU_SECONDS", "_SECONDS"])
def test_a_silent_one_is_ended(limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = tmp_path / "pg_restore"
    silent.write_text("#!/bin/sh\nwhile :; do :; done\n")
    silent.chmod(0o755)
    monkeypatch.setattr(pg_archives, "restorer", lambda: (str(silent), "1"))
    monkeypatch.setattr(pg_archives, limit, 0.5)
    (tmp_path / "a.dump").write_bytes(b"PGDMP\x01\x0e\x00\x04\x08\x01" + bytes(999))
    ((reason, told),) = read(tmp_path / "a.dump")[1]
    assert reason == "deadline" and told["of"].startswith("CPU seconds of pg_restore")
