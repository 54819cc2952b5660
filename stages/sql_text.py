"""SQL laid out for people, by sqlparse."""

from __future__ import annotations

# sqlparse's work grows with the square of the length; it stops by itself at 10,000 tokens.
FORMATTED_CHARS = 1 << 16


def formatted(text: str) -> str:
    """SQL with a clause a line and keywords in capitals; as it is where it is longer than 65,536
    characters, deeper than sqlparse goes, or would come out as other SQL."""
    if len(text) > FORMATTED_CHARS:
        return text
    import sqlparse
    from sqlparse.exceptions import SQLParseError

    try:
        laid_out = str(sqlparse.format(text, reindent=True, keyword_case="upper")).strip()
    except (SQLParseError, RecursionError):
        return text
    return laid_out if _bare(laid_out) == _bare(text) else text


def _bare(text: str) -> str:
    return "".join(text.split()).casefold()
