"""Starting the processes that train together, one a GPU, and ending them with this one."""

from __future__ import annotations

import contextlib
import datetime
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages import check, child
from stages.errors import StageFailed
from stages.require import require
from stages.train.parallel import ALONE, Group

if TYPE_CHECKING:
    from stages.train.train import Train

WAIT = datetime.timedelta(hours=2)  # for the slowest process: it may write a large checkpoint


@contextlib.contextmanager
def together(setting: Train, source: Path, work: Path) -> Iterator[Group]:
    """The group of which this process is the first; it is alone where one process is enough."""
    count = _processes(setting)
    if count == 1:
        yield ALONE
        return
    with tempfile.TemporaryDirectory(prefix="seedbed-") as folder:
        meeting = Path(folder) / "meeting"
        said = {
            "parameters": check.as_json(setting), "source": str(source), "work": str(work),
            "size": count, "meeting": str(meeting),
        }  # fmt: skip
        others: list[subprocess.Popen[bytes]] = []
        errors: list[Path] = []
        try:
            for rank in range(1, count):
                errors.append(Path(folder) / f"{rank}.errors")
                with open(errors[-1], "wb") as told:
                    others.append(_started({**said, "rank": rank}, told))
            with _joined(setting, Group(0, count), meeting) as group:
                yield group
        except (RuntimeError, StageFailed) as error:
            if died := [path for path in errors if path.read_bytes().strip()]:
                last = died[0].read_text(errors="replace").strip().splitlines()[-1]
                raise StageFailed(f"process {died[0].stem} of {count} ended: {last}") from error
            raise
        finally:
            for one in others:
                one.kill()
                one.wait()


def _processes(setting: Train) -> int:
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
    from stages.train.loop import train
    from stages.train.train import Train

    child.die_with_parent()
    said = json.load(sys.stdin)
    setting = check.build(Train, said["parameters"])
    group = Group(said["rank"], said["size"])
    work = Path(said["work"])
    with _joined(setting, group, Path(said["meeting"])):
        train(setting, Path(said["source"]), work, work, lambda done, total: None, group)
