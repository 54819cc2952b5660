"""SIGINT, SIGTERM and SIGHUP, wherever they come: one exit code each, the same in all commands.

The handler raises what no `except Exception` holds. A library in C may lose it and stumble, or go
on: the signal is remembered, and may be sent again. A signal that is ignored from the start, as
SIGHUP under nohup, stays ignored.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence

from stages.errors import Terminated

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE = 1.0  # seconds in which a second signal says nothing new, and the first is obeyed

_came: list[int] = []
_last = 0.0
_over = False


def listen(early: Sequence[int] = ()) -> None:
    """Raise KeyboardInterrupt for SIGINT, and Terminated for the others, from now on. early: those
    that came while our code was loaded."""
    global _over
    _came.clear()
    _over = False
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)
    for came in early:
        stop(came, None)


def rest() -> None:
    """What comes from now on changes nothing any more."""
    global _over
    _over = True


def ignore() -> None:
    """The same, also for what Python does at its end."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def stop(number: int, frame: object) -> None:
    """The handler."""
    global _last
    now = time.monotonic()
    if _over or (_came and now - _last < _PATIENCE):
        return
    _came.append(number)
    _last = now
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated


def outcome() -> tuple[int, str] | None:
    """(exit code, sentence) of the first signal that came; None when none did."""
    if not _came:
        return None
    if _came[0] == signal.SIGINT:
        return 130, "interrupted; what was finished is kept, the same command goes on"
    name = signal.Signals(_came[0]).name
    return 75, f"stopped by {name}; what was finished is kept, the same command goes on"
