"""pandas is loaded by who uses it: not by pyarrow at the first array that it makes.

pyarrow looks for pandas once and loads what it finds, which costs each process .2 CPU-s and 40 MB.
What is told "there is none" at that look loads it when something asks for a frame.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pyarrow as pa


class _NoPandas(MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError("not looked for yet", name=name)
        return None


def load_pandas_later() -> None:
    """For processes of seedbed's own; a program that imports seedbed has pyarrow as it is."""
    if "pandas" in sys.modules:
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)


def tell_arrow_of_pandas() -> None:
    """Where somebody's code has loaded pandas, pyarrow takes its frames and series for what they
    are."""
    if "pandas" in sys.modules:
        pa.table({}).to_pandas()
