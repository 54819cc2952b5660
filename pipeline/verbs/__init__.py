"""The verbs of the command line: `ABOUT`, `options(parser)` and `act(options)` each.

The engine's own are the files here; rooms of `stages` and installed packages bring others, the
tools. `stage` is no verb but what every stage's command is made of.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import cast

from stages import tools
from stages.tools import Tool


def own() -> list[str]:
    """The engine's verbs, by their files."""
    files = (file.name for file in pkgutil.iter_modules(__path__))
    return sorted(name.replace("_", "-") for name in files if name != "stage")


def names() -> list[str]:
    """All verbs: the engine's, then the tools whose names are not taken."""
    return list(dict.fromkeys([*own(), *tools.names()]))


def load(name: str) -> Tool:
    """A verb's module; UsageError for a package's that cannot be used."""
    if name in own():
        return cast(Tool, import_module(f"{__name__}.{name.replace('-', '_')}"))
    return tools.load(name)
