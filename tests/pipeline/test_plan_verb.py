"""What `plan` sees of the sources before a run, and the mistakes that it finds there."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path

import pytest

from pipeline.engine.run import run_recipe
from pipeline.recipe.checked import read_recipe
from pipeline.recipe.recipe import Recipe, RecipeError, SourceStep
from pipeline.views.plan import show_plan
from stages import CsvExtract, DatabaseExtract, HtmlExtract, JsonlExtract, SqlExtract
from stages import sample as looks
from stages.base import Source
from stages.errors import UsageError


def plan(folder: Path, *sources: str) -> str:
    (folder / "t.yaml").write_text(
        "version: 1\nsources:\n" + "".join(f"  - {s}\n" for s in sources)
    )
    return show_plan(read_recipe(folder / "t.yaml"))


def wrong(folder: Path, source: str) -> str:
    with pytest.raises(RecipeError) as told:
        plan(folder, source)
    return str(told.value)


FAQ = "Frage;Antwort;Nr\nWarum?;Darum.;1\nWo?;Da.;2\n"


def test_plan_says_how_each_source_is_understood(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("question,answer,votes\nWhy?,So.,1\n")
    (tmp_path / "a.jsonl").write_text('{"text": "t", "id": 7}\n' * 3 + "oops\n")
    (tmp_path / "a.sql").write_text(
        "CREATE TABLE posts (id int, body text);\nINSERT INTO posts VALUES (1,'x'),(2,'y');\n"
        "CREATE TABLE tags (name text);\nINSERT INTO tags VALUES ('z');\n"
    )
    with sqlite3.connect(tmp_path / "a.db") as base:
        base.execute("CREATE TABLE t (text, n)")
        base.execute("INSERT INTO t VALUES ('x', 1)")
    base.close()
    told = plan(tmp_path, "csv: a.csv", "jsonl: a.jsonl", "sql: a.sql", "database: a.db")
    lines = [line.strip() for line in told.splitlines()]
    assert "prompt ← question; completion ← answer; meta ← votes" in lines
    assert "text ← text; meta ← id" in lines
    assert "refused: 1 of 4 items (malformed)" in lines
    assert "text ← body; meta ← id; table: posts (2)" in lines
    assert any(line.startswith("text ← all columns") and "tags" in line for line in lines)
    assert "text ← text; meta ← n; table: t" in lines
    assert "seen in" not in told  # it was all that there is
    assert not (tmp_path / "runs").exists() and not (tmp_path / ".seedbed").exists()


def test_of_a_large_file_a_sample_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = json.dumps({"text": "words " * 40})
    (tmp_path / "a.jsonl").write_text(f"{row}\n" * 20_000)
    found = looks.look(JsonlExtract(), looks.parts_of(JsonlExtract(), str(tmp_path / "a.jsonl")))
    assert (found.items, found.whole, found.forms) == (200, False, {"text ← text": 200})
    assert "seen in the first 200 items of 1 file" in plan(tmp_path, "jsonl: a.jsonl")


def test_of_many_files_some_are_read(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number:02}.csv").write_text("text\nwords\n")
    told = plan(tmp_path, "csv: '*.csv'")
    assert "40 files" in told and "seen in 16 items of 16 files of 40" in told


def test_files_that_the_ending_leaves_out_are_told_and_patterns_say_what_they_leave(
    tmp_path: Path,
) -> None:
    (tmp_path / "site").mkdir()
    for name in (
        "a.csv",
        "b.CSV.gz",
        "all.zip",
        "c.txt",
        "d.txt",
        "page.php?t=7",
        ".hid",
        "README",
    ):
        (tmp_path / "site" / name).write_text("text\nwords\n")
    told = plan(tmp_path, "csv: site")
    assert "note: 4 files are not read by the ending of the name" in told
    assert "(2 .txt, 1 without an ending, 1 .php); 'site/**/*.txt*' reads such" in told
    assert "not read by" not in plan(tmp_path, "csv: 'site/*.csv'")
    assert "not read by" not in plan(tmp_path, "csv: site/a.csv")


def test_what_takes_too_long_is_told_and_left(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.json.gz", "wb", compresslevel=1) as file:
        file.write(b'{"data": [' + b'{"text": "x"},' * 8_000_000 + b'{"text": "x"}]}')
    stage = JsonlExtract()
    found = looks.look(stage, looks.parts_of(stage, str(tmp_path / "a.json.gz")), cpu=0.1)
    assert found.items == 0 and found.stopped == ["a.json.gz takes too long for a look"]


# --- columns that are named ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "source", "sentence"),
    [
        ("a.csv", FAQ, "csv: {path: a.csv, prompt: frage, completion: Antwort}",
         "prompt: there is no column 'frage' in a.csv; did you mean 'Frage'?"),
        ("a.csv", FAQ, "csv: {path: a.csv, text: '{Frage} {NUMMER}'}",
         "text: there is no column 'NUMMER' in a.csv"),
        ("a.jsonl", '{"q": "x", "a": "y"}\n', "jsonl: {path: a.jsonl, messages: talk}",
         "messages: there is no column 'talk' in a.jsonl"),
        ("a.jsonl", '{"User": "x"}\n', "jsonl: {path: a.jsonl, text: user}",
         "did you mean 'User'?"),
        ("a.sql", "CREATE TABLE t (Body text);\nINSERT INTO t VALUES ('x');\n",
         "sql: {path: a.sql, table: t, text: bdy}", "text: there is no column 'bdy' in t; did you"),
        ("a.sql", "CREATE TABLE t (Body text);\n",
         "sql: {path: a.sql, query: 'select body as b from t', text: body}",
         "text: there is no column 'body' in the result"),
        ("a.txt", "12:00 <ann> Lit?\n12:01 <bob> Yes.\n", "chatlog: {path: a.txt, assistant: boby}",
         "assistant: there is no speaker 'boby' in a.txt@0+33:1; did you mean 'bob'?; it has ann"),
    ],
)  # fmt: skip
def test_a_column_that_is_not_there_is_a_mistake(
    name: str, content: str, source: str, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    told = wrong(tmp_path, source)
    assert sentence in told and "t.yaml:3:5: " in told
    with pytest.raises(RecipeError, match=r"there is no (?:column|speaker)"):
        run_recipe(read_recipe(tmp_path / "t.yaml"))
    assert not (tmp_path / "runs").exists()


def test_a_column_of_a_live_file_is_checked(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as base:
        base.execute("CREATE TABLE t (Body)")
        base.execute("INSERT INTO t VALUES ('x')")
    base.close()
    told = wrong(tmp_path, "database: {path: a.db, table: t, text: body}")
    assert "text: there is no column 'body' in t; did you mean 'Body'?" in told


def test_a_column_that_some_have_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Frage,Antwort\nWo?,Da.\n")
    (tmp_path / "b.csv").write_text("question,answer\nWhere?,There.\n")
    told = plan(tmp_path, "csv: {path: '*.csv', prompt: Frage, completion: Antwort}")
    assert "prompt ← Frage; completion ← Antwort" in told and "(no_form)" in told


def test_a_key_that_may_stand_further_behind_is_no_mistake(tmp_path: Path) -> None:
    late = '{"zzz": "x"}\n' * 300 + '{"seldom": "y"}\n'
    (tmp_path / "a.jsonl").write_text(late)
    assert "(no_form)" in plan(tmp_path, "jsonl: {path: a.jsonl, text: seldom}")
    source = SourceStep(JsonlExtract(text="seldom"), path=str(tmp_path / "a.jsonl"), name="j")
    run_recipe(Recipe("t", tmp_path, (source,), (), workers=1, out=str(tmp_path / "runs")))


def test_a_run_asks_a_server_nothing_before_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.recipe import looked

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(looked, "look", never)
    stage = DatabaseExtract(table="t", text="body")
    source = SourceStep(stage, path="postgresql://nobody@localhost:1/x", name="d")
    with pytest.raises(AssertionError):
        looked.look_at(source, [])
    monkeypatch.setattr(looked, "look", lambda stage, parts: looks.Sample() if not parts else 1 / 0)
    looked.check_columns(Recipe("t", tmp_path, (source,), ()))


def test_every_source_names_the_columns_of_its_parameters() -> None:
    sources: list[Source] = [
        CsvExtract(prompt="a", completion="{b} {c}", system="d"),
        JsonlExtract(prompt="a", completion="{b} {c}", system="d"),
    ]
    for source in sources:
        assert source.named() == {
            "a": "prompt",
            "b": "completion",
            "c": "completion",
            "d": "system",
        }
    tables: list[Source] = [SqlExtract(messages="m", table="t"), DatabaseExtract(messages="m")]
    assert all(source.named() == {"m": "messages"} for source in tables)
    assert HtmlExtract().named() == {}


def test_mistakes_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(FAQ)
    with pytest.raises(UsageError) as error:
        plan(tmp_path, "csv: {path: a.csv, text: x}", "csv: {path: a.csv, name: b, text: y}")
    assert len(error.value.messages) == 2
