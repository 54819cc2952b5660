"""A pickle of lists of strings, read by an interpreter that knows lists and strings only.

A pickle is a program, and Python's own reader runs it. This one has the operations that lists and
strings need (protocols 0 to 5) and no other, so that a file which asks for anything else is refused
at the place where it does.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stages.errors import UsageError

MOST = 50_000_000  # strings of all lists together
BYTES = 2 << 30

_MARK = object()
_SIZED = {b"\x8c"[0]: 1, b"X"[0]: 4, b"\x8d"[0]: 8}  # strings with a length of so many bytes
_LINES = {b"V"[0], b"p"[0], b"g"[0]}  # operations whose argument is a line
_NUMBERED = {b"q"[0]: 1, b"r"[0]: 4, b"h"[0]: 1, b"j"[0]: 4}


def lists_of_strings(path: Path) -> list[list[str]]:
    """The lists; UsageError for a file that is too large, damaged, or holds anything else."""
    if path.stat().st_size > BYTES:
        raise UsageError(f"{path} has more than {BYTES >> 30} GB, which no list of contexts has")
    found = _Machine(path, path.read_bytes()).run()
    if not isinstance(found, list):
        raise UsageError(f"{path} holds a single string: a list of lists of strings is needed")
    count = 0
    for number, one in enumerate(found):
        if not isinstance(one, list):
            raise UsageError(f"{path}: entry {number} is a string: lists of strings are needed")
        count += len(one)
        if count > MOST:
            raise UsageError(f"{path} holds more than {MOST:,} tokens")
        if not all(isinstance(text, str) for text in one):
            raise UsageError(f"{path}: entry {number} holds a list: strings are needed")
    return found


class _Machine:
    """Stack and memory of a pickle under way."""

    def __init__(self, path: Path, data: bytes) -> None:
        self._path, self._data, self._at = path, data, 0
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """The value that the pickle stands for."""
        simple: dict[int, Callable[[], None]] = {
            b"]"[0]: lambda: self._stack.append([]),
            b"("[0]: lambda: self._stack.append(_MARK),
            b"l"[0]: lambda: self._stack.append(self._since_mark()),
            b"a"[0]: self._append,
            b"e"[0]: self._appends,
            b"\x94"[0]: lambda: self._memo.__setitem__(len(self._memo), self._top()),
            b"\x80"[0]: lambda: self._skip(1),
            b"\x95"[0]: lambda: self._skip(8),
        }
        stop = b"."[0]
        while True:
            begin = self._at
            code = self._take(1)[0]
            if code == stop:
                return self._value(self._pop())
            if (act := simple.get(code)) is not None:
                act()
            elif code in _SIZED:
                size = int.from_bytes(self._take(_SIZED[code]), "little")
                self._stack.append(self._text(self._take(size)))
            elif code in _NUMBERED:
                self._remember(code, int.from_bytes(self._take(_NUMBERED[code]), "little"))
            elif code in _LINES:
                self._line(code)
            else:
                known = {ord(one.code): one.name for one in pickletools.opcodes}
                name = known.get(code, f"0x{code:02x}")
                raise UsageError(
                    f"{self._path} is no list of lists of strings: byte {begin:,} asks for {name}, "
                    "which is not done, because a pickle can run code"
                )

    def _take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise self._damaged("it ends too early")
        self._at += count
        return taken

    def _skip(self, count: int) -> None:
        self._take(count)

    def _line(self, code: int) -> None:
        end = self._data.find(b"\n", self._at)
        line = self._take((end if end >= 0 else len(self._data)) - self._at)
        self._take(1)
        if code == b"V"[0]:
            try:
                self._stack.append(line.decode("raw-unicode-escape"))
            except UnicodeDecodeError:
                raise self._damaged("a string is broken") from None
            return
        try:
            number = int(line)
        except ValueError:
            raise self._damaged("a number is none") from None
        self._remember(b"q"[0] if code == b"p"[0] else b"h"[0], number)

    def _remember(self, code: int, number: int) -> None:
        if code in b"qr":
            self._memo[number] = self._top()
        elif number in self._memo:
            self._stack.append(self._memo[number])
        else:
            raise self._damaged("it names what was not kept")

    def _text(self, content: bytes) -> str:
        try:
            return content.decode("utf-8", errors="surrogatepass")
        except UnicodeDecodeError:
            raise self._damaged("a string is no UTF-8") from None

    def _value(self, value: Any) -> Any:
        if value is _MARK:
            raise self._damaged("a list is not closed")
        return value

    def _pop(self) -> Any:
        if not self._stack:
            raise self._damaged("something is missing")
        return self._stack.pop()

    def _top(self) -> Any:
        if not self._stack:
            raise self._damaged("something is missing")
        return self._value(self._stack[-1])

    def _list(self) -> list[Any]:
        found = self._top()
        if not isinstance(found, list):
            raise self._damaged("something is put into a string")
        return found

    def _since_mark(self) -> list[Any]:
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at] is _MARK:
                taken = self._stack[at + 1 :]
                del self._stack[at:]
                return taken
        raise self._damaged("a list has no beginning")

    def _append(self) -> None:
        value = self._value(self._pop())
        self._list().append(value)

    def _appends(self) -> None:
        values = self._since_mark()
        self._list().extend(values)

    def _damaged(self, why: str) -> UsageError:
        return UsageError(f"{self._path} is a damaged pickle: at byte {self._at:,} {why}")
