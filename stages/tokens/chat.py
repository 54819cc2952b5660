"""Chat templates: a conversation as text, and which of its characters the model is to learn.

A template is rendered twice: once with the contents, once (kept, by the order of the roles) with
marks in their place. The marks tell what is content, so that a control token written by a user
stays text, and what is an answer. Where the two do not agree, the template is refused.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from stages.errors import UsageError
from stages.tokens.answers import MARK, Answers, TooLong
from stages.tokens.foreign import encodable, garbled, read_object, read_text
from stages.tokens.model import tokenizer_folder, tokenizer_of
from stages.tokens.template import SOURCE, Meter, TooMuch, environment, last_resort, refusal

Message = Mapping[str, Any]  # role, content, extra (JSON text): as in the record's schema
# Messages and characters up to which a rendering that costs too much is the template's fault.
SHORT, SHORT_CHARACTERS = 64, 100_000
SKELETONS = 10_000  # orders of roles that are remembered; one is about 1 kB

PROBE = (
    {"role": "user", "content": "How are peas sown?", "extra": None},
    {"role": "assistant", "content": "In rows.", "extra": None},
)


class TemplateError(Exception):
    """The template cannot render these messages; the text says why."""


class Segment(NamedTuple):
    """A stretch of a rendering: of the template or of a message, trained on or not."""

    text: str
    content: bool
    trained: bool


class _Slot(NamedTuple):
    """A stretch of a skeleton: the template's own text, or where a message's content goes."""

    literal: str
    message: int | None
    strip: tuple[bool, bool]
    trained: bool
    hidden: bool


def control_pattern(special: Iterable[str]) -> re.Pattern[str]:
    """Matches the texts of control tokens, the longest first; nothing when there are none."""
    ordered = sorted(special, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered)) or r"(?!)")


class Chat:
    """A model's chat template.

    source: the Jinja text. special: texts of control tokens. variables: bos_token, eos_token …
    default_system: whether the system message that some templates add on their own stays.
    origin: where the template is from, for messages.
    """

    def __init__(
        self,
        source: str,
        special: Iterable[str],
        variables: Mapping[str, str],
        default_system: bool = False,
        origin: str = "the model",
    ) -> None:
        self.source, self.variables = source, dict(variables)
        self.default_system, self.origin = default_system, origin
        self._meter = Meter()
        self.special = control_pattern(special)
        self._skeletons: dict[Any, list[_Slot]] = {}

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

    def limited(self) -> contextlib.AbstractContextManager[None]:
        """Around many renderings: limits of CPU and memory beside the count of the work."""
        return last_resort(self._meter, self.origin)

    def render(self, messages: Sequence[Message], answer_next: bool = False) -> str:
        """The template's text; with `answer_next` it ends where an answer is to begin.

        UsageError for a template that costs too much with a short conversation.
        """
        template = self._template
        size = self._meter.begin(messages)
        try:
            return str(
                template.render(
                    messages=[_expanded(message) for message in messages],
                    add_generation_prompt=answer_next,
                    **self.variables,
                )
            )
        except (TooMuch, MemoryError):
            told = "does more work or takes more memory than a rendering may"
            if len(messages) <= SHORT and size <= SHORT_CHARACTERS:
                raise UsageError(refusal(self.origin, told)) from None
            raise TemplateError(f"the template {told} with this conversation") from None
        except UsageError:
            raise
        except Exception as error:  # a template is a program: it can raise anything
            raise TemplateError(f"{type(error).__name__}: {str(error)[:500]}") from None

    def segments(self, messages: Sequence[Message]) -> list[Segment]:
        """The rendering in order; an answer and the token that ends it are `trained`.

        TemplateError when the template refuses the messages, or changes a content otherwise
        than by stripping its ends.
        """
        key = tuple((m["role"], m.get("extra"), m["content"] is None) for m in messages)
        slots = self._skeletons.get(key)
        if slots is None:
            slots = self._skeleton(messages)
            if len(self._skeletons) >= SKELETONS:
                self._skeletons.clear()
            if len(messages) <= SHORT:
                self._skeletons[key] = slots
        whole: list[str] = []
        shown: list[Segment] = []
        for slot in slots:
            text = slot.literal
            if slot.message is not None:
                text = messages[slot.message]["content"]
                text = text.lstrip() if slot.strip[0] else text
                text = text.rstrip() if slot.strip[1] else text
            whole.append(text)
            if text and not slot.hidden:
                shown.append(Segment(text, slot.message is not None, slot.trained))
        if "".join(whole) != self.render(messages):
            raise TemplateError("the template changes the text of a message")
        return shown

    def source_as_trained(self) -> str:
        """A template that renders as the records were: without a system message of its own."""
        question = [{"role": "user", "content": "a"}]
        try:
            whole = self.render(question)
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

    def _skeleton(self, messages: Sequence[Message]) -> list[_Slot]:
        marked = [_marked(message, number) for number, message in enumerate(messages)]
        text = self.render(marked)
        try:
            trained = Answers(marked, text, self._rendered, self.special).spans()
        except TooLong:
            raise TemplateError(
                f"a conversation of {len(messages):,} messages is too long for this template, "
                "which shows an answer by all that came before"
            ) from None
        hidden = None if self.default_system else self._default_system(marked, text)
        marks = list(MARK.finditer(text))
        cuts = {0, len(text), *(hidden or ())}
        for begin, end in (*trained, *(match.span() for match in marks)):
            cuts |= {begin, end}
        at = {match.start(): match for match in marks}
        learned = _Within(trained)
        slots = []
        for begin, end in pairwise(_outside(sorted(cuts), marks)):
            match = at.get(begin)
            slots.append(
                _Slot(
                    "" if match else text[begin:end],
                    int(match[2]) if match else None,
                    (not match[1], not match[3]) if match else (False, False),
                    learned(begin, end),
                    hidden is not None and hidden[0] <= begin and end <= hidden[1],
                )
            )
        return slots

    def _rendered(self, messages: Sequence[Message], answer_next: bool) -> str | None:
        try:
            return self.render(messages, answer_next)
        except TemplateError:
            return None

    def _default_system(self, messages: Sequence[Message], text: str) -> tuple[int, int] | None:
        """Where the template put a system message of its own, if it did."""
        if not messages or messages[0]["role"] == "system":
            return None
        system = _marked({"role": "system", "content": "", "extra": None}, len(messages))
        try:
            alone = self.render([system])
            rest = self.render([system, *messages])
        except TemplateError:
            return None
        if not rest.startswith(alone):
            return None
        rest = rest[len(alone) :]
        if not rest or not text.endswith(rest) or text == rest:
            return None
        end = len(text) - len(rest)
        # The token that begins every text stays; one that opens each turn (ChatML) is no such.
        bos = self.variables.get("bos_token", "")
        begin = len(bos) if bos and text.startswith(bos) and not rest.startswith(bos) else 0
        return (begin, end) if begin < end else None


def _outside(cuts: Sequence[int], marks: Sequence[re.Match[str]]) -> Iterator[int]:
    """The cuts that are not inside a mark; both in order."""
    left = iter(marks)
    mark = next(left, None)
    for cut in cuts:
        while mark is not None and mark.end() <= cut:
            mark = next(left, None)
        if mark is None or cut <= mark.start():
            yield cut


class _Within:
    """Whether a stretch lies within one of many; asked for in order."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._waiting = sorted(spans, reverse=True)
        self._reach = -1  # the farthest end of those that have begun

    def __call__(self, begin: int, end: int) -> bool:
        while self._waiting and self._waiting[-1][0] <= begin:
            self._reach = max(self._reach, self._waiting.pop()[1])
        return end <= self._reach


def _marked(message: Message, number: int) -> dict[str, Any]:
    if message["content"] is None:
        return dict(message)
    return {**message, "content": f"\u2003\ue000{number}\ue001\u2003"}


def _expanded(message: Message) -> dict[str, Any]:
    """A message as templates expect it: what `extra` holds beside role and content."""
    extra = message.get("extra")
    shown: dict[str, Any] = {"role": message["role"], "content": message["content"]}
    if extra:
        try:
            value = json.loads(extra)
        except ValueError:
            value = None
        if isinstance(value, dict):
            shown = {**value, **shown}
    return shown


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


def load_chat(model: str, special: Iterable[str], default_system: bool = False) -> Chat | None:
    """The chat template of a model; None when it has none."""
    return _chat_of(tokenizer_folder(model), special, default_system)


def _chat_of(folder: Path, special: Iterable[str], default_system: bool = False) -> Chat | None:
    found = _template_source(folder)
    if found is None:
        return None
    path, source = found
    return Chat(source, special, special_variables(folder), default_system, str(path))


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
