"""Imported first by the command line: says which file hides our `stages`.

A `stages.py` of the user's in the working folder or on PYTHONPATH would be imported for ours.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def hidden() -> str | None:
    """What is wrong when another `stages` than ours would be imported."""
    home = Path(__file__).resolve().parent.parent
    spec = importlib.util.find_spec("stages")
    found = Path(spec.origin).resolve() if spec and spec.origin else None
    if found is not None and found.parent == home / "stages":
        return None
    return (
        f"{found or 'a folder without __init__.py'} hides seedbed's own stages "
        f"({home / 'stages'}): rename it, or run from another folder"
    )


if message := hidden():
    print(f"seedbed: {message}", file=sys.stderr)
    raise SystemExit(2)
