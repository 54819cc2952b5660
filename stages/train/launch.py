"""Starting the processes that train together, one a GPU, and ending them with this one.

On one machine the first process starts the others. On several `torchrun` starts all: the first
runs the command, the others (`follow`) wait for what it has to train, until it ends.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages import check, child
from stages.errors import StageFailed
from stages.require import require
from stages.train.copies import Copies
from stages.train.parallel import ALONE, Group

if TYPE_CHECKING:
    from stages.train.train import Train

WAIT = datetime.timedelta(hours=2)  # for the slowest process: it may write a large checkpoint
GRACE = 10.0  # seconds in which the first process may notice itself that another one died


@contextlib.contextmanager
def together(setting: Train, source: Path, work: Path) -> Iterator[Group]:
    """The group of which this process is the first; it is alone where one process is enough."""
    said: dict[str, Any] = {
        "parameters": check.as_json(setting), "source": str(source), "work": str(work)
    }  # fmt: skip
    count = size_of(setting)
    if by_torchrun():
        yield _met(setting, said)
        return
    if count == 1:
        yield ALONE
        return
    with tempfile.TemporaryDirectory(prefix="seedbed-") as folder:
        meeting = Path(folder) / "meeting"
        said |= {"size": count, "meeting": str(meeting)}
        others: list[subprocess.Popen[bytes]] = []
        errors: list[Path] = []
        try:
            for rank in range(1, count):
                errors.append(Path(folder) / f"{rank}.errors")
                with open(errors[-1], "wb") as words:
                    others.append(_started({**said, "rank": rank}, words))
            with _watched(others, errors), _joined(setting, group_of(setting, 0, count), meeting):
                yield group_of(setting, 0, count)
        except RuntimeError as error:
            until = time.monotonic() + GRACE  # its end may be seen after that of the connection
            while not (told := _death(others, errors)) and time.monotonic() < until:
                time.sleep(0.1)
            if told:
                raise StageFailed(told) from error
            raise
        finally:
            for one in others:
                one.kill()
                one.wait()


def _death(others: list[subprocess.Popen[bytes]], errors: list[Path]) -> str | None:
    """Which process died, and its last words."""
    for number, (one, path) in enumerate(zip(others, errors, strict=True), 1):
        if one.poll():
            words = path.read_text(errors="replace").strip().splitlines() or ["without a word"]
            return f"process {number + 1} of {len(others) + 1} ended ({one.poll()}): {words[-1]}"
    return None


@contextlib.contextmanager
def _watched(others: list[subprocess.Popen[bytes]], errors: list[Path]) -> Iterator[None]:
    """End this process when another one is gone and this one waits for it, where no exception
    reaches it; what was saved stays."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            if (told := _death(others, errors)) and not over.wait(GRACE):
                print(f"seedbed: train: {told}", file=sys.stderr, flush=True)
                os._exit(StageFailed.exit_code)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _met(setting: Train, said: dict[str, Any]) -> Group:
    """The group of all that torchrun started, which is told what to train."""
    group = group_of(setting, int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
    _meet()
    group.told(said)
    return group


def _meet() -> None:
    distributed = require("torch.distributed", "train")
    if not distributed.is_initialized():
        torch = require("torch", "train")
        gpus = torch.cuda.is_available()
        if gpus:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        distributed.init_process_group("nccl" if gpus else "gloo", timeout=WAIT)


def follow() -> None:
    """What a process that torchrun started does when it is not the first."""
    _meet()
    waiting = Group(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
    while (said := waiting.told(None)) is not None:
        _train(said, waiting.rank, waiting.size)
    require("torch.distributed", "train").destroy_process_group()  # its threads end before it


def release() -> None:
    """Let those go that wait for the first process."""
    _meet()
    Group(0, int(os.environ["WORLD_SIZE"])).told(None)
    require("torch.distributed", "train").destroy_process_group()


def group_of(setting: Train, rank: int, size: int) -> Group:
    """The place of a process among those of a training."""
    return Group(rank, size, setting.shard, setting.shard and setting.method == "full")


def by_torchrun() -> bool:
    """Whether `torchrun` started this process and others."""
    return "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1"


def size_of(setting: Train) -> int:
    """How many processes train together."""
    if by_torchrun():
        return int(os.environ["WORLD_SIZE"])
    if setting.processes is not None:
        return setting.processes
    torch = require("torch", "train")
    if setting.device == "cpu" or not torch.cuda.is_available():
        return 1
    return int(torch.cuda.device_count())


def _started(said: dict[str, Any], errors: Any) -> subprocess.Popen[bytes]:
    """Another process of the group, which dies with this one."""
    command, environment = child.python(__name__)
    started = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors, env=environment,
        start_new_session=True,
    )  # fmt: skip
    assert started.stdin is not None
    started.stdin.write(json.dumps(said).encode())
    started.stdin.close()
    return started


@contextlib.contextmanager
def _joined(setting: Train, group: Group, meeting: Path) -> Iterator[Group]:
    """The group, met by way of a file that all of them see."""
    torch = require("torch", "train")
    distributed = require("torch.distributed", "train")
    on_gpu = setting.device != "cpu" and torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(group.rank % torch.cuda.device_count())
    distributed.init_process_group(
        "nccl" if on_gpu else "gloo",
        init_method=meeting.as_uri(),
        rank=group.rank,
        world_size=group.size,
        timeout=WAIT,
    )
    try:
        yield group
    finally:
        distributed.destroy_process_group()


def main() -> None:
    """What a process does that is not the first; what it works on comes in through stdin."""
    from stages.train.train import Train

    child.die_with_parent()
    said = json.load(sys.stdin)
    setting = check.build(Train, said["parameters"])
    group = group_of(setting, said["rank"], said["size"])
    code = 0
    try:
        with _joined(setting, group, Path(said["meeting"])):
            _train(said, group.rank, group.size)
    except Exception:  # the first process tells its last line
        traceback.print_exc()
        code = 1
    sys.stderr.flush()
    os._exit(code)  # without destructors, in which threads that are not done would abort


def _train(said: dict[str, Any], rank: int, size: int) -> None:
    """Do what the first process does, and write nothing."""
    from stages.train.loop import train
    from stages.train.train import Train

    setting = check.build(Train, said["parameters"])
    source, work = Path(said["source"]), Path(said["work"])
    group = group_of(setting, rank, size)
    train(setting, source, work, work, lambda done, total: None, group, {}, Copies(None, ""))
