"""Rows that a stage passes over are those with which it would do nothing."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from stages.clean import normalize, pii
from stages.clean.normalize import Normalize
from stages.clean.pii import Pii
from stages.looked_at import rows_holding
from stages.records import VIEWS, fields, to_table

_PIECES = [
    *"aZ 09\n\t\r.,-:/@&;#+()_", "\x0b", "\x1f", "\x7f", "\x85", "\x9f", "\xa0", "\xad", "é",
    "e\u0301", "Ã©", "\u200b", "\u200d", "\u2028", "\u202f", "\u2066", "\u3000", "\ufeff",
    "\ufffe", "日本", "Å", "\u0915\u094d", "😀", "&amp;", "&#233;", "word ", "\n\n\n",
    "&CounterClockwiseContourIntegral;", "a@b.org", "https://u:pw@h.org", "AKIAABCDEFGHIJKLMNOP",
    "sk-", "2001:db8::1", "192.168.1.77", "+49 30 1234567", "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00", "212-555-0123", "ligature ﬁ",
]  # fmt: skip


def _texts(seed: int) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choices(_PIECES, k=draw.choice([0, 1, 2, 3, 8]))) for _ in range(400)]


def _holds(texts: list[str], pattern: str) -> list[bool]:
    return list(pc.match_substring_regex(pa.array(texts), pattern).to_pylist())


@pytest.mark.parametrize("seed", range(5))
def test_what_personal_data_are_found_in_holds_the_hint(seed: int) -> None:
    texts = _texts(seed)
    for text, held in zip(texts, _holds(texts, pii._HINT), strict=True):
        assert held or not pii.find(text), text


@pytest.mark.parametrize("form", ["NFC", "NFKC", "none"])
@pytest.mark.parametrize("seed", range(5))
def test_a_text_that_is_normal_at_a_look_is_normal(seed: int, form: Any) -> None:
    for blank_lines in (0, 1, 2):
        stage = Normalize(form=form, blank_lines=blank_lines)
        texts = _texts(seed)
        for text, held in zip(texts, _holds(texts, normalize._ODD), strict=True):
            if not text.isascii() and stage._is_normal(text):
                assert stage._once(text) == text, text
            assert held or (text and stage.text(text) == text), text


def _talk(*turns: tuple[str, str | None, str | None]) -> dict[str, Any]:
    return {"messages": [{"role": r, "content": c, "extra": e} for r, c, e in turns]}


ROWS = [
    {"text": "plain"},
    {"text": "a@b.org"},
    {"prompt": "plain", "completion": None},
    {"prompt": None, "completion": "a@b.org"},
    {"prompt": "a@b.org", "completion": "plain"},
    _talk(("user", "plain", None), ("assistant", "a@b.org", None)),
    _talk(("user", "plain", None)),
    _talk(("assistant", None, '{"reasoning_content":"a@b.org"}')),
    _talk(("assistant", None, None)),
    _talk(),
    {"prompt": "a", "completion": "b", "meta": {"rejected": "a@b.org"}},
    {"prompt": None, "completion": None},
]


@pytest.mark.parametrize("view", VIEWS)
def test_rows_passed_over_hold_nothing_and_those_without_text_are_told(view: Any) -> None:
    base = {"source": "s", "place": "p"}
    table = to_table([{"id": str(n), **base, **row} for n, row in enumerate(ROWS)])
    looked, without = rows_holding(table.slice(1), view, "@")
    looked, without = [row + 1 for row in looked], [row + 1 for row in without]
    for number, record in enumerate(table.to_pylist()[1:], 1):
        found = fields(record, view)
        if number in looked:
            continue
        assert not any("@" in text for _, text in found) and number != 10
        assert (number in without) == (not found)


def test_the_outcome_is_that_of_looking_at_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    base = {"source": "s", "place": "p"}
    rows = [{"id": str(n), **base, **row} for n, row in enumerate(ROWS)]
    table = to_table(
        [*rows, *({"id": f"t{n}", **base, "text": t} for n, t in enumerate(_texts(9)))]
    )
    for stage in (Pii(), Pii(on="output"), Pii(action="drop"), Normalize(), Normalize(on="input")):
        found = stage.split(table)
        with monkeypatch.context() as patch:
            every = (list(range(len(table))), [])
            patch.setattr("stages.verdicts.rows_holding", lambda *_, every=every: every)
            wanted = stage.split(table)
        assert found.kept.to_pydict() == wanted.kept.to_pydict()
        assert found.rejects.to_pydict() == wanted.rejects.to_pydict()
        assert found.counts == wanted.counts
