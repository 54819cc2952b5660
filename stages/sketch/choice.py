"""One source of a recipe as it is proposed: what it rests on, its alternative, its questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stages.sketch.tried import Tried
from stages.sketch.words import tokens_of


@dataclass
class Choice:
    """A source. parameters: of its stage. evidence: sentences on why. other: (sentence, parameters
    that take the place of these) for another way. questions: what nothing told. by: keys of meta
    whose equal values belong on one side of a split. size: bytes of all its files; share: which
    part of them is text of this source. packed: whether they are compressed. idle: whether it would
    make no record, and stands in the recipe as a comment. tried: the stage with the parameters on
    some of them."""

    stage: str
    path: str
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    evidence: list[str] = field(default_factory=list)
    other: tuple[str, Mapping[str, Any]] | None = None
    questions: list[str] = field(default_factory=list)
    by: str | None = None
    size: int = 0
    share: float = 1.0  # of the files that is text of this source
    packed: bool = False
    idle: bool = False
    tried: Tried = field(default_factory=Tried)

    def idle_for(self, why: str = "") -> None:
        """It makes no record of what was looked at: a source that keeps nothing ends a run."""
        self.idle = True
        why = why or ", ".join(self.tried.counts.reasons) or "nothing was read"
        self.questions.append(f"no record came of what was looked at ({why}), so it stands here as "
            "a comment")  # fmt: skip

    @property
    def forms(self) -> set[str]:
        """Which of text, prompt, messages the records have."""
        return {
            form
            for record in self.tried.records
            for form in ("text", "prompt", "messages")
            if form in record
        }

    def tokens(self) -> int:
        """About how many tokens all its records have; 0 where nothing was read."""
        texts = self.tried.texts()
        if not texts or not self.tried.raw:
            return 0
        characters = sum(map(len, texts)) / self.tried.raw * self.size * self.share
        return int(characters * tokens_of(texts) * (_UNPACKED if self.packed else 1))


_UNPACKED = 4  # bytes of text in a compressed one, about
