"""Findings are told while a training goes on, and end it where that is asked for."""

from __future__ import annotations

import json
import math
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from stages.errors import StageFailed
from stages.train import live, training
from stages.train.state import State
from tests.cases.train import tiny, tiny_corpus, train

torch = pytest.importorskip("torch")
pytest.importorskip("peft")
pytestmark = pytest.mark.extras


def found(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "step": 3, "statistic": None, "interval": None, "words": "W.", **more}


def test_a_finding_is_certain_when_two_looks_in_a_row_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[list[dict[str, Any]]] = [
        [found("overfit")],
        [found("epoch_step", epoch=1), found("well_fit")],
        [found("overfit"), found("epoch_step", epoch=1), found("well_fit")],
        [found("overfit"), found("epoch_step", epoch=2), found("well_fit")],
        [found("overfit"), found("epoch_step", epoch=2)],
    ]
    monkeypatch.setattr(live, "findings", lambda log: looks.pop(0))
    monkeypatch.setattr(live, "read_log", lambda path: path)
    state, told = State({}, {}, 1), []
    while looks:
        new = live.look(tmp_path, state)
        told.append([(one["kind"], one.get("epoch")) for one in new])
        state = State.of_json(json.loads(json.dumps(state.as_json())))  # as after a resume
    assert told == [[], [], [("epoch_step", 1)], [("overfit", None)], [("epoch_step", 2)]]


def test_a_run_that_overfits_ends_and_leaves_its_best_weights(
    tmp_path: Path, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file

    def over(log: Any) -> list[dict[str, Any]]:
        return [found("overfit")] if len(log.val) > 19 else []

    monkeypatch.setattr(live, "findings", over)
    source = tiny_corpus(tmp_path / "c", train=6, val=6)
    given: dict[str, Any] = {"epochs": 60, "lr": 0.05, "dropout": 0.0, "warmup": 0.0}
    out = train(tiny(tmp_path, stop_on=("overfit",), eval_every=1, **given), source, tmp_path)
    summary = json.loads((out / "summary.json").read_text())
    lines = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
    val = {line["step"]: line["loss"] for line in lines if line["split"] == "val"}
    steps = [line["step"] for line in lines if line["split"] == "train"]
    best = min((step for step in val if step), key=lambda step: val[step])
    assert summary["stopped"] == {"kind": "overfit", "step": 20, "words": "W."}
    assert summary["steps"] == max(steps) == 20 > summary["result_step"] == best
    assert max(val) == max(steps), "what is left is measured as well"
    told = capfd.readouterr().err
    assert "seedbed: train: step 20: overfit: W." in told
    shorter = tiny(tmp_path, **{**given, "max_steps": best, "eval_every": 1})
    wanted = load_file(train(shorter, source, tmp_path / "short") / "adapter_model.safetensors")
    left = load_file(out / "adapter_model.safetensors")
    assert all(torch.equal(left[name], wanted[name]) for name in wanted)


def test_a_loss_that_is_no_number_ends_a_run_with_its_best_weights_or_as_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, calls = training.step, [0]

    def broken(*given: Any, **more: Any) -> tuple[float, float]:
        calls[0] += 1
        loss, norm = plain(*given, **more)
        return (float("nan") if calls[0] % 7 == 0 else loss), norm

    monkeypatch.setattr(training, "step", broken)
    source = tiny_corpus(tmp_path / "c")
    with pytest.raises(StageFailed, match="training diverged: the loss of step 7 is nan"):
        train(tiny(tmp_path), source, tmp_path / "failed")
    calls[0] = 0
    out = train(tiny(tmp_path, stop_on=("divergence",)), source, tmp_path / "stopped")
    summary = json.loads((out / "summary.json").read_text())
    assert summary["stopped"]["kind"] == "divergence" and summary["steps"] == 6
    assert 0 < summary["result_step"] <= 6 and (out / "adapter_model.safetensors").is_file()


@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_watchers_are_alerted(name: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alerts: list[dict[str, str]] = []
    run = types.SimpleNamespace(log=lambda figures: None, finish=lambda: None)
    library = types.SimpleNamespace(
        init=lambda **given: run, alert=lambda **given: alerts.append(given)
    )
    monkeypatch.setitem(sys.modules, name, library)
    looks = iter([[], [found("spikes")], [found("spikes")], [found("spikes")]])
    monkeypatch.setattr(live, "findings", lambda log: next(looks))
    source = tiny_corpus(tmp_path / "c")
    train(tiny(tmp_path, epochs=1, report_to=(name,)), source, tmp_path)
    assert alerts == [{"title": "spikes", "text": "step 3: W."}]


def test_tensorboard_gets_findings_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard")
    monkeypatch.setattr(live, "findings", lambda log: [found("spikes")])
    train(
        tiny(tmp_path, epochs=1, report_to=("tensorboard",)), tiny_corpus(tmp_path / "c"), tmp_path
    )
    (events,) = (tmp_path / "work/report").glob("*tfevents*")
    assert b"finding/spikes" in events.read_bytes()


def test_what_stops_a_run_needs_what_it_is_seen_on(tmp_path: Path) -> None:
    said = tiny(tmp_path, stop_on=("overfit",), validate=False).contradictions()
    assert said == ("stop_on overfit needs validation: leave out validate: no",)
    assert not tiny(tmp_path, stop_on=("plateau",), validate=False).contradictions()


def test_a_finding_takes_the_place_of_the_line_of_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    for terminal, kind, wanted in (
        (True, "xterm", "\r\x1b[Kseedbed: train: W.\n"),
        (True, "dumb", "seedbed: train: W.\n"),
        (False, "xterm", "seedbed: train: W.\n"),
    ):
        stream = io.StringIO()
        monkeypatch.setattr(stream, "isatty", lambda terminal=terminal: terminal)
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", kind)
        live.tell("W.")
        assert stream.getvalue() == wanted


def test_a_validation_that_is_no_number_is_never_the_best() -> None:
    state = State({}, {}, 1, done=4)
    assert state.better(2.0) and not state.better(math.nan) and not state.better(math.inf)
    assert state.best == (4, 2.0)
