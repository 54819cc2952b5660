"""Text that has nothing to do with the data, on which fine-tuning's cost elsewhere is measured.

Fine-tuning improves the fit on its data and worsens it elsewhere: the loss on such text, over the
steps, is the retention curve. Built in is `general.txt`, written for this project under its licence
(Apache-2.0): short passages on many things, in prose, letters, lists and code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.errors import UsageError
from stages.tokens.encode import Encoder
from stages.tokens.model import load_tokenizer
from stages.train.data import Documents, documents_of

GENERAL, NONE = "general", "none"
BUILT_IN = Path(__file__).with_name("general.txt")
LICENCE = "Apache-2.0"
PASSAGE = 256  # tokens of a passage, at most: paragraphs are put together up to it, or cut
LARGEST = 1 << 24  # bytes of a file that are read


@dataclass(frozen=True)
class Text:
    """passages: in the order of the file. name: what the text is called. license: of the built-in
    text; None for one of the user's."""

    passages: Documents
    name: str
    license: str | None


def problem_with(named: str) -> str | None:
    """What is wrong with the name of a retention text."""
    if named in (GENERAL, NONE) or Path(named).is_file():
        return None
    return f"{named}: no such file; name a text file (UTF-8), {GENERAL} or {NONE}"


def files_of(named: str) -> tuple[Path, ...]:
    """The file of a text: what is measured depends on it, of the built-in one as well."""
    return {NONE: (), GENERAL: (BUILT_IN,)}.get(named, (Path(named),))


def read(named: str, model: str, folder: Path) -> Text | None:
    """The text in tokens of a model; None without a text, or for a model without a tokenizer.

    named: general, none or a file. model, folder: the model and where it lies. UsageError for a
    file that is no text.
    """
    if named == NONE or not (folder / "tokenizer.json").is_file():
        return None
    built_in = named == GENERAL
    path = BUILT_IN if built_in else Path(named)
    text = _text(path)
    encoder = Encoder(load_tokenizer(model), model)
    paragraphs = [one.strip() for one in re.split(r"\n\s*\n", text) if one.strip()]
    encoded = encoder.texts([f"{paragraph}\n\n" for paragraph in paragraphs])
    rows = np.split(encoded.ids, encoded.bounds[1:-1]) if len(encoded.bounds) > 1 else []
    ids = [np.concatenate([encoder.before, row]).astype(np.int64) for row in _passages(rows)]
    passages = documents_of(ids, [f"passage {number}" for number in range(1, len(ids) + 1)])
    if not len(passages):
        raise UsageError(f"train.retention: {path} holds no text")
    return Text(passages, GENERAL if built_in else path.name, LICENCE if built_in else None)


def _text(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise UsageError(f"train.retention: {path} is larger than {LARGEST >> 20} MiB: cut it")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"train.retention: {path} is no UTF-8 (byte {error.start:,}): save it as UTF-8"
        ) from None


def _passages(rows: list[np.ndarray]) -> list[np.ndarray]:
    """Paragraphs put together while they fit, longer ones cut."""
    made: list[np.ndarray] = []
    held: list[np.ndarray] = []
    for row in rows:
        if held and sum(map(len, held)) + len(row) > PASSAGE:
            made.append(np.concatenate(held))
            held = []
        if len(row) > PASSAGE:
            made += np.split(row, range(PASSAGE, len(row), PASSAGE))
        else:
            held.append(row)
    return [*made, np.concatenate(held)] if held else made
