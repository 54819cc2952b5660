"""Refusals, remarks on being a machine, and answers that lack something, in what assistants wrote.

Three things that phrase lists mix up are told apart by where a cue stands and what follows it
(`refusal_rules`) and by what the words weigh (`refusal_model`). Judges outputs only: a prompt may
speak of refusing as it likes, but what it asked for counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa

from stages.base import Map
from stages.clean import refusal_model, refusal_opinion
from stages.clean.refusal_opinion import Device
from stages.clean.refusal_phrases import holds_phrase, place_of
from stages.clean.refusal_remark import without_remark
from stages.clean.refusal_score import NONE, THRESHOLD, Judgement, judge_texts
from stages.errors import UsageError
from stages.verdicts import TextField, Verdicts
from stages.where import Where

_KEPT = {"cannot": "cannot: keep", "boilerplate": "boilerplate: keep"}
_OF_MODELS = ("tokenizers", "torch", "transformers")
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
    by: what finds refusals: scorer, or phrases: 150 phrases looked for anywhere in the answer, as
        most published filters do. Of the answers that hold one 92 % refuse on XSTest, 60 % on
        ChatGPT's, 61 % on Do-Not-Answer, and of 42 ordinary ones that were read 12; the other
        findings stay the scorer's. Default scorer.
    threshold: the probability from which an answer is a refusal; lower finds more. Default 0.3: in
        cross-validation by prompt F1 .92 on XSTest, .83 on Do-Not-Answer (.95 without "refutes"),
        .86 on ChatGPT's refusals, and .3 % of ordinary answers (`benchmarks/train_refusals.py`).
        English; other languages are judged by a few rules, which nobody has measured.
    model: a second opinion where the scorer is unsure (a probability from 0.05 to 0.8): a folder
        with a model for text classification in safetensors, or its name on the Hugging Face hub,
        which is fetched. One of its labels must be named for refusals; a probability of a half
        decides. Default none.
    device: where that model runs: auto takes a GPU where there is one, cpu, cuda. Default auto.
    """

    name: ClassVar[str] = "refusals"
    reasons: ClassVar[Mapping[str, str]] = {
        "refusal": "the assistant declines what was asked",
        "cannot": "nothing is delivered because something is missing, or the assistant asks back",
        "boilerplate": "the answer carries a remark on being an AI",
    }
    cuts: ClassVar[Mapping[str, str]] = {"remark": "a remark on being an AI, cut off the answer"}
    stays: ClassVar[Mapping[str, str]] = Where(  # type: ignore[assignment]
        {"refusal": "threshold > ?", **_KEPT}, "by", "phrases", _KEPT
    )
    # A second model's answer depends on what computes it.
    libraries: ClassVar[tuple[str, ...]] = Where((), "model", None, _OF_MODELS)  # type: ignore[assignment]
    exact: ClassVar[bool] = Where(True, "model", None, False)  # type: ignore[assignment]

    action: Literal["drop", "tag"] = "drop"
    cannot: Literal["keep", "drop"] = "keep"
    boilerplate: Literal["truncate", "keep", "drop"] = "truncate"
    by: Literal["scorer", "phrases"] = "scorer"
    threshold: float = field(default=THRESHOLD, metadata={"range": (0.01, 0.99)})
    model: str | None = None
    device: Device = "auto"

    def resources(self) -> tuple[Path, ...]:
        """The weights of the scorer, and the files of the second model."""
        return (refusal_model.WEIGHTS, *(refusal_opinion.files(self.model) if self.model else ()))

    def contradictions(self) -> tuple[str, ...]:
        """A model that is not there, or that knows no refusals."""
        try:
            self.resources()
        except UsageError as error:
            return (str(error),)
        return ()

    def makes(self) -> Mapping[str, pa.DataType]:
        """refusal: what was found: none, boilerplate, cannot, refusal; null without an output."""
        return {"refusal": pa.string()}

    def judge(self, verdicts: Verdicts) -> None:
        """Judge each output text; the strongest finding of a row counts."""
        answers = [answer for record in verdicts.records("output") for answer in record.fields]
        texts, prompts = [answer.text for answer in answers], prompts_of(verdicts, answers)
        second = refusal_opinion.opinion(self.model, self.device) if self.model else None
        judgements = judge_texts(texts, prompts, self.threshold, second)
        if self.by == "phrases":
            judgements = _by_phrases(texts, judgements)
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
            score = round(found.score, 4)
            weighed: dict[str, Any] = {"words": list(found.words)} if found.words else {}
            verdicts.drop(answer.row, found.label, rule=found.rule, score=score, **weighed, **place)


def _by_phrases(texts: Sequence[str], judgements: Sequence[Judgement]) -> list[Judgement]:
    """The judgements with the phrases' word on what is a refusal."""
    found = []
    for text, holds, one in zip(texts, holds_phrase(texts), judgements, strict=True):
        if holds:
            one = Judgement("refusal", 1.0, "phrase", *place_of(text))
        elif one.label == "refusal":
            one = NONE
        found.append(one)
    return found


def prompts_of(verdicts: Verdicts, answers: Sequence[TextField]) -> list[str]:
    """What each answer was given to: the prompt, or the last turn before it that is no answer."""
    found = []
    for answer in answers:
        form = verdicts.forms[answer.row]
        messages = form.get("messages")
        if messages is None:
            found.append(form.get("prompt") or "")
            continue
        number = int(answer.name[len("messages[") : answer.name.index("]")])
        before = (
            turn["content"] for turn in messages[:number][::-1] if turn["role"] != "assistant"
        )
        found.append(next(before, None) or "")
    return found
