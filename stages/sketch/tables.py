"""What the columns of a table are, by their names and by values of some rows: texts, keys, who
said something, in which thread, in which order.

Names are known in several languages; a name alone is never enough where values can say no.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from stages.roles import meaning

ROWS = 200  # of a table that are looked at


@dataclass
class Table:
    """A table with some of its rows. size: about how many rows there are; None: not known."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    size: int | None = None

    def values(self, column: str) -> list[Any]:
        """What the rows have of a column, without NULL."""
        at = self.columns.index(column)
        return [row[at] for row in self.rows if at < len(row) and row[at] is not None]

    def texts(self, column: str) -> list[str]:
        """The values of a column that are text with anything in it."""
        return [one for one in self.values(column) if isinstance(one, str) and one.strip()]


_WORD = r"(?:^|_|(?<=[a-z])(?=[A-Z]))"
_GROUP = re.compile(
    r"(?i)^(?:id_?)?(?:thread|topic|discussion|conversation|ticket|chat|session|dialogu?e?|room"
    r"|case|issue|thema|faden|sujet|tema|hilo)s?(?:_?(?:id|no|nr|key|uuid))?$|^tid$|^threadid$"
)
_PARENT = re.compile(
    r"(?i)^(?:in_)?(?:repl(?:y|ies)_?to|parent|answer_?to)(?:_?(?:id|post|post_?id))?$"
)
_AUTHOR = re.compile(
    r"(?i)^(?:id_?)?(?:author|user|poster|member|sender|speaker|from|autor|nutzer|usuario)"
    r"(?:_?(?:id|name))?$|^u?id_?(?:user|author)$|^(?:uid|created_by|username|posted_by)$"
)
_ORDER = re.compile(
    r"(?i)(?:^|_)(?:post_?number|number|seq(?:uence)?|position|idx|turn|order|created(?:_?at)?"
    r"|date|time|timestamp|posted(?:_?at)?|sent(?:_?at)?|dateline)$|_(?:time|date)$"
)
_TITLE = re.compile(
    r"(?i)(?:^|_)(?:title|subject|headline|titel|betreff|titre|sujet|t[ií]tulo|asunto|titolo)$"
)
_ACCEPTED = re.compile(r"(?i)accepted|is_?(?:answer|solution)|best_?answer|solved_?by")
_SCORE = re.compile(r"(?i)^(?:score|votes?|likes?|like_count|upvotes|rating|points)$")
_BODY = re.compile(
    r"(?i)(?:^|_)(?:body|content|text|message|post|pagetext|raw|answer|inhalt|nachricht|beitrag"
    r"|contenu|texte|contenido|texto|testo|description|beschreibung)(?:_?text)?$"
)
_NOT_TEXT = re.compile(
    r"(?i)hash|checksum|passw|token|salt|_ip$|^ip|url|link|href|mail|path|session_data|serialized"
    r"|bitfield|options|settings|useragent|user_agent|cooked|uuid|guid"
)
_PROSE = {True: (2.5, 10), False: (6, 35)}  # mean words and characters, of a known name or not
_KEYED = re.compile(r"(?i)^(?:id|.*_?id|nr|no|pid|uid|key)$")
_ODD = re.compile(r'^(?:[aOs]:\d+:[{"]|[{\[]"|https?://\S+$|[0-9a-fA-F-]{20,}$)')
QUESTIONS = (
    *("question", "frage", "pregunta", "domanda", "pergunta", "vraag", "pytanie", "fråga"),
    *("вопрос", "soru", "spørgsmål", "kysymys", "问题", "問題", "質問", "질문", "سؤال", "prompt"),
    *("query", "instruction", "user_message", "request", "anfrage", "q"),
)
ANSWERS = (
    *("answer", "antwort", "respuesta", "risposta", "réponse", "reponse", "resposta", "antwoord"),
    *("odpowiedź", "svar", "ответ", "cevap", "vastaus", "答案", "回答", "답변", "جواب", "response"),
    *("completion", "reply", "output", "solution", "lösung", "a"),
)


def is_number(value: Any) -> bool:
    """Whether a value is a whole number, or its digits."""
    return isinstance(value, int) or (
        isinstance(value, str) and value.isascii() and value.isdigit()
    )


def key_of(table: Table) -> str | None:
    """The column whose values tell the rows apart, by a name that keys have."""
    for column in sorted(table.columns, key=lambda name: name.lower() != "id"):
        found = table.values(column)
        if _KEYED.match(column) and found and len({*map(str, found)}) == len(table.rows):
            return column
    return None


def text_columns(table: Table) -> list[str]:
    """The columns of prose: by their names first, then the longest first."""
    found = []
    for column in table.columns:
        texts = table.texts(column)
        if _NOT_TEXT.search(column) or len(texts) < max(1, len(table.values(column)) // 2):
            continue
        odd = sum(_ODD.match(text.strip()) is not None for text in texts)
        words = sum(len(text.split()) for text in texts) / len(texts)
        length = sum(map(len, texts)) / len(texts)
        named = _BODY.search(column) is not None
        if any("\u3040" <= letter <= "\uffff" for letter in texts[0]):  # without spaces
            words = length / 3
        fewest, shortest = _PROSE[named]
        if odd * 2 < len(texts) and words >= fewest and length >= shortest:
            found.append((not named, -length, column))
    return [column for *_, column in sorted(found)]


def is_main(table: Table, column: str) -> bool:
    """Whether a column of prose is what the rows are for, by its name or by its length."""
    texts = table.texts(column)
    rest = sum(len(str(v)) for c in table.columns if c != column for v in table.values(c))
    return _BODY.search(column) is not None or sum(map(len, texts)) > 4 * rest


def body_of(table: Table) -> str | None:
    """The column of what is said in each row: no title, and of some length."""
    titles = [column for column in table.columns if _TITLE.search(column)]
    return next((column for column in text_columns(table) if column not in titles), None)


def title_of(table: Table) -> str | None:
    """The column of titles that are filled; what is said to search engines is none."""
    for column in table.columns:
        if _TITLE.search(column) and not column.startswith("meta_") and table.texts(column):
            return column
    return None


def group_of(table: Table) -> str | None:
    """The column that several rows have the same value of, by a name that threads have."""
    return _first(table, _GROUP, lambda found: len({*map(str, found)}) < len(found))


def parent_of(table: Table) -> str | None:
    """The column that leads to another row of the table: what was answered."""
    return _first(table, _PARENT, lambda found: any(map(is_number, found)))


def author_of(table: Table) -> str | None:
    """The column that says who a row is by."""
    return _first(table, _AUTHOR, lambda found: len({*map(str, found)}) > 1)


def order_of(table: Table) -> str | None:
    """The column that orders the rows of a thread: the key, else a number or a time."""
    return key_of(table) or _first(table, _ORDER, bool)


def accepted_of(table: Table) -> str | None:
    """The column that marks the answer that helped."""
    return _first(table, _ACCEPTED, bool)


def score_of(table: Table) -> str | None:
    """The column of votes."""
    return _first(table, _SCORE, lambda found: all(map(_signed, found)))


def role_of(table: Table) -> str | None:
    """The column whose words are roles: user and assistant in any of their names."""
    for column in table.columns:
        words = {one for one in table.values(column) if isinstance(one, str)}
        if 1 < len(words) <= 6 and {"user", "assistant"} <= {meaning(word) for word in words}:
            return column
    return None


def pair_of(columns: Iterable[str]) -> tuple[str, str] | None:
    """The columns of questions and answers by their names, in several languages."""
    names = list(columns)
    asked = _named(names, QUESTIONS)
    answered = _named([name for name in names if name != asked], ANSWERS)
    return (asked, answered) if asked is not None and answered is not None else None


def _named(names: Sequence[str], words: Sequence[str]) -> str | None:
    """The first name that is one of the words, or begins or ends with one: `Frage`, `answer_text`;
    of a single letter the whole name alone."""
    plain = {name: name.strip().lower() for name in names}
    for word in words:
        for name, lower in plain.items():
            if lower == word:
                return name
    for word in (word for word in words if len(word) > 1):
        for name, lower in plain.items():
            parts = re.split(r"[\W_]+", lower)
            if word in parts and "id" not in parts and not lower.endswith(("_by", "_at", "date")):
                return name
    return None


def _first(table: Table, name: re.Pattern[str], fits: Callable[[list[Any]], bool]) -> str | None:
    for column in table.columns:
        if name.search(column) and (found := table.values(column)) and fits(found):
            return column
    return None


def _signed(value: Any) -> bool:
    return is_number(value) or (isinstance(value, str) and value.lstrip("-").isdigit())
