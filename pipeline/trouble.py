"""What the operating system refuses, in words: errno → a sentence with a remedy and an exit code.

Here is what is nobody's bug: disks, rights, names, limits, memory. Damaged files are mended where
they are read, with their own sentences.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from stages import registry
from stages.errors import SeedbedError, StageFailed, UsageError

MAKE_ROOM = "nothing that was finished is lost: make room (`seedbed gc` helps) and run again"
_RIGHTS = "mend its rights or name another place"
_LATER = "nothing that was finished is lost; run again when it can be reached"
_PATH = "name another path"
_FEWER = "use fewer --workers, or raise the limit, and run again; nothing that was finished is lost"

# What a recipe or a call can mend …
_USAGE = {
    errno.EACCES: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.ENAMETOOLONG: "give it a shorter name",
    errno.ENOTDIR: f"a part of the path is a file; {_PATH}",
    errno.EISDIR: f"a file was wanted and this is a folder; {_PATH}",
    errno.ELOOP: "its links lead in a circle; name the place itself",
    errno.EEXIST: f"something is in the way; {_PATH}",
    errno.ENOTEMPTY: f"something is in the way; {_PATH}",
    errno.EILSEQ: "the file system does not take this name; rename it",
    errno.EXDEV: "it lies on another file system; name a place on the same one",
}
# … and what the machine must.
_FAILED = {
    errno.ENOENT: "it is gone, or cannot be made there: run again, or name another place",
    errno.EBUSY: "another program uses it; run again when it is free",
    errno.ETXTBSY: "another program uses it; run again when it is free",
    errno.ENODEV: _LATER,
    errno.ENXIO: _LATER,
    errno.EIO: _LATER,
    errno.ESTALE: _LATER,
    errno.ENOTCONN: _LATER,
    errno.ETIMEDOUT: _LATER,
    errno.EHOSTDOWN: _LATER,
    errno.EREMOTEIO: _LATER,
    errno.ENOLCK: "the file system gives no locks; put store and output on another one",
    errno.EOPNOTSUPP: "the file system cannot do this; put store and output on another one",
    errno.ENOSYS: "the file system cannot do this; put store and output on another one",
    errno.EMLINK: "the file system allows no more links; put store and output on another one",
    errno.EMFILE: "too many files are open: raise `ulimit -n` or use fewer --workers",
    errno.ENFILE: "the machine has too many files open: run again when it does less",
    errno.ENOMEM: _FEWER,
    errno.EAGAIN: _FEWER,
    errno.EPIPE: "a helping process ended; run again",
    errno.ECONNRESET: "a helping process ended; run again",
}


def is_full(error: OSError) -> bool:
    """Whether an error says that a disk or a quota is full, or a file at its allowed size."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def told(error: BaseException) -> SeedbedError | None:
    """The error as one of ours, when it is nobody's bug; None for what may be a bug."""
    if isinstance(error, SeedbedError):
        return error
    if isinstance(error, MemoryError) or _no_room_for_code(error):
        return StageFailed(f"memory ran out; {_FEWER}")
    if isinstance(error, RuntimeError) and str(error).startswith("Symlink loop"):
        return UsageError(f"{error}; name the place itself")  # of Path.resolve
    if not isinstance(error, OSError) or error.errno is None:
        found = _as_os_error(error)
        return None if found is None else _told(found)
    return _told(error)


def bug(trace: str) -> str:
    """The sentence for an exception that is somebody's bug, of its traceback as text."""
    theirs = registry.culprit(trace)
    whose = f"the module {theirs}" if theirs else "seedbed"
    return f"this is a bug of {whose}, not of your data: {trace.strip().splitlines()[-1]}"


def _told(error: OSError) -> SeedbedError | None:
    if is_full(error):
        return StageFailed(f"{_full(error)} ({error}); {MAKE_ROOM}")
    where = f"{_name(error)}: " if error.filename is not None else ""
    if error.errno in _USAGE and where:
        return UsageError(f"{where}{error.strerror}; {_USAGE[error.errno]}")
    if error.errno == errno.ENOENT and not where:
        gone = UsageError("the working folder is gone: run again from one that is there")
        return None if _is_there() else gone
    if error.errno in _FAILED:
        return StageFailed(f"{where}{error.strerror}; {_FAILED[error.errno]}")
    return StageFailed(f"{where}{error.strerror}; {_LATER}") if where else None


def _is_there() -> bool:
    """Whether the working folder exists."""
    try:
        return bool(os.getcwd())
    except FileNotFoundError:
        return False


def _as_os_error(error: BaseException) -> OSError | None:
    """What a library in Rust or C++ says only in words: `… (os error 28)`, `No space left …`."""
    text = str(error)
    if match := re.search(r"\(os error (\d{1,3})\)", text):
        return OSError(int(match[1]), text)
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.EAGAIN, errno.ENOMEM):
        if os.strerror(number) in text:
            return OSError(number, text)
    return None


def _name(error: OSError) -> str:
    names = [name for name in (error.filename, error.filename2) if name is not None]
    told = [os.fsdecode(name) if isinstance(name, bytes | str) else str(name) for name in names]
    return " → ".join(name if len(name) <= 120 else f"{name[:60]}…{name[-40:]}" for name in told)


def _full(error: OSError) -> str:
    if error.errno == errno.EDQUOT:
        return "the quota is used up: the disk is full for this user"
    if error.errno == errno.EFBIG:
        return "a file is at its allowed size, as if the disk is full"
    place = Path(os.fsdecode(error.filename)) if isinstance(error.filename, bytes | str) else None
    while place is not None and not place.exists() and place != place.parent:
        place = place.parent
    try:
        free = os.statvfs(place) if place is not None else None
    except OSError:
        free = None
    # What was begun is removed by now, so neither need be at nothing: the scarcer one ran out.
    if (
        free is not None
        and free.f_files
        and free.f_favail * free.f_blocks < free.f_bavail * free.f_files
    ):
        return "the disk is full: it has no room for another file (no inodes are left)"
    return "the disk is full"


def _no_room_for_code(error: BaseException) -> bool:
    """A library that could not be loaded because memory is limited (`ulimit -v`); one that looks
    for its parts in several places says why the first was of no use in the error before."""
    words = ("failed to map segment", "cannot allocate memory", "out of memory", "can't start new")
    loading = isinstance(error, ImportError | RuntimeError) or (
        isinstance(error, OSError) and error.errno is None
    )
    said = [error, error.__cause__, error.__context__] if loading else []
    return any(word in str(one).lower() for one in said for word in words)
