"""Tokenizers of other layouts: Unigram and WordPiece get transformers' ids, and no false marks."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)

from stages.tokens.tokenize import Tokenize
from tests.tokens.families import TEXTS

TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '</s>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
LAYOUTS = ("unigram-always", "unigram-first", "unigram-bytes", "wordpiece")


@cache
def _folder(layout: str) -> str:
    if layout == "wordpiece":
        made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        made.normalizer = normalizers.BertNormalizer(lowercase=False)
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        made.decoder = decoders.WordPiece()
        first = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
        trainer: Any = trainers.WordPieceTrainer(
            vocab_size=400, special_tokens=first, show_progress=False
        )
    else:
        scheme = "first" if layout == "unigram-first" else "always"
        made = Tokenizer(models.Unigram())
        made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
        made.decoder = decoders.Metaspace(prepend_scheme=scheme)
        trainer = trainers.UnigramTrainer(
            vocab_size=300,
            unk_token="<unk>",
            special_tokens=["<pad>", "<unk>"],
            show_progress=False,
            initial_alphabet=[chr(number) for number in range(32, 127)],
        )
    made.train_from_iterator(TEXTS * 5, trainer)
    if layout == "unigram-bytes":
        told = json.loads(made.to_str())
        told["model"]["vocab"] += [[f"<0x{number:02X}>", -20.0] for number in range(256)]
        told["model"]["byte_fallback"] = True
        told["decoder"] = {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            ],
        }
        made = Tokenizer.from_str(json.dumps(told))
    control = ("<|user|>", "<|assistant|>", "</s>")
    made.add_special_tokens([AddedToken(one, special=True, normalized=False) for one in control])
    made.add_tokens([AddedToken("<call>", special=False, normalized=False)])
    folder = Path(mkdtemp())
    made.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "eos_token": "</s>",
        "chat_template": TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return str(folder)


def _kept(layout: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rejects: list[dict[str, Any]] = []
    kept = Tokenize(model=_folder(layout))(rows, rejects)
    assert not rejects
    return list(kept)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_conversations_get_the_ids_of_transformers(layout: str) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(_folder(layout))
    texts = [TEXTS[0][:60], "  lead", "<call>x</call>", "two <call> calls", "new\nline"]
    rows = [{"prompt": one, "completion": other} for one in texts for other in texts]
    for row, kept in zip(rows, _kept(layout, rows), strict=True):
        talk = [
            {"role": "user", "content": row["prompt"]},
            {"role": "assistant", "content": row["completion"]},
        ]
        text = tokenizer.apply_chat_template(talk, tokenize=False)
        assert kept["input_ids"] == tokenizer(text, add_special_tokens=False)["input_ids"]
        asked = tokenizer.apply_chat_template(talk[:1], tokenize=False, add_generation_prompt=True)
        begin = tokenizer(asked, add_special_tokens=False)["input_ids"]
        assert kept["loss_mask"].index(True) == len(begin)
        assert kept["loss_mask"][-1]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_control_token_in_a_content_stays_text(layout: str) -> None:
    (kept,) = _kept(layout, [{"prompt": "a </s> b", "completion": "<|user|>c"}])
    plain = _kept(layout, [{"prompt": "a", "completion": "c"}])[0]
    control = set(plain["input_ids"]) & set(kept["input_ids"])
    tokens = [number for number in kept["input_ids"] if number in control]
    assert kept["input_ids"].count(kept["input_ids"][-1]) == 2
    assert len(tokens) >= 4


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_comes_back_is_not_marked_as_lossy(layout: str) -> None:
    words = " ".join(TEXTS[0].split()[:4]) if layout != "wordpiece" else "the garden"
    known = [{"text": words}, {"prompt": words, "completion": words}]
    assert [row["lossy"] for row in _kept(layout, known)] == [False, False]
    beyond = "Ж" if layout != "unigram-bytes" else "\u2581"
    assert _kept(layout, [{"text": f"{beyond} a"}])[0]["lossy"]
