"""Texts that have few letters by right: JSON, code, tables, lists of numbers."""

from __future__ import annotations

import json
import re
from collections import Counter

from stages.clean.code_words import is_code

_MEASURED = 1 << 16  # characters; the form of what follows is taken to be the same
_NUMBER = re.compile(r"[\W_]*+\d[\d.,:/%eE+*x°-]*[\W_]*+")
_NUMBERS = 0.8  # share of the words
_COLUMNS = ("|", "\t", ";", ",")
_ROWS = 0.8  # share of the lines that have the usual number of columns
_CONTENT = 0.3  # share of letters and digits in code; rows of rules and ornaments have less


def is_structured(text: str) -> bool:
    """Whether a text is JSON, code, a table or a list of numbers."""
    text = text[:_MEASURED].strip()
    return bool(text) and (_is_json(text) or _is_numbers(text) or _is_table(text) or _is_code(text))


def _is_json(text: str) -> bool:
    if text[0] not in "[{" or text[-1] not in "]}":
        return False
    try:
        return bool(json.loads(text))
    except (ValueError, RecursionError):
        return False


def _is_numbers(text: str) -> bool:
    """Mostly numbers, and not the same one again and again."""
    words = [word for word in text.split() if any(map(str.isalnum, word))]
    numbers = [word for word in words if _NUMBER.fullmatch(word)]
    several = len(set(numbers)) * 4 >= len(numbers) > 0
    return several and len(numbers) >= _NUMBERS * len(words)


def _is_table(text: str) -> bool:
    """Most lines have as many columns as most others, with something in them."""
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) < 2:
        return False
    filled = sum(any(char.isalnum() for char in line) for line in lines)
    for sign in _COLUMNS:
        [(usual, often)] = Counter(line.count(sign) for line in lines).most_common(1)
        if usual and often >= _ROWS * len(lines) and filled * 2 >= len(lines):
            return True
    return False


def _is_code(text: str) -> bool:
    full = "".join(text.split())
    return is_code(text) and sum(map(str.isalnum, full)) >= _CONTENT * len(full)
