"""A Ray cluster: parts are tasks of Ray Core, and each is worked on by a worker of ours.

Ray is a place to run and keeps nothing: no part's input or output goes through its object store,
and a part that was lost with a process or a node is given out again here, as on one machine.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.engine.work import Summary
from pipeline.executors.machine import machine
from pipeline.executors.relay import relayed
from pipeline.executors.tasks import ANY, DIED, Answer, Deaths, Part, Resources, summary_of
from stages.errors import StageFailed
from stages.require import require

# Parts under way: so many for each CPU of the cluster, so that none waits for the driver, and no
# more than that, since each is a reference that the driver holds.
_EACH, _LEAST, _MOST = 4, 64, 256
_MOMENT = 0.01  # seconds


class RayExecutor:
    """The cluster of RAY_ADDRESS, else the one that this machine belongs to, else one that is
    started on this machine and ends with the run."""

    def __init__(self, paths: Sequence[Path] = ()) -> None:
        self._paths = [str(path) for path in paths]
        self._ray = require("ray", "ray")
        try:
            self._ray.init(include_dashboard=False, log_to_driver=True, logging_level=logging.ERROR)
        except Exception as error:  # whatever Ray makes of an address, a token, a port
            told = " ".join(str(error).split())[:300] or type(error).__name__
            raise StageFailed(
                f"the Ray cluster cannot be reached: {told}; look at RAY_ADDRESS, and give driver "
                "and nodes the same token"
            ) from None
        # Deaths are counted here: Ray tries nothing again by itself.
        self._do = self._ray.remote(num_cpus=1, max_retries=0)(relayed)
        cpus = self._ray.cluster_resources().get("CPU", 1)
        self._window = min(max(int(_EACH * cpus), _LEAST), _MOST)

    def map(
        self, function: str, parts: Sequence[Part], resources: Resources = ANY
    ) -> Iterator[Summary]:
        """Work on the parts; one whose worker or node dies is given out again, once."""
        done: dict[int, Summary] = {}
        waiting = list(range(len(parts)))[::-1]
        running: dict[Any, int] = {}
        deaths = Deaths(parts)
        given = 0
        shared = (self._paths, machine(), resources.alike)
        while given < len(parts):
            while waiting and len(running) < self._window:
                number = waiting.pop()
                running[self._do.remote(function, dict(parts[number]), *shared)] = number
            for reference in self._ended(list(running)):
                number = running.pop(reference)
                try:
                    answer: Answer = self._ray.get(reference)
                except self._ray.exceptions.RayError as error:
                    answer = {"error": DIED, "message": _why(error)}
                if "error" in answer and answer["error"] == DIED:
                    deaths.add(number, answer["message"])
                    waiting.append(number)
                else:
                    done[number] = summary_of(answer)
            while given in done:
                yield done.pop(given)
                given += 1

    def _ended(self, references: list[Any]) -> list[Any]:
        """Those that have ended; at least one. Waiting costs the driver as much for one as for
        all, so what ends a moment later is taken along."""
        self._ray.wait(references, num_returns=1)
        ended, _ = self._ray.wait(references, num_returns=len(references), timeout=_MOMENT)
        return list(ended)

    def close(self) -> None:
        """Leave the cluster, which ends the tasks of this driver and their workers."""
        self._ray.shutdown()


def _why(error: Exception) -> str:
    """The first sentence of what Ray tells."""
    return " ".join(str(error).split()).partition(". ")[0][:200]
