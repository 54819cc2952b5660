"""Packing is a plan that holds every document once, wastes next to nothing, and is a function."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.tokens.packing import bins, pack


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 300))
def test_rows_hold_every_document_once_within_the_capacity(
    lengths: list[int], capacity: int
) -> None:
    rows = pack(lengths, capacity)
    assert sorted(at for row in rows for at in row) == list(range(len(lengths)))
    for row in rows:
        assert len(row) == 1 or sum(lengths[at] for at in row) <= capacity
    # Two rows that would fit into one are a waste that best fit never leaves.
    sums = sorted(sum(lengths[at] for at in row) for row in rows)
    assert len(sums) < 2 or sums[0] + sums[1] > capacity


def test_the_longest_are_packed_first_and_a_row_is_filled_to_its_end() -> None:
    assert pack([4, 4, 4, 6, 6, 6], 10) == [[0, 3], [1, 4], [2, 5]]
    assert pack([5, 4, 1], 9) == [[0, 1], [2]]


def test_a_capacity_of_zero_gives_each_document_a_row() -> None:
    assert pack([5, 3, 9], 0) == [[0], [1], [2]]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 300), max_size=60),
    st.integers(1, 300),
    st.integers(0, 3),
)
def test_a_plan_holds_every_document_once_within_the_capacity(
    lengths: list[int], capacity: int, epoch: int
) -> None:
    plan = bins(lengths, capacity, 5, epoch)
    held = [at for row in plan for at in row]
    assert sorted(held) == [at for at, length in enumerate(lengths) if length]
    for number, row in enumerate(plan):
        assert row and (len(row) == 1 or sum(lengths[at] for at in row) <= capacity)
        assert all(plan.row_of(at) == number for at in row)
    # It wastes as little as the packing that keeps the order.
    assert len(plan) == len(pack([length for length in lengths if length], capacity))


def _lengths(number: int) -> np.ndarray:
    """Log-normal, as those of real records, with a mean of about 400 tokens."""
    drawn = np.exp(np.random.default_rng(1).normal(5.5, 1.0, number))
    return np.clip(drawn.astype(np.int64), 1, 4096)


def test_a_plan_is_a_function_of_lengths_seed_and_epoch() -> None:
    lengths = _lengths(5_000)
    one, again = bins(lengths, 4096, 3, 1), bins(lengths.tolist(), 4096, 3, 1)
    assert np.array_equal(one.members, again.members) and np.array_equal(one.bounds, again.bounds)
    first = [sorted(row) for row in one]
    for seed, epoch in ((3, 2), (4, 1)):
        other = [sorted(row) for row in bins(lengths, 4096, seed, epoch)]
        assert len(other) == len(first)
        assert sum(row in first for row in other) < len(first) / 2, "the same go together"
    assert bins([7, 7, 7], 14, 0, 0).members.dtype == np.int64
    # Known once and for all: neither a library's version nor a machine changes a plan.
    assert [*bins([5, 3, 4, 3, 5, 2], 8, 1, 2)] == [[0, 1], [4, 3], [5, 2]]


def test_a_million_records_fill_their_rows_in_seconds() -> None:
    lengths = _lengths(1_000_000)
    begin = time.process_time()
    plan = bins(lengths, 4096)
    assert time.process_time() - begin < 3.0
    assert plan.fill >= 0.999
    sums = np.add.reduceat(lengths[plan.members], plan.bounds[:-1])
    assert sums.max() <= 4096 and len(plan.members) == len(lengths)
