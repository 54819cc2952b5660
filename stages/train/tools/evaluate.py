"""`seedbed evaluate RUN`: what training did, on the validation side and on multiple choice."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages import owned
from stages.disk import write_whole
from stages.errors import UsageError
from stages.manifest import MADE_BY

if TYPE_CHECKING:
    from stages.train.asked import Pair
    from stages.train.choices import Asking

ABOUT = "before and after training: losses of the validation side, answers to multiple choice"
MAX_LENGTH = 2048  # of train, when the adapter does not say its own


def options(parser: argparse.ArgumentParser) -> None:
    """What the tool takes."""
    from stages.train.tools import options as common

    common.add(parser)
    parser.add_argument(
        "--tokens", type=Path,
        help="the tokens corpus whose validation side is used; default: that of the run",
    )  # fmt: skip
    parser.add_argument(
        "--max-length", type=int, help="tokens of a record that are used; default: as in training"
    )
    parser.add_argument(
        "--choices", type=Path, action="append", default=[],
        help="a file of multiple choice: CSV as MMLU's (question, options, letter), or JSON lines "
        "(question, choices, answer); may be given more than once",
    )  # fmt: skip
    parser.add_argument(
        "--examples", type=Path, help="answered questions that go before each, as MMLU's dev files"
    )
    parser.add_argument(
        "--by", choices=["letter", "text"], default="letter",
        help="compare options by their letters, or their texts by log-likelihood a byte; default: "
        "letter",
    )  # fmt: skip
    parser.add_argument(
        "--chat", action="store_true", help="put the questions by the chat template"
    )
    parser.add_argument("--limit", type=int, help="records and questions of a file, at most")
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        help="a JSON file to write the figures to as well; it may replace only one of these",
    )


def act(given: argparse.Namespace) -> int:
    """Check all that is given, load, measure, tell."""
    from stages.train import bases, choices
    from stages.train.tools import options as common

    if given.limit is not None:
        common.number_in(given.limit, "limit", 1, 1 << 40)
    if given.out is not None:
        owned.check_file(given.out)
    adapter = bases.adapter_in(given.run)
    corpus = _corpus_of(given, adapter)
    files = {path: choices.read(path) for path in given.choices}
    examples = choices.read(given.examples) if given.examples else []
    if corpus is None and not files:
        raise UsageError(
            f"{given.run} shows no tokens to measure on: name a corpus with --tokens, or a file of "
            "questions with --choices"
        )
    documents = None
    if corpus is not None:
        from stages.train.data import read_documents

        documents = read_documents(corpus, "val", _max_length(given, adapter))
        if not len(documents):
            raise UsageError(f"{corpus}: no record of split val: name another corpus with --tokens")
    pair = common.opened(given)
    told: dict[str, Any] = {"run": given.run.name, "base": pair.base.said if pair.base else None}
    if pair.base is not None:
        told["base_is_the_trained_one"] = pair.base.same
        told["base"] = Path(pair.base.said).name
    if documents is not None:
        told["validation"] = _validation(pair, documents, given.limit)
    told["choices"] = []
    for path, questions in files.items():
        subject = choices.subject_of(path)
        asking = choices.Asking(given.by, tuple(examples), subject, given.chat)
        told["choices"].append(
            {"file": path.name, **_choices(pair, questions[: given.limit], asking)}
        )
    print("\n".join(_lines(told)))
    if given.out is not None:
        owned.check_file(given.out)  # it may have come meanwhile
        write_whole(given.out, json.dumps({**MADE_BY, **_finite(told)}, indent=2) + "\n")
    return 0


def _corpus_of(given: argparse.Namespace, adapter: Path) -> Path | None:
    """The tokens corpus to measure on: the one that is named, else the run's."""
    from stages.corpus import Corpus
    from stages.tokens.kind import TOKENS

    if given.tokens is not None:
        return Path(given.tokens)
    beside = adapter.parent / TOKENS.folder
    return beside if Corpus.at(beside) else None


def _max_length(given: argparse.Namespace, adapter: Path) -> int:
    from stages.tokens.foreign import read_object

    if given.max_length is not None:
        if given.max_length < 2:
            raise UsageError("--max-length must be at least 2")
        return int(given.max_length)
    path = adapter / "manifest.json"
    said = read_object(path).get("parameters") if path.is_file() else None
    value = said.get("max_length") if isinstance(said, dict) else None
    return value if isinstance(value, int) and value > 1 else MAX_LENGTH


def _validation(pair: Pair, documents: Any, limit: int | None) -> dict[str, Any]:
    """Mean losses of either side and of their difference."""
    from stages.train.tools.options import Ticker
    from stages.train.validation import losses_of, mean_of

    count = min(len(documents), limit or len(documents))
    tokens = [int(one) for one in documents.targets[:count]]
    sums = {
        side: losses_of(pair, side, documents, count, Ticker(f"validation, {side}", count))
        for side in pair.sides
    }
    told: dict[str, Any] = {"records": count, "tokens": sum(tokens)}
    for side, values in sums.items():
        told[side] = vars(mean_of(values, tokens))
    if len(sums) == 2:
        change = [after - before for before, after in zip(*sums.values(), strict=True)]
        told["change"] = vars(mean_of(change, tokens))
    return told


def _choices(pair: Pair, questions: Sequence[Any], asking: Asking) -> dict[str, Any]:
    """Share of right answers of either side and of their difference."""
    from stages.train.choices import share, verdicts
    from stages.train.tools.options import Ticker

    count = len(questions)
    found = {
        side: verdicts(pair, side, questions, asking, Ticker(f"questions, {side}", count))
        for side in pair.sides
    }
    fit = [at for at in range(len(questions)) if found["trained"][at] is not None]
    told: dict[str, Any] = {
        "questions": len(fit),
        "too_long": len(questions) - len(fit),
        "by": asking.by,
        "examples": len(asking.examples),
        "chance": share([1 / len(questions[at].options) for at in fit])[0],
    }
    right = {side: [float(bool(values[at])) for at in fit] for side, values in found.items()}
    for side, values in right.items():
        told[side] = dict(zip(("mean", "error"), share(values), strict=True))
    if len(right) == 2:
        change = [after - before for before, after in zip(*right.values(), strict=True)]
        told["change"] = dict(zip(("mean", "error"), share(change), strict=True))
    return told


def _lines(told: dict[str, Any]) -> list[str]:
    """What was measured, for people."""
    lines = []
    if told.get("base_is_the_trained_one") is False:
        lines.append(f"note: {told['base']} has not the base weights of the training")
    part = told.get("validation")
    if part is not None:
        lines.append(f"validation, {part['records']:,} records, {part['tokens']:,} tokens")
        lines += _figures(part, "nats a token", 4)
    for part in told["choices"]:
        shots = f", {part['examples']} examples before each" if part["examples"] else ""
        long = f", {part['too_long']:,} too long for the model" if part["too_long"] else ""
        many = "1 question" if part["questions"] == 1 else f"{part['questions']:,} questions"
        lines.append(f"{part['file']}, {many} by {part['by']}{shots}{long}")
        lines += _figures(part, f"right (chance {part['chance']:.3f})", 3)
    return lines


def _figures(part: dict[str, Any], unit: str, digits: int) -> list[str]:
    lines = []
    for name in ("base", "trained", "change"):
        if name in part:
            sign = "+" if name == "change" else ""
            value = f"{part[name]['mean']:{sign}.{digits}f}"
            lines.append(f"  {name:<8} {value:>9} ± {part[name]['error']:.{digits}f} {unit}")
    return lines


def _finite(value: Any) -> Any:
    """JSON has no nan: an error that is not known is null."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
