"""Checkpoints: a kill, a signal or damage changes no bit of what a rerun gives."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from stages.errors import Preempted
from stages.train import checkpoint
from tests.cases.train import contents, tiny, tiny_corpus, train

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

# --- signals and kills ---------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_saves_and_the_rerun_gives_the_same_bytes(tmp_path: Path, number: int) -> None:
    source, stage = tiny_corpus(tmp_path / "c"), tiny(tmp_path, save_every=1000)
    whole = contents(train(stage, source, tmp_path / "whole"))

    def ask(done: int, total: int) -> None:
        if done == 3:
            os.kill(os.getpid(), number)

    outer = signal.signal(number, signal.default_int_handler)  # nohup may have it ignored
    try:
        before = signal.getsignal(number)
        with pytest.raises(Preempted, match="after step 3 of 8") as stopped:
            train(stage, source, tmp_path / "stopped", ask)
        assert signal.getsignal(number) is before
    finally:
        signal.signal(number, outer)
    assert stopped.value.exit_code == (130 if number == signal.SIGINT else 75)
    seen: list[int] = []
    again = train(stage, source, tmp_path / "stopped", lambda now, total: seen.append(now))
    assert seen == [3, 4, 5, 6, 7, 8]
    assert contents(again) == whole


def test_a_kill_while_saving_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.save(tmp_path, 1, {"n": 1}, {"a": torch.ones(3)}, {})
    calls = ("fsync", "rename")
    for number, name in enumerate(calls):

        def killed(*given: Any, **more: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(os if name == "fsync" else Path, name, killed)
            with pytest.raises(KeyboardInterrupt):
                checkpoint.save(tmp_path, 2 + number, {"n": 2}, {"a": torch.zeros(3)}, {})
        found = checkpoint.latest(tmp_path)
        assert found is not None and found[0]["n"] == 1
        assert torch.equal(found[1]["a"], torch.ones(3))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-00000001"]


def test_two_checkpoints_are_kept(tmp_path: Path) -> None:
    for position in range(5):
        checkpoint.save(tmp_path, position, {}, {"a": torch.ones(1)}, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint-00000003",
        "checkpoint-00000004",
    ]


# --- damage -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of 8 steps, whole, and once more stopped after step 5: checkpoints at 4 and 5."""
    folder = tmp_path_factory.mktemp("stopped")
    source, stage = tiny_corpus(folder / "c"), tiny(folder)
    train(stage, source, folder / "whole")

    def ask(done: int, total: int) -> None:
        if done == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Preempted):
        train(stage, source, folder / "stopped", ask)
    assert len(list((folder / "stopped/work").glob("checkpoint-*"))) == 2
    return folder


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def _with_value(path: Path, key: str, value: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))


DAMAGE: dict[str, tuple[Any, str]] = {
    "cut state": (lambda f: os.truncate(f / "state.json", 20), "state.json has changed"),
    "empty state": (lambda f: (f / "state.json").write_text(""), "state.json has changed"),
    "list": (lambda f: (f / "state.json").write_text("[]"), "state.json has changed"),
    "one number": (lambda f: _with_value(f / "state.json", "done", 3), "state.json has changed"),
    "no state": (lambda f: (f / "state.json").unlink(), "state.json is missing"),
    "header": (lambda f: _flip(f / "tensors", 12), "tensors has changed"),
    "one bit": (lambda f: _flip(f / "tensors", -5), "tensors has changed"),
    "cut tensors": (lambda f: os.truncate(f / "tensors", 5000), "tensors has changed"),
    "no tensors": (lambda f: (f / "tensors").unlink(), "tensors is missing"),
    "no hashes": (lambda f: (f / "hashes.json").unlink(), "hashes.json is missing"),
    "nesting": (lambda f: (f / "hashes.json").write_text("[" * 100_000), "RecursionError"),
    "hashes": (lambda f: _with_value(f / "hashes.json", "files", [1]), "TypeError"),
}


def _goes_on(stopped: Path, to: Path, capfd: Any, damage: Any) -> tuple[int, str]:
    """(step that it went on from, what was told) after damage; the bytes are the same."""
    shutil.copytree(stopped / "stopped", to / "again")
    damage(to / "again/work")
    seen: list[int] = []
    capfd.readouterr()
    stage = tiny(stopped)
    out = train(stage, stopped / "c", to / "again", lambda now, total: seen.append(now))
    assert contents(out) == contents(stopped / "whole/out")
    return seen[0], capfd.readouterr().err


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_checkpoint_is_told_and_the_older_one_used(
    name: str, stopped: Path, tmp_path: Path, capfd: Any
) -> None:
    damage, said = DAMAGE[name]
    newest = max(path.name for path in (stopped / "stopped/work").glob("checkpoint-*"))
    begin, told = _goes_on(stopped, tmp_path, capfd, lambda work: damage(work / newest))
    assert begin == 4
    assert newest in told and said in told and "Traceback" not in told


def test_without_a_whole_checkpoint_it_starts_anew(
    stopped: Path, tmp_path: Path, capfd: Any
) -> None:
    def damage(work: Path) -> None:
        newest, older = sorted(work.glob("checkpoint-*"), reverse=True)
        shutil.rmtree(newest)
        newest.write_text("a file")
        _flip(older / "tensors", -1)

    begin, told = _goes_on(stopped, tmp_path, capfd, damage)
    assert begin == 0 and told.count("is damaged") == 2


@pytest.mark.parametrize(("place", "begin"), [(3, 0), (-2, 4)])
def test_a_changed_curve_is_not_gone_on_from(
    stopped: Path, tmp_path: Path, capfd: Any, place: int, begin: int
) -> None:
    """Lines that both checkpoints stand on, or only the newest."""
    found, told = _goes_on(
        stopped, tmp_path, capfd, lambda work: _flip(work / "curve.jsonl", place)
    )
    assert found == begin and "curve.jsonl has changed" in told
