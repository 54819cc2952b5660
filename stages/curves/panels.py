"""Findings, shown: in the terminal, and as the curves that they were found on."""

from __future__ import annotations

import json
from pathlib import Path

from stages.charts.curve import drawing
from stages.charts.svg import both
from stages.curves.picture import Found, from_json
from stages.curves.told import rows, told
from stages.kinds import Panel
from stages.pages import rendered


def lines(folder: Path) -> list[str]:
    """A line a finding, and what had to be repaired in the log."""
    found = _read(folder)
    return told(found["findings"], found["repairs"])


def panels(folder: Path) -> list[Panel]:
    """The curves with the findings marked, and the findings in words."""
    found = _read(folder)
    curve = from_json(found["curve"], found["findings"])
    drawn = both(lambda width: drawing(curve, width, 360 if width > 500 else 280))
    body = rendered(
        "stages.curves:findings.html",
        drawing=drawn,
        findings=rows(found["findings"]),
        repairs=found["repairs"],
    )
    return [Panel("Learning curves", body)]


def _read(folder: Path) -> Found:
    found: Found = json.loads((folder / "findings.json").read_bytes())
    return found
