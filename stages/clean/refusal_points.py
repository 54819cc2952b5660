"""The points of the rules of `refusal_rules` on one text: features of the scorer, and the judge
where the scorer does not know the language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stages.clean import refusal_rules as rules
from stages.clean.refusal_cues import HEAD_CHARS
from stages.clean.refusal_text import BODY_CHARS, HEAD_SENTENCES, quoted

ENOUGH = 6  # points from which the rules alone take an answer for a refusal


def points_of(
    low: str, spans: Sequence[tuple[int, int]], lacks: bool = True, foreign: bool = True
) -> tuple[dict[str, int], tuple[str, int, int]]:
    """(rule → points, the strongest cue of refusing and its place) of a lower-cased text.

    spans: its sentences; lacks, foreign: whether cues of lacking and of other languages than
    English are looked for. Without a cue of refusing there are no points.
    """
    if not spans:
        return {}, ("", 0, 0)
    first, head = spans[0], spans[1:HEAD_SENTENCES]
    head_end = min((head or [first])[-1][1], first[0] + HEAD_CHARS)
    first_end = min(first[1], first[0] + HEAD_CHARS)
    points: dict[str, int] = {}
    best: tuple[int, str, int, int] = (0, "", 0, 0)
    found = [rule for rule in rules.WONT if rule.pattern.search(low, first[0], head_end)]
    other = rules.FOREIGN.search(low, first[0], head_end) if foreign else None
    if not found and not other:
        return {}, ("", 0, 0)
    opinion = rules.NO_OPINION.search(low, first[0], head_end)
    for rule in found:
        for begin, end, worth in (
            (first[0], first_end, rule.first),
            (first_end, head_end, rule.head),
        ):
            match = rule.pattern.search(low, begin, end) if begin < end else None
            if match is None:
                continue
            if opinion and match.start() < opinion.end() and opinion.start() < match.end():
                match = rule.pattern.search(low, opinion.end(), end)  # beyond the remark
                if match is None:
                    continue
            if quoted(low, first[0], match.start()):
                continue
            points[rule.name] = worth
            if worth > best[0]:
                best = (worth, rule.name, match.start(), match.end())
            break
    lack = rules.LACK.search(low, first[0], head_end) if lacks else None
    for rule in rules.ADDED:
        if rule.pattern.search(low, first[0], first_end):
            points[rule.name] = rule.first
        elif head_end > first_end and rule.pattern.search(low, first_end, head_end):
            points[rule.name] = rule.head
    if other and not opinion and not lack and not quoted(low, first[0], other.start()):
        points["foreign"] = 7
        if best[0] < 7:
            best = (7, "foreign", other.start(), other.end())
    if lack:
        points["lack"] = -4 if lack.start() < first_end else -2
    items = len(rules.LIST.findall(low, 0, BODY_CHARS))
    if items >= 3:
        points["list"] = -3
    if rules.CODE.search(low, 0, BODY_CHARS):
        points["code"] = -4
    words = len(low) - head_end
    if words > 900:
        points["long"] = -2
    return points, best[1:]


DECLINES = (
    "wont",
    "sorry_cannot",
    "wont_bare",
    "short_sorry",
    "not_support",
    "not_comfortable",
    "against_rules",
    "outside",
    "foreign",
)
LECTURES = tuple(rule.name for rule in rules.WONT if rule.name not in DECLINES)


def total(points: Mapping[str, int]) -> int:
    """The points added up.

    Of the cues of refusing the strongest counts, and one point for a second. What contradicts a
    premise speaks for an answer, unless the assistant declines in its own name; what is missing
    speaks for inability, unless a reason of law, ethics or safety stands beside it.
    """
    declines = sorted((points[name] for name in DECLINES if name in points), reverse=True)
    lectures = sorted((points[name] for name in LECTURES if name in points), reverse=True)
    group = sorted([*declines[:2], *lectures[:2]], reverse=True)
    score = (group[0] if group else 0) + (1 if len(group) > 1 else 0)
    for name, worth in points.items():
        if name in DECLINES or name in LECTURES:
            continue
        if name in ("generalize", "not_true"):
            worth = 0 if declines else -worth
        elif name == "lack" and "red_word" in points:
            worth = -1
        elif name == "sympathy" and declines:
            worth = 0
        elif name in ("list", "pivot_offer") and declines and "red_word" in points:
            worth = -1  # a lecture that goes on to what one may do instead
        score += worth
    return score
