"""The names of columns that are known, and those that the user gives."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

Form = Literal["auto", "text", "prompt", "messages"]

TALK = ("messages", "conversations", "conversation")
TEXT = ("text", "content", "body")
SYSTEM = ("system", "system_prompt")
CONTEXT = ("input", "context")  # what an instruction or a question works on
# The same, where the value is more than one word: a table's name is no table.
MATTER = ("passage", "document", "table", "schema")
CHOSEN, REJECTED = "chosen", "rejected"  # a preference pair: two answers, of which one is better
_ALSO = {
    **dict.fromkeys(("chosen_response", "response_chosen"), CHOSEN),
    **dict.fromkeys(("rejected_response", "response_rejected"), REJECTED),
}
_ANSWER = ("output", "response", "completion", "answer")
# prompt → what its completion may be called, the first pair found counts
PAIRS = (
    ("instruction", _ANSWER),
    ("prompt", ("completion", "response", "answer", "output", "generation")),
    ("question", ("answer", "response", "completion", "output")),
    ("query", ("response", "answer", "output")),
    ("input", ("output", "response", "target")),
    ("inputs", ("targets",)),
    ("source", ("target",)),
)
_KEYS = (*TALK, *TEXT, *CONTEXT, *SYSTEM, "history", "role")
KNOWN = frozenset(_KEYS).union(*((key, *answers) for key, answers in PAIRS))
_LOOKED_FOR = KNOWN.union(MATTER, (CHOSEN, REJECTED))
_BRACES = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Names:
    """The names that the user gave, and the form wanted."""

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

    @property
    def named(self) -> str | None:
        """The form of which a part is named."""
        given = {"messages": self.messages, "prompt": self.prompt, "text": self.text}
        return next((form for form, value in given.items() if value is not None), None)

    def wanted(self, form: str) -> bool:
        """Whether records may have a form."""
        return self.form in ("auto", form) and self.named in (None, form)

    def columns(self) -> dict[str, str]:
        """Each column that is named, and the parameter that names it first."""
        given = {
            "prompt": self.prompt,
            "completion": self.completion,
            "text": self.text,
            "messages": self.messages,
            "system": self.system,
        }
        found: dict[str, str] = {}
        for parameter, template in given.items():
            for column in columns_of(template) if template is not None else ():
                found.setdefault(column, parameter)
        return found


class Pair(NamedTuple):
    """A prompt and its completion, as columns or templates. contexts: columns of what the prompt
    is about, which becomes part of it; matters: the same where a value has more than one word;
    known: whether they go by known names."""

    prompt: str
    completion: str
    contexts: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()
    known: bool = False


@lru_cache(maxsize=1024)  # a layout asks it of each row
def columns_of(template: str) -> tuple[str, ...]:
    """The columns that a name or a template like "{title}: {body}" uses."""
    return tuple(_BRACES.findall(template)) or (template,)


def filled(template: str, texts: Mapping[str, str]) -> str:
    """A template with the texts of its columns."""
    if template in texts:
        return texts[template]
    return _BRACES.sub(lambda match: texts[match[1]], template)


def known(columns: Collection[str]) -> dict[str, str]:
    """known name → the column that has it: Question is question, if that is not there."""
    found = {column: column for column in columns if column in _LOOKED_FOR}
    for column in columns:
        lower = column.strip().lower()
        lower = _ALSO.get(lower, lower)
        if lower in _LOOKED_FOR:
            found.setdefault(lower, column)
    return found


def pair(at: Mapping[str, str]) -> Pair | None:
    """The first pair among known names; of a preference pair the better answer completes it."""
    better = (CHOSEN,) if REJECTED in at else ()
    for key, answers in PAIRS:
        answer = next((name for name in (*better, *answers) if name in at), None)
        if key in at and answer is not None:
            contexts = tuple(at[n] for n in CONTEXT if n in at and n not in (key, answer))
            matters = tuple(at[name] for name in MATTER if name in at)
            return Pair(at[key], at[answer], contexts, matters, known=True)
    return None


def first(at: Mapping[str, str], names: Sequence[str]) -> str | None:
    """The column of the first of some known names that is there."""
    return next((at[name] for name in names if name in at), None)


def numbered(columns: Sequence[str]) -> list[str]:
    """Names that tell columns apart: text_2 for the second text."""
    names: list[str] = []
    given: set[str] = set()
    taken = set(columns)
    following: dict[str, int] = {}  # the numbers before it are in use
    for name in columns:
        unique, again = name, following.get(name, 2)
        while unique in given or (unique != name and unique in taken):
            unique, again = f"{name}_{again}", again + 1
        following[name] = again
        given.add(unique)
        names.append(unique)
    return names
