"""Job arrays of a cluster's queue: `seedbed run-part` works on parts that lie in a shared folder.

A command of the user's submits the array and returns when it has ended (`sbatch --wait`). Parts
are lines of a file, and each answer is a file beside it, so nothing but the folder is shared.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pipeline.engine.work import Summary
from pipeline.executors.machine import machine
from pipeline.executors.relay import end, relayed
from pipeline.executors.tasks import ANY, DIED, Answer, Deaths, Part, Resources, summary_of
from stages.errors import StageFailed, UsageError

SLURM = 'sbatch --wait --quiet --array=0-{last} --wrap "seedbed run-part {parts}"'
_MOST = 1000  # tasks of an array: what Slurm allows unless it was told otherwise


class ArrayExecutor:
    """submit: a command with `{parts}`, the file, and `{last}`, the number of the array's last
    task, from 0; it does not return before the array has ended. store: the folder that all
    machines share."""

    def __init__(self, submit: str, store: Path, paths: Sequence[Path] = ()) -> None:
        self._paths = [str(path) for path in paths]
        self._store = store
        try:
            submit.format(parts="", last=0)
            self._submit = shlex.split(submit)
        except (KeyError, IndexError, ValueError) as error:
            raise UsageError(
                f"--submit: {error}; it may hold {{parts}} and {{last}}: {submit}"
            ) from None

    def map(
        self, function: str, parts: Sequence[Part], resources: Resources = ANY
    ) -> Iterator[Summary]:
        """Submit all parts as one array, and those whose task died as another one."""
        deaths = Deaths(parts)
        answers: dict[int, Answer] = {}
        missing = list(range(len(parts)))
        while missing:
            found = self._submitted(function, [parts[n] for n in missing], resources)
            for number, answer in zip(missing, found, strict=True):
                if "error" in answer and answer["error"] == DIED:
                    deaths.add(number, answer["message"])
                else:
                    answers[number] = answer
                    summary_of(answer)  # what was refused once is refused again
            missing = [n for n in missing if n not in answers]
        for number in range(len(parts)):
            yield summary_of(answers.pop(number))

    def _submitted(
        self, function: str, parts: Sequence[Part], resources: Resources
    ) -> list[Answer]:
        # A temporary folder of the store: one of a dead driver is swept like any other.
        name = f".tmp-parts-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        folder = self._store / "tmp" / name
        folder.mkdir(parents=True)
        try:
            file = folder / "parts.jsonl"
            head = [function, self._paths, machine(), resources.alike]
            file.write_text("".join(json.dumps(line) + "\n" for line in [head, *parts]))
            last = min(len(parts), _MOST) - 1
            command = [word.format(parts=file, last=last) for word in self._submit]
            try:
                done = subprocess.run(command, check=False)
            except FileNotFoundError:
                raise UsageError(
                    f"--submit: there is no command {command[0]!r} on this machine"
                ) from None
            found = [_read(folder / f"{number}.json") for number in range(len(parts))]
            if done.returncode and not any(found):
                raise StageFailed(
                    f"{command[0]} ended with {done.returncode} and no part was worked on; its "
                    "message stands above"
                )
            died: Answer = {"error": DIED, "message": "its task left no answer"}
            return [answer or died for answer in found]
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Nothing stays: an array has ended when its command has."""


def work_on(file: Path, numbers: Iterable[int] | None, share: tuple[int, int]) -> int:
    """Work on parts of a file that `map` wrote; returns how many. numbers: which; None: those
    that are number `share[0]` when they are counted off in `share[1]`."""
    try:
        head, *lines = file.read_text().splitlines()
        function, paths, wanted, alike = json.loads(head)
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: no file of parts ({error})") from None
    chosen = range(share[0], len(lines), share[1]) if numbers is None else list(numbers)
    if wrong := [number for number in chosen if not 0 <= number < len(lines)]:
        raise UsageError(f"{file} has parts 0 to {len(lines) - 1}, and no {wrong[0]}")
    try:
        for number in chosen:
            part: Part = json.loads(lines[number])
            _write(file.parent / f"{number}.json", relayed(function, part, paths, wanted, alike))
    finally:
        end()
    return len(chosen)


def _write(path: Path, answer: Answer) -> None:
    aside = path.with_name(f".{path.name}-{os.getpid()}")
    aside.write_text(json.dumps(answer))
    aside.replace(path)


def _read(path: Path) -> Answer | None:
    try:
        answer: Answer = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return answer
