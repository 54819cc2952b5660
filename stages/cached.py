"""Where what can be made again lies beside no data: the user's cache."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where every cache of seedbed lies: SEEDBED_CACHE, else seedbed below the user's cache."""
    if chosen := os.environ.get("SEEDBED_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "seedbed"
