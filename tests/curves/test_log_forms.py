"""One short run as every trainer writes it: the same losses at the same steps, or lines that are
called lines."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.curves.findings import findings
from stages.curves.read import log_of, read_log

# (step, epoch, loss, validation loss): a validation every third line; two epochs of six lines.
RUN = [
    (25 * n, n / 6, round(3.0 - 0.1 * n, 4), round(2.9 - 0.05 * n, 4) if n % 3 == 0 else None)
    for n in range(1, 13)
]
STEPS = [float(step) for step, *_ in RUN]
LOSSES = [loss for _, _, loss, _ in RUN]
VALS = [(float(step), val) for step, _, _, val in RUN if val is not None]


def rows(loss: str, val: str, step: str = "step", **more: Any) -> list[dict[str, Any]]:
    """A dict a line, validations in lines of their own."""
    out: list[dict[str, Any]] = []
    for at, epoch, value, held in RUN:
        out.append({step: at, "epoch": epoch, loss: value, **more})
        if held is not None:
            out.append({step: at, "epoch": epoch, val: held})
    return out


def lines_of(found: list[dict[str, Any]], begin: str = "") -> str:
    return "".join(f"{begin}{json.dumps(row)}\n" for row in found)


def table(head: list[str], sep: str, cells: Callable[[float], str] = str) -> str:
    """A line a step; the validation's cell is empty where there was none."""
    out = [sep.join(head)]
    for step, epoch, loss, val in RUN:
        held = "" if val is None else cells(val)
        out.append(sep.join([str(step), cells(round(epoch, 4)), cells(loss), held]))
    return "\n".join(out) + "\n"


HEAD = ["step", "epoch", "loss", "eval_loss"]


def comma(value: float) -> str:
    return f"{value:.4f}".replace(".", ",")


def bars(text: Callable[[dict[str, Any]], str], width: int = 300) -> str:
    """Printed dicts behind the bar of training, and a bar of evaluation in between."""
    out = ["Map: 100%|####| 52000/52000 [00:03<00:00, 16000 examples/s]"]
    for step, epoch, loss, val in RUN:
        bar = f"\r {step * 100 // width}%|#   | {step}/{width} [01:00<02:00,  1.20it/s]"
        out.append(f"{bar}{text({'loss': loss, 'learning_rate': 2e-05, 'epoch': round(epoch, 2)})}")
        if val is not None:
            out.append("  0%|   | 0/40 [00:00<?, ?it/s]\r 100%|###| 40/40 [00:09<00:00, 4.2it/s]")
            out.append(bar + text({"eval_loss": val, "epoch": round(epoch, 2)}))
    return "\n".join(out) + "\n"


def megatron() -> str:
    out = ["> building train, validation, and test datasets ..."]
    for step, _, loss, val in RUN:
        out.append(
            f" [2026-02-03 04:05:06] iteration {step:8d}/     300 | consumed samples: {step:12d} "
            f"| elapsed time per iteration (ms): 812.3 | learning rate: 1.000E-05 | global batch "
            f"size:     8 | lm loss: {loss:.6E} | z loss: 1.0E-02 | grad norm: 0.512 |"
        )
        if val is not None:
            out.append(
                f" validation loss at iteration {step} | lm loss value: {val:.6E} | "
                "lm loss PPL: 9.0E+00 |"
            )
    return "\n".join(out)


def nanogpt() -> str:
    out = []
    for step, _, loss, val in RUN:
        out.append(f"iter {step}: loss {loss:.4f}, time 120.11ms, mfu 21.04%")
        if val is not None:
            out.append(f"step {step}: train loss {loss:.4f}, val loss {val:.4f}")
    return "\n".join(out)


def litgpt() -> str:
    return "\n".join(
        f"Epoch {int(epoch) + 1} | iter {step * 4} step {step} | loss train: {loss:.3f}, "
        f"val: {'n/a' if val is None else val} | iter time: 81.22 ms (step)"
        for step, epoch, loss, val in RUN
    )


def notebook(output: dict[str, Any]) -> str:
    prints = {"output_type": "stream", "text": ["loading\n", "done\n"]}
    cells = [{"cell_type": "code", "outputs": [prints, output]}, {"cell_type": "markdown"}]
    return json.dumps({"cells": cells, "nbformat": 4})


def html_table() -> str:
    cells = "".join(
        f"<tr><td>{step}</td><td>{loss:.6f}</td><td>{'No log' if val is None else val}</td></tr>"
        for step, _, loss, val in RUN
    )
    head = "<tr><th>Step</th><th>Training Loss</th><th>Validation Loss</th></tr>"
    return f"<div><progress value='300'></progress></div><table>{head}<tbody>{cells}</table>"


def markdown() -> str:
    body = "".join(
        f"| {loss} | {epoch:.4f} | {step} | {'' if val is None else val} |\n"
        for step, epoch, loss, val in RUN
    )
    return "| Training Loss | Epoch | Step | Validation Loss |\n|:--:|:--:|:--:|:--:|\n" + body


def lightning(loss: str, first: int = 0) -> str:
    out = [f"epoch,lr-AdamW,step,{loss},train_loss_epoch,val_loss"]
    for step, epoch, value, val in RUN:
        number = int(epoch - 0.01)
        out += [f"{number},0.001,{step - first},,,", f"{number},,{step - first},{value},,"]
        if val is not None:
            out.append(f"{number},,{step - first},,,{val}")
    return "\n".join(out) + "\n"


def wandb_history() -> str:
    out = ['"_step","_runtime","train/global_step","train/epoch","train/loss","eval/loss"']
    for row in rows("loss", "val"):
        loss, val = row.get("loss", ""), row.get("val", "")
        out.append(f'"{len(out) - 1}","9","{row["step"]}","{row["epoch"]}","{loss}","{val}"')
    return "\n".join(out) + "\n"


def wandb_chart() -> str:
    name = "brisk-moon-12 - "
    head = ["Step", f"{name}train/loss", f"{name}train/loss__MIN", f"{name}train/loss__MAX"]
    body = "".join(f'"{step}","{loss}","{loss}","{loss}"\n' for step, _, loss, _ in RUN)
    return ",".join(f'"{one}"' for one in head) + "\n" + body


UNITED = [
    {"step": step, "epoch": epoch, "loss": loss, "val_loss": val} for step, epoch, loss, val in RUN
]
# name of the file → its text, for logs that say the step of every line, with validations.
FORMS: dict[str, str] = {
    "trainer_state.json": json.dumps({"log_history": rows("loss", "eval_loss"), "max_steps": 300}),
    "trainer_log.jsonl": lines_of(
        [
            {"eval_loss": None, "loss": None, "reward": None, "accuracy": None, **row}
            for row in rows("loss", "eval_loss", "current_steps", lr=1e-5)
        ]
    ),
    "logging.jsonl": lines_of(
        [
            {"global_step/max_steps": f"{row.pop('step')}/300", "percentage": "3%", **row}
            for row in rows("loss", "eval_loss")
        ]
    ),
    "prefixed.log": lines_of(rows("loss", "eval_loss"), "2026-02-03 04:05:06,7 [INFO] rank0: "),
    "fairseq.log": lines_of(
        rows("train_loss", "valid_loss", "num_updates"), "2026-02-03 | INFO | train | "
    ),
    "nested.jsonl": lines_of(
        [{"step": s, "train": {"loss": v}, "eval": {"loss": e}} for s, _, v, e in RUN]
    ),
    "hf5.log": bars(lambda row: str({key: f"{value:.4g}" for key, value in row.items()})),
    "axolotl.log": "[2026-02-03 04:05:06,123] [INFO] [axolotl.train.train:42] Starting\n"
    + bars(lambda row: str({**row, "memory/max_active (GiB)": 20.1})),
    "megatron.log": megatron(),
    "nanogpt.txt": nanogpt(),
    "litgpt.txt": litgpt(),
    "logfmt.log": "".join(
        f"level=info step={s} loss={v}" + (f" val_loss={e}" if e else "") + "\n"
        for s, _, v, e in RUN
    ),
    "plain.csv": table(HEAD, ","),
    "upper.csv": table(["Global Step", "Epoch", "Train Loss", "Validation Loss"], ","),
    "title.csv": "# exported on Monday\n\n" + table(HEAD, ","),
    "semicolon.csv": table(HEAD, ";"),
    "excel.csv": table(HEAD, ";", comma),
    "tab.tsv": table(["Step", "epoch", "Training Loss", "Validation Loss"], "\t"),
    "readme.md": markdown(),
    "metrics.csv": lightning("train_loss"),
    "metrics2.csv": lightning("train_loss_step"),
    "history.csv": wandb_history(),
    "history.json": json.dumps(UNITED),
    "columns.json": json.dumps(
        {"history": {key: [row[key] for row in UNITED] for key in UNITED[0]}}
    ),
    "pandas.json": json.dumps(
        {key: {str(n): row[key] for n, row in enumerate(UNITED)} for key in UNITED[0]}
    ),
    "table.ipynb": notebook({"output_type": "display_data", "data": {"text/html": html_table()}}),
    "printed.ipynb": notebook({"output_type": "stream", "text": bars(str).splitlines(True)}),
    "named.jsonl": lines_of(rows("loss", "eval_forum_loss")),
    "loader.csv": table(["step", "epoch", "loss", "val_loss/dataloader_idx_0"], ","),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_losses_stand_at_their_steps(name: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FORMS[name].encode(encoding))
    log = read_log(path)
    assert log.x == "step" and log.refused is None
    assert log.train.steps.tolist() == STEPS
    places = 2e-3 if name in ("litgpt.txt", "hf5.log") else 1e-6
    assert log.train.values.tolist() == pytest.approx(LOSSES, rel=places)
    found = list(zip(log.val.steps.tolist(), log.val.values.tolist(), strict=True))
    assert [step for step, _ in found] == [step for step, _ in VALS]
    assert [val for _, val in found] == pytest.approx([val for _, val in VALS], rel=1e-3)


def test_no_form_was_left_out() -> None:
    assert len(FORMS) >= 29


WITHOUT_VALIDATION = {
    "torchtune.txt": "".join(
        f"Step {s} | loss:{v} lr:2e-05 tokens_per_second_per_gpu:812.1\n" for s, _, v, _ in RUN
    ),
    "torchtune-bar.txt": "".join(
        f"\r{int(e - 0.01) + 1}|{s}|Loss: {v}:  40%|###  | {s}/300 [00:10<00:20]"
        for s, e, v, _ in RUN
    ),
    "chart.csv": wandb_chart(),
    "old.log": lines_of([{"loss": v, "epoch": e, "step": s} for s, e, v, _ in RUN]),
    "zero16.log": "\n".join(str({"step": s, "loss": v}) for s, _, v, _ in RUN),
    "aux.csv": "step,aux_loss,loss\n" + "".join(f"{s},0.01,{v}\n" for s, _, v, _ in RUN),
}


@pytest.mark.parametrize("name", WITHOUT_VALIDATION)
def test_logs_of_training_alone(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    text = WITHOUT_VALIDATION[name]
    path.write_bytes(text.encode("utf-16-le" if name == "zero16.log" else "utf-8"))
    log = read_log(path)
    assert (log.x, log.train.steps.tolist(), len(log.val)) == ("step", STEPS, 0)
    assert log.train.values.tolist() == pytest.approx(LOSSES)


def test_whole_epochs_get_their_parts(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(FORMS["metrics.csv"])
    log = read_log(tmp_path / "metrics.csv")
    assert log.train.epochs.tolist() == pytest.approx([epoch for _, epoch, *_ in RUN])


# --- no step ------------------------------------------------------------------------------------


def test_lines_without_a_step_are_called_lines(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("".join(f"{row}\n" for row in rows("loss", "eval_loss", "n")))
    log = read_log(tmp_path / "a.log")
    assert log.x == "line"
    # A validation has the place of the training line before it, and takes none of its own.
    assert log.train.steps.tolist() == [float(n) for n in range(1, 13)]
    assert log.val.steps.tolist() == [3.0, 6.0, 9.0, 12.0]


def test_a_bar_that_stands_still_is_no_step(tmp_path: Path) -> None:
    text = bars(str).replace("| 50/300 [", "| 25/300 [")
    (tmp_path / "a.log").write_text(text)
    assert read_log(tmp_path / "a.log").x == "line"


def test_a_line_an_epoch_is_called_epoch(tmp_path: Path) -> None:
    turning = [1.9, 1.6, 1.4, 1.3, 1.42, 1.5, 1.58, 1.66]
    body = "".join(f"{n},{2 - n / 9},{val}\n" for n, val in enumerate(turning, start=1))
    (tmp_path / "training.csv").write_text("epoch,loss,val_loss\n" + body)
    log = read_log(tmp_path / "training.csv")
    assert log.x == "epoch" and log.val.steps.tolist() == [float(n) for n in range(1, 9)]
    (overfit,) = [one for one in findings(log) if one["kind"] == "overfit"]
    assert overfit["step"] == 4 and overfit["x"] == "epoch"
    assert "after epoch 4" in overfit["words"] and "step" not in overfit["words"]


def test_keras_prints_bars_below_epochs(tmp_path: Path) -> None:
    out = []
    for n in range(1, 6):
        out.append(f"Epoch {n}/5")
        out += [
            f"{at}/20 [==>...] - ETA: 1s - loss: {3 - n / 5 + (20 - at) / 100:.4f} - acc: 0.50"
            for at in (1, 10)
        ]
        out.append(
            f"20/20 [====] - 3s 2ms/step - loss: {3 - n / 5:.4f} - val_loss: {2 - n / 5:.4f}"
        )
    (tmp_path / "out.txt").write_text("\n".join(out))
    log = read_log(tmp_path / "out.txt")
    assert log.x == "epoch" and log.train.steps.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert log.train.values.tolist() == [2.8, 2.6, 2.4, 2.2, 2.0]
    assert log.val.values.tolist() == [1.8, 1.6, 1.4, 1.2, 1.0]


# --- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "step"),
    [('"1,250"', 1250.0), ("1 250", 1250.0), ("1'250", 1250.0), ("1_250", 1250.0), ("7/9", 7.0)],
)
def test_steps_with_signs_between_thousands(text: str, step: float, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"step,loss\n1,3.0\n2,2.5\n{text},2.0\n")
    assert read_log(tmp_path / "a.csv").train.steps.tolist()[-1] == step


@pytest.mark.parametrize("none", ["null", "NaN", '"NaN"', '"nan"', "Infinity"])
def test_losses_that_are_no_number_are_kept_as_such(none: str, tmp_path: Path) -> None:
    text = lines_of([{"step": n, "loss": 2.0 - n / 50} for n in range(1, 11)])
    text += "".join(f'{{"step": {n}, "loss": {none}}}\n' for n in range(11, 21))
    (tmp_path / "a.jsonl").write_text(text)
    log = read_log(tmp_path / "a.jsonl")
    assert len(log.train) == 20
    (found,) = [one for one in findings(log) if one["kind"] == "divergence"]
    assert found["step"] == 11


def test_nan_in_a_table_is_what_was_not_measured(tmp_path: Path) -> None:
    body = "".join(f"{s},{v},{'nan' if e is None else e}\n" for s, _, v, e in RUN)
    (tmp_path / "a.csv").write_text("step,loss,val_loss\n" + body)
    assert read_log(tmp_path / "a.csv").val.values.tolist() == [val for _, val in VALS]
    broken = "".join(f"{s},{v},{2.0 if s < 200 else 'nan'}\n" for s, _, v, _ in RUN)
    (tmp_path / "a.csv").write_text("step,loss,val_loss\n" + broken)
    values = read_log(tmp_path / "a.csv").val.values
    assert len(values) == 12 and sum(value != value for value in values) == 5


# --- several sets, several runs ------------------------------------------------------------------


def test_named_validation_sets_are_each_looked_at() -> None:
    found = rows("loss", "eval_wiki_loss")
    found += [{"step": s, "eval_chat_loss": 1.5 + 0.02 * n**2} for n, (s, *_) in enumerate(RUN[:8])]
    found.sort(key=lambda row: row["step"])
    log = log_of(found)
    assert len(log.val) == 8 and list(log.others) == ["wiki"]
    named = [one for one in findings(log) if one["kind"] == "overfit"]
    assert [one["step"] for one in named] == [25]


def test_parts_of_a_loss_are_no_validation_set() -> None:
    found = [{"step": s, "loss": v, "eval_aux_loss": 0.1, "router_loss": 1} for s, _, v, _ in RUN]
    log = log_of(found)
    assert len(log.val) == 0 and log.train.values.tolist() == LOSSES


def appended(tmp_path: Path, name: str, first: str, second: str) -> Any:
    (tmp_path / name).write_text(first + second)
    return read_log(tmp_path / name)


def test_a_second_run_in_one_file_is_the_one_that_is_shown(tmp_path: Path) -> None:
    given_up = [{**row, "loss": 9.0} for row in rows("loss", "none") if "loss" in row]
    log = appended(
        tmp_path, "trainer_log.jsonl", lines_of(given_up[:7]), WITHOUT_VALIDATION["old.log"]
    )
    assert log.train.values.tolist() == LOSSES
    assert "2 runs are in this file" in log.notes[0] and "7 lines" in log.notes[0]
    epochs = "".join(f"{n},{3 - n / 9},{2.0 - n / 9}\n" for n in range(6))
    log = appended(tmp_path, "training.csv", "epoch,loss,val_loss\n" + epochs, epochs)
    assert len(log.train) == len(log.val) == 6


def test_a_second_run_may_begin_where_the_first_began(tmp_path: Path) -> None:
    """Both go on from one checkpoint, far from zero."""
    first, second = (
        lines_of([{"step": 500 + 10 * n, "loss": level - n / 50} for n in range(count)])
        for level, count in ((9.0, 9), (2.0, 12))
    )
    log = appended(tmp_path, "a.jsonl", first, second)
    assert log.train.values.tolist() == [2.0 - n / 50 for n in range(12)]
    assert "2 runs are in this file" in log.notes[0]


def test_a_second_run_of_printed_lines(tmp_path: Path) -> None:
    text = "".join(f"{row}\n" for row in rows("loss", "eval_loss", "n"))
    text += "{'train_runtime': 10.0, 'train_loss': 2.2, 'epoch': 2.0}\n"
    log = appended(tmp_path, "a.log", text, text)
    assert log.refused is None and log.train.values.tolist() == LOSSES
    assert log.train.steps.tolist() == [float(n) for n in range(1, 13)]


def test_a_resume_merges_training_and_validation(tmp_path: Path) -> None:
    whole = rows("loss", "eval_loss")
    stopped = [{**row, "loss": 9.0} if row["step"] > 150 else row for row in whole[:11]]
    stopped = [{**row, "eval_loss": 9.0} if row["step"] > 150 else row for row in stopped]
    again = [row for row in whole if row["step"] > 150]
    log = appended(tmp_path, "trainer_log.jsonl", lines_of(stopped), lines_of(again))
    assert log.train.values.tolist() == LOSSES
    assert log.val.values.tolist() == [val for _, val in VALS]
    assert "as after a resume" in log.notes[0]


def test_a_resume_of_event_files_is_merged_by_time(tmp_path: Path) -> None:
    """The file that sorts first by name was written last."""
    whole = rows("train/loss", "eval/loss")
    first = [{**row, "train/loss": 9.0} if row["step"] > 150 else row for row in whole[:9]]
    write_events(tmp_path / "runs" / "b" / "events.out.tfevents.2", first, 1000.0)
    again = [row for row in whole if row["step"] > 150]
    write_events(tmp_path / "runs" / "a" / "events.out.tfevents.1", again, 2000.0)
    log = read_log(tmp_path)
    assert log.train.values.tolist() == pytest.approx(LOSSES)
    assert log.val.values.tolist() == pytest.approx([val for _, val in VALS])


def test_keras_writes_a_folder_a_side(tmp_path: Path) -> None:
    for side, key in (("train", 2), ("validation", 3)):
        found = [{"step": n, "epoch_loss": key - n / 9} for n in range(8)]
        write_events(tmp_path / "logs" / side / "events.out.tfevents.1.v2", found, 5.0)
    log = read_log(tmp_path / "logs")
    assert log.train.values.tolist() == pytest.approx([2 - n / 9 for n in range(8)])
    assert log.val.values.tolist() == pytest.approx([3 - n / 9 for n in range(8)])


def write_events(path: Path, found: list[dict[str, Any]], time: float) -> None:
    """An event file (checksums left zero), a second between its rows."""

    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2, len(data)]) + data

    path.parent.mkdir(parents=True, exist_ok=True)
    out = b""
    for at, row in enumerate(found):
        for tag, value in row.items():
            if tag == "step":
                continue
            scalar = field(1, tag.encode()) + bytes([2 << 3 | 5]) + struct.pack("<f", value)
            step = row["step"]
            varint = bytes([step]) if step < 128 else bytes([step & 127 | 128, step >> 7])
            event = bytes([1 << 3 | 1]) + struct.pack("<d", time + at) + bytes([2 << 3]) + varint
            event += field(5, field(1, scalar))
            out += struct.pack("<Q", len(event)) + b"\0" * 4 + event + b"\0" * 4
    path.write_bytes(out)


def test_workers_of_several_runs_are_refused_and_of_one_run_are_not(tmp_path: Path) -> None:
    train = [row for row in rows("loss", "none") if "loss" in row]
    mixed = [{**row, "loss": row["loss"] + 0.3 * side} for row in train for side in (0, 1)]
    refused = log_of(mixed).refused
    assert refused is not None and refused.startswith("several-runs")
    same = [{**row, "loss": row["loss"] + 1e-4 * side} for row in train for side in (0, 1)]
    log = log_of(same)
    assert log.refused is None and log.train.steps.tolist() == STEPS
    assert "several processes wrote this log of one run" in log.notes[0]


def test_a_chart_of_several_runs_is_refused(tmp_path: Path) -> None:
    body = "".join(f"{s},{v},{v + 0.1}\n" for s, _, v, _ in RUN)
    (tmp_path / "a.csv").write_text("Step,calm-sea-1 - train/loss,loud-sea-2 - train/loss\n" + body)
    refused = read_log(tmp_path / "a.csv").refused
    assert refused is not None and "calm-sea-1, loud-sea-2" in refused


# --- what is not understood ----------------------------------------------------------------------


def test_the_columns_that_were_found_are_named(tmp_path: Path) -> None:
    body = "".join(f"{s},{v},0.5\n" for s, _, v, _ in RUN)
    (tmp_path / "a.csv").write_text("when,perplexity,auc\n" + body)
    (found,) = findings(read_log(tmp_path / "a.csv"))
    assert found["kind"] == "cannot_tell" and found["about"] == "training"
    assert "when, perplexity, auc" in found["words"]


def test_validation_alone_is_told_as_such() -> None:
    (found, *_) = findings(log_of([{"step": s, "eval_loss": v} for s, v in VALS]))
    assert found["about"] == "training" and "eval_loss" in found["words"]


PREFERENCE = [
    {"train/rewards/margins": 0.2},
    {"margins": 0.2, "accuracies": 0.6},
    {"rewards_chosen": 0.1, "rewards_rejected": 0.0},
    {"eval_logps/chosen": -40.0},
    {"log_odds_ratio": -0.7},
]


@pytest.mark.parametrize("more", PREFERENCE)
def test_preference_training_is_refused_whatever_its_loss(more: dict[str, float]) -> None:
    refused = log_of([{**row, **more} for row in rows("loss", "eval_loss")]).refused
    assert refused is not None and refused.startswith("dpo")


@pytest.mark.parametrize("more", [{"train/reward": 1.0}, {"policy/approxkl_avg": 0.1}, {"kl": 1}])
def test_reinforcement_is_refused(more: dict[str, float]) -> None:
    refused = log_of([{**row, **more} for row in rows("loss", "eval_loss")]).refused
    assert refused is not None and refused.startswith("rl")


def test_a_classifier_is_none_of_them() -> None:
    found = [{"epoch": n, "loss": 0.69 - n / 50, "accuracy": 0.5, "val_accuracy": 0.5,
              "val_loss": 0.69 - n / 60} for n in range(12)]  # fmt: skip
    assert log_of(found).refused is None
