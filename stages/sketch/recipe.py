"""The choices as a recipe with comments: what each rests on, what it could be instead."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from stages import check
from stages.markup import written_in
from stages.records import fields
from stages.sketch.choice import Choice
from stages.sketch.folder import Folder
from stages.sketch.groups import Left
from stages.sketch.words import language_of

_WIDTH = 98
_SHOWN = 300  # characters of a text in an example
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*")
_WORDS = frozenset(["yes", "no", "true", "false", "on", "off", "null", "none", "y", "n"])
_REFUSES = re.compile(r"(?i)\bas an ai\b|\bI(?:'m| am) sorry, but I can(?:'t|not)\b|language model")


def written(
    choices: Sequence[Choice], folder: Folder, left: Left, file: Path, called: str, name: str
) -> str:
    """The text of a recipe. file: where it will lie; called: the command that runs it."""
    lines = [
        f"# {called}",
        *_head(choices, folder),
        "version: 1",
        f"name: {scalar(name)}",
        "seed: 1",
    ]
    lines += ["", "sources:"]
    for choice in choices:
        lines += source(choice, file)
    lines += [*_left(folder, left), "", "steps:", *_steps(choices)]
    lines += ["", "run: {out: %s, store: .seedbed}" % _out(choices, file.parent)]  # noqa: UP031
    return "\n".join(lines) + "\n"


def _head(choices: Sequence[Choice], folder: Folder) -> Iterator[str]:
    tokens = sum(choice.tokens() for choice in choices)
    files = len(folder.files)
    yield from comment(
        f"Written by `seedbed init` after a look at {files:,} files: it runs as it is. What each "
        "choice rests on stands above it, and what it could be instead; lines with ? are questions "
        "that the data did not answer."
    )
    if tokens:
        yield from comment(f"All sources together have about {rounded(tokens)} tokens, roughly.")
    if folder.more:
        yield from comment("? there are more files than were looked at: name parts of the folder")


def source(choice: Choice, file: Path) -> Iterator[str]:
    """A source with its comments, as lines. file: the recipe."""
    yield ""
    for text in choice.evidence:
        yield from comment(text, "  ")
    yield from comment(_measured(choice), "  ")
    for text in choice.questions:
        yield from comment(f"? {text}", "  ")
    yield from _example(choice)
    mark = "  # " if choice.idle else "  "
    yield f"{mark}- {choice.stage}:"
    yield f"{mark}    name: {scalar(choice.name)}"
    yield f"{mark}    path: {scalar(shown_path(choice.path, file.parent))}"
    if choice.idle:
        return
    yield "      # license: what may be done with it, as CC-BY-4.0"
    yield from _parameters(choice.parameters)
    if choice.other is not None:
        why, parameters = choice.other
        yield from comment(f"instead, {why}:", "      ")
        for line in _parameters(parameters):
            yield f"      # {line[6:]}"


def _measured(choice: Choice) -> str:
    """Language, tokens and markup of what was looked at."""
    texts = choice.tried.texts()
    if not texts:
        return ""
    language, tokens = language_of(texts), choice.tokens()
    told = [f"{len(choice.tried.records)} records looked at"]
    told += [language] if language else []
    told += [f"about {rounded(tokens)} tokens in all"] if tokens else []
    kinds = [kind for text in texts if (kind := written_in(text))]
    if kinds:
        most = max(sorted({*kinds}), key=kinds.count)
        told.append(f"{kinds.count(most)} of {len(texts)} texts hold {most} marks: step markup")
    refused = sum(choice.tried.counts.reasons.values())
    if refused:
        first = sorted(choice.tried.counts.reasons.items(), key=lambda pair: -pair[1])[:3]
        told.append("refused: " + ", ".join(f"{reason} {number}" for reason, number in first))
    return ", ".join(told)


def _example(choice: Choice) -> Iterator[str]:
    if choice.tried.records:
        record = {name: _short(text) for name, text in fields(choice.tried.records[0], "all")}
        yield "  # for example " + printable(json.dumps(record, ensure_ascii=False))


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _parameters(parameters: Mapping[str, Any]) -> Iterator[str]:
    for name, value in parameters.items():
        if isinstance(value, str) and "\n" in value and _is_block(value):
            yield f"      {name}: |-"
            yield from (f"        {line}" for line in value.split("\n"))
        else:
            yield f"      {name}: {scalar(value)}"


def _is_block(text: str) -> bool:
    """Whether a text can stand in a literal block as it is."""
    lines = text.split("\n")
    return all(line.isprintable() and line == line.rstrip() for line in lines) and not (
        lines[0].startswith(" ") or not all(lines)
    )


def _left(folder: Folder, left: Left) -> Iterator[str]:
    """What is in the folder and in no source."""
    told = [
        f"{number:,} {kind}: {', '.join(names)}{' …' if number > len(names) else ''}"
        + (f" ({why})" if why else "")
        for kind, (number, names, why) in sorted(left.items(), key=lambda item: -item[1][0])
    ]
    told += [
        f"{number:,} {why}: {', '.join(names)}{' …' if number > len(names) else ''}"
        for why, (number, names) in folder.left.items()
    ]
    if told:
        yield ""
        yield from comment("Not read:", "  ")
        for text in told[:40]:
            yield from comment(text, "    ")


# --- steps --------------------------------------------------------------------------------------


def _steps(choices: Sequence[Choice]) -> Iterator[str]:
    forms = {form for choice in choices for form in choice.forms}
    texts = [text for choice in choices for text in choice.tried.texts()]
    yield "  - normalize"
    marked = sum(bool(written_in(text)) for text in texts)
    if marked:
        yield f"  - markup         # {marked} of {len(texts)} texts are HTML, BBCode or phpBB's XML"
    else:
        yield "  # - markup       # none of the texts looked at holds HTML or BBCode"
    refusing = sum(_REFUSES.search(text) is not None for text in texts)
    if refusing and forms - {"text"}:
        yield f"  - refusals       # {refusing} of {len(texts)} texts look like answers that refuse"
    else:
        yield "  # - refusals     # answers that refuse; none was seen in what was looked at"
    yield "  # - quality      # drops texts outside of limits; look at its statistics first"
    yield "  # - pii          # masks mail addresses, numbers of cards and the like"
    yield "  - dedup          # exact and near duplicates"
    yield from _split(choices)
    kind = "text" if forms == {"text"} else "messages" if "text" not in forms else "seedbed"
    if kind == "seedbed" and len(forms) > 1:
        yield from comment("texts and conversations together: no other format holds both", "  ")
    yield f"  - export: {{format: {kind}}}"
    yield from comment("to train an adapter at once (`make run` installs what that needs):", "  ")
    yield "  # - tokenize: {model: smollm2, max_length: 2048}"
    yield "  # - train: {epochs: 2}"
    yield "  # - diagnose"


def _split(choices: Sequence[Choice]) -> Iterator[str]:
    by = [*dict.fromkeys(choice.by for choice in choices if choice.by is not None)]
    if by:
        named = ", ".join(scalar(one) for one in by)
        yield from comment("what belongs to one thread or object stays on one side", "  ")
        yield f"  - split: {{val: 0.05, by: [{named}]}}"
    else:
        yield "  - split: {val: 0.05}"


def _out(choices: Sequence[Choice], folder: Path) -> str:
    """The folder of runs: none that a source of the recipe reads."""
    for choice in choices:
        root = Path(choice.path.partition("*")[0])
        if "**" in choice.path and folder.resolve().is_relative_to(root.resolve()):
            return ".runs"  # hidden: a source does not read it
    return "runs"


# --- words --------------------------------------------------------------------------------------


def shown_path(path: str, folder: Path) -> str:
    """A path as a recipe in a folder names it: relative, where that is short."""
    plain = not any(mark in str(folder.resolve()) for mark in "*?[")
    relative = os.path.relpath(path, folder)
    if plain and relative.count("..") <= 1:
        return f"./{relative}" if relative.startswith("~") else relative
    return path


def scalar(value: Any) -> str:
    """A value in YAML on one line."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(scalar, value))}]"
    if not isinstance(value, str):
        return check.shown(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=not value.isprintable())


def comment(text: str, indent: str = "") -> Iterator[str]:
    """A text as lines of comment; nothing for an empty one."""
    words, line = printable(text).split(" "), ""
    for word in words:
        if line and len(indent) + len(line) + len(word) > _WIDTH - 3:
            yield f"{indent}# {line}"
            line = ""
        line = f"{line} {word}".strip()
    if line:
        yield f"{indent}# {line}"


def printable(text: str) -> str:
    """A text in which nothing ends a line or is not shown."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def rounded(number: int) -> str:
    """A rough number: two digits that mean something."""
    if number < 100:
        return str(number)
    whole = round(number, 2 - len(str(number)))
    for unit, name in ((10**9, "billion"), (10**6, "million")):
        if whole >= unit:
            return f"{whole / unit:.2g} {name}"
    return f"{whole:,}"
