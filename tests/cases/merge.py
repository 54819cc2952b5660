"""Merge on an adapter of a model of two layers."""

from __future__ import annotations

from pathlib import Path

from stages import Merge
from stages.testing import Case
from tests.train.talking import adapter_beside, talking_model


def cases(folder: Path) -> list[Case]:
    """The base as the adapter says, and a model in bf16 with a GGUF file; no stage of ends has
    reasons."""
    base = talking_model(folder / "base")
    adapter = str(adapter_beside(base, folder / "adapter"))
    return [
        Case(Merge(model=str(base)), path=adapter),
        Case(Merge(model=str(base), dtype="bf16", gguf=True), path=adapter),
    ]
