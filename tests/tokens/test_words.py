"""The table of words gives the tokenizer's own ids, or is not used."""

from __future__ import annotations

import json
import sys
import unicodedata
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from stages.tokens import model, words
from stages.tokens.encode import Encoder
from stages.tokens.segments import Segment
from stages.tokens.words import WordTable


class Both:
    """A tokenizer in which control tokens are off, and its table, if any."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.plain: Tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self.plain.encode_special_tokens = True
        self.table: WordTable | None = words.word_table(self.plain, json.loads(tokenizer.to_str()))


@lru_cache(maxsize=1)
def _embedded() -> Both:
    return Both(model.load_tokenizer())


@pytest.fixture
def both() -> Both:
    return _embedded()


def _same(both: Both, texts: list[str]) -> None:
    assert both.table is not None, "the table was refused"
    expected = [e.ids for e in both.plain.encode_batch(texts, add_special_tokens=False)]
    got = [np.frombuffer(ids, dtype=np.int32).tolist() for ids in both.table.encode(texts)]
    for text, one, other in zip(texts, got, expected, strict=True):
        assert one == other, repr(text)


def test_every_character_is_cut_as_the_tokenizer_cuts_it(both: Both) -> None:
    known = [
        chr(number)
        for number in range(sys.maxunicode + 1)
        if unicodedata.category(chr(number)) not in ("Cn", "Cs", "Co")
    ]
    assert len(known) > 140_000
    # Ideographs and syllables are alike: every seventh of them.
    chosen = [c for n, c in enumerate(known) if unicodedata.category(c) != "Lo" or n % 31 == 0]
    _same(
        both,
        [
            "".join(f"a{c}1 {c}{c} {c}\n{c}'s" for c in chosen[at : at + 20])
            for at in range(0, len(chosen), 20)
        ],
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_any_text(texts: list[str]) -> None:
    _same(_embedded(), texts)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=" \t\n\r1a'sS_<|>é½٣\u2003\x1c.", max_size=60))
def test_the_order_of_spaces_digits_and_quotes(text: str) -> None:
    _same(_embedded(), [text])


def test_long_documents_and_long_words(both: Both) -> None:
    document = " ".join(f"word{n} {n * 7} it's\n\n  {'x' * (n % 70)}" for n in range(20_000))
    assert len(document) > 600_000
    _same(both, [document, "y" * 100_000, " " * 100_000, "", "\ue000 private", "𐍈 old 👩‍👩‍👧"])


def test_the_table_forgets_rather_than_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Both(model.load_tokenizer())
    monkeypatch.setattr(words, "WORDS", 50)
    for number in range(20):
        _same(both, [f"alpha{number}beta gamma{'x' * number} delta"])
        assert both.table is not None
        assert number == 0 or len(both.table._known) <= 50


def _trained(steps: list[object]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|end|>"],
    )
    tokenizer.train_from_iterator(["the garden opens at 10 1000 times"], trainer)
    return tokenizer


def test_gpt2_s_layout_is_known_and_others_are_left_alone() -> None:
    texts = ["it's 1000 times  10 ½ Ⅷ", "a  1", " 12 ab34"]
    gpt2 = Both(_trained([pre_tokenizers.ByteLevel(add_prefix_space=False)]))
    _same(gpt2, texts)
    in_threes = [
        pre_tokenizers.Digits(individual_digits=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    ]
    other = Both(_trained(in_threes))
    assert other.table is None


def test_a_table_that_does_not_prove_equal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Tokenizer.from_str(model.load_tokenizer().to_str())
    plain.encode_special_tokens = True
    layout = json.loads(plain.to_str())
    assert words.word_table(plain, layout) is not None
    wrong = words._patterns(False)
    monkeypatch.setattr(words, "_patterns", lambda digits_first: wrong)
    assert words.word_table(plain, layout) is None


def test_control_tokens_count_only_where_they_are_looked_for() -> None:
    text = "a<|im_end|>b<|im_start|>"
    encoder = Encoder(model.load_tokenizer())
    marked = encoder.renderings([[Segment(text, False, True)]])
    assert marked.ids.tolist() == encoder.marked.encode(text, add_special_tokens=False).ids
    assert (marked.ids < 17).sum() == 2
    assert (encoder.renderings([[Segment(text, True, True)]]).ids >= 17).all()
    assert (encoder.texts([text]).ids >= 17).all()


def test_a_tokenizer_with_other_added_tokens_has_no_table() -> None:
    tokenizer = Tokenizer.from_str(model.load_tokenizer().to_str())
    tokenizer.add_tokens(["seedbed"])
    assert Both(tokenizer).table is None
