"""The learning rates are those of the schedules' definitions."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from stages.train.schedule import rate, warmup_steps


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
def test_rates_rise_to_the_peak_and_follow_the_schedule(schedule: Any) -> None:
    rates = [rate(step, 100, 2.0, schedule, 10) for step in range(100)]
    assert rates[:10] == sorted(rates[:10]) and 0 < rates[0] < rates[9] < 2.0
    assert rates[10] == pytest.approx(2.0)
    assert max(rates) <= 2.0 and min(rates) > 0
    falling = all(a > b for a, b in pairwise(rates[10:]))
    assert falling == (schedule != "constant")


def test_rates_are_those_of_the_schedule() -> None:
    def at(step: int, schedule: Any) -> float:
        return rate(step, 100, 2.0, schedule, 20)

    assert [at(step, "constant") for step in (0, 10, 19, 20, 99)] == pytest.approx(
        [2 / 21, 22 / 21, 40 / 21, 2, 2]
    )
    assert [at(step, "linear") for step in (20, 40, 60, 80)] == pytest.approx([2, 1.5, 1, 0.5])
    half = 2**0.5 / 2
    assert [at(step, "cosine") for step in (20, 40, 60, 80)] == pytest.approx(
        [2, 1 + half, 1, 1 - half]
    )
    assert [rate(step, 4, 1.0, "constant", 0) for step in range(4)] == [1.0] * 4


def test_a_cosine_by_epoch_begins_anew_in_each_and_warms_up_for_half_of_it() -> None:
    rates = [rate(step, 30, 1.0, "cosine_by_epoch", 7, 10) for step in range(30)]
    assert rates[:10] == rates[10:20] == rates[20:]
    assert rates[:5] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6])
    assert rates[5] == 1.0 and all(a > b for a, b in pairwise(rates[5:10])) and rates[9] < 0.1


@pytest.mark.parametrize(
    ("share", "steps", "wanted"), [(0.05, None, 5), (0.051, None, 6), (0.5, 3, 3), (0.0, 500, 100)]
)
def test_a_warm_up_is_a_share_or_a_number_of_steps(
    share: float, steps: int | None, wanted: int
) -> None:
    assert warmup_steps(100, share, steps) == wanted


@pytest.mark.parametrize("name", ["constant_with_warmup", "linear", "cosine"])
def test_rates_are_those_of_transformers_but_for_the_first_step(name: str) -> None:
    """Theirs begins at 0, which trains nothing: their step n is our step n - 1 of the warm-up."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = transformers.get_scheduler(name, optimizer, 10, 50)
    seen = []
    for _ in range(50):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    ours: Any = name.removesuffix("_with_warmup")
    assert [rate(step, 50, 1.0, ours, 10) for step in range(10, 50)] == pytest.approx(seen[10:])
