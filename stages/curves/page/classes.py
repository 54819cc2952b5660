"""What kind of token a curve is of, and what shape the curve has: what points are coloured by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.curves.page.tokens import TokenCurves

Array = np.ndarray[Any, Any]

APOSTROPHES = ("'", "’")
NEAR = 0.5  # nats that a curve must move to be called so
_CONTROL = re.compile(r"<\|?[\w/\- ]{1,60}\|?>|\[/?[A-Z]{2,12}\]")

CLASSES = {
    "word": "a word's beginning: letters after a space",
    "inside": "letters without a space before them: the rest of a word, or a word after a bracket",
    "number": "digits",
    "punctuation": "no letters, digits or spaces",
    "newline": "white space with a line's end",
    "space": "other white space",
    "apostrophe s": "the s after an apostrophe",
    "mixed": "letters with digits or signs",
    "control": "a mark of the template or the tokenizer",
    "part": "part of a character",
}
REPEATS = {
    "new": "the pair (token before, token) has not come before in the text",
    "repeated": "the pair (token before, token) has come before in the text: it can be copied",
}
SHAPES = {
    "falls": f"ends at least {NEAR} nats below its first value, and near its lowest",
    "flat": f"ends within {NEAR} nats of its first value and never leaves it by more",
    "rises": f"ends at least {NEAR} nats above its first value, which was its lowest",
    "U-shaped": f"falls by at least {NEAR} nats and rises again by as much",
    "hump": f"rises by at least {NEAR} nats and falls again by as much, no lower than it began",
}


@dataclass(frozen=True)
class Colouring:
    """A way to colour the points. names: of the categories, with what they mean. values: the
    category of each curve."""

    title: str
    names: list[str]
    meanings: list[str]
    values: Array


def class_of(text: str, before: str) -> str:
    """The class of a token by its text and that of the token before it."""
    bare = text.strip()
    if not bare:
        return "part" if not text else "newline" if "\n" in text or "\r" in text else "space"
    if "\ufffd" in bare:
        return "part"
    if bare in ("'s", "’s") or (text == "s" and before.endswith(APOSTROPHES)):
        return "apostrophe s"
    if _CONTROL.fullmatch(bare):
        return "control"
    letters = sum(map(_is_letter, bare))
    digits = sum(c.isdigit() for c in bare)
    if letters == len(bare):
        return "word" if text[0].isspace() else "inside"
    if digits and not letters:
        return "number"
    return "mixed" if letters else "punctuation"


def _is_letter(c: str) -> bool:
    """Letters, and the marks that stand on them in many scripts."""
    return c.isalpha() or (not c.isascii() and not c.isdigit() and f"a{c}".isidentifier())


def classes(curves: TokenCurves) -> Colouring:
    """The class of each token."""
    names = list(CLASSES)
    known: dict[tuple[int, int], int] = {}
    previous = curves.previous()
    values = np.zeros(len(curves), dtype=np.uint8)
    for row, (token, before) in enumerate(zip(curves.ids[curves.at], previous, strict=True)):
        key = (int(token), int(before))
        if key not in known:
            text = curves.texts[key[1]] if key[1] >= 0 else ""
            known[key] = names.index(class_of(curves.texts[key[0]], text))
        values[row] = known[key]
    return Colouring("token class", names, list(CLASSES.values()), values)


def repeats(curves: TokenCurves) -> Colouring:
    """Whether the pair of a token and the one before it has come before in its record."""
    if curves.repeated is not None:
        return _repeats(curves.repeated)
    ids, begins = curves.ids.astype(np.int64), curves.begins
    record = np.repeat(np.arange(len(begins) - 1), np.diff(begins))
    pair = ids * (len(curves.texts) + 1)
    pair[1:] += ids[:-1] + 1
    first = begins[:-1][np.diff(begins) > 0]
    pair[first] = -1 - np.arange(len(first))  # no pair: each its own
    _, pair = np.unique(pair, return_inverse=True)
    key = record * (int(pair.max(initial=0)) + 1) + pair
    _, earliest = np.unique(key, return_index=True)
    new = np.zeros(len(ids), dtype=bool)
    new[earliest] = True
    return _repeats(~new[curves.at])


def _repeats(repeated: Array) -> Colouring:
    values = repeated.astype(np.uint8)
    return Colouring("repeated pair", list(REPEATS), list(REPEATS.values()), values)


def shapes(curves: TokenCurves) -> Colouring:
    """The shape of each curve, smoothed by a running median of three."""
    names = list(SHAPES)
    smooth = _smoothed(curves.losses)
    first, last = smooth[:, 0], smooth[:, -1]
    low, high = smooth.min(axis=1), smooth.max(axis=1)
    fell, rose = first - low, last - low
    values = np.full(len(curves), names.index("flat"), dtype=np.uint8)
    values[first - last >= NEAR] = names.index("falls")
    values[last - first >= NEAR] = names.index("rises")
    hump = (high - first >= NEAR) & (high - last >= NEAR) & (first - last < NEAR)
    values[hump] = names.index("hump")
    values[(fell >= NEAR) & (rose >= NEAR)] = names.index("U-shaped")
    return Colouring("shape of the curve", names, list(SHAPES.values()), values)


def _smoothed(losses: Array) -> Array:
    """Losses [n, k] with gaps filled by the value before (else the first that is a number), and a
    running median of three; ends stay."""
    filled = np.where(np.isfinite(losses), losses, np.nan).astype(np.float32)
    for column in range(1, filled.shape[1]):
        hole = np.isnan(filled[:, column])
        filled[hole, column] = filled[hole, column - 1]
    for column in range(filled.shape[1] - 2, -1, -1):
        hole = np.isnan(filled[:, column])
        filled[hole, column] = filled[hole, column + 1]
    filled = np.nan_to_num(filled)
    if filled.shape[1] < 3:
        return filled
    middle = np.median(np.stack([filled[:, :-2], filled[:, 1:-1], filled[:, 2:]]), axis=0)
    return np.concatenate([filled[:, :1], middle, filled[:, -1:]], axis=1)


def sources(curves: TokenCurves, title: str, of_records: list[str]) -> Colouring | None:
    """By a name that each record has; None where there is but one."""
    names, numbers = np.unique(np.array(of_records, dtype=object), return_inverse=True)
    if len(names) < 2:
        return None
    counts = np.bincount(numbers[curves.records], minlength=len(names))
    order = np.argsort(-counts, kind="stable")
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    shown = [str(names[number]) for number in order]
    values = rank[numbers][curves.records]
    if len(shown) > 250:  # one byte a point
        shown = [*shown[:250], f"{len(shown) - 250:,} others"]
        values = np.minimum(values, 250)
    return Colouring(title, shown, [""] * len(shown), values.astype(np.uint8))
