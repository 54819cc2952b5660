"""The command line: one code for shell, make and library; exit codes; one sentence a mistake."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import stages
from pipeline import cli, signals, verbs
from stages import check
from stages.corpus import Corpus
from tests.pipeline import world
from tests.pipeline.world import HOME, corpora, environment, seedbed, snapshot


@pytest.fixture
def faq(tmp_path: Path) -> Path:
    """A file of records in a folder with a space in its name, two lines of it of no use."""
    path = tmp_path / "my data" / "the faq.jsonl"
    world.lines(path, range(20))
    with open(path, "a") as file:
        file.write("{broken\n" + json.dumps({"prompt": "Question 3?", "completion": "x"}) + "\n")
    return path


# --- one stage, three ways ----------------------------------------------------------------------


def _make(*arguments: str, cwd: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """`make` with an environment that counts as installed, whose seedbed is this one."""
    venv = folder / "venv"
    if not venv.exists():
        (venv / "bin").mkdir(parents=True)
        (venv / "bin/python").symlink_to(sys.executable)
        (venv / "bin/seedbed").write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m seedbed "$@"\n'
        )
        (venv / "bin/seedbed").chmod(0o755)
        for name in (".core", ".db", ".run", ".dev"):
            (venv / name).touch()
    ours = ("MAKE", "ARGS", "IN", "OUT")  # of a make that runs the tests
    kept = {k: v for k, v in environment().items() if not k.startswith(ours)}
    return subprocess.run(
        ["make", "--no-print-directory", "-C", str(HOME), f"VENV={venv}", *arguments],
        cwd=cwd,
        env=kept,
        capture_output=True,
        text=True,
        timeout=120,
    )


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@needs_make
def test_shell_make_and_library_give_the_same(faq: Path, tmp_path: Path) -> None:
    shell = tmp_path / "by shell"
    told = seedbed("jsonl", faq, "-o", shell, cwd=tmp_path).stdout
    assert "in 22 = kept 21 + dropped 0 + failed 1" in told
    assert re.search(r"1 malformed: it is not JSON", told)
    assert f"{tmp_path / '.seedbed'}: made too" in told and "gc --store" in told
    again = seedbed("jsonl", faq, "-o", shell, cwd=tmp_path).stdout
    assert "made too" not in again, "it is told once"
    made = tmp_path / "by make"
    done = _make("jsonl", f"IN={faq}", f"OUT={made}", cwd=tmp_path, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert snapshot(made) == {**snapshot(shell)}
    rejects: list[dict[str, object]] = []
    library = list(stages.stage("jsonl")()(faq, rejects))
    corpus = Corpus(shell)
    rows = [{k: v for k, v in row.items() if v is not None} for row in corpus.table().to_pylist()]
    assert rows == library
    assert corpus.rejects().to_pylist() == rejects


@needs_make
def test_make_passes_parameters_and_failures_on(faq: Path, tmp_path: Path) -> None:
    out = tmp_path / "tagged"
    arguments = ("jsonl", f"IN={faq}", f"OUT={out}", "ARGS=--form text --text completion")
    done = _make(*arguments, cwd=tmp_path, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Corpus(out).table().column("text")[0].as_py() == world.prose(0)
    done = _make("jsonl", "IN=x", cwd=tmp_path, folder=tmp_path)
    assert done.returncode == 2 and "usage: make jsonl IN=... OUT=..." in done.stderr
    arguments = ("jsonl", "IN=nowhere", f"OUT={tmp_path}/o")
    done = _make(*arguments, cwd=tmp_path, folder=tmp_path)
    assert done.returncode == 2 and "seedbed: nowhere: not found" in done.stderr


@needs_make
def test_make_writes_a_recipe_and_says_its_usage(faq: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.yaml"
    done = _make("init", f"IN={faq.parent}", f"OUT={out}", cwd=tmp_path, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith(f"seedbed run {out}") and "- jsonl:" in out.read_text()
    done = _make("init", cwd=tmp_path, folder=tmp_path)
    assert done.returncode == 2 and "usage: make init IN=FOLDER" in done.stderr
    done = _make("innit", cwd=tmp_path, folder=tmp_path)
    assert done.returncode == 2 and "there is no target innit" in done.stderr
    done = _make("plan", f"IN={out}", cwd=tmp_path, folder=tmp_path)
    assert done.returncode == 0 and "prompt ← prompt" in done.stdout


@needs_make
def test_the_makefile_lists_the_stages_of_the_table(tmp_path: Path) -> None:
    told = _make("help", cwd=tmp_path, folder=tmp_path).stdout.splitlines()
    assert told[-1].split() == list(stages.TABLE)
    assert not set(verbs.names()) & set(stages.TABLE)


def test_a_corpus_goes_from_stage_to_stage(faq: Path, tmp_path: Path) -> None:
    seedbed("jsonl", faq, "-o", "one", cwd=tmp_path)
    told = seedbed("dedup", "one", "-o", "two", "--threshold", "0.7", cwd=tmp_path).stdout
    assert "in 21 = kept 21" in told
    straight = seedbed("dedup", faq, "-o", "three", "--threshold", "0.7", cwd=tmp_path)
    assert Corpus(tmp_path / "two").digest == Corpus(tmp_path / "three").digest
    assert "failed    1" in straight.stderr, "what was read first is told too"
    assert Corpus(tmp_path / "two").manifest["steps"][0]["parameters"]["threshold"] == 0.7
    seedbed("split", "one", "-o", "two", cwd=tmp_path)
    assert "split" in Corpus(tmp_path / "two").schema.names, "a corpus of ours may be replaced"


def test_recipe_and_stages_by_hand_agree(faq: Path, tmp_path: Path) -> None:
    world.recipe(tmp_path, f"jsonl: {{path: '{faq}'}}", "[normalize, dedup]")
    seedbed("run", "t.yaml", cwd=tmp_path)
    seedbed("jsonl", faq, "-o", "a", cwd=tmp_path)
    seedbed("normalize", "a", "-o", "b", cwd=tmp_path)
    seedbed("dedup", "b", "-o", "c", cwd=tmp_path)
    assert Corpus(tmp_path / "c").digest == Corpus(tmp_path / "runs/t/corpus").digest
    assert snapshot(tmp_path / "c/data") == snapshot(tmp_path / "runs/t/corpus/data")


# --- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rum"], "there is no verb or stage 'rum'; did you mean 'run'?"),
        (["jsnl", "x"], "did you mean 'jsonl'?"),
        (["run"], "required: recipe"),
        (["run", "none.yaml"], "none.yaml: not found"),
        (["run", "none.yaml", "--workers", "two"], "invalid int value"),
        (["jsonl", "nowhere", "-o", "out"], "nowhere: not found"),
        (["jsonl", "full", "--out"], "expected one argument"),
        (["jsonl", "in.jsonl"], "required: -o/--out"),
        (["jsonl", "in.jsonl", "-o", "full"], "full holds file and no manifest of seedbed's"),
        (
            ["jsonl", "in.jsonl", "-o", "out", "--fom", "text"],
            "did you mean '--form'?",
        ),
        (["jsonl", "in.jsonl", "-o", "out", "--form", "txt"], "did you mean 'text'?"),
        (["dedup", "in.jsonl", "-o", "out", "--threshold", "7"], "must be between"),
        (
            ["jsonl", "in.jsonl", "-o", "out", "--prompt", "promt", "--completion", "completion"],
            "'promt' in in.jsonl@0+287:1; did you mean 'prompt'?; it has prompt, completion",
        ),
        (["dedup", "full", "-o", "out"], "is no corpus and no file of records"),
        pytest.param(
            ["select", "in.jsonl", "-o", "out"],
            "select needs a column 'vector', and nothing before it makes one; put embed before it",
            marks=pytest.mark.extras,
        ),
        pytest.param(["train", "in.jsonl", "-o", "out"], "in.jsonl", marks=pytest.mark.extras),
        (["jsonl", "*.csv", "-o", "out"], "*.csv: not found"),
        (["explain", "abc"], "runs holds no run"),
        (["show", "abc"], "runs holds no run"),
        (["explain", "abc", "--run", "full"], "not the folder of a run"),
        (["gc"], ".seedbed is not a store"),
        (["modules", "--model", "x"], "has no argument '--model' (`"),
        pytest.param(["estimate", "r.yaml"], "r.yaml: name a model;", marks=pytest.mark.extras),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signals.signal, "signal", lambda *_: None)
    world.lines(tmp_path / "in.jsonl", range(3))
    (tmp_path / "r.yaml").write_text("version: 1\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    assert cli.command(arguments) == 2
    told = capsys.readouterr().err
    assert words in told and "Traceback" not in told
    assert all(line.startswith("seedbed: ") for line in told.splitlines())
    assert not (tmp_path / "out").exists() or not Corpus.at(tmp_path / "out")


def test_several_wrong_parameters_come_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signals.signal, "signal", lambda *_: None)
    assert cli.command(["dedup", "x", "-o", "y", "--threshold", "7", "--on", "a"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2 and "dedup.threshold" in told[1] and "dedup.on" in told[0]


def test_a_stage_that_keeps_nothing_exits_3_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("{broken\n" * 3)
    done = seedbed("jsonl", "in.jsonl", "-o", "out", cwd=tmp_path, code=3)
    assert "nothing was kept of 3 (3 malformed)" in done.stderr
    rejects = Corpus(tmp_path / "out").rejects().to_pylist()
    assert [row["reason"] for row in rejects] == ["malformed"] * 3
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[dedup]")
    done = seedbed("run", "t.yaml", cwd=tmp_path, code=3)
    assert "nothing was kept of 3 (3 malformed)" in done.stderr
    (folder,) = re.findall(r"the rejects are in (\S+)", done.stderr)
    assert Corpus(folder).rejects().num_rows == 3
    assert world.account(tmp_path)["status"] == "failed"
    dump = "CREATE TABLE goods (text text);\nINSERT INTO goods VALUES ('a');\n"
    (tmp_path / "d.sql").write_text(dump)
    done = seedbed("sql", "d.sql", "-o", "none", "--table", "godos", cwd=tmp_path, code=3)
    assert "no row, file or record came in with table: godos: look at the source" in done.stderr
    assert "rejects" not in done.stderr


def test_a_bug_is_exit_1_with_its_trace_in_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: Path, keep: int) -> None:
        raise ZeroDivisionError("of our own making")

    monkeypatch.setattr("pipeline.engine.gc.collect", broken)
    monkeypatch.setattr(signals.signal, "signal", lambda *_: None)
    assert cli.command(["gc"]) == 1
    told = capsys.readouterr().err
    assert "a bug of seedbed, not of your data: ZeroDivisionError: of our own making" in told
    path = Path(re.search(r"the trace is in (\S+);", told)[1])  # type: ignore[index]
    assert "in broken" in path.read_text()
    path.unlink()


def test_a_users_function_that_fails_is_told_and_not_booked_as_ours(tmp_path: Path) -> None:
    world.lines(tmp_path / "in.jsonl", range(3))
    (tmp_path / "mine.py").write_text("def f(record):\n    return 1 / 0\n")
    done = subprocess.run(
        [*world.COMMAND, "apply", "in.jsonl", "-o", "out", "--function", "mine:f"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode in (2, 3), done.stderr
    assert "ZeroDivisionError" in done.stderr + done.stdout or "apply" in done.stderr
    assert "bug of seedbed" not in done.stderr and "Traceback" not in done.stderr


# --- help, lines --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(stages.TABLE))
def test_the_help_of_a_stage_has_a_line_for_each_parameter(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli._parsed([name, "--help"])
    assert caught.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    cls = stages.stage(name)
    lines = check.help_lines(cls)
    assert set(lines) == set(check.parameters(cls))
    for field, text in lines.items():
        assert f"--{field.replace('_', '-')} " in shown
        assert " ".join(text.split())[:30] in shown.replace("- ", "-") or text[:20] in shown


def test_a_verb_is_a_file_with_all_that_it_needs() -> None:
    files = {path.stem for path in Path(verbs.__file__).parent.glob("*.py")}
    named = {name.replace("-", "_") for name in verbs.own()}
    assert {*named, "stage", "__init__"} == files and len(files) >= 6
    assert {*verbs.names()} == {*verbs.own(), *stages.TOOLS}
    for name in verbs.names():
        verb = verbs.load(name)
        assert verb.ABOUT and callable(verb.options) and callable(verb.act)


def test_help_and_version(tmp_path: Path) -> None:
    told = seedbed("--help", cwd=tmp_path).stdout
    assert all(name in told for name in [*verbs.names(), *stages.TABLE])
    assert seedbed("--version", cwd=tmp_path).stdout.startswith("seedbed ")
    assert "usage: seedbed" in seedbed(cwd=tmp_path, code=2).stdout


def test_without_a_terminal_there_are_plain_lines(faq: Path, tmp_path: Path) -> None:
    world.recipe(tmp_path, f"jsonl: {{path: '{faq}'}}", "[dedup]")
    done = seedbed("run", "t.yaml", cwd=tmp_path)
    assert "\x1b" not in done.stderr + done.stdout and "\r" not in done.stderr + done.stdout
    steps = [line for line in done.stderr.splitlines() if line]
    assert [line.split()[0] for line in steps] == ["01-jsonl", "prompt", "02-dedup"]
    assert "in 22   kept 21   dropped 0   failed 1" in done.stdout
    assert "runs/t/corpus" in done.stdout


def test_plan_checks_and_does_nothing(faq: Path, tmp_path: Path) -> None:
    world.recipe(tmp_path, f"jsonl: {{path: '{faq}', license: MIT}}", "[dedup: {threshold: 0.7}]")
    told = seedbed("plan", "t.yaml", cwd=tmp_path).stdout
    assert "seed 7" in told and re.search(r": 1 file, [\d.]+ k?B, MIT", told)
    assert "1. dedup (threshold: 0.7)" in told
    assert not (tmp_path / ".seedbed").exists() and not (tmp_path / "runs").exists()
    world.recipe(tmp_path, f"jsonl: {{path: '{faq}'}}", "[dedup: {treshold: 0.7}]")
    assert "t.yaml:6:" in seedbed("plan", "t.yaml", cwd=tmp_path, code=2).stderr


def test_explain_tells_a_line_and_an_id(faq: Path, tmp_path: Path) -> None:
    world.recipe(tmp_path, f"jsonl: {{path: '{faq}'}}", "[normalize]")
    seedbed("run", "t.yaml", cwd=tmp_path)
    row = Corpus(tmp_path / "runs/t/corpus").table().slice(3, 1).to_pylist()[0]
    told = seedbed("explain", row["id"], cwd=tmp_path).stdout
    assert row["id"] in told and "line 4" in told and "Question 3?" in told
    assert "malformed" in seedbed("explain", f"{faq}:21", cwd=tmp_path).stdout
    assert seedbed("explain", row["place"], cwd=tmp_path).stdout == told
    rejected = seedbed("explain", f"{faq}:21", cwd=tmp_path).stdout
    place = Corpus(tmp_path / "runs/t/steps/01-jsonl").rejects().to_pylist()[0]["place"]
    assert seedbed("explain", place, cwd=tmp_path).stdout == rejected
    done = seedbed("explain", "nowhere.html", cwd=tmp_path, code=2)
    assert "is no id (32 hex digits), no FILE:LINE, no address, no TABLE" in done.stderr
    done = seedbed("explain", "0" * 32, cwd=tmp_path, code=2)
    assert "no step of" in done.stderr


@pytest.mark.extras
def test_a_model_that_the_hub_does_not_give_is_a_mistake_of_plan(faq: Path, tmp_path: Path) -> None:
    steps = "[split, tokenize: {model: nobody/has-made-it}]"
    world.recipe(tmp_path, f"jsonl: {{path: '{faq}'}}", steps)
    environment_ = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_CACHE": str(tmp_path / "hub")}
    began = time.monotonic()
    done = seedbed("plan", "t.yaml", cwd=tmp_path, code=2, **environment_)
    assert time.monotonic() - began < 60
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"seedbed: {tmp_path / 't.yaml'}:6:") or "t.yaml:6:" in line
    assert "'nobody/has-made-it' is no folder here, and could not be had from the hub: it" in line
    assert "cannot be reached, and" in line


# --- another `stages` on the path ---------------------------------------------------------------


def test_a_users_stages_py_is_named(tmp_path: Path) -> None:
    (tmp_path / "stages.py").write_text("TABLE = {}\n")
    for command, more in (
        ([sys.executable, "-m", "seedbed", "--version"], str(HOME)),
        ([*world.COMMAND, "--version"], f"{tmp_path}{os.pathsep}{HOME}"),
    ):
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(PYTHONPATH=more), capture_output=True, text=True
        )
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert str(tmp_path / "stages.py") in line and "rename it" in line
        assert str(HOME / "stages") in line


def test_a_foreign_stages_package_is_named(tmp_path: Path) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/__init__.py").write_text("")
    path = f"{tmp_path}{os.pathsep}{HOME}"
    done = subprocess.run(
        [*world.COMMAND, "run", "x"],
        env=environment(PYTHONPATH=path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert str(tmp_path / "stages/__init__.py") in done.stderr


def test_users_files_beside_the_recipe_hide_nothing_of_ours(tmp_path: Path) -> None:
    """Modules of the user's are found last, in the driver and in the workers."""
    world.lines(tmp_path / "in.jsonl", range(5))
    for name in ("stages", "pipeline", "json", "pyarrow"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong one')\n")
    (tmp_path / "mine.py").write_text("def f(record):\n    return {**record, 'completion': 'x'}\n")
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[apply: {function: 'mine:f'}]")
    seedbed("run", "t.yaml", cwd=tmp_path)
    column = Corpus(tmp_path / "runs/t/corpus").table().column("completion").to_pylist()
    assert column == ["x"] * 5 and corpora(tmp_path)


def test_an_output_never_takes_the_place_of_a_file(faq: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is a file" in seedbed("jsonl", faq, "-o", "file", cwd=tmp_path, code=2).stderr
    no_worker = seedbed("jsonl", faq, "-o", "b", "--workers", "0", cwd=tmp_path, code=2)
    assert "at least 1" in no_worker.stderr
    assert "at least 0" in seedbed("gc", "--keep", "-1", cwd=tmp_path, code=2).stderr


def test_what_an_earlier_recipe_left_is_not_told_as_this_runs(faq: Path, tmp_path: Path) -> None:
    world.recipe(tmp_path, f"jsonl: {{path: '{faq}'}}", "[split, export]")
    told = seedbed("run", "t.yaml", cwd=tmp_path).stdout
    assert "runs/t/files" in told
    world.recipe(tmp_path, f"jsonl: {{path: '{faq}'}}", "[]")
    told = seedbed("run", "t.yaml", cwd=tmp_path).stdout
    assert not (tmp_path / "runs/t/files").exists() and "runs/t/files" not in told
    assert (tmp_path / "runs/t/earlier/files").is_dir(), "it is set aside, not removed"
    counts = Corpus(tmp_path / "runs/t/corpus").manifest["counts"]
    assert (counts["seen"], counts["kept"], counts["failed"]) == (22, 21, 1)
