"""What a record gives to a template: roles that it knows, tools, documents, variables."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from stages.records import without_nulls
from stages.roles import CALL, ROLES, call_of, is_own, meaning, words_for
from stages.tokens.chat import Chat
from stages.tokens.shadow import expanded


class UnknownRole(Exception):
    """A message has a role that nobody knows."""


def understood(message: dict[str, Any], chat: Chat | None) -> dict[str, Any]:
    """A message with the role that it means, where another word is used for it."""
    word = message["role"]
    if word == "tool" and chat is not None and not chat.names(word):
        own = next((one for one in words_for(word) if chat.names(one)), word)
        return message if own == word else {**message, "role": own}
    if word in ROLES:
        return message
    if word == CALL:
        calls = call_of(message["content"])
        if calls is None:
            raise UnknownRole(word)
        extra = json.dumps({"tool_calls": calls}, ensure_ascii=False)
        return {"role": "assistant", "content": None, "extra": extra}
    if chat is not None and is_own(word) and chat.names(word):
        return message
    role = meaning(word)
    if role is None:
        raise UnknownRole(word)
    return {**message, "role": role}


def beside(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a record has for the template beside its messages, in its meta or in columns: tools,
    documents, variables."""
    value = {name: without_nulls(record[name]) for name in BESIDE if record.get(name) is not None}
    meta = record.get("meta")
    if isinstance(meta, str) and any(f'"{name}"' in meta for name in BESIDE):
        with contextlib.suppress(ValueError, RecursionError):
            held = json.loads(meta)
            value = {**held, **value} if isinstance(held, dict) else value
    if not value:
        return {}
    found: dict[str, Any] = {}
    options = _opened(value.get("chat_template_kwargs"))
    if isinstance(options, dict):
        found = {str(k): v for k, v in options.items() if str(k) not in _FIXED}
    tools = _opened(value.get("tools"))
    functions = _opened(value.get("functions"))
    if isinstance(functions, list) and not tools:
        tools = [{"type": "function", "function": function} for function in functions]
    if isinstance(tools, list) and tools and all(isinstance(tool, dict) for tool in tools):
        found["tools"] = tools
    documents = _opened(value.get("documents"))
    if isinstance(documents, list) and documents and all(isinstance(d, dict) for d in documents):
        found["documents"] = documents
    return found


BESIDE = ("tools", "functions", "documents", "chat_template_kwargs")
_FIXED = ("messages", "add_generation_prompt", "strftime_now", "tools", "documents")


def _opened(value: Any) -> Any:
    """A value, or what it holds as JSON text."""
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def beside_content(extra: str | None) -> str | None:
    """What of a message is text, or a picture, and no part of its content."""
    shown = expanded({"role": "", "content": None, "extra": extra}) if extra else {}
    words = (
        ("tool_calls", "calls"),
        ("function_call", "call"),
        ("reasoning_content", "reasoning"),
        ("parts", "pictures"),
    )
    return next((word for key, word in words if shown.get(key)), None)
