"""Questions with options: read from files, asked, and judged by the likelihood of each option.

The forms are those of MMLU (Hendrycks et al. 2021): a CSV file without a header, a question a row,
its options, and the letter of the right one; and JSON lines. Nothing is generated: the answer is
the option that the model gives the greatest probability after the question.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from stages.errors import UsageError
from stages.require import require
from stages.train.asked import Pair, Side

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LARGEST = 64 << 20  # bytes of a file of questions
By = Literal["letter", "text"]


@dataclass(frozen=True)
class Question:
    """text, options, and the number of the right one."""

    text: str
    options: tuple[str, ...]
    right: int


def read(path: Path) -> list[Question]:
    """The questions of a CSV or JSON lines file; UsageError with the line of the first mistake."""
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path} is larger than {LARGEST >> 20} MB: cut it into several")
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{path}: not found") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no UTF-8 (byte {error.start:,}): save it as UTF-8") from None
    rows = _of_lines(text) if path.suffix in (".jsonl", ".json") else _of_table(text)
    try:
        found = [question for _, question in rows]
    except _Wrong as wrong:
        raise UsageError(f"{path}:{wrong}") from None
    if not found:
        raise UsageError(f"{path} holds no questions")
    return found


class _Wrong(Exception):
    """What is wrong with a line, after its number."""


def _of_table(text: str) -> Iterator[tuple[int, Question]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for number, row in enumerate(reader):
            line = reader.line_num
            if not row or (number == 0 and row[-1].strip().lower() == "answer"):
                continue
            if len(row) < 4:
                raise _Wrong(f"{line}: {len(row)} columns; a row is question, options, answer")
            yield line, _question(row[0], row[1:-1], row[-1], line)
    except csv.Error as error:
        raise _Wrong(f"{reader.line_num}: no CSV ({error})") from None


def _of_lines(text: str) -> Iterator[tuple[int, Question]]:
    for line, words in enumerate(text.split("\n"), 1):
        if not words.strip():
            continue
        try:
            value = json.loads(words)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise _Wrong(f"{line}: no JSON object")
        options, labels = _options_of(value)
        answer = next((value[k] for k in ("answer", "answerKey", "label") if k in value), None)
        if isinstance(answer, str) and answer in labels:
            answer = labels.index(answer)
        yield line, _question(value.get("question"), options, answer, line)


def _options_of(value: dict[str, Any]) -> tuple[Any, list[Any]]:
    """(options, their labels) of an object: a list, ARC's {text, label}, or keys A, B, C …"""
    found = value.get("choices", value.get("options"))
    if isinstance(found, dict):
        labels = found.get("label")
        return found.get("text"), labels if isinstance(labels, list) else []
    if found is None:
        found = [value[letter] for letter in LETTERS if letter in value]
    return found, []


def _question(text: Any, options: Any, answer: Any, line: int) -> Question:
    """A question from what a line holds; _Wrong with what is missing."""
    if not isinstance(text, str) or not text.strip():
        raise _Wrong(f"{line}: no question")
    fits = isinstance(options, list) and all(isinstance(one, str) for one in options)
    if not fits or not 2 <= len(options) <= len(LETTERS):
        raise _Wrong(f"{line}: no list of 2 to {len(LETTERS)} options")
    letters = LETTERS[: len(options)]
    right = -1
    if isinstance(answer, int) and not isinstance(answer, bool):
        right = answer
    elif isinstance(answer, str):
        word = answer.strip()
        if len(word) == 1 and word.upper() in letters:
            right = letters.index(word.upper())
        elif options.count(word) == 1:
            right = options.index(word)
        elif word.isascii() and word.isdigit():
            right = int(word) if len(word) < 4 else -1
    if not 0 <= right < len(options):
        raise _Wrong(f"{line}: the answer {str(answer)[:40]!r} is none of {', '.join(letters)}")
    return Question(text, tuple(options), right)


def subject_of(path: Path) -> str | None:
    """The subject in the name of a file of MMLU: `high_school_physics_test.csv`."""
    match = re.fullmatch(r"([a-z_]+)_(?:test|val|dev)\.csv", path.name)
    return None if match is None else match[1].replace("_", " ")


def prompt_of(
    question: Question, by: By, examples: Sequence[Question] = (), subject: str | None = None
) -> str:
    """The text before the answer, in MMLU's words. examples: answered questions before it."""
    about = f" about {subject}" if subject else ""
    head = f"The following are multiple choice questions (with answers){about}.\n\n"
    if by == "text" and not examples:
        head = ""
    told = [_asked(one, by) + _answer(one, one.right, by) for one in examples]
    return head + "".join(f"{one}\n\n" for one in told) + _asked(question, by)


def _asked(question: Question, by: By) -> str:
    if by == "text":
        return f"Question: {question.text}\nAnswer:"
    listed = zip(LETTERS, question.options, strict=False)
    options = "".join(f"\n{letter}. {option}" for letter, option in listed)
    return f"{question.text}{options}\nAnswer:"


def _answer(question: Question, number: int, by: By) -> str:
    return f" {LETTERS[number] if by == 'letter' else question.options[number]}"


@dataclass(frozen=True)
class Asking:
    """How questions are put.

    by: letter: options stand in the question, and their letters are compared; text: the options'
    texts are, by log-likelihood a byte. examples: answered questions that go before. subject: what
    they are about. chat: whether the question is put by the chat template.
    """

    by: By = "letter"
    examples: tuple[Question, ...] = ()
    subject: str | None = None
    chat: bool = False


def verdicts(
    pair: Pair,
    side: Side,
    questions: Sequence[Question],
    asking: Asking,
    told: Callable[[int], None] = lambda done: None,
) -> list[bool | None]:
    """Whether the likeliest option of each question is the right one; None for a question that is
    longer than the model reads. told: called after each with how many are done."""
    found: list[bool | None] = []
    with pair.of(side) as model:
        for number, question in enumerate(questions, 1):
            scores = _scores(pair, model, question, asking)
            found.append(None if scores is None else _best(scores) == question.right)
            told(number)
    return found


def _best(scores: Sequence[float]) -> int:
    return max(range(len(scores)), key=lambda at: scores[at])


def _scores(pair: Pair, model: Any, question: Question, asking: Asking) -> list[float] | None:
    """Log-likelihood of each option, a byte of its text where texts are compared."""
    text = prompt_of(question, asking.by, asking.examples, asking.subject)
    if asking.chat:
        text = pair.rendered([{"role": "user", "content": text}])
    before = pair.ids_of(text)
    answers = []
    for number in range(len(question.options)):
        answer = _answer(question, number, asking.by)
        answers.append(answer.lstrip() if asking.chat else answer)
    rows = [_after(pair, text, before, answer) for answer in answers]
    longest = len(before) + max(map(len, rows))
    if pair.context is not None and longest > pair.context:
        return None
    likely = _likelihoods(pair, model, before, rows)
    if asking.by == "letter":
        return likely
    return [one / max(1, len(a.strip().encode())) for one, a in zip(likely, answers, strict=True)]


def _after(pair: Pair, text: str, before: list[int], answer: str) -> list[int]:
    """The tokens of an answer behind a text, as the two are tokenized together where that keeps the
    text's own tokens."""
    whole = pair.ids_of(text + answer)
    if whole[: len(before)] == before and len(whole) > len(before):
        return whole[len(before) :]
    return [int(one) for one in pair.encoder.texts([answer]).ids]


def _likelihoods(
    pair: Pair, model: Any, before: list[int], rows: Sequence[Sequence[int]]
) -> list[float]:
    """Sum of the log-probabilities of each row of tokens after `before`, in nats."""
    torch = require("torch", "train")

    def logits(ids: list[int]) -> Any:
        batch = torch.tensor([ids], device=pair.device)
        with (
            torch.no_grad(),
            torch.autocast(pair.device, torch.bfloat16, enabled=pair.precision == "bf16"),
        ):
            made = model(input_ids=batch, use_cache=False).logits[0, len(before) - 1 :]
        return torch.log_softmax(made.float(), dim=-1)

    if all(len(row) == 1 for row in rows):  # one look answers for all
        last = logits(before)[0]
        return [float(last[row[0]]) for row in rows]
    sums = []
    for row in rows:
        made = logits([*before, *row[:-1]])
        sums.append(float(sum(made[at, token] for at, token in enumerate(row))))
    return sums


def share(right: Sequence[float]) -> tuple[float, float]:
    """(mean, standard error of the mean) of 0s and 1s, or of differences of them; the error is none
    (nan) with fewer than two."""
    count = len(right)
    mean = sum(right) / count if count else math.nan
    if count < 2:
        return mean, math.nan
    spread = sum((one - mean) ** 2 for one in right) / (count - 1)
    return mean, math.sqrt(spread / count)
