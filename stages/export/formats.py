"""One record in each format that other trainers read; or why the format cannot hold it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from stages.json_lines import readable
from stages.preference import REJECTED
from stages.records import encodable, opened
from stages.tokens.given import beside, beside_content

Record = Mapping[str, Any]
Line = dict[str, Any]
Format = Literal[
    "seedbed",
    "messages",
    "alpaca",
    "sharegpt",
    "prompt_completion",
    "dpo",
    "text",
    "pygmalion",
    "arrow",
    "pretokenized",
    "filled",
]
BESIDE = ("tools", "documents", "chat_template_kwargs")


@dataclass(frozen=True)
class LeftOut(Exception):
    """A record that a format cannot hold. reason: one of the stage's; what: the part that it
    cannot hold."""

    reason: str
    what: str


@dataclass(frozen=True)
class Shape:
    """What the lines of a corpus have in common. forms: those that occur; talks: whether any is a
    conversation; beside: what any has beside its messages; history: whether one has more turns
    than two; calls: whether one calls a tool."""

    forms: Sequence[str] = ()
    talks: bool = False
    beside: Sequence[str] = ()
    history: bool = False
    calls: bool = False


def line_of(record: Record, form: Format, shape: Shape, join: str) -> Line:
    """The line of a record; LeftOut where the format cannot hold it."""
    make = _MAKERS[form]
    line = make(record, shape, join)
    given = given_beside(record)
    for name in BESIDE:
        if name in _CARRIED[form]:
            if name in shape.beside:
                line[name] = given.get(name)
        elif given.get(name):
            raise LeftOut("beside", name)
    if half := _with_half(record, line):
        raise LeftOut("half", half)
    if form == "sharegpt" and "tools" in line:
        line["tools"] = readable(line["tools"]) if line["tools"] else ""  # its readers want text
    return line


_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")


def _with_half(record: Record, line: Line) -> str | None:
    """The key of a line that has half a character, which comes from JSON text alone."""
    held = [record.get("meta"), *(one.get("extra") for one in record.get("messages") or ())]
    if not any(text and _ESCAPED.search(text) for text in held):
        return None
    for key, value in line.items():
        text = json.dumps(value, ensure_ascii=False)
        if encodable(text) is not text:
            return key
    return None


def given_beside(record: Record) -> dict[str, Any]:
    """What a record has for a template beside its messages: tools, documents, other variables."""
    found = beside(record)
    given: dict[str, Any] = {}
    for name in BESIDE[:2]:
        if name in found:
            given[name] = found.pop(name)
    return {**given, BESIDE[2]: found} if found else given


_CARRIED: Mapping[str, Sequence[str]] = {
    "seedbed": BESIDE,
    "messages": BESIDE,
    "alpaca": (),
    "sharegpt": ("tools",),
    "prompt_completion": BESIDE,
    "dpo": BESIDE,
    "text": (),
    "pygmalion": (),
}

# --- messages -----------------------------------------------------------------------------------


def open_messages(messages: Sequence[Record] | None) -> list[Line] | None:
    """Role and content, and the keys that `extra` holds (tool calls, names)."""
    if messages is None:
        return None
    opened = []
    for message in messages:
        one: Line = {"role": message["role"], "content": message["content"]}
        if message.get("extra"):
            one = {**one, **_opened(message["extra"]), **one}
        opened.append(one)
    return opened


def _opened(extra: str) -> Line:
    """The keys that `extra` holds; what is no object stays under its own name."""
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(extra)
        if isinstance(value, dict):
            return value
    return {"extra": extra}


def messages_of(record: Record) -> list[Line]:
    """A record as a conversation."""
    if (messages := open_messages(record.get("messages"))) is not None:
        if not messages:
            raise LeftOut("form", "no message")
        return messages
    if record.get("prompt") is None or record.get("completion") is None:
        what = "text" if record.get("text") is not None else "a prompt without a completion"
        raise LeftOut("form", what)
    return [
        {"role": "user", "content": record["prompt"]},
        {"role": "assistant", "content": record["completion"]},
    ]


def _plain(message: Line) -> str:
    """The content of a message that has nothing else."""
    if message["content"] is None or len(message) > 2:
        more = [key for key in message if key not in ("role", "content")]
        raise LeftOut("form", f"a message with {', '.join(more) or 'no content'}")
    return str(message["content"])


# --- formats ------------------------------------------------------------------------------------


def _as_seedbed(record: Record, shape: Shape, join: str) -> Line:
    # Every line has the same keys, so that readers find one schema.
    return {
        name: open_messages(record[name]) if name == "messages" else record[name]
        for name in shape.forms
    }


def _as_openai(record: Record, shape: Shape, join: str) -> Line:
    return {"messages": messages_of(record)}


def _as_alpaca(record: Record, shape: Shape, join: str) -> Line:
    """The last turn as instruction and output, the turns before as history."""
    system, messages = "", messages_of(record)
    if messages[0]["role"] == "system":
        system, messages = _plain(messages[0]), messages[1:]
    expected = ("user", "assistant") * (len(messages) // 2)
    if not messages or tuple(message["role"] for message in messages) != expected:
        raise LeftOut("form", "turns that are not question and answer")
    texts = [_plain(message) for message in messages]
    line = {"instruction": texts[-2], "input": "", "output": texts[-1], "system": system}
    if shape.history:
        line["history"] = [[texts[at], texts[at + 1]] for at in range(0, len(texts) - 2, 2)]  # type: ignore[assignment]
    return line


_SHAREGPT = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}
_OF_RESULT = frozenset(("role", "content", "tool_call_id", "name"))


def _as_sharegpt(record: Record, shape: Shape, join: str) -> Line:
    """Turns with their words for who says them; calls are a turn of their own, and results that
    follow one another are one turn, a line each."""
    turns: list[Line] = []
    for message in messages_of(record):
        role = message["role"]
        if calls := message.get("tool_calls"):
            turns.append({"from": "function_call", "value": _calls(message, calls)})
        elif role == "tool" and message["content"] is not None and message.keys() <= _OF_RESULT:
            if turns and turns[-1]["from"] == "observation":
                turns[-1]["value"] += "\n" + message["content"]
            else:
                turns.append({"from": "observation", "value": message["content"]})
        elif role in _SHAREGPT:
            turns.append({"from": _SHAREGPT[role], "value": _plain(message)})
        else:
            raise LeftOut("form", f"the role {role}")
    return {"conversations": turns}


def _calls(message: Line, calls: Any) -> str:
    """The calls of a message as their readers want them: name and arguments, as JSON text."""
    if message["role"] != "assistant" or message["content"] or len(message) > 3:
        raise LeftOut("form", "text or more beside calls")
    try:
        found = [call.get("function", call) for call in calls]
        told = [{"name": one["name"], "arguments": _arguments(one)} for one in found]
    except (AttributeError, KeyError, TypeError):
        raise LeftOut("form", "calls of another form") from None
    return readable(told[0] if len(told) == 1 else told)


def _arguments(call: Line) -> Any:
    arguments = call.get("arguments", {})
    if isinstance(arguments, str):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(arguments)
    return arguments


def _asked(record: Record) -> tuple[list[Line], Line]:
    """The turns before the last answer, and the answer."""
    messages = messages_of(record)
    if messages[-1]["role"] != "assistant" or len(messages) < 2:
        raise LeftOut("form", "no answer at the end")
    return messages[:-1], messages[-1]


def _as_prompt_completion(record: Record, shape: Shape, join: str) -> Line:
    """As text where no record is a conversation, else as messages."""
    if not shape.talks:
        messages_of(record)
        return {"prompt": record["prompt"], "completion": record["completion"]}
    prompt, answer = _asked(record)
    return {"prompt": prompt, "completion": [answer]}


def _as_dpo(record: Record, shape: Shape, join: str) -> Line:
    """The record's answer as the chosen one beside `rejected`, a column or a key of `meta`."""
    prompt, answer = _asked(record)
    rejected = _rejected(record)
    if rejected == answer["content"]:
        raise LeftOut("pair", "the rejected answer is the record's own")
    if shape.talks:
        other = {"role": "assistant", "content": rejected}
        return {"prompt": prompt, "chosen": [answer], "rejected": [other]}
    return {"prompt": record["prompt"], "chosen": record["completion"], "rejected": rejected}


def _rejected(record: Record) -> str:
    """The text of the answer that was not preferred."""
    value = record.get(REJECTED)
    if value is None and record.get("meta"):
        value = _opened(record["meta"]).get(REJECTED)
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        value = opened(value) or value
    if isinstance(value, Mapping):
        value = [value]
    if isinstance(value, list) and value and isinstance(value[-1], Mapping):
        value = next((value[-1][key] for key in ("content", "value") if key in value[-1]), None)
    if not isinstance(value, str) or not value.strip():
        raise LeftOut("pair", "no rejected answer")
    return value


def _as_text(record: Record, shape: Shape, join: str) -> Line:
    if record.get("messages") is not None:
        for message in record["messages"]:
            if what := beside_content(message.get("extra")):
                raise LeftOut("form", f"a message with {what}")
        parts = [message["content"] for message in record["messages"]]
    else:
        parts = [record.get(name) for name in ("text", "prompt", "completion")]
    texts = [text for text in parts if text is not None]
    if not texts:
        raise LeftOut("form", "no text")
    return {"text": join.join(texts)}


_METHARME = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|model|>"}


def _as_pygmalion(record: Record, shape: Shape, join: str) -> Line:
    """All before the last answer as one text, and the answer: plain where no record is a
    conversation, else in the form of Metharme, in which a token says who speaks."""
    if not shape.talks:
        messages_of(record)
        return {"prompt": record["prompt"], "generation": record["completion"]}
    prompt, answer = _asked(record)
    said = []
    for message in prompt:
        if message["role"] not in _METHARME:
            raise LeftOut("form", f"the role {message['role']}")
        said.append(_METHARME[message["role"]] + _plain(message))
    return {"prompt": "".join([*said, _METHARME["assistant"]]), "generation": _plain(answer)}


_MAKERS: Mapping[str, Callable[[Record, Shape, str], Line]] = {
    "seedbed": _as_seedbed,
    "messages": _as_openai,
    "alpaca": _as_alpaca,
    "sharegpt": _as_sharegpt,
    "prompt_completion": _as_prompt_completion,
    "dpo": _as_dpo,
    "text": _as_text,
    "pygmalion": _as_pygmalion,
}
