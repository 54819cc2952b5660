"""Text in HTML, BBCode or phpBB's stored XML made Markdown, by the rules that pages are read with.

A piece of a page is all text: nothing in it is judged to be a menu or a notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from stages.base import Map
from stages.clean.bbcode import LINE_ENDS, bbcode, phpbb
from stages.extract.webpage import limits, page
from stages.extract.webpage.cuts import CUTS
from stages.extract.webpage.fragment import fragment
from stages.markup import BBCODE, written_in
from stages.records import View
from stages.verdicts import Record, TextField, Verdicts

# Why text within HTML is not shown, of the reasons that pages have.
_NOT_SHOWN = ("hidden", "form", "drawing", "formula", "fallback", "unread", "backticks")
# In HTML without any of these, line ends are meant.
_LINES = re.compile(
    r"(?i)<(?:p|br|div|li|ul|ol|dl|table|tr|pre|blockquote|h[1-6]|section|article|body|hr)\b"
)


@dataclass(frozen=True)
class ConvertMarkup(Map):
    """Make Markdown of text that is written in HTML, BBCode or as phpBB stores it.

    on: which text: input, output or all; default all.
    format: html, bbcode, phpbb (its stored XML), or auto: what each text is by tags that are opened
        and closed outside code; text without any, text about tags and Markdown stay. Default auto.
    """

    name: ClassVar[str] = "markup"
    libraries: ClassVar[tuple[str, ...]] = ("selectolax",)
    usual: ClassVar[tuple[str, ...]] = ("tags",)
    reasons: ClassVar[Mapping[str, str]] = {
        "empty": "nothing but tags: no text is left of the record, or of its output",
        "markup": page.REASONS["markup"],
    }
    cuts: ClassVar[Mapping[str, str]] = {
        "tags": "tags with their attributes, scripts, styles, addresses of pictures, and the white"
        " space and escapes that stand for others",
        **{name: CUTS[name] for name in _NOT_SHOWN},
    }

    on: View = "all"
    format: Literal["auto", "html", "bbcode", "phpbb"] = "auto"

    def judge(self, verdicts: Verdicts) -> None:
        """Rewrite each text that holds markup; drop the rows of which nothing is left."""
        for record in verdicts.records(self.on):
            texts = (*record.fields, *record.rejected)
            dressed = [self._undress(verdicts, record, field) for field in texts]
            if any(dressed) and not verdicts.is_marked(record.row):
                judged = record.texts("output") or record.texts("all")
                if not any(map(str.strip, judged.values())) and not _calls(record):
                    record.drop("empty", field=min(judged), score=0, limit=1)

    def _undress(self, verdicts: Verdicts, record: Record, field: TextField) -> bool:
        """Rewrite a text; whether it held markup."""
        old = field.text
        format = written_in(old) if self.format == "auto" else self.format
        if not format:
            return False
        found = fragment(as_html(old, format))
        if found is None:
            record.fail("markup", field=field.name, limit=limits.TAGS, of="tags")
            return True
        told = found.kept + sum(found.removed.values())
        removed = {"tags": max(0, len(old) - told), **found.removed}
        if found.markdown != old:
            added = len(found.markdown) - len(old) + sum(removed.values())
            verdicts.write(record.row, field.name, found.markdown, removed, added)
        return True


def as_html(text: str, format: str) -> str:
    """A text in one of the formats as HTML."""
    if format == "phpbb":
        return phpbb(text)
    if format == "bbcode":
        return bbcode(text)
    if BBCODE.search(text):
        text = bbcode(text, within_html=True)
    if not _LINES.search(text):
        text = LINE_ENDS.sub("<br>", text)
    return text


def _calls(record: Record) -> bool:
    """Whether a message carries something beside its text (tool calls)."""
    return any(message["extra"] for message in record.value("messages") or [])
