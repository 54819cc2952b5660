"""What all executors have in common: parts of work go in, small summaries come out, both as JSON.

A function is named as "module:function", takes a part and gives a summary. It names its input by
path, writes its output itself and may be called twice for one part: what it has committed counts.
An executor is one method, `map`. What a function raises travels as an answer and is raised again
in the driver (`summary_of`).
"""

from __future__ import annotations

import importlib
import os
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, NotRequired, Protocol, TypedDict, final

from pipeline.engine.content import Damaged
from pipeline.engine.work import Summary
from pipeline.trouble import told
from stages.child import cpu_of_waiting
from stages.errors import Changed, SeedbedError, StageFailed

Part = Mapping[str, Any]
DIED: Literal["died"] = "died"


@final
class Finished(TypedDict):
    """The answer for a part that was worked on."""

    summary: Summary


@final
class Refusal(TypedDict):
    """The answer for a part that was not done. exit_code: of `user`, what its exception ends
    with; died: the worker left no answer."""

    error: Literal["changed", "damaged", "bug", "user", "died"]
    message: str
    exit_code: NotRequired[int]


Answer = Finished | Refusal

PART_BYTES, SUMMARY_BYTES = 64 << 10, 4 << 10  # of a part and of a summary as JSON, at most
TRIES = 2  # at a part whose worker dies


class Resources(NamedTuple):
    """What the parts of one call need. alike: one kind of CPU, since they work on floats."""

    alike: bool = False


ANY = Resources()


class Executor(Protocol):
    """Where parts are worked on."""

    def map(
        self, function: str, parts: Sequence[Part], resources: Resources = ANY
    ) -> Iterator[Summary]:
        """The summaries of `function` for each part, in the order of the parts."""

    def close(self) -> None:
        """End what was started."""


class Bug(Exception):
    """An exception of our own code in a worker; carries its traceback."""


class Deaths:
    """How often workers died on each part: once is chance, twice is the part's."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._counts: dict[int, int] = {}

    def add(self, number: int, how: str) -> None:
        """One more; StageFailed for the last that is allowed."""
        self._counts[number] = self._counts.get(number, 0) + 1
        if self._counts[number] >= TRIES:
            raise StageFailed(
                f"{about(self._parts[number])}: a worker died twice on the same piece "
                f"({how}); nothing that was "
                "finished is lost; if memory ran out, use fewer workers and run again"
            )


def about(part: Part) -> str:
    """What a part is called in messages."""
    return str(part.get("about", "a part"))


def answer_to(function: str, part: Part) -> Answer:
    """Call a function; its summary with the seconds that it took, or what it raised."""
    started, cpu = time.monotonic(), cpu_seconds()
    try:
        module, _, name = function.partition(":")
        summary: Summary = getattr(importlib.import_module(module), name)(part)
        summary["seconds"] = time.monotonic() - started
        summary["cpu"] = cpu_seconds() - cpu
        return {"summary": summary}
    except Exception as error:
        return refusal(error, about(part))


def refusal(error: Exception, what: str) -> Refusal:
    """The answer for a part that could not be done; call it where the error is caught."""
    if isinstance(error, Changed):
        return {"error": "changed", "message": str(error)}
    if isinstance(error, Damaged):
        return {"error": "damaged", "message": str(error.path)}
    known = told(error)
    if known is None:
        return {"error": "bug", "message": traceback.format_exc()}
    message = str(error) if known is error else f"{what}: {known}"
    return {"error": "user", "message": message, "exit_code": known.exit_code}


def summary_of(answer: Answer) -> Summary:
    """The summary of an answer; raises what the function raised."""
    if "summary" in answer:
        return answer["summary"]
    if answer["error"] == "user":
        error = SeedbedError(answer["message"])
        error.exit_code = answer["exit_code"]
        raise error
    if answer["error"] == "changed":
        raise Changed(answer["message"])
    if answer["error"] == "damaged":
        raise Damaged(Path(answer["message"]))
    raise Bug(answer["message"])


def cpu_seconds() -> float:
    """CPU seconds of this process and of its children that have ended or wait."""
    times = os.times()
    ended = times.children_user + times.children_system
    return times.user + times.system + ended + cpu_of_waiting()
