"""Killed at any moment, a rerun gives the same bytes, uses what was finished, and leaves no orphan.

Also: a worker's own death is never booked as a page's, two runs at once, and a full disk.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stages.corpus import Corpus
from tests.pipeline import world
from tests.pipeline.world import (
    account,
    corpora,
    end,
    named,
    seedbed,
    start,
    stored,
    wait_until,
    work,
)

KILLS = 12
BETWEEN = 8  # of them must fall between the first and the last commit
STEPS = "[normalize, dedup, split]"
PART = "5000"  # bytes: about twenty pages, so that there are many commits to die between


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float, float]:
    """A finished run, and when its first and last commit came, in seconds after it began.

    Another one runs beside it, as beside each of the runs that are killed.
    """
    folder = tmp_path_factory.mktemp("undisturbed")
    world.pages(folder / "in", range(72), words=24)
    for n in range(8):
        (folder / f"in/page-1{n:04}.html").write_text(world.page(world.prose(n * 5, 24)))
    world.recipe(folder, "html: {path: in}", STEPS)
    twin = start("run", "t.yaml", "--part-bytes", PART, cwd=_fresh(folder, folder / "twin"))
    seedbed("run", "t.yaml", "--part-bytes", PART, cwd=folder)
    began = account(folder)["started"]
    twin.communicate(timeout=60)
    assert corpora(folder / "twin") == corpora(folder)
    times = [p.stat().st_mtime - began for p in (folder / ".seedbed/objects").glob("*/*/*.json")]
    return folder, min(times), max(times)


def _fresh(undisturbed: Path, folder: Path) -> Path:
    """The same input and recipe without anything done."""
    shutil.copytree(undisturbed / "in", folder / "in", copy_function=os.link)
    world.recipe(folder, "html: {path: in}", STEPS)
    return folder


def _kill(folder: Path, commits: int, after: float, group: bool) -> None:
    """Run, kill some seconds after so many commits, or let it end. No process may stay."""
    token = world.new_token()
    process = start("run", "t.yaml", "--part-bytes", PART, cwd=folder, token=token)
    try:
        world.begins(folder, "01-html")
        wait_until(lambda: process.poll() is not None or len(stored(folder)) >= commits, 60)
        time.sleep(after)
        if process.poll() is None:
            (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)
        left = world.all_gone(token)
        assert left, f"orphans 5 s after the driver's death: {world.processes(token)}"
    finally:
        end(process)


@pytest.mark.timeout(900)
def test_killed_at_many_moments_a_rerun_gives_the_same_bytes(
    undisturbed: tuple[Path, float, float], tmp_path: Path
) -> None:
    reference, first, last = undisturbed
    wanted, keys = corpora(reference), named(reference)
    seed = random.SystemRandom().randrange(1 << 30)
    print(f"moments of the kills are drawn with seed {seed}; {len(keys)} commits")
    draw = random.Random(seed)
    # Before the first commit, behind the last one, and wherever chance says.
    commits = [0, len(keys), *(draw.randrange(1, len(keys)) for _ in range(KILLS - 2))]
    after = [draw.uniform(0, 2 * (last - first) / len(keys)) for _ in commits]

    def experiment(number: int) -> bool:
        """Kill, run again, compare; whether some commits were made and some were not."""
        folder = _fresh(reference, tmp_path / f"kill{number}")
        _kill(folder, commits[number], after[number], group=bool(number // 2 % 2))
        finished = stored(folder) & keys
        seedbed("run", "t.yaml", "--part-bytes", PART, cwd=folder)
        assert corpora(folder) == wanted, f"kill {number} after {commits[number]} commits"
        assert named(folder) == keys
        computed = sum(computed for computed, _ in work(folder).values())
        assert computed == len(keys) - len(finished), "what was finished is not done again"
        hidden = [path.name for path in (folder / "runs/t").rglob(".*")]
        assert hidden == [".seedbed-run"], "a rerun removes what was half shown"
        shutil.rmtree(folder)
        return bool(finished) and finished != keys

    with ThreadPoolExecutor(2) as two:
        between = sum(two.map(experiment, range(KILLS)))
    assert between >= BETWEEN, f"{between} of {KILLS} kills fell between two commits"


IMPORTS = 0.4  # CPU seconds that a worker or child needs at most before it begins to work


def _kill_once(token: str, who: str, process: subprocess.Popen[str]) -> bool:
    """Kill a worker of a run, or the reader forked from one, in the middle of its work."""

    def busy() -> bool:
        return process.poll() is not None or any(
            _cpu(pid) > IMPORTS / (1 + (who == "reader")) for pid in _all(token, who)
        )

    world.wait_until(busy, 60)
    for pid in _all(token, who):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def _all(token: str, who: str) -> list[int]:
    """The workers of a run, or the readers forked from them."""
    workers = {
        p for p, line in world.processes(token).items() if "pipeline.executors.worker" in line
    }
    return [pid for pid in workers if (_parent(pid) in workers) == (who == "reader")]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _cpu(pid: int) -> float:
    """CPU seconds that a process has used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("who", ["reader", "worker"])
def test_a_kill_from_outside_is_never_a_pages_fault(
    who: str, undisturbed: tuple[Path, float, float], tmp_path: Path
) -> None:
    """The killable child or a worker is killed: the run goes on, and no page is blamed."""
    reference = undisturbed[0]
    folder = tmp_path / "run"
    world.pages(folder / "in", range(160), words=6000)
    world.recipe(folder, "html: {path: in}", "[normalize]")
    token = world.new_token()
    process = start("run", "t.yaml", cwd=folder, token=token)
    try:
        killed = _kill_once(token, who, process)
        _, told = process.communicate(timeout=60)
    finally:
        end(process)
    assert killed, f"the run ended before {who} could be killed"
    assert process.returncode == 0, told
    counts = account(folder)["steps"][0]["counts"]
    assert counts["failed"] == counts["dropped"] == 0 and counts["kept"] == 160
    assert Corpus(reference / "runs/t/corpus").rejects().num_rows == 0
    assert world.all_gone(token)


def test_a_worker_that_dies_twice_on_a_piece_stops_the_run_with_exit_3(tmp_path: Path) -> None:
    world.lines(tmp_path / "in.jsonl", range(20))
    (tmp_path / "mine.py").write_text(
        "import os, signal\ndef f(record):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[apply: {function: 'mine:f'}]")
    done = seedbed("run", "t.yaml", cwd=tmp_path, code=3)
    assert "a worker died twice on the same piece" in done.stderr and "signal 9" in done.stderr
    assert account(tmp_path)["status"] == "failed"
    assert account(tmp_path)["steps"][0]["counts"]["failed"] == 0


def test_a_signal_ends_a_run_with_its_code_and_the_same_command_goes_on(tmp_path: Path) -> None:
    world.lines(tmp_path / "in.jsonl", range(60))
    (tmp_path / "mine.py").write_text(
        "import os, time\n\ndef f(record):\n"
        "    time.sleep(0 if os.path.exists('go') else 5)\n    return record\n"
    )
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[normalize, apply: {function: 'mine:f'}]")
    for number, code, status in (
        (signal.SIGTERM, 75, "preempted"),
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGHUP, 75, "preempted"),
    ):
        token = world.new_token()
        process = start("run", "t.yaml", cwd=tmp_path, token=token)
        try:
            world.begins(tmp_path, "03-apply")
            time.sleep(0.2)
            process.send_signal(number)
            _, told = process.communicate(timeout=30)
        finally:
            end(process)
        assert process.returncode == code, told
        assert "the same command goes on" in told and "Traceback" not in told
        assert account(tmp_path)["status"] == status
        assert world.all_gone(token)
        (tmp_path / "runs/t/events.jsonl").unlink()
    (tmp_path / "go").touch()
    seedbed("run", "t.yaml", cwd=tmp_path)
    assert work(tmp_path)["jsonl"][0] == 0 and work(tmp_path)["apply"][0] == 1


# --- workers, parts, two at once ----------------------------------------------------------------


def test_workers_do_not_change_a_byte(
    undisturbed: tuple[Path, float, float], tmp_path: Path
) -> None:
    folder = _fresh(undisturbed[0], tmp_path / "one")
    seedbed("run", "t.yaml", "--workers", "1", "--part-bytes", PART, cwd=folder)
    assert corpora(folder) == corpora(undisturbed[0])


@pytest.mark.parametrize("size", ["300", "100000000"])
def test_part_sizes_change_no_record_and_no_order(
    size: str, undisturbed: tuple[Path, float, float], tmp_path: Path
) -> None:
    folder = _fresh(undisturbed[0], tmp_path / "parts")
    seedbed("run", "t.yaml", "--part-bytes", size, cwd=folder)
    one, two = Corpus(folder / "runs/t/corpus"), Corpus(undisturbed[0] / "runs/t/corpus")
    assert len(one.pieces) != len(two.pieces)
    assert one.digest == two.digest
    assert one.table().to_pylist() == two.table().to_pylist()
    for step in account(folder)["steps"]:
        here, there = (
            Corpus(root / "runs/t" / step["folder"]) for root in (folder, undisturbed[0])
        )
        assert here.digest == there.digest
        assert here.rejects().to_pylist() == there.rejects().to_pylist()
        assert here.manifest["counts"] == there.manifest["counts"]


def test_two_runs_at_once_both_succeed(
    undisturbed: tuple[Path, float, float], tmp_path: Path
) -> None:
    """The same recipe in the same folder, started together; and one more beside them."""
    folder = _fresh(undisturbed[0], tmp_path / "both")
    world.recipe(folder, "html: {path: in}", STEPS, name="other")
    runs = [
        start("run", f"{name}.yaml", "--part-bytes", PART, cwd=folder)
        for name in ("t", "t", "other")
    ]
    try:
        told = [process.communicate(timeout=100)[1] for process in runs]
    finally:
        for process in runs:
            end(process)
    assert [process.returncode for process in runs] == [0, 0, 0], told
    assert corpora(folder) == corpora(undisturbed[0])
    assert corpora(folder, "other") == corpora(undisturbed[0])
    assert not list((folder / ".seedbed/tmp").iterdir())


# --- a full disk --------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A file system of a few megabytes that can be made larger."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def sized(megabytes: int) -> Path:
        remount = ["-o", "remount"] if os.path.ismount(disk) else []
        command = ["mount", "-t", "tmpfs", *remount, "-o", f"size={megabytes}m", "none", str(disk)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
        return disk

    try:
        yield sized
    finally:
        if os.path.ismount(disk):
            subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_a_clear_message_and_loses_nothing(
    small_disk: Callable[[int], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    for n in range(6):
        world.lines(folder / f"in/{n}.jsonl", range(n * 400, n * 400 + 400), words=120)
    path = world.recipe(folder, "jsonl: {path: in}", "[normalize, dedup, split]")
    store = small_disk(2)
    arguments = ("run", path.name, "--store", str(store / "store"), "--part-bytes", "100000")
    done = seedbed(*arguments, cwd=folder, code=3)
    assert "the disk is full" in done.stderr and "make room" in done.stderr
    assert "bug" not in done.stderr
    finished = {path.parent.name for path in (store / "store/objects").glob("*/*/manifest.json")}
    assert finished, "two megabytes hold the first pieces"
    seedbed("gc", "--store", store / "store", cwd=folder)
    after = {path.parent.name for path in (store / "store/objects").glob("*/*/manifest.json")}
    assert finished - after == set(), "gc keeps what the unfinished run made"
    small_disk(64)
    seedbed(*arguments, cwd=folder)
    keys = named(folder)
    computed = sum(computed for computed, _ in work(folder).values())
    assert computed == len(keys) - len(finished & keys)
    seedbed("run", path.name, "--store", "elsewhere", "--out", "other", cwd=folder)
    assert Corpus(folder / "other/t/corpus").digest == Corpus(folder / "runs/t/corpus").digest
