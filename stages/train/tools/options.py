"""What the tools that ask a trained model take alike."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from stages.errors import UsageError
from stages.train import bases
from stages.train.asked import Pair

EVERY = 10.0  # seconds between lines on how far a measurement is


def add(parser: argparse.ArgumentParser) -> None:
    """The folder, its base, the device."""
    parser.add_argument(
        "run", type=Path, help="the folder of a run that trained, or of an adapter or model"
    )
    parser.add_argument(
        "--model",
        help="the base model: a folder, a hub's owner/name, or smollm2; default: what the adapter "
        "says of it",
    )
    parser.add_argument(
        "--device", choices=["auto", "cpu", "cuda"], default="auto", help="default: auto"
    )
    parser.add_argument(
        "--precision", choices=["auto", "fp32", "bf16"], default="auto", help="default: auto"
    )
    parser.add_argument(
        "--alone", action="store_true", help="the trained model alone, not its base beside it"
    )


def shape_option(parser: argparse.ArgumentParser) -> None:
    """A model of which the shape alone is asked for; its weights need not be there."""
    parser.add_argument(
        "model", nargs="?", default="smollm2",
        help="a model's folder, a config.json alone, a hub's owner/name, or smollm2 (the default)",
    )  # fmt: skip


def config_of(model: str) -> Path:
    """What says the shape of a model that `shape_option` names: a folder or a config.json."""
    from stages.tokens.model import config_folder

    path = Path(model)
    if not path.is_file():
        return config_folder(model)
    if path.suffix.lower() in (".yaml", ".yml"):
        raise UsageError(
            f"{path}: name a model; what the training of a recipe takes, `seedbed plan` tells"
        )
    return path


def opened(given: argparse.Namespace) -> Pair:
    """The models that the options name."""
    adapter = bases.adapter_in(given.run)
    return Pair(adapter, given.model, given.device, given.precision, base=not given.alone)


class Ticker:
    """Says on stderr how far a long measurement is, every ten seconds."""

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total, self._last = name, total, time.monotonic()

    def __call__(self, done: int) -> None:
        if time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            print(f"{self._name}: {done:,} of {self._total:,}", file=sys.stderr, flush=True)


def number_in(value: float, name: str, least: float, most: float) -> None:
    """UsageError for a number out of its range."""
    if not least <= value <= most:
        raise UsageError(f"--{name} is {value:g}, and must be from {least:g} to {most:g}")
