"""Pieces between control tokens, put together, are what the tokenizer makes of the whole."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.tokens.encode import Encoder
from stages.tokens.model import load_tokenizer
from stages.tokens.pieces import Filled, Form
from stages.tokens.segments import Segment, Slot
from tests.tokens import families

KINDS = ("chatml", "qwen25", "llama2", "mistral3", "gemma2", "deepseek_v2")


@cache
def _encoder(name: str) -> Encoder:
    folder = families.folder(Path(mkdtemp()), name)
    return Encoder(load_tokenizer(str(folder)), name)


WORDS = st.sampled_from(
    [
        "peas ",
        " in rows",
        "\n",
        "  ",
        "é",
        "e\u0301",
        "雨",
        "👩‍👩‍👧",
        "▁",
        "x1",
        "<0x0A>",
        "\x00",
        "½",
    ]
)


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(WORDS, st.booleans(), st.integers(0, 3)), max_size=12))
def test_pieces_are_as_the_tokenizer_alone_has_them(
    name: str, parts: list[tuple[str, bool, int]]
) -> None:
    encoder = _encoder(name)
    special = [*sorted(encoder.special), ""]
    row: list[Segment] = []
    for text, trained, number in parts:
        row.append(Segment(text, True, trained))
        if number < len(special) and special[number]:
            row.append(Segment(special[number], False, trained))
    found = encoder.renderings([row, [Segment("In between.", True, True)], row])
    expected = encoder._careful.rows([row])
    assert encoder._assembler is not None
    for at in (0, 2):
        ids = found.ids[found.bounds[at] : found.bounds[at + 1]]
        assert ids.tolist() == expected.ids.tolist()
        assert found.spans[at] == expected.spans[0]
        assert bool(found.lossy[at]) == bool(expected.lossy[0])


@pytest.mark.parametrize("name", KINDS)
def test_where_tokens_end_is_a_sum(name: str) -> None:
    encoder = _encoder(name)
    for text in ("Peas in rows, naïve or not: 雨 👩‍👩‍👧.", " lead", "a", "\n\n# b\n"):
        ids = encoder.texts([text]).ids
        own = encoder.ends(text)
        summed = encoder.ends(text, np.asarray(ids))
        assert summed[-1] == len(text) and len(summed) == len(own)
        # The blank before a text ends nowhere in it.
        whole = [n for n, end in enumerate(own) if text[:end].isascii() and summed[n]]
        assert [summed[n] for n in whole] == [own[n] for n in whole]


@pytest.mark.parametrize("name", KINDS)
def test_ordinary_rows_need_no_second_look(name: str) -> None:
    encoder = _encoder(name)
    assert encoder._assembler is not None
    texts = ["Peas in rows, naïve or not: 雨.", "Ten, at dusk: grün.\n\n1. Dig", " a  b "]
    assert encoder._assembler.texts(texts).doubtful == []
    mark = sorted(encoder.special)[0]
    slots = [
        Segment(mark, False, False),
        Slot(0, False, False, False),
        Segment(f"\n{mark}", False, False),
        Slot(1, False, True, True),
        Segment(mark, False, True),
    ]
    rows = [Filled(Form(slots), [one, other]) for one in texts for other in texts]
    found = encoder._assembler.rows(rows)
    assert found.doubtful == []
    expected = encoder._careful.rows(rows)
    assert found.ids.tolist() == expected.ids.tolist() and found.spans == expected.spans
