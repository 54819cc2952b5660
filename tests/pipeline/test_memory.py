"""Memory is flat in the size of the input: sixteen times as much, the same peak."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import stages
from benchmarks import memory
from stages.base import Source

SLACK = 50 << 20


def test_every_source_is_measured() -> None:
    sources = {name for name in stages.TABLE if issubclass(stages.stage(name), Source)}
    assert sources == set(memory.INPUTS)


@pytest.mark.parametrize("name", sorted(memory.INPUTS))
def test_a_source_needs_no_more_for_sixteen_times_the_input(name: str, tmp_path: Path) -> None:
    small, large = memory.grown(name, tmp_path)
    print(f"{name}: {small >> 20} MB, 16x {large >> 20} MB")
    assert large <= 1.2 * small + SLACK


def test_a_fit_needs_a_kilobyte_a_record(tmp_path: Path) -> None:
    """Deduplication of distinct records, through the engine, in one process."""
    peaks, counts = [], (1000, 16_000)
    for count in counts:
        path = tmp_path / f"{count}.jsonl"
        with open(path, "w") as file:
            for text in memory.texts(count, 40):
                file.write(json.dumps({"text": text}) + "\n")
        found, rows = memory.transform("dedup", path, tmp_path / f"store-{count}")
        assert rows == count
        peaks.append(found)
    print(f"dedup: {peaks[0] >> 20} MB, 16x {peaks[1] >> 20} MB")
    assert peaks[1] <= 1.2 * peaks[0] + SLACK + 1024 * (counts[1] - counts[0])
