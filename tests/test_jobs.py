"""The scripts for rented machines: killed and started again on this one, they end with the same
bytes; what SkyPilot reads is read by SkyPilot's own parser where it is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.world import environment, wait_until

HOME = Path(__file__).resolve().parent.parent
JOBS = HOME / "jobs"
SCRIPTS = sorted(path.name for path in JOBS.glob("*.sh"))
# `python -m venv sky && sky/bin/pip install skypilot`: it needs other versions than seedbed does.
SKY = os.environ.get("SEEDBED_SKYPILOT_PYTHON", "")


# --- killed, and started again ------------------------------------------------------------------


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with tokens, a base model of two layers, and some hundred steps to train."""
    pytest.importorskip("torch")
    pytest.importorskip("peft")
    from tests.train.talking import called, recipe_of, talking_model

    folder = tmp_path_factory.mktemp("laptop")
    model = talking_model(folder / "models" / "base")
    train = "batch: 4, epochs: 20, save_every: 10, rank: 4, dropout: 0.1, precision: fp32"
    recipe_of(folder, model, 40, train)
    called("bundle", "t.yaml", "-o", "b.tar.gz", cwd=folder)
    shutil.rmtree(folder / "models")  # the other machine has none
    return folder / "b.tar.gz"


def start(script: str, bundle: Path, work: Path, **more: str) -> subprocess.Popen[str]:
    """A script, in a process group of its own, with the command of this environment."""
    command = work.parent / "the command"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m seedbed "$@"\n')
    command.chmod(0o755)
    own = {
        "BUNDLE": str(bundle), "WORK": str(work), "SEEDBED_COMMAND": str(command), "PAUSE": "0",
    }  # fmt: skip
    return subprocess.Popen(
        ["sh", str(JOBS / script)], env=environment(**own, **more), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, cwd=work.parent,
    )  # fmt: skip


def checkpoints(work: Path) -> set[str]:
    return {path.name for path in work.glob("bundle/.seedbed/work/*/checkpoint-*")}


def in_the_middle(work: Path, process: subprocess.Popen[str]) -> None:
    """Wait for a checkpoint that was not there."""
    before = checkpoints(work)
    assert wait_until(lambda: checkpoints(work) - before or process.poll() is not None, 90)
    assert process.poll() is None, process.communicate()


def made(work: Path) -> dict[str, bytes]:
    adapter = work / "bundle" / "adapter"
    return {path.name: path.read_bytes() for path in adapter.iterdir() if path.is_file()}


def test_killed_and_stopped_the_script_goes_on_and_ends_with_the_same_bytes(
    bundle: Path, tmp_path: Path
) -> None:
    from tests.train.talking import called

    whole, work = tmp_path / "whole", tmp_path / "work"
    called("unbundle", bundle, "-o", whole / "bundle", "--run", cwd=tmp_path)
    killed = start("train.sh", bundle, work)
    in_the_middle(work, killed)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()

    stopped = start("again.sh", bundle, work)
    in_the_middle(work, stopped)
    stopped.terminate()  # the script alone: it hands the signal on and waits
    out, err = stopped.communicate(timeout=120)
    assert stopped.returncode == 75, (out, err)
    assert "the same command goes on from there" in err and "Traceback" not in err

    last = start("train.sh", bundle, work)
    out, err = last.communicate(timeout=240)
    assert last.returncode == 0, err
    theirs, ours = made(whole), made(work)
    manifests = [json.loads(files.pop("manifest.json")) for files in (theirs, ours)]
    assert "adapter_model.safetensors" in ours and ours == theirs
    for manifest in manifests:  # the folder of the base is another
        del manifest["parameters"]["model"], manifest["check"]
    assert manifests[0] == manifests[1]
    config = json.loads(ours["adapter_config.json"])
    assert config["base_model_name_or_path"] == "base"  # as on the laptop


def test_a_bundle_that_is_damaged_ends_the_script(bundle: Path, tmp_path: Path) -> None:
    half = tmp_path / "b.tar.gz"
    half.write_bytes(bundle.read_bytes()[:-1000])
    process = start("again.sh", half, tmp_path / "work", TRIES="1")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 3 and "is damaged" in err


def test_the_script_begins_again_after_preemption_and_gives_up_on_mistakes(tmp_path: Path) -> None:
    """again.sh with a command that ends as it is told: 75, 3, 75, then 0; and 2."""
    log = tmp_path / "log"
    command = tmp_path / "command"
    command.write_text(
        f'#!/bin/sh\necho x >> {log}\nset -- $CODES\nn=$(wc -l < {log})\neval "exit \\${{$n}}"\n'
    )
    command.chmod(0o755)
    for codes, code, calls in (("75 3 75 0", 0, 4), ("2", 2, 1), ("3 3 3 0", 3, 3)):
        log.unlink(missing_ok=True)
        done = subprocess.run(
            ["sh", JOBS / "again.sh"], capture_output=True, text=True, timeout=60,
            env=environment(BUNDLE="b", WORK=str(tmp_path / "w"), SEEDBED_COMMAND=str(command),
                            CODES=codes, PAUSE="0"),
        )  # fmt: skip
        assert done.returncode == code, (codes, done.stderr)
        assert len(log.read_text().splitlines()) == calls


def test_slurm_queues_again_what_was_preempted(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in {
        "scontrol": f'#!/bin/sh\necho "$@" >> {tmp_path}/queued\n',
        "seedbed": '#!/bin/sh\ntrap "exit 75" TERM\n[ "$CODE" = 75 ] && { sleep 30 & wait $!; }\n'
                   "exit $CODE\n",
    }.items():  # fmt: skip
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    base = {"BUNDLE": "b", "WORK": str(tmp_path / "w"), "SEEDBED_COMMAND": "seedbed",
            "SLURM_JOB_ID": "7", "JOBS": str(JOBS),
            "PATH": f"{tools}:{os.environ['PATH']}"}  # fmt: skip
    done = subprocess.run(["bash", JOBS / "slurm.sh"], env=environment(**base, CODE="3"))
    assert done.returncode == 3 and not (tmp_path / "queued").exists()
    process = subprocess.Popen(
        ["bash", str(JOBS / "slurm.sh")], env=environment(**base, CODE="75"), start_new_session=True
    )
    time.sleep(1.0)
    process.send_signal(signal.SIGTERM)  # as --signal=B:TERM does: to the batch script alone
    assert process.wait(30) == 75
    assert (tmp_path / "queued").read_text() == "requeue 7\n"
    header = (JOBS / "slurm.sh").read_text()
    assert "#SBATCH --signal=B:TERM@" in header and "#SBATCH --requeue" in header


# --- what is written is right -------------------------------------------------------------------


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_script_is_one_of_the_shells_and_is_listed(name: str) -> None:
    text = (JOBS / name).read_text()
    shell = "bash" if text.startswith("#!/bin/bash\n") else "sh"
    assert subprocess.run([shell, "-n", JOBS / name], check=False).returncode == 0
    assert f"]({name})" in (JOBS / "README.md").read_text()
    assert "seedbed train " not in text  # one way to train there: a bundle


def sky_task() -> dict[str, Any]:
    from ruamel.yaml import YAML

    return dict(YAML(typ="safe").load(JOBS / "sky.yaml"))


def test_the_task_of_skypilot_recovers_on_our_exit_code_and_mounts_what_is_there() -> None:
    from stages.errors import Preempted

    task = sky_task()
    assert task["resources"]["job_recovery"]["recover_on_exit_codes"] == [Preempted.exit_code]
    mounts = {to: at for to, at in task["file_mounts"].items() if isinstance(at, str)}
    # SkyPilot does not look whether they are there; `bundle/` is the user's to make.
    assert mounts.pop("/bundle") == "./bundle"
    for at in mounts.values():
        assert (HOME / at).exists(), at
    used = set(re.findall(r"\s(/[a-z]+)/", task["run"]))
    assert used <= set(task["file_mounts"]) and "/jobs" in used


@pytest.mark.skipif(
    not SKY,
    reason="SEEDBED_SKYPILOT_PYTHON names no Python with skypilot in an environment of its own",
)
def test_skypilot_reads_the_task_and_refuses_a_wrong_one(tmp_path: Path) -> None:
    code = (
        "import sys, sky\n"
        "task = sky.Task.from_yaml(sys.argv[1])\n"
        "one = next(iter(task.resources))\n"
        "print(one.use_spot, one.job_recovery['recover_on_exit_codes'])\n"
    )
    (tmp_path / "bundle").mkdir()
    shutil.copytree(JOBS, tmp_path / "jobs")

    def read(text: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "jobs" / "sky.yaml").write_text(text)
        environment_ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
        return subprocess.run(
            [SKY, "-c", code, "jobs/sky.yaml"], cwd=tmp_path, env=environment_,
            capture_output=True, text=True, timeout=200,
        )  # fmt: skip

    text = (JOBS / "sky.yaml").read_text()
    done = read(text)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("True [75]")
    wrong = read(text.replace("use_spot:", "use_spots:"))
    assert wrong.returncode != 0 and "use_spots" in wrong.stderr


def test_the_image_copies_what_is_there() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", (JOBS / "Dockerfile").read_text(), re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert len(names) >= 8
    for name in names:
        assert (HOME / name).exists(), name
