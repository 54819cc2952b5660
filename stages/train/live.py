"""Findings on the curve of a training that is under way, told as they become certain.

A prefix of a curve is tested again and again, so chance has many tries: a finding counts when two
looks in a row have it. What can only be said of a whole run (a good fit, no fit) is not told.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from stages.curves.findings import Finding, findings
from stages.curves.read import read_log
from stages.train.course import Course
from stages.train.state import State

Stop = Literal["divergence", "overfit", "plateau"]
CLEAR = "\r\x1b[K"  # to the line's begin, and all of it away
LOOKS = 50  # of a run, beside those after validations
EARLY = ("divergence", "overfit", "epoch_step", "spikes", "plateau")  # kinds that a prefix can have


def due(course: Course, done: int) -> bool:
    """Whether the curve is looked at after `done` steps."""
    return done > 0 and (
        course.evaluates(done) or done % max(1, math.ceil(course.total / LOOKS)) == 0
    )


def tell(text: str) -> None:
    """A line for people, in place of the line of progress that a terminal may show."""
    terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    print(f"{CLEAR if terminal else ''}seedbed: train: {text}", file=sys.stderr)


def look(curve: Path, state: State) -> list[Finding]:
    """What is certain now about a curve, and was not before."""
    return certain(findings(read_log(curve)), state)


def certain(looked: Sequence[Finding], state: State) -> list[Finding]:
    """The findings of a look that the last one had as well and that were not told yet; `state`
    remembers them."""
    found = {_name(one): one for one in looked if one["kind"] in EARLY}
    new = [name for name in found if name in state.seen and name not in state.told]
    state.seen = sorted(found)
    state.told = [*state.told, *new]
    return [found[name] for name in new]


def _name(finding: Finding) -> str:
    """What makes two findings the same one: of borders there are several, of other kinds one."""
    return f"{finding['kind']} {finding['epoch']}" if "epoch" in finding else finding["kind"]
