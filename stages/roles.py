"""Who says a message: the words that data use for it, and the four roles that they mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

ROLES = ("system", "user", "assistant", "tool")
CALL = "function_call"  # its text is the JSON of a call, which the assistant makes
_WORDS = {
    "user": "human prompter customer client question instruction",
    "assistant": "gpt chatgpt gpt4 gpt-4 bot ai chatbot model bing bard claude gemini answer "
    "response",
    "tool": "function observation tool_response tool_result tool_results function_response ipython",
    "system": "developer",
}
_MEANING = {word: role for role, words in _WORDS.items() for word in (role, *words.split())}
# Words that some templates know themselves: there they stay what they are.
_OWN = frozenset((*_WORDS["tool"].split(), *_WORDS["system"].split()))


def meaning(word: str) -> str | None:
    """The role that a word means; None for one that is not known."""
    return _MEANING.get(word.strip().lower())


def words_for(role: str) -> list[str]:
    """The other words for a role."""
    return _WORDS[role].split()


def is_own(word: str) -> bool:
    """Whether a word may be a role of its own to a template that knows it."""
    return word in _OWN


def call_of(text: object) -> list[dict[str, Any]] | None:
    """The calls in the text of a message of the role `function_call`; None when it holds none."""
    if isinstance(text, str):
        try:
            text = json.loads(text)
        except (ValueError, RecursionError):
            return None
    calls = text if isinstance(text, list) else [text]
    made: list[dict[str, Any]] = []
    for call in calls:
        if not isinstance(call, Mapping) or not isinstance(call.get("name"), str):
            return None
        made.append({"type": "function", "function": dict(call)})
    return made or None
