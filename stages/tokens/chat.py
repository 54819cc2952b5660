"""Chat templates: a conversation as text, and which of its characters the model is to learn.

A template is rendered with the record's own messages, and that rendering is what is encoded. Where
it has the record's text, and where an answer begins and ends, is seen in a second rendering with
other characters in place of the record's (`stages/tokens/shadow.py`). Most conversations need one
rendering only: one of marks is kept for each order of roles, and with the record's contents in
place of its marks it must be the record's rendering; else the record gets a second one of its own.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from stages.errors import UsageError
from stages.tokens import shadow
from stages.tokens.answers import Tails, TooLong, answers, thinks_nothing
from stages.tokens.blind import is_blind
from stages.tokens.foreign import encodable, garbled, read_object, read_text
from stages.tokens.left_out import LeftOut, TemplateError, has_tools
from stages.tokens.model import tokenizer_folder, tokenizer_of
from stages.tokens.segments import (
    Rendering,
    Segment,
    Skeleton,
    Slot,
    Wanted,
    control_pattern,
    filled,
)
from stages.tokens.shadow import CALL, CONTENT, REASONING, REASONINGS, Changed, Run, expanded
from stages.tokens.stretches import apart, snapped, stretches, unlearned, without
from stages.tokens.template import (
    SOURCE,
    Meter,
    TooMuch,
    environment,
    last_resort,
    literals_of,
    refusal,
)

Message = Mapping[str, Any]  # role, content, extra (JSON text): as in the record's schema
# Messages and characters up to which a rendering that costs too much is the template's fault.
SHORT, SHORT_CHARACTERS = 64, 100_000
SKELETONS = 10_000  # orders of roles that are remembered; one is about 1 kB
DATE = "2024-07-26"  # what day it is to a template, unless told: what Llama 3.1 falls back to

PROBE = (
    {"role": "user", "content": "How are peas sown?", "extra": None},
    {"role": "assistant", "content": "In rows.", "extra": None},
)
_FORMAT = re.compile(r"(?:[^%]|%[-_0^#]?[A-Za-z%])*")  # of a date: without widths


class Chat:
    """A model's chat template.

    source: the Jinja text. special: texts of control tokens. variables: bos_token, eos_token …
    default_system: whether the system message that some templates add on their own stays.
    origin: where the template is from, for messages. date: what day it is, as YYYY-MM-DD.
    """

    def __init__(
        self,
        source: str,
        special: Iterable[str],
        variables: Mapping[str, str],
        default_system: bool = False,
        origin: str = "the model",
        date: str = DATE,
    ) -> None:
        self.source, self.variables = source, dict(variables)
        self.default_system, self.origin = default_system, origin
        self._meter = Meter()
        self.special = control_pattern(special)
        self._skeletons: dict[Any, Skeleton | None] = {}
        day = datetime.datetime.fromisoformat(date)

        def strftime_now(format: str) -> str:
            if not isinstance(format, str) or len(format) > 200 or not _FORMAT.fullmatch(format):
                raise TemplateError("strftime_now takes the form of a date")
            return day.strftime(format)

        self._always = {"tools": None, "documents": None, "strftime_now": strftime_now}

    @cached_property
    def _template(self) -> Any:
        if len(self.source) > SOURCE:
            raise UsageError(refusal(self.origin, f"is longer than {SOURCE:,} characters"))
        try:
            self.source.encode()
            return environment(self._meter).from_string(self.source)
        except UsageError:
            raise
        except Exception as error:  # jinja2's syntax errors, and what hostile text can cause
            told = " ".join(str(error).split())[:300]
            raise UsageError(
                refusal(self.origin, f"cannot be read ({type(error).__name__}: {told})")
            ) from None

    @cached_property
    def is_blind(self) -> bool:
        """Whether the template's renderings differ in the contents of messages alone."""
        return is_blind(self.source)

    @cached_property
    def _looking(self) -> shadow.Mask:
        return shadow.looking(literals_of(self.source))

    def names(self, role: str) -> bool:
        """Whether the template's text has a role in quotes."""
        return f"'{role}'" in self.source or f'"{role}"' in self.source

    def limited(self) -> contextlib.AbstractContextManager[None]:
        """Around many renderings: limits of CPU and memory beside the count of the work."""
        return last_resort(self._meter, self.origin)

    def render(
        self,
        messages: Sequence[Message],
        answer_next: bool = False,
        beside: Mapping[str, Any] | None = None,
    ) -> str:
        """The template's text; with `answer_next` it ends where an answer is to begin.

        beside: what a template is given beside messages: tools, documents, variables of its own.
        UsageError for a template that costs too much with a short conversation.
        """
        return self._render([self._shown(message) for message in messages], answer_next, beside)

    def _shown(self, message: Message) -> dict[str, Any]:
        shown = expanded(message)
        old = shown.get("function_call") and "tool_calls" not in shown
        if old and "function_call" not in self.source:  # its name before there were several
            call = {"type": "function", "function": shown.pop("function_call")}
            shown["tool_calls"] = [call]
        return shown

    def _render(
        self,
        shown: Sequence[Message],
        answer_next: bool = False,
        beside: Mapping[str, Any] | None = None,
    ) -> str:
        template = self._template
        size = self._meter.begin(shown, beside)
        try:
            text = str(
                template.render(
                    **{**self._always, **self.variables, **(beside or {})},
                    messages=[dict(message) for message in shown],
                    add_generation_prompt=answer_next,
                )
            )
            text.encode()  # half a character, of an escape in JSON, is for no tokenizer
            return text
        except (TooMuch, MemoryError):
            told = "does more work or takes more memory than a rendering may"
            if len(shown) <= SHORT and size <= SHORT_CHARACTERS:
                raise UsageError(refusal(self.origin, told)) from None
            raise TemplateError(f"the template {told} with this conversation") from None
        except UsageError:
            raise
        except Exception as error:  # a template is a program: it can raise anything
            raise TemplateError(f"{type(error).__name__}: {str(error)[:500]}") from None

    def segments(self, messages: Sequence[Message]) -> list[Segment]:
        """The rendering in order; an answer and the token that ends it are `trained`."""
        return self.rendering(messages).segments

    def rendering(
        self,
        messages: Sequence[Message],
        wanted: Wanted | None = None,
        beside: Mapping[str, Any] | None = None,
    ) -> Rendering:
        """The rendering of a conversation, with what is trained on; without `wanted` all answers.

        TemplateError when the template refuses the messages, leaves one out, or changes a text.
        """
        if len(messages) > shadow.MOST:
            raise TemplateError(f"a conversation of {len(messages):,} messages is too long")
        if wanted is None:
            roles = enumerate(message["role"] for message in messages)
            wanted = Wanted(tuple(n for n, role in roles if role == "assistant"))
        shown = [self._shown(message) for message in messages]
        simple = not beside and not wanted.details and all(len(one) == 2 for one in shown)
        simple = simple and not any(
            thinks_nothing(shown[n]["content"] or "") for n in wanted.answers
        )
        try:
            found = self._quick(shown, wanted) if simple else None
            return self._true(shown, wanted, beside) if found is None else found
        except TooLong:
            raise TemplateError(
                f"a conversation of {len(messages):,} messages is too long for this template, "
                "which shows an answer by all that came before"
            ) from None

    # --- by a skeleton ----------------------------------------------------------------------------

    def _quick(self, shown: Sequence[Message], wanted: Wanted) -> Rendering | None:
        """The rendering by the skeleton of its roles; None where that is another one."""
        skeleton = self._remembered(shown, wanted)
        if skeleton is None:
            return None
        segments = filled(skeleton.slots, [message["content"] for message in shown])
        if not self.is_blind and "".join(s.text for s in segments) != self._render(shown):
            return None
        rendered = {s.message: len(s.text) for s in segments if s.content}
        first, last = skeleton.hidden or (0, 0)
        del segments[first:last]
        return Rendering([s for s in segments if s.text], rendered, 0, skeleton.closed)

    def skeleton(self, messages: Sequence[Message], wanted: Wanted) -> Skeleton | None:
        """What conversations with the roles of these, all of which have contents and nothing else,
        are rendered as; None where the template looks at contents."""
        return self._remembered(messages, wanted) if self.is_blind else None

    def _remembered(self, shown: Sequence[Message], wanted: Wanted) -> Skeleton | None:
        full = tuple(bool(m["content"] and m["content"].strip()) for m in shown)
        key = (
            tuple(
                (m["role"], None if is_ else m["content"])
                for m, is_ in zip(shown, full, strict=True)
            ),
            full,
            wanted.answers,
            wanted.contents,
        )
        if key in self._skeletons:
            return self._skeletons[key]
        skeleton = self._skeleton(shown, full, wanted)
        if len(self._skeletons) >= SKELETONS:
            self._skeletons.clear()
        if len(shown) <= SHORT:
            self._skeletons[key] = skeleton
        return skeleton

    def _skeleton(
        self, shown: Sequence[Message], filled: Sequence[bool], wanted: Wanted
    ) -> Skeleton | None:
        marked = [
            {**message, "content": f"\u2003{chr(CONTENT + number)}\u2003"} if full else message
            for number, (message, full) in enumerate(zip(shown, filled, strict=True))
        ]
        try:
            text = self._render(marked)
        except TemplateError:
            return None
        runs = shadow.runs_of(text, text)
        if [run.message for run in runs].count(0) > 1 or sorted(r.message for r in runs) != [
            number for number, full in enumerate(filled) if full
        ]:
            return None
        found = answers(
            text, text, runs, wanted.answers, Tails(marked, self._refused()), self.special
        )
        contents = []
        for run in runs:
            begin, end = run.begin, run.end
            begin -= text[begin - 1 : begin] == "\u2003"
            end += text[end : end + 1] == "\u2003"
            contents.append((begin, end, run.message))
        trained = [(one.begin, one.end) for one in found.values()]
        trained += [(a, b) for a, b, number in contents if number in wanted.contents]
        hidden = None if self.default_system else self._default_system(marked, text)
        trained = [snapped(span, contents) for span in trained]
        slots: list[Segment | Slot] = []
        out: list[int] = []
        for begin, end, number, learned, left in stretches(len(text), contents, trained, hidden):
            if left:
                out.append(len(slots))
            if number is None:
                slots.append(Segment(text[begin:end], False, learned))
            else:
                sides = text[begin] != "\u2003", text[end - 1] != "\u2003"
                slots.append(Slot(number, *sides, learned))
        return Skeleton(slots, (out[0], out[-1] + 1) if out else None, _closed(found))

    def _refused(self, beside: Mapping[str, Any] | None = None) -> Any:
        """A rendering that is None where the template refuses the messages."""

        def render(messages: Sequence[Message], answer_next: bool) -> str | None:
            try:
                return self._render(messages, answer_next, beside)
            except TemplateError:
                return None

        return render

    # --- by a rendering of its own ----------------------------------------------------------------

    def _true(
        self, shown: Sequence[Message], wanted: Wanted, beside: Mapping[str, Any] | None
    ) -> Rendering:
        real = self._render(shown, False, beside)
        for message in shown if self.special.search(real) else ():
            hidden = {k: v for k, v in shadow.WHOLE.message(message, 0).items() if k != "content"}
            if len(hidden) > 1 and self.special.search(json.dumps(hidden, ensure_ascii=False)):
                raise TemplateError("a control token stands beside the text of a message")
        for mask in (shadow.WHOLE, self._looking):
            masked = [mask.message(message, number) for number, message in enumerate(shown)]
            try:
                seen = self._render(masked, False, beside)
                return self._seen(shown, masked, real, seen, wanted, beside)
            except Changed:
                continue
            except TemplateError:
                if mask is not shadow.WHOLE:
                    raise
        raise TemplateError("the template changes the text of a message")

    def _seen(
        self,
        shown: Sequence[Message],
        masked: Sequence[Message],
        real: str,
        seen: str,
        wanted: Wanted,
        beside: Mapping[str, Any] | None,
    ) -> Rendering:
        """What a rendering and its shadow tell. Changed when they do not agree."""
        runs = shadow.runs_of(real, seen)
        tails = Tails(masked, self._refused(beside))
        found = answers(real, seen, runs, wanted.answers, tails, self.special)
        last = len(shown) - 1
        missing = self._without_first(shown, runs)
        tools = has_tools(seen, beside)
        if last in found and (missing or not tools):
            # Some templates put the system text, and tools, into the last message where that is a
            # question. It never is when the answer is there: as the model is asked, they are.
            begin = found[last].begin
            asked = self._render(shown[:last], True, beside)
            shade = self._render(masked[:last], True, beside)
            there = not missing or any(r.message == 0 for r in shadow.runs_of(asked, shade))
            if there and (tools or has_tools(shade, beside)):
                real, seen = asked + real[begin:], shade + seen[begin:]
                runs = shadow.runs_of(real, seen)
                found = answers(real, seen, runs, wanted.answers, tails, self.special)
        tools = has_tools(seen, beside)
        if not tools and "tool_calls" not in self.source:
            raise TemplateError("the template does not show the record's tools")
        by_field: dict[tuple[int, int], list[Run]] = {}
        for run in runs:
            by_field.setdefault((run.message, run.field), []).append(run)
        contents: list[tuple[int, int, int]] = []
        rendered: dict[int, int] = {}
        partly: list[tuple[int, int]] = []
        thinking = 0
        for number, message in enumerate(shown):
            told = LeftOut(self.source, number, message)
            mine = by_field.get((number, CONTENT), [])
            text = message["content"] if isinstance(message["content"], str) else ""
            pieces = shadow.pieces_of(text, masked[number]["content"] or "", mine, real, seen)
            thinking += told.content(text, pieces)
            contents += [(begin, end, number) for begin, end, _ in pieces.spans]
            rendered[number] = len(text) - sum(end - begin for begin, end in pieces.lost)
            if number in wanted.details:
                partly += unlearned(wanted.details[number], text, pieces)
            if len(message) == 2:
                continue
            thoughts = by_field.get((number, REASONING), [])
            key = next((key for key in REASONINGS if isinstance(message.get(key), str)), None)
            if key is not None and message[key]:
                pieces = shadow.pieces_of(message[key], masked[number][key], thoughts, real, seen)
                left = told.reasoning(key, message[key], pieces)
                thinking += left
                contents += [(begin, end, -1) for begin, end, _ in pieces.spans]
                lost = sum(end - begin for begin, end in pieces.lost)
                rendered[number] += len(message[key]) - lost
            calls = by_field.get((number, CALL), [])
            rendered[number] += told.calls(masked[number], calls)
            contents += [(run.begin, run.end, -1) for run in calls]
        trained = [(one.begin, one.end) for one in found.values()]
        trained += [(a, b) for a, b, number in contents if number in wanted.contents]
        if partly:
            trained = without(trained, partly)
        hidden = None if self.default_system else self._default_system(masked, seen, beside)
        contents = apart(sorted(contents))
        segments = []
        for begin, end, at, learned, left in stretches(len(real), contents, trained, hidden):
            if not left:
                own = at is not None
                segments.append(Segment(real[begin:end], own, learned, -1 if at is None else at))
        return Rendering(segments, rendered, thinking, _closed(found), tools)

    @staticmethod
    def _without_first(shown: Sequence[Message], runs: Sequence[Run]) -> bool:
        """Whether the system message that comes first is left out."""
        first = shown[0] if shown else {}
        return (
            first.get("role") == "system"
            and bool((first["content"] or "").strip())
            and not any(run.message == 0 for run in runs)
        )

    # --- the system message of a template's own ---------------------------------------------------

    def source_as_trained(self) -> str:
        """A template that renders as the records were: without a system message of its own."""
        question = [{"role": "user", "content": chr(CONTENT)}]
        try:
            whole = self._render(question)
            hidden = self._default_system(question, whole)
        except TemplateError:
            return self.source
        if hidden is None:
            return self.source
        begin, end = hidden
        prefix, kept = (json.dumps(whole[:stop], ensure_ascii=False) for stop in (end, begin))
        return (
            "{% set rendered %}" + self.source + "{% endset %}"
            "{% if messages and messages[0]['role'] != 'system' and rendered.startswith("
            f"{prefix}) %}}{{{{ {kept} + rendered[{end}:] }}}}"
            "{% else %}{{ rendered }}{% endif %}"
        )

    def _default_system(
        self, masked: Sequence[Message], text: str, beside: Mapping[str, Any] | None = None
    ) -> tuple[int, int] | None:
        """Where the template put a system message of its own, if it did.

        What stands there with a system message of the record's too is no such message: a first
        token, a date, a head that every conversation has.
        """
        if not masked or masked[0]["role"] == "system":
            return None
        own = chr(CONTENT + shadow.MOST)
        system = {"role": "system", "content": own}
        try:
            alone = self._render([system], False, beside)
            rest = self._render([system, *masked], False, beside)
        except TemplateError:
            return None
        if not rest.startswith(alone):
            return None
        rest = rest[len(alone) :]
        if not rest or not text.endswith(rest) or text == rest:
            return None
        end = len(text) - len(rest)
        mine = text[:end]
        same = shadow.common(mine, alone)
        back = shadow.common(mine[same:][::-1], alone[same:][::-1])
        if same + back >= len(mine) or own not in alone:
            return None
        # Only a message that is the template's whole: not one in which other things stand too.
        where = alone.index(own)
        first = shadow.RUN.search(rest)
        header = rest[: first.start()] if first else ""
        header = header.replace(masked[0]["role"], "system")
        begin = 0
        if header and alone[:where].endswith(header):
            begin = where - len(header)
        else:
            bos = self.variables.get("bos_token", "")
            begin = len(bos) if bos and alone.startswith(bos) and not rest.startswith(bos) else 0
        around = self.special.sub("", alone[begin:where] + alone[where + len(own) :])
        if re.sub(r"\W+", "", around).lower() not in ("", "system"):
            return None
        return (begin, end) if mine.startswith(alone[:begin]) and begin < end else None


def _closed(found: Mapping[int, Any]) -> bool:
    return not found or found[max(found)].closed


# --- the template of a model --------------------------------------------------------------------


def _text_of(token: object) -> str | None:
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else None


def special_variables(folder: Path) -> dict[str, str]:
    """bos_token, eos_token … of a tokenizer's folder."""
    found: dict[str, str] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        path = folder / name
        if path.is_file():
            for key, token in read_object(path).items():
                text = _text_of(token) if key.endswith("_token") else None
                if text is not None:
                    found[key] = encodable(path, text)
    return found


def _template_source(folder: Path) -> tuple[Path, str] | None:
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path, read_text(path)
    path = folder / "tokenizer_config.json"
    source = read_object(path).get("chat_template") if path.is_file() else None
    if isinstance(source, list):  # several, by name
        named = {e.get("name"): e.get("template") for e in source if _is_named(e)}
        if len(named) != len(source):
            raise garbled(path, "its chat_template is no list of named templates")
        source = named.get("default")
    if source is None:
        return None
    if not isinstance(source, str):
        raise garbled(path, f"its chat_template is no text but a {type(source).__name__}")
    return path, encodable(path, source)


def _is_named(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("name"), str)


def template_of(folder: Path) -> str | None:
    """The text of a folder's chat template."""
    found = _template_source(folder)
    return None if found is None else found[1]


def load_chat(
    model: str, special: Iterable[str], default_system: bool = False, date: str = DATE
) -> Chat | None:
    """The chat template of a model; None when it has none."""
    return _chat_of(tokenizer_folder(model), special, default_system, date)


def _chat_of(
    folder: Path, special: Iterable[str], default_system: bool = False, date: str = DATE
) -> Chat | None:
    found = _template_source(folder)
    if found is None:
        return None
    path, source = found
    return Chat(source, special, special_variables(folder), default_system, str(path), date)


def problem_in(folder: Path, template: bool = True) -> str | None:
    """One sentence when the tokenizer's files of a folder, or its template, cannot be used."""
    try:
        special_variables(folder)
        chat = _chat_of(folder, ()) if template else None
        if chat is not None:
            with chat.limited(), contextlib.suppress(TemplateError):
                chat.render(PROBE)
        if (folder / "tokenizer.json").is_file():
            tokenizer_of(folder)
    except UsageError as error:
        return str(error)
    return None
