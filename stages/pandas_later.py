"""pandas is loaded by who uses it: not by pyarrow at the first array that it makes.

pyarrow looks for pandas once and loads what it finds, which costs each process a fifth of a
CPU-second and 47 MB (`benchmarks/NOTES.md`). Here it is told at that look that there is none, and
learns of it from the first who imports it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

import pyarrow as pa


class _Pandas(MetaPathFinder):
    """Hides pandas until `shown`, and tells pyarrow when it is imported after that."""

    shown = looking = False

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "pandas" or self.looking:
            return None
        if not self.shown:
            raise ModuleNotFoundError("not looked for yet", name=name)
        self.looking = True  # the finders behind this one are asked
        try:
            spec = find_spec(name)
        finally:
            self.looking = False
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_tell(module: ModuleType) -> None:
                sys.meta_path.remove(self)
                run(module)
                pa.table({}).to_pandas()  # makes pyarrow look again

            spec.loader.exec_module = run_and_tell  # type: ignore[method-assign]
        return spec


def load_pandas_later() -> None:
    """For processes of seedbed's own; a program that imports seedbed has pyarrow as it is."""
    if "pandas" in sys.modules or any(isinstance(one, _Pandas) for one in sys.meta_path):
        return
    finder = _Pandas()
    sys.meta_path.insert(0, finder)
    pa.array([0])
    finder.shown = True
