"""A Ray cluster of nodes on this machine, for tests: started, its parts stopped and killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline import world

# A dead node is known after about ten seconds.
_SETTINGS = {"health_check_period_ms": 1000, "health_check_failure_threshold": 5}
_MEMORY = 80 << 20  # bytes of the object store: nothing goes through it


class Nodes:
    """A head without CPUs and nodes of one CPU each; `address` is what a driver is told."""

    def __init__(self, count: int) -> None:
        from ray.cluster_utils import Cluster

        before, handler = dict(os.environ), signal.getsignal(signal.SIGTERM)
        os.environ.update(world.environment())
        try:
            self._cluster: Any = Cluster(
                initialize_head=True,
                head_node_args={
                    "num_cpus": 0,
                    "object_store_memory": _MEMORY,
                    "include_dashboard": False,
                    "_system_config": _SETTINGS,
                },
            )
            self.nodes = [self._add() for _ in range(count)]
        except BaseException:
            if hasattr(self, "_cluster"):
                self.close()
            raise
        finally:
            signal.signal(signal.SIGTERM, handler)  # Ray puts one of its own there
            os.environ.clear()
            os.environ.update(before)
        self.address = str(self._cluster.address)

    def _add(self) -> Any:
        return self._cluster.add_node(num_cpus=1, object_store_memory=_MEMORY)

    def processes(self, node: Any) -> list[int]:
        """The processes of a node: its raylet and what that started."""
        raylets = [one.process.pid for one in node.all_processes["raylet"]]
        found, waiting = [], list(raylets)
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            waiting += children(pid)
        return found

    def send(self, node: Any, number: signal.Signals) -> None:
        """Send a signal to all processes of a node."""
        for pid in self.processes(node):
            os.kill(pid, number)

    def workers(self, node: Any) -> list[int]:
        """The workers of ours on a node, with the readers forked from them."""
        return [pid for pid in self.processes(node) if b"executors.worker" in _command(pid)]

    def all(self) -> list[int]:
        """The processes of the whole cluster."""
        started = [
            one.process.pid
            for node in self._cluster.list_all_nodes()
            for ones in node.all_processes.values()
            for one in ones
        ]
        below = [pid for node in self.nodes for pid in self.processes(node)]
        return sorted({*started, *below})

    def head(self) -> int:
        """The process that knows the cluster."""
        (server,) = self._cluster.head_node.all_processes["gcs_server"]
        return int(server.process.pid)

    def close(self) -> None:
        """Kill all of it."""
        for node in [*self._cluster.list_all_nodes()]:
            node.kill_all_processes(check_alive=False, allow_graceful=False)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def children(pid: int) -> list[int]:
    """The processes that a process has started, and that live."""
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(word) for word in done.stdout.split()]


@contextmanager
def cluster(count: int = 2) -> Iterator[Nodes]:
    """A cluster; the test is left out where Ray cannot be imported."""
    pytest.importorskip("ray")
    nodes = _started(count)
    try:
        yield nodes
    finally:
        nodes.close()


def _started(count: int) -> Nodes:
    """A machine that does much else may take longer than Ray waits: it is tried again."""
    for left in reversed(range(3)):
        try:
            return Nodes(count)
        except Exception:
            if not left:
                raise
    raise AssertionError


def driver(nodes: Nodes) -> dict[str, str]:
    """What a driver's environment names."""
    return {"RAY_ADDRESS": nodes.address, "RAY_gcs_rpc_server_reconnect_timeout_s": "5"}
