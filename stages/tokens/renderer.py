"""What is encoded of a record: its text, or its conversation as the chat template renders it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from stages.errors import UsageError
from stages.records import form_of
from stages.tokens.answers import thinks_nothing
from stages.tokens.chat import SHORT, Chat
from stages.tokens.encode import Encoder
from stages.tokens.given import BESIDE, UnknownRole, beside, beside_content, understood
from stages.tokens.left_out import TemplateError
from stages.tokens.marks import mark_of
from stages.tokens.pieces import Filled, Form
from stages.tokens.rows import Row, Unheard
from stages.tokens.segments import Segment, Wanted
from stages.verdicts import Verdicts

if TYPE_CHECKING:
    from stages.tokens.tokenize import Tokenize


FORMS_KEPT = 10_000  # orders of roles whose form is remembered


@dataclass(frozen=True)
class Prepared:
    """What a model needs to tokenize; made once a process."""

    encoder: Encoder
    chat: Chat | None
    control: re.Pattern[str]
    eos: str | None


class Renderer:
    """Renders records as the parameters of the stage say."""

    def __init__(self, stage: Tokenize, prepared: Prepared) -> None:
        self._stage, self._prepared = stage, prepared
        # What conversations with such roles, with contents and nothing else, are rendered as.
        self._forms: dict[tuple[str, ...], Form | None] = {}

    def row(
        self, verdicts: Verdicts | Unheard, number: int, record: Mapping[str, Any]
    ) -> Row | None:
        """The rendering of a record; None after marking it."""
        form = form_of(record)
        if form == "text" and record["text"].strip():
            return Row(number, record["text"])
        return self._plainly(number, record, form) or self._fully(verdicts, number, record, form)

    # --- conversations of contents and nothing else -----------------------------------------------

    def _plainly(self, number: int, record: Mapping[str, Any], form: str | None) -> Row | None:
        """The rendering by the form of its roles; None where it has none."""
        chat, stage = self._prepared.chat, self._stage
        if chat is None or stage.chat == "plain" or not chat.is_blind or form is None:
            return None
        roles: list[str]
        contents: list[str]
        if form == "messages":
            roles, contents = [], []
            for message in record["messages"]:
                if message["extra"]:
                    return None
                roles.append(message["role"])
                contents.append(message["content"])
        else:
            roles = ["user", "assistant"]
            contents = [record.get("prompt") or "", record.get("completion") or ""]
        with_system = stage.system is not None and roles[:1] != ["system"]
        if with_system:
            roles, contents = ["system", *roles], [str(stage.system), *contents]
        for content in contents:
            if (
                not content
                or content.isspace()
                or (content.lstrip()[:1] == "<" and thinks_nothing(content))
            ):
                return None
        meta = record.get("meta")
        if meta is not None and any(f'"{name}"' in meta for name in BESIDE):
            return None
        if any(record.get(name) is not None for name in BESIDE):
            return None
        key = tuple(roles)
        if key not in self._forms:
            if len(self._forms) >= FORMS_KEPT:
                self._forms.clear()
            self._forms[key] = self._form(chat, roles, contents)
        found = self._forms[key]
        if found is None:
            return None
        row = Row(number, rendering=Filled(found, contents), with_system=with_system)
        if found.trims:
            contents = found.trimmed(contents)
        row.rendered = sum(map(len, contents)) - (len(contents[0]) if with_system else 0)
        return row

    def _form(self, chat: Chat, roles: Sequence[str], contents: Sequence[str]) -> Form | None:
        """The form of conversations with these roles; None where there is none, or where they are
        told something that only a rendering of one's own can tell."""
        messages = [
            {"role": role, "content": content, "extra": None}
            for role, content in zip(roles, contents, strict=True)
        ]
        try:
            known = all(understood(message, chat) is message for message in messages)
        except UnknownRole:
            return None
        wanted, _, _ = self._wanted(messages)
        if not known or not wanted.answers or len(messages) > SHORT:
            return None
        skeleton = chat.skeleton(messages, wanted)
        if skeleton is None:
            return None
        slots = skeleton.kept()
        if self._ends_open(messages, wanted, skeleton.closed):
            slots.append(Segment(self._prepared.eos or "", False, True))
        if self._stage.train_on == "all":
            slots = [slot._replace(trained=True) for slot in slots]
        return Form(slots)

    # --- any record -------------------------------------------------------------------------------

    def _fully(
        self,
        verdicts: Verdicts | Unheard,
        number: int,
        record: Mapping[str, Any],
        form: str | None,
    ) -> Row | None:
        messages = self._messages(record, form)
        roles = [message["role"] for message in messages]
        try:
            messages = [understood(message, self._prepared.chat) for message in messages]
        except UnknownRole as error:
            verdicts.fail(number, "role", role=str(error), roles=roles[:20])
            return None
        answers = [message for message in messages if message["role"] == "assistant"]
        if form == "messages" and messages and not answers:
            verdicts.drop(number, "untrained", roles=roles[:20])
            return None
        if not any((m["content"] or "").strip() or m.get("extra") for m in answers):
            names = {"messages": "messages", "prompt": "completion"}
            verdicts.drop(number, "empty", field=names.get(form or "text", "text"))
            return None
        wanted, off, marks = self._wanted(messages)
        if not wanted.answers and not wanted.contents and self._stage.train_on != "all":
            verdicts.drop(number, "untrained", roles=roles[:20], marks=marks)
            return None
        with_system = len(messages) > len(record.get("messages") or ()) and form == "messages"
        with_system = with_system or (form == "prompt" and len(messages) > 2)
        row = Row(number, with_system=with_system)
        try:
            segments = self._segments(messages, wanted, beside(record), row)
        except TemplateError as error:
            verdicts.fail(number, "template", error=str(error)[:500])
            return None
        except RecursionError:
            told = "what stands beside the messages is nested too deeply"
            verdicts.fail(number, "template", error=told)
            return None
        if self._stage.train_on == "all":
            segments = [s._replace(trained=s.message not in off) for s in segments]
        if not any(segment.trained and segment.text for segment in segments):
            verdicts.drop(number, "untrained", roles=roles[:20], marks=marks)
            return None
        row.rendering = segments
        return row

    def _wanted(
        self, messages: Sequence[Mapping[str, Any]]
    ) -> tuple[Wanted, frozenset[int], list[str]]:
        """What is to be learned, the messages that the data says are not, and the marks' names."""
        marks = [mark_of(message.get("extra")) for message in messages]
        off = frozenset(n for n, mark in enumerate(marks) if mark.learned is False)
        answers = [n for n, m in enumerate(messages) if m["role"] == "assistant"]
        if self._stage.train_on == "last":
            answers = answers[-1:]
        contents = [
            n
            for n, (message, mark) in enumerate(zip(messages, marks, strict=True))
            if message["role"] != "assistant"
            and (self._stage.train_on_source or (mark.learned and mark.key == "train"))
        ]
        details = {n: mark.details for n, mark in enumerate(marks) if mark.details}
        wanted = Wanted(
            tuple(n for n in answers if n not in off),
            details,
            tuple(n for n in contents if n not in off),
        )
        return wanted, off, sorted({mark.key for mark in marks if mark.learned is False})

    def _ends_open(self, messages: Sequence[Any], wanted: Wanted, closed: bool) -> bool:
        """Whether the end token is to be put after the last answer."""
        last = len(messages) - 1 in wanted.answers
        return not closed and self._stage.end_turn and last and self._prepared.eos is not None

    def _messages(self, record: Mapping[str, Any], form: str | None) -> list[dict[str, Any]]:
        if form == "messages":
            messages = list(record["messages"])
        else:
            pairs = (("user", record.get("prompt")), ("assistant", record.get("completion")))
            messages = [
                {"role": role, "content": text, "extra": None}
                for role, text in pairs
                if text is not None
            ]
        if self._stage.system is not None and not (messages and messages[0]["role"] == "system"):
            messages.insert(0, {"role": "system", "content": self._stage.system, "extra": None})
        return messages

    def _segments(
        self,
        messages: Sequence[Mapping[str, Any]],
        wanted: Wanted,
        beside: Mapping[str, Any],
        row: Row,
    ) -> list[Segment]:
        prepared = self._prepared
        first = int(row.with_system)
        if self._stage.chat == "template":
            if prepared.chat is None:
                raise UsageError(
                    f"model {self._stage.model!r} has no chat template: tokenize with chat: plain, "
                    "or name a model that has one"
                )
            if beside and prepared.control.search(json.dumps(beside, ensure_ascii=False)):
                raise TemplateError("a control token stands in the record's tools or variables")
            found = prepared.chat.rendering(messages, wanted, beside)
            row.rendered = sum(n for at, n in found.rendered.items() if at >= first)
            row.thinking = found.thinking
            if not found.tools:
                row.tools = len(json.dumps(beside["tools"], ensure_ascii=False))
            if self._ends_open(messages, wanted, found.closed):
                return [*found.segments, Segment(prepared.eos or "", False, True)]
            return found.segments
        if beside.get("tools"):
            raise TemplateError("chat: plain does not show the record's tools")
        segments = []
        for number, message in enumerate(messages):
            if problem := beside_content(message.get("extra")):
                raise TemplateError(f"chat: plain does not show the {problem} of a message")
            answer = number in wanted.answers
            if message["content"]:
                learned = answer or number in wanted.contents
                segments.append(Segment(message["content"], True, learned, number))
                row.rendered += len(message["content"]) if number >= first else 0
            if message["role"] == "assistant" and prepared.eos is not None:
                segments.append(Segment(prepared.eos, False, answer))
        return segments


@lru_cache(maxsize=4)
def renderer_of(stage: Tokenize, prepared: Prepared) -> Renderer:
    """The renderer of a stage, with the forms that it has learned."""
    return Renderer(stage, prepared)
