"""Stages of other people: of an installed package, and of a module beside the recipe."""

from __future__ import annotations

import dataclasses
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.account import load_run
from stages import registry, user_code
from stages.corpus import Corpus
from stages.errors import UsageError
from stages.testing import Case, check_stage
from tests.pipeline import world
from tests.pipeline.world import environment, work

STAGES = '''
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from almanac.words import LOUD
from seedbed import DocumentSource, End, Fault, Item, Map, Part, Place, Verdicts
from stages.base import ISOLATION_REASONS
from stages.extract import files
from stages.kinds import Kind


@dataclass(frozen=True)
class Leaves(DocumentSource):
    """The leaves of an almanac, one record a file.

    word: what a leaf must hold.
    """

    name: ClassVar[str] = "leaves"
    reasons: ClassVar[Mapping[str, str]] = {
        **files.REASONS, **ISOLATION_REASONS, "blank": "it lacks the word", "crash": "x" * 9,
    }
    suffixes: ClassVar[tuple[str, ...]] = (".leaf",)
    word: str = "sow"

    def parts(self, path: str, size: int) -> list[Part]:
        root, names, left = files.find(path, self.suffixes)
        return [Part(str(root), tuple(names))]

    def items(self, part: Part) -> Iterator[tuple[Place, bytes] | Fault]:
        for name, path in part.paths():
            yield Place(name), path.read_bytes()

    def extract(self, place: Place, raw: bytes) -> Item | Fault:
        text = raw.decode()
        if text.startswith("abort"):
            import os
            os.abort()
        if self.word not in text:
            return Fault(place, "blank", {"word": self.word}, raw=raw)
        return Item(place, raw, [{"text": text}])


@dataclass(frozen=True)
class Shout(Map):
    """Drops texts that shout.

    limit: capital letters from which a text shouts.
    """

    name: ClassVar[str] = "shout"
    reasons: ClassVar[Mapping[str, str]] = {LOUD: "it has too many capital letters"}
    limit: int = field(default=4, metadata={"range": (1, 100)})

    def judge(self, verdicts: Verdicts) -> None:
        for row, text in enumerate(verdicts.texts("all")):
            loud = sum(map(str.isupper, text or ""))
            if loud >= self.limit:
                verdicts.drop(row, LOUD, score=loud, limit=self.limit)


@dataclass(frozen=True)
class Tally(End):
    """Writes how many records there are."""

    name: ClassVar[str] = "tally"
    kind: ClassVar[Kind] = Kind("tally", "counted", "almanac.panels")

    def run(self, source: Path, out: Path, work: Path, progress: Any) -> dict[str, Any]:
        from seedbed import Corpus

        rows = len(Corpus(source))
        (out / "tally.txt").write_text(f"{rows}\\n")
        return {"rows": rows}


class Bare:
    name = "bare"


@dataclass(frozen=True)
class Half(Map):
    name: ClassVar[str] = "half"


@dataclass(frozen=True)
class Dedup(Shout):
    """Not the one.

    limit: as there.
    """

    name: ClassVar[str] = "dedup"


class Loose(Shout):
    name: ClassVar[str] = "loose"


@dataclass(frozen=True)
class Worded(Tally):
    name: ClassVar[str] = "worded"
    kind: ClassVar[str] = "files"


@dataclass(frozen=True)
class Nameless(Map):
    """Nothing.
    """

    def judge(self, verdicts: Verdicts) -> None:
        pass
'''
PANELS = """
from markupsafe import Markup

from stages.kinds import Panel, summary_of


def lines(folder):
    return [f"tally    {summary_of(folder)['rows']} leaves in {folder.name}"]


def panels(folder):
    return [Panel("Leaves <counted>", Markup("<p class=almanac>two of five</p>"))]
"""
MOON = """
ABOUT = "say how many days a month has"


def options(parser):
    parser.add_argument("month", type=int, help="1 to 12")


def act(given):
    from stages.errors import UsageError

    if not 1 <= given.month <= 12:
        raise UsageError(f"there is no month {given.month}: name one of 1 to 12")
    print(f"{30 + given.month % 2} days")
    return 0
"""
PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "almanac"
version = "1.2"

[project.entry-points."seedbed.stages"]
leaves = "almanac.leaves:Leaves"
shout = "almanac.leaves:Shout"
tally = "almanac.leaves:Tally"
broken = "almanac.broken:Broken"
dedup = "almanac.leaves:Dedup"
bare = "almanac.leaves:Bare"
other = "almanac.leaves:Shout"

[project.entry-points."seedbed.tools"]
moon = "almanac.moon"
lame = "almanac.words"
plan = "almanac.moon"
csv = "almanac.moon"
gone = "almanac.no_such_module"

[tool.setuptools]
packages = ["almanac"]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed a package that brings stages."""
    home = tmp_path_factory.mktemp("almanac")
    package = home / "src" / "almanac"
    package.mkdir(parents=True)
    (home / "src/pyproject.toml").write_text(PROJECT)
    for name, text in {
        "__init__": "", "leaves": STAGES, "words": 'LOUD = "loud"\n',
        "broken": "import no_such_library\n", "beside": "X = 1\n", "panels": PANELS,
        "moon": MOON,
    }.items():  # fmt: skip
        (package / f"{name}.py").write_text(text)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation",
         "--no-index", "--target", home / "site", home / "src"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return home / "site"


@pytest.fixture
def here(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package is installed for this process and those that it starts."""
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    registry.installed.cache_clear()
    yield site
    registry.installed.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "almanac"]:
        del sys.modules[name]


def _seedbed(site: Path, cwd: Path, *words: object, code: int = 0) -> str:
    done = subprocess.run(
        [*world.COMMAND, *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=120,
        env=environment(PYTHONPATH=f"{site}:{world.HOME}"),
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


LEAVES = {"a": "sow beans", "b": "SOW BEANS sow", "c": "nothing", "d": "abort here", "e": "sow it"}


def _folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for name, text in LEAVES.items():
        (tmp_path / "in" / f"{name}.leaf").write_text(text)
    world.recipe(tmp_path, "leaves: {path: in}", "[shout: {limit: 5}, tally]")
    return tmp_path


def test_a_recipe_of_theirs_runs_in_workers_and_in_the_killable_child(
    here: Path, tmp_path: Path
) -> None:
    folder = _folder(tmp_path)
    ending = _seedbed(here, folder, "run", "t.yaml")
    run = folder / "runs/t"
    assert Corpus(run / "corpus").table().column("text").to_pylist() == ["sow beans", "sow it"]
    assert (run / "counted/tally.txt").read_text() == "2\n"
    assert "tally    2 leaves in counted" in ending
    left = {
        row["place"]: row["reason"]
        for step in load_run(run)["steps"][:2]
        for row in Corpus(run / step["folder"]).rejects().to_pylist()
    }
    assert left == {"b.leaf": "loud", "c.leaf": "blank", "d.leaf": "crash"}
    report = (run / "report.html").read_text()
    assert "it has too many capital letters" in report
    assert "<p class=almanac>two of five</p>" in report and "Leaves &lt;counted&gt;" in report
    told = _seedbed(here, folder, "explain", "in/b.leaf:1")
    assert "dropped, loud (it has too many capital letters)" in told and "score: 8" in told
    account = json.loads((run / "run.json").read_text())
    account["steps"][1]["parameters"]["limit"] = 1000
    (run / "run.json").write_text(json.dumps(account))
    with pytest.raises(UsageError, match="damaged"):
        load_run(run)


def test_their_keys_cover_their_package_and_nothing_else(here: Path, tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    words, beside = here / "almanac/words.py", here / "almanac/beside.py"
    before = words.read_text()
    _seedbed(here, folder, "run", "t.yaml")
    beside.write_text("X = 2\n")
    _seedbed(here, folder, "run", "t.yaml")
    assert {stage: computed for stage, (computed, _) in work(folder).items()} == {
        "leaves": 0, "shout": 0, "tally": 0,
    }  # fmt: skip
    try:
        words.write_text(before + "# another hash\n")
        _seedbed(here, folder, "run", "t.yaml")
    finally:
        words.write_text(before)
    assert all(computed for computed, _ in work(folder).values())


def test_they_have_help_and_a_command(here: Path, tmp_path: Path) -> None:
    told = _seedbed(here, tmp_path, "--help")
    assert "shout      Drops texts that shout." in told
    assert "the stage 'broken' (almanac.broken:Broken of the package almanac 1.2) cannot" in told
    assert "(almanac.leaves:Dedup of the package almanac 1.2) is called like a stage of" in told
    told = " ".join(_seedbed(here, tmp_path, "shout", "--help").split())
    assert "--limit INTEGER capital letters from which a text shouts. Default: 4." in told
    (tmp_path / "in.jsonl").write_text('{"text": "LOUD NOISE"}\n{"text": "Calm words."}\n')
    for word in ("shout", "almanac.leaves:Shout"):
        told = _seedbed(here, tmp_path, word, "in.jsonl", "-o", "out", "--limit", "5")
        assert "in 2 = kept 1 + dropped 1 + failed 0" in told
    told = _seedbed(here, tmp_path, "shout", "in.jsonl", "-o", "out", "--limt", "5", code=2)
    assert "did you mean '--limit'?" in told
    assert "did you mean 'shout'?" in _seedbed(here, tmp_path, "shuot", "x", "-o", "y", code=2)


def test_a_package_brings_tools(here: Path, tmp_path: Path) -> None:
    assert _seedbed(here, tmp_path, "moon", "3") == "31 days\n"
    told = _seedbed(here, tmp_path, "moon", "13", code=2)
    assert told == "seedbed: there is no month 13: name one of 1 to 12\n"
    assert "month 1 to 12" in " ".join(_seedbed(here, tmp_path, "moon", "--help").split())
    assert "did you mean 'moon'?" in _seedbed(here, tmp_path, "mon", "3", code=2)
    told = _seedbed(here, tmp_path, "gone", code=2)
    assert "the tool 'gone' (almanac.no_such_module of the package almanac 1.2) cannot be" in told


def test_help_tells_which_tools_of_packages_are_not_used_and_why(
    here: Path, tmp_path: Path
) -> None:
    told = " ".join(_seedbed(here, tmp_path, "--help").split())
    assert "moon say how many days a month has" in told
    assert "1.2) is no tool: it does not define ABOUT, options, act" in told
    assert "No module named 'almanac.no_such_module'" in told
    for name, what in (("plan", "verb"), ("csv", "stage")):
        assert (
            f"the tool {name!r} (almanac.moon of the package almanac 1.2) is called like a {what},"
            in told
        )
    assert "show what it would do" in _seedbed(here, tmp_path, "plan", "--help")


MINE = '''
from dataclasses import dataclass
from typing import ClassVar
from seedbed import Map
from helper import REASON

@dataclass(frozen=True)
class Short(Map):
    """Drops short texts.

    least: fewest letters.
    """

    name: ClassVar[str] = "short"
    reasons = {REASON: "it has few letters"}
    least: int = 3

    def judge(self, verdicts):
        for row, text in enumerate(verdicts.texts("all")):
            if len(text or "") < self.least:
                verdicts.drop(row, REASON)
'''


def test_a_class_of_a_module_beside_the_recipe_is_a_step(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "helper.py").write_text("REASON = 'short'\n")
    (tmp_path / "in.jsonl").write_text('{"text": "a"}\n{"text": "long enough"}\n')
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "['mine:Short': {least: 4}]")
    _seedbed(tmp_path, tmp_path, "run", "t.yaml")
    assert Corpus(tmp_path / "runs/t/corpus").table().num_rows == 1
    assert "dropped, short (it has few letters)" in _seedbed(
        tmp_path, tmp_path, "explain", "in.jsonl:1"
    )
    _seedbed(tmp_path, tmp_path, "run", "t.yaml")
    assert work(tmp_path)["mine:Short"][0] == 0
    (tmp_path / "helper.py").write_text("REASON = 'short'  # as it was\n")
    _seedbed(tmp_path, tmp_path, "run", "t.yaml")
    assert work(tmp_path)["mine:Short"][0] == 1
    told = _seedbed(tmp_path, tmp_path, "mine:Short", "in.jsonl", "-o", "out", "--least", "2")
    assert "in 2 = kept 1 + dropped 1 + failed 0" in told
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "['mine:Shorts', 'mine:Short': {last: 4}]")
    told = _seedbed(tmp_path, tmp_path, "plan", "t.yaml", code=2)
    assert "mine has no class 'Shorts'; did you mean 'Short'?" in told
    assert "short has no parameter 'last'; did you mean 'least'?" in told


ODD = '''
from dataclasses import dataclass
from pathlib import Path

from seedbed import End, Fault, Item, Map, Part, Place, RowSource, UsageError
from stages.base import ISOLATION_REASONS
from stages.kinds import Kind


@dataclass(frozen=True)
class Lines(RowSource):
    """The lines of any file."""

    name = "lines"
    reasons = {**ISOLATION_REASONS, "unread": "it is no text"}

    def parts(self, path, size):
        if not Path(path).is_dir():
            raise UsageError(f"{path}: not found")
        return [Part(path, (one.name,)) for one in sorted(Path(path).iterdir())]

    def read(self, part):
        for name, path in part.paths():
            raw = path.read_bytes()
            if raw.isascii() and raw:
                yield Item(Place(name), raw, [{"text": raw.decode()}])
            else:
                yield Fault(Place(name), "unread", {}, raw=raw)


@dataclass(frozen=True)
class Fails(Map):
    """Judge nothing."""

    name = "fails"

    def judge(self, verdicts):
        return {}["of theirs"]


@dataclass(frozen=True)
class Ends(End):
    """Make nothing."""

    name = "ends"
    kind = Kind("nothing", "nothing")

    def run(self, source, out, work, progress):
        raise TypeError("of theirs")
'''


@pytest.mark.parametrize(
    ("step", "error"), [("Fails", "KeyError: 'of theirs'"), ("Ends", "TypeError: of theirs")]
)
def test_a_bug_of_theirs_is_not_told_as_ours(step: str, error: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(ODD)
    (tmp_path / "in.jsonl").write_text('{"text": "a"}\n')
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", f"['mine:{step}']")
    told = _seedbed(tmp_path, tmp_path, "run", "t.yaml", code=3)
    sentence = f"a bug of the module mine, not of your data: {error}"
    assert sentence in told
    assert world.account(tmp_path)["reason"] == f"this is {sentence}", "the report says no more"
    trace = Path(re.search(r"the trace is in (\S+)\n", told)[1])  # type: ignore[index]
    assert "mine.py" in trace.read_text()
    trace.unlink()


def test_a_source_without_endings_passes_the_common_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd_lines.py").write_text(ODD)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.odd").write_text("a text")
    (tmp_path / "in/b").write_text("é")
    (tmp_path / "checks").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    lines = importlib.import_module("odd_lines").Lines
    case = Case(lines(), path=str(tmp_path / "in"), reasons={"unread": 1})
    check_stage(case, folder=tmp_path / "checks")


def test_what_a_source_of_theirs_lists_is_its_own_affair(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(ODD)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.odd").write_text("a text")
    world.recipe(tmp_path, "'mine:Lines': {path: in}", "[normalize]")
    assert "not read" not in _seedbed(tmp_path, tmp_path, "plan", "t.yaml")


def test_a_library_call_starts_a_child_for_a_class_that_only_it_can_find(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = STAGES.replace("from almanac.words import LOUD", "LOUD = 'loud'")
    (tmp_path / "leaves_of_mine.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    from leaves_of_mine import Leaves  # type: ignore[import-not-found]

    (tmp_path / "a.leaf").write_text("sow it")
    (tmp_path / "b.leaf").write_text("abort")
    rejects: list[dict[str, object]] = []
    (kept,) = Leaves()(tmp_path, rejects, isolate=True)
    assert kept["text"] == "sow it" and [row["reason"] for row in rejects] == ["crash"]
    local = type("Local", (Leaves,), {"__qualname__": "test.<locals>.Local"})
    with pytest.raises(UsageError, match="put the class into a module"):
        registry.word_of(local)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (
            "broken",
            r"'broken' .almanac.broken:Broken of the package almanac 1.2. cannot be loaded:",
        ),
        ("bare", "is no stage: a stage is a class below one of stages.base"),
        ("other", "calls itself 'shout': entry point and class must agree"),
        ("shuot", "there is no stage 'shuot'; did you mean 'shout'?"),
        ("almanac.leaves:Half", "is no whole stage: it does not define judge"),
        ("almanac.leaves:Loose", "is no frozen dataclass"),
        ("almanac.leaves:Nameless", "has no name"),
        ("almanac.leaves:Worded", "has 'files' as its kind, which is no Kind"),
        ("almanac.leaves:Dedup", "calls itself 'dedup', as a stage of seedbed's"),
        ("almanac.leaves:Shuot", "has no class 'Shuot'; did you mean 'Shout'?"),
        ("almanac.nowhere:X", "almanac.nowhere cannot be imported: no module is called so"),
    ],
)
def test_what_is_no_stage_is_one_sentence(here: Path, word: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        registry.find(word)
    assert "\n" not in str(caught.value)
    assert said in str(caught.value) or re.search(said, str(caught.value))


def test_ours_is_used_where_a_package_has_its_name(here: Path) -> None:
    assert registry.find("dedup").__module__ == "stages.clean.dedup"
    assert [name for name in registry.names() if name == "dedup"] == ["dedup"]


def test_the_common_checks_are_theirs_too(here: Path, tmp_path: Path) -> None:
    shout = registry.find("shout")
    texts = [{"text": "LOUD NOISE"}, {"text": "Calm."}, {"prompt": "a", "completion": "b"}]
    case = Case(shout(), records=texts, reasons={"loud": 1})  # type: ignore[arg-type]
    (tmp_path / "good").mkdir()
    check_stage(case, folder=tmp_path / "good")
    for number, (wrong, said) in enumerate(
        {
            "one reason more": (Case(shout(), records=texts), "Shout"),  # type: ignore[arg-type]
            "no docstring": (Case(_with_rest(shout), texts, "", {"loud": 1}), "for ['rest']"),
        }.values()
    ):
        (tmp_path / str(number)).mkdir()
        with pytest.raises(AssertionError) as caught:
            check_stage(wrong, folder=tmp_path / str(number))
        assert said in str(caught.value)


def _with_rest(shout: Any) -> Any:
    made = dataclasses.make_dataclass(
        "Rest",
        [("rest", int, 1)],
        bases=(shout,),
        frozen=True,
        namespace={"__doc__": "Rests a bit."},
    )
    made.__module__ = __name__
    globals()["Rest"] = made
    return made()


def test_an_account_imports_nothing(here: Path, tmp_path: Path) -> None:
    assert registry.loaded("almanac.leaves:Shout") is None
    assert "almanac.leaves" not in sys.modules
    registry.find("almanac.leaves:Shout")
    assert registry.loaded("almanac.leaves:Shout") is not None
    user_code.look_in()
