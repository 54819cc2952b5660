"""`seedbed show`: records and what left, by condition or chance; what a source begins with."""

from __future__ import annotations

import io
import json
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli, terminal
from stages.corpus import Corpus
from tests.pipeline import world

SHORT = "length(completion) < 3"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 40 records, of which ten are too short, two are duplicates and one is no JSON."""
    folder = tmp_path_factory.mktemp("shown")
    rows = [{"prompt": f"Question {n}?", "completion": world.prose(n)} for n in range(27)]
    rows += [{"prompt": f"Short {n}?", "completion": "x"} for n in range(10)]
    rows += [rows[0], {**rows[1], "completion": rows[1]["completion"] + " also\x1b[31m\u202e\x7f"}]
    lines = [*map(json.dumps, rows), "{"]
    (folder / "in.jsonl").write_text("\n".join(lines) + "\n")
    steps = "[normalize, {quality: {min_words: 2}}, dedup]"
    recipe = world.recipe(folder, "jsonl: {path: in.jsonl, name: mine}", steps)
    world.seedbed("run", recipe, cwd=folder)
    return folder


def show(run: Path, *words: str, code: int = 0) -> str:
    """What the command prints."""
    out, error = io.StringIO(), io.StringIO()
    with chdir(run), redirect_stdout(out), redirect_stderr(error):
        assert cli.command(["show", *words]) == code, error.getvalue()
    return error.getvalue() if code else out.getvalue()


def rows(run: Path, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in show(run, "--jsonl", *words).splitlines()]


def test_records_are_those_of_the_corpus_and_json_holds_them_whole(run: Path) -> None:
    found = rows(run, "-n", "1000")
    corpus = Corpus(run / "runs/t/corpus").table(["id", "completion"]).to_pylist()
    assert [(row["id"], row["completion"]) for row in found] == [tuple(r.values()) for r in corpus]
    told = show(run, "-n", "2")
    assert told.endswith("2 of 27 records\n") and found[0]["completion"][:200] in told
    assert "\x1b" not in show(run, "-n", "1000") and "\x1b" not in show(run, "--rejects", "--jsonl")


def test_what_left_is_shown_with_step_evidence_and_the_value_that_keeps_it(run: Path) -> None:
    short = rows(run, "--reason", "too_short", "-n", "100")
    assert {(r["step"], r["reason"]) for r in short} == {("03-quality", "too_short")}
    assert len(short) == 10 and short[0]["evidence"] == {"limit": 2, "score": 1}
    told = show(run, "--reason", "too_short", "-n", "1")
    assert "with `min_words` at 1 or less it would have stayed here (it is 2)" in told
    assert "1 of 10 rejects" in told
    assert {row["reason"] for row in rows(run, "--rejects", "-n", "99")} == {
        "too_short", "malformed", "exact_duplicate", "near_duplicate",
    }  # fmt: skip
    assert len(rows(run, "--rejects", "--step", "dedup")) == 2


def test_a_condition_is_asked_of_records_or_of_rejects_by_its_columns(run: Path) -> None:
    assert rows(run, "--where", SHORT) == []
    assert len(rows(run, "--step", "1", "--where", SHORT, "-n", "99")) == 10
    found = {r["reason"] for r in rows(run, "--where", "stage = 'dedup'")}
    assert found == {"exact_duplicate", "near_duplicate"}
    assert len(rows(run, "--where", "evidence->>'score' = '1'", "-n", "99")) == 10
    assert rows(run, "--where", "prompt = 'Question 7?'")[0]["prompt"] == "Question 7?"
    assert rows(run, "--source", "mine", "-n", "1")


def test_a_sample_is_the_same_each_time_and_another_by_its_seed(run: Path) -> None:
    one = [row["id"] for row in rows(run, "--random", "-n", "8")]
    assert one == [row["id"] for row in rows(run, "--random", "-n", "8")] and len(one) == 8
    assert one != [row["id"] for row in rows(run, "--random", "-n", "8", "--seed", "1")]
    assert one != [row["id"] for row in rows(run, "-n", "8")]


def test_the_schema_tells_which_step_made_a_column(run: Path) -> None:
    lines = {line.split()[0]: line.split()[1:] for line in show(run, "--schema").splitlines()}
    assert lines["quality"][:2] == ["float", "03-quality"] and lines["prompt"][0] == "string"
    assert lines["group"][1] == "04-dedup"


def test_the_first_items_of_a_source_are_what_a_run_reads(run: Path) -> None:
    read = rows(run, "t.yaml", "-n", "3")
    step = Corpus(run / "runs/t/steps/01-jsonl-mine").table().slice(0, 3).to_pylist()
    assert [row["id"] for row in read] == [row["id"] for row in step]
    refused = rows(run, "t.yaml", "--rejects", "-n", "99")
    assert [row["reason"] for row in refused] == ["malformed"]
    told = show(run, "t.yaml", "-n", "99")
    assert "mine: refused on the way" in told and "malformed" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--where", "nix = 1"], '"nix" not found in FROM clause!; columns: id, source'),
        (["--where", "1); DROP TABLE x"], "--where '1); DROP TABLE x' cannot be asked"),
        (["--where", "id IN (SELECT content FROM read_text('in.jsonl'))"], "cannot be asked"),
        (["--reason", "to_short"], "did you mean 'too_short'?"),
        (["--step", "deduplicate"], "has no step 'deduplicate'"),
        (["--step", "2"], "keep: all"),
        (["--source", "main"], "has no source 'main'; did you mean 'mine'?; it has mine"),
        (["--source", "it's"], """has no source "it's\"; it has mine"""),
        (["--source", "yours", "--rejects"], "has no source 'yours'; it has mine"),
        (["t.yaml", "--source", "yours"], "has no source 'yours'; it has mine"),
        (["t.yaml", "--where", "1"], "--where asks for what a run made"),
        (["no.yaml"], "no.yaml: is not there"),
        (["in.jsonl"], "name a recipe"),
        (["-n", "0"], "--number must be at least 1"),
        (["f" * 32], "`seedbed explain` tells what became of it"),
    ],
)
def test_a_question_that_cannot_be_asked_is_a_sentence(
    run: Path, words: list[str], told: str
) -> None:
    said = show(run, *words, code=2)
    assert told in said and said.count("\n") == 1


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def painted(below: io.StringIO) -> str:
        terminal.Screen(below).paint([("", "a\x1b[2J\n"), ("removed", "b\x1b"), ("added", "c")])
        return below.getvalue()

    plain = "a\\x1b[2J\\n[-b\\x1b-]{+c+}\n"
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert painted(io.StringIO()) == plain
    assert painted(Terminal()) == ("a\\x1b[2J\\n\x1b[31m[-b\\x1b-]\x1b[0m\x1b[32m{+c+}\x1b[0m\n")
    monkeypatch.setenv("NO_COLOR", "1")
    assert painted(Terminal()) == plain
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert painted(Terminal()) == plain


def test_a_json_line_is_json_and_moves_no_cursor() -> None:
    text = "ü שלום \x1b[2J\x07\x9b\u202e\u2028\x7f\U000e0041\n"
    line = terminal.json_line({"text": text})
    assert json.loads(line) == {"text": text} and terminal.shown(line) == line
