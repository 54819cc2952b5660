"""What would have kept a record that left: the parameter that decided, and its value then."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from stages import check
from stages.base import Stage

MORE = " ?"  # ends a rule of which the evidence may name one of several hits
_DIGITS = 4  # of a value that is no whole number: a score may be rounded itself


def would_stay(stage: Stage, reason: str, evidence: Mapping[str, Any]) -> str:
    """A sentence by the stage's own account of its reasons (`stays`); empty where it gives none."""
    rule = stage.stays.get(reason, "")
    if not rule:
        return ""
    if ":" in rule:
        return f"with `{rule}` it would have stayed here"
    name, sign = rule.removesuffix(MORE).split()
    now = check.shown(getattr(stage, name))
    found = keeping(stage, reason, evidence)
    if found is None:
        more = "" if evidence.get("score") is None else "; no value of it would have kept this"
        return f"`{name}` decided, which is {now}{more}"
    value = found[name]
    told = f"{value:,}" if isinstance(value, int) else str(value)
    word = "or less" if sign.startswith("<") else "or more"
    what = "this alone would not have taken it" if rule.endswith(MORE) else "it would have stayed"
    return f"with `{name}` at {told} {word} {what} here (it is {now})"


def keeping(stage: Stage, reason: str, evidence: Mapping[str, Any]) -> dict[str, Any] | None:
    """Parameters with which the stage would have kept the record; None where there are none."""
    rule = stage.stays.get(reason, "")
    known = check.parameters(type(stage))
    if ":" in rule:
        pairs = (one.split(": ") for one in rule.split(", "))
        return {
            name: int(word) if word.isdigit() else check.meant(word, known[name][0])
            for name, word in pairs
        }
    score = evidence.get("score")
    if not rule or isinstance(score, bool) or not isinstance(score, int | float):
        return None
    name, sign = rule.removesuffix(MORE).split()
    whole = isinstance(getattr(stage, name), int)
    value = _whole(score, sign) if whole else _near(score, sign)
    low, high = known[name][1].metadata.get("range", (float("-inf"), float("inf")))
    return {name: value} if low <= value <= high else None


def _whole(score: float, sign: str) -> int:
    """The whole number next to a score that bears the sign to it."""
    value = int(score)
    if sign.startswith(">"):
        return value + (sign == ">" or value < score)
    return value - (sign == "<" and value == score)


def _near(score: float, sign: str) -> float:
    """The same with a few digits."""
    up = sign.startswith(">")
    exact = Decimal(repr(float(score)))
    unit = Decimal(1).scaleb(exact.adjusted() - _DIGITS + 1)
    value = exact.quantize(unit, ROUND_CEILING if up else ROUND_FLOOR)
    if value == exact and len(sign) == 1:
        value += unit if up else -unit
    return float(value)
