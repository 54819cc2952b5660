"""Bounds on what the parser is given, kept by one linear scan over the text of a page.

The parser takes time by the square of the attributes of an element, of the depth of nesting, of
the options of a list, and of formatting elements that are never closed. Nothing that a reader
would see is taken away.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from stages.extract.webpage import scan
from stages.extract.webpage.tree import words

# Of 823 pages of the web the deepest has 583 levels and the longest list 1,515 options. At these
# bounds each costs the parser less than a tenth of a second.
DEPTH = 1000
# Tags, opening and closing, and comments: each costs up to 1,000 bytes and 20 microseconds.
TAGS = 1 << 20
FORMATTING = 60
# Times the page that is looked at in search of the ends of long tags within long tags; pages of the
# web have none.
_AGAIN = 8
ATTRIBUTES = 1000
OPTIONS = 2000
# With fewer tags than this nothing grows beyond half a second: 2,000 elements left open, each
# opened again in 2,000 paragraphs.
_FEW_TAGS = 4000

_NAME = re.compile(r"<([a-zA-Z][^\s/>]{0,40})")
_MARKUP = re.compile("<[a-zA-Z/!?]")
# Comments, and what stands in an element of raw text, with its opening tag.
_UNPARSED = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))|<(script|style|textarea|title|xmp)(?=[\s/>])[^>]*+>?.*?(?:</\1|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_MAYBE_LONG = re.compile(r"<[a-zA-Z][^<]{2000}")  # a tag with 1,000 attributes is longer
# What the parser does not read as tags.
_RAW = words(scan.RAW_TAGS)
_ATTRIBUTE = re.compile(r"""[^\s=>/"']+(?:\s*=\s*(?:"[^"]*+"|'[^']*+'|[^\s>]+))?""")
# A quote that is never closed ends the search with the page, so that it is made only once.
_OPENING = re.compile(
    r"""<[a-zA-Z][^>"']*+(?:(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))[^>"']*+)*+(?:>|\Z)"""
)


def _either_case(names: str) -> str:
    """A pattern of names in large and small letters. It looks at their first letters first, which
    is several times as fast as ignoring the case of a list."""
    found, firsts = [], ""
    for first, group in itertools.groupby(sorted(names.split()), lambda name: name[0]):
        rest = "|".join(re.sub("[a-z]", _both_letters, name[1:]) for name in group)
        found.append(f"[{first}{first.upper()}](?:{rest})")
        firsts += first + first.upper()
    return f"(?=[{firsts}])(?:{'|'.join(found)})"


def _both_letters(letter: re.Match[str]) -> str:
    return f"[{letter[0]}{letter[0].upper()}]"


# Those that the parser opens again in each element behind them, attributes and all, until they
# are closed: characters that a page may have so, each tag counted as its own and _TAG_SIZE.
REOPENED, _TAG_SIZE = 1 << 24, 130
_FORMATS = re.compile(
    rf"(<(/?{_either_case(scan.FORMATTING_TAGS)}(?=[\s/>]))"
    r"""(?:[\s/]++|(?:[^\s/>=]++|=[^\s/>=]*+)(?:\s*+=\s*+"""
    r"""(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>"'][^\s>]*+)?+)?+)*+(?:>|\Z))"""
)
_AT_ONCE = 1 << 15  # of them that are looked at in one list
# The others change letters but no structure.
_BARE = {tag: f"<{tag}>" for tag in ("a", "/a", "code", "/code")}
_SKIPPED = f"{scan.RAW_TAGS} {scan.DRAWN_TAGS}"
_SKIPPING = re.compile(
    rf"<({_either_case(_SKIPPED)})(?![^\s/>])",
)
_ENDS = {name: re.compile(f"</{_either_case(name)}") for name in _SKIPPED.split()}
# Tags by which something is nested: (whether it ends, of formatting, of an option).
_NESTING = re.compile(
    rf"<(/?)(?:({_either_case(scan.FORMATTING_TAGS)})(?![^\s/>])|({_either_case('option')})(?![^\s/>])"
    rf"|(?!(?:{_either_case(scan.FLAT_TAGS)}|{_either_case(_SKIPPED)})(?![^\s/>]))[a-zA-Z])"
)


def tags(text: str) -> int:
    """About as many as the parser reads; of few, those in scripts and comments are counted too.

    A page that hides tags of its own behind a comment in an attribute meets the reader's limits.
    """
    found = text.count("<")
    if found <= TAGS:
        return found
    # What nothing of a tag follows is text.
    return sum(1 for _ in _MARKUP.finditer(_UNPARSED.sub("<!", text)))


def capped(text: str) -> str | None:
    """The page's text with deep nesting, open formatting and surplus attributes left out; None
    where long tags lie within one another without end, as quotes that are not closed make them."""
    found = scan.Tags(text)
    reopened = found.reopened(_TAG_SIZE)
    if (reopened is None or reopened > REOPENED) and _reopened(text) > REOPENED:
        text = _FORMATS.sub(lambda tag: _BARE.get(tag[2].lower(), ""), text)
        found = scan.Tags(text)
    if len(found.marks) > _FEW_TAGS and not found.shallow(DEPTH, FORMATTING, OPTIONS):
        text = _flattened(text)
        found = scan.Tags(text)
    return text if found.few_attributes(ATTRIBUTES) else _few_attributes(text)


def _flattened(text: str) -> str:
    depth = formatting = options = cut = 0
    pieces: list[str] = []
    for begin, end in _stretches(text):
        for match in _NESTING.finditer(text, begin, end):
            closing, formats, option = match.groups()
            if formats is not None:
                over = formatting >= FORMATTING + (closing != "")
                formatting = max(0, formatting - 1) if closing else formatting + 1
            elif option is not None:
                options += 1
                over = options > OPTIONS
            else:
                over = depth >= DEPTH + (closing != "")
                depth = max(0, depth - 1) if closing else depth + 1
            if over and match.start() >= cut:
                pieces.append(text[cut : match.start()])
                cut = text.find(">", match.end()) + 1 or len(text)
    return "".join([*pieces, text[cut:]]) if pieces else text


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """Where text is read as tags: outside scripts, drawings and their like."""
    begin = 0
    for match in _SKIPPING.finditer(text):
        if match.start() < begin:
            continue
        yield begin, match.start()
        end = _ENDS[match[1].lower()].search(text, match.end())
        if end is None:
            return
        begin = end.start()
    yield begin, len(text)


def _reopened(text: str) -> int:
    """Characters, at most, of the formatting elements that the parser opens again."""
    total = size = 0
    opened: dict[str, list[int]] = {}
    while len(pieces := _FORMATS.split(text, _AT_ONCE)) > 1:
        text = pieces.pop()
        after = iter(pieces)
        for between, tag, name in zip(after, after, after, strict=True):
            if size:
                total += size * between.count("<")
            name = name.lower()
            sizes = opened.setdefault(name.removeprefix("/"), [])
            if sizes and (name == "a" or name[0] == "/"):
                size -= sizes.pop()
            if name[0] != "/":
                sizes.append(_TAG_SIZE + len(tag))
                size += sizes[-1]
    return total + size * text.count("<")


def _few_attributes(text: str) -> str | None:
    pieces: list[str] = []
    cut = behind = again = 0  # again: characters that were looked at more than once
    for place in _MAYBE_LONG.finditer(text):
        named = _NAME.match(text, place.start())
        if place.start() < cut or named is None or named[1].lower() in _RAW:
            continue
        match = _OPENING.match(text, place.start())
        if match:
            again += max(0, min(behind, match.end()) - place.start())
            behind = max(behind, match.end())
            if again > _AGAIN * len(text):
                return None
        kept = _ATTRIBUTE.findall(match[0][1:-1]) if match else ()
        if match and len(kept) > ATTRIBUTES:
            pieces += [text[cut : match.start()], "<", " ".join(kept[: ATTRIBUTES + 1]), ">"]
            cut = match.end()
    return "".join([*pieces, text[cut:]]) if pieces else text
