"""The benchmark for GPUs is whole: it runs on small shapes where there is none."""

from __future__ import annotations

import sys
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")
pytestmark = pytest.mark.extras


def test_every_column_of_the_table_is_filled(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from benchmarks import bench_gpu

    monkeypatch.setattr(sys, "argv", ["bench_gpu", "--tiny", "--peer", "--seconds", "0"])
    bench_gpu.main()
    *_, header, plain, again = [
        line for line in capsys.readouterr().out.splitlines() if line.strip()
    ]
    assert header.split()[0] == "setting"
    for line, checkpoint in ((plain, "0"), (again, "1")):
        words = line.split()
        assert words[:6] == ["tiny", "lora", "row", "128", "checkpoint", checkpoint]
        assert all(float(word.replace(",", "")) > 0 for word in (words[6], *words[-3:]))


def test_the_count_of_weights_is_that_of_the_model() -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from benchmarks import bench_gpu

    config = bench_gpu.config_of("tiny")
    model = AutoModelForCausalLM.from_config(config)
    linear = [one for one in model.modules() if isinstance(one, torch.nn.Linear)]
    assert bench_gpu._counted(model) == sum(one.weight.numel() for one in linear)
