"""A child process that reads hostile input and can be killed: how it starts, talks and ends.

The messages are JSON and raw bytes; nothing that the child sends is executed. A child that dies
before it is ready is never the fault of what it was to read. What is read in it: `reading`.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import os
import select
import signal
import struct
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from stages import check, user_code
from stages.base import Source
from stages.errors import StageFailed
from stages.watch import Board, show_on

_HEAD = struct.Struct("<II")  # bytes of JSON, bytes of raw data
_TICK = 0.05  # seconds between two looks at a silent child


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies (Linux; elsewhere nothing)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def python(module: str) -> tuple[list[str], dict[str, str]]:
    """Command and environment that run `main` of one of our modules in a new interpreter.

    The working folder is kept off the search path, so that no file of the user's shadows ours.
    """
    home = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(p for p in (home, os.environ.get("PYTHONPATH", "")) if p)
    command = [sys.executable, "-P", "-c", f"from {module} import main; main()"]
    return command, {**os.environ, "PYTHONPATH": path}


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has used; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return 0.0


def send(stream: IO[bytes], message: object, raw: bytes = b"") -> None:
    """Write one message."""
    text = json.dumps(message).encode()
    stream.write(_HEAD.pack(len(text), len(raw)) + text)
    stream.write(raw)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[Any, bytes] | None:
    """Read one message; None at the end of the stream."""
    head = _exactly(stream, _HEAD.size)
    if len(head) < _HEAD.size:
        return None
    size, extra = _HEAD.unpack(head)
    text, raw = _exactly(stream, size), _exactly(stream, extra)
    return (json.loads(text), raw) if len(text) == size and len(raw) == extra else None


def _exactly(stream: IO[bytes], size: int) -> bytes:
    """So many bytes, fewer only at the end of the stream; it may have no buffer."""
    data = stream.read(size)
    if len(data) == size or not data:
        return data
    pieces = [data]
    left = size - len(data)
    while left and (data := stream.read(left)):
        pieces.append(data)
        left -= len(data)
    return b"".join(pieces)


class Died(Exception):
    """The child ended while it worked; `cause` is deadline, memory or crash."""

    def __init__(self, cause: str, **evidence: object) -> None:
        super().__init__(cause)
        self.cause, self.evidence = cause, evidence


class Process:
    """A reading process for one stage: started, watched, killed.

    It is forked from a worker, which costs nothing, and elsewhere (in a program that may have
    threads and much in memory) a fresh interpreter.
    """

    def __init__(self, stage: Source) -> None:
        self.stage = stage
        self.board = Board()
        from stages import registry

        hello = {
            "stage": registry.word_of(type(stage)),
            "folders": user_code.folders(),
            "home": registry.folder_of(type(stage)),
            "parameters": check.as_json(stage),
            "memory": stage.memory,
            "board": self.board.descriptor,
        }
        theirs, requests = os.pipe()
        answers, ours = os.pipe()
        if _may_fork:
            _warm_up(stage)
        fork = _may_fork and _can_fork()
        start = _forked if fork else _spawned
        self._popen, self.pid = start((theirs, ours), (requests, answers), self.board.descriptor)
        os.close(theirs)
        os.close(ours)
        self._stdin = os.fdopen(requests, "wb")
        self._stdout = os.fdopen(answers, "rb", buffering=0)  # `select` sees no buffer of ours
        try:
            send(self._stdin, hello)
            ready = receive(self._stdout)
        except BrokenPipeError:
            ready = None
        if ready is None:
            raise StageFailed(
                f"{stage.name}: the reading process did not start "
                f"(exit status {self.wait()}); its message stands above"
            )

    def cpu(self) -> float:
        """CPU seconds that it has used; 0 when it is gone."""
        return cpu_of(self.pid)

    def tell(self, message: object, raw: bytes = b"") -> None:
        """Send it a message; BrokenPipeError when it is gone."""
        send(self._stdin, message, raw)

    def hear(self, limit: Callable[[], None]) -> tuple[Any, bytes]:
        """Its next message. limit: called at every tick of waiting; raises Died when it is enough.
        Raises Died for a process that ends."""
        try:
            while not select.select([self._stdout], [], [], _TICK)[0]:
                limit()
            answer = receive(self._stdout)
        except BrokenPipeError:
            answer = None
        if answer is None:
            raise Died("crash", exit_status=self.wait())
        return answer

    def wait(self) -> int:
        """Its exit status; minus the signal that killed it."""
        if self._popen is not None:
            return self._popen.wait()
        if self._status is None:
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._status

    _status: int | None = None

    def close(self) -> None:
        """End it."""
        if self._popen is not None:
            self._popen.kill()
        elif self._status is None:
            os.kill(self.pid, signal.SIGKILL)
        self.wait()
        for stream in (self._stdin, self._stdout):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        self.board.close()


# The process of the last part that was read: a fresh one costs as much as fifty pages.
_waiting: dict[Source, Process] = {}


def take(stage: Source) -> Process | None:
    """The process that waits for a part of this stage."""
    return _waiting.pop(stage, None)


def keep(process: Process) -> None:
    """Let a process wait for the next part; one that waited before ends."""
    end_waiting()
    _waiting[process.stage] = process


@atexit.register
def end_waiting() -> None:
    """End the process that waits for a part."""
    while _waiting:
        _waiting.popitem()[1].close()


def cpu_of_waiting() -> float:
    """CPU seconds of the process that waits; those of ended ones are in `os.times`."""
    return sum(process.cpu() for process in _waiting.values())


_may_fork = False


def fork_from_here() -> None:
    """This process is a worker, with one thread and little in memory: readers may be forked."""
    global _may_fork
    _may_fork = True


def _warm_up(stage: Source) -> None:
    """Load what reader and worker both need before the fork, so that it is loaded once."""
    from stages.reading import warm_up

    warm_up(stage)


def _can_fork() -> bool:
    """Whether a fork is safe: one thread beside that of Arrow's allocator, which knows forks."""
    try:
        tasks = [Path("/proc/self/task", task, "comm") for task in os.listdir("/proc/self/task")]
        return sum(path.read_text() != "jemalloc_bg_thd\n" for path in tasks) == 1
    except OSError:
        return False


_Ends = tuple[int, int]  # what one side reads and what it writes


def _spawned(theirs: _Ends, ours: _Ends, board: int) -> tuple[subprocess.Popen[bytes] | None, int]:
    command, environment = python("stages.child")
    process = subprocess.Popen(
        command, env=environment, stdin=theirs[0], stdout=theirs[1], pass_fds=[board]
    )
    return process, process.pid


def _forked(theirs: _Ends, ours: _Ends, board: int) -> tuple[subprocess.Popen[bytes] | None, int]:
    worker = os.getpid()
    pid = os.fork()
    if pid:
        return None, pid
    status = 1
    try:
        for descriptor in ours:
            os.close(descriptor)
        die_with_parent()
        if os.getppid() == worker:
            _serve(os.fdopen(theirs[0], "rb"), os.fdopen(theirs[1], "wb"))
            status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def main() -> None:
    """The side of a child that was started as a fresh interpreter."""
    parent = os.getppid()
    die_with_parent()
    if os.getppid() != parent:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints goes to stderr, not into the answers
    _serve(requests, answers)


def _serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer documents and parts until the requests end, or nobody waits for answers."""
    try:
        _answer_all(requests, answers)
    except BrokenPipeError:  # the worker gave up in the middle of a part, and has told why
        with contextlib.suppress(OSError):
            answers.close()  # what it still holds goes nowhere


def _answer_all(requests: IO[bytes], answers: IO[bytes]) -> None:
    hello = receive(requests)
    if hello is None:
        return
    from stages.pandas_later import load_pandas_later

    load_pandas_later()
    from stages.reading import answer_part
    from stages.sample import answer_sample

    stage = _stage_of(hello[0])
    show_on(Board(hello[0]["board"]))
    _warm_up(stage)
    _limit_memory(hello[0]["memory"] << 20)
    send(answers, {"ready": True})
    while (request := receive(requests)) is not None:
        do = answer_sample if "sample" in request[0] else answer_part
        do(stage, request[0], lambda text, data: send(answers, text, data))


def _stage_of(hello: dict[str, Any]) -> Source:
    """The stage to read with; a module that only the parent finds is looked for where it lies."""
    from stages import registry

    if hello["folders"] != user_code.folders():
        user_code.look_in(*hello["folders"])
    top = hello["stage"].partition(":")[0].partition(".")[0]
    if ":" in hello["stage"] and not user_code.is_found(top):
        user_code.look_in(*hello["folders"], hello["home"])
    stage = check.build(registry.find(hello["stage"]), hello["parameters"])
    assert isinstance(stage, Source)
    return stage


def _limit_memory(size: int) -> None:
    """Bound what this process may take beside what it has."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        size += int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
