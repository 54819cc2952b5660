"""The pages for people agree with the code, and their worked examples run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import stages
from pipeline import reference

HOME = Path(__file__).resolve().parent.parent
README = (HOME / "README.md").read_text(encoding="utf-8")
STAGE = (HOME / "docs" / "writing-a-stage.md").read_text(encoding="utf-8")


def test_readme_leads_to_every_page() -> None:
    for page in (HOME / "docs").glob("*.md"):
        assert f"](docs/{page.name})" in README, f"the README does not lead to {page.name}"


def test_the_readmes_recipe_is_one(tmp_path: Path) -> None:
    recipe = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert recipe
    for name, text in {
        "site/a.html": "<p>" + "Peas are sown in rows. " * 9,
        "faq.csv": "id,Frage,Antwort\n1,When?,In March.\n",
        "dumps/forum.sql": "CREATE TABLE posts (id int, reply_to int, body text);\n"
        "INSERT INTO posts VALUES (1, NULL, 'When?'), (2, 1, 'In March.');\n",
        "mine.yaml": recipe[1],
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "seedbed", "plan", "mine.yaml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "prompt ← Frage; completion ← Antwort; meta ← id" in done.stdout


def test_the_reference_is_current() -> None:
    page = (HOME / "docs" / "stages.md").read_text(encoding="utf-8")
    assert page == reference.reference(), "run `python -m pipeline.reference`"


def test_every_link_of_the_pages_leads_somewhere() -> None:
    links = 0
    for page in [HOME / "README.md", HOME / "SECURITY.md", *(HOME / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                links += 1
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
    assert links >= 6


def test_the_makefile_knows_every_stage() -> None:
    done = subprocess.run(["make", "-s", "help"], cwd=HOME, capture_output=True, text=True)
    assert set(done.stdout.strip().splitlines()[-1].split()) == set(stages.TABLE)


def _block(after: str, language: str) -> str:
    match = re.search(re.escape(after) + r".*?```" + language + r"\n(.*?)```", STAGE, re.DOTALL)
    assert match, f"docs/writing-a-stage.md has no {language} block after {after!r}"
    return match[1]


@pytest.fixture
def copy_with_example(tmp_path: Path) -> Path:
    """A copy of the code to which the page's example was added as it says."""
    for folder in ("pipeline", "stages", "tests"):
        shutil.copytree(
            HOME / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "seedbed.py"):
        shutil.copy(HOME / name, tmp_path)
    (tmp_path / "stages/clean/shouting.py").write_text(
        _block("`stages/clean/shouting.py`:", "python")
    )
    (tmp_path / "tests/cases/shouting.py").write_text(
        _block("`tests/cases/shouting.py`:", "python")
    )
    table = tmp_path / "stages/__init__.py"
    line = _block("the line in `stages/__init__.py`:", "python")
    text = table.read_text()
    assert '    "refusals":' in text
    table.write_text(text.replace('    "refusals":', line + '    "refusals":', 1))
    return tmp_path


def _python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=240
    )


def test_the_worked_example_runs(copy_with_example: Path) -> None:
    (copy_with_example / "in.jsonl").write_text('{"text": "LOUD NOISE"}\n{"text": "Calm words."}\n')
    done = _python(
        copy_with_example,
        "-m",
        "seedbed",
        "shouting",
        "in.jsonl",
        "-o",
        "out",
        "--limit",
        "0.5",
    )
    assert done.returncode == 0, done.stderr
    assert "in 2 = kept 1 + dropped 1 + failed 0" in done.stdout
    help_ = _python(copy_with_example, "-m", "seedbed", "shouting", "--help").stdout
    assert "share of capital letters above which a text shouts" in help_


def test_the_worked_example_passes_the_common_checks(copy_with_example: Path) -> None:
    done = _python(
        copy_with_example,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-k",
        "shouting",
        "tests/test_every_stage.py",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) >= 9
