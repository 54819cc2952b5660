"""Heavy libraries are imported inside the function that needs them, through `require`."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from stages.errors import MissingExtra

OF_HUBS = "train"  # the extra that brings what talks to hubs


def require(module: str, extra: str) -> Any:
    """Import `module`, or say in one sentence which extra of seedbed brings it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != top:
            raise
        raise MissingExtra(
            f"{top} is not installed: pip install -c constraints.txt 'seedbed[{extra}]'"
        ) from None
