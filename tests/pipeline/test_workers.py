"""Workers: they die with their driver, may die once, and what they say is passed on as it is."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline import signals
from pipeline.executors import local, tasks
from pipeline.executors.local import LocalExecutor
from stages.child import send
from stages.errors import SeedbedError, StageFailed, Terminated, UsageError
from tests.pipeline import world
from tests.pipeline.world import account, seedbed


def test_a_worker_dies_with_its_driver(tmp_path: Path) -> None:
    """In the middle of a job that would take it another minute."""
    world.lines(tmp_path / "in.jsonl", range(2))
    (tmp_path / "mine.py").write_text(
        "import time\nfrom pathlib import Path\n\ndef f(record):\n"
        "    Path('begun').touch()\n    time.sleep(60)\n    return record\n"
    )
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[apply: {function: 'mine:f'}]", workers=1)
    token = world.new_token()
    process = world.start("run", "t.yaml", cwd=tmp_path, token=token)
    try:
        assert world.wait_until((tmp_path / "begun").exists, 60)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        assert world.all_gone(token), world.processes(token)
    finally:
        for pid in world.processes(token):
            os.kill(pid, signal.SIGKILL)
        world.end(process)


def test_a_worker_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    world.lines(tmp_path / "in.jsonl", range(3))
    (tmp_path / "mine.py").write_text(
        "import os, signal\nfrom pathlib import Path\n\ndef f(record):\n"
        "    if not Path('once').exists():\n        Path('once').touch()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n    return record\n"
    )
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[apply: {function: 'mine:f'}]", workers=1)
    seedbed("run", "t.yaml", cwd=tmp_path)
    assert account(tmp_path)["steps"][1]["counts"]["kept"] == 3


class _Played:
    """A worker whose answers are played: the last job given is answered first."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.number: int | None = None
        self.output = io.BytesIO()

    def give(self, number: int, function: str, job: Any) -> None:
        self.number, self.job = number, job

    def answer(self) -> tuple[int, Any]:
        number, self.number = self.number, None
        assert number is not None
        return number, {"summary": {"key": self.job["key"]}}

    def end(self) -> str:
        return ""


def test_summaries_come_in_the_order_of_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "Worker", _Played)
    executor = LocalExecutor(3)

    def last() -> list[Any]:
        return [max(executor._workers, key=lambda one: -1 if one.number is None else one.number)]

    monkeypatch.setattr(executor, "_ready", last)
    jobs: Any = [{"key": str(number), "steps": []} for number in range(8)]
    assert [one["key"] for one in executor.map("a:b", jobs)] == [str(number) for number in range(8)]


@pytest.mark.parametrize(
    "error", [StageFailed("the disk is full"), UsageError("no such column"), OSError(122, "x", "y")]
)
def test_what_a_worker_refuses_keeps_its_words_and_its_exit_code(error: Exception) -> None:
    answer = tasks.refusal(error, "normalize")
    send(io.BytesIO(), answer)
    with pytest.raises(SeedbedError) as caught:
        tasks.summary_of(answer)
    assert caught.value.exit_code == (2 if isinstance(error, UsageError) else 3)
    said = "quota is used up" if isinstance(error, OSError) else str(error)
    assert said in str(caught.value)


def test_a_second_signal_is_heeded_when_the_first_one_was_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The code and the words stay those of the first."""
    now = [100.0]
    monkeypatch.setattr(signals.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(signals.signal, "signal", lambda *_: None)
    signals.listen()
    try:
        with pytest.raises(Terminated):
            signals.stop(signal.SIGTERM, None)
        now[0] += 0.5
        try:
            signals.stop(signal.SIGINT, None)
        except KeyboardInterrupt:
            pytest.fail("the first one is being obeyed")
        now[0] += 2.0
        with pytest.raises(KeyboardInterrupt):
            signals.stop(signal.SIGINT, None)
        code, told = signals.outcome() or (0, "")
        assert code == 75 and "stopped by SIGTERM" in told
    finally:
        signals.listen()
