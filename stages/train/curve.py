"""The curve of a run while it goes on: lines in the work folder, and what watches them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from stages import json_lines
from stages.records import to_json
from stages.require import require

Watcher = Literal["tensorboard", "wandb", "trackio"]
FIGURES = (
    "loss", "lr", "grad_norm", "seconds", "tokens", "excess", "accuracy", "confidence", "entropy",
    "bits_per_byte",
)  # fmt: skip


class Curve(contextlib.AbstractContextManager["Curve"]):
    """JSON lines that are appended, and flushed with each checkpoint.

    size: bytes that the checkpoint stands on; lines after it belong to steps that are done again.
    watchers: what else is told of each line.
    """

    def __init__(self, path: Path, size: int, watchers: Sequence[Any] = ()) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self._watchers = path, watchers
        self._file = open(path, "ab")  # noqa: SIM115  (open as long as the run)
        self._file.truncate(size)

    def __exit__(self, *error: object) -> None:
        self._file.close()
        for watcher in self._watchers:
            watcher.close()

    def add(self, seconds: float, **line: Any) -> None:
        """seconds: of the step; told to watchers, and in no file that must be the same again."""
        self._file.write(to_json(line).encode() + b"\n")
        self._file.flush()
        for watcher in self._watchers:
            figures = {**line, "seconds": seconds}
            watcher.add(
                line["step"],
                {
                    f"{line['split']}/{name}": float(figures[name])
                    for name in FIGURES
                    if figures.get(name) is not None
                },
            )

    def alert(self, step: int, title: str, words: str) -> None:
        """Tell watchers of a finding."""
        for watcher in self._watchers:
            watcher.alert(step, title, words)

    def flush(self) -> int:
        """Bring the lines to the disk; how many bytes they are."""
        os.fsync(self._file.fileno())
        return os.fstat(self._file.fileno()).st_size

    def lines(self) -> list[dict[str, Any]]:
        """All of them."""
        return json_lines.read(self.path)


class TensorBoard:
    """Event files below `folder`."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        require("tensorboard", "watch")
        self._writer = require("torch.utils.tensorboard", "watch").SummaryWriter(str(folder))

    def add(self, step: int, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)

    def alert(self, step: int, title: str, words: str) -> None:
        self._writer.add_text(f"finding/{title}", words, step)

    def close(self) -> None:
        self._writer.close()


class Tracker:
    """A run of W&B, or of trackio, which has the same interface."""

    def __init__(self, library: str, settings: dict[str, Any]) -> None:
        self._library = require(library, "watch")
        self._run = self._library.init(project="seedbed", config=settings)

    def add(self, step: int, figures: dict[str, float]) -> None:
        self._run.log({**figures, "step": step})

    def alert(self, step: int, title: str, words: str) -> None:
        self._library.alert(title=title, text=f"step {step}: {words}")

    def close(self) -> None:
        self._run.finish()


def watchers(names: Sequence[Watcher], folder: Path, settings: dict[str, Any]) -> list[Any]:
    """What watches a run: names as in transformers' `report_to`."""
    return [
        TensorBoard(folder, settings) if name == "tensorboard" else Tracker(name, settings)
        for name in names
    ]
