"""Who may import whom, what importing costs, and which names are public."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import stages
from pipeline import verbs

HOME = Path(stages.__file__).resolve().parent.parent
ROOMS = ["extract", "clean", "apply", "select", "tokens", "export", "curves", "train"]
HEAVY = ["torch", "pandas", "transformers", "sklearn", "datasets", "peft", "duckdb", "bs4"]
HEAVY += ["polars", "python_calamine", "openpyxl", "sqlparse", "jsonlines", "pg8000", "jinja2"]


def _modules(package: str) -> list[Path]:
    found = sorted((HOME / package).rglob("*.py"))
    assert len(found) > 10, f"{package} has only {len(found)} modules: is the path right?"
    return found


def _imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_stages_never_import_the_engine() -> None:
    for path in _modules("stages"):
        wrong = {name for name in _imports(path) if name.split(".")[0] == "pipeline"}
        assert not wrong, f"{path.name} imports {wrong}"


def test_rooms_import_only_leftwards() -> None:
    checked = 0
    for path in _modules("stages"):
        parts = path.relative_to(HOME / "stages").parts
        if len(parts) == 1:
            allowed = ["extract"] if path.stem in ("explain",) else []
        else:
            allowed = ROOMS[: ROOMS.index(parts[0]) + 1]
        for name in _imports(path):
            words = name.split(".")
            if words[0] == "stages" and len(words) > 1 and words[1] in ROOMS:
                checked += 1
                assert words[1] in allowed, f"{path.relative_to(HOME)} imports {name}"
    assert checked > 20


def test_no_stage_name_occurs_in_the_engine() -> None:
    names = set(stages.TABLE) | {cls for _, cls in stages.TABLE.values()}
    names -= {"train", "split"}  # also words of the data: the train side of a split
    for path in _modules("pipeline"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) else None
            assert text not in names, f"{path.name}:{node.lineno} names the stage {text!r}"  # type: ignore[attr-defined]
            if isinstance(node, ast.Name):
                assert node.id not in names - set(stages.TABLE), f"{path.name} names {node.id}"


def test_verbs_and_stages_never_clash() -> None:
    assert not set(verbs.names()) & set(stages.TABLE)


def test_public_names_are_the_stages() -> None:
    assert sorted(stages.__all__) == sorted(cls for _, cls in stages.TABLE.values())
    for name in stages.__all__:
        assert getattr(stages, name).__name__ == name
    with pytest.raises(AttributeError):
        _ = stages.NoSuchStage


def _fresh(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=HOME, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("name", sorted(cls for _, cls in stages.TABLE.values()))
def test_importing_a_stage_loads_nothing_heavy(name: str) -> None:
    loaded = _fresh(f"import sys; from stages import {name}; print(*sys.modules)").split()
    assert not set(HEAVY) & set(loaded)


CALLS = {
    "csv": ("CsvExtract", "a.csv", "text,n\nwords,1\n", {"python_calamine", "polars"}),
    "jsonl": ("JsonlExtract", "a.jsonl", '{"text": "words"}\n', {"jsonlines", "polars"}),
    "sql": ("SqlExtract", "a.sql", "INSERT INTO t VALUES (1, 'x');\n", {"sqlparse", "duckdb"}),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_loads_nothing_that_it_does_not_need(name: str, tmp_path: Path) -> None:
    cls, file, text, unneeded = CALLS[name]
    (tmp_path / file).write_text(text)
    code = f"import sys; from stages import {cls}; print(len(list({cls}()({str(tmp_path)!r}))))"
    loaded = _fresh(f"{code}; print(*sys.modules)").split()
    assert loaded[0] == "1"
    assert not (unneeded | {"datasets", "torch", "transformers", "sklearn"}) & set(loaded)


def test_import_times_with_threefold_slack() -> None:
    measure = "import time; b = time.process_time(); {}; print(time.process_time() - b)"
    package = min(float(_fresh(measure.format("import stages"))) for _ in range(3))
    stage = min(float(_fresh(measure.format("from stages import RefusalFilter"))) for _ in range(3))
    assert package < 3 * 0.05
    assert stage < 3 * 0.3
