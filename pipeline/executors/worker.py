"""A worker: a process that works on one part after the other, and dies with the one that started
it. All executors use it, so that what is made depends on none of them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TypedDict

from pipeline.executors.tasks import Answer, Part, about, answer_to, refusal
from stages import user_code
from stages.child import die_with_parent, fork_from_here, python, receive, send


class Hello(TypedDict):
    """The first that a worker hears. paths: the folders of the user's modules; driver: its pid."""

    paths: list[str]
    driver: int


class Worker:
    """The driver's side. paths: the folders of the user's modules."""

    def __init__(self, paths: Sequence[str | Path]) -> None:
        command, environment = python("pipeline.executors.worker")
        environment["OMP_NUM_THREADS"] = "1"  # floats must not depend on the number of workers
        environment["RAYON_NUM_THREADS"] = "1"  # a worker is one of as many as there are cores
        # The mask is inherited: Ctrl-C is the driver's, from the worker's first moment.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self.number: int | None = None
        self._hello: Hello | None = {"paths": list(map(str, paths)), "driver": os.getpid()}

    @property
    def output(self) -> IO[bytes]:
        """Where its answers come from."""
        assert self.process.stdout is not None
        return self.process.stdout

    def give(self, number: int, function: str, part: Part) -> None:
        """Let it work on a part."""
        assert self.process.stdin is not None
        self.number = number
        with contextlib.suppress(BrokenPipeError):
            if self._hello:
                send(self.process.stdin, self._hello)
                self._hello = None
            send(self.process.stdin, [function, part])

    def answer(self) -> tuple[int, Answer | None]:
        """The number of the part and the answer, once there is one; None when it died."""
        message = receive(self.output)
        number = self.number
        assert number is not None
        self.number = None
        return number, None if message is None else message[0]

    def end(self) -> str:
        """Kill it; how it ended."""
        self.process.kill()
        status = self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()
        return f"signal {-status}" if status < 0 else f"exit status {status}"


def main() -> None:
    """The worker's side: parts from standard input until it ends."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides what Ctrl-C means
    parts, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    hello = receive(parts)
    if hello is None or os.getppid() != hello[0]["driver"]:  # it died before `die_with_parent`
        return
    user_code.look_in(*hello[0]["paths"])
    fork_from_here()
    try:
        from stages.pandas_later import load_pandas_later

        load_pandas_later()
        import pipeline.engine.jobs  # noqa: F401 - what most parts need
    except Exception as error:  # memory ran out while libraries were loaded
        if (message := receive(parts)) is not None:
            send(answers, refusal(error, about(message[0][1])))
        return
    while (message := receive(parts)) is not None:
        function, part = message[0]
        send(answers, answer_to(function, part))
