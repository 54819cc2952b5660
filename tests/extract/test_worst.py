"""The worst inputs for readers of JSON, CSV, XML, documents, chats and wrapped pages cost no more
than their size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stages.base import Source
from stages.extract.chatlog import ChatlogExtract
from stages.extract.csv import CsvExtract
from stages.extract.documents import DocumentExtract
from stages.extract.html import HtmlExtract
from stages.extract.jsonl import JsonlExtract
from stages.extract.xml import XmlExtract
from tests import clock
from tests.extract import (
    worst_chats,
    worst_csv,
    worst_documents,
    worst_dumps,
    worst_json,
    worst_wraps,
)

BYTES = 20_000
GROWTH, SECONDS = 3.0, 3.0  # CPU of twice the bytes: times that of once, and at most
_NOISE = 0.15  # seconds within which a growth says nothing

CASES = [
    *(("jsonl", JsonlExtract(), name, make) for name, make in worst_json.CASES.items()),
    *(("csv", CsvExtract(), name, make) for name, make in worst_csv.CASES.items()),
    *(
        ("md", DocumentExtract(records="heading", level=6), name, make)
        for name, make in worst_documents.CASES.items()
    ),
    *(("xml", XmlExtract(), name, make) for name, make in worst_dumps.CASES.items()),
    *(("log", ChatlogExtract(), name, make) for name, make in worst_chats.CASES.items()),
    *(
        (name.rpartition(".")[2], HtmlExtract(), name, make)
        for name, make in worst_wraps.CASES.items()
    ),
]


def cpu(stage: Source, path: Path) -> float:
    def read() -> None:
        parts = stage.parts(str(path), 1 << 24)
        assert sum(split.counts.seen for part in parts for split in stage.splits(part, "s"))

    return clock.seconds(read)


@pytest.mark.parametrize(
    ("suffix", "stage", "make"),
    [case[:2] + case[3:] for case in CASES],
    ids=[f"{case[0]} {case[2]}" for case in CASES],
)
def test_twice_the_bytes_cost_at_most_three_times(
    suffix: str, stage: Source, make: Callable[[int], bytes], tmp_path: Path
) -> None:
    costs = []
    for size in (BYTES, 2 * BYTES):
        path = tmp_path / f"{size}.{suffix}"
        path.write_bytes(make(size))
        costs.append(cpu(stage, path))
    once, twice = costs
    if twice > SECONDS or twice > GROWTH * max(once, _NOISE):  # the machine may have been busy
        once = min(once, cpu(stage, tmp_path / f"{BYTES}.{suffix}"))
        twice = min(twice, cpu(stage, tmp_path / f"{2 * BYTES}.{suffix}"))
    assert twice <= SECONDS
    assert twice <= GROWTH * max(once, _NOISE)


def test_the_tables_are_as_long_as_they_were() -> None:
    assert len(worst_json.CASES) >= 53 and len(worst_csv.CASES) >= 53
    assert len(worst_documents.CASES) >= 36 and len(worst_chats.CASES) >= 27
    assert len(worst_dumps.CASES) >= 50 and len(worst_wraps.CASES) >= 54
