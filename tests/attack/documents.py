"""Word documents, PDF files and texts that are cut, changed by seed, or made to cost much."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from tests.attack.trial import Trial, batches
from tests.extract.damage import changed
from tests.extract.making_documents import docx, paragraph, pdf, written
from tests.extract.worst_documents import CASES

TEXT = "good words of a neighbour"
GOOD = (".md", f"# Good\n\n{TEXT}\n".encode(), TEXT)
_FORMS: dict[str, Callable[[], bytes]] = {
    ".docx": lambda: docx(paragraph("Tides", "H1") + paragraph("Read twice a day.") * 20),
    ".pdf": lambda: pdf([written(["The gauge was read twice a day."] * 20)] * 3),
    ".md": lambda: b"---\ntitle: Tides\n---\n# Tides\n\nRead twice a day.\n" * 9,
}


def _worst(name: str) -> str:
    suffix = ".docx" if "Word" in name else ".pdf" if name in ("pages", "outline") else ".md"
    return name + suffix


def damaged(seed: int, each: int) -> dict[str, bytes]:
    """Some changes of every form, every sixth a cut."""
    files = {}
    for suffix, make in _FORMS.items():
        whole, draw = make(), random.Random(f"documents {suffix} {seed}")
        for number in range(each):
            cut = number % 6 == 5
            data = whole[: draw.randrange(1, len(whole))] if cut else changed(whole, draw)
            files[f"changed {number}{suffix}"] = data
    return files


def trials(field: str, seed: int, fast: bool) -> Iterator[Trial]:
    """Damage by seed, and what costs its reader much."""
    if fast:
        yield from batches("all", "documents", damaged(seed, 3), GOOD)
        return
    yield from batches("damaged", "documents", damaged(seed, 60), GOOD, at_once=60)
    large = {_worst(name): make(200_000) for name, make in CASES.items()}
    yield from batches("worst", "documents", large, GOOD, at_once=6)
