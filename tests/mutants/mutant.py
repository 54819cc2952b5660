"""One mutation: where, what becomes what, and the tests that should notice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Mutant:
    """Replace `old`, which stands once in `file`, by `new`.

    what: the effect, in words. tests: arguments of pytest, of the tests that should fail.
    argued: why a survivor may stand, where no test can or should tell the two apart.
    """

    file: str
    old: str
    new: str
    what: str
    tests: tuple[str, ...]
    argued: str = ""

    def changed(self, home: Path = HOME) -> str:
        """The mutated file's text. Raises ValueError where `old` does not stand there once."""
        text = (home / self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file}: {self.old!r} stands there {text.count(self.old)} times")
        return text.replace(self.old, self.new)
