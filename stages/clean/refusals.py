"""Refusals, remarks on being a machine, and answers that lack something, in what assistants wrote.

Three things that phrase lists mix up are told apart by where a cue stands and what follows it
(`refusal_rules`, `refusal_score`). Judges outputs only: a prompt may speak of refusing as it likes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import pyarrow as pa

from stages.base import Map
from stages.clean.refusal_score import (
    THRESHOLD,
    Judgement,
    judge_texts,
    without_remark,
)
from stages.verdicts import TextField, Verdicts

_STRENGTH = {"none": 0, "boilerplate": 1, "cannot": 2, "refusal": 3}


@dataclass(frozen=True)
class RefusalFilter(Map):
    """Find answers that refuse, that lack something, or that speak of being an AI.

    action: what becomes of refusals: drop, or tag (only the column `refusal` is written, and
        nothing else is dropped or cut either). Default drop.
    cannot: answers that deliver nothing because something is missing (live data, a file, the
        input), or that ask back: keep or drop. Default keep, because asking back can be right.
    boilerplate: answers with a remark on being an AI: truncate cuts an opening remark when the rest
        stands alone and keeps 60 % of the words, keep leaves them, drop takes the records out.
        Default truncate.
    threshold: points from which an answer is a refusal; lower finds more. Default 6: on the
        halves it was chosen on F1 .89 on XSTest, .79 on Do-Not-Answer, .3 % of ordinary answers.
    """

    name: ClassVar[str] = "refusals"
    reasons: ClassVar[Mapping[str, str]] = {
        "refusal": "the assistant declines what was asked",
        "cannot": "nothing is delivered because something is missing, or the assistant asks back",
        "boilerplate": "the answer carries a remark on being an AI",
    }
    cuts: ClassVar[Mapping[str, str]] = {"remark": "a remark on being an AI, cut off the answer"}
    stays: ClassVar[Mapping[str, str]] = {
        "refusal": "threshold > ?",
        "cannot": "cannot: keep",
        "boilerplate": "boilerplate: keep",
    }

    action: Literal["drop", "tag"] = "drop"
    cannot: Literal["keep", "drop"] = "keep"
    boilerplate: Literal["truncate", "keep", "drop"] = "truncate"
    threshold: int = field(default=THRESHOLD, metadata={"range": (1, 20)})

    def makes(self) -> Mapping[str, pa.DataType]:
        """refusal: what was found: none, boilerplate, cannot, refusal; null without an output."""
        return {"refusal": pa.string()}

    def judge(self, verdicts: Verdicts) -> None:
        """Judge each output text; the strongest finding of a row counts."""
        answers = [answer for record in verdicts.records("output") for answer in record.fields]
        judgements = judge_texts([answer.text for answer in answers], self.threshold)
        labels: list[str | None] = [None] * len(verdicts)
        for answer, found in zip(answers, judgements, strict=True):
            if _STRENGTH[found.label] >= _STRENGTH[labels[answer.row] or "none"]:
                labels[answer.row] = found.label
            if self.action == "drop":
                self._act(verdicts, answer, found)
        verdicts.set("refusal", labels)

    def _act(self, verdicts: Verdicts, answer: TextField, found: Judgement) -> None:
        if found.label == "boilerplate" and self.boilerplate == "truncate":
            rest = without_remark(answer.text)
            if rest is not None:
                answer.cut_to(rest, "remark")
        elif (
            found.label == "refusal"
            or (found.label == "cannot" and self.cannot == "drop")
            or (found.label == "boilerplate" and self.boilerplate == "drop")
        ):
            place = answer.place(found.begin, found.end)
            verdicts.drop(answer.row, found.label, rule=found.rule, score=found.score, **place)
