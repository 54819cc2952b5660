"""Workers: processes of this machine that do jobs, and die with the driver.

One method, `map`: jobs in, summaries out, in order. What travels is JSON: a job names its input
by path and writes its output itself, so another executor (a cluster's) is this one method again.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from pipeline.engine.content import Damaged
from pipeline.engine.work import Job, Summary
from pipeline.trouble import told
from stages import user_code
from stages.child import cpu_of_waiting, die_with_parent, fork_from_here, python, receive, send
from stages.errors import Changed, SeedbedError, StageFailed


class Executor(Protocol):
    """Where jobs are done."""

    def map(self, jobs: Sequence[Job]) -> Iterator[Summary]:
        """The summaries of the jobs, in the order of the jobs."""

    def close(self) -> None:
        """End what was started."""


class Bug(Exception):
    """An exception of our own code in a worker; carries its traceback."""


class LocalExecutor:
    """`workers` processes of this machine, started when there is work for them."""

    def __init__(self, workers: int, paths: Sequence[Path] = ()) -> None:
        self._limit = workers
        self._paths = [str(path) for path in paths]
        self._workers: list[_Worker] = []

    def map(self, jobs: Sequence[Job]) -> Iterator[Summary]:
        """Do the jobs; a job whose worker dies is given to a fresh one, once."""
        done: dict[int, Summary] = {}
        waiting = list(range(len(jobs)))[::-1]
        tried: dict[int, int] = {}
        given = 0
        while given < len(jobs):
            self._give_out(jobs, waiting)
            for worker in self._ready():
                number, answer = worker.answer()
                if answer is not None:
                    done[number] = _summary(answer)
                    continue
                self._workers.remove(worker)
                tried[number] = tried.get(number, 0) + 1
                if tried[number] > 1:
                    raise StageFailed(
                        f"{_stages(jobs[number])}: a worker died twice on the same piece "
                        f"({worker.end()}); nothing that was "
                        "finished is lost; if memory ran out, use fewer workers and run again"
                    )
                waiting.append(number)
            while given in done:
                yield done.pop(given)
                given += 1

    def _give_out(self, jobs: Sequence[Job], waiting: list[int]) -> None:
        for worker in self._workers:
            if waiting and worker.number is None:
                number = waiting.pop()
                worker.give(number, jobs[number])
        while waiting and len(self._workers) < self._limit:
            worker = _Worker(self._paths)
            self._workers.append(worker)
            number = waiting.pop()
            worker.give(number, jobs[number])

    def _ready(self) -> list[_Worker]:
        busy = {worker.output: worker for worker in self._workers if worker.number is not None}
        return [busy[stream] for stream in select.select(list(busy), [], [])[0]]

    def close(self) -> None:
        """Kill the workers; what they had not committed is made again by the next run."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()


class _Worker:
    def __init__(self, paths: list[str]) -> None:
        command, environment = python("pipeline.executors.local")
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
        self._hello = {"paths": paths, "driver": os.getpid()}

    @property
    def output(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout

    def give(self, number: int, job: Job) -> None:
        assert self.process.stdin is not None
        self.number = number
        with contextlib.suppress(BrokenPipeError):
            if self._hello:
                send(self.process.stdin, self._hello)
                self._hello = {}
            send(self.process.stdin, job)

    def answer(self) -> tuple[int, dict[str, Any] | None]:
        message = receive(self.output)
        number = self.number
        assert number is not None
        self.number = None
        return number, None if message is None else message[0]

    def end(self) -> str:
        self.process.kill()
        status = self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()
        return f"signal {-status}" if status < 0 else f"exit status {status}"


def _summary(answer: dict[str, Any]) -> Summary:
    if "summary" in answer:
        summary: Summary = answer["summary"]
        return summary
    if answer["error"] == "user":
        error = SeedbedError(answer["message"])
        error.exit_code = answer["exit_code"]
        raise error
    if answer["error"] == "changed":
        raise Changed(answer["message"])
    if answer["error"] == "damaged":
        raise Damaged(Path(answer["message"]))
    raise Bug(answer["message"])


def main() -> None:
    """A worker's side: jobs from standard input until it ends."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides what Ctrl-C means
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    hello = receive(jobs)
    if hello is None or os.getppid() != hello[0]["driver"]:  # it died before `die_with_parent`
        return
    user_code.look_in(*hello[0]["paths"])
    fork_from_here()
    try:
        from stages.pandas_later import load_pandas_later

        load_pandas_later()
        from pipeline.engine.jobs import execute
    except Exception as error:  # memory ran out while libraries were loaded
        if (message := receive(jobs)) is not None:
            send(answers, _refusal(error, _stages(message[0])))
        return
    while (message := receive(jobs)) is not None:
        started, cpu = time.monotonic(), cpu_seconds()
        try:
            summary = execute(message[0])
            summary["seconds"] = time.monotonic() - started
            summary["cpu"] = cpu_seconds() - cpu
            answer: dict[str, Any] = {"summary": summary}
        except Exception as error:
            answer = _refusal(error, _stages(message[0]))
        send(answers, answer)


def _stages(job: Job) -> str:
    return ", ".join(step["stage"] for step in job["steps"])


def _refusal(error: Exception, stage: str) -> dict[str, Any]:
    """The answer for a job that could not be done; call it where the error is caught."""
    if isinstance(error, Changed):
        return {"error": "changed", "message": str(error)}
    if isinstance(error, Damaged):
        return {"error": "damaged", "message": str(error.path)}
    known = told(error)
    if known is None:
        return {"error": "bug", "message": traceback.format_exc()}
    message = str(error) if known is error else f"{stage}: {known}"
    return {"error": "user", "message": message, "exit_code": known.exit_code}


def cpu_seconds() -> float:
    """CPU seconds of this process and of its children that have ended or wait."""
    times = os.times()
    ended = times.children_user + times.children_system
    return times.user + times.system + ended + cpu_of_waiting()
