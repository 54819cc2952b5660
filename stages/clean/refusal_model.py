"""The learned scorer of refusals: a logistic model over the names of `refusal_features`.

`refusal_weights.json` is made by `benchmarks/train_refusals.py`, which says from what; only words
and pairs of words that several answers share are in it, and no text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

WEIGHTS = Path(__file__).with_name("refusal_weights.json")
_UNIT = 1000.0  # weights are stored in thousandths
_LEAST = 0.02  # what weighs less both ways is left out: the figures stay the same


class Model(NamedTuple):
    """weights: feature → (for a lack, for a refusal), in natural logarithms of odds against an
    answer that delivers; bias: the same of a text without features."""

    weights: Mapping[str, tuple[float, float]]
    bias: tuple[float, float]

    def weighed(self, found: Iterable[str]) -> tuple[float, float]:
        """The weights of some features added up, without the bias."""
        lack = refusal = 0.0
        weights = self.weights
        for name in found:
            one = weights.get(name)
            if one is not None:
                lack += one[0]
                refusal += one[1]
        return lack, refusal

    def chances(self, *weighed: tuple[float, float]) -> tuple[float, float]:
        """The probabilities that an answer lacks something, or refuses, by what was weighed."""
        lack = self.bias[0] + sum(one[0] for one in weighed)
        refusal = self.bias[1] + sum(one[1] for one in weighed)
        most = max(0.0, lack, refusal)
        odds = math.exp(lack - most), math.exp(refusal - most)
        whole = odds[0] + odds[1] + math.exp(-most)
        return odds[0] / whole, odds[1] / whole

    def heaviest(self, found: Iterable[str], kind: int, count: int = 5) -> list[str]:
        """The features that spoke most for a lack (kind 0) or a refusal (1), strongest first."""
        worth = [(self.weights[name][kind], name) for name in found if name in self.weights]
        return [name for value, name in sorted(worth, reverse=True)[:count] if value > 0]

    def known(self, tokens: Sequence[str]) -> float:
        """The share of the words among some tokens that the model has seen."""
        words = [token for token in tokens if token[0].isalpha()]
        return sum(word in self.weights for word in words) / len(words) if words else 0.0


@cache
def shipped() -> Model:
    """The model that comes with this package."""
    held = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    lack, refusal = held["bias"]
    weights = {name: (one[0] / _UNIT, one[1] / _UNIT) for name, one in held["weights"].items()}
    return Model(weights, (lack / _UNIT, refusal / _UNIT))


def as_json(model: Model, trained_on: Mapping[str, int]) -> str:
    """A model as the text of its file: a line a feature, so that two can be compared."""

    def thousandths(pair: tuple[float, float]) -> str:
        return f"[{round(pair[0] * _UNIT)}, {round(pair[1] * _UNIT)}]"

    lines = ",\n".join(
        f"{json.dumps(name, ensure_ascii=False)}: {thousandths(pair)}"
        for name, pair in sorted(model.weights.items())
        if max(map(abs, pair)) >= _LEAST
    )
    counts = json.dumps(dict(trained_on), sort_keys=True)
    bias = thousandths(model.bias)
    return f'{{"trained_on": {counts},\n"bias": {bias},\n"weights": {{\n{lines}\n}}}}\n'
