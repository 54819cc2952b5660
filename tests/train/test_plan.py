"""What is trained on when: orders, steps, rows and rates are functions that lose nothing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.train.plan import order, rate, steps_of


def test_one_record_more_leaves_the_order_of_the_others() -> None:
    names = [f"record-{number}" for number in range(50)]
    before = [names[at] for at in order(names, 3, 1)]
    more = ["new", *names]
    after = [more[at] for at in order(more, 3, 1)]
    assert [name for name in after if name != "new"] == before


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    names = [f"record-{number}" for number in range(50)]
    orders = [order(names, seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert all(sorted(one) == list(range(50)) for one in orders)
    assert len({tuple(one) for one in orders}) == 4


def test_the_last_step_of_an_epoch_is_no_short_rest() -> None:
    sizes = [end - begin for begin, end in steps_of(np.ones(130), 8)]
    assert len(sizes) == 17 and sum(sizes) == 130 and set(sizes) <= {7, 8}


def test_a_step_ends_with_the_document_nearest_to_its_share() -> None:
    assert steps_of([6, 6, 2], 7) == [(0, 1), (1, 3)]  # 6 and 8, not 12 and 2
    assert steps_of([2, 6, 6], 7) == [(0, 2), (2, 3)]
    assert steps_of([4, 4, 4], 5) == [(0, 1), (1, 2), (2, 3)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 900), min_size=1, max_size=60), st.integers(1, 2000))
def test_steps_hold_every_document_once(weights: list[int], size: int) -> None:
    steps = steps_of(weights, size)
    assert [at for begin, end in steps for at in range(begin, end)] == list(range(len(weights)))
    assert all(end > begin for begin, end in steps)
    wanted = max(1, min(len(weights), -(-sum(weights) // size)))
    assert len(steps) == wanted


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
def test_rates_rise_to_the_peak_and_follow_the_schedule(schedule: str) -> None:
    rates = [rate(step, 100, 2.0, schedule, 0.1) for step in range(100)]  # type: ignore[arg-type]
    assert rates[:10] == sorted(rates[:10]) and 0 < rates[0] < rates[9] < 2.0
    assert rates[10] == pytest.approx(2.0)
    assert max(rates) <= 2.0 and min(rates) > 0
    falling = all(a > b for a, b in pairwise(rates[10:]))
    assert falling == (schedule != "constant")


def test_rates_are_those_of_the_schedule() -> None:
    def at(step: int, schedule: str) -> float:
        return rate(step, 100, 2.0, schedule, 0.2)  # type: ignore[arg-type]

    assert [at(step, "constant") for step in (0, 10, 19, 20, 99)] == pytest.approx(
        [2 / 21, 22 / 21, 40 / 21, 2, 2]
    )
    assert [at(step, "linear") for step in (20, 40, 60, 80)] == pytest.approx([2, 1.5, 1, 0.5])
    half = 2**0.5 / 2
    assert [at(step, "cosine") for step in (20, 40, 60, 80)] == pytest.approx(
        [2, 1 + half, 1, 1 - half]
    )
    assert [rate(step, 4, 1.0, "constant", 0.0) for step in range(4)] == [1.0] * 4
