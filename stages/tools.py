"""Which tools there are: verbs that a room or an installed package brings, beside the stages.

A tool is a module with `ABOUT`, `options(parser)` and `act(options)`, which returns the exit code,
as the engine's own verbs are. It is for what no recipe asks for: to look at a result, to ask it, to
reckon. A package brings tools by entry points of the group `seedbed.tools`; the entry's name is
the verb. A word that is ours, or a stage's, stays what it is.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Collection, Mapping
from importlib.metadata import EntryPoint
from typing import Protocol, cast

import stages
from stages import registry
from stages.errors import UsageError

GROUP = "seedbed.tools"
PARTS = ("ABOUT", "options", "act")


class Tool(Protocol):
    """What a tool's module holds."""

    ABOUT: str  # one line, for the help

    def options(self, parser: argparse.ArgumentParser) -> None:
        """Say what the tool takes."""

    def act(self, given: argparse.Namespace) -> int:
        """Do it; returns the exit code."""


def _installed() -> Mapping[str, tuple[EntryPoint, ...]]:
    return registry.installed(GROUP)


def names() -> list[str]:
    """The names of all tools: ours first, then those of installed packages."""
    return [*stages.TOOLS, *sorted(set(_installed()) - {*stages.TOOLS, *registry.names()})]


def load(name: str) -> Tool:
    """A tool's module; UsageError with the reason when a package's cannot be used."""
    if name in stages.TOOLS:
        return cast(Tool, importlib.import_module(stages.TOOLS[name]))
    found, told = registry.imported(_installed()[name], "tool")
    if lacking := [part for part in PARTS if not hasattr(found, part)]:
        raise UsageError(f"{told} is no tool: it does not define {', '.join(lacking)}")
    return cast(Tool, found)


def clashes(verbs: Collection[str]) -> list[str]:
    """A sentence for each tool of a package whose name is taken. verbs: the engine's own."""
    taken = {**dict.fromkeys(stages.TOOLS, "tool"), **dict.fromkeys(verbs, "verb")}
    taken |= dict.fromkeys(registry.names(), "stage")
    return [
        f"{registry.told_of(point, 'tool')} is called like a {taken[name]}, which is used; "
        "the package must name it otherwise"
        for name, points in sorted(_installed().items())
        if name in taken
        for point in points
    ]
