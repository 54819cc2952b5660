"""GPUs and what an hour of them costs: a dated table of examples that the user may replace."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.errors import UsageError
from stages.tokens.foreign import read_object

TABLE = Path(__file__).with_name("gpus.json")
VARIABLE = "SEEDBED_GPUS"
USABLE = 0.97  # of a card's memory; the driver keeps the rest


@dataclass(frozen=True)
class Gpu:
    """memory: bytes that a program can have. flops: dense bf16 products a second. prices: US
    dollars an hour by who rents it out."""

    name: str
    memory: float
    flops: float
    prices: Mapping[str, float]

    @property
    def cheapest(self) -> tuple[float, str] | None:
        """(price, who asks it), the least; None for one that nobody rents out."""
        return min(((price, who) for who, price in self.prices.items()), default=None)


@dataclass(frozen=True)
class Table:
    """date: of the prices, as YYYY-MM. origin: the file."""

    date: str
    origin: str
    gpus: tuple[Gpu, ...]

    def named(self, name: str) -> Gpu:
        """The GPU of a name, whatever its case; UsageError with the nearest one."""
        from stages.check import nearest

        for gpu in self.gpus:
            if gpu.name.lower() == name.lower():
                return gpu
        known = [gpu.name for gpu in self.gpus]
        raise UsageError(f"{self.origin} has no GPU {name!r}{nearest(name, known)}")


def read(path: Path | None = None) -> Table:
    """The table of a file; None: the one that SEEDBED_GPUS names, else ours. UsageError with what
    is wrong in it."""
    chosen = os.environ.get(VARIABLE)
    file = path or (Path(chosen) if chosen else TABLE)
    if not file.is_file():
        raise UsageError(f"{file}: not found; it is to be a table of GPUs like {TABLE.name}")
    found = read_object(file)
    rows = found.get("gpus")
    if not isinstance(rows, list) or not rows:
        raise UsageError(f"{file} has no list `gpus`; copy {TABLE} and change it")
    gpus = tuple(_gpu(row, number, file) for number, row in enumerate(rows, 1))
    return Table(str(found.get("date", "of no date")), file.name, gpus)


def _gpu(row: Any, number: int, file: Path) -> Gpu:
    def wrong(what: str) -> UsageError:
        return UsageError(f"{file}: GPU {number} of the list {what}")

    if not isinstance(row, dict) or not isinstance(row.get("name"), str):
        raise wrong("has no name")
    sizes = []
    for key in ("memory_gib", "tflops"):
        value = row.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
            raise wrong(f"({row['name']}) has no {key}, a number above 0")
        sizes.append(float(value))
    prices = row.get("prices", {})
    if not isinstance(prices, dict) or not all(
        isinstance(p, int | float) and not isinstance(p, bool) and 0 <= p < 1e6
        for p in prices.values()
    ):
        raise wrong(f"({row['name']}) has prices that are no numbers")
    memory, flops = sizes
    return Gpu(row["name"], memory * (1 << 30) * USABLE, flops * 1e12, dict(prices))
