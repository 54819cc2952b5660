"""JSONL, JSON arrays, Parquet, Arrow and saved `datasets` folders as records."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from stages import ranges
from stages.base import ISOLATION_REASONS, Border, Fault, Item, Part, Rows, RowSource
from stages.errors import Unreadable
from stages.extract import charsets, columnar, file_kinds, files, forms, joined, topics
from stages.extract.joined import Joined
from stages.extract.jsontext import json_values, json_wrapper
from stages.extract.jsontext.alike import Alike
from stages.extract.jsontext.lines import LINE_BYTES, Line, Whole, blocks, lines
from stages.extract.packed import archives
from stages.extract.packed.streams import from_system
from stages.extract.topics import Topics
from stages.place import Place
from stages.records import REJECT_TEXT, to_json
from stages.stamps import stamp_of

_HEAD = 1 << 16
_SPOOLED = 1 << 20  # bytes of a spool that stay in memory
_JSON = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True)
class JsonlExtract(RowSource):
    """Records from JSONL, JSON, Parquet, Arrow and saved `datasets` folders, compressed or not.

    form: which form the records are to have; auto takes messages, then pairs, then text, by the
        keys in use (Alpaca, ShareGPT, chat messages, OpenAssistant trees, question and answer). Of
        a preference pair the chosen answer is taken. Rows with message_id, parent_id, role and
        text, and posts of a forum with topic_id, post_number and cooked or raw, become talks when
        their file has been read: up to 2,097,152 of them, 60 bytes of memory each. A topic of
        Discourse (post_stream) is one talk: who opened it is the user, others the assistant.
    prompt: key of the prompt, or a template like "{title}: {question}"; default none: by known
        keys.
    completion: key of the completion, or a template; default none: by known keys.
    text: key of the text of plain records, or a template; default none: text, content or body.
    messages: key of the list of messages, which may be JSON text; default none: messages,
        conversations or conversation, or the key of a list of objects with role and content.
    system: key of a system prompt, which becomes the first message; default none: system or
        system_prompt.
    """

    name: ClassVar[str] = "jsonl"
    libraries: ClassVar[tuple[str, ...]] = ("pyarrow", "selectolax")
    suffixes: ClassVar[tuple[str, ...]] = (*_JSON, *columnar.SUFFIXES)
    reasons: ClassVar[Mapping[str, str]] = {
        **archives.REASONS,
        **ISOLATION_REASONS,
        **file_kinds.WRONG_KIND,
        "malformed": "it is not JSON",
        "duplicate_key": "an object has the same key twice, so its value is not known",
        "not_an_object": "the JSON value is not an object, so it has no named texts",
        "no_form": "none of the known keys is there, or a key that was named is not",
        "bad_type": "a text is not a string, or messages are not a list of objects",
        "empty": "there is no text: an empty file, or a text of nothing but white space",
        "encoding": "bytes that are not text in the file's charset, or half a character",
        **joined.REASONS,
        "binary": "the file is not text: a picture, a program, a document of another kind",
    }

    cuts: ClassVar[Mapping[str, str]] = {**forms.CUTS, **joined.CUTS}

    form: forms.Form = "auto"
    prompt: str | None = None
    completion: str | None = None
    text: str | None = None
    messages: str | None = None
    system: str | None = None

    def contradictions(self) -> tuple[str, ...]:
        return self._names.contradictions()

    def named(self) -> Mapping[str, str]:
        return self._names.columns()

    @property
    def _names(self) -> forms.Names:
        return forms.Names(
            self.form, self.prompt, self.completion, self.text, self.messages, self.system
        )

    @cached_property
    def _layouts(self) -> forms.Layouts:
        return forms.Layouts(self._names)

    @cached_property
    def _topics(self) -> Topics:
        return Topics(self._names)

    @cached_property
    def _columnar_layouts(self) -> forms.Layouts:
        return forms.Layouts(self._names, binary=True)

    def parts(self, path: str, size: int) -> list[Part]:
        root, names, left = files.find(path, archives.packed(self.suffixes))
        names = columnar.data_files(root, names)
        return files.bundles(root, names, size) + files.left_out(root, left)

    def cut(self, part: Part, size: int) -> list[Part]:
        ((_, path),) = part.paths()
        if (mark := self._of_lines(path)) is None:
            return [part]
        starts = [mark]
        with files.opened(path) as file:
            stamp = stamp_of(file.fileno())
            end = file.seek(0, os.SEEK_END)
            for border in ranges.borders(mark, size, end):
                if border > starts[-1]:
                    starts.append(ranges.line_behind(file, border))
                if starts[-1] == end:
                    starts.pop()
                    break
        return ranges.cut(part, stamp, starts, {})

    def read(self, part: Part) -> Iterator[Item | Fault | Rows | Border]:
        if part.stop is not None:
            yield from self._range(part)
            return
        sample = part.detail.get("sample")
        yield from archives.read(part, self.suffixes, partial(self._member, sample))

    def _range(self, part: Part) -> Iterator[Item | Fault | Rows | Border]:
        """Lines of a file. Where rows wait for others of it, or it begins without a value, what
        follows belongs to them."""
        ((name, path),) = part.paths()
        number, over = part.detail["line"], False
        empty = number == 1
        try:
            with files.opened(path) as file, Joined(self._names) as waiting:
                file.seek(part.start)
                found = blocks(file, part.start, number, part.stop, LINE_BYTES)
                for item in self._lines(Place(name), found, "utf-8", None, waiting):
                    empty = False
                    if item is None:
                        over = True
                    else:
                        yield item
                yield from waiting.items(self._row)
            yield Border(over or empty)
        except OSError as error:
            yield Fault(Place(name), "unreadable", from_system(error))

    def _member(
        self, sample: int | None, place: Place, stream: archives.Member
    ) -> Iterator[Item | Fault | Rows]:
        with Joined(self._names, sample) as waiting:
            for item in self._items(place, stream, waiting):
                if item is not None:
                    yield item
                if waiting.full:
                    break
            yield from waiting.items(self._row)

    def _items(
        self, place: Place, stream: archives.Member, waiting: Joined
    ) -> Iterator[Item | Fault | Rows | None]:
        """What a file holds; None for a row that waits for the others of its tree."""
        head = stream.peek(_HEAD)[:_HEAD]
        form = columnar.kind(head)
        if form is not None:
            yield from self._columnar(place, stream, form, waiting)
            return
        if (told := file_kinds.binary(head)) is not None:
            yield Fault(place, "binary", told)
            return
        if (told := file_kinds.other(head, self.name)) is not None:
            yield Fault(place, "wrong_kind", told)
            return
        charset, mark = charsets.sniff(head)
        stream.read(mark)
        wide = not charset.startswith("utf-8")
        begun = head[mark:].decode(charset, "ignore").encode() if wide else head[mark:]
        shape = json_values.layout(begun)
        number = 0
        found: Iterator[Line | Whole]
        items: Iterator[Item | Fault | Rows | None]
        with tempfile.SpooledTemporaryFile(_SPOOLED) as spool:
            read = json_wrapper.Opened(stream)
            if not wide and shape != "array":
                read = json_wrapper.opened(stream, place, self._names, LINE_BYTES, mark, spool)
            stream = read.stream
            if read.elements is not None:
                items = self._elements(place, read.key, read.elements, waiting)
            elif shape == "lines" or wide:
                found = blocks(stream, mark, limit=LINE_BYTES)
                if wide:
                    found = lines(stream, mark, charset=charset, limit=LINE_BYTES)
                items = self._lines(place, found, charset, stream, waiting)
            else:
                items = self._values(place, stream, shape == "array", mark, waiting)
            for number, item in enumerate(items, 1):  # noqa: B007 - whether there was one
                yield item
            if not number and stream.fault is None:
                yield Fault(place, "empty", {"values": 0})

    def _lines(
        self,
        place: Place,
        found: Iterable[Line | Whole],
        charset: str,
        stream: archives.Member | None,
        waiting: Joined | None,
    ) -> Iterator[Item | Fault | Rows | None]:
        def alone(row: Mapping[str, Any]) -> bool:
            return topics.is_topic(row) or (waiting is not None and waiting.takes(row))

        alike = Alike(self._layouts, alone)
        for one in found:
            if isinstance(one, Line):
                yield from self._line(place, one, charset, stream, waiting)
                continue
            for item in alike.read(place, one):
                if isinstance(item, Line):
                    yield from self._line(place, item, charset, stream, waiting)
                else:
                    yield item

    def _line(
        self,
        place: Place,
        line: Line,
        charset: str,
        stream: archives.Member | None,
        waiting: Joined | None,
    ) -> Iterator[Item | Fault | None]:
        """The items of a line, none for one of white space alone."""
        here = Place(place.path, place.member, line.offset, line.size, line.number)
        if line.size > len(line.raw):
            yield Fault(here, "oversize", {"limit": LINE_BYTES, "of": "bytes of a line"})
            return
        if not line.raw or line.raw.isspace():
            return
        alone = stream is not None and line.number == 1 and not stream.peek(1)
        for item in self._found(here, line.raw, charset, alone, waiting):
            if line.ended or not isinstance(item, Fault) or item.reason != "malformed":
                yield item
            elif stream is None or stream.fault is None:
                yield item._replace(reason="truncated") if _ends_early(item, charset) else item
            # else the fault of the stream tells of the cut

    def _values(
        self,
        place: Place,
        stream: archives.Member,
        array: bool,
        offset: int,
        waiting: Joined,
    ) -> Iterator[Item | Fault | None]:
        try:
            for value in json_values.values(stream, array, LINE_BYTES, offset):
                here = Place(place.path, place.member, value.offset, value.size, value.line)
                if value.size > len(value.raw):
                    yield Fault(here, "oversize", {"limit": LINE_BYTES, "of": "bytes of a value"})
                    continue
                if value.closed:
                    yield from self._found(here, value.raw, "utf-8", not array, waiting)
                    continue
                if stream.fault is None:
                    error = {"error": "the file ends within this value"}
                    text = value.raw[: 4 * REJECT_TEXT].decode("utf-8", "replace")
                    yield Fault(here, "truncated", error, text, raw=value.raw)
                return
        except Unreadable as error:
            if stream.fault is None:
                yield Fault(place, error.reason, error.evidence)

    def _found(
        self, place: Place, raw: bytes, charset: str, alone: bool, waiting: Joined | None
    ) -> Iterator[Item | Fault | None]:
        """The item of one JSON value; those of a list within it when it is `alone` in its file
        and no record itself, like {"data": [...]}."""
        try:
            text = raw.decode(charset)
        except UnicodeDecodeError as error:
            yield _undecodable(place, raw, charset, error)
            return
        try:
            value = json_values.parse(text)
            del text  # of a long one there is room for few copies
            if not isinstance(value, dict):
                raise Unreadable("not_an_object", type=forms.type_name(value))
            if waiting is not None and waiting.takes(value):
                waiting.take(place, value, raw if charset == "utf-8" else None)
                yield None
                return
            made = self._made(value)
        except Unreadable as error:
            nameless = error.reason == "no_form" and "field" not in error.evidence
            inner = _wrapped(value) if alone and nameless else None
            if inner is None:
                yield _refused(place, error, raw, charset)
                return
            for number, row in enumerate(value[inner]):
                key = str(number)
                here = Place(place.path, place.member, table=inner, key=key)
                yield self._of_row(here, row, waiting)
            return
        yield Item(place, raw, made.records, made.form, made.text)

    def _elements(
        self, place: Place, table: str, found: Iterable[json_values.Value], waiting: Joined
    ) -> Iterator[Item | Fault | None]:
        """The rows of a list in an object that is too large to be held as a whole."""
        for number, value in enumerate(found):
            here = Place(place.path, place.member, table=table, key=str(number))
            if value.size > len(value.raw):
                yield Fault(here, "oversize", {"limit": LINE_BYTES, "of": "bytes of a value"})
                continue
            try:
                row = json_values.parse(value.raw.decode())
                if not isinstance(row, dict):
                    raise Unreadable("not_an_object", type=forms.type_name(row))
            except UnicodeDecodeError as error:
                yield _undecodable(here, value.raw, "utf-8", error)
            except Unreadable as error:
                yield _refused(here, error, value.raw, "utf-8")
            else:
                yield self._of_row(here, row, waiting)

    def _columnar(
        self, place: Place, stream: archives.Member, form: str, waiting: Joined
    ) -> Iterator[Item | Fault | None]:
        number = 0
        with tempfile.TemporaryFile() as spool:
            # Parquet and Arrow files are read from their end
            data: BinaryIO = spool
            if stream.file is not None:
                data = stream.file
            else:
                shutil.copyfileobj(stream, spool)
            if stream.fault is not None:
                return
            data.seek(0)
            try:
                for row in columnar.rows(data, form):
                    here = Place(place.path, place.member, table="", key=f"row={number}")
                    number += 1
                    if isinstance(row, Unreadable):
                        yield Fault(here, row.reason, row.evidence)
                    else:
                        yield self._of_row(here, row, waiting, self._columnar_layouts)
            except Unreadable as error:
                yield Fault(place, error.reason, {**error.evidence, "rows": number})
                return
            except OSError as error:
                yield Fault(place, "corrupt", {"error": str(error)[:200], "rows": number})
                return
        if not number:
            yield Fault(place, "empty", {"rows": 0})

    def _made(self, row: dict[str, Any], layouts: forms.Layouts | None = None) -> forms.Made:
        """The records of an object: of a topic of a forum, or by its keys."""
        found = self._topics.made(row) if topics.is_topic(row) else None
        return found or (layouts or self._layouts).of(tuple(row)).read(row)

    def _of_row(
        self,
        place: Place,
        row: dict[str, Any],
        waiting: Joined | None,
        layouts: forms.Layouts | None = None,
    ) -> Item | Fault | None:
        if waiting is not None and waiting.takes(row):
            waiting.take(place, row)
            return None
        return self._row(place, to_json(row).encode(), row, layouts)

    def _row(
        self,
        place: Place,
        raw: bytes,
        row: dict[str, Any],
        layouts: forms.Layouts | None = None,
    ) -> Item | Fault:
        try:
            made = self._made(row, layouts)
        except Unreadable as error:
            return Fault(place, error.reason, error.evidence, raw.decode(), raw=raw)
        return Item(place, raw, made.records, made.form, made.text)

    def _of_lines(self, path: Path) -> int | None:
        """Where the lines of a plain JSONL file begin; None for a file that is read as a whole, as
        rows are that wait for others."""
        if not archives.is_plain(path):
            return None
        with files.opened(path) as file:
            head = file.read(_HEAD)
        charset, mark = charsets.sniff(head)
        if columnar.kind(head) or charsets.binary(head) or charset != "utf-8":
            return None
        if file_kinds.other(head, self.name) is not None:
            return None
        if json_values.layout(head[mark:]) != "lines" or self._has_node(head[mark:]):
            return None
        return mark

    def _has_node(self, head: bytes) -> bool:
        with Joined(self._names) as waiting:
            for line in head.splitlines():
                with contextlib.suppress(Unreadable, UnicodeDecodeError):
                    value = json_values.parse(line.decode())
                    if isinstance(value, dict) and waiting.takes(value):
                        return True
        return False


def _undecodable(place: Place, raw: bytes, charset: str, error: UnicodeDecodeError) -> Fault:
    found = raw[error.start : error.start + 4].hex()
    evidence = {"charset": charset, "at": error.start, "bytes": found}
    return _refused(place, Unreadable("encoding", **evidence), raw, charset)


def _refused(place: Place, error: Unreadable, raw: bytes, charset: str) -> Fault:
    shown = raw[: 4 * REJECT_TEXT].decode(charset, "replace")
    held = len(shown) if len(raw) <= 4 * REJECT_TEXT else len(raw.decode(charset, "replace"))
    return Fault(place, error.reason, error.evidence, shown, raw=raw, characters=held)


def _ends_early(fault: Fault, charset: str) -> bool:
    """Whether a malformed last line may be the begin of a good one: the error is at its end."""
    if "Unterminated" in str(fault.evidence.get("error")):
        return True
    text = fault.raw.decode(charset, "replace")
    return int(fault.evidence.get("column", 0)) > len(text.rstrip())


def _wrapped(value: Mapping[str, Any]) -> str | None:
    """The key of the only list of objects in an object."""
    keys = [
        key
        for key, inner in value.items()
        if isinstance(inner, list) and inner and all(isinstance(row, dict) for row in inner)
    ]
    return keys[0] if len(keys) == 1 else None
