"""The console script: says which file hides seedbed's packages, in place of an ImportError.

`stages` and `pipeline` are plain names: a file or folder of the user's that is called so, in the
working folder or on PYTHONPATH, would be imported for ours.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import NoReturn

HOME = Path(__file__).resolve().parent


def hidden() -> str | None:
    """What is wrong when another `pipeline` or `stages` than ours would be imported."""
    for name in ("pipeline", "stages"):
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin).resolve() if spec and spec.origin else None
        if found is None or found.parent != HOME / name:
            return (
                f"{found or 'a folder without __init__.py'} hides seedbed's own {name} "
                f"({HOME / name}): rename it, or run from another folder"
            )
    return None


if message := hidden():
    print(f"seedbed: {message}", file=sys.stderr)
    raise SystemExit(2)


def main() -> NoReturn:
    """The entry point of the command line."""
    from pipeline.cli import main as run

    run()


if __name__ == "__main__":
    main()
