"""Token curves of checkpoints: the same tokens under each model of a list, of anyone's training.

A checkpoint is a folder with config.json and safetensors, a folder of an adapter, or a hub's
`owner/name@revision`. Its step is the number in its name (`step1000`, `checkpoint-500`).
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from stages.curves.page.tokens import Texts, TokenCurves
from stages.errors import UsageError
from stages.require import require
from stages.train import bases, trained
from stages.train import model as models
from stages.train import retention as text_files
from stages.train.data import Documents, read_documents
from stages.train.loss import row_losses, row_of
from stages.train.plan import order
from stages.train.spelling import spelling_of

Array = np.ndarray[Any, Any]

TOKENS = 10_000  # that are measured when nothing else is asked for
LENGTH = 1024  # tokens of a record of a corpus, at most
_STEP = re.compile(r"(?:step|checkpoint|ckpt|iter(?:ation)?|epoch)s?[-_=]?(\d+)", re.I)
_NUMBER = re.compile(r"(\d+)$")


@dataclass(frozen=True)
class Checkpoint:
    """said: as the user names it. step: of its name, or its place in the list."""

    said: str
    step: int


def checkpoints(said: Sequence[str]) -> tuple[list[Checkpoint], str]:
    """The checkpoints by their steps, and what these are called: step, or checkpoint where a name
    has no number. UsageError for fewer than two, and for two of one step."""
    if len(said) < 2:
        raise UsageError("curves of checkpoints need at least two of them")
    steps = [_step_of(one) for one in said]
    if None in steps:
        return [Checkpoint(one, number) for number, one in enumerate(said)], "checkpoint"
    found = [
        Checkpoint(one, step) for one, step in zip(said, steps, strict=True) if step is not None
    ]
    found.sort(key=lambda one: one.step)
    for one, other in pairwise(found):
        if one.step == other.step:
            raise UsageError(f"{one.said} and {other.said} are both of step {one.step}: name one")
    return found, "step"


def _step_of(said: str) -> int | None:
    last = said.rpartition("@")[2] if "@" in said else Path(said).resolve().name
    matches = _STEP.findall(last) or _NUMBER.findall(last)
    return int(matches[-1]) if matches and len(matches[-1]) < 16 else None


def documents_for(first: str, text: str, corpus: Path | None, tokens: int) -> tuple[Documents, str]:
    """What is measured, and a sentence on it: validation records of a tokens corpus, or passages of
    a text in the tokens of the first checkpoint; by a hash of their ids as many as fit."""
    folder = models.folder_of(_with_tokenizer(first))
    if corpus is not None:
        documents = read_documents(corpus, "val", LENGTH)
        if not len(documents):
            raise UsageError(f"{corpus}: no record of split val: name another corpus")
        told = f"validation records of {corpus.name}"
    else:
        if problem := text_files.problem_with(text):
            raise UsageError(problem)
        read = text_files.read(text, str(folder), folder)
        if read is None:
            raise UsageError(f"{folder} has no tokenizer.json to read a text with")
        documents, told = read.passages, f"passages of {read.name}"
    numbers = order(documents.ids, 0, 0)
    chosen = documents.fitting(tokens, numbers)
    if not len(chosen):
        chosen = documents.only(numbers[:1])
    of = "" if len(chosen) == len(documents) else f" of {len(documents):,}"
    return chosen, f"{len(chosen):,}{of} {told}, chosen by a hash of their ids"


def _with_tokenizer(first: str) -> str:
    """The model whose tokenizer reads the text: of an adapter without one its base."""
    folder = Path(first)
    adapter = (folder / "adapter_config.json").is_file()
    if adapter and not (folder / "tokenizer.json").is_file():
        return str(bases.find(folder, None).folder)
    return first


def measured(
    found: Sequence[Checkpoint],
    axis: str,
    documents: Documents,
    device: str,
    precision: str,
    *,
    base: str | None = None,
    told: Callable[[int], None] = lambda done: None,
) -> TokenCurves:
    """The curves of the documents' targets. base: the model of adapters, where they do not say it.
    told: called with how many checkpoints are done."""
    torch = require("torch", "train")
    rows = []
    for number, one in enumerate(found):
        model = _loaded(one.said, base, device, precision)
        highest = int(model.get_input_embeddings().weight.shape[0])
        if documents.greatest_id() >= highest:
            raise UsageError(
                f"{one.said} knows {highest:,} tokens, and the text has token "
                f"{documents.greatest_id():,}: the checkpoints are not of one model"
            )
        with torch.no_grad():
            losses = [
                row_losses(model, row_of([documents.tokens(at)], device), precision)
                for at in range(len(documents))
            ]
        rows.append(torch.cat(losses).float().cpu().numpy())
        del model, losses
        gc.collect()
        told(number + 1)
    steps = np.array([one.step for one in found], dtype=np.int64)
    return _curves(steps, axis, np.stack(rows, axis=1), documents, found[0].said)


def _loaded(said: str, base: str | None, device: str, precision: str) -> Any:
    folder = Path(said)
    if (folder / "adapter_config.json").is_file():
        with trained.quiet():
            return trained.load(folder, bases.find(folder, base), precision, device)
    return models.load_base(models.folder_of(said), "lora", precision, device)


def _curves(
    steps: Array, axis: str, losses: Array, documents: Documents, first: str
) -> TokenCurves:
    name = _with_tokenizer(first)
    spelling = spelling_of(name, models.folder_of(name), ())
    texts, at = Texts(), []
    for number in range(len(documents)):
        ids, wanted = documents.tokens(number)
        plain = [f"⟨{token}⟩" for token in ids.tolist()]
        begin = texts.add(plain if spelling is None else spelling.pieces(ids))
        at.append(begin + np.flatnonzero(wanted))
    ids, begins, known = texts.made()
    sources = ["text"] * len(documents)
    return TokenCurves(
        steps, losses, ids, begins, np.concatenate(at), known, list(documents.ids), sources, axis
    )
