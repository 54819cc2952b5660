"""CSV, TSV, text exports of databases, and workbooks: row by row, every value as text."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

from stages import ranges
from stages.base import ISOLATION_REASONS, Border, Fault, Item, Part, Rows, RowSource
from stages.errors import Unreadable
from stages.extract import charsets, file_kinds, files, forms, joined
from stages.extract.delimited import cuts
from stages.extract.delimited.clean import Block
from stages.extract.delimited.cuts import Known
from stages.extract.delimited.sheet import Reading, Sheet
from stages.extract.delimited.table import Row
from stages.extract.forms.at_once import AtOnce
from stages.extract.joined import Joined
from stages.extract.packed import archives
from stages.extract.packed.streams import from_system
from stages.extract.spreadsheet import workbook
from stages.place import Place
from stages.records import REJECT_TEXT, to_json
from stages.stamps import stamp_of


@dataclass(frozen=True)
class CsvExtract(RowSource):
    """Records from CSV and TSV files, text exports of databases, Excel and OpenDocument sheets.

    No value is converted: 007, NA and 1.10 stay as they stand. A table without messages, a prompt
    and its answer, or text becomes text of the form "column: value", one line a column. Files may
    be compressed or in archives, but for workbooks (.xlsx, .xlsm, .xls, .ods), which need the
    extra `sheets`: each sheet is a table, a cell its value and not how it is formatted.

    delimiter: what stands between fields, one character; tab for a tab; default none: found out.
    quote: what stands around fields, one character, empty for no quotes; default none: found out.
    escape: what stands before a quote within quotes, a backslash or empty (the quote is written
        twice); default none: found out.
    header: whether the first row names the columns; auto: when it looks like names.
    encoding: charset of the files; default none: mark, UTF-8, or a guess, which stands in the
        records' meta; what is too close to call is refused.
    null: text of a field that stands for no value, like NULL; a database's backslash-N always
        does. Default none: no other.
    sheet: the sheet of a workbook that is read; default none: all.
    ragged: fault refuses rows with too many or too few fields; pad fills up missing fields with
        nothing and gives more fields names of their own.
    form: which form the records are to have; auto takes messages, then pairs, then text, by the
        columns in use.
    prompt: column of the prompt, or a template like "{title}: {question}"; default none: by known
        names.
    completion: column of the completion, or a template; default none: by known names.
    text: column of the text, or a template; default none: text, content or body.
    messages: column of messages as JSON text; default none: messages, conversations or
        conversation.
    system: column of a system prompt, which makes the record messages; default none: system or
        system_prompt.
    """

    name: ClassVar[str] = "csv"
    libraries: ClassVar[tuple[str, ...]] = ("selectolax",)
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".tab", ".psv", *workbook.SUFFIXES)
    reasons: ClassVar[Mapping[str, str]] = {
        **archives.REASONS,
        **ISOLATION_REASONS,
        **file_kinds.WRONG_KIND,
        "too_many_fields": "the row has more fields than the table has columns",
        "too_few_fields": "the row has fewer fields than the table has columns",
        "uneven": "there is no header, and too few rows have as many fields as the others: the "
        "delimiter stands in fields, or is another one (delimiter, quote, header, ragged: pad)",
        "broken_quote": "a quote that is not closed, or text after a closing quote",
        "encoding": "bytes that are not text in the file's charset",
        "preamble": "a line before the table that is no part of it, or the header once more",
        "no_form": "a column that was named is not there, or a message has no role",
        "bad_type": "messages are not a list of objects in JSON, or a role or content is no text",
        "empty": "there is no text: an empty file, or nothing but white space where text is due",
        **joined.REASONS,
        "binary": "the file is not text: a picture, a program, a document of another kind",
    }

    cuts: ClassVar[Mapping[str, str]] = {
        **{k: v for k, v in forms.CUTS.items() if k != "binary"},
        **joined.CUTS,
    }

    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    header: Literal["auto", "yes", "no"] = "auto"
    encoding: str | None = None
    null: str | None = None
    sheet: str | None = None
    ragged: Literal["fault", "pad"] = "fault"
    form: forms.Form = "auto"
    prompt: str | None = None
    completion: str | None = None
    text: str | None = None
    messages: str | None = None
    system: str | None = None

    def contradictions(self) -> tuple[str, ...]:
        found = list(self._names.contradictions())
        if self.delimiter is not None and len(self._given["delimiter"]) != 1:
            found.append(f"delimiter must be one character, not {self.delimiter!r}")
        if self.quote is not None and len(self.quote) > 1:
            found.append(f"quote must be one character or empty, not {self.quote!r}")
        if self.escape not in (None, "", "\\"):
            found.append(f"escape must be a backslash or empty, not {self.escape!r}")
        if self.encoding is not None and charsets.known(self.encoding) is None:
            found.append(f"encoding {self.encoding!r} is not known")
        return tuple(found)

    def named(self) -> Mapping[str, str]:
        sheet = {} if self.sheet is None else {self.sheet: "sheet"}
        return {**sheet, **self._names.columns()}

    @property
    def _names(self) -> forms.Names:
        return forms.Names(
            self.form, self.prompt, self.completion, self.text, self.messages, self.system
        )

    @property
    def _given(self) -> dict[str, str]:
        given = {"delimiter": self.delimiter, "quote": self.quote, "escape": self.escape}
        if self.delimiter in ("tab", "\\t"):
            given["delimiter"] = "\t"
        return {name: value for name, value in given.items() if value is not None}

    @property
    def _reading(self) -> Reading:
        padded = self.ragged == "pad"
        return Reading(self._given, self.encoding, self.header, self.null, None, padded)

    def parts(self, path: str, size: int) -> list[Part]:
        root, names, left = files.find(path, archives.packed(self.suffixes))
        parts: list[Part] = []
        for books, found in itertools.groupby(names, workbook.is_one):
            if books:
                told = {"reader": workbook.reader()}
                parts += [Part(str(root), (name,), detail=told) for name in found]
            else:
                parts += files.bundles(root, found, size)
        return parts + files.left_out(root, left)

    def cut(self, part: Part, size: int) -> list[Part]:
        ((name, path),) = part.paths()
        stamp = stamp_of(path)
        with contextlib.closing(archives.members(part.root, name)) as members:
            found = next(members, None)
            known = None if found is None or isinstance(found, Fault) else self._known(found[1])
        if known is None or stamp is None:
            return [part]
        with files.opened(path) as file:
            starts = cuts.starts(file, known, size, stamp[0])
        return ranges.cut(part, stamp, starts, {"table": known.as_json()})

    def _known(self, stream: archives.Member) -> Known | None:
        """What the readers of ranges of a file have to know; None where it is read as a whole."""
        if stream.file is None:
            return None
        if file_kinds.other(stream.peek(file_kinds.HEAD), self.name) is not None:
            return None
        try:
            sheet = Sheet(stream, self._reading)
        except Unreadable:
            return None
        missing = forms.Layout(sheet.names, self._names, rows=True).missing
        return None if missing or joined.may_join(sheet.names) else sheet.known

    def read(self, part: Part) -> Iterator[Item | Fault | Rows | Border]:
        if "reader" in part.detail:
            return self._workbook(part)
        if part.start:
            return self._later(part)
        member = partial(self._member, part.detail.get("sample"), part.stop)
        return archives.read(part, self.suffixes, member)

    def _later(self, part: Part) -> Iterator[Item | Fault | Rows | Border]:
        """A range that is not the first of its file."""
        ((name, path),) = part.paths()
        assert part.stop is not None
        place, line = Place(name), part.detail["line"]
        try:
            with files.opened(path) as file:
                file.seek(part.start)
                stream = archives.plain(file, place)
                known = Known.of(part.detail["table"])
                sheet = Sheet.range_of(stream, self._reading, known, part.start, line, part.stop)
                layout = forms.Layout(sheet.names, self._names, rows=True)
                if AtOnce(layout).fits:
                    sheet.take_at_once()
                yield from self._in_range(place, sheet, layout, False)
        except OSError as error:
            yield Fault(place, "unreadable", from_system(error))

    def _workbook(self, part: Part) -> Iterator[Item | Fault]:
        ((name, path),) = part.paths()
        try:
            for sheet in workbook.sheets(path, self.header, self.null, self.sheet):
                yield from self._sheet(name, sheet)
        except Unreadable as error:
            yield Fault(Place(name), error.reason, error.evidence)
        except OSError as error:
            yield Fault(Place(name), "unreadable", from_system(error))

    def _sheet(self, path: str, sheet: workbook.Sheet | str) -> Iterator[Item | Fault]:
        if isinstance(sheet, str):
            yield Fault(Place(path, table=sheet), "empty", {"rows": 0}, failed=False)
            return
        layout = forms.Layout(sheet.columns, self._names, table=sheet.name, rows=True)
        if layout.missing:
            told: dict[str, Any] = {"missing": layout.missing, "columns": sheet.columns[:50]}
            yield Fault(Place(path, table=sheet.name), "no_form", told)
            return
        for number, cells in sheet.before:
            here, raw = _row_of(path, sheet.name, number, cells)
            width = {"fields": sum(cell is not None for cell in cells)}
            yield Fault(here, "preamble", width, raw.decode(), False, raw, _held(cells))
        for number, cells in sheet.rows:
            here, raw = _row_of(path, sheet.name, number, cells)
            try:
                made = layout.read(dict(zip(sheet.columns, cells, strict=True)))
            except Unreadable as error:
                failed = error.reason != "empty"
                evidence = dict(error.evidence)
                yield Fault(here, error.reason, evidence, raw.decode(), failed, raw, _held(cells))
                continue
            yield Item(here, raw, made.records, made.form, made.text)

    def _member(
        self, sample: int | None, stop: int | None, place: Place, stream: archives.Member
    ) -> Iterator[Item | Fault | Rows | Border]:
        if (other := file_kinds.other(stream.peek(file_kinds.HEAD), self.name)) is not None:
            yield Fault(place, "wrong_kind", other)
            return
        try:
            sheet = Sheet(stream, self._reading, stop)
        except Unreadable as error:
            if stream.fault is None:
                yield Fault(place, error.reason, error.evidence)
            return
        layout = forms.Layout(sheet.names, self._names, rows=True)
        if layout.missing:
            told: dict[str, Any] = {"missing": layout.missing, "columns": sheet.names[:50]}
            yield Fault(place, "no_form", told)
            return
        if joined.may_join(sheet.names):
            with Joined(self._names, sample) as waiting:
                yield from self._table(place, stream, sheet, layout, waiting)
                yield from waiting.items(layout.item)
            return
        if sample is None and AtOnce(layout).fits:
            sheet.take_at_once()
        if stop is None:
            yield from self._table(place, stream, sheet, layout, None)
            return
        yield from self._in_range(place, sheet, layout, True)

    def _in_range(
        self, place: Place, sheet: Sheet, layout: forms.Layout, first: bool
    ) -> Iterator[Item | Fault | Rows | Border]:
        """The rows of a range; whether a file is empty is not seen in a `first` one without any."""
        empty = first
        for item in self._rows(place, sheet, layout, None):
            if item is not None:
                empty = False
                yield item
        yield Border(empty or sheet.over)

    def _table(
        self,
        place: Place,
        stream: archives.Member,
        sheet: Sheet,
        layout: forms.Layout,
        waiting: Joined | None,
    ) -> Iterator[Item | Fault | Rows]:
        """The rows of a whole file, or a fault where there are none."""
        number = 0
        for number, item in enumerate(self._rows(place, sheet, layout, waiting), 1):  # noqa: B007
            if item is not None:
                yield item
        if not number and stream.fault is None:
            yield Fault(place, "empty", {"rows": 0})

    def _rows(
        self, place: Place, sheet: Sheet, layout: forms.Layout, waiting: Joined | None
    ) -> Iterator[Item | Fault | Rows | None]:
        """The rows of a file or a range; those that wait for others are given to `waiting`, and
        None comes in their place."""
        at_once, items = AtOnce(layout, shown=True), _Items(sheet, layout, self._names)
        for row, reason, evidence in sheet.judged():
            if isinstance(row, Block):
                yield from at_once.items(place, *row)
                continue
            here = Place(place.path, place.member, row.offset, row.size, row.line)
            if (
                reason is None
                and waiting is not None
                and waiting.takes(values := sheet.values(row))
            ):
                waiting.take(here, values)
                yield None
                if waiting.full:
                    return
                continue
            yield items.of(here, row, reason, evidence)


class _Items:
    """The items of single rows of a file."""

    def __init__(self, sheet: Sheet, layout: forms.Layout, names: forms.Names) -> None:
        self._sheet, self._layout = sheet, layout
        self._wider = forms.Layouts(names, rows=True)

    def of(
        self, place: Place, row: Row, reason: str | None, evidence: Mapping[str, Any]
    ) -> Item | Fault:
        """The item of a row, or why there is none."""
        if reason is None:
            values = self._sheet.values(row)
            usual = len(values) == len(self._sheet.names)
            layout = self._layout if usual else self._wider.of(tuple(values))
            try:
                made = layout.read(values)
            except Unreadable as error:
                reason, evidence = error.reason, dict(error.evidence)
            else:
                made_of = _marked(made.records, row.odd)
                return Item(place, row.raw, made_of, made.form, made.text)
        shown = row.raw[: 4 * REJECT_TEXT].decode(self._sheet.charset, "replace")
        failed = reason not in ("preamble", "empty")
        held = _held(row.cells) or len(row.raw)
        return Fault(place, reason, evidence, shown, failed, row.raw, held)


def _marked(made: list[dict[str, Any]], charset: str | None) -> list[dict[str, Any]]:
    """Records of a row whose charset was guessed say so in their meta."""
    if charset is None:
        return made
    return [{**one, "meta": {"charset": charset, **one.get("meta", {})}} for one in made]


def _row_of(path: str, sheet: str, number: int, cells: list[str | None]) -> tuple[Place, bytes]:
    return Place(path, table=sheet, key=f"row={number}"), to_json(cells).encode()


def _held(cells: Sequence[str | None]) -> int:
    return sum(len(cell) for cell in cells if cell)
