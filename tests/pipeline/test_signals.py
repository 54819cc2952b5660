"""SIGINT, SIGTERM and SIGHUP: an exit code each in every verb and stage, nothing lost, no trace."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli, signals
from pipeline.executors.local import LocalExecutor
from stages.curves.diagnose import Diagnose
from stages.export.export import Export
from tests.pipeline import world
from tests.pipeline.world import corpora, environment, seedbed

CODES = {signal.SIGINT: 130, signal.SIGTERM: 75, signal.SIGHUP: 75}
Command = Callable[..., str]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """What a command sets in this process is taken back; pytest may have been started by nohup."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in signals.SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Do a command in this process and assert its exit code; what it says."""
    monkeypatch.chdir(tmp_path)

    def do(*words: str, code: int) -> str:
        found = cli.command(words)
        said = capsys.readouterr().err
        assert found == code, said
        return said

    return do


def _when(patch: pytest.MonkeyPatch, owner: Any, name: str, *numbers: int) -> None:
    """Send signals to this process when a function has done its work."""
    work = getattr(owner, name)

    def sending(*given: Any, **more: Any) -> Any:
        found = work(*given, **more)
        for number in numbers:
            os.kill(os.getpid(), number)
        return found

    patch.setattr(owner, name, sending)


READ = ("jsonl", "in.jsonl", "-o", "read", "--source-name")  # another name is not in the store
COMMANDS: dict[str, tuple[tuple[str, ...], tuple[Any, str]]] = {
    "run": (("run", "t.yaml"), (LocalExecutor, "_give_out")),
    "plan": (("plan", "t.yaml"), ("pipeline.views.plan", "show_plan")),
    "explain": (("explain", "in.jsonl:2"), ("pipeline.views.explain", "lines")),
    "gc": (("gc",), ("pipeline.engine.gc", "collect")),
    "gc --verify": (("gc", "--verify"), ("pipeline.engine.gc", "verify")),
    "source": ((*READ, "first"), (LocalExecutor, "_give_out")),
    "map": (("normalize", "c", "-o", "o"), (LocalExecutor, "_give_out")),
    "fit": (("split", "c", "-o", "o"), (LocalExecutor, "_give_out")),
    "end": (("export", "s", "-o", "o"), (Export, "run")),
    "end on a file": (("diagnose", "log.jsonl", "-o", "o"), (Diagnose, "run")),
}


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ready")
    world.lines(folder / "in.jsonl", range(20))
    rows = "".join(f'{{"step": {n}, "loss": {3 - n / 50}}}\n' for n in range(40))
    (folder / "log.jsonl").write_text(rows)
    world.recipe(folder, "jsonl: {path: in.jsonl}", "[split]")
    seedbed("jsonl", "in.jsonl", "-o", "c", cwd=folder)
    seedbed("run", "t.yaml", cwd=folder)
    (folder / "s").symlink_to("runs/t/corpus")
    return folder


@pytest.mark.parametrize("name", COMMANDS)
def test_every_verb_and_stage_ends_with_the_signals_code(
    name: str, ready: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib

    monkeypatch.chdir(ready)
    words, (owner, work) = COMMANDS[name]
    if name == "run":
        words = (*words, "--store", "other", "--out", "others")
    module = importlib.import_module(owner) if isinstance(owner, str) else owner
    before = world.snapshot(ready / "runs")
    for number, code in CODES.items():
        with monkeypatch.context() as patch:
            _when(patch, module, work, number)
            said = command(*words, code=code).splitlines()
        ended = "interrupted" if number == signal.SIGINT else f"stopped by {number.name}"
        assert said[-1].startswith(f"seedbed: {ended}; "), said
        assert "Traceback" not in "\n".join(said)
    assert world.snapshot(ready / "runs") == before
    command(*words, code=0)


def test_a_second_signal_while_the_first_is_obeyed_changes_nothing(
    ready: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ready)
    _when(monkeypatch, LocalExecutor, "_give_out", signal.SIGTERM)
    _when(monkeypatch, LocalExecutor, "close", signal.SIGINT, signal.SIGHUP)
    _when(monkeypatch, cli, "_complain", signal.SIGINT)
    said = command(*READ, "second", code=75)
    assert "stopped by SIGTERM" in said and "Traceback" not in said


def test_a_signal_is_stronger_than_what_a_library_makes_of_it(
    ready: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stages.errors import UsageError

    def lost(*_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except BaseException:
            raise UsageError("the hub did not give it") from None

    monkeypatch.chdir(ready)
    monkeypatch.setattr(LocalExecutor, "_give_out", lost)
    assert "stopped by SIGTERM" in command(*READ, "third", code=75)


def _begun(number: int, before: str) -> subprocess.CompletedProcess[str]:
    """The command, which sends itself a signal when it is about to import a module."""
    code = (
        "import os, sys\nclass Sends:\n    def find_spec(self, name, path, target=None):\n"
        f"        if name == {before!r}: os.kill(os.getpid(), {int(number)})\n"
        "sys.meta_path.insert(0, Sends())\nfrom seedbed import main\nmain()"
    )
    return subprocess.run(
        [sys.executable, "-P", "-c", code, "--version"],
        env=environment(), capture_output=True, text=True, timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip


@pytest.mark.parametrize("number", CODES)
def test_a_signal_while_the_command_is_loaded(number: signal.Signals) -> None:
    done = _begun(number, "pipeline.terminal")
    assert done.returncode == CODES[number], done.stderr
    assert "the same command goes on" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_signal_that_is_ignored_from_the_start_stays_ignored(tmp_path: Path) -> None:
    """As `nohup seedbed run` has it, when the terminal is closed."""
    world.lines(tmp_path / "in.jsonl", range(20))
    (tmp_path / "mine.py").write_text(
        "import os, signal\n\ndef f(record):\n    os.kill(os.getppid(), signal.SIGHUP)\n"
        "    return record\n"
    )
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[apply: {function: 'mine:f'}]")
    done = subprocess.run(
        ["nohup", *world.COMMAND, "run", "t.yaml"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert world.account(tmp_path)["steps"][1]["counts"]["kept"] == 20


def test_signals_at_random_moments_of_a_run(tmp_path: Path) -> None:
    """To the driver alone or to the whole group, as a terminal and a queue of jobs send them."""
    world.pages(tmp_path / "in", range(12), words=60)
    world.recipe(tmp_path, "html: {path: in}", "[normalize, dedup, split]")
    call = ("run", "t.yaml", "--part-bytes", "2500")
    draw = random.Random("signals")
    ended = []
    for count, number in enumerate(CODES):
        token = world.new_token()
        process = world.start(*call, cwd=tmp_path, token=token)
        try:
            events = tmp_path / "runs/t/events.jsonl"
            events.unlink(missing_ok=True)
            world.begins(tmp_path, "01-html")
            time.sleep(draw.uniform(0.0, 0.5))
            send = os.killpg if count % 2 else os.kill
            if process.poll() is None:
                send(process.pid, number)
            _, said = process.communicate(timeout=60)
        finally:
            world.end(process)
        assert process.returncode in (0, CODES[number]), said
        assert "Traceback" not in said and "Exception ignored" not in said
        assert world.all_gone(token)
        ended.append(process.returncode)
    assert any(ended), "no signal came in time"
    seedbed(*call, cwd=tmp_path)
    found = corpora(tmp_path)
    seedbed(*call, "--store", "other", "--out", "others", cwd=tmp_path)
    (tmp_path / "alone").mkdir()
    (tmp_path / "others").rename(tmp_path / "alone/runs")
    assert found == corpora(tmp_path / "alone")
