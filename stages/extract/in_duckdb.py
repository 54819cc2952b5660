"""What all that runs DuckDB in this process shares: its settings, and what its errors say."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from stages.errors import StageFailed

# One order of work; nothing is loaded or looked up beside what a connection is given.
SETTINGS: dict[str, Any] = {
    "threads": 1,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
}
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def first_line(error: BaseException) -> str:
    """What an error says, without the place in a query that it points at."""
    return str(error).strip().partition("\n")[0]


def check_room(error: BaseException, folder: str, what: str) -> None:
    """StageFailed when the disk of its own temporary folder is full, which DuckDB says in words
    alone. No data know the name of the folder, so none can make it seem so. what: lies there."""
    said = str(error)
    if folder in said and any(os.strerror(one) in said for one in _FULL):
        raise StageFailed(
            f"the disk is full: no room in {Path(folder).parent} for {what}; make room there, or "
            "name another folder in TMPDIR, and run again"
        ) from error
