"""What a template leaves out of a message: counted where it means to, else refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from stages.tokens import shadow
from stages.tokens.shadow import REASONINGS, Message, Run

_THOUGHT = re.compile(r"</(?:[\w:]*think\w*|\w*thought\w*|\w*reason\w*)>|\[/THINK\]", re.I)


class TemplateError(Exception):
    """The template cannot render these messages; the text says why."""


class LeftOut:
    """What a template left out of one message. TemplateError where it may not."""

    def __init__(self, source: str, number: int, message: Message) -> None:
        self._source, self._message = source, message
        self._name = f"messages[{number}] ({message['role']})"
        if message.get("parts"):
            parts = message["parts"] if isinstance(message["parts"], list) else []
            kinds = sorted({str(p.get("type")) for p in parts if isinstance(p, Mapping)})
            raise TemplateError(f"{self._name} has parts that are no text: {', '.join(kinds)}")

    def content(self, text: str, pieces: shadow.Pieces) -> int:
        """Characters of reasoning in the content that are left out."""
        if not text.strip():
            return 0
        if not pieces.spans:
            beside = " beside its calls" if self._message.get("tool_calls") else ""
            raise TemplateError(f"the template leaves out the text of {self._name}{beside}")
        thought, thinking = 0, 0
        if self._message["role"] == "assistant":
            thought = max((match.end() for match in _THOUGHT.finditer(text)), default=0)
        for begin, end in pieces.lost:
            if text[begin:end].strip():
                core = begin + len(text[begin:end].rstrip())
                if core > thought:
                    raise TemplateError(f"the template leaves out a part of {self._name}")
                thinking += end - begin
        return thinking

    def reasoning(self, key: str, text: str, pieces: shadow.Pieces) -> int:
        """Characters of the reasoning beside the content that are left out."""
        if pieces.spans or not text.strip():
            return 0
        if not any(name in self._source for name in REASONINGS):
            raise TemplateError(f"the template does not show the reasoning of {self._name}")
        return len(text)

    def calls(self, masked: Message, runs: Sequence[Run]) -> int:
        """Characters of the texts in calls, all of which must be there."""
        expected = 0
        for match in shadow.RUN.finditer(json.dumps(_calls(masked), ensure_ascii=False)):
            expected += match.end() - match.start()
        if sum(run.end - run.begin for run in runs) < expected:
            raise TemplateError(f"the template leaves out calls of {self._name}, or a part of them")
        return sum(map(len, shadow.texts_of_calls(self._message)))


def has_tools(text: str, beside: Mapping[str, Any] | None) -> bool:
    """Whether the names of all tools are in a rendering."""
    for tool in (beside or {}).get("tools") or ():
        about = tool.get("function", tool)
        name = about.get("name") if isinstance(about, Mapping) else None
        if isinstance(name, str) and name not in text:
            return False
    return True


def _calls(message: Message) -> list[Any]:
    return [message.get("tool_calls"), message.get("function_call")]
