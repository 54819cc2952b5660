"""Shares of a mix: who is to have how much, and how much of that there is. Integers throughout."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from stages import check
from stages.errors import UsageError

Ints = npt.NDArray[np.int64]

# A decimal; more digits of an exponent would make numbers that fill the memory.
_NUMBER = re.compile(r"\+?(?=\.?[0-9])[0-9]*(?:\.[0-9]*)?(?:[eE][-+]?[0-9]{1,3})?")
EACH = "others"  # stands for each value that is not named; YAML has a use for `*`


def weights(share: Sequence[str]) -> dict[str, Fraction]:
    """value → weight, of words like `faq=0.3`; ValueError with what is wrong."""
    found: dict[str, Fraction] = {}
    for word in share:
        name, sign, number = word.rpartition("=")
        name = name.strip()
        if not sign or not name or len(number) > 40 or not _NUMBER.fullmatch(number.strip()):
            raise ValueError(f"takes a value and its weight, as faq=0.3, not {word!r}")
        if name in found:
            raise ValueError(f"names {name!r} twice")
        found[name] = Fraction(number.strip())
    if not any(found.values()):
        raise ValueError("gives nobody anything: one weight must be above 0")
    return found


@dataclass(frozen=True)
class Portion:
    """What one value is to have. All amounts are in the unit of the mix.

    there: what its records hold together. wanted: what its share comes to. rounds: how often all
    of its records stand; rest: what is taken beside that.
    """

    share: Fraction
    there: int
    wanted: int
    rounds: int
    rest: int

    @property
    def short(self) -> int:
        """What is missing of its share."""
        return self.wanted - self.rounds * self.there - self.rest


def portions(
    there: Mapping[str, int], share: Mapping[str, Fraction], total: int, most: int, what: str
) -> dict[str, Portion]:
    """The portion of each value. total: of all; 0: as much as nobody is short of. most: how often
    a record may stand. what: what the values are of, for messages: source."""
    known = {value: share.get(value, share.get(EACH)) for value in there}
    if nameless := [value for value, weight in known.items() if weight is None]:
        named = ", ".join(repr(value) + _nearest(value, share) for value in nameless[:5])
        more = f" and {len(nameless) - 5} more" if len(nameless) > 5 else ""
        raise UsageError(
            f"mix.share says nothing of {what} {named}{more}; give each a weight (0 leaves its "
            f"records out), or {EACH}=1 for all that are not named"
        )
    weighed = {value: weight or Fraction(0) for value, weight in known.items()}
    whole = sum(weight for value, weight in weighed.items() if there[value])
    if not whole:
        raise UsageError(f"mix.share: no record has a {what} of a weight above 0")
    parts = {v: w / whole if there[v] else Fraction(0) for v, w in weighed.items()}
    if not total:
        total = min(int(there[value] * most / part) for value, part in parts.items() if part)
    found = {}
    for value, part in parts.items():
        wanted = round(part * total)
        taken = min(wanted, there[value] * most)
        rounds, rest = divmod(taken, there[value]) if there[value] else (0, 0)
        found[value] = Portion(part, there[value], wanted, rounds, rest)
    return found


def _nearest(value: str, share: Mapping[str, Fraction]) -> str:
    near = check.nearest(value, [one for one in share if one != EACH])
    return f" ({near[2:]})" if near else ""


def even(there: Ints, wanted: int) -> Ints:
    """`wanted` in like parts, none above what is there; the first have what does not divide."""
    parts = np.zeros_like(there)
    while (missing := min(wanted, int(there.sum())) - int(parts.sum())) > 0:
        open_ = np.flatnonzero(parts < there)
        if missing < len(open_):
            parts[open_[:missing]] += 1
        else:
            parts[open_] += np.minimum(missing // len(open_), there[open_] - parts[open_])
    return parts


def nearest_sum(amounts: Ints, wanted: int) -> int:
    """How many of the amounts, from the first on, come nearest to a sum; of two the fewer."""
    sums = np.concatenate([[0], np.cumsum(amounts)])
    return int(np.abs(sums - wanted).argmin())
