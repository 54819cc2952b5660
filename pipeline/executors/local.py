"""Workers of this machine."""

from __future__ import annotations

import select
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.engine.work import Summary
from pipeline.executors.tasks import ANY, Deaths, Part, Resources, summary_of
from pipeline.executors.worker import Worker


class LocalExecutor:
    """`workers` processes of this machine, started when there is work for them."""

    def __init__(self, workers: int, paths: Sequence[Path] = ()) -> None:
        self._limit = workers
        self._paths = paths
        self._workers: list[Worker] = []

    def map(
        self, function: str, parts: Sequence[Part], resources: Resources = ANY
    ) -> Iterator[Summary]:
        """Work on the parts; one whose worker dies is given to a fresh one, once."""
        done: dict[int, Summary] = {}
        waiting = list(range(len(parts)))[::-1]
        deaths = Deaths(parts)
        given = 0
        while given < len(parts):
            self._give_out(function, parts, waiting)
            for worker in self._ready():
                number, answer = worker.answer()
                if answer is not None:
                    done[number] = summary_of(answer)
                    continue
                self._workers.remove(worker)
                deaths.add(number, worker.end())
                waiting.append(number)
            while given in done:
                yield done.pop(given)
                given += 1

    def _give_out(self, function: str, parts: Sequence[Part], waiting: list[int]) -> None:
        for worker in self._workers:
            if waiting and worker.number is None:
                number = waiting.pop()
                worker.give(number, function, parts[number])
        while waiting and len(self._workers) < self._limit:
            worker = Worker(self._paths)
            self._workers.append(worker)
            number = waiting.pop()
            worker.give(number, function, parts[number])

    def _ready(self) -> list[Worker]:
        busy = {worker.output: worker for worker in self._workers if worker.number is not None}
        return [busy[stream] for stream in select.select(list(busy), [], [])[0]]

    def close(self) -> None:
        """Kill the workers; what they had not committed is made again by the next run."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()
