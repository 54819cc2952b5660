"""A part that came to this process from elsewhere, worked on by a worker of this machine."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.executors.machine import Machine, difference
from pipeline.executors.tasks import DIED, Answer, Part
from pipeline.executors.worker import Worker
from stages.errors import UsageError

_workers: dict[tuple[str, ...], Worker] = {}  # by the folders of the user's modules


def relayed(
    function: str, part: Part, paths: Sequence[str], wanted: Machine, alike: bool
) -> Answer:
    """The answer to a part, of the worker of this process; it says when that died.

    wanted: the driver's machine, to which this one is compared first.
    """
    if wrong := difference(wanted, alike):
        return {"error": "user", "message": wrong, "exit_code": UsageError.exit_code}
    key = tuple(paths)
    if key not in _workers:
        _workers[key] = Worker(paths)
    _workers[key].give(0, function, part)
    answer = _workers[key].answer()[1]
    return answer if answer is not None else {"error": DIED, "message": _workers.pop(key).end()}


def end() -> None:
    """Kill the worker of this process."""
    while _workers:
        _workers.popitem()[1].end()
