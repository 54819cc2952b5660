"""The verbs of the command line, one file each: `ABOUT`, `options(parser)` and `act(options)`.

`stage` is no verb but what every stage's command is made of.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any


def names() -> list[str]:
    """The verbs, by their files."""
    return sorted(file.name for file in pkgutil.iter_modules(__path__) if file.name != "stage")


def load(name: str) -> Any:
    """A verb's module."""
    return import_module(f"{__name__}.{name}")


Act = Callable[[Any], int]  # the parsed options → the exit code
