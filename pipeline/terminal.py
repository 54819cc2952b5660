"""What a terminal is shown: text whose control characters are escaped and secrets masked.

Records, names, places and messages of servers come from anywhere; printed as they are they could
move the cursor, fake a line or turn the text around. Everything that the command prints goes
through a `Screen`, which stands in the place of stdout and stderr while a command is done.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import IO, Any

from stages.secrets import masked

# C0, DEL, C1; marks, embeddings, overrides and isolates of direction; separators of lines and
# paragraphs; characters without width that hide; halves of surrogate pairs; tags.
_UNSEEN = re.compile(
    "[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u2069"
    "\\ufeff\\ufff9-\\ufffb\\ud800-\\udfff\\U000e0000-\\U000e007f]"
)
_SHORT = {"\t": "\\t", "\r": "\\r", "\n": "\\n"}


def shown(text: str) -> str:
    """The text with control characters escaped, as \\x1b or \\u202e; line breaks stay."""
    return _UNSEEN.sub(_escaped, text)


def line(text: str) -> str:
    """The text as one line: a line break in a name begins no line of its own."""
    return shown(text).replace("\n", "\\n")


def lines(texts: Iterable[str]) -> str:
    """Texts, a line each."""
    return "\n".join(map(line, texts))


def _escaped(match: re.Match[str]) -> str:
    letter = match[0]
    if letter in _SHORT:
        return _SHORT[letter]
    code = ord(letter)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class Screen(io.TextIOBase):
    """A stream of text for people; a reader that has gone is no reason to stop the work.

    must: whether it is an error when the text cannot be written (a full disk below stdout).
    """

    def __init__(self, stream: IO[str], must: bool = False) -> None:
        self._under, self._must = stream, must
        self._gone = False

    def write(self, text: str) -> int:
        """Print text, escaped and masked."""
        self._put(masked(shown(text)))
        return len(text)

    def say(self, text: str) -> None:
        """Print one line."""
        self._put(masked(line(text)) + "\n")

    def rewrite(self, text: str) -> None:
        """Put text in the place of the terminal's last line."""
        self._put("\r\x1b[K" + masked(line(text)))

    def _put(self, text: str) -> None:
        if self._gone:
            return
        try:
            try:
                self._under.write(text)
            except UnicodeEncodeError as error:  # LANG=C, or PYTHONIOENCODING=ascii
                plain = text.encode(error.encoding, "backslashreplace")
                self._under.write(plain.decode(error.encoding))
        except OSError as error:
            self._leave(error)

    def flush(self) -> None:
        """Hand over what waits."""
        if not self._gone:
            try:
                self._under.flush()
            except OSError as error:
                self._leave(error)

    def _leave(self, error: OSError) -> None:
        """Nobody reads any more, as after `| head`."""
        self._gone = True
        with contextlib.suppress(OSError, ValueError):  # what waits in it must find an open file
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._under.fileno())
        if self._must and not isinstance(error, BrokenPipeError):
            raise error

    def isatty(self) -> bool:
        """Whether this is a terminal."""
        return self._under.isatty()

    def fileno(self) -> int:
        """The number of the file below."""
        return self._under.fileno()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._under, name)


@contextlib.contextmanager
def screens() -> Iterator[None]:
    """Put screens in the place of stdout and stderr; open what was handed over closed."""
    with contextlib.suppress(OSError):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(number, True)  # else the next file to be opened would be stdout
        os.close(number)
    before = sys.stdout, sys.stderr
    sys.stdout = Screen(sys.stdout or _nowhere(), must=True)
    sys.stderr = Screen(sys.stderr or _nowhere())
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        sys.stdout, sys.stderr = before


def _nowhere() -> IO[str]:
    return open(os.devnull, "w", encoding="utf-8")
