"""Cases of quality: one record for each limit, and good records that look odd."""

from __future__ import annotations

from pathlib import Path

from stages.clean.quality import QualityFilter
from stages.testing import Case

GOOD = [
    {"prompt": "2 + 40?", "completion": "42"},
    {
        "prompt": "Sort.",
        "completion": "def f(xs):\n    return sorted(xs, key=lambda x: (-x[1], x[0]))",
    },
    {"prompt": "首都？", "completion": "中国的首都是北京。"},
    {"text": "A plain record is its own target."},
    {"prompt": "Only a question, no answer."},
]
_RUNNING = " ".join(f"word{number} of a text that runs on" for number in range(30))
BAD = [
    {"prompt": "x", "completion": " "},  # too_short
    {"prompt": "x", "completion": "word " * 400 + _RUNNING},  # too_long with max_words 500
    {"prompt": "x", "completion": "QUJD" * 60},  # long_words
    {"prompt": "x", "completion": "~ 1 … ~ 2 … ! ? ~ " * 20},  # no_letters
    {"prompt": "x", "completion": "ab -- == ++ " * 20},  # symbols
    {"prompt": "x", "completion": f"{_RUNNING[:400]}.\n" * 3},  # duplicate_lines
    {"prompt": "x", "completion": "I do not " * 12 + " ".join(f"w{n}" for n in range(40)) + "."},
    {"prompt": "x", "completion": "Yes I know that you know what she saw there now " * 90},
    {"prompt": "x", "completion": "b\ufffd\ufffdd bytes"},  # unreadable
    {"prompt": "x", "completion": _RUNNING + " and then the"},  # unfinished
]


def cases(folder: Path) -> list[Case]:
    """Every limit once; tagging drops nothing."""
    strict = QualityFilter(max_words=500, max_top_trigram=0.32, complete=True)
    return [
        Case(QualityFilter(), GOOD),
        Case(
            strict,
            [*GOOD, *BAD],
            reasons={
                "too_short": 1,
                "too_long": 2,
                "long_words": 1,
                "no_letters": 1,
                "symbols": 1,
                "duplicate_lines": 1,
                "repetitive": 1,
                "unreadable": 1,
                "unfinished": 1,
            },
        ),
        Case(QualityFilter(on="all"), BAD[7:8], reasons={"compressible": 1}),
        Case(QualityFilter(rules="gopher"), BAD[:2], reasons={"published": 2}),
        Case(QualityFilter(rules="c4"), BAD[:2], reasons={"published": 2}),
        Case(QualityFilter(action="tag"), [*GOOD, *BAD]),
    ]
