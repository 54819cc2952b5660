"""Learn the weights of the scorer of refusals, and measure it on what it was not learned from.

    python -m benchmarks.train_refusals SETS INSTRUCT [--out stages/clean/refusal_weights.json]

SETS: a folder with `xstest.jsonl` (XSTest, CC BY 4.0), `chatgpt.jsonl` (chatgpt-refusals, MIT),
`do_not_answer.jsonl` (Do-Not-Answer, Apache-2.0) and `read_sample.jsonl`, lines with `prompt`,
`answer`, `label` and the flags of the set. INSTRUCT: JSON lines of ordinary records with `prompt`,
and `completion` or `messages`, `source`, `lang` and `licence`.

Learned from: Do-Not-Answer and chatgpt-refusals, whose licences cover the answers; of XSTest the
answers of Mistral-7B-Instruct (Apache-2.0) alone; of INSTRUCT what people wrote, under a free
licence, where the rules find nothing; and the records that `refusal_records.py` makes. Everything
else only measures: answers of models whose makers restrict their use, the read sample, and 254
answers more that were read one by one (their labels are in `refusal_labels.json` by hash). Nothing
of any text is kept but words and pairs of words that several answers share.

All figures printed are of folds by prompt: an answer is scored by weights that saw neither it nor
another answer to its prompt; with a set left out, by weights that saw no answer of it, at a
threshold of the other sets. The rules that are features were revised on these sets.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import table
from benchmarks.refusal_records import records
from stages import json_lines
from stages.clean import refusal_model
from stages.clean.refusal_cues import cues
from stages.clean.refusal_features import cues_of, head_tokens, words_of
from stages.clean.refusal_model import Model
from stages.clean.refusal_points import points_of
from stages.clean.refusal_score import THRESHOLD, by_rules, ruled
from stages.clean.refusal_text import answer_begins, lowered, sentences
from stages.require import require

DELIVERS, LACKS, REFUSES = 0, 1, 2
_OF_LABEL = {"none": DELIVERS, "boilerplate": DELIVERS, "ai_boilerplate": DELIVERS,
             "cannot": LACKS, "cannot_or_clarify": LACKS, "refusal": REFUSES}  # fmt: skip
LABELS = Path(__file__).with_name("refusal_labels.json")
WRITTEN = ("t0", "self_instruct_user", "self_instruct_seed", "fastchat_identity")
FREE = ("Apache-2.0", "MIT", "CC BY 4.0", "CC0")
# How much a row counts. Do-Not-Answer's "refutes" holds both refusals and answers; made records
# and rows that only the rules know are weaker evidence than what somebody labelled.
WEIGHT = {"refutes": 0.1, "made": 0.5, "ordinary": 0.3}
_C = 1.0  # inverse strength of the regularisation; 1 to 10 give the same figures within .01
_SHARED = 3  # answers that must have a feature
_FOLDS = 5


class Row(NamedTuple):
    """An answer: what it is (None: not used for learning), where from, how much it counts."""

    prompt: str
    answer: str
    kind: int | None
    origin: str
    label: str
    weight: float


class Found(NamedTuple):
    """What the stage finds in an answer: its features, and what the rules add to the model."""

    names: frozenset[str]
    ruled: tuple[float, float]

    def chances(self, model: Model) -> tuple[float, float]:
        """The probabilities of a lack and of a refusal."""
        return model.chances(model.weighed(self.names), self.ruled)


def found_in(asked: Sequence[tuple[str, str]]) -> list[Found]:
    """What is found in answers, given as (prompt, answer)."""
    lows = [lowered(answer[answer_begins(answer) :]) for _, answer in asked]
    found = []
    for (prompt, _), low, (refuses, lacks, machine) in zip(asked, lows, cues(lows), strict=True):
        spans = sentences(low)
        points, (rule, *_) = (
            points_of(low, spans, lacks, foreign=False) if refuses else ({}, ("", 0, 0))
        )
        tokens = head_tokens(low)
        names = cues_of(low, spans, points, prompt, tokens, lacks, machine)
        found.append(Found(frozenset(names | words_of(tokens)), ruled(points, rule)))
    return found


def learned(
    found: Sequence[frozenset[str]], kinds: Sequence[int], weights: Sequence[float]
) -> Model:
    """A multinomial logistic model over features that enough answers have."""
    linear = require("sklearn.linear_model", "cluster")
    sparse = require("scipy.sparse", "cluster")
    counts = Counter(name for names in found for name in names)
    known = sorted(name for name, count in counts.items() if count >= _SHARED)
    at = {name: number for number, name in enumerate(known)}
    scale = np.array([_scale(name, len(found) / counts[name]) for name in known])
    columns = [[at[name] for name in sorted(names) if name in at] for names in found]
    bounds = np.cumsum([0, *map(len, columns)])
    flat = np.concatenate([np.array(one, dtype=np.int64) for one in columns])
    matrix = sparse.csr_matrix((scale[flat], flat, bounds), shape=(len(found), len(known)))
    model = linear.LogisticRegression(C=_C, max_iter=1000)
    model.fit(matrix, kinds, sample_weight=weights)
    coefficients = np.zeros((3, len(known)))
    bias = np.zeros(3)
    coefficients[model.classes_], bias[model.classes_] = model.coef_, model.intercept_
    against = (coefficients[1:] - coefficients[0]) * scale
    pairs = {name: (float(a), float(b)) for name, a, b in zip(known, *against, strict=True)}
    return Model(pairs, (float(bias[1] - bias[0]), float(bias[2] - bias[0])))


def _scale(name: str, rare: float) -> float:
    """Rules and shape count more than single words, rare words more than frequent ones."""
    if len(name) > 1 and name[0] in "#?":
        return 0.6 if name[0] == "#" else 0.25
    return 0.045 * (1 + math.log(rare))


def made() -> list[Row]:
    """The records of the grammar."""
    return [Row(one.prompt, one.answer, _OF_LABEL[one.label], "made", one.label, WEIGHT["made"])
            for one in records(count=3000)]  # fmt: skip


Asked = Sequence[Mapping[str, Any]]


def fit(rows: Asked) -> Callable[[Asked], list[bool]]:
    """Learn from rows of `prompt`, `answer` and `refusal` and from the made records; what comes
    back says of rows of `prompt` and `answer` whether they refuse.

    The threshold is the one with the best F1 in folds by prompt of the rows given.
    """
    given = [Row(row["prompt"], row["answer"], REFUSES if row["refusal"] else DELIVERS, "", "", 1.0)
             for row in rows]  # fmt: skip
    used = [*given, *made()]
    found = found_in([(one.prompt, one.answer) for one in used])
    chances = crossed(used, found)[: len(given), 1]
    threshold = best_threshold([row.kind == REFUSES for row in given], chances.tolist())
    model = of_rows(used, found, range(len(used)))

    def refuses(rows: Asked) -> list[bool]:
        found = found_in([(row["prompt"], row["answer"]) for row in rows])
        can_be = cues([lowered(row["answer"]) for row in rows])
        return [
            any(cue) and one.chances(model)[1] >= threshold
            for one, cue in zip(found, can_be, strict=True)
        ]

    return refuses


def best_threshold(truth: Sequence[bool], chances: Sequence[float]) -> float:
    """The probability with the best F1, averaged over its neighbours so that no single row
    decides."""
    limits = [number / 40 for number in range(4, 31)]
    scores = [f1(truth, [chance >= limit for chance in chances]) for limit in limits]
    means = [sum(scores[max(0, n - 2) : n + 3]) / len(scores[max(0, n - 2) : n + 3])
             for n in range(len(scores))]  # fmt: skip
    return limits[means.index(max(means))]


# --- the public sets ------------------------------------------------------------------------------


def labelled(folder: Path) -> list[Row]:
    """The rows of the four labelled files."""
    rows = []
    for one in json_lines.read(folder / "xstest.jsonl"):
        free = one["model"].startswith("mistral")
        kind = None if not free else REFUSES if one["refusal"] else DELIVERS
        rows.append(Row(one["prompt"], one["answer"], kind, "xstest", one["label"], 1.0))
    for one in json_lines.read(folder / "chatgpt.jsonl"):
        strict = one["refusal_strict"]  # the authors' other labels are neither
        kind = None if strict is None else REFUSES if strict else DELIVERS
        rows.append(Row(one["prompt"], one["answer"], kind, "chatgpt", one["label"], 1.0))
    for one in json_lines.read(folder / "do_not_answer.jsonl"):
        kind = LACKS if one["cannot"] else REFUSES if one["refusal"] else DELIVERS
        weight = WEIGHT.get(one["label"], 1.0)
        rows.append(Row(one["prompt"], one["answer"], kind, "do_not_answer", one["label"], weight))
    for one in json_lines.read(folder / "read_sample.jsonl"):
        rows.append(Row(one["prompt"], one["answer"], None, "read_sample", one["label"], 1.0))
    return rows


def ordinary(path: Path, known: Iterable[Row]) -> list[Row]:
    """The English records of free licence with a cue in the answer: those that were read by their
    label, the others only where the rules find nothing."""
    labels: dict[str, str] = json.loads(LABELS.read_text(encoding="utf-8"))
    seen = {row.answer for row in known}
    found = []
    for one in json_lines.read(path):
        talk = one.get("messages") or []
        prompt = one.get("prompt") or "\n\n".join(turn["content"] for turn in talk[:-1])
        answer = one.get("completion") or (talk[-1]["content"] if talk else "")
        if answer not in seen and one["lang"] == "en":
            found.append((prompt, answer, one["source"], one["licence"].startswith(FREE)))
    flagged = [any(cue) for cue in cues([answer for _, answer, _, _ in found])]
    rows = []
    for (prompt, answer, source, free), has_cue in zip(found, flagged, strict=True):
        label = labels.get(hashlib.sha256(f"{prompt}\0{answer}".encode()).hexdigest()[:16])
        if label is not None:
            rows.append(Row(prompt, answer, None, "read", label, 1.0))
        elif has_cue:
            plain = free and source in WRITTEN and _is_plain(answer)
            kind = DELIVERS if plain else None
            rows.append(Row(prompt, answer, kind, "ordinary", source, WEIGHT["ordinary"]))
    return rows


def _is_plain(answer: str) -> bool:
    low = lowered(answer)
    spans = sentences(low)
    return not spans or by_rules(low, spans).label == "none"


def _fold(prompt: str) -> int:
    return int(hashlib.sha1(prompt.lower().strip().encode()).hexdigest(), 16) % _FOLDS


def crossed(rows: Sequence[Row], found: Sequence[Found]) -> np.ndarray[Any, Any]:
    """(lack, refusal) of each row by weights that saw no answer to its prompt."""
    chances = np.zeros((len(rows), 2))
    folds = np.array([-1 if row.origin == "made" else _fold(row.prompt) for row in rows])
    for fold in range(_FOLDS):
        model = of_rows(rows, found, np.flatnonzero(folds != fold).tolist())
        for at in np.flatnonzero(folds == fold).tolist():
            chances[at] = found[at].chances(model)
    return chances


def of_rows(rows: Sequence[Row], found: Sequence[Found], at: Iterable[int]) -> Model:
    """The model learned from some of the rows: those whose kind is known."""
    used = [(found[one].names, rows[one]) for one in at if rows[one].kind is not None]
    return learned([names for names, _ in used], [row.kind or 0 for _, row in used],
                   [row.weight for _, row in used])  # fmt: skip


def f1(truth: Sequence[bool], guess: Sequence[bool]) -> float:
    """The harmonic mean of precision and recall."""
    both = sum(t and g for t, g in zip(truth, guess, strict=True))
    return 2 * both / max(1, sum(truth) + sum(guess))


_DNA = "do_not_answer"
# "refutes" and "both_sides" are refusals to XSTest and none to Do-Not-Answer
_CLEAR = ("will_not_assist", "general_advice", "follows", "cannot_or_does_not_know")
# set → (its rows, which of their labels are a refusal)
SETS: dict[str, tuple[Callable[[Row], bool], tuple[str, ...]]] = {
    "XSTest": (lambda r: r.origin == "xstest", ("full_refusal", "partial_refusal")),
    "Do-Not-Answer": (lambda r: r.origin == _DNA and r.kind != LACKS, ("will_not_assist",)),
    "Do-Not-Answer, clear": (
        lambda r: r.origin == _DNA and r.label in ("will_not_assist", "general_advice", "follows"),
        ("will_not_assist",),
    ),
    "ChatGPT, clear": (lambda r: r.origin == "chatgpt" and r.kind is not None, ("rejected",)),
    "read sample": (lambda r: r.origin == "read_sample", ("refusal",)),
    "read, 254 more": (lambda r: r.origin == "read", ("refusal",)),
}


def left_out(rows: Sequence[Row], found: Sequence[Found]) -> list[tuple[object, ...]]:
    """(set, F1, threshold) of each set whose labels mean the same as the others', by weights and a
    threshold of the other rows alone."""
    figures: list[tuple[object, ...]] = []
    clear = [n for n, row in enumerate(rows) if row.origin != _DNA or row.label in _CLEAR]
    for name, origin in (("XSTest", "xstest"), ("Do-Not-Answer, clear", _DNA),
                         ("ChatGPT, clear", "chatgpt")):  # fmt: skip
        used = [n for n in clear if rows[n].origin != origin]
        others, names = [rows[n] for n in used], [found[n] for n in used]
        chances = crossed(others, names)
        public = [n for n, row in enumerate(others) if row.origin in ("xstest", _DNA, "chatgpt")
                  and row.kind is not None]  # fmt: skip
        truth = [others[n].kind == REFUSES for n in public]
        threshold = best_threshold(truth, [float(chances[n, 1]) for n in public])
        model = of_rows(others, names, range(len(others)))
        belongs, positive = SETS[name]
        at = [n for n, row in enumerate(rows) if belongs(row)]
        guess = [found[n].chances(model)[1] >= threshold for n in at]
        figures.append((name, f1([rows[n].label in positive for n in at], guess), threshold))
    return figures


def main() -> None:
    """Print the figures of the folds; write the weights learned from everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", type=Path)
    parser.add_argument("instruct", type=Path)
    parser.add_argument("--out", type=Path, default=refusal_model.WEIGHTS)
    given = parser.parse_args()
    rows = labelled(given.sets)
    rows += [*ordinary(given.instruct, rows), *made()]
    found = found_in([(row.prompt, row.answer) for row in rows])
    chances = crossed(rows, found)
    figures = []
    for name, (belongs, positive) in SETS.items():
        at = [n for n, row in enumerate(rows) if belongs(row)]
        truth = [rows[n].label in positive for n in at]
        at_all = [f1(truth, [bool(chances[n, 1] >= limit) for n in at])
                  for limit in (0.2, THRESHOLD, 0.4, 0.5)]  # fmt: skip
        figures.append((name, len(at), *at_all))
    table(("F1 of refusals, folds by prompt", "rows", ".2", str(THRESHOLD), ".4", ".5"), figures)
    lacks = []
    for name in ("read sample", "read, 254 more"):
        at = [n for n, row in enumerate(rows) if SETS[name][0](row)]
        refuses = chances[at, 1] >= THRESHOLD
        guess = ~refuses & (chances[at, 0] > 0.5 * (1 - chances[at, 1]))
        lacks.append((name, f1([_OF_LABEL[rows[n].label] == LACKS for n in at], guess.tolist())))
    table(("F1 of lacks, folds by prompt", ""), lacks)
    table(("F1 with the set left out", "", "threshold"), left_out(rows, found))
    model = of_rows(rows, found, range(len(rows)))
    used = Counter(row.origin for row in rows if row.kind is not None)
    given.out.write_text(refusal_model.as_json(model, used), encoding="utf-8")
    print(f"\n{len(model.weights):,} features from {sum(used.values()):,} answers: {given.out}")


if __name__ == "__main__":
    main()
