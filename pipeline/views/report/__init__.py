"""The report of a run: one offline page, made from the run's folder and nothing else."""

from __future__ import annotations

import os
from pathlib import Path


def write_report(folder: Path) -> Path:
    """Write `report.html` into a run's folder; returns its path."""
    from pipeline.views.report.page import page

    path = folder / "report.html"
    temporary = path.with_name(f".report-{os.getpid()}.html")
    temporary.write_text(page(folder), encoding="utf-8")
    temporary.replace(path)
    return path
