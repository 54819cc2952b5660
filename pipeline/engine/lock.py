"""Locks between runs on one store, where the file system has them (NFS and FUSE may not)."""

from __future__ import annotations

import errno
import fcntl
import sys
from typing import IO, Any

_WITHOUT = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
_told = False


def hold(file: IO[Any], exclusive: bool, wait: bool = True) -> bool:
    """Lock an open file until it is closed; BlockingIOError when another holds it and `wait` is no.

    False where the file system has no locks, which is said once: then nothing keeps two runs, or
    a run and gc, from working at the same time.
    """
    global _told
    how = (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB)
    try:
        fcntl.flock(file, how)
        return True
    except OSError as error:
        if error.errno not in _WITHOUT:
            raise
        if not _told:
            print(
                f"seedbed: {file.name}: the file system has no locks ({error.strerror}); run no "
                "two commands on this store at the same time",
                file=sys.stderr,
            )
            _told = True
        return False
