"""From an object with named values to a record: which keys are the prompt, the answer, the talk.

Known by their keys: plain text, prompt and completion under the names in use, Alpaca, ShareGPT,
chat messages, OpenAssistant trees. What is not part of the text goes to `meta` under its name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stages.errors import Unreadable
from stages.extract.jsontext.json_values import NotANumber
from stages.records import to_json

Form = Literal["auto", "text", "prompt", "messages"]

_TALK = ("messages", "conversations", "conversation")
_TEXT = ("text", "content", "body")
_ANSWER = ("output", "response", "completion", "answer")
# prompt → what its completion may be called, the first pair found counts
_PAIRS = (
    ("instruction", _ANSWER),
    ("prompt", ("completion", "response", "answer", "output")),
    ("question", ("answer", "response", "completion", "output")),
    ("query", ("response", "answer", "output")),
    ("input", ("output", "response", "target")),
    ("inputs", ("targets",)),
    ("source", ("target",)),
)
_CONTEXT = ("input", "context")  # what an instruction works on
_SYSTEM = ("system", "system_prompt")
_ROLES = {
    "human": "user",
    "prompter": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
}
_BRACES = re.compile(r"\{([^{}]+)\}")
# Every branch of a tree repeats its stem, a template its columns: what comes of one row is bounded.
TREE_MESSAGES, TREE_CHARS = 100_000, 32 << 20
FILLED_CHARS = 16 << 20


# every key that has a meaning of its own
_KEYS = (*_TALK, *_TEXT, *_CONTEXT, *_SYSTEM, "history", "role")
KNOWN = frozenset(_KEYS).union(*((key, *answers) for key, answers in _PAIRS))


def has_form(keys: Collection[str], names: Names) -> bool:
    """Whether an object with these keys would be a record."""
    if names.prompt is not None or names.text is not None or names.messages is not None:
        return True
    pair = any(key in keys and any(a in keys for a in answers) for key, answers in _PAIRS)
    if names.form == "prompt" or pair:
        return pair if names.form in ("auto", "prompt") else any(key in keys for key in _TEXT)
    return any(key in keys for key in _TEXT)


@dataclass(frozen=True)
class Names:
    """The keys that the user named, and the form wanted."""

    form: Form = "auto"
    prompt: str | None = None
    completion: str | None = None
    text: str | None = None
    messages: str | None = None
    system: str | None = None

    def contradictions(self) -> tuple[str, ...]:
        """Why the names do not go together."""
        found = []
        if (self.prompt is None) != (self.completion is None):
            one, other = "prompt", "completion"
            if self.prompt is None:
                one, other = other, one
            found.append(f"{one} is given without {other}: a record needs both")
        forms = {"text": self.text, "prompt": self.prompt, "messages": self.messages}
        named = [form for form, value in forms.items() if value is not None]
        if len(named) > 1:
            found.append(f"{' and '.join(named)} are given: a record has one form")
        elif named and self.form not in ("auto", named[0]):
            found.append(f"{named[0]} is given, but form is {self.form}")
        return tuple(found)


def columns_of(template: str) -> list[str]:
    """The columns that a name or a template like "{title}: {body}" uses."""
    return _BRACES.findall(template) or [template]


def filled(template: str, values: Mapping[str, Any]) -> str:
    """The text of a column, or of a template; Unreadable no_form for a missing column."""
    names = columns_of(template)
    for name in names:
        if name not in values:
            raise Unreadable("no_form", missing=name, keys=list(values)[:20])
    if names == [template]:
        return _text(template, values[template])
    if sum(len(_text(name, values[name])) for name in names) > FILLED_CHARS:
        raise Unreadable("oversize", limit=FILLED_CHARS, of="characters of a filled template")
    return _BRACES.sub(lambda match: _text(match[1], values[match[1]]), template)


def records_of(values: Mapping[str, Any], names: Names) -> list[dict[str, Any]]:
    """The record of an object, or the records of a tree of messages.

    Unreadable: no_form (keys), bad_type (field, type), empty (field), encoding (field).
    """
    replies = values.get("prompt")
    if names.prompt is None and isinstance(replies, Mapping) and "replies" in replies:
        meta = _meta(values, {"prompt"})
        beside = len(to_json(meta)) if meta else 0
        talks = _branches(replies, beside)
        return [_checked({"messages": talk, "meta": meta}) for talk in talks]
    return [_checked(_record(values, names))]


def _record(values: Mapping[str, Any], names: Names) -> dict[str, Any]:
    used: set[str] = set()
    system = _system(values, names)
    for form, read in (("messages", _talk), ("prompt", _pair), ("text", _plain)):
        if names.form not in ("auto", form) or (form != _named(names) and _named(names)):
            continue
        record = read(values, names, used)
        if record is not None:
            return {**_with_system(record, system, used), "meta": _meta(values, used)}
    evidence: dict[str, object] = {"keys": [str(key) for key in list(values)[:20]]}
    if names.messages is not None or names.text is not None:
        evidence["missing"] = names.messages or names.text
    raise Unreadable("no_form", **evidence)


def _named(names: Names) -> str | None:
    if names.messages is not None:
        return "messages"
    if names.prompt is not None:
        return "prompt"
    return "text" if names.text is not None else None


def _system(values: Mapping[str, Any], names: Names) -> tuple[list[str], str] | None:
    """(keys, text) of a system prompt, when there is one that is not empty."""
    if names.system is not None:
        keys, found = columns_of(names.system), filled(names.system, values)
        return (keys, found) if found.strip() else None
    for key in _SYSTEM:
        value = values.get(key)
        if isinstance(value, str) and value.strip():
            return [key], value
    return None


def _with_system(
    record: dict[str, Any], system: tuple[list[str], str] | None, used: set[str]
) -> dict[str, Any]:
    """A system prompt is a message, so a pair that has one becomes messages."""
    if system is None or "text" in record:
        return record
    used.update(system[0])
    first = {"role": "system", "content": system[1]}
    if "messages" in record:
        return {"messages": [first, *record["messages"]]}
    pair = (("user", record["prompt"]), ("assistant", record["completion"]))
    return {"messages": [first, *({"role": role, "content": text} for role, text in pair)]}


# --- the forms ----------------------------------------------------------------------------------


def _talk(values: Mapping[str, Any], names: Names, used: set[str]) -> dict[str, Any] | None:
    key = names.messages
    if key is None:
        key = next((known for known in _TALK if isinstance(values.get(known), list)), None)
    if key is None or key not in values:
        return None
    used.add(key)
    return {"messages": _messages(key, values[key])}


def _messages(key: str, talk: object) -> list[dict[str, Any]]:
    if not isinstance(talk, list):
        raise Unreadable("bad_type", field=key, type=type_name(talk), wanted="a list of messages")
    if not talk:
        raise Unreadable("empty", field=key)
    return [_message(f"{key}[{number}]", message) for number, message in enumerate(talk)]


def _message(field: str, message: object) -> dict[str, Any]:
    if not isinstance(message, Mapping):
        raise Unreadable("bad_type", field=field, type=type_name(message), wanted="an object")
    rest = dict(message)
    role_key = next((key for key in ("role", "from") if key in rest), None)
    text_key = next((key for key in ("content", "value", "text") if key in rest), None)
    if role_key is None or (text_key is None and len(rest) == 1):
        raise Unreadable("no_form", field=field, keys=[str(key) for key in list(rest)[:20]])
    role = rest.pop(role_key)
    if not isinstance(role, str):
        raise Unreadable("bad_type", field=f"{field}.{role_key}", type=type_name(role))
    content = rest.pop(text_key) if text_key is not None else None
    made: dict[str, Any] = {"role": _ROLES.get(role, role)}
    if isinstance(content, list):  # parts of text, pictures, sound
        texts = [part for part in content if _is_text_part(part)]
        if len(texts) < len(content):
            rest["parts"] = [part for part in content if not _is_text_part(part)]
        said = [part if isinstance(part, str) else part["text"] for part in texts]
        content = "\n".join(said) if said else None
    if content is not None and not isinstance(content, str):
        raise Unreadable("bad_type", field=f"{field}.{text_key}", type=type_name(content))
    return {**made, "content": content, **{k: v for k, v in rest.items() if v is not None}}


def _is_text_part(part: object) -> bool:
    if isinstance(part, str):
        return True
    return (
        isinstance(part, Mapping)
        and part.get("type", "text") == "text"
        and isinstance(part.get("text"), str)
    )


def _pair(values: Mapping[str, Any], names: Names, used: set[str]) -> dict[str, Any] | None:
    if names.prompt is not None and names.completion is not None:
        used.update(columns_of(names.prompt), columns_of(names.completion))
        return {
            "prompt": filled(names.prompt, values),
            "completion": filled(names.completion, values),
        }
    for key, answers in _PAIRS:
        answer = next((name for name in answers if name in values), None)
        if key not in values or answer is None:
            continue
        used.update((key, answer))
        prompt, completion = values[key], values[answer]
        if isinstance(prompt, list) and prompt and isinstance(prompt[0], Mapping):
            talk = _messages(key, prompt)
            if isinstance(completion, list):
                return {"messages": talk + _messages(answer, completion)}
            said = {"role": "assistant", "content": _text(answer, completion)}
            return {"messages": [*talk, said]}
        text = _text(key, prompt)
        if key == "instruction":
            text = _instruction(text, values, used)
        past = values.get("history")
        if isinstance(past, list) and past and _is_history(past):
            used.add("history")
            turns = [(role, turn[n]) for turn in past for n, role in enumerate(_SIDES)]
            turns += [("user", text), ("assistant", _text(answer, completion))]
            return {"messages": [{"role": role, "content": said} for role, said in turns]}
        return {"prompt": text, "completion": _text(answer, completion)}
    return None


_SIDES = ("user", "assistant")


def _is_history(past: list[Any]) -> bool:
    return all(
        isinstance(turn, list | tuple) and len(turn) == 2 and all(isinstance(t, str) for t in turn)
        for turn in past
    )


def _instruction(text: str, values: Mapping[str, Any], used: set[str]) -> str:
    for key in _CONTEXT:
        if key in values:
            used.add(key)
            context = _text(key, values[key])
            return f"{text}\n\n{context}" if context.strip() else text
    return text


def _plain(values: Mapping[str, Any], names: Names, used: set[str]) -> dict[str, Any] | None:
    if names.text is not None:
        used.update(columns_of(names.text))
        return {"text": filled(names.text, values)}
    key = next((key for key in _TEXT if key in values), None)
    if key is None:
        return None
    used.add(key)
    return {"text": _text(key, values[key])}


def _branches(root: Mapping[str, Any], beside: int) -> Iterator[list[dict[str, Any]]]:
    """The talks of a tree: one from the root to each leaf, in order of the replies.

    beside: characters that each talk has beside it. Unreadable: oversize when the talks together
    are too long."""
    stack: list[tuple[Mapping[str, Any], list[dict[str, Any]], int]] = [(root, [], beside)]
    messages = chars = 0
    while stack:
        node, before, size = stack.pop()
        message = _message("prompt", {key: node[key] for key in ("role", "text") if key in node})
        talk, size = [*before, message], size + len(message["content"] or "")
        replies = node.get("replies")
        if not isinstance(replies, list) or not replies:
            messages, chars = messages + len(talk), chars + size
            if messages > TREE_MESSAGES:
                raise Unreadable("oversize", limit=TREE_MESSAGES, of="messages made of a tree")
            if chars > TREE_CHARS:
                raise Unreadable("oversize", limit=TREE_CHARS, of="characters made of a tree")
            yield talk
            continue
        for number, reply in enumerate(reversed(replies)):
            if not isinstance(reply, Mapping):
                field = f"replies[{len(replies) - 1 - number}]"
                raise Unreadable("bad_type", field=field, type=type_name(reply))
            stack.append((reply, talk, size))


# --- values -------------------------------------------------------------------------------------


def type_name(value: object) -> str:
    """The JSON name of a value's type."""
    if isinstance(value, NotANumber):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "list"


def _text(field: str, value: object) -> str:
    """A text; null is an empty one, which `_checked` refuses where text is needed."""
    if value is None:
        return ""
    if not isinstance(value, str) or isinstance(value, NotANumber):
        raise Unreadable("bad_type", field=field, type=type_name(value), wanted="a string")
    return value


def _meta(values: Mapping[str, Any], used: set[str]) -> dict[str, Any] | None:
    return {key: value for key, value in values.items() if key not in used} or None


def _checked(record: dict[str, Any]) -> dict[str, Any]:
    """Refuse a record without text, or with half a character (a lone surrogate)."""
    if (talk := record.get("messages")) is not None:
        pairs = [(f"messages[{n}]", message["content"] or "") for n, message in enumerate(talk)]
        if not any(text and not text.isspace() for _, text in pairs):
            raise Unreadable("empty", field="messages")
    else:
        pairs = [
            (name, record[name]) for name in ("text", "prompt", "completion") if name in record
        ]
        for name, text in pairs:
            if not text or text.isspace():
                raise Unreadable("empty", field=name)
    for name, text in pairs:
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                half = f"U+{ord(text[error.start]):04X}"
                raise Unreadable("encoding", field=name, at=error.start, character=half) from None
    return record
