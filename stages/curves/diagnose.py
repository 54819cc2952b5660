"""The stage that reads the curves of a training run: findings, and a picture with them marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from stages.base import End, Progress
from stages.charts.curve import drawing
from stages.charts.svg import alone
from stages.corpus import write_json
from stages.curves.finding import sentence
from stages.curves.findings import findings
from stages.curves.kind import ADAPTER
from stages.curves.picture import Found, as_json, curve_of, named
from stages.curves.read import read_log
from stages.kinds import Kind

FINDINGS = Kind("findings", "findings", "stages.curves.panels")


@dataclass(frozen=True)
class Diagnose(End):
    """Say what the learning curves of a run show: overfitting, epoch steps, divergence, a good fit.

    Reads the folder that train wrote and the logs of other trainers: trainer_state.json, JSON
    lines, printed dicts and `name: value` lines, tables, notebooks, TensorBoard events. Writes
    findings.json and curves.svg.

    width: width of the picture, pixels. 960 fits a page without scaling.
    height: height of the picture, pixels.
    """

    name: ClassVar[str] = "diagnose"
    libraries: ClassVar[tuple[str, ...]] = ("numpy",)
    exact: ClassVar[bool] = False
    kind: ClassVar[Kind] = FINDINGS
    consumes: ClassVar[Kind] = ADAPTER
    reasons: ClassVar[Mapping[str, str]] = {}

    width: int = field(default=960, metadata={"range": (320, 8192)})
    height: int = field(default=420, metadata={"range": (200, 8192)})

    def run(self, source: Path, out: Path, work: Path, progress: Progress) -> dict[str, Any]:
        """Read, test, draw."""
        log = read_log(source)
        found = findings(log)
        curve = curve_of(log, found)
        written: Found = {"findings": found, "repairs": log.notes, "curve": as_json(curve)}
        write_json(out / "findings.json", written)
        told = [f"{named(finding)}: {sentence(finding)}" for finding in found]
        picture = drawing(curve, self.width, self.height, told)
        (out / "curves.svg").write_text(alone(picture), encoding="utf-8")
        progress(1, 1)
        kinds = sorted({finding["kind"] for finding in found})
        return {
            "kinds": kinds,
            "findings": len(found),
            "train_lines": len(log.train),
            "val_lines": len(log.val),
            "words": [sentence(finding) for finding in found],
            "repairs": log.notes,
        }
