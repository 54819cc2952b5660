"""Sheets and queries as people meet them: in plan, report and explain."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.engine.run import run_recipe
from pipeline.recipe.checked import read_recipe
from pipeline.recipe.recipe import RecipeError
from pipeline.views.explain import explain
from pipeline.views.plan import show_plan

QUERY = "select a.body as prompt, b.body as completion from t as a join t as b on b.of = a.id"
LAID_OUT = [
    "select a.body as prompt,",
    "       b.body as completion",
    "from t as a",
    "join t as b on b.of = a.id",
]
DUMP = """CREATE TABLE t (id int, of int, body text);
INSERT INTO t VALUES (1, NULL, 'Why?');
INSERT INTO t VALUES (2, 1, 'So.');
"""


def _recipe(folder: Path, source: str) -> Path:
    path = folder / "r.yaml"
    path.write_text(f"version: 1\nname: r\nsources:\n  - {source}\nrun: {{workers: 1}}\n")
    return path


def test_a_query_is_laid_out_in_plan_report_and_explain(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text(DUMP)
    recipe = read_recipe(_recipe(tmp_path, f"sql: {{path: a.sql, query: '{QUERY}'}}"))
    lines = show_plan(recipe).splitlines()
    at = next(n for n, line in enumerate(lines) if line.strip() == "query:")
    indent = lines[at + 1].index("select")
    assert [line[indent:] for line in lines[at + 1 : at + 5]] == LAID_OUT
    run_recipe(recipe)
    page = (tmp_path / "runs/r/report.html").read_text(encoding="utf-8")
    assert "\n".join(LAID_OUT) in page
    told = explain(_only_id(tmp_path / "runs/r/corpus"), tmp_path / "runs/r")
    assert "\n".join(f"  {line}" for line in ["query:", *LAID_OUT]) in told


def _only_id(folder: Path) -> str:
    from stages.corpus import Corpus

    (identity,) = Corpus(folder).table(["id"]).column("id").to_pylist()
    return str(identity)


def test_a_statement_is_explained_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text(DUMP + "\nSELECT body\nFROM t;\n")
    run_recipe(read_recipe(_recipe(tmp_path, "sql: {path: a.sql, statements: yes, format: yes}")))
    told = explain(f"{tmp_path / 'a.sql'}:6", tmp_path / "runs/r")
    assert "place    a.sql, line 5, bytes 121 to 140" in told
    assert "    | SELECT body\n    | FROM t;" in told


def test_a_sheet_in_plan_and_explain(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "Fragen"
    for row in (["question", "answer"], ["Why?", "So."], ["How?", "Like this."]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(RecipeError, match=r"sheet: there is no sheet .Frage. in a\.xlsx; did you"):
        show_plan(read_recipe(_recipe(tmp_path, "csv: {path: a.xlsx, sheet: Frage}")))
    recipe = read_recipe(_recipe(tmp_path, "csv: {path: a.xlsx, sheet: Fragen}"))
    assert "prompt ← question; completion ← answer" in show_plan(recipe)
    run_recipe(recipe)
    told = explain(f"{tmp_path / 'a.xlsx'}:3", tmp_path / "runs/r")
    assert "place    a.xlsx, table Fragen [row=3]" in told and "| Like this." in told
