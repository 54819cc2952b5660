"""One recipe gives the same bytes on any executor, and whatever dies on the way.

`SEEDBED_SHARDS=200` makes the same world larger."""

from __future__ import annotations

import json
import os
import random
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.executors.machine import cpu_kind
from tests.pipeline import world
from tests.pipeline.cluster import children, cluster, driver
from tests.pipeline.world import account, named, seedbed, stored, wait_until

SHARDS = int(os.environ.get("SEEDBED_SHARDS", "12"))
WHOLE = "[normalize, dedup, embed, select: {k: 8, noise: 0.02}, split: {val: 0.1}, tokenize]"
PART = ("--part-bytes", "2500")  # each file a part of its own

# Stands for a queue: two tasks at a time, parts in an order that no two runs have in common.
QUEUE = """
import json, random, subprocess, sys
parts, last = sys.argv[1:]
numbers = [str(n) for n in range(int(last) + 1)]
random.shuffle(numbers)
call = [sys.executable, "-P", "-m", "seedbed", "run-part", parts]
tasks = [subprocess.Popen([*call, *own]) for own in (numbers[::2], numbers[1::2]) if own]
sys.exit(max(task.wait() for task in tasks))
"""


def _world(folder: Path, steps: str = WHOLE, shards: int = SHARDS) -> Path:
    """Files of which some records are there twice, within a file and across files."""
    for n in range(shards):
        world.lines(folder / f"in/{n:03}.jsonl", range(n * 8, n * 8 + 10), words=24)
    world.recipe(folder, "jsonl: {path: in}", steps)
    (folder / "queue.py").write_text(QUEUE)
    return folder


def _tree(folder: Path, run: str) -> dict[str, str]:
    """All that a run made, without its account."""
    accounts = ("run.json", "events.jsonl", "report.html")
    found = world.snapshot(folder / run / "t")
    assert len(found) > 10
    return {name: sha256 for name, sha256 in found.items() if name not in accounts}


def _apart(name: str) -> tuple[str, ...]:
    """A store and a folder of runs of its own."""
    return (*PART, "--store", f"{name}-store", "--out", name)


@pytest.mark.cluster
@pytest.mark.extras
@pytest.mark.timeout(900)
def test_one_recipe_gives_the_same_bytes_wherever_it_runs(tmp_path: Path) -> None:
    folder = _world(tmp_path)
    seedbed("run", "t.yaml", *_apart("one"), "--workers", "1", cwd=folder, seconds=600)
    wanted = _tree(folder, "one")
    assert sum(name.startswith("corpus/data/") for name in wanted) >= SHARDS
    for step in json.loads((folder / "one/t/run.json").read_text())["steps"]:
        manifest = json.loads((folder / "one/t" / step["folder"] / "manifest.json").read_text())
        (told,) = manifest["steps"]
        kinds = None if told["exact"] else [cpu_kind()]
        assert told.get("computed_on") == kinds and told["libraries"]["pyarrow"], told["stage"]
    seedbed("run", "t.yaml", *_apart("four"), "--workers", "4", cwd=folder, seconds=600)
    assert _tree(folder, "four") == wanted
    queue = f"{shlex.quote(sys.executable)} queue.py {{parts}} {{last}}"
    more = ("--executor", "array", "--submit", queue)
    seedbed("run", "t.yaml", *_apart("array"), *more, cwd=folder, seconds=600)
    assert _tree(folder, "array") == wanted
    assert not list((folder / "array-store/tmp").iterdir()), "no parts and answers are left"
    with cluster() as nodes:
        more, where = ("--executor", "ray"), driver(nodes)
        seedbed("run", "t.yaml", *_apart("ray"), *more, cwd=folder, seconds=600, **where)
        assert _tree(folder, "ray") == wanted
        assert all(nodes.workers(node) for node in nodes.nodes), "both nodes worked"


LOSSES = 12  # files of the runs that are disturbed
SLOW = "import time\n\ndef f(record):\n    time.sleep(0.02)\n    return record\n"


def _disturbed(
    folder: Path, disturb: Callable[[int], object], words: tuple[str, ...], **more: str
) -> tuple[int, set[str], int, str]:
    """Run, do something to the process once a third is done; the exit code, the keys that were
    committed by then, how many the last try made, and what was said."""
    done = len(stored(folder))
    process = subprocess.Popen(
        [*world.COMMAND, "run", "t.yaml", *PART, *words],
        cwd=folder,
        env=world.environment(**more),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert wait_until(lambda: len(stored(folder)) - done > LOSSES // 2 or process.poll(), 120)
        before = stored(folder)
        disturb(process.pid)
        told = process.communicate(timeout=240)[1]
    finally:
        world.end(process)
    ended = (folder / "runs/t/run.json").exists()  # it is not where the driver died of the head
    computed = sum(step["computed"] for step in account(folder)["steps"]) if ended else 0
    return process.returncode, before, computed, told


def _fresh(folder: Path, wanted: Path) -> Path:
    _world(folder, "[apply: {function: 'mine:f'}, dedup]", LOSSES)
    (folder / "mine.py").write_text(SLOW)
    if wanted != folder and not (wanted / "runs").exists():
        _fresh(wanted, wanted)
        seedbed("run", "t.yaml", *PART, cwd=wanted)
    return folder


@pytest.mark.cluster
@pytest.mark.timeout(900)
def test_what_dies_on_a_cluster_costs_a_part_and_no_byte(tmp_path: Path) -> None:
    """A worker, a node, a node that only hangs, and the head."""
    plain = tmp_path / "plain"
    with cluster(3) as nodes:
        where = driver(nodes)
        ray = ("--executor", "ray")

        def a_worker(_: int) -> None:
            assert wait_until(lambda: nodes.workers(nodes.nodes[0]), 60)
            os.kill(nodes.workers(nodes.nodes[0])[0], signal.SIGKILL)

        folder = _fresh(tmp_path / "worker", plain)
        code, *_, told = _disturbed(folder, a_worker, ray, **where)
        assert code == 0, told
        assert _tree(folder, "runs") == _tree(plain, "runs")

        def a_node(_: int) -> None:
            nodes.send(nodes.nodes.pop(), signal.SIGKILL)

        folder = _fresh(tmp_path / "node", plain)
        code, *_, told = _disturbed(folder, a_node, ray, **where)
        assert code == 0, told
        assert _tree(folder, "runs") == _tree(plain, "runs")

        frozen = nodes.nodes[0]
        folder = _fresh(tmp_path / "frozen", plain)
        words = (*ray, "--watchdog", "0.35")
        code, before, computed, told = _disturbed(
            folder, lambda _: nodes.send(frozen, signal.SIGSTOP), words, **where
        )
        assert code == 0, told
        assert "nothing was finished for 0.35 minutes; once more" in told
        assert _tree(folder, "runs") == _tree(plain, "runs")
        assert computed <= len(named(folder) - before), "what was committed is not computed again"

        folder = _fresh(tmp_path / "head", plain)
        code, before, *_, told = _disturbed(
            folder, lambda _: os.kill(nodes.head(), signal.SIGKILL), ray, **where
        )
        assert code, "without its head a cluster is none"
    seedbed("run", "t.yaml", *PART, cwd=folder)  # anywhere else it goes on
    assert _tree(folder, "runs") == _tree(plain, "runs")
    computed = sum(step["computed"] for step in account(folder)["steps"])
    assert computed <= len(named(folder) - before)


def _crashing(folder: Path) -> None:
    world.lines(folder / "in.jsonl", range(20))
    (folder / "mine.py").write_text(
        "import os, signal\ndef f(record):\n    open('tries', 'a').write('x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    world.recipe(folder, "jsonl: {path: in.jsonl}", "[apply: {function: 'mine:f'}]")


def test_a_part_that_always_kills_its_task_ends_an_array_after_two_tries(tmp_path: Path) -> None:
    _crashing(tmp_path)
    (tmp_path / "queue.py").write_text(QUEUE)
    queue = f"{shlex.quote(sys.executable)} queue.py {{parts}} {{last}}"
    done = seedbed("run", "t.yaml", "--executor", "array", "--submit", queue, cwd=tmp_path, code=3)
    assert "apply: a worker died twice on the same piece (signal 9)" in done.stderr
    assert (tmp_path / "tries").read_text() == "xx"


def test_an_array_of_which_a_task_died_is_submitted_again_for_its_parts_alone(
    tmp_path: Path,
) -> None:
    _world(tmp_path, "[normalize]", 3)
    (tmp_path / "queue.py").write_text(
        "import subprocess, sys\nparts, last = sys.argv[1:]\n"
        "open('arrays', 'a').write(last)\n"
        "call = [sys.executable, '-P', '-m', 'seedbed', 'run-part', parts, '0']\n"
        "sys.exit(subprocess.call(call) or int(last) > 0)\n"  # the other tasks died
    )
    queue = f"{shlex.quote(sys.executable)} queue.py {{parts}} {{last}}"
    words = ("--executor", "array", "--submit", queue, *PART)
    done = seedbed("run", "t.yaml", *words, cwd=tmp_path, code=3)
    assert "a worker died twice on the same piece (its task left no answer)" in done.stderr
    assert (tmp_path / "arrays").read_text().startswith("21"), "the first part was not tried again"


@pytest.mark.cluster
@pytest.mark.timeout(300)
def test_a_part_that_always_kills_its_worker_ends_a_run_on_ray_after_two_tries(
    tmp_path: Path,
) -> None:
    pytest.importorskip("ray")
    _crashing(tmp_path)
    done = seedbed("run", "t.yaml", "--executor", "ray", cwd=tmp_path, code=3, RAY_ADDRESS="local")
    assert "apply: a worker died twice on the same piece (signal 9)" in done.stderr
    assert (tmp_path / "tries").read_text() == "xx"


# --- the watchdog, on this machine --------------------------------------------------------------


@pytest.mark.parametrize("fate", ["the driver is killed", "a worker freezes"])
def test_a_watched_run_begins_again_and_makes_nothing_twice(fate: str, tmp_path: Path) -> None:
    plain, token = tmp_path / "plain", world.new_token()
    folder = _fresh(tmp_path / "run", plain)

    def disturb(watchdog: int) -> None:
        (run,) = children(watchdog)
        if fate == "the driver is killed":
            os.kill(run, signal.SIGKILL)
            return
        for worker in children(run):
            os.kill(worker, signal.SIGSTOP)

    words = ("--watchdog", "0.3", "--workers", "1")
    code, before, computed, told = _disturbed(folder, disturb, words, **{world.TOKEN: token})
    assert code == 0, told
    assert "once more" in told
    assert _tree(folder, "runs") == _tree(plain, "runs")
    assert computed <= len(named(folder) - before)
    assert world.all_gone(token)


def test_a_watchdog_lets_a_run_have_the_last_word(tmp_path: Path) -> None:
    """A mistake, and a signal, are not answered by another try."""
    world.lines(tmp_path / "in.jsonl", range(5))
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[quality: {nothing: 1}]")
    done = seedbed("run", "t.yaml", "--watchdog", "1", cwd=tmp_path, code=2)
    assert done.stderr.count("nothing") >= 1 and "once more" not in done.stderr
    (tmp_path / "mine.py").write_text(SLOW.replace("0.02", "5"))
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[apply: {function: 'mine:f'}]")
    token = world.new_token()
    process = world.start("run", "t.yaml", "--watchdog", "1", cwd=tmp_path, token=token)
    try:
        world.begins(tmp_path, "02-apply")
        process.send_signal(signal.SIGTERM)
        told = process.communicate(timeout=30)[1]
    finally:
        world.end(process)
    assert process.returncode == 75 and "once more" not in told
    assert account(tmp_path)["status"] == "preempted"
    assert world.all_gone(token)


def test_a_run_that_never_finishes_anything_is_given_up(tmp_path: Path) -> None:
    _crashing(tmp_path)
    (tmp_path / "mine.py").write_text(
        "import os, signal, time\ndef f(record):\n    open('tries', 'a').write('x')\n"
        "    os.kill(os.getppid(), signal.SIGKILL)\n    time.sleep(60)\n"  # dies with the driver
    )
    done = seedbed("run", "t.yaml", "--watchdog", "1", cwd=tmp_path, code=3)
    assert "3 runs finished nothing (signal 9)" in done.stderr


# --- one machine that is not like the others ----------------------------------------------------


@pytest.mark.parametrize("what", ["code", "python", "library", "cpu"])
def test_a_machine_that_is_not_like_the_drivers_is_refused(what: str) -> None:
    from pipeline.executors.machine import difference, machine

    here: Any = {**machine(), "libraries": dict(machine()["libraries"])}
    assert difference(here, alike=True) is None
    if what == "library":
        here["libraries"]["numpy"] = "1.0"
    else:
        here[what] = "another"
    told = difference(here, alike=True)
    assert told and {"code": "version of seedbed", "library": "numpy"}.get(what, "") in told
    assert (difference(here, alike=False) is None) is (what == "cpu"), "only floats need one kind"


def test_every_library_that_a_stage_names_is_compared() -> None:
    import stages
    from pipeline.executors.machine import LIBRARIES

    assert {name for word in stages.TABLE for name in stages.stage(word).libraries} == {*LIBRARIES}


@pytest.mark.parametrize("wrong", ["sbatch {file}", "sbatch '{parts}", "no-such-command {parts}"])
def test_a_command_that_cannot_submit_is_one_clear_line(wrong: str, tmp_path: Path) -> None:
    world.lines(tmp_path / "in.jsonl", range(5))
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}")
    done = seedbed("run", "t.yaml", "--executor", "array", "--submit", wrong, cwd=tmp_path, code=2)
    assert done.stderr.count("--submit: ") == 1


def test_a_task_on_a_machine_that_is_not_like_the_drivers_makes_nothing(tmp_path: Path) -> None:
    """The queue gave it to a machine with other code: the run ends with what its task said."""
    world.lines(tmp_path / "in.jsonl", range(5))
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}")
    (tmp_path / "queue.py").write_text(
        "import json, sys\nfrom pathlib import Path\nparts = Path(sys.argv[1])\n"
        "head, *lines = parts.read_text().splitlines()\nhead = json.loads(head)\n"
        "head[2]['code'] = 'another'\n"
        "parts.write_text('\\n'.join([json.dumps(head), *lines]))\n" + QUEUE
    )
    queue = f"{shlex.quote(sys.executable)} queue.py {{parts}} {{last}}"
    done = seedbed("run", "t.yaml", "--executor", "array", "--submit", queue, cwd=tmp_path, code=2)
    assert "has another version of seedbed than the driver" in done.stderr
    assert not stored(tmp_path)


def test_a_job_that_is_too_long_to_travel_is_left_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And counts that are too long for a summary are read where they were committed."""
    from pipeline.engine import jobs, runner
    from pipeline.engine.run import run_recipe
    from pipeline.recipe.checked import read_recipe

    world.lines(tmp_path / "in.jsonl", range(12))
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[normalize, dedup]")
    seedbed("run", "t.yaml", *_apart("whole"), cwd=tmp_path)
    sizes: list[int] = []
    send = runner.travelling

    def noted(store: Any, job: Any) -> Any:
        sizes.append(len(json.dumps(found := send(store, job))))
        return found

    monkeypatch.setattr(runner, "travelling", noted)
    monkeypatch.setattr(jobs, "PART_BYTES", 500)
    changes = {
        "store": str(tmp_path / "s"),
        "out": str(tmp_path / "left"),
        "part_bytes": int(PART[1]),
    }
    run_recipe(replace(read_recipe(tmp_path / "t.yaml"), **changes))  # type: ignore[arg-type]
    assert len(sizes) > 5 and max(sizes) <= 500
    assert _tree(tmp_path, "left") == _tree(tmp_path, "whole")


def test_parts_of_a_task_are_its_share_of_the_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every part is worked on by one task, however many there are."""
    from pipeline.verbs.run_part import _share

    tasks = random.Random(3).randrange(2, 9)
    shares = []
    for task in range(tasks):
        for name, value in (("ID", task + 5), ("MIN", 5), ("COUNT", tasks)):
            monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", str(value))
        first, step = _share()
        shares += list(range(first, 40, step))
    assert sorted(shares) == list(range(40))
