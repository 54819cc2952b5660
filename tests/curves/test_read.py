"""Logs of all forms are read alike, repaired where real ones need it, refused where they lie."""

from __future__ import annotations

import json
import math
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import Diagnose
from stages.curves.findings import findings
from stages.curves.read import log_file, log_of, read_log
from stages.curves.tfevents import scalars
from stages.errors import UsageError
from tests.cases.diagnose import trainer_state, write_lines

LOSSES = [2.5, 2.25, 2.0, 1.75]


def rows(losses: list[float] = LOSSES, per: int = 2) -> list[dict[str, Any]]:
    return [
        {"step": 10 * n, "loss": loss, "epoch": n / per} for n, loss in enumerate(losses, start=1)
    ]


def event_file(path: Path, found: list[tuple[int, str, float]]) -> Path:
    """A TensorBoard file as its writer lays it out (checksums left zero)."""

    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2, len(data)]) + data

    out = b""
    for step, tag, value in found:
        scalar = field(1, tag.encode()) + bytes([2 << 3 | 5]) + struct.pack("<f", value)
        event = bytes([1 << 3 | 1]) + struct.pack("<d", 0.0) + bytes([2 << 3, step])
        event += field(5, field(1, scalar))
        out += struct.pack("<Q", len(event)) + b"\0" * 4 + event + b"\0" * 4
    path.write_bytes(out)
    return path


def forms(folder: Path) -> dict[str, Path]:
    """The same four lines in every form that is read."""
    lines = rows()
    llama = [{"current_steps": r["step"], "loss": r["loss"], "epoch": r["epoch"]} for r in lines]
    own = [{**r, "split": "train"} for r in lines]
    table = "".join(f"{r['step']},{r['loss']},{r['epoch']}\n" for r in lines)
    printed = "".join(f"10:00 INFO { ({'loss': r['loss'], 'epoch': r['epoch']}) }\n" for r in lines)
    events = [(r["step"], f"train/{k}", r[k]) for r in lines for k in ("loss", "epoch")]
    (folder / "a.csv").write_text("step,loss,epoch\n" + table)
    (folder / "a.log").write_text("starting\n" + printed + "{'train_runtime': 1, 'loss': None}\n")
    return {
        "state": trainer_state(folder / "trainer_state.json", lines),
        "llama": write_lines(folder / "trainer_log.jsonl", llama),
        "own": write_lines(folder / "adapter" / "curve.jsonl", own),
        "csv": folder / "a.csv",
        "printed": folder / "a.log",
        "events": event_file(folder / "events.out.tfevents.1", events),
    }


@pytest.mark.parametrize("form", ["state", "llama", "own", "csv", "printed", "events"])
def test_all_forms_give_the_same_curve(tmp_path: Path, form: str) -> None:
    log = read_log(forms(tmp_path)[form])
    assert log.refused is None and log.train.values.tolist() == LOSSES
    assert log.train.epochs.tolist() == [0.5, 1.0, 1.5, 2.0]
    wanted = [1, 2, 3, 4] if form == "printed" else [10, 20, 30, 40]
    assert log.train.steps.tolist() == wanted


def test_validation_is_kept_apart(tmp_path: Path) -> None:
    lines = [*rows(), {"step": 40, "eval_loss": 1.9, "epoch": 2.0}]
    log = read_log(trainer_state(tmp_path / "trainer_state.json", lines))
    assert len(log.train) == 4 and log.val.values.tolist() == [1.9]
    own = [{"step": 0, "epoch": 0.0, "split": "val", "loss": 3.0}, {**rows()[0], "split": "train"}]
    log = read_log(write_lines(tmp_path / "curve.jsonl", own))
    assert log.val.values.tolist() == [3.0] and log.train.values.tolist() == [2.5]


def test_the_folder_of_a_run_is_searched(tmp_path: Path) -> None:
    for number in (5, 100, 20):
        trainer_state(tmp_path / f"checkpoint-{number}" / "trainer_state.json", rows())
    assert log_file(tmp_path).parent.name == "checkpoint-100"
    write_lines(tmp_path / "curve.jsonl", [])
    assert log_file(tmp_path).name == "curve.jsonl"


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="pipe is no ordinary file"):
        read_log(tmp_path / "pipe")
    with pytest.raises(UsageError, match="nowhere does not exist"):
        read_log(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="holds no training log"):
        read_log(tmp_path)
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(UsageError, match="is not JSON"):
        read_log(tmp_path / "a.json")


def test_steps_logged_twice_after_a_resume_count_once(tmp_path: Path) -> None:
    lines = [*rows(), {"step": 30, "loss": 1.5, "epoch": 1.5}, {"step": 50, "loss": 1.4}]
    log = read_log(trainer_state(tmp_path / "trainer_state.json", lines))
    # Step 40 was of the run that was given up.
    assert log.train.steps.tolist() == [10, 20, 30, 50]
    assert log.train.values.tolist() == [2.5, 2.25, 1.5, 1.4]
    assert "2 lines from step 30 on are there twice" in log.notes[0]


def test_a_second_validation_series_is_split_off(tmp_path: Path) -> None:
    val = [{"step": s, "eval_loss": v} for s, v in ((10, 2.0), (20, 1.9), (30, 1.8), (10, 5.0))]
    log = read_log(trainer_state(tmp_path / "trainer_state.json", [*rows(), *val]))
    assert log.val.values.tolist() == [2.0, 1.9, 1.8] and "2 validation series" in log.notes[0]


def test_rounded_epochs_are_rebuilt(tmp_path: Path) -> None:
    lines = [{"step": 5 * n, "loss": 2.0, "epoch": round(n / 300, 2)} for n in range(1, 601)]
    path = trainer_state(tmp_path / "trainer_state.json", lines, global_step=3000, epoch=2.0)
    assert read_log(path).train.epochs[100] == pytest.approx(101 / 300)


def test_an_epoch_field_that_falls_back_is_not_used(tmp_path: Path) -> None:
    lines = [{"step": n, "loss": 2.0, "epoch": (n % 50) / 100} for n in range(1, 101)]
    log = read_log(trainer_state(tmp_path / "trainer_state.json", lines))
    assert not log.epochs_fit and "falls back" in log.notes[0] and log.refused is None


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"rewards/chosen": 0.1}, "dpo"),
        ({"logps/rejected": -3.0}, "dpo"),
        ({"reward": 0.2}, "rl"),
        ({"kl": 0.2}, "rl"),
        ({"rewards/chosen": None, "reward": None, "accuracy": None}, None),
    ],
)
def test_preference_and_reinforcement_are_refused(
    tmp_path: Path, more: dict[str, Any], kind: str | None
) -> None:
    lines = [{**row, **more} for row in rows()]
    refused = read_log(trainer_state(tmp_path / "trainer_state.json", lines)).refused
    assert (refused or "").partition(":")[0] == (kind or "")


def test_accuracy_beside_a_loss_from_ln_2_is_refused(tmp_path: Path) -> None:
    lines = [{"step": n, "loss": 0.69 / n, "accuracy": 0.5} for n in range(1, 9)]
    refused = read_log(trainer_state(tmp_path / "trainer_state.json", lines)).refused
    assert refused is not None and "preference" in refused
    lines = [{"step": n, "loss": 2.5 / n, "accuracy": 0.5} for n in range(1, 9)]
    assert read_log(trainer_state(tmp_path / "trainer_state.json", lines)).refused is None


def test_several_runs_in_one_printed_log_are_refused(tmp_path: Path) -> None:
    text = "".join(f"{ ({'loss': 2.0, 'epoch': e}) }\n" for e in (0.5, 1.0) * 4)
    (tmp_path / "a.log").write_text(text)
    refused = read_log(tmp_path / "a.log").refused
    assert refused is not None and refused.startswith("several-runs: the epoch falls back 3 times")


def test_numbers_that_are_no_literals_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(
        "{'loss': nan, 'grad_norm': nan, 'epoch': 0.1}\n{'loss': inf, 'epoch': 0.2}\n"
    )
    values = read_log(tmp_path / "a.log").train.values
    assert math.isnan(values[0]) and values[1] == math.inf


def test_a_closing_summary_is_no_line(tmp_path: Path) -> None:
    lines = [*rows(), {"step": 40, "train_loss": 9.0, "train_runtime": 3.0}]
    log = read_log(trainer_state(tmp_path / "trainer_state.json", lines))
    assert log.train.values.tolist() == LOSSES


def test_a_cut_event_file_gives_what_it_has(tmp_path: Path) -> None:
    path = event_file(tmp_path / "a.tfevents", [(1, "train/loss", 2.0), (2, "train/loss", 1.5)])
    path.write_bytes(path.read_bytes()[:-9])
    assert list(scalars(path.read_bytes())) == [(0.0, 1, "train/loss", 2.0)]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_with_a_sentence(tmp_path_factory: Any, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    for name in ("a.tfevents", "a.json", "a.jsonl", "a.csv", "a.log"):
        (folder / name).write_bytes(data)
        try:
            log = read_log(folder / name)
        except UsageError:
            continue
        assert len(log.train) == len(log.train.values)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["step", "loss", "eval_loss", "epoch", "accuracy"]),
            st.none() | st.floats() | st.text(max_size=3) | st.booleans() | st.lists(st.none()),
        ),
        max_size=20,
    )
)
def test_any_history_is_diagnosed(tmp_path_factory: Any, history: list[dict[str, Any]]) -> None:
    from stages.curves.findings import findings
    from stages.curves.read import read_log

    path = tmp_path_factory.mktemp("history") / "trainer_state.json"
    found = findings(read_log(trainer_state(path, history)))
    json.dumps(found, allow_nan=False)
    assert found


# --- damage -------------------------------------------------------------------------------------


def _lines(*more: str) -> str:
    rows = [json.dumps({"step": n, "loss": 2 - n / 100, "epoch": n / 20}) for n in range(1, 60)]
    return "\n".join([*rows, *more]) + "\n"


@pytest.mark.parametrize(
    "line",
    [
        '{"step": 1e999, "loss": 1}',
        '{"step": NaN, "loss": 1}',
        '{"step": ' + "9" * 4000 + ', "loss": 1}',
        '{"step": -1e308, "loss": 1}',
    ],
)
def test_a_step_that_is_no_number_of_steps_is_left_out_and_told(line: str, tmp_path: Path) -> None:
    path = tmp_path / "trainer_log.jsonl"
    path.write_text(_lines(line))
    log = read_log(path)
    assert len(log.train) == 59
    assert log.notes[0] == "1 lines have a step that is no number of steps; left out"


@pytest.mark.parametrize(
    "line",
    [
        '{"step": 60, "loss": 1e999}',
        '{"step": 60, "loss": ' + "9" * 4000 + "}",
        '{"step": 60, "loss": 1, "epoch": 1e17}',
        '{"a": ' + "[" * 100_000,
        '{"split": "val"}',
    ],
)
def test_damaged_lines_end_nothing(line: str, tmp_path: Path) -> None:
    path = tmp_path / "curve.jsonl"
    path.write_text(_lines(line))
    (tmp_path / "out").mkdir()
    summary = Diagnose().run(path, tmp_path / "out", tmp_path, lambda done, total: None)
    assert summary["train_lines"] in (59, 60)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", '{"log_history":' + "[" * 100_000, "nested too deeply"),
        ("a.json", '{"model": 1, "seed": 2}', "it holds model, seed"),
    ],
)
def test_a_log_of_no_use_is_one_sentence(name: str, text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=words):
        read_log(tmp_path / name)


def test_a_number_without_end_in_an_event_file(tmp_path: Path) -> None:
    path = tmp_path / "x.tfevents.1"
    message = b"\x10" + b"\xff" * 3000 + b"\x01"
    record = struct.pack("<Q", len(message)) + bytes(4) + message + bytes(4)
    path.write_bytes(record * 3)
    assert len(read_log(path).train) == 0


def test_a_line_without_end_is_left_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("step,loss\n1,2.0\n2,1.9\n3,1.8\n4," + "9" * 200_000 + "\n5,1.7\n")
    log = read_log(path)
    assert log.train.steps.tolist() == [1, 2, 3, 5]
    assert "1 lines of more than 65,536 characters are not read" in log.notes


@pytest.mark.parametrize(("lines", "said"), [(4, False), (7, True)])
def test_only_epochs_that_are_rounded_are_rebuilt(lines: int, said: bool) -> None:
    """A quarter of an epoch is written exactly with two decimals, a seventh is not."""
    rows = [{"step": n, "epoch": round(n / lines, 2), "loss": 2.0 - n / 99} for n in range(1, 29)]
    log = log_of(rows)
    assert list(log.train.epochs) == pytest.approx([row["step"] / lines for row in rows])
    assert any("rounded" in note for note in log.notes) is said


def test_a_validation_alone_is_read_and_judged() -> None:
    rise = [2.0, 1.8, 1.6, 1.5, 1.5, 1.7, 1.9, 2.1, 2.3, 2.5]
    rows = [{"step": 10 * n, "eval_loss": loss} for n, loss in enumerate(rise, 1)]
    (found,) = [one for one in findings(log_of(rows)) if one["kind"] == "overfit"]
    assert found["gap"] is None
    zeros = [{"step": n, "loss": 0.0} for n in range(1, 99)]
    assert isinstance(findings(log_of([*rows, *zeros])), list)


def test_what_a_run_says_of_its_length_needs_no_line_of_training(tmp_path: Path) -> None:
    rows = [{"step": 10 * n, "eval_loss": 2 - n / 20} for n in range(1, 9)]
    path = trainer_state(tmp_path / "trainer_state.json", rows, max_steps=80, num_train_epochs=2)
    assert not len(read_log(path).train) and len(read_log(path).val) == 8


def test_epochs_on_every_second_line_are_enough() -> None:
    rows = [{"step": n, "loss": 3 - n / 99, **({"epoch": n / 20} if n % 2 else {})}
            for n in range(1, 61)]  # fmt: skip
    assert isinstance(findings(log_of(rows)), list)


@pytest.mark.parametrize("count", [math.nan, math.inf, "inf"])
def test_a_number_of_records_that_is_none_is_not_used(count: Any) -> None:
    rows = [{"step": n, "loss": 3 - n / 9, "eval_loss": 2.0, "val_records": count} for n in (1, 2)]
    assert log_of(rows).val_records is None


def test_braces_in_braces_are_no_row(tmp_path: Path) -> None:
    lines = "".join(f"{{'loss': {3 - n / 9}, 'epoch': {n / 4}}}\n" for n in range(1, 9))
    (tmp_path / "a.log").write_text("config {{'lr': 1}}\n" + lines)
    assert len(read_log(tmp_path / "a.log").train) == 8
