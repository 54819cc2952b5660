"""Mixed records of any size: code and documentation of the Python that runs this, as a JSONL file.

Texts of up to 8,000 characters, pairs and conversations, in turn; the same on one machine, other
versions of packages give other texts. Texts with what looks like a control token are left out.
"""

from __future__ import annotations

import json
import os
import re
import sysconfig
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks.texts import pairs

_SUFFIXES = (".py", ".pyi", ".rst", ".md", ".txt", ".h")
_CONTROL = re.compile(r"<[|/]?\w+[|]?>|\[/?INST\]|<<SYS>>|\u2581")
TEXT, PART = 8_000, 900  # characters of a text, and of a turn


def paragraphs() -> Iterator[str]:
    """Paragraphs of the files, over and over."""
    folders = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib")]
    files = [
        Path(folder) / name
        for root in folders
        for folder, _, names in sorted(os.walk(root))
        for name in sorted(names)
        if name.endswith(_SUFFIXES)
    ]
    spoken = cycle(pairs())
    for number, path in enumerate(cycle(files)):
        if path.stat().st_size > 1 << 20:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for part in re.split(r"\n\s*\n", text):
            if part.strip() and not _CONTROL.search(part):
                yield part.rstrip()
        if number % 4 == 0:
            yield from next(spoken)


def records(megabytes: float) -> Iterator[dict[str, Any]]:
    """Records of about so many MB of text."""
    source = paragraphs()
    left = megabytes * 1e6
    for form in cycle(("text", "pair", "talk", "pair")):
        if left <= 0:
            return
        if form == "text":
            parts, size = [], 0
            while size < TEXT:
                parts.append(next(source)[:TEXT])
                size += len(parts[-1])
            record: dict[str, Any] = {"text": "\n\n".join(parts)}
        elif form == "pair":
            prompt = next(source)[: PART // 2]
            record = {"prompt": prompt, "completion": "\n\n".join(islice(source, 2))[: 2 * PART]}
        else:
            turns = [part[:PART] for part in islice(source, 6)]
            roles = ("user", "assistant")
            messages = [{"role": roles[n % 2], "content": t} for n, t in enumerate(turns)]
            record = {"messages": messages}
        left -= len(json.dumps(record))
        yield record


def write(path: Path, megabytes: float) -> int:
    """A JSONL file of them; returns how many there are."""
    count = 0
    with open(path, "w", encoding="utf-8") as file:
        for count, record in enumerate(records(megabytes), 1):  # noqa: B007
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    return count
