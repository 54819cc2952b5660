"""Refusals, remarks on being a machine, and answers that lack something, in what assistants wrote.

Three things that phrase lists mix up are told apart by where a cue stands and what follows it
(`refusal_rules`, `refusal_score`). Judges outputs only: a prompt may speak of refusing as it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import pyarrow as pa

from stages import records
from stages.base import Map
from stages.clean.refusal_score import (
    THRESHOLD,
    Judgement,
    features,
    judge_texts,
    lowered,
    without_remark,
)
from stages.require import require
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


Flags = list[dict[str, bool]]


def flags(rows: Sequence[Mapping[str, Any]]) -> Flags:
    """refusal, ai_boilerplate and cannot of each row's `answer`, as the stage would judge it."""
    labels = (one.label for one in judge_texts([records.encodable(row["answer"]) for row in rows]))
    return [
        {
            "refusal": label == "refusal",
            "ai_boilerplate": label == "boilerplate",
            "cannot": label == "cannot",
        }
        for label in labels
    ]


def fit(rows: Sequence[Mapping[str, Any]]) -> Callable[[Sequence[Mapping[str, Any]]], Flags]:
    """A logistic model on the same cues, for one's own labelled rows (`answer`, `refusal`).

    Returns a function like `flags`. For measuring and for corpora of another kind; the stage does
    not use it. A fixed C of 1 and no search: sets of labels mean different things by a refusal, and
    a threshold learned on one does not transfer.
    """
    linear = require("sklearn.linear_model", "cluster")
    extraction = require("sklearn.feature_extraction", "cluster")

    def cues(answer: str) -> dict[str, float]:
        return {f"{name}={worth}": 1.0 for name, worth in features(lowered(answer)).items()}

    vectors = extraction.DictVectorizer()
    model = linear.LogisticRegression(C=1.0, max_iter=2000)
    model.fit(
        vectors.fit_transform([cues(row["answer"]) for row in rows]),
        [bool(row["refusal"]) for row in rows],
    )

    def judge(rows: Sequence[Mapping[str, Any]]) -> Flags:
        guess = model.predict(vectors.transform([cues(row["answer"]) for row in rows]))
        return [{"refusal": bool(g), "ai_boilerplate": False, "cannot": False} for g in guess]

    return judge
