"""The public face: which names seedbed has, what importing it does, and its two functions."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import seedbed
import stages
from stages import user_code
from tests.pipeline import world
from tests.pipeline.world import HOME, environment


def test_the_names_are_those_that_can_be_reached() -> None:
    own = {
        name
        for name, value in vars(seedbed).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert own == {"main"}
    assert {*stages.__all__, "run", "plan", "Corpus", "Map", "main"} <= set(seedbed.__all__)
    for name in seedbed.__all__:
        assert getattr(seedbed, name).__name__ == name
    assert set(dir(seedbed)) == {*seedbed.__all__, "__all__", "__doc__", "__version__"}
    assert seedbed.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="no attribute 'NoSuchName'"):
        _ = seedbed.NoSuchName


def _python(code: str, cwd: Path, path: str = str(HOME)) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=environment(PYTHONPATH=path),
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_importing_it_changes_nothing_and_loads_nothing(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "def state(): return (list(sys.path), dict(os.environ), os.getcwd(),\n"
        "                     [signal.getsignal(n) for n in (2, 15)], list(sys.meta_path))\n"
        "before, loaded = state(), set(sys.modules)\n"
        "import seedbed\n"
        "assert state() == before\n"
        "print(*sorted(set(sys.modules) - loaded))\n"
        "from seedbed import HtmlExtract, run, plan, Corpus\n"
        "assert state() == before\n"
    )
    done = _python(code, tmp_path, f"{HOME}:.:")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["seedbed"]


@pytest.mark.parametrize("name", ["stages", "pipeline"])
def test_another_package_of_the_name_is_a_clear_import_error(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    code = "import seedbed\nprint(seedbed.__version__)\nfrom seedbed import HtmlExtract\n"
    done = _python(code, tmp_path)
    assert done.returncode == 1 and done.stdout.count(".") == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: {tmp_path / name / '__init__.py'} hides seedbed's own")
    assert "rename it" in last
    done = subprocess.run(
        [sys.executable, "-m", "seedbed", "--version"], cwd=tmp_path,
        env=environment(PYTHONPATH=str(HOME)), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


def test_a_recipe_is_run_and_planned_from_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.lines(tmp_path / "in.jsonl", range(5))
    (tmp_path / "mine.py").write_text("def f(record):\n    return {**record, 'completion': 'x'}\n")
    path = world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[apply: {function: 'mine:f'}]")
    monkeypatch.chdir(tmp_path.parent)
    before = list(sys.path), dict(os.environ), user_code.folders()
    plan = seedbed.plan(path)
    assert str(plan) == plan.text and "mine:f" in plan.text
    assert [step.stage.name for step in plan.recipe.steps] == ["apply"]
    assert not (tmp_path / "runs").exists()
    result = seedbed.run(path, workers=1, out=tmp_path / "elsewhere")
    assert result.folder == tmp_path / "elsewhere/t"
    table = seedbed.Corpus(result.shown["records"]).table()
    assert table.column("completion").to_pylist() == ["x"] * 5
    assert (list(sys.path), dict(os.environ), user_code.folders()) == before
    with pytest.raises(seedbed.UsageError, match="workers must be at least 1, not 0"):
        seedbed.run(path, workers=0)
    with pytest.raises(seedbed.UsageError, match=r"nowhere.yaml: not found"):
        seedbed.plan("nowhere.yaml")


def test_a_recipe_is_a_dict_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.lines(tmp_path / "in.jsonl", range(5))
    monkeypatch.chdir(tmp_path)
    source = {"jsonl": {"path": Path("in.jsonl"), "name": "a"}}
    recipe = {"version": 1, "sources": [source], "steps": ["normalize", {"split": {"val": 2}}]}
    assert "jsonl" in str(seedbed.plan(recipe)) and not (tmp_path / "runs").exists()
    result = seedbed.run(recipe, workers=1)
    assert result.folder == tmp_path / "runs/recipe"
    assert len(result.corpora["records"]) == 5
    assert [counts["kept"] for counts in result.counts.values()] == [5, 5, 5]
    recipe["steps"] = [{"splt": {"val": 2}}, {"normalize": {"forms": "x"}}]
    with pytest.raises(seedbed.UsageError) as caught:
        seedbed.run(recipe)
    first, second = caught.value.messages
    assert first == "there is no stage 'splt'; did you mean 'split'?"
    assert second.startswith("normalize has no parameter 'forms'")
    with pytest.raises(seedbed.UsageError, match="a recipe holds texts, numbers"):
        seedbed.run({"version": 1, "sources": [{"jsonl": {"path": {1, 2}}}]})
