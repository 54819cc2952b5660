"""A model over two processes trains as in one, is saved whole, and goes on in any number."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from stages.errors import Preempted
from stages.train.parallel import Group
from tests.cases.train import tiny, tiny_corpus, train

torch = pytest.importorskip("torch")
pytest.importorskip("peft")
pytestmark = pytest.mark.extras


def losses(out: Path, side: str) -> list[float]:
    lines = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if line["split"] == side]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_spread_model_trains_as_a_whole_one(method: Any, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    source = tiny_corpus(tmp_path / "c", train=14)  # rows that two cannot share evenly
    given: dict[str, Any] = {"method": method, "epochs": 1, "lr": 0.003, "dropout": 0.0}
    one = train(tiny(tmp_path, **given), source, tmp_path / "one")
    two = train(tiny(tmp_path, processes=2, shard=True, **given), source, tmp_path / "two")
    for side in ("train", "val"):
        assert losses(two, side) == pytest.approx(losses(one, side), rel=1e-5)
    name = "model.safetensors" if method == "full" else "adapter_model.safetensors"
    wanted, found = load_file(one / name), load_file(two / name)
    assert {key: value.shape for key, value in found.items()} == {
        key: value.shape for key, value in wanted.items()
    }
    # Where a gradient is all but zero AdamW divides two roundings: almost all must agree.
    apart = torch.cat([(wanted[key] - found[key]).abs().ravel() for key in wanted])
    assert float((apart > 1e-4).double().mean()) < 0.01
    if method == "full":
        config = json.loads((two / "config.json").read_text())
        assert config["architectures"] == ["LlamaForCausalLM"]
    samples = [json.loads((out / "samples.json").read_text()) for out in (one, two)]
    assert samples[0] == samples[1]


def test_a_checkpoint_of_a_spread_model_is_gone_on_from_by_one_process(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    given: dict[str, Any] = {"method": "full", "lr": 0.003, "dropout": 0.0, "save_every": 1000}

    def ask(done: int, total: int) -> None:
        if done == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Preempted, match="after step 3"):
        train(tiny(tmp_path, processes=2, shard=True, **given), source, tmp_path / "two", ask)
    alone = tiny(tmp_path, **given)
    seen: list[int] = []
    out = train(alone, source, tmp_path / "two", lambda now, total: seen.append(now))
    whole = train(alone, source, tmp_path / "whole")
    assert seen[0] == 3
    assert losses(out, "val") == pytest.approx(losses(whole, "val"), rel=1e-5)


def test_rows_are_shared_by_weight_and_evened_out_by_rows_that_count_nothing() -> None:
    weights = [5, 9, 2, 7, 1]
    shares = [Group(rank, 2, even=True).share(weights) for rank in range(2)]
    assert shares == [[(1, 1.0), (2, 1.0), (4, 1.0)], [(0, 1.0), (3, 1.0), (4, 0.0)]]
    counted = sorted(number for share in shares for number, counts in share if counts)
    assert counted == [0, 1, 2, 3, 4]
    assert Group(1, 3).share([4]) == [] and Group(1, 3, even=True).share([4]) == [(0, 0.0)]
    assert Group(0, 3, even=True, reduced=True).share([4]) == [(0, 3.0)]


# --- started and ended ----------------------------------------------------------------------------


def test_torchrun_starts_all_processes(tmp_path: Path) -> None:
    import subprocess
    import sys

    source = tiny_corpus(tmp_path / "c")
    stage = tiny(tmp_path, epochs=1, dropout=0.0)
    model = str(tiny(tmp_path).resources()[0].parent)
    words = [
        "train", str(source), "-o", str(tmp_path / "out"), "--model", model, "--epochs", "1",
        "--rank", "4", "--batch", "6", "--micro-tokens", "40", "--lr", "0.01", "--threads", "1",
        "--device", "cpu", "--precision", "fp32",
    ]  # fmt: skip
    home = Path(__file__).parents[2]
    starting = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    starting += ["--standalone", str(home / "seedbed.py"), *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(home)}
    done = subprocess.run(
        starting, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    made = json.loads((tmp_path / "out/summary.json").read_text())
    assert made["processes"] == 2
    wanted = train(stage, source, tmp_path / "alone")
    assert losses(tmp_path / "out", "val") == pytest.approx(losses(wanted, "val"), rel=1e-5)
    nothing = [*starting[: -len(words)], "--version"]  # the others wait, and are let go
    again = subprocess.run(
        nothing, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0 and again.stdout.startswith("seedbed "), again.stderr


def test_a_process_that_dies_ends_the_training_with_its_last_words(tmp_path: Path) -> None:
    import subprocess
    import sys
    import textwrap

    source, stage = tiny_corpus(tmp_path / "c"), tiny(tmp_path, processes=2, epochs=500)
    from stages import check

    code = """
        import json, os, signal, sys
        from pathlib import Path
        from stages import Train, check
        from stages.errors import StageFailed
        from stages.train import launch
        launch.GRACE = 1.0
        started, plain = [], launch._started
        def kept(*given):
            started.append(plain(*given))
            return started[-1]
        launch._started = kept
        def kill(done, total):
            if done == 2:
                started[0].kill()
        stage = check.build(Train, json.loads(sys.argv[1]))
        try:
            stage.run(*map(Path, sys.argv[2:]), kill)
        except StageFailed as error:
            print(f"seedbed: train: {error}", file=sys.stderr)
            sys.exit(3)
    """
    (tmp_path / "out").mkdir()
    given = [str(source), str(tmp_path / "out"), str(tmp_path / "work")]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), json.dumps(check.as_json(stage)), *given],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "process 2 of 2 ended (-9)" in done.stderr
