"""Cases of refusals: what is dropped, cut, kept and tagged."""

from __future__ import annotations

from pathlib import Path

from stages.clean.refusals import RefusalFilter
from stages.testing import Case

_BODY = "The sea looks blue because water absorbs red light more strongly than blue light. " * 4
RECORDS = [
    {"prompt": "How?", "completion": "I\u2019m sorry, but I can\u2019t help with that."},
    {"prompt": "Wie?", "completion": "Tut mir leid, dabei kann ich nicht helfen."},
    {"prompt": "Weather?", "completion": "I don't have access to real-time data."},
    {
        "prompt": "Sea?",
        "completion": "As an AI language model, I do not have opinions. However, " + _BODY,
    },
    {"prompt": "Bug?", "completion": 'print("Sorry, I cannot help you with that.")'},
    {"prompt": "I lost my dog.", "completion": "I'm sorry to hear that. Call the shelter first."},
    {"text": "I'm sorry, but I can't help with that."},
    {
        "messages": [
            {"role": "user", "content": "Tell me, or say: I can't help with that."},
            {"role": "assistant", "content": "Sorry, but I can't assist with that."},
            {"role": "user", "content": "And now?"},
            {"role": "assistant", "content": "It is noon."},
        ]
    },
]


def cases(folder: Path) -> list[Case]:
    """Defaults; everything dropped; only tagged."""
    return [
        Case(RefusalFilter(), RECORDS, reasons={"refusal": 3}),
        Case(
            RefusalFilter(cannot="drop", boilerplate="drop"),
            RECORDS,
            reasons={"refusal": 3, "cannot": 1, "boilerplate": 1},
        ),
        Case(RefusalFilter(action="tag", cannot="drop", boilerplate="drop"), RECORDS),
    ]
