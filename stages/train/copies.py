"""Copies of checkpoints in another folder or bucket, made while training goes on.

A rented machine takes its disk along when it goes; what was copied is there for the next one. Any
address that fsspec reads will do. The hashes of a checkpoint are copied last: without them a copy
is none.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.errors import UsageError
from stages.require import require
from stages.train.checkpoint import HASHES, KEPT, beside_of

FILES = ("state.json", "tensors")


class Copies(contextlib.AbstractContextManager["Copies"]):
    """Checkpoints of one run under `address`/`key`; without an address nothing is done."""

    def __init__(self, address: str | None, key: str) -> None:
        self._todo: queue.Queue[tuple[Path, dict[str, bytes]] | None] = queue.Queue(KEPT)
        self._system: Any = None
        self._thread: threading.Thread | None = None
        if address is None:
            return
        try:
            self._system, root = require("fsspec", "train").core.url_to_fs(address)
        except (ValueError, ImportError) as error:
            raise UsageError(f"train.copy_to {address}: {error}") from None
        self._root = f"{str(root).rstrip('/')}/{key[:32]}"

    def __enter__(self) -> Copies:
        if self._system is not None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Wait until all is copied."""
        if self._thread is not None:
            self._todo.put(None)
            self._thread.join()

    def put(self, folder: Path, beside: Mapping[str, int]) -> None:
        """Copy a checkpoint, with the first bytes of the files beside it, which go on growing. A
        copy that is behind is left out for a newer one."""
        if self._thread is None:
            return
        held = {}
        for name, size in beside.items():
            with open(folder.parent / name, "rb") as file:
                held[name] = file.read(size)
        with contextlib.suppress(queue.Full):
            self._todo.put_nowait((folder, held))

    def fetch(self, work: Path) -> None:
        """Bring the newest copy here when this machine has no checkpoint."""
        if self._system is None or any(work.glob("checkpoint-*")):
            return
        for place in reversed(self._places()):
            folder = work / f".{place}.{os.getpid()}"
            folder.mkdir(parents=True, exist_ok=True)
            try:
                for name in (*FILES, HASHES):
                    self._system.get_file(f"{self._root}/{place}/{name}", str(folder / name))
                for name in beside_of(folder):
                    self._system.get_file(f"{self._root}/{place}/{name}", str(work / name))
            except FileNotFoundError:  # its machine went before the copy was whole
                shutil.rmtree(folder)
                continue
            folder.rename(work / place)
            return

    def _places(self) -> list[str]:
        """Names of the copies, the newest last."""
        if not self._system.exists(self._root):
            return []
        listed = self._system.ls(self._root, detail=False)
        return sorted(str(path).rstrip("/").rpartition("/")[2] for path in listed)

    def _work(self) -> None:
        while (item := self._todo.get()) is not None:
            try:
                self._copy(*item)
            except Exception as error:  # whatever a store far away may answer: training goes on
                print(f"seedbed: train: {item[0].name} was not copied: {error}", file=sys.stderr)

    def _copy(self, folder: Path, beside: Mapping[str, bytes]) -> None:
        place = f"{self._root}/{folder.name}"
        self._system.makedirs(place, exist_ok=True)
        for name, data in beside.items():
            self._system.pipe_file(f"{place}/{name}", data)
        for name in (*FILES, HASHES):
            self._system.put_file(str(folder / name), f"{place}/{name}")
        for old in self._places()[:-KEPT]:
            self._system.rm(f"{self._root}/{old}", recursive=True)
