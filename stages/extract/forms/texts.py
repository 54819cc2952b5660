"""The texts of columns, alone or in a template, by the rules of objects or of rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from stages.errors import Unreadable
from stages.extract.forms.names import columns_of, filled
from stages.extract.forms.values import NotText, as_text, not_text, strict_text

FILLED_CHARS = 16 << 20  # of one template


class Texts:
    """Reads the texts of objects, or of rows: there numbers are text by their digits, and NULL is
    as if it were not there."""

    def __init__(self, rows: bool) -> None:
        self._rows = rows

    def one(self, column: str, values: Mapping[str, Any]) -> str:
        """The text of one column. Unreadable: bad_type."""
        value = values[column]
        if type(value) is str:
            return value
        if not self._rows and not isinstance(value, NotText):
            return strict_text(column, value)
        text = "" if value is None else as_text(value)
        if isinstance(text, NotText):
            raise not_text(column, text)
        return text

    def filled(self, template: str, values: Mapping[str, Any]) -> str:
        """A column's text, or a template filled with those of its columns. Unreadable: bad_type,
        oversize."""
        if template in values:
            return self.one(template, values)
        texts = {column: self.one(column, values) for column in columns_of(template)}
        if sum(len(texts[column]) for column in columns_of(template)) > FILLED_CHARS:
            raise Unreadable("oversize", limit=FILLED_CHARS, of="characters of a filled template")
        return filled(template, texts)

    def characters(
        self, template: str, values: Mapping[str, Any], counted: Collection[str] = ()
    ) -> int:
        """The characters of a template's columns, without those that are counted already."""
        if template in values:
            return 0 if template in counted else len(self.one(template, values))
        columns = dict.fromkeys(columns_of(template))
        return sum([len(self.one(column, values)) for column in columns if column not in counted])
