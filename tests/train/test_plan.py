"""What is trained on when: orders, steps, rows and rates are functions that lose nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.train.plan import order, steps_of


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
