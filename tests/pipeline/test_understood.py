"""How a source was understood is said alike by plan, run, report and manifest."""

from __future__ import annotations

import html
import json
import re
import sqlite3
from pathlib import Path

import pytest

import stages
from pipeline import cli
from stages.base import Source
from stages.manifest import read_manifest
from tests.cases.chatlog import TALK, discord
from tests.cases.xml import page, post, press, wiki

LINE = "The tide gauge was read twice a day and written down by hand in the harbour book."
# Each source with what its manifest is to say.
SOURCES = {
    "html: {path: a.html}": "text ← its main part; meta ← what the page says of itself",
    "csv: {path: a.csv}": "prompt ← question; completion ← answer; meta ← votes",
    "csv: {path: a.csv, name: named, text: answer}": "text ← answer; meta ← question, votes",
    "jsonl: {path: a.jsonl}": "prompt ← instruction, input; completion ← output; meta ← n",
    "jsonl: {path: b.jsonl, name: pairs}": "prompt ← prompt; completion ← chosen; preference "
    "pairs: meta.rejected ← rejected",
    "sql: {path: a.sql}": "text ← body; meta ← id; table: posts",
    "sql: {path: a.sql, name: statements, statements: yes}": "text ← each statement; meta ← its "
    "first word",
    "database: {path: a.db}": "text ← text; meta ← n; table: t",
    "documents: {path: a.md}": "text ← Markdown; meta ← front matter",
    "xml: {path: a.xml}": "text ← wikitext; meta ← the page's title, last author and date",
    "xml: {path: b.xml, name: press}": "text ← content:encoded; meta ← the post's title, author, "
    "date and link",
    "chatlog: {path: a.json}": "messages ← a chat: the second to speak answers",
}


def _files(folder: Path) -> None:
    paragraphs = f"<p>{LINE}</p>" * 3
    (folder / "a.html").write_text(f"<html><body><h1>T</h1>{paragraphs}</body></html>")
    (folder / "a.csv").write_text("question,answer,votes\nWhy?,So.,1\n")
    told = {"instruction": "Add", "input": "1 2", "output": "3", "n": 1}
    (folder / "a.jsonl").write_text(json.dumps(told) + "\n")
    pair = {"prompt": "Why?", "chosen": "So.", "rejected": "No."}
    (folder / "b.jsonl").write_text(json.dumps(pair) + "\n")
    (folder / "a.sql").write_text(
        "CREATE TABLE posts (id int, body text);\nINSERT INTO posts VALUES (1,'x');\n"
    )
    with sqlite3.connect(folder / "a.db") as base:
        base.execute("CREATE TABLE t (text, n)")
        base.execute("INSERT INTO t VALUES ('x', 1)")
    base.close()
    (folder / "a.md").write_text(f"---\ntitle: T\n---\n{LINE}\n")
    (folder / "a.xml").write_bytes(wiki(page("Tides", LINE)))
    (folder / "b.xml").write_bytes(press(post("Tides", f"<p>{LINE}</p>")))
    (folder / "a.json").write_bytes(discord(*TALK))


def test_plan_run_report_and_manifest_say_it_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = {source.split(":")[0] for source in SOURCES}
    assert kinds == {name for name in stages.TABLE if issubclass(stages.stage(name), Source)}
    monkeypatch.chdir(tmp_path)
    _files(tmp_path)
    told = "".join(f"  - {source}\n" for source in SOURCES)
    (tmp_path / "t.yaml").write_text(f"version: 1\nname: t\nsources:\n{told}")
    assert cli.command(["plan", "t.yaml"]) == 0
    planned = _lines(capsys.readouterr().out)
    assert cli.command(["run", "t.yaml"]) == 0
    ran = _lines("".join(capsys.readouterr()))
    report = (tmp_path / "runs/t/report.html").read_text(encoding="utf-8")
    shown = _lines(html.unescape(re.sub("<[^>]+>", "\n", report)))
    account = json.loads((tmp_path / "runs/t/run.json").read_bytes())
    for step, (source, form) in zip(account["steps"], SOURCES.items(), strict=True):
        assert list(step["counts"]["forms"]) == [form], source
        assert form in planned and form in ran and form in shown, source
    folders = [tmp_path / "runs/t/steps" / step["label"] for step in account["steps"]]
    written = [list(read_manifest(folder)["counts"]["forms"]) for folder in folders]
    assert written == [[form] for form in SOURCES.values()]


def test_a_single_stage_says_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("question,answer\nWhy?,So.\nWho?,\n")
    assert cli.command(["csv", "a.csv", "-o", "out"]) == 0
    assert "prompt ← question; completion ← answer" in _lines("".join(capsys.readouterr()))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]
