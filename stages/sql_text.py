"""SQL laid out for people, by sqlparse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages import check

# sqlparse's work grows with the square of the length; it stops by itself at 10,000 tokens.
FORMATTED_CHARS = 1 << 16


def formatted(text: str) -> str:
    """SQL with a clause a line; as it is where it is longer than 65,536 characters, deeper than
    sqlparse goes, or would come out as other SQL. No letter is changed: sqlparse takes columns
    such as `completion` for keywords."""
    if len(text) > FORMATTED_CHARS:
        return text
    import sqlparse
    from sqlparse.exceptions import SQLParseError

    try:
        found = str(sqlparse.format(text, reindent=True)).strip()
    except (SQLParseError, RecursionError):
        return text
    return found if _bare(found) == _bare(text) else text


def _bare(text: str) -> str:
    return "".join(text.split())


def laid_out(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a stage as people read them: those that hold SQL (`language: sql` in the
    field's metadata) formatted."""
    known = check.parameters(cls)
    return {
        name: formatted(value) if isinstance(value, str) and _is_sql(known.get(name)) else value
        for name, value in values.items()
    }


def _is_sql(parameter: Any) -> bool:
    return parameter is not None and parameter[1].metadata.get("language") == "sql"
