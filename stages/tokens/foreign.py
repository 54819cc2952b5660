"""Files of models of strangers: what is refused before it is used, and calls that may not return.

A tokenizer is data for a library in Rust: a file can make it grow a text a million times, ask for
four billion tokens, hang in a pattern, or panic, which Python sees as a BaseException.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stages.errors import SeedbedError, StageFailed, UsageError

OBJECT_BYTES = 1 << 28  # of a JSON file; the largest tokenizer.json in use has 35 MB
GROWTH = 64  # times that a normalizer or decoder may make a text longer
TOKEN_CHARACTERS = 4096  # of one token; the longest in use are runs of 256 spaces
SPARE_IDS = 1 << 20  # ids that no token has, beside those that have one
SECONDS, CHARACTERS_A_SECOND = 60, 20_000  # CPU of a call; the slowest in use do ten times that


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file; UsageError, with the file and the remedy, for anything else."""
    try:
        if path.stat().st_size > OBJECT_BYTES:
            raise ValueError(f"it is larger than {OBJECT_BYTES >> 20} MB")
        value = json.loads(path.read_bytes().decode("utf-8"))
        if not isinstance(value, dict):
            raise ValueError(f"it holds a {type(value).__name__}, not an object")
    except (ValueError, RecursionError, MemoryError) as error:
        raise garbled(path, error) from None
    return value


def read_text(path: Path) -> str:
    """The text of a file in UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except ValueError as error:
        raise garbled(path, error) from None


def garbled(path: Path, error: object) -> UsageError:
    """The sentence for a file of a model that cannot be used."""
    told = " ".join(str(error).split())[:300] or type(error).__name__
    return UsageError(f"{path} cannot be used ({told}); get the model's files anew")


def encodable(path: Path, text: str) -> str:
    """The text itself; UsageError for half a character, which no file and no tokenizer takes."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise garbled(path, error) from None
    return text


def check_layout(path: Path) -> None:
    """UsageError for a tokenizer.json that would grow texts or memory without measure."""
    layout = read_object(path)
    for part in ("normalizer", "pre_tokenizer", "decoder"):
        growth = _growth(layout.get(part))
        if growth > GROWTH:
            raise garbled(path, f"its {part} can make a text {growth:,} times as long")
    model = layout.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    added = layout.get("added_tokens")
    pairs: list[tuple[object, object]] = []
    if isinstance(vocabulary, dict):
        pairs += vocabulary.items()
    elif isinstance(vocabulary, list):
        pairs += ((e[0], at) for at, e in enumerate(vocabulary) if isinstance(e, list) and e)
    if isinstance(added, list):
        pairs += ((e.get("content"), e.get("id")) for e in added if isinstance(e, dict))
    greatest = max((number for _, number in pairs if isinstance(number, int)), default=0)
    longest = max((len(text) for text, _ in pairs if isinstance(text, str)), default=0)
    if greatest > len(pairs) + SPARE_IDS:
        raise garbled(path, f"it has {len(pairs):,} tokens, and one of them is number {greatest:,}")
    if longest > TOKEN_CHARACTERS:
        raise garbled(path, f"one of its tokens has {longest:,} characters")


def _growth(step: object) -> int:
    """How many times longer the replacements of a step can make a text."""
    growth = 1
    for one in _steps(step):
        content = one.get("content", one.get("prepend", one.get("replacement")))
        pattern = one.get("pattern")
        found = pattern.get("String") if isinstance(pattern, dict) else None
        if isinstance(content, str):
            growth *= max(1, -(-len(content) // max(1, len(found or ""))))
        if growth > GROWTH:
            break
    return growth


def _steps(step: object) -> Iterator[dict[str, Any]]:
    waiting = [step]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(v for v in one.values() if isinstance(v, list | dict))
        elif isinstance(one, list):
            waiting.extend(one)


class TokenizerFailed(Exception):
    """The tokenizer's library gave up on these texts."""


def guarded(what: str, characters: int, call: Callable[[], Any]) -> Any:
    """What a call into a tokenizer returns, in a thread of its own that may not take for ever.

    TokenizerFailed when it panics; StageFailed when it takes too much CPU (the thread is left).
    """
    done: list[Any] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(call())
        except BaseException as error:  # a panic of Rust is no Exception
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    begun, allowed = time.process_time(), SECONDS + characters / CHARACTERS_A_SECOND
    thread.start()
    while thread.is_alive():
        thread.join(1.0)
        if thread.is_alive() and time.process_time() - begun > allowed:
            raise StageFailed(
                f"{what}: its tokenizer takes more than {allowed:.0f} CPU seconds for "
                f"{characters:,} characters; name another model"
            )
    if failed and isinstance(failed[0], SeedbedError):
        raise failed[0]
    if failed:
        raise TokenizerFailed(_told(failed[0])) from None
    return done[0]


def caught(call: Callable[[], Any]) -> Any:
    """What a call returns; TokenizerFailed for whatever it raises, panics included, but for what
    the system says of files and disks."""
    try:
        return call()
    except (KeyboardInterrupt, SeedbedError, OSError):
        raise
    except BaseException as error:
        raise TokenizerFailed(_told(error)) from None


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
