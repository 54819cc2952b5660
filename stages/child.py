"""A child process that reads hostile documents and can be killed.

One request, one answer: the parent always knows which document is under way. A document that
kills the child is tried once more in a fresh one; what kills both is that document's fault. A
child that dies before it is ready, or is killed from outside, is never booked as a document's.
The messages are JSON and raw bytes; nothing that the child sends is executed.
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
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from stages import check
from stages.base import DocumentSource, Fault, Item
from stages.errors import StageFailed, Unreadable, Unwanted
from stages.place import Place

_HEAD = struct.Struct("<II")  # bytes of JSON, bytes of raw data
_TICK = 0.05  # seconds between two looks at a silent child
_WALL = 10  # wall time allowed, as a multiple of the CPU deadline


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


def send(stream: IO[bytes], message: object, raw: bytes = b"") -> None:
    """Write one message."""
    text = json.dumps(message).encode()
    stream.write(_HEAD.pack(len(text), len(raw)) + text + raw)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[Any, bytes] | None:
    """Read one message; None at the end of the stream."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    size, extra = _HEAD.unpack(head)
    text = stream.read(size)
    raw = stream.read(extra)
    return (json.loads(text), raw) if len(text) == size and len(raw) == extra else None


class Died(Exception):
    """The child ended while it worked; `cause` is deadline, memory or crash."""

    def __init__(self, cause: str, **evidence: object) -> None:
        super().__init__(cause)
        self.cause, self.evidence = cause, evidence


class Child:
    """One child process for one stage."""

    def __init__(self, stage: DocumentSource) -> None:
        self.stage = stage
        self.asked = 0
        command, environment = python("stages.child")
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        hello = {"stage": stage.name, "parameters": check.as_json(stage), "memory": stage.memory}
        try:
            send(self._stdin, hello)
            ready = receive(self._stdout)
        except BrokenPipeError:
            ready = None
        if ready is None:
            raise StageFailed(
                f"{stage.name}: the reading process did not start "
                f"(exit status {self.process.wait()}); its message stands above"
            )

    @property
    def _stdin(self) -> IO[bytes]:
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def _stdout(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout

    def _cpu(self) -> float:
        try:
            with open(f"/proc/{self.process.pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, IndexError, ValueError):
            return 0.0

    def ask(self, place: Place, raw: bytes) -> Any:
        """The child's answer for one document; raises Died."""
        self.asked += 1
        start, cpu = time.monotonic(), self._cpu()
        try:
            send(self._stdin, {"place": str(place)}, raw)
            while not select.select([self._stdout], [], [], _TICK)[0]:
                wall = time.monotonic() - start
                if self._cpu() - cpu > self.stage.deadline or wall > _WALL * self.stage.deadline:
                    self.close()
                    raise Died("deadline", cpu_seconds=self.stage.deadline)
            answer = receive(self._stdout)
        except BrokenPipeError:
            answer = None
        if answer is None:
            status = self.process.wait()
            raise Died("crash", exit_status=status)
        return answer[0]

    def close(self) -> None:
        """End the child."""
        self.process.kill()
        self.process.wait()
        self._stdin.close()
        self._stdout.close()


def extracted_in_child(
    stage: DocumentSource, items: Iterator[tuple[Place, bytes] | Fault]
) -> Iterator[Item | Fault]:
    """Extract documents one after the other in a child, which then waits for the next part."""
    child = _waiting.pop(stage, None)
    try:
        for item in items:
            if isinstance(item, Fault):
                yield item
                continue
            place, raw = item
            crashed = killed = 0
            while True:
                current = child = child or Child(stage)
                try:
                    answer = current.ask(place, raw)
                    if answer.get("reason") == "memory" and current.asked > 1:
                        current.close()  # what earlier documents left behind may have filled it
                        child = None
                        continue
                    yield _answer(stage, place, raw, answer)
                    break
                except Died as death:
                    current.close()
                    child = None
                    if _from_outside(death):
                        killed += 1
                        if killed == 3:
                            raise StageFailed(
                                f"{stage.name}: the reading process was killed three times at "
                                f"{place} by another process (is the machine out of memory?)"
                            ) from None
                        continue
                    crashed += 1
                    if crashed > 1 or death.cause == "deadline":
                        yield Fault(place, death.cause, death.evidence, raw=raw)
                        break
    except BaseException:
        if child is not None:
            child.close()
        raise
    _end_waiting()
    if child is not None:
        _waiting[stage] = child


# The child of the last part that was read: starting one costs as much as fifty pages.
_waiting: dict[DocumentSource, Child] = {}


@atexit.register
def _end_waiting() -> None:
    while _waiting:
        _waiting.popitem()[1].close()


def _from_outside(death: Died) -> bool:
    return death.evidence.get("exit_status") in (-signal.SIGKILL, -signal.SIGTERM)


def _answer(stage: DocumentSource, place: Place, raw: bytes, answer: Any) -> Item | Fault:
    if "records" in answer:
        return Item(place, raw, answer["records"])
    if "trouble" in answer:
        raise StageFailed(
            f"{stage.name}: reading stopped at {place}, and not through the page's fault: "
            f"{answer['trouble']}"
        )
    failed = answer.get("failed", True)
    return Fault(place, answer["reason"], answer["evidence"], failed=failed, raw=raw)


def main() -> None:
    """The child's side."""
    parent = os.getppid()
    die_with_parent()
    if os.getppid() != parent:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints goes to stderr, not into the answers
    hello = receive(requests)
    if hello is None:
        return
    import stages

    stage = check.build(stages.stage(hello[0]["stage"]), hello[0]["parameters"])
    _limit_memory(hello[0]["memory"] << 20)
    send(answers, {"ready": True})
    while (request := receive(requests)) is not None:
        place = Place.parse(request[0]["place"])
        send(answers, _extract(stage, place, request[1]))


def _extract(stage: DocumentSource, place: Place, raw: bytes) -> dict[str, Any]:
    try:
        return {"records": stage.extract(place, raw)}
    except Unreadable as error:
        failed = not isinstance(error, Unwanted)
        return {"reason": error.reason, "evidence": error.evidence, "failed": failed}
    except MemoryError:
        return {"reason": "memory", "evidence": {"limit_mb": stage.memory}}
    except (ImportError, OSError) as error:
        return {"trouble": f"{type(error).__name__}: {error}"}
    except Exception as error:  # the border around a stage's own call
        return {"reason": "crash", "evidence": {"error": f"{type(error).__name__}: {error}"}}


def _limit_memory(size: int) -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (size, size))
