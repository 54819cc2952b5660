"""What a terminal is shown: text whose control characters are escaped and secrets masked.

Records, names, places and messages of servers come from anywhere; printed as they are they could
move the cursor, fake a line or turn the text around. Everything that the command prints goes
through a `Screen`, which stands in the place of stdout and stderr while a command is done.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
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


# --- lines in which some text stands out ----------------------------------------------------------

# A line, or what it is made of: (style, text). Styles are the keys below; "" is none.
Line = str | Sequence[tuple[str, str]]

_COLOURS = {"removed": "31", "added": "32", "match": "33", "good": "32", "bad": "31", "soft": "2"}
_COLOURS |= {"name": "1"}
# What stands out without colours too, as `git diff --word-diff` has it.
_MARKS = {"removed": ("[-", "-]"), "added": ("{+", "+}"), "match": ("⟦", "⟧")}


def painted(one: Line, colours: bool = False) -> str:
    """A line as text: escaped, with marks around what was removed, added or matched."""
    if isinstance(one, str):
        return line(one)
    out = []
    for style, text in one:
        before, behind = _MARKS.get(style, ("", ""))
        text = f"{before}{line(text)}{behind}" if text else ""
        code = _COLOURS.get(style) if colours and text else None
        out.append(f"\x1b[{code}m{text}\x1b[0m" if code else text)
    return "".join(out)


def put(texts: Iterable[Line]) -> None:
    """Print lines on stdout, in colours where it is a terminal that wants them."""
    out = sys.stdout
    if isinstance(out, Screen):
        for one in texts:
            out.paint(one)
    else:
        print("\n".join(map(painted, texts)))


def json_line(value: Any) -> str:
    """A JSON value on one line for other programs, with what a terminal must not see escaped as
    JSON does it; in ASCII where stdout can hold no more."""
    ascii_alone = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    text = json.dumps(value, ensure_ascii=ascii_alone, separators=(",", ":"), default=str)
    return _UNSEEN.sub(_escaped_as_json, text)


def _escaped(match: re.Match[str]) -> str:
    letter = match[0]
    if letter in _SHORT:
        return _SHORT[letter]
    code = ord(letter)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escaped_as_json(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


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

    def paint(self, one: Line) -> None:
        """Print one line, in colours on a terminal; NO_COLOR (no-color.org) turns them off."""
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        self._put(masked(painted(one, self.isatty() and not plain)) + "\n")

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
