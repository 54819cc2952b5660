"""Who may import whom, what importing costs, and which names are public."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import stages
from pipeline import verbs

HOME = Path(stages.__file__).resolve().parent.parent
ROOMS = ["charts", "extract", "clean", "apply", "select", "tokens", "export", "curves", "train"]
ROOMS += ["sketch", "audit"]
HEAVY = ["torch", "pandas", "transformers", "sklearn", "datasets", "peft", "duckdb", "bs4"]
HEAVY += ["polars", "python_calamine", "openpyxl", "sqlparse", "jsonlines", "pg8000", "jinja2"]
HEAVY += ["pypdfium2", "matplotlib", "umap"]


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


# What training, exporting and reading curves write, and say of themselves.
MADE = [
    "curve.jsonl", "samples.json", "summary.json", "records.arrow", "probe.npy", "worst.jsonl",
    "findings.json", "curves.svg", "left_out.jsonl", "val_loss", "train_loss", "trained_tokens",
    "records_unused", "epoch_borders", "loss_mask", "input_ids",
]  # fmt: skip


def _explains(node: ast.AST) -> bool:
    """Whether it may have a docstring, which may give an example."""
    return isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)


def test_the_engine_names_no_stage_no_kind_and_nothing_that_they_make() -> None:
    classes = {cls for _, cls in stages.TABLE.values()}
    kinds = {stages.stage(name).kind for name in stages.TABLE}
    kinds |= {stages.stage(name).consumes for name in stages.TABLE}
    assert len(kinds) >= 6
    names = {*stages.TABLE, *stages.TOOLS.values(), *classes, *(kind.name for kind in kinds)}
    modules = {module for module, _ in stages.TABLE.values()}
    for path in _modules("pipeline"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        told = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if _explains(node)}
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) else None
            where = f"{path.name}:{getattr(node, 'lineno', 0)}"
            assert text not in names, f"{where} names {text!r}"
            if isinstance(text, str):
                assert not [word for word in MADE if word in text], f"{where}: {text!r}"
            if isinstance(text, str) and text not in told:
                quoted = re.findall(r"""["'`](\w+)["'`]""", text)
                assert not set(quoted) & names, f"{where}: {text!r}"
            said = {
                ast.Name: lambda node: [node.id],
                ast.Attribute: lambda node: [node.attr],
                ast.ImportFrom: lambda node: [alias.name for alias in node.names],
            }.get(type(node), lambda node: [])(node)
            assert not set(said) & classes, f"{where} names {said}"
            if isinstance(node, ast.ImportFrom | ast.Import):
                loaded = {getattr(node, "module", None), *(alias.name for alias in node.names)}
                assert not loaded & modules, f"{where} imports the module of a stage"
    templates = [path for path in (HOME / "pipeline").rglob("*.html")]
    assert len(templates) > 3
    for path in templates:
        told = re.findall(
            r"""["'](\w+)["']|\.(\w+)""", path.read_text(encoding="utf-8").replace(".html", "")
        )
        words = {word for pair in told for word in pair if word}
        assert not words & (names | set(MADE)), path


def test_kinds_are_apart_and_what_shows_them_is_there() -> None:
    kinds = {stages.stage(name).kind for name in stages.TABLE}
    assert len({kind.name for kind in kinds}) == len({kind.folder for kind in kinds}) == len(kinds)
    for kind in kinds:
        module = importlib.import_module(str(kind.shown_by))
        shows = {"lines", "warnings", "tiles", "panels"} & set(vars(module))
        assert shows, f"{kind.shown_by} shows nothing"


def test_verbs_and_stages_never_clash() -> None:
    words = [*verbs.own(), *stages.TOOLS, *stages.TABLE]
    assert len(words) == len(set(words))


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
