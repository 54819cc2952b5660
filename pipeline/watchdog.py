"""A run watched from outside: one that finishes nothing any more is killed and begun again.

What hangs may be the driver itself, or a library below it whose node has frozen; so this process
only looks at what the run tells, `events.jsonl`. What is in the store is not made again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from stages.child import die_with_parent, python
from stages.errors import Preempted, SeedbedError, StageFailed, UsageError

TRIES = 3  # runs one after the other of which each finished nothing
_TICK = 0.25  # seconds between two looks
_BUG = 1  # the exit code of a bug of ours, and of libraries that end the process
_ORDERLY = {0, SeedbedError.exit_code, UsageError.exit_code, StageFailed.exit_code}
_ORDERLY |= {Preempted.exit_code, 128 + signal.SIGINT}
_FINISHED = (b'{"event": "piece"', b'{"event": "step"')


def watched(words: Sequence[str], folder: Path, patience: float) -> int:
    """Run `seedbed WORDS` until it ends by itself; its exit code.

    folder: the run's. patience: seconds without an event after which it is killed. A run that
    something else kills (for want of memory, with the head of a cluster) is begun again too.
    StageFailed after three runs of which none finished a piece.
    """
    command, environment = python("seedbed")
    left = TRIES
    while True:
        before = _stamp(folder / "run.json")
        process = subprocess.Popen([*command, *words], env=environment, preexec_fn=die_with_parent)
        try:
            why = _until_silent(process, folder / "events.jsonl", patience)
        except KeyboardInterrupt as stop:  # SIGTERM and SIGHUP too: the run saves what it can
            own = type(stop) is KeyboardInterrupt
            process.send_signal(signal.SIGINT if own else signal.SIGTERM)
            process.wait()
            raise
        code = process.returncode
        if not why:
            told = code != _BUG or _stamp(folder / "run.json") != before
            if code in _ORDERLY and told:
                return code
            why = f"signal {-code}" if code < 0 else f"exit status {code}, and no word on it"
        left = TRIES if _finished(folder / "events.jsonl") else left - 1
        if not left:
            raise StageFailed(
                f"{TRIES} runs finished nothing ({why}); what was finished before is kept"
            )
        print(f"seedbed: the run ended without its own word: {why}; once more", file=sys.stderr)


def _until_silent(process: subprocess.Popen[bytes], events: Path, patience: float) -> str:
    """Wait for the process; why it was killed, empty where it ended."""
    seen, since = _stamp(events), time.monotonic()
    while process.poll() is None:
        time.sleep(_TICK)
        now = _stamp(events)
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > patience:
            process.kill()
            process.wait()
            return f"nothing was finished for {patience / 60:g} minutes"
    return ""


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _finished(events: Path) -> bool:
    """Whether the run finished a piece, or a step of a stage that works by itself."""
    try:
        with open(events, "rb") as lines:
            return any(line.startswith(_FINISHED) for line in lines)
    except OSError:
        return False
