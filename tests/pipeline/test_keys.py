"""Keys: what changes a stage's output changes them, and nothing else does."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import os
import re
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

import stages
from pipeline.engine import code, content, keys
from pipeline.engine.code import closure
from pipeline.engine.content import FileHashes, files_of, part_identity
from pipeline.engine.keys import base_key, fingerprint, hash_of
from pipeline.verbs.run import run
from stages import user_code
from stages.base import Map, Part, Stage
from stages.errors import Changed, SeedbedError, UsageError
from stages.verdicts import Verdicts
from tests.pipeline import world

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
        "base": "",
        "shared": "NUMBER = 1\n",
        "room/__init__": "",
        "room/far": "from stages.room.deep import SMALL\ndef thing(x: int) -> int:\n    return x\n",
        "room/deep": "SMALL = 1\n",
    }.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(code, "_home", lambda: folder)
    code.code_of.cache_clear()
    yield folder
    code.code_of.cache_clear()


def _print(text: str, home: Path, name: str = "parent") -> str:
    (home / f"{name}.py").write_text(text)
    code.code_of.cache_clear()
    return fingerprint("stages.parent")


def test_comments_docstrings_and_layout_change_nothing(home: Path) -> None:
    before = fingerprint("stages.parent")
    below = {"stages.near", "stages.room.far", "stages.room.deep"}
    assert closure("stages.parent") == {"stages.parent", *below}
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


def test_code_is_parsed_once_and_a_damaged_memory_is_none(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "cache"))
    parsed: list[str] = []
    real = code._parsed
    monkeypatch.setattr(code, "_parsed", lambda name, raw: parsed.append(name) or real(name, raw))

    def again() -> str:
        monkeypatch.setattr(code, "_memory", code._Memory())
        code.code_of.cache_clear()
        parsed.clear()
        return fingerprint("stages.parent")

    first = again()
    assert len(parsed) == 4
    assert again() == first and not parsed
    (home / "near.py").write_text("NUMBER = 3\n")
    other = again()
    assert other != first and parsed == ["stages.near"]
    (memory,) = (tmp_path / "cache/code").iterdir()
    whole = memory.read_text()
    for text in (
        whole[:-9],
        whole.replace('"found"', '"lost"'),
        whole.replace("e", "f"),
        "[" * 9999,
    ):
        memory.write_text(text)
        assert again() == other and len(parsed) == 4
    memory.unlink()
    memory.mkdir()  # it can be neither read nor written
    assert again() == other and len(parsed) == 4


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


# --- what a key is made of ----------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Probe(Map):
    """A stage whose code is the test's own `stages.parent`."""

    name: ClassVar[str] = "probe"
    libraries: ClassVar[tuple[str, ...]] = ("numpy",)
    model: str = ""
    limit: int = 1

    def resources(self) -> tuple[Path, ...]:
        return (Path(self.model),)

    def modules(self) -> tuple[str, ...]:
        return ("mine",)

    def judge(self, verdicts: Verdicts) -> None:
        raise AssertionError("it is never called")


# What is not in the dataclass, so that its place is no parameter.
Probe.__module__ = "stages.parent"


@dataclasses.dataclass
class Ingredients:
    """All that a piece depends on: home: our code; theirs: the user's folder with modules, a
    model and the input; and what a test may put in the place of a function of Python's."""

    home: Path
    theirs: Path
    patch: pytest.MonkeyPatch
    stage: Probe = dataclasses.field(default_factory=Probe)

    def write(self, name: str, text: str) -> None:
        (self.theirs / name).write_text(text)

    def version(self, name: str, value: str) -> None:
        known = importlib.metadata.version
        found = lambda one: value if one == name else known(one)  # noqa: E731
        self.patch.setattr(keys.importlib.metadata, "version", found)

    def python(self, *version: int) -> None:
        self.patch.setattr(keys, "sys", types.SimpleNamespace(version_info=version))

    def other(self, name: str, value: object) -> None:
        kind = type("Probe", (Probe,), {name: value, "__module__": "stages.parent"})
        self.stage = dataclasses.dataclass(frozen=True)(kind)()  # type: ignore[assignment]

    def key(self) -> str:
        """The key of the piece that the stage makes of the input."""
        code.code_of.cache_clear()
        user_code.look_in(self.theirs)
        hashes = FileHashes(self.theirs / "hashes.json")
        self.patch.setattr(Probe, "resources", lambda _: (self.theirs / "model.bin",))
        part = Part(str(self.theirs), ("in.txt",))
        identity = part_identity(part, files_of(part, hashes))
        return hash_of([base_key(self.stage, hashes), "source", "name", identity])


@pytest.fixture
def all_of_it(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ingredients]:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    monkeypatch.setitem(sys.modules, "stages.parent", sys.modules[__name__])
    found = Ingredients(home, theirs, monkeypatch)
    found.write("mine.py", "import helper\ndef f(record):\n    return record\n")
    found.write("helper.py", "X = 1\n")
    found.write("unused.py", "X = 1\n")
    found.write("model.bin", "weights")
    found.write("in.txt", "text")
    yield found
    user_code.look_in()


CHANGES: dict[str, Callable[[Ingredients], object]] = {
    "code": lambda one: (one.home / "parent.py").write_text(PARENT.replace("+ near", "- near")),
    "helper module": lambda one: (one.home / "near.py").write_text("NUMBER = 2\n"),
    "helper of a helper": lambda one: (one.home / "room/deep.py").write_text("SMALL = 2\n"),
    "name of the stage": lambda one: one.other("name", "probe2"),
    "parameter": lambda one: setattr(one, "stage", Probe(limit=2)),
    "Python's minor version": lambda one: one.python(3, 99, 0),
    "version of a library": lambda one: one.version("numpy", "99.0"),
    "version of Arrow": lambda one: one.version("pyarrow", "99.0"),
    "a library more": lambda one: one.other("libraries", ("numpy", "ruamel.yaml")),
    "format of corpora": lambda one: one.patch.setattr(keys, "FORMAT", 99),
    "model": lambda one: one.write("model.bin", "Weights"),
    "user's module": lambda one: one.write("mine.py", "import helper\nf = dict\n"),
    "module that it imports": lambda one: one.write("helper.py", "X = 2\n"),
    "input": lambda one: one.write("in.txt", "Text"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_every_ingredient_changes_the_key(what: str, all_of_it: Ingredients) -> None:
    before = all_of_it.key()
    assert all_of_it.key() == before
    CHANGES[what](all_of_it)
    assert all_of_it.key() != before


@pytest.mark.parametrize(
    "line",
    [
        "from stages.shared import NUMBER",
        "from stages.shared import *",
        "from stages import shared",
        "import stages.shared",
        "import stages.shared as s",
    ],
)
def test_code_of_ours_changes_the_key_however_it_is_imported(
    line: str, all_of_it: Ingredients
) -> None:
    all_of_it.write("helper.py", f"{line}\nX = 1\n")
    before = all_of_it.key()
    (all_of_it.home / "shared.py").write_text("NUMBER = 2\n")
    assert all_of_it.key() != before


def _moved(one: Ingredients) -> None:
    one.theirs = one.theirs.rename(one.theirs.with_name("another place"))


def _older(one: Ingredients) -> None:
    for path in [*one.theirs.iterdir(), *one.home.rglob("*.py")]:
        os.utime(path, (1_000_000_000, 1_000_000_000))


NO_CHANGES: dict[str, Callable[[Ingredients], object]] = {
    "comment": lambda one: (one.home / "parent.py").write_text("# why\n" + PARENT),
    "docstring": lambda one: (one.home / "near.py").write_text('"""Near."""\nNUMBER = 1\n'),
    "layout": lambda one: (one.home / "near.py").write_text("NUMBER = (\n    1\n)\n"),
    "code that is not imported": lambda one: (one.home / "other.py").write_text("NUMBER = 2\n"),
    "place": _moved,
    "time": _older,
    "user's module that is not imported": lambda one: one.write("unused.py", "X = 2\n"),
    "file beside": lambda one: one.write("notes.txt", "new"),
    "library that is not named": lambda one: one.version("ruamel.yaml", "99.0"),
    "Python's micro version": lambda one: one.python(*sys.version_info[:2], 99),
    "workers and threads": lambda one: one.patch.setenv("OMP_NUM_THREADS", "7"),
    "working folder": lambda one: one.patch.chdir(one.theirs),
}


@pytest.mark.parametrize("what", NO_CHANGES)
def test_nothing_else_changes_it(what: str, all_of_it: Ingredients) -> None:
    before = all_of_it.key()
    NO_CHANGES[what](all_of_it)
    assert all_of_it.key() == before


_PAGES = {"selectolax", "warcio", "brotli"}


@pytest.mark.parametrize(
    ("stage", "used"),
    [
        (stages.HtmlExtract(), _PAGES),
        (stages.HtmlExtract(selector="main"), {*_PAGES, "beautifulsoup4", "soupsieve"}),
        (stages.Tokenize(), {"tokenizers", "jinja2"}),  # a template renders every record
        (stages.Tokenize(chat="plain"), {"tokenizers"}),
        (stages.Train(), {"torch", "transformers", "peft", "tokenizers", "jinja2", "numpy"}),
        (stages.RefusalFilter(), set()),
    ],
    ids=lambda one: "" if isinstance(one, set) else repr(one)[:40],
)
def test_a_key_names_the_libraries_that_the_stage_asks(stage: Stage, used: set[str]) -> None:
    assert set(keys.libraries_of(stage)) == used | {"pyarrow"}


# Read for people alone: what `plan` reckons with is in no result.
_TOLD = {"gpus.json"}


def test_files_that_code_reads_are_resources_of_its_stages() -> None:
    found: set[str] = set()
    for module, name in stages.TABLE.values():
        stage = getattr(stages, name)()
        resources = {path.resolve() for path in stage.resources()}
        for one in closure(module):
            file = Path(str(importlib.import_module(one).__file__))
            for other in re.findall(r'Path\(__file__\)\.with_name\("(.+?)"\)', file.read_text()):
                found.add(other)
                assert other in _TOLD or file.with_name(other).resolve() in resources, stage.name
    assert found >= {"refusal_weights.json", "general.txt"}


def test_workers_part_size_and_place_of_a_run_change_no_key(tmp_path: Path) -> None:
    named = []
    for number, folder in enumerate(("one", "other place")):
        world.lines(tmp_path / folder / "in.jsonl", range(5))
        path = world.recipe(tmp_path / folder, "jsonl: {path: in.jsonl}", "[normalize, dedup]")
        run(path, workers=1 + number, part_bytes=(16 << 20) + number)
        named.append(world.named(tmp_path / folder))
    assert named[0] == named[1] and len(named[0]) >= 3


# --- files --------------------------------------------------------------------------------------


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


def test_a_users_module_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="no_such_module_here"):
        keys.user_module_hash("no_such_module_here")


def test_text_that_begins_like_a_home_is_text(tmp_path: Path) -> None:
    from stages import check

    stage = stages.Tokenize(model="smollm2", system="~~~nobody says")
    assert "system" not in check.places_of(stage)
    assert check.places_of(stages.Export(format="text", join="~~~")) == {}
