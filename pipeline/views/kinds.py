"""What the kinds of a run show. They may be of packages of others: what fails is told, in its
place, and the rest is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from stages.kinds import Kind

T = TypeVar("T")


def shown(
    kind: Kind, show: Callable[[Path], list[T]], folder: Path, failed: Callable[[str], T]
) -> list[T]:
    """What a kind shows of a folder; one `failed(words)` in its stead when it cannot."""
    try:
        return show(folder)
    except Exception as error:  # the border around what stages bring
        words = f"{kind} in {folder.name}/ cannot be shown: {type(error).__name__}: {error}"
        return [failed(words)]
