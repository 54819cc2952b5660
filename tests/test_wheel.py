"""The wheel works in a clean environment outside the clone, and says what an extra lacks."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
         "-w", folder, HOME],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    (found,) = folder.glob("seedbed-*.whl")
    return found


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel, whose dependencies are those of this one; its `python`."""
    folder = tmp_path_factory.mktemp("clean env")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps",
         "--no-index", wheel],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    site = next(folder.glob("lib/python3.*/site-packages"))
    # Only a path: the editable install of the checkout is not processed from there.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def _run(python: Path, *words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [python.parent / "seedbed", *words], cwd=cwd, env=environment,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_the_wheel_holds_the_code_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert (
        "pipeline/views/report/style.css" in names
        and "seedbed.py" in names
        and "stages/base.py" in names
    )
    assert not [name for name in names if name.startswith(("tests", "sample_data", "benchmarks"))]
    checkout = {
        path.relative_to(HOME).as_posix()
        for package in ("stages", "pipeline")
        for end in ("py", "html", "css", "js", "txt")
        for path in (HOME / package).rglob(f"*.{end}")
    }
    assert sum(name.endswith(".html") for name in checkout) >= 10
    assert checkout <= set(names)


def test_it_runs_a_recipe_outside_the_clone(clean: Path, tmp_path: Path) -> None:
    where = subprocess.run(
        [clean, "-c", "import stages; print(stages.__file__)"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "clean env" in where
    (tmp_path / "in.jsonl").write_text('{"text": "one two"}\n{"text": "one two"}\nbroken\n')
    (tmp_path / "r.yaml").write_text(
        "version: 1\nname: outside\nsources:\n  - jsonl: in.jsonl\nsteps: [dedup]\n"
    )
    done = _run(clean, "run", "r.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "in 3   kept 1   dropped 1   failed 1" in done.stdout
    assert (tmp_path / "runs/outside/report.html").is_file()


@pytest.mark.parametrize("name", ["stages", "pipeline"])
def test_a_foreign_package_on_the_path_is_named(clean: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    done = subprocess.run(
        [clean.parent / "seedbed", "--version"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert str(tmp_path / name / "__init__.py") in line and "clean env" in line


def test_a_missing_extra_is_one_sentence_with_the_pip_line(wheel: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from stages.require import require\n"
        "from stages.errors import MissingExtra\n"
        "try: require('torch', 'train')\n"
        "except MissingExtra as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == (
        "torch is not installed: pip install -c constraints.txt 'seedbed[train]'"
    )
