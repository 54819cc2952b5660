"""What a training measures, written down while it goes on, and cut back where it goes on again.

Rows of fixed size are appended to files of the work folder and flushed with each checkpoint, which
knows how many bytes of each it stands on. `recorded` makes of them what people read.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stages.train.curve import Curve
from stages.train.loss import FIGURES

Array = np.ndarray[Any, Any]

# step, number of the record, mean loss of its targets in nats.
VISIT = np.dtype([("step", "<i4"), ("record", "<i4"), ("loss", "<f4")])
# The same of a validation record, and the other figures.
EVALUATION = np.dtype([("step", "<i4"), ("record", "<i4"), *((name, "<f4") for name in FIGURES)])
PROBE, BASE = np.dtype("<f2"), np.dtype("<f4")
HIGHEST = float(np.finfo(np.float16).max)  # a loss of more nats is kept as this
FILES = {"visits.bin": VISIT, "evaluations.bin": EVALUATION, "probe.bin": PROBE, "base.bin": BASE}


class Recorder(contextlib.AbstractContextManager["Recorder"]):
    """The curve, and a file for each kind of row.

    sizes: bytes of each that the checkpoint stands on; what is behind them belongs to steps that
    are done again.
    """

    def __init__(self, work: Path, sizes: Mapping[str, int], curve: Curve) -> None:
        self.curve = curve
        self._files = {}
        for name in FILES:
            self._files[name] = open(work / name, "ab")  # noqa: SIM115  (open as long as the run)
            self._files[name].truncate(sizes.get(name, 0))

    def __exit__(self, *error: object) -> None:
        for file in self._files.values():
            file.close()

    def visits(self, step: int, records: Array, losses: Array) -> None:
        """The records of a step and their mean losses."""
        rows = np.zeros(len(records), dtype=VISIT)
        rows["step"], rows["record"], rows["loss"] = step, records, losses
        self._files["visits.bin"].write(rows.tobytes())

    def evaluation(self, step: int, first: int, means: Array) -> None:
        """The validation records: means of shape [figures, records]. first: number of the first."""
        rows = np.zeros(means.shape[1], dtype=EVALUATION)
        rows["step"], rows["record"] = step, np.arange(first, first + len(rows))
        for name, values in zip(FIGURES, means, strict=True):
            rows[name] = values
        self._files["evaluations.bin"].write(rows.tobytes())

    def point(self, losses: Array) -> None:
        """The losses of the probe's targets."""
        self._files["probe.bin"].write(np.minimum(losses, HIGHEST).astype(PROBE).tobytes())

    def base(self, losses: Array) -> None:
        """The base model's mean loss on each training record; not a number where there is none."""
        self._files["base.bin"].write(losses.astype(BASE).tobytes())

    def flush(self) -> dict[str, int]:
        """Bring all to the disk; bytes of each file of the work folder."""
        sizes = {self.curve.path.name: self.curve.flush()}
        for name, file in self._files.items():
            file.flush()
            os.fsync(file.fileno())
            sizes[name] = os.fstat(file.fileno()).st_size
        return sizes

    def rows(self, name: str) -> Array:
        """All rows of a file."""
        self._files[name].flush()
        return np.fromfile(self.curve.path.with_name(name), dtype=FILES[name])
