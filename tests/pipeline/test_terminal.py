"""Control characters and passwords never reach a terminal, a page or an account of a run."""

from __future__ import annotations

import io
import json
import re
import subprocess
from pathlib import Path

import pytest

from pipeline import cli, signals, terminal
from pipeline.engine.run import run_recipe
from pipeline.progress import Progress
from pipeline.recipe.checked import read_recipe
from pipeline.recipe.recipe import Recipe, SourceStep
from stages import JsonlExtract
from tests.pipeline import world
from tests.pipeline.world import COMMAND, environment, seedbed, snapshot

EVIL = "\x1b[2J\x07\x9b\u202e\u2028\u200b\x7f\r"
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\u200b]")
HUSH = "hush-9"
SECRETS = [
    f"postgresql://u:{HUSH}@h/d",
    f"postgresq://u:{HUSH}@h/d",
    f"mysql:/u:{HUSH}@h",
    f"sqlite://u:{HUSH}@h",
    f"u:{HUSH}@h/db",
    f"postgresql://u@h/d?password={HUSH}",
    f"host=h user=u password={HUSH}",
    f"postgresql%3A//u%3A{HUSH}%40h",
]


def test_what_is_shown_holds_no_control_characters() -> None:
    shown = terminal.shown(EVIL + "\tgood ümläut שלום\n")
    assert shown == ("\\x1b[2J\\x07\\x9b\\u202e\\u2028\\u200b\\x7f\\r\\tgood ümläut שלום\n")
    assert terminal.shown(shown) == shown
    assert terminal.line("a\nseedbed: done") == "a\\nseedbed: done"
    assert terminal.shown("\ud800") == "\\ud800"


def test_a_line_that_is_said_is_one_line() -> None:
    text = f"a\nseedbed: done \x1b[2J postgresql://u:{HUSH}@h/d"
    told = "a\\nseedbed: done \\x1b[2J postgresql://u:***@h/d"
    for do, whole in (
        (terminal.Screen.say, f"{told}\n"),
        (terminal.Screen.rewrite, f"\r\x1b[K{told}"),
    ):
        below = io.StringIO()
        do(terminal.Screen(below), text)
        assert below.getvalue() == whole


def test_a_stream_that_cannot_hold_a_letter_shows_its_number() -> None:
    below = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    terminal.Screen(below).write("val → ü\n")
    assert below.buffer.getvalue() == b"val \\u2192 \\xfc\n"  # type: ignore[attr-defined]


def test_a_reader_that_has_gone_stops_nothing() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "gone")

    screen = terminal.Screen(Gone())
    screen.say("one")
    screen.say("two")


def test_the_rewritten_line_is_one_line() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    progress = Progress(None, stream)
    progress.begin(f"jsonl a\n{EVIL}")
    progress._began = progress._shown = -100.0
    progress._terminal = True
    progress.step(1, 2)
    told = stream.getvalue().replace("\r\x1b[K", "")
    assert "jsonl a\\n\\x1b[2J" in told and not CONTROL.search(told) and "\n" not in told


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of commands done in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signals.signal, "signal", lambda *_: None)
    return tmp_path


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A recipe whose licence, file name, records and broken lines hold control characters."""
    folder = tmp_path / "in"
    folder.mkdir()
    rows = [
        json.dumps({"text": f"some words {EVIL} für more"}, ensure_ascii=False),
        json.dumps({"text": "plain words"}),
    ]
    data = "\n".join([*rows, '{"broken \x1b[31m\u202e'])
    (folder / "a \x1b[2J\u202e.jsonl").write_text(data + "\n", encoding="utf-8")
    (tmp_path / "t.yaml").write_text(
        "version: 1\nname: t\nsources:\n"
        '  - jsonl: {path: in, license: "MIT\\e[2J\\nseedbed: all is well", name: "s\\u202e"}\n'
        "steps: [normalize]\n",
        encoding="utf-8",
    )
    return tmp_path


def test_every_verb_shows_them_escaped(
    hostile: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*arguments: str, code: int = 0) -> str:
        assert cli.command(arguments) == code
        out, err = capsys.readouterr()
        for text in (out, err):
            assert not CONTROL.search(text), text
            assert not re.search("^seedbed: (all is well|done)", text, re.MULTILINE), text
        return out + err

    plan = told("plan", "t.yaml")
    assert "MIT\\x1b[2J\\nseedbed: all is well" in plan and "s\\u202e" in plan
    assert "01-jsonl-s\\u202e" in told("run", "t.yaml")
    name = str(next((hostile / "in").iterdir()))
    assert "some words \\x1b[2J" in told("explain", f"{name}:1")
    assert "\\x1b[31m" in told("explain", f"{name}:3")
    assert "o\\x1b[2J: in 3" in told("jsonl", "in", "-o", "o\x1b[2J")
    told("jsonl", "no\x1b[2J\nseedbed: done", "-o", "p", code=2)
    told("gc", "--store", "no\x1b]0;x", code=2)
    shown = seedbed("explain", f"{name}:1", cwd=hostile, PYTHONIOENCODING="ascii").stdout
    assert "\\xfc" in shown and shown.isascii()


@pytest.mark.parametrize("source", SECRETS)
def test_a_password_is_refused_before_anything_is_made(
    source: str, here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = "database" if "://" in source else "jsonl"
    world.recipe(tmp_path, f"{stage}: {{path: '{source}'}}")
    before = snapshot(tmp_path)
    for arguments in (["run", "t.yaml"], ["plan", "t.yaml"], [stage, source, "-o", "out"]):
        assert cli.command(arguments) == 2
        told = capsys.readouterr()
        assert HUSH not in told.out + told.err and "PGPASSWORD" in told.err
    assert snapshot(tmp_path) == before and not (tmp_path / ".seedbed").exists()


def test_a_password_in_a_parameter_or_name_is_refused(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b.jsonl").write_text('{"text": "words"}\n')
    keys = ("license", "name", "prompt", "snapshot")
    for key in keys:
        stage = "database" if key == "snapshot" else "jsonl"
        world.recipe(tmp_path, f"{stage}: {{path: b.jsonl, {key}: '{SECRETS[0]}'}}")
        assert cli.command(["plan", "t.yaml"]) == 2
        told = capsys.readouterr().err
        assert HUSH not in told and "t.yaml:5:" in told
    assert cli.command(["jsonl", "b.jsonl", "-o", "o", "--text", SECRETS[0]]) == 2
    told = capsys.readouterr().err
    assert HUSH not in told and "password" in told


def test_a_file_may_be_called_anything(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("me:you@home.jsonl", "some//me:you@home.jsonl"):
        (tmp_path / "some").mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"text": "words"}\n')
        world.recipe(tmp_path, f"jsonl: {{path: '{name}'}}")
        assert cli.command(["plan", "t.yaml"]) == 0
        assert "1 file, " in capsys.readouterr().out
        assert read_recipe(tmp_path / "t.yaml").sources[0].masked()[0] == name


def test_an_account_made_by_hand_is_masked_too(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text('{"text": "words"}\n')
    source = SourceStep(JsonlExtract(), path=str(tmp_path / "b.jsonl"), name="j", shown=SECRETS[0])
    result = run_recipe(Recipe("t", tmp_path, (source,), (), workers=1))
    for name in ("run.json", "events.jsonl", "report.html"):
        assert HUSH not in (result.folder / name).read_text()
    assert HUSH not in (result.folder / "corpus/manifest.json").read_text()


def test_a_trace_is_masked(tmp_path: Path) -> None:
    code = (
        "import pipeline.engine.gc, sys\n"
        "def broken(root, keep): raise ZeroDivisionError('on postgresql://u:hush-9@h/d \\x1b[2J')\n"
        "pipeline.engine.gc.collect = broken\n"
        "from pipeline.cli import main\nmain(['gc'])"
    )
    done = subprocess.run(
        [COMMAND[0], "-P", "-c", code],
        cwd=tmp_path,
        env=environment(TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
    )
    (trace,) = tmp_path.glob("*.trace")
    assert done.returncode == 1 and "in broken" in trace.read_text()
    assert HUSH not in done.stderr + trace.read_text() and "\x1b" not in done.stderr


def test_no_worker_has_a_url_in_its_arguments(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text('{"text": "words"}\n' * 20)
    world.recipe(tmp_path, "jsonl: {path: b.jsonl, name: marked-name}", "[normalize]")
    token = world.new_token()
    process = world.start("run", "t.yaml", cwd=tmp_path, token=token)
    seen: set[str] = set()
    while process.poll() is None:
        seen |= set(world.processes(token).values())
    process.communicate()
    assert any("pipeline.executors.worker" in line for line in seen)
    assert not any("marked-name" in line or "b.jsonl" in line for line in seen)


def test_a_source_never_leaves_the_runs_folder(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text('{"text": "words"}\n')
    world.recipe(tmp_path, "jsonl: {path: b.jsonl, name: 'x/../../../../away'}")
    with pytest.raises(Exception, match="usable as a folder's name"):
        read_recipe(tmp_path / "t.yaml")
