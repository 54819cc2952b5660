"""What a run tells while it goes: events in a file, and lines for people.

`events.jsonl` is what report and terminal read; it holds times, which no manifest does. On a
terminal one line is rewritten; elsewhere a plain line is printed when a step ends or takes long.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import IO, Any

from pipeline.terminal import Screen, line
from stages.secrets import masked_values
from stages.words import duration, number, rate

_PATIENCE = 2.0  # seconds before a step is worth a line of progress
_NOTED = 1.0  # seconds between two events of one stage
_PLAIN_EVERY = 15.0  # seconds between two plain lines of one step


class Progress:
    """Writes events and shows progress."""

    def __init__(self, events: Path | None, stream: IO[str] | None = None) -> None:
        given = stream or sys.stderr
        self._stream = given if isinstance(given, Screen) else Screen(given)
        self._terminal = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._file = (
            open(events, "w", encoding="utf-8", errors="backslashreplace") if events else None  # noqa: SIM115
        )
        self._began = self._shown = time.monotonic()
        self._first: tuple[int, float] | None = None  # units that were done, and when
        self._label = ""
        self._line = False
        self._noted = -math.inf

    def event(self, kind: str, **values: Any) -> None:
        """Append one event."""
        if self._file:
            row = {"event": kind, "time": round(time.time(), 3), **masked_values(values)}
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self._file.flush()

    def begin(self, label: str) -> None:
        """A step begins."""
        self._label, self._began = label, time.monotonic()
        self._shown, self._first = self._began, None

    def step(self, done: int, total: int) -> None:
        """`done` of `total` units of the step are finished.

        The first call says where the work begins, which after a resume is not at nothing; only
        where it is the first unit, the time since the step began counts for it.
        """
        now = time.monotonic()
        if self._first is None:
            self._first = (0, self._began) if done == 1 else (done, now)
        spent = now - self._began
        if spent < _PATIENCE or now - self._shown < (0.2 if self._terminal else _PLAIN_EVERY):
            return
        self._shown = now
        before, since = self._first
        made, spent = done - before, now - since
        text = f"{self._label}: {number(done)} of {number(total)}"
        if made > 0 and spent > 0:
            text += f", {rate(made, spent)}, {duration(spent / made * (total - done))} left"
        if self._terminal:
            self._stream.rewrite(line(text)[: _width() - 1])
            self._stream.flush()
            self._line = True
        else:
            self.say(text)

    def timed(self, done: int, total: int) -> None:
        """The same of a stage that works by itself, whose units are steps of its own: how long
        each takes is nowhere else, so it is an event as well, at most one a second."""
        now = time.monotonic()
        if done in (0, total) or now - self._noted >= _NOTED:
            self._noted = now
            self.event("step", label=self._label, done=done, total=total)
        self.step(done, total)

    def say(self, text: str) -> None:
        """A line for people."""
        if self._line:
            self._stream.rewrite("")
            self._line = False
        self._stream.say(text)
        self._stream.flush()

    def close(self) -> None:
        """End the line and the file."""
        if self._line:
            self._stream.write("\n")
            self._line = False
        if self._file:
            self._file.close()


def _width() -> int:
    import shutil

    return shutil.get_terminal_size((100, 24)).columns
