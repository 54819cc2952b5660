"""Keys: what changes a stage's output changes them, and nothing else does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

import stages
from pipeline.engine import content, keys
from pipeline.engine.content import FileHashes, files_of, part_identity
from pipeline.engine.keys import base_key, closure, fingerprint, hash_of
from stages.base import Part
from stages.errors import Changed, SeedbedError, UsageError

PARENT = """
from stages import near
from stages.room.far import thing

def work(x: int) -> int:
    return thing(x) + near.NUMBER
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `stages` of the test's own."""
    folder = tmp_path / "stages"
    (folder / "room").mkdir(parents=True)
    for name, text in {
        "__init__": "",
        "parent": PARENT,
        "near": "NUMBER = 1\n",
        "other": "NUMBER = 1\n",
        "room/__init__": "",
        "room/far": "def thing(x: int) -> int:\n    return x\n",
    }.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(keys, "_home", lambda: folder)
    keys._code.cache_clear()
    yield folder
    keys._code.cache_clear()


def _print(text: str, home: Path, name: str = "parent") -> str:
    (home / f"{name}.py").write_text(text)
    keys._code.cache_clear()
    return fingerprint("stages.parent")


def test_comments_docstrings_and_layout_change_nothing(home: Path) -> None:
    before = fingerprint("stages.parent")
    assert closure("stages.parent") == {"stages.parent", "stages.near", "stages.room.far"}
    for text in (
        PARENT + "\n# a comment\n",
        '"""About."""\n' + PARENT,
        '"""Other words."""\n' + PARENT,
        PARENT.replace("    return", '    """What it does."""\n    return'),
        PARENT.replace(
            "thing(x) + near.NUMBER", "(\n        thing(x)\n        + near.NUMBER\n    )"
        ),
    ):
        assert _print(text, home) == before


def test_code_here_or_below_changes_the_key(home: Path) -> None:
    seen = {fingerprint("stages.parent")}
    for text, name in (
        (PARENT.replace("+ near", "- near"), "parent"),
        (PARENT.replace("x: int", "x: float"), "parent"),
        ("NUMBER = 2\n", "near"),
        ("def thing(x: int) -> int:\n    return 2 * x\n", "room/far"),
    ):
        seen.add(_print(text, home, name))
    assert len(seen) == 5
    before = fingerprint("stages.parent")
    assert _print("NUMBER = 9\n", home, "other") == before, "it is not imported"


@pytest.mark.parametrize(
    "line",
    [
        "import importlib\nimportlib.import_module('stages.near')",
        "from importlib import import_module\nimport_module('x')",
        "__import__('stages.near')",
        "exec('import stages')",
        "eval('1')",
        "from . import near",
        "from .near import NUMBER",
    ],
)
def test_code_that_keys_cannot_see_is_refused(home: Path, line: str) -> None:
    with pytest.raises(AssertionError, match=r"stages.parent:\d+.*keys cannot see"):
        _print(line, home)


def test_a_model_may_be_put_into_eval_mode(home: Path) -> None:
    _print("def f(model: object) -> None:\n    model.eval()\n", home)


@pytest.mark.extras
def test_the_keys_of_all_stages_differ_and_are_stable(tmp_path: Path) -> None:
    hashes = FileHashes(tmp_path / "hashes.json")
    found: dict[str, str] = {}
    for name in stages.TABLE:
        stage = stages.stage(name)()
        try:
            found[name] = base_key(stage, hashes)
        except SeedbedError as error:
            assert str(error), name  # a model or an extra that is not installed
            continue
        assert base_key(stages.stage(name)(), hashes) == found[name]
    assert len(found) >= 10 and len(set(found.values())) == len(found)


def test_a_parameter_changes_the_key(tmp_path: Path) -> None:
    hashes = FileHashes(tmp_path / "hashes.json")
    stage = stages.stage("dedup")()
    other = dataclasses.replace(stage, threshold=0.7)
    assert base_key(stage, hashes) != base_key(other, hashes)


def test_a_part_is_known_by_names_and_contents_and_not_by_where_it_is(tmp_path: Path) -> None:
    found = []
    for folder, name, text in (
        ("one", "a.txt", "text"),
        ("two", "a.txt", "text"),
        ("three", "b.txt", "text"),
        ("four", "a.txt", "other"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
        part = Part(str(tmp_path / folder), (name,))
        found.append(hash_of(part_identity(part, files_of(part, FileHashes(tmp_path / "h.json")))))
    assert found[0] == found[1] and len(set(found)) == 3
    with pytest.raises(Changed, match="nowhere vanished"):
        files_of(Part(str(tmp_path), ("nowhere",)), FileHashes(tmp_path / "h.json"))


def test_file_hashes_are_remembered_until_a_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, memory = tmp_path / "file", tmp_path / "hashes.json"
    path.write_text("first")
    monkeypatch.setattr(content, "_RECENT", 0)
    hashes = FileHashes(memory)
    one = hashes.of(path)
    hashes.save()
    assert one in memory.read_text()
    assert FileHashes(memory).of(path) == one
    assert FileHashes(memory).of(path, 0, 3) != one
    path.write_text("other")
    assert FileHashes(memory).of(path) != one


def test_a_file_just_written_is_hashed_again(tmp_path: Path) -> None:
    """Its time may stay the same through a later change of the same length."""
    path, memory = tmp_path / "file", tmp_path / "hashes.json"
    path.write_text("first")
    hashes = FileHashes(memory)
    hashes.of(path)
    hashes.save()
    assert not memory.exists() or str(path) not in memory.read_text()


def test_a_users_module_is_found_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "rules_of_mine.py").write_text("def f(x): return x\n")
    one = keys.user_module_hash("rules_of_mine")
    (tmp_path / "rules_of_mine.py").write_text("def f(x): return 2 * x\n")
    assert keys.user_module_hash("rules_of_mine") != one
    with pytest.raises(UsageError, match="no_such_module_here"):
        keys.user_module_hash("no_such_module_here")
