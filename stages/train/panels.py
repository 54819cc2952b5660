"""A trained adapter, shown: what it was trained on, its losses, and a prompt before and after."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from stages.charts.curve import Curve, drawing
from stages.charts.svg import both
from stages.kinds import Panel, Tile, summary_of
from stages.pages import rendered
from stages.train import lives, losses
from stages.words import number, percent

WIDTH = 96  # characters of a line in the terminal
SHOWN = 600  # characters of a completion there
FEW = 0.05  # share of the records from which on "a budget of tokens" is worth a warning
CUT = 0.1  # share of the records that are cut or teach nothing


def lines(folder: Path) -> list[str]:
    """What training used, what it did to the loss, and one prompt before and after."""
    summary = summary_of(folder)
    side, first, last = _losses(summary)
    out = [
        f"training   {number(summary['trained_tokens'])} trained tokens, "
        f"{number(summary['steps'])} steps, {summary['epochs']} epochs of {_used(summary)}",
        f"losses     {side} {first:.3f} → {last:.3f} nats a token ({last - first:+.3f})",
    ]
    before, after = summary["retention_loss_first"], summary["retention_loss_last"]
    if before is not None:
        out.append(
            f"elsewhere  {before:.3f} → {after:.3f} nats a token ({after - before:+.3f}) on text "
            "that has nothing to do with the data"
        )
    if stopped := summary.get("stopped"):
        kind = str(stopped["kind"]).replace("_", " ")
        out.append(
            f"stopped    after step {number(stopped['step'])} ({kind}); the weights are those "
            f"of step {number(summary['result_step'])}"
        )
    for sample in _samples(folder)[:1]:
        out.append("")
        for name in ("prompt", "before", "after"):
            out += _wrapped(name, sample[name])
    return out


def warnings(folder: Path) -> list[str]:
    """Where training used little of what there was."""
    summary = summary_of(folder)
    used, unused = summary["records_train"], summary["records_unused"]
    found = []
    if used < FEW * (used + unused):
        found.append(
            f"training used {_used(summary)} ({percent(used, used + unused)}): epoch_tokens is "
            "small for this corpus"
        )
    for key, words in (
        ("records_cut", "were cut at max_length"),
        ("records_without_targets", "have no token to train on within max_length"),
    ):
        whole = used + unused + summary["records_val"] + summary["records_without_targets"]
        if summary[key] > CUT * whole:
            count = number(summary[key])
            found.append(f"{count} of {number(whole)} records that came to training {words}")
    if summary["without_adapter"]:
        found.append(
            f"experts have no adapter ({', '.join(summary['without_adapter'])}): all-linear leaves "
            "them out; name them in targets to train them"
        )
    return found


def tiles(folder: Path) -> list[Tile]:
    """The validation loss, and how much was trained on."""
    summary = summary_of(folder)
    side, first, last = _losses(summary)
    return [
        Tile("trained on", number(summary["records_train"]), f"of {_all(summary)} records for it"),
        Tile(side, f"{first:.2f} → {last:.2f}", "loss, nats a token"),
    ]


def amounts(folder: Path) -> list[tuple[str, int]]:
    """What was trained on, each token as often as it was."""
    summary = summary_of(folder)
    return [(f"tokens trained on in {summary['epochs']} epochs", summary["trained_tokens"])]


def panels(folder: Path) -> list[Panel]:
    """Curves, samples, all figures, losses by source and record."""
    summary, curve = summary_of(folder), curve_of(folder)
    drawn = both(lambda width: drawing(curve, width, 360 if width > 500 else 280))
    return [
        Panel("Learning curves", drawn),
        Panel(
            "Training",
            rendered(
                "stages.train:training.html",
                samples=_samples(folder),
                facts=sorted(summary.items()),
            ),
        ),
        *losses.panels(folder),
    ]


def curve_of(folder: Path) -> Curve:
    """The curve that training wrote; losses that are no number are left out."""
    rows: list[dict[str, Any]] = [
        json.loads(line)
        for line in (folder / "curve.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    sides = {
        side: [
            (float(row["step"]), float(row["loss"]))
            for row in rows
            if row["split"] == side and row["loss"] is not None
        ]
        for side in ("train", "val")
    }
    summary = summary_of(folder)
    epochs = [
        (float(step), f"epoch {number_}")
        for number_, step in enumerate(summary["epoch_borders"], 2)
    ]
    return Curve(
        sides["train"], sides["val"], epochs, title=f"{summary['method']} on {summary['base']}"
    )


def life(folder: Path, what: str) -> list[str]:
    """How one record was learned."""
    return lives.life(folder, what)


def _losses(summary: dict[str, Any]) -> tuple[str, float, float]:
    """(side, first loss, last loss): of validation, or of training where there was none."""
    side = "training" if summary["val_loss_first"] is None else "validation"
    name = "train" if side == "training" else "val"
    return side, summary[f"{name}_loss_first"], summary[f"{name}_loss_last"]


def _all(summary: dict[str, Any]) -> str:
    return number(summary["records_train"] + summary["records_unused"])


def _used(summary: dict[str, Any]) -> str:
    return f"{number(summary['records_train'])} of {_all(summary)} records"


def _samples(folder: Path) -> list[dict[str, str]]:
    return list(json.loads((folder / "samples.json").read_bytes()))


def _wrapped(name: str, text: str) -> list[str]:
    body = " ".join(text.split())[:SHOWN]
    indent = " " * 11
    return textwrap.wrap(body, WIDTH, initial_indent=f"{name:<11}", subsequent_indent=indent) or [
        name
    ]
