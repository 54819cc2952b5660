"""A kind of somebody else's: its folder, its lines, its tiles and its panels, and nothing more."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import stages
from pipeline.engine.account import load_run
from pipeline.engine.run import run_recipe
from pipeline.recipe.checked import read_recipe
from pipeline.recipe.recipe import RecipeError
from pipeline.views import summary
from stages.kinds import RECORDS, Kind
from tests.pipeline import world

MODULE = '''
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from markupsafe import Markup

from stages.base import End
from stages.kinds import Kind, Panel, Tile, summary_of


@dataclass(frozen=True)
class Letters(End):
    """Count letters."""

    name: ClassVar[str] = "letters"
    kind: ClassVar[Kind] = Kind("alphabet", "alphabet", __name__)

    def run(self, source, out, work, progress):
        (out / "letters.txt").write_text("abc")
        return {"letters": 26}


@dataclass(frozen=True)
class Words(End):
    """Count words made of letters."""

    name: ClassVar[str] = "wordlist"
    kind: ClassVar[Kind] = Kind("wordlist", "FOLDER", __name__)
    consumes: ClassVar[Kind] = Letters.kind

    def run(self, source, out, work, progress):
        (out / "words.txt").write_text((source / "letters.txt").read_text() + "!")
        return {"letters": 3}


def lines(folder):
    return [f"letters    {summary_of(folder)['letters']} in {folder.name}"]


def tiles(folder):
    return [Tile("letters", str(summary_of(folder)["letters"]), "<b>of the alphabet</b>")]


def panels(folder):
    if folder.name == "wordlist":
        raise ValueError("no such picture")
    return [Panel("Letters <i>", Markup("<p class=mine>abc</p>")), Panel("Text", "<script>1")]
'''


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe of two stages from a package of somebody's."""
    (tmp_path / "foreign_letters.py").write_text(MODULE.replace("FOLDER", "wordlist"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "foreign_letters", raising=False)
    for name, cls in (("letters", "Letters"), ("wordlist", "Words")):
        monkeypatch.setitem(stages.TABLE, name, ("foreign_letters", cls))
    monkeypatch.setattr("pipeline.engine.runner.base_key", lambda stage, hashes: stage.name)
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": w}) + "\n" for w in "abc"))
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "version: 1\nname: mine\nsources:\n  - jsonl: {path: in.jsonl}\n"
        "steps: [letters, wordlist]\n"
    )
    return path


def test_a_foreign_kind_is_shown_where_the_own_ones_are(recipe: Path) -> None:
    result = run_recipe(read_recipe(recipe))
    assert (result.folder / "alphabet/letters.txt").read_text() == "abc"
    assert (result.folder / "wordlist/words.txt").read_text() == "abc!"
    assert [step["kind"] for step in load_run(result.folder)["steps"]] == [
        RECORDS.name, "alphabet", "wordlist",
    ]  # fmt: skip
    told = "\n".join(summary.lines(result.folder))
    assert "letters    26 in alphabet" in told and "letters    3 in wordlist" in told
    page = (result.folder / "report.html").read_text()
    assert "<p class=mine>abc</p>" in page and "Letters &lt;i&gt;" in page
    assert "&lt;b&gt;of the alphabet&lt;/b&gt;" in page and "&lt;script&gt;1" in page
    assert "wordlist in wordlist/ cannot be shown: ValueError: no such picture" in page


def test_a_kind_in_the_way_of_another_is_a_mistake(recipe: Path, tmp_path: Path) -> None:
    for folder, words in (
        ("corpus", "is in the way of records, shown in corpus/"),
        ("steps", "which a run cannot have"),
        ("a/b", "which a run cannot have"),
    ):
        (tmp_path / "foreign_letters.py").write_text(MODULE.replace("FOLDER", folder))
        sys.modules.pop("foreign_letters", None)
        with pytest.raises(RecipeError, match=words):
            read_recipe(recipe)


def test_a_kind_without_a_module_shows_nothing(tmp_path: Path) -> None:
    kind = Kind("bare", "bare")
    assert kind.lines(tmp_path) == kind.tiles(tmp_path) == kind.panels(tmp_path) == []
    assert Kind("other", "x", "stages.words").lines(tmp_path) == []


def test_a_module_beside_the_recipe_shows_a_kind_by_its_own_name(tmp_path: Path) -> None:
    stage, shows = MODULE.split("def lines", 1)
    (tmp_path / "mine.py").write_text(stage.replace("__name__", '"shown"'))
    head = "from markupsafe import Markup\nfrom stages.kinds import Panel, Tile, summary_of\n"
    (tmp_path / "shown.py").write_text(f"{head}\n\ndef lines{shows}")
    world.recipe(tmp_path, "jsonl: {path: a.jsonl}", '["mine:Letters"]')
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n')
    done = world.seedbed("run", "t.yaml", cwd=tmp_path)
    assert "letters    26 in alphabet" in done.stdout
    assert "<p class=mine>abc</p>" in (tmp_path / "runs/t/report.html").read_text()
