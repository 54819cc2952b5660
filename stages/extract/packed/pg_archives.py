"""Archives of pg_dump (custom, tar, directory), as the SQL text that pg_restore makes of them.

pg_restore runs without a server, a shell or the caller's environment. It opens what this process
has opened; of a folder it is told the name, once its list of tables names nothing outside of it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import resource
import select
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from stages import watch
from stages.base import Fault
from stages.child import cpu_of
from stages.errors import Unreadable
from stages.extract import files
from stages.extract.packed.streams import Budget, Limits, Member, Raw
from stages.place import Place

MAGIC = b"PGDMP"
TOC = "toc.dat"  # the list of tables: a file of a folder, the first member of a tar file
RESTORED = "restored.sql"  # the member that an archive has to those who look at it from outside
_FORMAT_AT, _CUSTOM = 10, 1
_BLOCK = 512
_MEMORY = 2 << 30  # of pg_restore, which holds the list of tables
# Without a byte for so many CPU seconds, or seconds on the clock, it is ended: cut archives send it
# round and round.
_CPU_SECONDS, _SECONDS = 20, 600
_TOLD = 4096  # bytes of its messages
_ENTRIES = 1 << 22
_VERSION = re.compile(r"\d+(?:\.\d+)*")


def is_tar(head: bytes) -> bool:
    """Whether the first 1,024 bytes of a tar file are those of an archive of pg_dump."""
    return head.startswith(TOC.encode() + b"\0") and head.startswith(MAGIC, _BLOCK)


def is_folder(path: Path) -> bool:
    """Whether a file is the list of tables of an archive that is a folder."""
    return _is_list(_head(path))


def _head(path: Path) -> bytes:
    try:
        with files.opened(path) as file:
            return file.read(2 * _BLOCK)
    except OSError:
        return b""


def _is_list(head: bytes) -> bool:
    return head.startswith(MAGIC) and head[_FORMAT_AT : _FORMAT_AT + 1] != bytes([_CUSTOM])


def restorer_of(path: Path) -> str | None:
    """The version of the pg_restore that will read a file, for its text is another's with another;
    None for a file that is no archive."""
    head = _head(path)
    tool = restorer() if head.startswith(MAGIC) or is_tar(head) else None
    return tool[1] if tool else None


def files_of(folder: Path) -> list[str]:
    """The names of the regular files of a folder, the list of tables first."""
    with os.scandir(folder) as found:
        names = sorted(entry.name for entry in found if entry.is_file(follow_symlinks=False))
    return sorted(names, key=lambda name: name != TOC)


@lru_cache(maxsize=1)
def restorer() -> tuple[str, str] | None:
    """(path, version) of the newest pg_restore there is; None: none is installed."""
    folders = Path("/usr/lib/postgresql").glob("*/bin/pg_restore")  # where Debian has them
    paths = [str(path) for path in sorted(folders, key=_number, reverse=True)]
    for path in (*paths, shutil.which("pg_restore")):
        if path is None or not os.access(path, os.X_OK):
            continue
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(
                [path, "--version"], env=_environment(), capture_output=True, timeout=60, check=True
            )
            version = _VERSION.search(done.stdout.decode("utf-8", "replace"))
            return path, version[0] if version else "unknown"
    return None


def _number(path: Path) -> float:
    found = _VERSION.fullmatch(path.parent.parent.name)
    return float(found[0]) if found and found[0].count(".") < 2 else 0.0


def _environment() -> dict[str, str]:
    return {"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)}


def members(
    stream: Member, place: Place, limits: Limits, path: Path | None = None
) -> Iterator[tuple[Place, Member] | Fault]:
    """The SQL text of an archive, of which a stream stands at the begin. path: of the file, where
    the stream reads it as it is; else it is copied, for pg_restore does not read from its begin to
    its end."""
    if restorer() is None:
        error = "pg_restore is not installed; the client programs of PostgreSQL have it"
        yield Fault(place, "unreadable", {"error": error, "errno": errno.ENOENT})
        return
    member = RESTORED if place.member is None else f"{place.member}/{RESTORED}"
    label = Place(place.path, member)
    with contextlib.ExitStack() as stack:
        folder = None
        if path is not None and _is_list(stream.peek(_BLOCK)):
            folder = path.parent
        reader = _Restored(stack, stream, folder)
        text = Member(Raw(reader.read, label, (Budget(limits, lambda: reader.size, "archive"),)))
        yield label, text
        for fault in (stream.fault, text.fault):
            if fault is not None:
                yield fault


class _Restored:
    """What pg_restore writes; it is started with the first reading, and ended with the stack.

    Unreadable: truncated or corrupt, as it says when it ends; deadline where it says nothing.
    size: bytes of the archive."""

    def __init__(self, stack: contextlib.ExitStack, stream: Member, folder: Path | None) -> None:
        self._stack, self._stream, self._folder = stack, stream, folder
        self._process: subprocess.Popen[bytes] | None = None
        self.size = 1

    def read(self, size: int) -> bytes:
        if self._process is None:
            self._process = self._started()
        assert self._process.stdout is not None
        self._wait(self._process)
        data = os.read(self._process.stdout.fileno(), size)
        if not data and self._process.wait(_SECONDS):
            self._messages.seek(max(0, self._messages.seek(0, os.SEEK_END) - _TOLD))
            told = self._messages.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
            told = told.removeprefix("pg_restore: ").removeprefix("error: ")
            told = told.replace(f"{self._folder}/", "")
            reason = "truncated" if "end of file" in told else "corrupt"
            raise Unreadable(reason, error=f"pg_restore: {told or 'it ended early'}"[:200])
        return data

    @staticmethod
    def _wait(process: subprocess.Popen[bytes]) -> None:
        """Until it has written something or has ended."""
        ready = select.poll()
        ready.register(process.stdout or 0, select.POLLIN)
        begun, cpu = time.monotonic(), cpu_of(process.pid)
        while not ready.poll(200):
            used = cpu_of(process.pid) - cpu
            if used > _CPU_SECONDS or time.monotonic() - begun > _SECONDS:
                told = {"limit": _CPU_SECONDS, "of": "CPU seconds of pg_restore without a byte"}
                raise Unreadable("deadline", **told)

    def _started(self) -> subprocess.Popen[bytes]:
        tool = restorer()
        assert tool is not None
        file = self._stream.file or self._copied()
        name, given = f"/dev/fd/{file.fileno()}", [file.fileno()]
        self.size = os.fstat(file.fileno()).st_size
        if self._folder is not None:
            name, given = str(self._folder), []
            self.size = _checked(self._folder, file)
        file.seek(0)
        messages = tempfile.TemporaryFile()  # noqa: SIM115 - the stack closes it
        self._messages = self._stack.enter_context(messages)
        process = subprocess.Popen(
            [tool[0], "--file=-", name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            env=_environment(),
            pass_fds=given,
        )
        self._stack.enter_context(process)
        self._stack.callback(process.kill)
        with contextlib.suppress(
            OSError, ValueError, AttributeError
        ):  # there is prlimit on Linux alone
            resource.prlimit(process.pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        return process

    def _copied(self) -> BinaryIO:
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - the stack closes it
        self._stack.enter_context(copy)
        while data := self._stream.read(1 << 18):
            copy.write(data)
            watch.tick()
        copy.flush()
        return copy


# --- an archive that is a folder ------------------------------------------------------------------


def _checked(folder: Path, toc: BinaryIO) -> int:
    """The bytes of a folder's files; Unreadable where one is no regular file, or where its lists
    name what is not in it: pg_restore would read what they name, wherever it lies."""
    sizes: dict[str, int] = {}
    with os.scandir(folder) as found:
        for entry in found:
            about = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(about.st_mode):
                error = f"{entry.name[:100]} in its folder is no regular file"
                raise Unreadable("unreadable", error=error)
            sizes[entry.name] = about.st_size
    toc.seek(0)
    named = set(_Names(toc))
    for name in [one for one in sizes if one.endswith(".toc")]:  # of large objects
        if sizes[name] > _MEMORY >> 4:
            raise Unreadable("oversize", limit=_MEMORY >> 4, of="bytes of a list of large objects")
        words = (folder / name).read_bytes().decode("utf-8", "replace").split()
        named.update(word for word in words if not word.isdigit())
    for name in named:
        if "/" in name or name in ("", ".", ".."):
            told = f"its list of tables names a file outside of its folder: {name[:100]}"
            raise Unreadable("corrupt", error=told)
    return sum(sizes.values())


class _Names:
    """The names of data files in a list of tables, as pg_dump writes it (versions 1.12 to 1.16)."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._size = file, os.fstat(file.fileno()).st_size

    def __iter__(self) -> Iterator[str]:
        major, minor, _, self._width, _, _ = self._exactly(11)[5:]
        if major != 1 or not 11 <= minor <= 16 or not 1 <= self._width <= 8:
            raise Unreadable("corrupt", error=f"a list of tables of version {major}.{minor}")
        self._skip("b" if minor >= 15 else "i", *("i" * 7), *("s" * 3))
        entry = "iissssi" + "sssss" + ("s" if minor >= 14 else "") + ("i" if minor >= 16 else "")
        for _ in range(min(self._int(), _ENTRIES)):
            watch.tick()
            self._skip(*entry, *"ss")
            while self._text() is not None:
                pass
            name = self._text()
            if name:
                yield name.decode("utf-8", "replace")

    def _skip(self, *kinds: str) -> None:
        for kind in kinds:
            if kind == "s":
                self._text()
            elif kind == "i":
                self._int()
            else:
                self._exactly(1)

    def _text(self) -> bytes | None:
        size = self._int()
        return None if size < 0 else self._exactly(size)

    def _int(self) -> int:
        sign, *digits = self._exactly(1 + self._width)
        value = int.from_bytes(bytes(digits), "little")
        return -value if sign else value

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(min(size, self._size))
        if len(data) < size:
            raise Unreadable("truncated", error="its list of tables ends early")
        return data
